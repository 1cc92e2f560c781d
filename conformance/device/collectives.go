package device

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// ranks is how many handles of the device compute together.
const ranks = 3

func collectiveCells() []Cell {
	return []Cell{
		works("Collective.NewCommID", func(p *probe) {
			a, err := adapter.NewCommID(p.d)
			p.must(err, "a name")
			b, err := adapter.NewCommID(p.d)
			p.must(err, "another name")
			p.expect(a != b && a != driver.CommID{}, "two communicators have one name")
		}),
		works("Collective.JoinComm", func(p *probe) {
			p.together(func(r *rank) error {
				if r.comm.Rank() != r.number || r.comm.Size() != ranks {
					return fmt.Errorf("rank %d of %d is told that it is %d of %d", r.number, ranks, r.comm.Rank(), r.comm.Size())
				}
				return nil
			})
		}),
		refuses("Collective.JoinComm", joinRefuses),
		works("Comm.AllReduce", reductionsWork),
		refuses("Comm.AllReduce", func(p *probe) {
			c := p.alone()
			b := p.alloc(64)
			p.refused(c.AllReduce(p.ctx, nil, p.region(b, 0, 8), p.region(b, 8, 12), tensor.Float32, driver.Sum), driver.InvalidArgument, "12 bytes into 8")
			p.refusedAs(c.AllReduce(p.ctx, nil, b.All(), b.All(), tensor.String, driver.Sum), []driver.Code{driver.InvalidArgument, driver.Unsupported}, "strings")
			p.refused(c.AllReduce(p.ctx, nil, b.All(), b.All(), tensor.Float32, 99), driver.InvalidArgument, "reduction 99")
			p.refusesRegions(64, func(r driver.Region) error { return c.AllReduce(p.ctx, nil, r, r, tensor.Float32, driver.Sum) })
		}),
		works("Comm.Broadcast", func(p *probe) {
			p.exchange("rank 1's bytes", 100, 100, func(r *rank, dst, src *adapter.Buffer) error {
				return r.comm.Broadcast(r.ctx, r.s, src.All(), 1)
			}, func(int) []byte { return pattern(100, 1) }, inSource)
		}),
		refuses("Comm.Broadcast", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			for _, root := range []int{-1, 1, 99} {
				p.refused(c.Broadcast(p.ctx, nil, b.All(), root), driver.InvalidArgument, "from rank %d of 1", root)
			}
			p.refusesRegions(64, func(r driver.Region) error { return c.Broadcast(p.ctx, nil, r, 0) })
		}),
		works("Comm.Reduce", reductionsWork),
		refuses("Comm.Reduce", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			for _, root := range []int{-1, 1, 99} {
				p.refused(c.Reduce(p.ctx, nil, b.All(), b.All(), tensor.Int32, driver.Sum, root), driver.InvalidArgument, "to rank %d of 1", root)
			}
			p.refusesRegions(64, func(r driver.Region) error { return c.Reduce(p.ctx, nil, r, r, tensor.Int32, driver.Sum, 0) })
		}),
		works("Comm.AllGather", func(p *probe) {
			p.exchange("all ranks' bytes", 40*ranks, 40, func(r *rank, dst, src *adapter.Buffer) error {
				return r.comm.AllGather(r.ctx, r.s, dst.All(), src.All())
			}, func(int) []byte {
				var all []byte
				for k := range byte(ranks) {
					all = append(all, pattern(40, k)...)
				}
				return all
			}, inDestination)
		}),
		refuses("Comm.AllGather", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			p.refused(c.AllGather(p.ctx, nil, p.region(b, 0, 8), p.region(b, 8, 9)), driver.InvalidArgument, "9 bytes of 1 rank into 8")
			p.refusesRegions(64, func(r driver.Region) error { return c.AllGather(p.ctx, nil, r, r) })
		}),
		works("Comm.ReduceScatter", reductionsWork),
		refuses("Comm.ReduceScatter", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			p.refused(c.ReduceScatter(p.ctx, nil, p.region(b, 0, 8), p.region(b, 8, 12), tensor.Int32, driver.Sum), driver.InvalidArgument, "12 bytes of 1 rank into 8")
			p.refusesRegions(64, func(r driver.Region) error { return c.ReduceScatter(p.ctx, nil, r, r, tensor.Int32, driver.Sum) })
		}),
		works("Comm.AllToAll", func(p *probe) {
			p.exchange("a part from every rank", 20*ranks, 20*ranks, func(r *rank, dst, src *adapter.Buffer) error {
				return r.comm.AllToAll(r.ctx, r.s, dst.All(), src.All())
			}, func(own int) []byte {
				var all []byte
				for k := range byte(ranks) {
					all = append(all, pattern(20*ranks, k)[20*own:20*own+20]...)
				}
				return all
			}, inDestination)
		}),
		refuses("Comm.AllToAll", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			p.refused(c.AllToAll(p.ctx, nil, p.region(b, 0, 8), p.region(b, 8, 9)), driver.InvalidArgument, "9 bytes into 8")
			p.refusesRegions(64, func(r driver.Region) error { return c.AllToAll(p.ctx, nil, r, r) })
		}),
		works("Comm.Send", messagesWork),
		refuses("Comm.Send", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			for _, to := range []int{-1, 1, 99} {
				p.refused(c.Send(p.ctx, nil, b.All(), to), driver.InvalidArgument, "from the only rank to rank %d", to)
			}
			p.refusesRegions(64, func(r driver.Region) error { return c.Send(p.ctx, p.stream(), r, 0) })
		}),
		works("Comm.Recv", messagesWork),
		cell("Comm.Recv", "deadline", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			ctx, cancel := context.WithTimeout(p.ctx, 20*time.Millisecond)
			defer cancel()
			p.within(soon, "waiting 20 ms for bytes that nobody sends", func() {
				p.refused(c.Recv(ctx, nil, b.All(), 0), driver.Canceled, "bytes that nobody sends")
			})
			p.refused(c.Recv(p.ctx, nil, b.All(), 0), driver.Aborted, "a communicator that a rank gave up")
		}),
		refuses("Comm.Recv", func(p *probe) {
			c, b := p.alone(), p.alloc(64)
			for _, from := range []int{-1, 1, 99} {
				p.refused(c.Recv(p.ctx, nil, b.All(), from), driver.InvalidArgument, "to the only rank from rank %d", from)
			}
			p.refusesRegions(64, func(r driver.Region) error {
				_ = c.Send(p.ctx, nil, b.All(), 0) // for a device that looks at the region when there is something to receive
				return c.Recv(p.ctx, p.stream(), r, 0)
			})
		}),
		works("Comm.GroupStart", groupsWork),
		works("Comm.GroupEnd", groupsWork),
		refuses("Comm.GroupEnd", func(p *probe) {
			c := p.alone()
			p.refused(c.GroupEnd(p.ctx), driver.InvalidArgument, "ending what was not started")
			p.must(c.GroupStart(), "starting")
			p.must(c.GroupStart(), "starting inside")
			p.must(c.GroupEnd(p.ctx), "ending inside")
			p.must(c.GroupEnd(p.ctx), "ending")
			p.refused(c.GroupEnd(p.ctx), driver.InvalidArgument, "ending once more than was started")
		}),
		works("Comm.Abort", abortWorks),
		works("Comm.Close", func(p *probe) {
			p.together(func(r *rank) error {
				b, err := r.d.Alloc(4, driver.DeviceMemory)
				if err == nil {
					err = r.comm.AllReduce(r.ctx, r.s, b.All(), b.All(), tensor.Int32, driver.Max)
				}
				if err == nil {
					err = r.comm.Close()
				}
				if err == nil {
					err = r.s.Synchronize(r.ctx)
				}
				if again := r.comm.Close(); err == nil && !errors.Is(again, driver.Closed) {
					err = fmt.Errorf("closing twice: %v", again)
				}
				return err
			})
		}),
	}
}

