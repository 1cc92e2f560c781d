package plan

import (
	"bytes"
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/infer"
)

// found is what was inferred last for a step whose outputs' shapes are found while
// running: for inputs of the same types and values it is so again.
type found struct {
	inputs  []extents
	values  [][]byte // of inputs that shapes may follow from
	outputs []extents
}

// extents are the type of an input, or of an output as far as it follows from them.
type extents struct {
	dtype tensor.DType
	shape tensor.Shape // nil where it does not
}

// prepare makes the outputs in the pool whose shapes are known, or follow from
// the inputs that there are now, and reports whether these are all. The kernel
// makes the others.
func (k *kernelAction) prepare(x *Execution, f *frame, call *operators.Call, last *found) (complete bool, err error) {
	if call.Allocate == nil {
		call.Allocate = func(j int, d tensor.DType, shape tensor.Shape) (operators.Operand, error) {
			x.inWork = call.Stream != nil
			defer func() { x.inWork = false }()
			return x.allocate(f, k.outputs[j], d, shape)
		}
	}
	complete, inferred := true, false
	for j, s := range k.outputs {
		if s < 0 || f.plan.slots[s].storage != inPool {
			continue
		}
		d, shape := f.plan.slots[s].dtype, f.plan.slots[s].shape
		if shape == nil {
			if !inferred {
				if err := k.infer(x, call, last); err != nil {
					return false, err
				}
				inferred = true
			}
			if d, shape = last.outputs[j].dtype, last.outputs[j].shape; shape == nil {
				complete = false
				continue
			}
		}
		if call.Outputs[j], err = x.allocate(f, s, d, shape); err != nil {
			return false, err
		}
	}
	return complete, nil
}

// infer finds the types of the outputs for the inputs that there are now.
func (k *kernelAction) infer(x *Execution, call *operators.Call, last *found) error {
	if last.fits(x, k, call) {
		return nil
	}
	*last = found{}
	in, values := make([]infer.Fact, len(call.Inputs)), make([][]byte, len(call.Inputs))
	for j, o := range call.Inputs {
		if k.inputs[j] < 0 {
			continue
		}
		in[j] = infer.Fact{Type: tensor.TensorType(o.DType, tensor.KnownDims(o.Shape)), Const: k.exact.Inputs[j].Const}
		if t, ok := o.Host.(*tensor.Tensor); ok {
			in[j].Const = t
			values[j] = bytes.Clone(t.Bytes())
		} else if b := x.visible(o, k.assignment.Device); in[j].Const == nil && b != nil {
			t, err := tensor.FromBytes(o.DType, o.Shape, b)
			if err != nil {
				return err
			}
			in[j].Const, values[j] = t, bytes.Clone(b)
		}
	}
	facts, err := infer.Node(x.ctx, k.exact, in, nil)
	if err != nil {
		return err
	}
	last.values = values
	for _, o := range call.Inputs {
		last.inputs = append(last.inputs, extents{o.DType, o.Shape.Clone()})
	}
	last.outputs = make([]extents, len(facts))
	for j, f := range facts {
		if shape, ok := f.Type.Dims.Shape(); ok && f.Type.DType != tensor.Undefined {
			last.outputs[j] = extents{f.Type.DType, shape}
		}
	}
	return nil
}

// fits reports whether what was found is for inputs as they are now.
func (l *found) fits(x *Execution, k *kernelAction, call *operators.Call) bool {
	if l.outputs == nil {
		return false
	}
	for j, o := range call.Inputs {
		if o.DType != l.inputs[j].dtype || !o.Shape.Equal(l.inputs[j].shape) || o.DType == tensor.String {
			return false
		}
		var now []byte
		if t, ok := o.Host.(*tensor.Tensor); ok {
			now = t.Bytes()
		} else if k.inputs[j] >= 0 && k.exact.Inputs[j].Const == nil {
			now = x.visible(o, k.assignment.Device)
		}
		if !bytes.Equal(now, l.values[j]) {
			return false
		}
	}
	return true
}

// visible returns the elements of a small tensor of integers that a synchronous
// device holds where the host can see it, since shapes may follow from it; nil
// otherwise.
func (x *Execution) visible(o operators.Operand, device int) []byte {
	const most = 64
	if x.streams[device].Driver() != nil || !o.DType.IsInteger() || len(o.Shape) > 1 || o.Shape.Size() > most {
		return nil
	}
	b, _ := x.env.Devices[device].HostBytes(packed(o))
	return b
}

// finish waits for the work and takes over what the kernel made.
func (k *kernelAction) finish(x *Execution, f *frame, call *operators.Call) error {
	if err := x.finish(k.assignment.Device); err != nil {
		return err
	}
	for j, s := range k.outputs {
		if s < 0 {
			continue
		}
		if !call.Outputs[j].Present() {
			return fmt.Errorf("kernel %q left output %d unmade", k.assignment.Kernel, j)
		}
		f.values[s] = call.Outputs[j]
		if h := call.Outputs[j].Host; h != nil {
			f.values[s] = hostOperand(h)
		}
	}
	return nil
}
