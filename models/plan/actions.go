package plan

import (
	"context"
	"errors"
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
	"example.com/midplane/operators/witness"
)

// copyAction brings a value to another location.
type copyAction struct{ from, to int }

func (c *copyAction) place() *partition.Assignment { return nil }
func (c *copyAction) reads() []int                 { return []int{c.from} }
func (c *copyAction) writes() []int                { return []int{c.to} }
func (c *copyAction) describe(p *Plan) string {
	return fmt.Sprintf("copy %s -> %s", p.name(c.from), p.name(c.to))
}

func (c *copyAction) run(x *Execution, f *frame, _ int) error {
	err := c.copy(x, f)
	if err != nil {
		return fmt.Errorf("copying %s to %s: %w", f.plan.name(c.from), f.plan.name(c.to), err)
	}
	return nil
}

func (c *copyAction) copy(x *Execution, f *frame) error {
	from, to := f.plan.slots[c.from].location, f.plan.slots[c.to].location
	switch {
	case to == Host:
		t, err := x.download(f.values[c.from], from, f.into[c.to])
		if err != nil {
			return err
		}
		f.values[c.to] = hostOperand(t)
		return nil
	case from == Host:
		t, ok := f.values[c.from].Host.(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("a value of type %v cannot lie on a device", f.values[c.from].Host.Type())
		}
		return x.upload(f, c.to, t)
	}
	t, err := x.download(f.values[c.from], from, nil)
	if err != nil {
		return err
	}
	return x.upload(f, c.to, t)
}

func hostOperand(v tensor.Value) operators.Operand {
	o := operators.Operand{Host: v}
	if t, ok := v.(*tensor.Tensor); ok {
		o.DType, o.Shape = t.DType(), t.Shape()
	}
	return o
}

// download returns a tensor on the host with the elements of an operand that
// lies on a device: into, if that fits, or a new one.
func (x *Execution) download(o operators.Operand, device int, into *tensor.Tensor) (t *tensor.Tensor, err error) {
	if t = into; t == nil || t.DType() != o.DType || !t.Shape().Equal(o.Shape) {
		if t, err = tensor.New(o.DType, o.Shape); err != nil {
			return nil, err
		}
	}
	if err := x.streams[device].CopyOut(x.ctx, t.Bytes(), packed(o)); err != nil {
		return nil, err
	}
	return t, x.streams[device].Synchronize(x.ctx)
}

// upload brings a host tensor to the device of a slot.
func (x *Execution) upload(f *frame, slot int, t *tensor.Tensor) error {
	o := f.values[slot]
	if f.plan.slots[slot].storage != inArena {
		var err error
		if o, err = x.allocate(f, slot, t.DType(), t.Shape()); err != nil {
			return err
		}
	}
	x.keep(t)
	return x.streams[f.plan.slots[slot].location].CopyIn(x.ctx, packed(o), t.Bytes())
}

// kernelAction runs a kernel on a device.
type kernelAction struct {
	assignment      partition.Assignment
	exact           *graph.Node // with the types that the plan was made for
	kernel          operators.Kernel
	inputs, outputs []int
	hostOutputs     []int   // indexes of outputs that come out on the host
	inPlace         []int   // inputs whose memory the first output may take
	places          []int64 // of inputs in the output, where the kernel only copies them there
	dynamic         bool    // some output's shape is found while running
}

func (k *kernelAction) place() *partition.Assignment { return &k.assignment }
func (k *kernelAction) reads() []int                 { return k.inputs }
func (k *kernelAction) writes() []int                { return k.outputs }
func (k *kernelAction) describe(p *Plan) string {
	return fmt.Sprintf("%s %s: %s -> %s", k.exact.Operator(), k.assignment.Kernel, p.names(k.inputs), p.names(k.outputs))
}

