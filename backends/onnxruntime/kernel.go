package onnxruntime

import (
	"context"
	"crypto/sha256"
	"fmt"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/internal/host"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// signature tells nodes apart for which the library may answer differently.
type signature [sha256.Size]byte

// Supports implements operators.Backend: the library is asked to make a session
// of the node alone.
func (d *Device) Supports(n *graph.Node) operators.Verdict {
	if len(n.Bodies()) > 0 {
		return operators.Verdict{Reason: operators.NoKernel, Detail: "a node with bodies is taken as part of a whole model only"}
	}
	for i, v := range n.Inputs {
		if v != nil && (v.Type.Kind == tensor.KindUnknown || v.Type.IsTensor() && v.Type.DType == tensor.Undefined) {
			return operators.Verdict{Level: operators.Conditional, Detail: fmt.Sprintf("the type of input %d is not known", i), Kernel: d.provider.name}
		}
	}
	m, err := newNodeModel(n, func(t *tensor.Tensor) bool { return len(t.Bytes()) <= smallConstant })
	if err != nil {
		return operators.Verdict{Reason: operators.WrongType, Detail: err.Error()}
	}
	key := sha256.Sum256(m.bytes)
	d.mu.Lock()
	v, known := d.verdicts[key]
	d.mu.Unlock()
	if known {
		return v
	}
	s, err := d.nodeSession(m)
	if err != nil {
		v = operators.Verdict{Reason: operators.NoKernel, Detail: err.Error()}
	} else {
		v = operators.Verdict{Level: operators.Native, Kernel: d.provider.name}
		_ = s.close()
	}
	d.mu.Lock()
	d.verdicts[key] = v
	d.mu.Unlock()
	return v
}

// nodeSession makes a session of a node's model, which may run on the device's
// provider only.
func (d *Device) nodeSession(m *nodeModel) (*session, error) {
	set := settings{provider: d.provider, threads: d.options.Threads, single: true, exact: d.options.Strict, alone: true}
	return d.lib.newSession(context.Background(), source{bytes: m.bytes}, set, numbered("in", m.inputs), numbered("out", m.outputs))
}

// Build implements operators.Backend. All constant inputs become part of the
// node's model, so that the library can pack them.
func (d *Device) Build(n *graph.Node) (operators.Kernel, error) {
	m, err := newNodeModel(n, func(*tensor.Tensor) bool { return true })
	if err != nil {
		return nil, err
	}
	s, err := d.nodeSession(m)
	if err != nil {
		return nil, declined(err)
	}
	d.keep(s)
	return &kernel{session: s, device: d, inputs: m.inputs, outputs: m.outputs}, nil
}

// kernel is a session of one node.
type kernel struct {
	session         *session
	device          *Device
	inputs, outputs []int // numbers of the node's, in the order of the session's
}

// Run implements operators.Kernel.
func (k *kernel) Run(ctx context.Context, call *operators.Call) error {
	s := &scope{lib: k.session.lib}
	defer s.close()
	in, out := make([]handle, len(k.inputs)), make([]handle, len(k.outputs))
	for i, number := range k.inputs {
		v, err := operand(call.Inputs[number])
		if err != nil {
			return fmt.Errorf("input %d: %w", number, err)
		}
		if in[i], err = s.value(v); err != nil {
			return fmt.Errorf("input %d: %w", number, err)
		}
	}
	made := make([]bool, len(k.outputs)) // by the library
	for i, number := range k.outputs {
		o := call.Outputs[number]
		if made[i] = !o.Present(); made[i] {
			continue
		}
		v, err := operand(o)
		if err != nil {
			return fmt.Errorf("output %d: %w", number, err)
		}
		if out[i], err = s.value(v); err != nil {
			return fmt.Errorf("output %d: %w", number, err)
		}
	}
	err := k.session.run(ctx, in, out)
	for i, v := range out {
		if made[i] {
			s.own(v)
		}
	}
	if err != nil {
		return err
	}
	for i, number := range k.outputs {
		if made[i] {
			if err := s.lib.deliver(call, number, out[i]); err != nil {
				return fmt.Errorf("output %d: %w", number, err)
			}
		}
	}
	return nil
}

// operand returns an operand as a value of the host, over the same memory.
func operand(o operators.Operand) (tensor.Value, error) {
	if o.Host != nil {
		return o.Host, nil
	}
	b, err := host.Bytes(o.Region)
	if err != nil {
		return nil, err
	}
	size := o.DType.Bytes(o.Shape.Size())
	if size > len(b) {
		return nil, driver.Errorf(driver.InvalidArgument, "Run", "%v%v takes %d bytes, the region has %d", o.DType, o.Shape, size, len(b))
	}
	return tensor.FromBytes(o.DType, o.Shape, b[:size])
}

// deliver copies a tensor that the library made into an output of a call.
func (l *library) deliver(call *operators.Call, i int, v handle) error {
	w, err := l.view(v)
	if err != nil {
		return err
	}
	o, err := call.NewOutput(i, w.dtype, w.shape)
	if err != nil {
		return err
	}
	b, err := host.Bytes(o.Region)
	if err != nil {
		return err
	}
	return l.copyTo(b[:w.dtype.Bytes(w.shape.Size())], w)
}

// Close gives the session back.
func (k *kernel) Close() error {
	k.device.forget(k.session)
	return k.session.close()
}
