package collective

import (
	"context"
	"fmt"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Operation is one rank's part of an operation that it has announced.
type Operation struct {
	rank   *Rank
	kind   kind
	n      uint64 // place in the order
	peer   int    // of Send and Recv
	input  int64  // bytes that Run takes
	output int64  // and returns
	result func(parts [][]byte) ([]byte, error)
}

// kind is what all ranks must agree on.
type kind struct {
	name  string
	bytes int64 // that a rank contributes, or root does
	dtype tensor.DType
	op    driver.ReduceOp
	root  int
}

// String returns for example "Reduce of 8 bytes, float32, sum, root 0".
func (k kind) String() string {
	s := fmt.Sprintf("%s of %d bytes", k.name, k.bytes)
	if k.dtype != tensor.Undefined {
		s += fmt.Sprintf(", %v, %v", k.dtype, k.op)
	}
	if k.root >= 0 {
		s += fmt.Sprintf(", root %d", k.root)
	}
	return s
}

// announce takes the next place in the order of collective operations.
func (r *Rank) announce(k kind, input, output int64, result func([][]byte) ([]byte, error)) *Operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	return &Operation{rank: r, kind: k, n: r.next, peer: -1, input: input, output: output, result: result}
}

func (r *Rank) checkRank(op, what string, rank int) error {
	if rank < 0 || rank >= r.room.size {
		return driver.Errorf(driver.InvalidArgument, op, "%s %d of %d ranks", what, rank, r.room.size)
	}
	return nil
}

// checkSizes holds dst against what src makes, times over divided by parts.
func checkSizes(op string, dst, src int64, times, parts int) error {
	if dst < 0 || src < 0 || src%int64(parts) != 0 || dst%int64(times) != 0 || dst/int64(times) != src/int64(parts) {
		return driver.Errorf(driver.InvalidArgument, op, "%d bytes from %d: wanted %d for every %d", dst, src, times, parts)
	}
	return nil
}

// AllReduce announces driver.Comm.AllReduce over regions of these sizes.
func (r *Rank) AllReduce(dst, src int64, d tensor.DType, op driver.ReduceOp) (*Operation, error) {
	const name = "AllReduce"
	if err := first(checkSizes(name, dst, src, 1, 1), checkReduction(name, src, d, op)); err != nil {
		return nil, err
	}
	return r.announce(kind{name, src, d, op, -1}, src, dst, func(parts [][]byte) ([]byte, error) {
		return reduce(parts, d, op)
	}), nil
}

// Reduce announces driver.Comm.Reduce. The sizes are root's; others' dst is not
// looked at.
func (r *Rank) Reduce(dst, src int64, d tensor.DType, op driver.ReduceOp, root int) (*Operation, error) {
	const name = "Reduce"
	if r.rank != root {
		dst = src
	}
	if err := first(r.checkRank(name, "root", root), checkSizes(name, dst, src, 1, 1), checkReduction(name, src, d, op)); err != nil {
		return nil, err
	}
	output, result := int64(0), nothing
	if r.rank == root {
		output, result = dst, func(parts [][]byte) ([]byte, error) { return reduce(parts, d, op) }
	}
	return r.announce(kind{name, src, d, op, root}, src, output, result), nil
}

// Broadcast announces driver.Comm.Broadcast. Root alone contributes bytes, and
// receives none.
func (r *Rank) Broadcast(size int64, root int) (*Operation, error) {
	const name = "Broadcast"
	if err := first(r.checkRank(name, "root", root), checkSizes(name, size, size, 1, 1)); err != nil {
		return nil, err
	}
	k := kind{name: name, bytes: size, root: root}
	if r.rank == root {
		return r.announce(k, size, 0, nothing), nil
	}
	return r.announce(k, 0, size, func(parts [][]byte) ([]byte, error) { return parts[root], nil }), nil
}