// rank is one of several that compute together, each with a handle of the device
// and a stream.
type rank struct {
	ctx    context.Context
	number int
	d      *adapter.Device
	s      *adapter.Stream
	comm   *adapter.Comm
}

// together runs f on all ranks of a communicator.
func (p *probe) together(f func(r *rank) error) {
	devices := []*adapter.Device{p.d}
	for len(devices) < ranks {
		devices = append(devices, p.second())
	}
	id, err := adapter.NewCommID(devices...)
	p.must(err, "a name")
	ctx, cancel := context.WithTimeout(p.ctx, 2*soon)
	defer cancel()
	errs := make([]error, ranks)
	var wait sync.WaitGroup
	for i, d := range devices {
		wait.Go(func() {
			errs[i] = safely(func() error {
				comm, err := d.JoinComm(ctx, id, i, ranks)
				if err != nil {
					return err
				}
				s, err := d.NewStream()
				if err != nil {
					return err
				}
				return f(&rank{ctx, i, d, s, comm})
			})
		})
	}
	wait.Wait()
	for i, err := range errs {
		p.must(err, "rank %d of %d", i, ranks)
	}
}

// alone returns a communicator of one rank.
func (p *probe) alone() *adapter.Comm {
	id, err := adapter.NewCommID(p.d)
	p.must(err, "a name")
	c, err := p.d.JoinComm(p.ctx, id, 0, 1)
	p.must(err, "joining alone")
	return c
}