func (k *kernelAction) run(x *Execution, f *frame, i int) error {
	call := &f.calls[i]
	stream := x.streams[k.assignment.Device].Driver()
	if stream != nil && !f.plan.program.root {
		// A body's frame is used again while the work may still be enqueued.
		call = &operators.Call{Inputs: make([]operators.Operand, len(k.inputs)), Outputs: make([]operators.Operand, len(k.outputs))}
	}
	call.Stream = stream
	call.HostOutputs = k.hostOutputs
	for j, s := range k.inputs {
		if s >= 0 {
			call.Inputs[j] = f.values[s]
		}
	}
	for j, s := range k.outputs {
		call.Outputs[j] = operators.Operand{}
		if s >= 0 && f.plan.slots[s].storage == inArena {
			call.Outputs[j] = f.values[s]
		}
	}
	complete := len(k.hostOutputs) == 0
	if k.dynamic {
		ready, err := k.prepare(x, f, call, &f.found[i])
		if err != nil {
			return err
		}
		complete = complete && ready
	}
	if err := k.kernel.Run(x.ctx, call); err != nil || complete {
		return err
	}
	return k.finish(x, f, call)
}

// hostAction runs a node whose values live on the host.
type hostAction struct {
	assignment      partition.Assignment
	inputs, outputs []int
}

func (h *hostAction) place() *partition.Assignment { return &h.assignment }
func (h *hostAction) reads() []int                 { return h.inputs }
func (h *hostAction) writes() []int                { return h.outputs }
func (h *hostAction) describe(p *Plan) string {
	return fmt.Sprintf("%s on the host: %s -> %s", h.assignment.Node.Operator(), p.names(h.inputs), p.names(h.outputs))
}

func (h *hostAction) run(x *Execution, f *frame, _ int) error {
	in := make([]tensor.Value, len(h.inputs))
	for j, s := range h.inputs {
		if s >= 0 {
			in[j] = f.values[s].Host
		}
	}
	if err := h.fits(in); err != nil {
		return err
	}
	out, err := reference.Run(x.ctx, h.assignment.Node, in, nil)
	if err != nil {
		return err
	}
	for j, s := range h.outputs {
		if s >= 0 {
			if err := x.hold(f, s, out[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits refuses a node whose outputs, as far as their shapes follow from the
// inputs, the host cannot hold.
func (h *hostAction) fits(in []tensor.Value) error {
	facts := make([]infer.Fact, len(in))
	for j, v := range in {
		if v == nil {
			continue
		}
		facts[j].Type = v.Type()
		if t, ok := v.(*tensor.Tensor); ok {
			facts[j].Const = t
		}
	}
	out, err := infer.Node(witness.Watch(context.Background(), nil), h.assignment.Node, facts, nil)
	if err != nil {
		return err
	}
	for j, f := range out {
		if shape, ok := f.Type.Dims.Shape(); ok && f.Type.IsTensor() && f.Const == nil {
			if err := tensor.Fits(f.Type.DType, shape); err != nil {
				return fmt.Errorf("output %d: %w", j, err)
			}
		}
	}
	return nil
}

// hold makes a value on the host a slot's, and counts its bytes until it is
// dropped: a value that holds others, which may be held elsewhere too, counts
// all of them.
func (x *Execution) hold(f *frame, slot int, v tensor.Value) error {
	size := hostBytes(v)
	if err := x.env.Memory.reserveHost(size); err != nil {
		return err
	}
	f.held[slot] = size
	f.values[slot] = hostOperand(v)
	return nil
}

// hostBytes is roughly what a value takes in host memory.
func hostBytes(v tensor.Value) int64 {
	const header = 64
	switch x := v.(type) {
	case *tensor.Tensor:
		n := header + int64(len(x.Bytes()))
		for _, s := range x.Strings() {
			n += int64(len(s)) + 16
		}
		return n
	case *tensor.Sequence:
		n := int64(header)
		for _, item := range x.Items {
			n += 16 + hostBytes(item)
		}
		return n
	case *tensor.Optional:
		if x.Item != nil {
			return header + hostBytes(x.Item)
		}
	case *tensor.Map:
		return hostBytes(x.Keys) + hostBytes(x.Values)
	}
	return header
}

// wrap names the node that failed, unless the error does so already.
func wrap(n *graph.Node, device string, err error) error {
	var already *NodeError
	if errors.As(err, &already) {
		return err
	}
	return &NodeError{n, device, err}
}