// AllGather announces driver.Comm.AllGather.
func (r *Rank) AllGather(dst, src int64) (*Operation, error) {
	const name = "AllGather"
	if err := checkSizes(name, dst, src, r.room.size, 1); err != nil {
		return nil, err
	}
	return r.announce(kind{name: name, bytes: src, root: -1}, src, dst, func(parts [][]byte) ([]byte, error) {
		out := make([]byte, 0, dst)
		for _, p := range parts {
			out = append(out, p...)
		}
		return out, nil
	}), nil
}

// ReduceScatter announces driver.Comm.ReduceScatter.
func (r *Rank) ReduceScatter(dst, src int64, d tensor.DType, op driver.ReduceOp) (*Operation, error) {
	const name = "ReduceScatter"
	if err := first(checkSizes(name, dst, src, 1, r.room.size), checkReduction(name, dst, d, op)); err != nil {
		return nil, err
	}
	from := int64(r.rank) * dst
	return r.announce(kind{name, src, d, op, -1}, src, dst, func(parts [][]byte) ([]byte, error) {
		own := make([][]byte, len(parts))
		for i, p := range parts {
			own[i] = p[from : from+dst]
		}
		return reduce(own, d, op)
	}), nil
}

// AllToAll announces driver.Comm.AllToAll.
func (r *Rank) AllToAll(dst, src int64) (*Operation, error) {
	const name = "AllToAll"
	n := r.room.size
	if err := first(checkSizes(name, dst, src, 1, 1), checkSizes(name, dst, src, n, n)); err != nil {
		return nil, err
	}
	part := src / int64(n)
	return r.announce(kind{name: name, bytes: src, root: -1}, src, dst, func(parts [][]byte) ([]byte, error) {
		out := make([]byte, 0, dst)
		for _, p := range parts {
			out = append(out, p[int64(r.rank)*part:int64(r.rank+1)*part]...)
		}
		return out, nil
	}), nil
}

// Send announces driver.Comm.Send. Running it does not wait for the receiver.
func (r *Rank) Send(src int64, to int) (*Operation, error) {
	if err := first(r.checkRank("Send", "to rank", to), checkSizes("Send", src, src, 1, 1)); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sends[to]++
	return &Operation{rank: r, kind: kind{name: "Send", bytes: src, root: -1}, n: r.sends[to], peer: to, input: src}, nil
}

// Recv announces driver.Comm.Recv.
func (r *Rank) Recv(dst int64, from int) (*Operation, error) {
	if err := first(r.checkRank("Recv", "from rank", from), checkSizes("Recv", dst, dst, 1, 1)); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recvs[from]++
	return &Operation{rank: r, kind: kind{name: "Recv", bytes: dst, root: -1}, n: r.recvs[from], peer: from, output: dst}, nil
}

// Sends reports whether this is a Send. Of a group, these come first.
func (o *Operation) Sends() bool { return o.kind.name == "Send" }

// Name returns the operation's name: "AllReduce".
func (o *Operation) Name() string { return o.kind.name }

// Input returns how many bytes Run takes.
func (o *Operation) Input() int64 { return o.input }

// Output returns how many bytes Run returns.
func (o *Operation) Output() int64 { return o.output }

// Run contributes bytes, which must not change afterwards, waits for the other
// ranks and returns what this one receives, which must not be changed either.
// It is called once.
func (o *Operation) Run(ctx context.Context, src []byte) ([]byte, error) {
	if int64(len(src)) != o.input {
		return nil, driver.Errorf(driver.InvalidArgument, o.kind.name, "%d bytes contributed, %d announced", len(src), o.input)
	}
	room, own := o.rank.room, o.rank.rank
	switch o.kind.name {
	case "Send":
		return nil, room.post(letter{own, o.peer, o.n}, src)
	case "Recv":
		got, err := room.take(ctx, letter{o.peer, own, o.n})
		if err == nil && int64(len(got)) != o.output {
			return nil, driver.Errorf(driver.InvalidArgument, "Recv", "rank %d sent %d bytes, %d were expected", o.peer, len(got), o.output)
		}
		return got, err
	}
	parts, err := room.meet(ctx, o.n, own, o.kind, src)
	if err != nil {
		return nil, err
	}
	return o.result(parts)
}

func nothing([][]byte) ([]byte, error) { return nil, nil }

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
