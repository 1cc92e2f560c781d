package cpu_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// drawing is a graph under construction, of one input.
type drawing struct {
	*graph.Builder
	x *graph.Value
}

func newDrawing(shape ...int) drawing {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(shape))}
	return drawing{graph.NewBuilder(&graph.Node{Name: "net"}), x}
}

func (d drawing) graph(outputs ...*graph.Value) *graph.Graph {
	return &graph.Graph{Inputs: []*graph.Value{d.x}, Nodes: d.Nodes, Initializers: d.Initializers, Outputs: outputs}
}

// quantized makes a value integers, of uint8 or int8, and numbers again.
func (d drawing) quantized(x *graph.Value, scale float32, zero *tensor.Tensor) *graph.Value {
	s, z := d.Const(tensor.Scalar(scale)), d.Const(zero)
	return d.Op("DequantizeLinear", []*graph.Value{d.Op("QuantizeLinear", []*graph.Value{x, s, z}), s, z})
}

// weights are constant integers made numbers, with a scale for each step along
// axis 0.
func (d drawing) weights(t *tensor.Tensor, scale float64) *graph.Value {
	n := t.Shape()[0]
	scales := make([]float32, n)
	for i := range scales {
		scales[i] = float32(scale * (1 + float64(i)/float64(n)))
	}
	return d.Op("DequantizeLinear", []*graph.Value{d.Const(t), d.Const(tensor.Of(scales)), d.Const(tensor.Zeros(t.DType(), tensor.Shape{n}))}, graph.A("axis", int64(0)))
}

// passed returns the operators of a graph after the backend's passes, and what it
// computes before and after them.
func passed(t *testing.T, g *graph.Graph, x *tensor.Tensor) (ops []string, before, after []float64) {
	t.Helper()
	out, err := reference.Evaluate(t.Context(), g, []tensor.Value{x})
	require.NoError(t, err)
	before = out[0].(*tensor.Tensor).Float64s()
	ops, after = passedAs(t, g, x)
	return ops, before, after
}

// passedAs is passed of a graph that the reference does not compute as it is.
func passedAs(t *testing.T, g *graph.Graph, x *tensor.Tensor) (ops []string, after []float64) {
	t.Helper()
	annotate := func() {
		facts, err := infer.Run(t.Context(), g, nil)
		require.NoError(t, err)
		infer.Annotate(g, facts)
	}
	annotate()
	d := cpu.New(nil)
	defer func() { require.NoError(t, d.Close()) }()
	_, err := d.Optimize(t.Context(), g)
	require.NoError(t, err)
	annotate()
	out, err := reference.Evaluate(t.Context(), g, []tensor.Value{x})
	require.NoError(t, err)
	return living(g), out[0].(*tensor.Tensor).Float64s()
}

// living lists the operators that the outputs of a graph depend on.
func living(g *graph.Graph) (ops []string) {
	live := make(map[*graph.Value]bool)
	for _, v := range g.Outputs {
		live[v] = true
	}
	for _, n := range slices.Backward(g.Nodes) {
		if slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { return live[v] }) {
			ops = append(ops, n.Op)
			for _, v := range n.Inputs {
				live[v] = true
			}
		}
	}
	slices.Reverse(ops)
	return ops
}

func TestDynamicProductFolds(t *testing.T) {
	for _, biased := range []bool{false, true} {
		d := newDrawing(2, 5, 8)
		q := d.Node("", "DynamicQuantizeLinear", []*graph.Value{d.x}, 3)
		w := d.Const(randomBytes(tensor.Int8, 8, 6))
		y := d.Op("MatMulInteger", []*graph.Value{q[0], w, q[2], d.Const(tensor.Scalar(int8(0)))})
		step := d.Op("Mul", []*graph.Value{q[1], d.Const(tensor.Scalar(float32(0.02)))})
		y = d.Op("Mul", []*graph.Value{d.Op("Cast", []*graph.Value{y}, graph.A("to", int64(tensor.Float32))), step})
		if biased {
			y = d.Op("Add", []*graph.Value{d.Const(random(1, tensor.Float32, 6)), y})
		}
		ops, before, after := passed(t, d.graph(y), random(2, tensor.Float32, 2, 5, 8))
		assert.Equal(t, []string{"DynamicQuantizeLinear", "MatMulIntegerToFloat"}, ops)
		assert.InDeltaSlice(t, before, after, 1e-5)
	}
}

