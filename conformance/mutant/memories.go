package mutant

import (
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// memories are ways of treating memory wrongly.
var memories = []mechanism{
	{name: "a byte behind the end", fault: fault{after: func(r *run) error { return r.scribble(func(o driver.Region) int64 { return o.Offset + o.Size }) }}, at: []place{
		{"Add", "not a multiple of 4", uneven(4)}, {"Conv", "rank 3", ranked(3)}, {"Relu", "float16", typed(tensor.Float16)}, {"Transpose", "rank 4", ranked(4)}, {"Where", "rank 3", ranked(3)},
	}},
	{name: "a byte before the beginning", fault: fault{after: func(r *run) error { return r.scribble(func(o driver.Region) int64 { return o.Offset - 1 }) }}, at: []place{
		{"Sub", "rank 1", ranked(1)}, {"MatMul", "rank 4", ranked(4)}, {"Exp", "float64", typed(tensor.Float64)}, {"Slice", "rank 2", ranked(2)}, {"Softmax", "rank 3", ranked(3)},
	}},
	{name: "far behind the end", fault: fault{after: func(r *run) error { return r.scribble(func(o driver.Region) int64 { return o.Offset + o.Size + 63 }) }}, at: []place{
		{"Mul", "rank 5", ranked(5)}, {"Gemm", "", nil}, {"Cast", "int8", typed(tensor.Int8)},
	}},
	{name: "writes into an input", fault: fault{after: func(r *run) error {
		for _, o := range r.call.Inputs {
			if o.Region.Buffer == nil || o.Shape.Size() == 0 {
				continue
			}
			b := make([]byte, 1)
			at := o.Region
			at.Size = 1
			if err := r.dev.CopyOut(r.ctx, b, at); err != nil {
				return err
			}
			b[0] ^= 0x10
			return r.dev.CopyIn(r.ctx, at, b)
		}
		return nil
	}}, at: []place{{"Add", "rank 3", ranked(3)}, {"Softmax", "rank 2", ranked(2)}, {"BatchNormalization", "", nil}, {"ScatterElements", "rank 2", ranked(2)}, {"ReduceSum", "rank 4", ranked(4)}}},
	{name: "stale output", fault: fault{instead: func(r *run) error { return r.blank() }}, at: []place{
		{"Conv", "rank 5", ranked(5)}, {"Mul", "rank 1", ranked(1)}, {"Gather", "int8", typed(tensor.Int8)}, {"Tanh", "float16", typed(tensor.Float16)}, {"LSTM", "", later(2)},
	}},
	{name: "half an output", fault: fault{instead: func(r *run) error {
		before := r.out(0)
		if err := r.right(); err != nil {
			return err
		}
		if err := r.wait(); err != nil {
			return err
		}
		if t := r.out(0); before != nil && t != nil && len(before.Bytes()) == len(t.Bytes()) {
			copy(t.Bytes()[len(t.Bytes())/2:], before.Bytes()[len(t.Bytes())/2:])
			return r.put(0, t)
		}
		return nil
	}}, at: []place{{"Add", "int32", typed(tensor.Int32)}, {"Expand", "rank 4", ranked(4)}, {"Sigmoid", "rank 2", ranked(2)}, {"MaxPool", "rank 5", ranked(5)}, {"Concat", "rank 5", ranked(5)}}},
	{name: "leak per run", fault: fault{before: func(r *run) error {
		_, err := r.dev.Alloc(64, driver.DeviceMemory)
		return err
	}}, at: []place{{"Add", "rank 2", ranked(2)}, {"Conv", "", having("group")}, {"Softmax", "rank 3", ranked(3)}, {"MatMul", "float16", typed(tensor.Float16)}, {"Relu", "third run", both(ranked(2), later(3))}}},
	{name: "leak of memory that nobody counts", fault: fault{before: func(r *run) error {
		hidden.Add(1)
		leaked := r.remember("leak", func() any { return new([][]byte) }).(*[][]byte)
		r.dev.mu.Lock()
		defer r.dev.mu.Unlock()
		*leaked = append(*leaked, make([]byte, 1<<20))
		return nil
	}}, at: everywhere("Add")},
	{name: "leak on closing", fault: fault{close: func(k *kernel) error {
		_, err := k.dev.Alloc(4096, driver.DeviceMemory)
		return err
	}}, at: everywhere("Gemm", "Exp", "Transpose", "ReduceMean", "Where")},
	{name: "scratch that is another's memory", fault: fault{before: func(r *run) error {
		for _, o := range r.call.Inputs {
			if o.Region.Buffer == nil || o.Shape.Size() == 0 {
				continue
			}
			whole := driver.Region{Buffer: o.Region.Buffer, Size: o.Region.Buffer.Size()}
			b := make([]byte, whole.Size)
			if err := r.dev.CopyOut(r.ctx, b, whole); err != nil {
				return err
			}
			free := o.Region.Offset + int64(o.DType.Bytes(o.Shape.Size()))
			for i := free; i < min(free+64, whole.Size); i++ {
				b[i] ^= 0x55
			}
			return r.dev.CopyIn(r.ctx, whole, b)
		}
		return nil
	}}, at: everywhere("Gemm", "Add", "Concat")},
}

// hidden counts what leaks where nobody looks.
var hidden atomic.Int64

// scribble writes a byte at an offset of the buffer that the first output lies
// in, if there is one.
func (r *run) scribble(at func(o driver.Region) int64) error {
	if len(r.call.Outputs) == 0 || r.call.Outputs[0].Region.Buffer == nil {
		return nil
	}
	o := packed(r.call.Outputs[0])
	offset := at(o)
	b := make([]byte, 1)
	where := driver.Region{Buffer: o.Buffer, Offset: offset, Size: 1}
	if r.dev.CopyOut(r.ctx, b, where) != nil {
		return nil // nothing lies there
	}
	b[0] ^= 0x55
	return r.dev.CopyIn(r.ctx, where, b)
}

// blank leaves outputs as they are; those of a shape that the kernel finds are
// not made at all.
func (r *run) blank() error {
	if len(r.call.Outputs) > 0 && r.call.Outputs[0].Region.Buffer != nil {
		return nil
	}
	return r.right()
}
