package newbackend

import (
	"context"
	"encoding/binary"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// kernel computes a node element by element. It is built once, and then run by
// many goroutines.
type kernel struct {
	dev *Device
	f   func(x, y float32) float32 // y is the second input's element, if there is one
}

// kernels says which nodes the card runs: each under a key, with a function that
// builds its kernel.
func (d *Device) kernels() *operators.Registry {
	float := [][]tensor.DType{{tensor.Float32}}
	r := &operators.Registry{}
	for op, f := range map[string]func(x, y float32) float32{
		"Neg":  func(x, _ float32) float32 { return -x },
		"Relu": func(x, _ float32) float32 { return max(x, 0) },
		"Add":  func(x, y float32) float32 { return x + y },
		"Mul":  func(x, y float32) float32 { return x * y },
	} {
		r.Register(operators.Entry{
			Key:    operators.Key{Op: op, Inputs: float, Outputs: float},
			Kernel: "newbackend/elementwise",
			Accept: alike,
			Build:  func(*graph.Node) (operators.Kernel, error) { return &kernel{d, f}, nil },
		})
	}
	return r
}

// alike refuses operands of different shapes, which would be broadcast: what the
// card says that it runs, it has to run.
func alike(n *graph.Node) operators.Verdict {
	first, known := n.Inputs[0].Type.Dims.Shape()
	for _, v := range n.Inputs[1:] {
		if shape, also := v.Type.Dims.Shape(); !known || !also || !shape.Equal(first) {
			return operators.Verdict{Reason: operators.WrongShape, Detail: "operands of shapes that differ, or are not known"}
		}
	}
	return operators.Verdict{Level: operators.Native}
}

// Run implements operators.Kernel. A card with streams enqueues the work on
// call.Stream and returns; this one is done when Run returns.
func (k *kernel) Run(_ context.Context, call *operators.Call) error {
	y, err := call.NewOutput(0, tensor.Float32, call.Inputs[0].Shape)
	if err != nil {
		return err
	}
	out, err := k.dev.at(y.Region)
	if err != nil {
		return err
	}
	var in [2][]byte
	for i, operand := range call.Inputs {
		if in[i], err = k.dev.at(operand.Region); err != nil {
			return err
		}
	}
	for at := 0; at < 4*y.Shape.Size(); at += 4 {
		var x [2]float32
		for i := range call.Inputs {
			x[i] = math.Float32frombits(binary.NativeEndian.Uint32(in[i][at:]))
		}
		binary.NativeEndian.PutUint32(out[at:], math.Float32bits(k.f(x[0], x[1])))
	}
	return nil
}