// Where an exchange leaves what a rank receives.
const (
	inDestination = false
	inSource      = true
)

// exchange has every rank begin with a pattern of its number in its source, and
// holds what it receives against what it is to.
func (p *probe) exchange(what string, dst, src int64, do func(r *rank, dst, src *adapter.Buffer) error, want func(rank int) []byte, source bool) {
	p.together(func(r *rank) error {
		to, err := r.d.Alloc(dst, driver.DeviceMemory)
		if err != nil {
			return err
		}
		from, err := r.d.Alloc(src, driver.DeviceMemory)
		if err != nil {
			return err
		}
		if err := r.d.CopyIn(r.ctx, from.All(), pattern(src, byte(r.number))); err != nil {
			return err
		}
		if err := do(r, to, from); err != nil {
			return err
		}
		if source == inSource {
			to = from
		}
		return r.holds(to, want(r.number), what)
	})
}

// holds waits for the rank's stream and looks at a buffer.
func (r *rank) holds(b *adapter.Buffer, want []byte, what string) error {
	if err := r.s.Synchronize(r.ctx); err != nil {
		return err
	}
	got := make([]byte, b.Size())
	if err := r.d.CopyOut(r.ctx, got, b.All()); err != nil {
		return err
	}
	if string(got) != string(want) {
		return fmt.Errorf("%s: %x, not %x", what, got, want)
	}
	return nil
}

// words are int32 numbers as bytes.
func words(v ...int32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.NativeEndian.AppendUint32(b, uint32(x))
	}
	return b
}

// reductionsWork reduces three ranks' numbers in every way, to all, to one and in
// parts.
func reductionsWork(p *probe) {
	in := [ranks][]int32{{1, -5, 7}, {2, 6, 7}, {4, 8, math.MaxInt32}}
	out := map[driver.ReduceOp][]int32{
		driver.Sum: {7, 9, math.MinInt32 + 13}, driver.Product: {8, -240, math.MaxInt32 - 48}, driver.Min: {1, -5, 7}, driver.Max: {4, 8, math.MaxInt32},
	}
	p.together(func(r *rank) error {
		src, err := r.d.Alloc(12, driver.DeviceMemory)
		if err != nil {
			return err
		}
		if err := r.d.CopyIn(r.ctx, src.All(), words(in[r.number]...)); err != nil {
			return err
		}
		for _, op := range []driver.ReduceOp{driver.Sum, driver.Product, driver.Min, driver.Max} {
			if err := r.reduces(src, op, out[op]); err != nil {
				return fmt.Errorf("%v: %w", op, err)
			}
		}
		return nil
	})
}

