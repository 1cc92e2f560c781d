package reference

import (
	"context"
	"fmt"
	"slices"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Accepts says whether this package computes a node: it has the operator, and
// every value is a tensor that can lie in memory. It does so as a last resort.
func Accepts(n *graph.Node) operators.Verdict {
	if _, ok := Lookup(n.Operator()); !ok {
		return operators.Verdict{Reason: operators.NoKernel, Detail: n.Operator()}
	}
	for _, values := range [][]*graph.Value{n.Inputs, n.Outputs} {
		for _, v := range values {
			if v != nil && v.Type.HostOnly() {
				return operators.Verdict{Reason: operators.HostValue, Detail: fmt.Sprintf("%q is %v", v.Name, v.Type)}
			}
		}
	}
	for _, body := range n.Bodies() {
		for _, v := range body.Captures() {
			if v.Const == nil {
				return operators.Verdict{Reason: operators.WrongAttribute, Detail: fmt.Sprintf("a body reads %q from around it", v.Name)}
			}
		}
	}
	return operators.Verdict{Level: operators.Native, Kernel: "reference", LastResort: true}
}

// Apply computes one call of a kernel by this package, for a device whose
// memory the caller can reach: view returns the bytes of a region. Elements are
// copied into the outputs, which are made where they do not exist yet; those of
// call.HostOutputs become tensors of the host. Errors name the node.
func Apply(ctx context.Context, n *graph.Node, call *operators.Call, view func(driver.Region) ([]byte, error)) error {
	inputs := make([]tensor.Value, len(call.Inputs))
	for i, o := range call.Inputs {
		switch {
		case o.Host != nil:
			inputs[i] = o.Host
		case o.Present():
			t, err := viewTensor(o, view)
			if err != nil {
				return fmt.Errorf("node %s: input %d: %w", n.Label(), i, err)
			}
			inputs[i] = t
		}
	}
	early := make([]operators.Operand, len(call.Outputs))
	room := func(i int, d tensor.DType, shape tensor.Shape) (err error) {
		if i < len(early) && n.Output(i) != nil && !call.Outputs[i].Present() && !slices.Contains(call.HostOutputs, i) {
			early[i], err = call.Allocate(i, d, shape)
		}
		return err
	}
	out, err := run(&Call{Context: ctx, Node: n, Inputs: inputs, room: room}, nil)
	if err != nil {
		return err
	}
	for i := range call.Outputs {
		if n.Output(i) == nil || out[i] == nil {
			continue
		}
		if t, ok := out[i].(*tensor.Tensor); ok && early[i].Present() && early[i].DType == t.DType() && early[i].Shape.Equal(t.Shape()) {
			call.Outputs[i] = early[i]
		}
		if err := store(call, i, out[i], view); err != nil {
			return fmt.Errorf("node %s: %w", n.Label(), err)
		}
	}
	return nil
}

// store leaves output i of a call where the call wants it.
func store(call *operators.Call, i int, v tensor.Value, view func(driver.Region) ([]byte, error)) error {
	t, ok := v.(*tensor.Tensor)
	if !ok {
		return fmt.Errorf("output %d is a %v, which cannot lie on a device", i, v.Type())
	}
	if slices.Contains(call.HostOutputs, i) {
		call.SetHost(i, t.Clone()) // t may share an input's memory
		return nil
	}
	o, err := call.NewOutput(i, t.DType(), t.Shape())
	if err != nil || t.Len() == 0 {
		return err
	}
	dst, err := view(packed(o))
	if err != nil {
		return fmt.Errorf("output %d: %w", i, err)
	}
	copy(dst, t.Bytes())
	return nil
}

func viewTensor(o operators.Operand, view func(driver.Region) ([]byte, error)) (*tensor.Tensor, error) {
	if o.Shape.Size() == 0 {
		return tensor.New(o.DType, o.Shape)
	}
	b, err := view(packed(o))
	if err != nil {
		return nil, err
	}
	return tensor.FromBytes(o.DType, o.Shape, b)
}

// packed is the part of an operand's region that its elements take.
func packed(o operators.Operand) driver.Region {
	r := o.Region
	r.Size = int64(o.DType.Bytes(o.Shape.Size()))
	return r
}
