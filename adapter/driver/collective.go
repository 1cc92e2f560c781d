package driver

import (
	"context"

	"example.com/midplane/adapter/tensor"
)

// Collective is implemented by a device that computes together with others.
//
// Absent: the ranks meet in host memory of one process: see package collective.
type Collective interface {
	// NewCommID returns a name for a communicator, to be given to all its ranks.
	NewCommID() (CommID, error)
	// JoinComm becomes a rank of the communicator of that name, of size ranks
	// counted from 0, and waits until all have joined.
	JoinComm(ctx context.Context, id CommID, rank, size int) (Comm, error)
}

// CommID names a communicator across processes.
type CommID [128]byte

// Comm is a rank's end of a communicator. Every rank enqueues the same
// operations in the same order, of the same type and size, on streams of its
// own device; a nil stream means at once. What differs is InvalidArgument on
// every rank. After a failure of one rank all operations end as Aborted.
//
// Sizes are those of regions in bytes; n is the number of ranks.
type Comm interface {
	// AllReduce leaves in every dst what op makes of all src, which are of the
	// same size. dst may be src.
	AllReduce(s Stream, dst, src Region, d tensor.DType, op ReduceOp) error
	// Broadcast leaves root's bytes in everyone's region.
	Broadcast(s Stream, region Region, root int) error
	// Reduce is AllReduce for root's dst alone; others' are not touched.
	Reduce(s Stream, dst, src Region, d tensor.DType, op ReduceOp, root int) error
	// AllGather leaves all src, in the order of ranks, in every dst, which is
	// n times as large.
	AllGather(s Stream, dst, src Region) error
	// ReduceScatter leaves the rank's n-th part of the reduction in dst; src is
	// n times as large.
	ReduceScatter(s Stream, dst, src Region, d tensor.DType, op ReduceOp) error
	// AllToAll sends the i-th n-th of src to rank i, and leaves what rank i
	// sent in the i-th n-th of dst.
	AllToAll(s Stream, dst, src Region) error
	// Send sends to one rank, which receives as many bytes.
	Send(s Stream, src Region, to int) error
	// Recv receives from one rank, in the order in which it sends.
	Recv(s Stream, dst Region, from int) error
	// GroupStart begins operations that are enqueued together by GroupEnd, so
	// that none waits for another of the group to be enqueued. Groups nest.
	GroupStart() error
	GroupEnd() error
	// Abort makes this and every rank's operations end as Aborted.
	Abort() error
	// Close leaves the communicator. Work enqueued is done first.
	Close() error
}

// ReduceOp says how elements are put together, rank by rank from 0 on.
type ReduceOp uint8

// The reductions. Mean divides the sum by the number of ranks, and truncates
// integers towards zero.
const (
	Sum ReduceOp = iota
	Product
	Min
	Max
	Mean
)

var reduceNames = [...]string{"sum", "product", "min", "max", "mean"}

// String returns the reduction's name.
func (o ReduceOp) String() string { return nameOf(reduceNames[:], "reduction", o) }
