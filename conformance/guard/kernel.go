package guard

import (
	"bytes"
	"context"
	"io"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// kernel is a kernel whose every run is looked after.
type kernel struct {
	dev   *Device
	inner operators.Kernel
	node  *graph.Node
	name  string
}

// Build implements operators.Backend.
func (d *Device) Build(n *graph.Node) (operators.Kernel, error) {
	k, err := d.backend.Build(n)
	if err != nil {
		return nil, err
	}
	return &kernel{d, k, n, d.backend.Supports(n).Kernel}, nil
}

// Close implements io.Closer.
func (k *kernel) Close() error {
	if c, ok := k.inner.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Run implements operators.Kernel. The work is done when it returns.
func (k *kernel) Run(ctx context.Context, call *operators.Call) error {
	k.dev.ran()
	if err := k.dev.inner.Synchronize(ctx); err != nil {
		return err
	}
	r := &run{kernel: k, call: call, inner: *call}
	if err := r.translate(); err != nil {
		return err
	}
	if err := r.snapshot(ctx); err != nil {
		return err
	}
	err := k.inner.Run(k.dev.watched(ctx, k.name), &r.inner)
	if err == nil && call.Stream != nil {
		err = call.Stream.Synchronize(ctx)
	}
	if err != nil {
		return err
	}
	r.takeBack()
	return r.inspect()
}

// run is one run of a kernel: the call as the plan made it, and as the inner
// kernel sees it.
type run struct {
	*kernel
	call  *operators.Call
	inner operators.Call

	before  map[*buffer][]byte // what buffers held
	made    []driver.Region    // outputs, of the guarded device
	written []driver.Region    // those filled with the pattern before
}

// translate makes the inner call.
func (r *run) translate() error {
	var err error
	inside := func(o operators.Operand) operators.Operand {
		region, wrong := r.dev.region(o.Region)
		if wrong != nil {
			err = wrong
		}
		o.Region = region
		return o
	}
	r.inner.Inputs = make([]operators.Operand, len(r.call.Inputs))
	for i, o := range r.call.Inputs {
		r.inner.Inputs[i] = inside(o)
	}
	r.inner.Outputs = make([]operators.Operand, len(r.call.Outputs))
	for i, o := range r.call.Outputs {
		r.inner.Outputs[i] = inside(o)
		if o.Region.Buffer != nil {
			r.made = append(r.made, packed(o))
		}
	}
	r.inner.Allocate = func(i int, d tensor.DType, shape tensor.Shape) (operators.Operand, error) {
		o, err := r.call.Allocate(i, d, shape)
		if err != nil {
			return o, err
		}
		r.call.Outputs[i] = o
		r.made = append(r.made, packed(o))
		region, err := r.dev.region(o.Region)
		o.Region = region
		return o, err
	}
	return err
}

// packed is the part of an operand's region that its elements take.
func packed(o operators.Operand) driver.Region {
	region := o.Region
	region.Size = int64(o.DType.Bytes(o.Shape.Size()))
	return region
}

// snapshot fills outputs that lie over no input with the pattern, and keeps what
// all buffers hold.
func (r *run) snapshot(ctx context.Context) error {
	for _, out := range r.made {
		if out.Size == 0 || r.overInput(out) {
			continue
		}
		region, _ := r.dev.region(out) // which translate has seen
		if err := r.dev.inner.CopyIn(ctx, region, bytes.Repeat([]byte{pattern}, int(out.Size))); err != nil {
			return err
		}
		r.written = append(r.written, out)
	}
	r.before = make(map[*buffer][]byte)
	for _, b := range r.dev.live() {
		content, err := b.content()
		if err != nil {
			return err
		}
		r.before[b] = content
	}
	return nil
}

func (r *run) overInput(out driver.Region) bool {
	for _, o := range r.call.Inputs {
		if o.Region.Buffer == out.Buffer && o.Region.Offset < out.Offset+out.Size && out.Offset < o.Region.Offset+o.Region.Size {
			return true
		}
	}
	return false
}

// takeBack hands host outputs to the plan; those on the device it has.
func (r *run) takeBack() {
	for i, o := range r.inner.Outputs {
		if o.Host != nil {
			r.call.Outputs[i] = o
		}
	}
}

// inspect looks for bytes that changed outside outputs, and for outputs of which
// nothing was written.
func (r *run) inspect() error {
	for b, before := range r.before {
		after, err := b.content()
		if err != nil {
			return err
		}
		for _, out := range r.made {
			if out.Buffer == driver.Buffer(b) {
				copy(before[out.Offset:out.Offset+out.Size], after[out.Offset:])
			}
		}
		if !bytes.Equal(before, after) {
			at := 0
			for before[at] == after[at] {
				at++
			}
			r.dev.fault("node %s, kernel %q: byte %d of a buffer of %d, outside its outputs, was changed", r.node.Label(), r.name, at, b.size)
		}
		b.check("node " + r.node.Label() + " has run")
	}
	for _, out := range r.written {
		r.unwritten(out)
	}
	return nil
}

// unwritten reports an output that still holds the pattern, all of it.
func (r *run) unwritten(out driver.Region) {
	const telling = 4 // bytes that no result looks like by accident
	got := make([]byte, out.Size)
	region, _ := r.dev.region(out)
	if out.Size < telling || r.dev.inner.CopyOut(context.Background(), got, region) != nil {
		return
	}
	if bytes.Count(got, []byte{pattern}) == len(got) {
		r.dev.fault("node %s, kernel %q: an output of %d bytes was not written", r.node.Label(), r.name, out.Size)
	}
}

// executable is a compiled model whose runs are watched.
type executable struct {
	operators.Executable
	dev *Device
}

// Run implements operators.Executable.
func (x *executable) Run(ctx context.Context, inputs []tensor.Value) ([]tensor.Value, error) {
	x.dev.ran()
	return x.Executable.Run(x.dev.watched(ctx, "the whole graph"), inputs)
}

// Kernel implements operators.Located.
func (x *executable) Kernel(n *graph.Node) string {
	if l, ok := x.Executable.(operators.Located); ok {
		return l.Kernel(n)
	}
	return ""
}