func TestDynamicProductIsSplit(t *testing.T) {
	d := newDrawing(5, 8)
	y := d.Node("com.microsoft", "DynamicQuantizeMatMul", []*graph.Value{d.x, d.Const(randomBytes(tensor.Int8, 8, 6)), d.Const(random(1, tensor.Float32, 6)), nil, d.Const(random(2, tensor.Float32, 6))}, 1)
	g := d.graph(y[0])
	x := random(3, tensor.Float32, 5, 8)
	q := tensor.Slice[float32](x)
	least, most := float32(0), float32(0)
	for _, v := range q {
		least, most = min(least, v), max(most, v)
	}
	ops, after := passedAs(t, g, x)
	assert.Equal(t, []string{"DynamicQuantizeLinear", "MatMulIntegerToFloat"}, ops)

	// Each element is near the product of the numbers themselves.
	w, scale, bias := g.Initializers[0].Const.Float64s(), g.Initializers[1].Const.Float64s(), g.Initializers[2].Const.Float64s()
	for i := range 5 {
		for j := range 6 {
			want, error := bias[j], 0.0
			for k := range 8 {
				want += float64(q[i*8+k]) * w[k*6+j] * scale[j]
				error += math.Abs(w[k*6+j]*scale[j]) * float64(most-least) / 255
			}
			assert.InDelta(t, want, after[i*6+j], error)
		}
	}
}

func TestDynamicProductStaysWhereItsPartsAreRead(t *testing.T) {
	d := newDrawing(5, 8)
	q := d.Node("", "DynamicQuantizeLinear", []*graph.Value{d.x}, 3)
	cast := d.Op("Cast", []*graph.Value{d.Op("MatMulInteger", []*graph.Value{q[0], d.Const(randomBytes(tensor.Int8, 8, 6)), q[2]})}, graph.A("to", int64(tensor.Float32)))
	ops, before, after := passed(t, d.graph(d.Op("Mul", []*graph.Value{cast, q[1]}), cast), random(2, tensor.Float32, 5, 8))
	assert.Equal(t, []string{"DynamicQuantizeLinear", "MatMulInteger", "Cast", "Mul"}, ops)
	assert.Equal(t, before, after)
}

// A small network of all sorts of nodes between QuantizeLinear and
// DequantizeLinear computes on integers; a step is 0.05.
func TestQuantizedNetworkFolds(t *testing.T) {
	const step = 0.05
	for _, c := range []struct{ zero, positive *tensor.Tensor }{
		{tensor.Scalar(uint8(120)), tensor.Scalar(uint8(0))}, {tensor.Scalar(int8(3)), tensor.Scalar(int8(-128))},
	} {
		d := newDrawing(2, 3, 9, 9)
		pads := graph.A("pads", []int64{1, 1, 1, 1})
		x := d.quantized(d.x, step, c.zero)
		y := d.Op("Conv", []*graph.Value{x, d.weights(randomBytes(tensor.Int8, 8, 3, 3, 3), 0.002), d.weights(random(3, tensor.Int32, 8), step*0.002)}, pads)
		y = d.quantized(d.Op("Relu", []*graph.Value{y}), step, c.positive)
		y = d.quantized(d.Op("MaxPool", []*graph.Value{y}, graph.A("kernel_shape", []int64{3, 3}), graph.A("strides", []int64{2, 2}), pads), step, c.positive)
		z := d.Op("Conv", []*graph.Value{y, d.weights(randomBytes(tensor.Int8, 8, 1, 3, 3), 0.002), d.Const(random(4, tensor.Float32, 8))}, pads, graph.A("group", int64(8)))
		z = d.quantized(d.Op("Clip", []*graph.Value{z, d.Const(tensor.Scalar(float32(0))), d.Const(tensor.Scalar(float32(255 * step)))}), step, c.positive)
		y = d.quantized(d.Op("Add", []*graph.Value{y, z}), 2*step, c.positive)
		y = d.quantized(d.Op("Concat", []*graph.Value{y, y}, graph.A("axis", int64(1))), 2*step, c.positive)
		y = d.quantized(d.Op("GlobalAveragePool", []*graph.Value{y}), step, c.positive)
		y = d.quantized(d.Op("Reshape", []*graph.Value{y, d.Ints(2, 16)}), step, c.positive)
		y = d.Op("Flatten", []*graph.Value{y})
		y = d.Op("Gemm", []*graph.Value{y, d.weights(randomBytes(tensor.Int8, 5, 16), 0.002), d.Const(random(5, tensor.Float32, 5))}, graph.A("transB", int64(1)))
		ops, before, after := passed(t, d.graph(y), random(6, tensor.Float32, 2, 3, 9, 9))
		assert.Equal(t, []string{"QuantizeLinear", "Transpose", "QLinearConv", "NhwcMaxPool", "QLinearConv", "QLinearAdd", "Concat", "QLinearGlobalAveragePool",
			"Transpose", "Reshape", "Flatten", "MatMulIntegerToFloat"}, ops)
		assert.InDeltaSlice(t, before, after, 3*step)
		assert.NotEqual(t, before[0], before[1])
	}
}

