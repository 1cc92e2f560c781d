package cpu_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// quantizedConvCases are those of float32, and some that only byte kernels tell
// apart.
func quantizedConvCases() []convCase {
	return append(convCases(),
		convCase{x: []int{2, 32, 9, 10}, w: []int{32, 1, 3, 3}, group: 32, pads: []int64{1, 1, 1, 1}},
		convCase{x: []int{1, 48, 9, 10}, w: []int{48, 1, 3, 3}, group: 48, strides: []int64{2, 2}, pads: []int64{0, 0, 1, 1}},
		convCase{x: []int{1, 16, 40, 300}, w: []int{16, 1, 1, 1}, group: 16},
		convCase{x: []int{2, 64, 8, 8}, w: []int{40, 64, 1, 1}, strides: []int64{2, 2}},
		convCase{x: []int{1, 16, 6, 6}, w: []int{24, 8, 3, 3}, group: 2, pads: []int64{1, 1, 1, 1}},
		// Windows of an image that are one line:
		convCase{x: []int{2, 16, 9, 9}, w: []int{24, 16, 3, 3}, pads: []int64{1, 1, 1, 1}},
		convCase{x: []int{1, 64, 14, 13}, w: []int{40, 64, 3, 3}, pads: []int64{1, 1, 1, 1}},
		convCase{x: []int{3, 32, 8, 8}, w: []int{33, 32, 2, 2}},
		convCase{x: []int{1, 32, 7, 7}, w: []int{64, 16, 1, 2}, group: 2})
}

// zeroPoint is zero points of a type: of case i one for all, absent, or one for
// each of n.
func zeroPoint(d tensor.DType, i, n int) *tensor.Tensor {
	switch i % 3 {
	case 0:
		return tensor.FromFloat64s(d, tensor.Shape{}, []float64{[]float64{0, 127, 3}[i/3%3]})
	case 1:
		return tensor.FromFloat64s(d, tensor.Shape{1}, []float64{0})
	}
	return randomBytes(d, n)
}

func TestConvInteger(t *testing.T) {
	for i, c := range quantizedConvCases() {
		x, w := []tensor.DType{tensor.Uint8, tensor.Int8}[i%2], []tensor.DType{tensor.Int8, tensor.Uint8}[i/2%2]
		t.Run(fmt.Sprintf("%v %v %+v", x, w, c), func(t *testing.T) {
			g := agreement{op: "ConvInteger", kernel: "conv/integer", attributes: c.attributes(),
				inputs: tensors(randomBytes(x, c.x...), randomBytes(w, c.w...), tensor.FromFloat64s(x, tensor.Shape{}, []float64{float64(i % 128)}), zeroPoint(w, i, c.w[0]))}
			if i%5 == 0 {
				g.inputs = g.inputs[:2]
			}
			g.check(t)
			g.constants = []int{1}
			g.check(t)
		})
	}
}

func TestQLinearConv(t *testing.T) {
	for i, c := range quantizedConvCases() {
		x, w := []tensor.DType{tensor.Uint8, tensor.Int8}[i%2], []tensor.DType{tensor.Int8, tensor.Uint8}[i/2%2]
		t.Run(fmt.Sprintf("%v %v %+v", x, w, c), func(t *testing.T) {
			g := quantizedConvolution(c, i, x, w)
			g.check(t)
			g.constants = []int{1, 2, 3, 4, 5, 6, 7, 8}
			g.check(t)
		})
	}
}

// quantizedConvolution is a QLinearConv.
func quantizedConvolution(c convCase, i int, x, w tensor.DType) agreement {
	filters := c.w[0]
	scales := random(uint64(i), tensor.Float32, filters)
	if i%4 == 0 {
		scales = tensor.Scalar(float32(0.01))
	}
	yZero := tensor.Scalar(uint8(100))
	if i%3 == 0 {
		yZero = tensor.Scalar(int8(-1))
	}
	g := agreement{op: "QLinearConv", kernel: "conv/quantized", attributes: c.attributes(), inputs: tensors(
		randomBytes(x, c.x...), tensor.Scalar(float32(0.1)), tensor.FromFloat64s(x, tensor.Shape{}, []float64{float64(i * 7 % 128)}),
		randomBytes(w, c.w...), scales, zeroPoint(w, i, filters), tensor.Scalar(float32(7)), yZero)}
	if i%2 == 0 {
		g.inputs = append(g.inputs, random(uint64(i), tensor.Int32, filters))
	}
	return g
}

// The channels of com.microsoft's operator may be last.
func TestQLinearConvChannelsLast(t *testing.T) {
	for i, c := range quantizedConvCases() {
		if c.x[0] == 0 || len(c.w) != len(c.x) {
			continue
		}
		x, w := []tensor.DType{tensor.Uint8, tensor.Int8}[i%2], []tensor.DType{tensor.Int8, tensor.Uint8}[i/2%2]
		t.Run(fmt.Sprintf("%v %v %+v", x, w, c), func(t *testing.T) {
			g := quantizedConvolution(c, i, x, w)
			g.op = "com.microsoft.QLinearConv"
			g.attributes = append(g.attributes, graph.A("channels_last", int64(1)))
			rank := len(c.x)
			perm := []int64{0}
			for axis := 2; axis < rank; axis++ {
				perm = append(perm, int64(axis))
			}
			n := &graph.Node{Op: "Transpose", Inputs: []*graph.Value{{Type: g.inputs[0].Type()}}, Outputs: []*graph.Value{{}}, Attributes: []graph.Attribute{graph.A("perm", append(perm, 1))}}
			turned, err := reference.Run(t.Context(), n, []tensor.Value{g.inputs[0]}, nil)
			require.NoError(t, err)
			g.inputs[0] = turned[0].(*tensor.Tensor)
			g.constants, g.tolerance = []int{3}, 1
			g.check(t)
		})
	}
}

// A convolution ends soon after its context.
func TestQLinearConvStops(t *testing.T) {
	d := cpu.New(&driver.Options{Threads: 1})
	defer func() { require.NoError(t, d.Close()) }()
	one := tensor.Scalar(float32(1))
	a := agreement{op: "com.microsoft.QLinearConv", attributes: []graph.Attribute{graph.A("channels_last", int64(1))}, constants: []int{3}, inputs: tensors(
		tensor.Zeros(tensor.Uint8, tensor.Shape{1, 256, 256, 256}), one, tensor.Scalar(uint8(0)),
		tensor.Zeros(tensor.Int8, tensor.Shape{512, 256, 3, 3}), one, tensor.Scalar(int8(0)), one, tensor.Scalar(uint8(0)))}
	node := a.node()
	node.Outputs[0].Type = tensor.TensorType(tensor.Uint8, tensor.KnownDims(tensor.Shape{1, 254, 254, 512}))
	k, err := d.Build(node)
	require.NoError(t, err)
	c := &operators.Call{Outputs: []operators.Operand{deviceOperand(t, d, tensor.Zeros(tensor.Uint8, tensor.Shape{1, 254, 254, 512}))}}
	for _, in := range a.inputs {
		c.Inputs = append(c.Inputs, deviceOperand(t, d, in))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	start := time.Now()
	require.ErrorIs(t, k.Run(ctx, c), context.DeadlineExceeded) // all of it takes 76 billion products
	require.Less(t, time.Since(start), 10*time.Second)          // on slow machines; else at once
}
