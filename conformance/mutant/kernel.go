package mutant

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
	"example.com/midplane/operators/witness"
)

// kernel is the mutant's kernel of one node, around one that is right.
type kernel struct {
	dev   *device
	node  *graph.Node
	inner operators.Kernel
	runs  atomic.Int64
}

// Run implements operators.Kernel.
func (k *kernel) Run(ctx context.Context, call *operators.Call) error {
	f := &k.dev.mutant.fault
	r := &run{kernel: k, ctx: ctx, call: call, number: k.runs.Add(1)}
	if err := r.wait(); err != nil {
		return err
	}
	if err := r.read(); err != nil {
		return err
	}
	if f.when != nil && !f.when(r) {
		return r.right()
	}
	if f.before != nil {
		if err := f.before(r); err != nil {
			return err
		}
	}
	if f.instead != nil {
		return f.instead(r)
	}
	if f.after == nil {
		return r.right()
	}
	if err := r.right(); err != nil {
		return err
	}
	if err := r.wait(); err != nil {
		return err
	}
	return f.after(r)
}

// Close implements io.Closer.
func (k *kernel) Close() error {
	if f := k.dev.mutant.fault.close; f != nil {
		if err := f(k); err != nil {
			return err
		}
	}
	if c, ok := k.inner.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// run is one run of a kernel.
type run struct {
	*kernel
	ctx    context.Context
	call   *operators.Call
	number int64          // of the kernel's runs, from 1
	inputs []tensor.Value // copies; nil where absent
}

// wait waits for what is enqueued.
func (r *run) wait() error {
	if r.call.Stream == nil {
		return nil
	}
	return r.call.Stream.Synchronize(r.ctx)
}

// right runs the inner kernel.
func (r *run) right() error { return r.inner.Run(r.ctx, r.call) }

// read copies the inputs.
func (r *run) read() error {
	r.inputs = make([]tensor.Value, len(r.call.Inputs))
	for i, o := range r.call.Inputs {
		if !o.Present() {
			continue
		}
		v, err := r.dev.load(r.ctx, o)
		if err != nil {
			return err
		}
		r.inputs[i] = v
	}
	return nil
}

// load copies an operand to the host.
func (d *device) load(ctx context.Context, o operators.Operand) (tensor.Value, error) {
	if o.Host != nil {
		return o.Host, nil
	}
	b := make([]byte, o.DType.Bytes(o.Shape.Size()))
	if len(b) > 0 {
		if err := d.CopyOut(ctx, b, packed(o)); err != nil {
			return nil, err
		}
	}
	return tensor.FromBytes(o.DType, o.Shape, b)
}

// packed is the part of an operand's region that its elements take.
func packed(o operators.Operand) driver.Region {
	r := o.Region
	r.Size = int64(o.DType.Bytes(o.Shape.Size()))
	return r
}

// in returns input i, nil where it is absent or no tensor.
func (r *run) in(i int) *tensor.Tensor {
	if i >= len(r.inputs) {
		return nil
	}
	t, _ := r.inputs[i].(*tensor.Tensor)
	return t
}

// out returns a copy of output i, nil where it is absent.
func (r *run) out(i int) *tensor.Tensor {
	if i >= len(r.call.Outputs) || !r.call.Outputs[i].Present() {
		return nil
	}
	v, err := r.dev.load(r.ctx, r.call.Outputs[i])
	t, ok := v.(*tensor.Tensor)
	if err != nil || !ok || t.DType() == tensor.String {
		return nil
	}
	return t.Clone()
}

// put writes the elements of t to output i, as many as it holds.
func (r *run) put(i int, t *tensor.Tensor) error {
	was := r.out(i)
	if was == nil || t == nil || t.DType() != was.DType() {
		return nil
	}
	n := min(len(t.Bytes()), len(was.Bytes()))
	if bytes.Equal(was.Bytes()[:n], t.Bytes()[:n]) {
		return nil
	}
	r.dev.mutant.touched.Store(true)
	if r.call.Outputs[i].Host != nil {
		copy(was.Bytes(), t.Bytes()[:n])
		r.call.SetHost(i, was)
		return nil
	}
	o := packed(r.call.Outputs[i])
	o.Size = int64(n)
	return r.dev.CopyIn(r.ctx, o, t.Bytes()[:n])
}

// changed is a fault that changes the first output.
func changed(f func(r *run, t *tensor.Tensor)) fault {
	return fault{after: func(r *run) error {
		t := r.out(0)
		if t == nil || t.Len() == 0 {
			return nil
		}
		f(r, t)
		return r.put(0, t)
	}}
}

// mapped is a fault that changes each float element of the first output.
func mapped(f func(r *run, i int, v float64) float64) fault {
	return changed(func(r *run, t *tensor.Tensor) {
		if !t.DType().IsFloat() {
			return
		}
		v := t.Float64s()
		for i := range v {
			v[i] = f(r, i, v[i])
		}
		copy(t.Bytes(), tensor.FromFloat64s(t.DType(), t.Shape(), v).Bytes())
	})
}

// whole is mapped for integers.
func whole(f func(r *run, i int, v int64) int64) fault {
	return changed(func(r *run, t *tensor.Tensor) {
		if !t.DType().IsInteger() {
			return
		}
		v := t.Int64s()
		for i := range v {
			v[i] = f(r, i, v[i])
		}
		copy(t.Bytes(), tensor.FromInt64s(t.DType(), t.Shape(), v).Bytes())
	})
}

// recomputed is a fault whose outputs are those of another node, or of other
// inputs. Where these have none, or the same, results stay right.
func recomputed(f func(r *run, n *graph.Node, in []tensor.Value)) fault {
	return fault{after: func(r *run) error {
		n := *r.node
		n.Attributes = append([]graph.Attribute(nil), r.node.Attributes...)
		n.Inputs = append([]*graph.Value(nil), r.node.Inputs...)
		in := append([]tensor.Value(nil), r.inputs...)
		f(r, &n, in)
		ctx := witness.Watch(r.ctx, nil)
		right, err := reference.Run(ctx, r.node, r.inputs, nil)
		if err != nil {
			return nil
		}
		out, err := reference.Run(ctx, &n, in, nil)
		if err != nil {
			r.dev.mutant.refused.Store(true)
			return nil
		}
		for i, v := range out {
			if t, ok := v.(*tensor.Tensor); ok && i < len(right) && !sameBytes(right[i], t) {
				if err := r.put(i, t); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}

func sameBytes(a tensor.Value, b *tensor.Tensor) bool {
	t, ok := a.(*tensor.Tensor)
	return ok && bytes.Equal(t.Bytes(), b.Bytes())
}

// element returns the bytes of element i, of types of whole bytes.
func element(t *tensor.Tensor, i int) []byte {
	size := max(t.DType().Bits()/8, 1)
	at := i * t.DType().Bits() / 8
	return t.Bytes()[at : at+size]
}

// bump adds to an element's bits as to an integer.
func bump(t *tensor.Tensor, i, by int) {
	carry := by
	for k, b := range element(t, i) {
		carry += int(b)
		element(t, i)[k] = byte(carry)
		carry >>= 8
	}
}

// The uses of an operator in which a mutant is wrong.

// typed are uses with first operands of a type.
func typed(d tensor.DType) func(*run) bool {
	return func(r *run) bool { return r.in(0) != nil && r.in(0).DType() == d }
}

// handling are uses with any operand or result of a type.
func handling(d tensor.DType) func(*run) bool {
	return func(r *run) bool {
		for _, o := range r.node.Outputs {
			if o != nil && o.Type.DType == d {
				return true
			}
		}
		for i := range r.inputs {
			if r.in(i) != nil && r.in(i).DType() == d {
				return true
			}
		}
		return false
	}
}

// ranked are uses with first operands of a rank.
func ranked(n int) func(*run) bool {
	return func(r *run) bool { return r.in(0) != nil && r.in(0).Rank() == n }
}

// longer are uses with an operand of more than n elements.
func longer(n int) func(*run) bool {
	return func(r *run) bool {
		for i := range r.inputs {
			if t := r.in(i); t != nil && t.Len() > n {
				return true
			}
		}
		return false
	}
}

// uneven are uses with first operands whose count of elements n does not divide.
func uneven(n int) func(*run) bool {
	return func(r *run) bool { return r.in(0) != nil && r.in(0).Len()%n != 0 }
}

// having are uses in which the node sets an attribute.
func having(name string) func(*run) bool {
	return func(r *run) bool { return r.node.Has(name) }
}

// with are uses with an input.
func with(i int) func(*run) bool {
	return func(r *run) bool { return r.in(i) != nil }
}

// later are the runs of a kernel from the n-th on.
func later(n int64) func(*run) bool { return func(r *run) bool { return r.number >= n } }

// both are the uses of all.
func both(all ...func(*run) bool) func(*run) bool {
	return func(r *run) bool {
		for _, f := range all {
			if !f(r) {
				return false
			}
		}
		return true
	}
}

// constant are uses in which an input is part of the model.
func constant(i int) func(*run) bool {
	return func(r *run) bool { return r.node.Input(i) != nil && r.node.Input(i).Const != nil }
}