// A network written in QLinearConv keeps the channels of its images last.
func TestQLinearNetworkHasItsChannelsLast(t *testing.T) {
	d := newDrawing(1, 3, 9, 9)
	scale, zero, step := d.Const(tensor.Scalar(float32(0.05))), d.Const(tensor.Scalar(uint8(120))), d.Const(tensor.Scalar(float32(0.003)))
	conv := func(x *graph.Value, w *tensor.Tensor, attributes ...graph.Attribute) *graph.Value {
		weights, bias := d.Const(w), d.Const(random(3, tensor.Int32, w.Shape()[0]))
		return d.Op("QLinearConv", []*graph.Value{x, scale, zero, weights, step, d.Const(tensor.Scalar(uint8(121))), scale, zero, bias}, attributes...)
	}
	pads := graph.A("pads", []int64{1, 1, 1, 1})
	x := d.Op("QuantizeLinear", []*graph.Value{d.x, scale, zero})
	y := conv(x, randomBytes(tensor.Uint8, 8, 3, 3, 3), graph.A("auto_pad", "SAME_UPPER"), graph.A("strides", []int64{2, 2}))
	z := conv(y, randomBytes(tensor.Uint8, 8, 1, 3, 3), pads, graph.A("group", int64(8)))
	y = d.Node("com.microsoft", "QLinearAdd", []*graph.Value{y, scale, zero, z, scale, zero, scale, zero}, 1)[0]
	y = d.Op("MaxPool", []*graph.Value{y}, graph.A("kernel_shape", []int64{2, 2}))
	y = conv(y, randomBytes(tensor.Uint8, 5, 8, 1, 1))
	y = d.Node("com.microsoft", "QLinearGlobalAveragePool", []*graph.Value{y, scale, zero, scale, zero}, 1)[0]
	ops, before, after := passed(t, d.graph(d.Op("DequantizeLinear", []*graph.Value{y, scale, zero})), random(6, tensor.Float32, 1, 3, 9, 9))
	assert.Equal(t, []string{"QuantizeLinear", "Transpose", "QLinearConv", "QLinearConv", "QLinearAdd", "NhwcMaxPool", "QLinearConv", "QLinearGlobalAveragePool",
		"Transpose", "DequantizeLinear"}, ops)
	assert.InDeltaSlice(t, before, after, 0.05*1.01)
	assert.NotEqual(t, before[0], before[1])
}

// What has its channels last says so, wherever they were in the node before.
func TestQLinearPoolOfChannelsLastStays(t *testing.T) {
	d := newDrawing(1, 3, 5, 4)
	scale, zero := d.Const(tensor.Scalar(float32(0.05))), d.Const(tensor.Scalar(uint8(120)))
	y := d.Op("QuantizeLinear", []*graph.Value{d.x, scale, zero})
	for _, shape := range [][]int{{6, 3, 1, 1}, {4, 6, 1, 1}} {
		y = d.Op("QLinearConv", []*graph.Value{y, scale, zero, d.Const(randomBytes(tensor.Int8, shape...)), scale, d.Const(tensor.Scalar(int8(0))), scale, zero})
	}
	y = d.Node("com.microsoft", "QLinearGlobalAveragePool", []*graph.Value{y, scale, zero, scale, zero}, 1, graph.A("channels_last", int64(1)))[0]
	_, before, after := passed(t, d.graph(d.Op("DequantizeLinear", []*graph.Value{y, scale, zero})), random(7, tensor.Float32, 1, 3, 5, 4))
	assert.InDeltaSlice(t, before, after, 0.05*1.01)
}