func (r *rank) reduces(src *adapter.Buffer, op driver.ReduceOp, want []int32) error {
	all, err := r.d.Alloc(12, driver.DeviceMemory)
	if err != nil {
		return err
	}
	if err := r.comm.AllReduce(r.ctx, r.s, all.All(), src.All(), tensor.Int32, op); err != nil {
		return err
	}
	if err := r.holds(all, words(want...), "all-reduce"); err != nil {
		return err
	}
	if err := r.d.Fill(r.ctx, all.All(), words(-1)); err != nil {
		return err
	}
	const root = 2
	if err := r.comm.Reduce(r.ctx, r.s, all.All(), src.All(), tensor.Int32, op, root); err != nil {
		return err
	}
	expected := words(-1, -1, -1)
	if r.number == root {
		expected = words(want...)
	}
	if err := r.holds(all, expected, "reduce"); err != nil {
		return err
	}
	part, err := r.d.Alloc(4, driver.DeviceMemory)
	if err != nil {
		return err
	}
	if err := r.comm.ReduceScatter(r.ctx, r.s, part.All(), src.All(), tensor.Int32, op); err != nil {
		return err
	}
	return r.holds(part, words(want[r.number]), "reduce-scatter")
}

// messagesWork sends round a ring: the first rank sends first.
func messagesWork(p *probe) {
	p.together(func(r *rank) error {
		b, err := r.d.Alloc(50, driver.DeviceMemory)
		if err != nil {
			return err
		}
		next, before := (r.number+1)%ranks, (r.number+ranks-1)%ranks
		if r.number == 0 {
			if err := r.d.CopyIn(r.ctx, b.All(), pattern(50, 77)); err != nil {
				return err
			}
			if err := r.comm.Send(r.ctx, r.s, b.All(), next); err != nil {
				return err
			}
			if err := r.s.Synchronize(r.ctx); err != nil {
				return err
			}
			if err := r.d.Fill(r.ctx, b.All(), []byte{0}); err != nil {
				return err
			}
		}
		if err := r.comm.Recv(r.ctx, r.s, b.All(), before); err != nil {
			return err
		}
		if r.number != 0 {
			if err := r.comm.Send(r.ctx, r.s, b.All(), next); err != nil {
				return err
			}
		}
		return r.holds(b, pattern(50, 77), "what came round")
	})
}

// groupsWork has every rank receive before it sends, which only a group lets it.
func groupsWork(p *probe) {
	p.together(func(r *rank) error {
		from, err := r.d.Alloc(30, driver.DeviceMemory)
		if err != nil {
			return err
		}
		to, err := r.d.Alloc(30, driver.DeviceMemory)
		if err != nil {
			return err
		}
		if err := r.d.CopyIn(r.ctx, from.All(), pattern(30, byte(r.number))); err != nil {
			return err
		}
		next, before := (r.number+1)%ranks, (r.number+ranks-1)%ranks
		for _, step := range []func() error{
			r.comm.GroupStart,
			func() error { return r.comm.Recv(r.ctx, r.s, to.All(), before) },
			func() error { return r.comm.Send(r.ctx, r.s, from.All(), next) },
			func() error { return r.comm.GroupEnd(r.ctx) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return r.holds(to, pattern(30, byte(before)), "what the rank before has sent")
	})
}

func abortWorks(p *probe) {
	p.together(func(r *rank) error {
		b, err := r.d.Alloc(4, driver.DeviceMemory)
		if err != nil {
			return err
		}
		if r.number == 0 {
			time.Sleep(10 * time.Millisecond) // the others wait for it by then
			return r.comm.Abort()
		}
		err = r.comm.AllReduce(r.ctx, r.s, b.All(), b.All(), tensor.Int32, driver.Sum)
		if err == nil {
			err = r.s.Synchronize(r.ctx)
		}
		if !errors.Is(err, driver.Aborted) {
			return fmt.Errorf("an operation of a communicator that was aborted ends with: %v", err)
		}
		return nil
	})
}

func joinRefuses(p *probe) {
	id, err := adapter.NewCommID(p.d)
	p.must(err, "a name")
	for _, c := range []struct{ rank, size int }{{-1, 2}, {2, 2}, {0, 0}, {0, -1}, {math.MaxInt32, 1}} {
		_, err := p.d.JoinComm(p.ctx, id, c.rank, c.size)
		p.refused(err, driver.InvalidArgument, "rank %d of %d", c.rank, c.size)
	}
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Millisecond)
	defer cancel()
	p.within(soon, "waiting 20 ms for a rank that never comes", func() {
		_, err := p.d.JoinComm(ctx, id, 0, 2)
		p.refused(err, driver.Canceled, "a rank that never comes")
	})
}