func TestQLinearConvByItselfStays(t *testing.T) {
	d := newDrawing(1, 3, 4, 4)
	scale, zero := d.Const(tensor.Scalar(float32(0.05))), d.Const(tensor.Scalar(uint8(120)))
	x := d.Op("QuantizeLinear", []*graph.Value{d.x, scale, zero})
	y := d.Op("QLinearConv", []*graph.Value{x, scale, zero, d.Const(randomBytes(tensor.Int8, 4, 3, 1, 1)), scale, d.Const(tensor.Scalar(int8(0))), scale, zero})
	ops, before, after := passed(t, d.graph(d.Op("DequantizeLinear", []*graph.Value{y, scale, zero})), random(7, tensor.Float32, 1, 3, 4, 4))
	assert.Equal(t, []string{"QuantizeLinear", "QLinearConv", "DequantizeLinear"}, ops)
	assert.Equal(t, before, after)
}

// What is not the same on integers stays as it is.
func TestQuantizedNodesThatDoNotFold(t *testing.T) {
	zero, middle := tensor.Scalar(uint8(0)), tensor.Scalar(uint8(128))
	weights := randomBytes(tensor.Int8, 4, 3, 1, 1)
	input := random(7, tensor.Float32, 1, 3, 4, 4)
	pool := graph.A("kernel_shape", []int64{2, 2})
	for name, c := range map[string]struct {
		build func(d drawing, x *graph.Value) []*graph.Value
		stays string
	}{
		"read elsewhere": {func(d drawing, x *graph.Value) []*graph.Value {
			y := d.Op("Conv", []*graph.Value{x, d.weights(weights, 0.01)})
			return []*graph.Value{d.quantized(y, 0.1, zero), y}
		}, "Conv"},
		"clipped by the activation": {func(d drawing, x *graph.Value) []*graph.Value {
			y := d.Op("Relu", []*graph.Value{d.Op("Conv", []*graph.Value{x, d.weights(weights, 0.01)})})
			return []*graph.Value{d.quantized(y, 0.1, middle)}
		}, "Relu"},
		"another scale": {func(d drawing, x *graph.Value) []*graph.Value {
			return []*graph.Value{d.quantized(d.Op("MaxPool", []*graph.Value{x}, pool), 0.1, zero)}
		}, "MaxPool"},
		"average of a part": {func(d drawing, x *graph.Value) []*graph.Value {
			return []*graph.Value{d.quantized(d.Op("AveragePool", []*graph.Value{x}, pool), 0.02, zero)}
		}, "AveragePool"},
		"broadcast": {func(d drawing, x *graph.Value) []*graph.Value {
			y := d.quantized(d.Op("GlobalAveragePool", []*graph.Value{x}), 0.02, zero)
			return []*graph.Value{d.quantized(d.Op("Add", []*graph.Value{x, y}), 0.1, zero)}
		}, "Add"},
		"transposed on the left": {func(d drawing, x *graph.Value) []*graph.Value {
			y := d.Op("Reshape", []*graph.Value{x, d.Ints(3, 16)})
			y = d.quantized(y, 0.02, zero)
			return []*graph.Value{d.Op("Gemm", []*graph.Value{y, d.weights(randomBytes(tensor.Int8, 5, 3), 0.01)}, graph.A("transA", int64(1)), graph.A("transB", int64(1)))}
		}, "Gemm"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDrawing(1, 3, 4, 4)
			ops, before, after := passed(t, d.graph(c.build(d, d.quantized(d.x, 0.02, zero))...), input)
			assert.Contains(t, ops, c.stays)
			assert.Equal(t, before, after)
		})
	}
}
