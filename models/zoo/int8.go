package zoo

import (
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// scheme says how a model is quantized: weights to int8 with a scale per output
// channel, activations to uint8, each with QuantizeLinear and DequantizeLinear
// around it.
type scheme struct {
	scales map[*graph.Value]float64 // of activations that are floats again
}

// quantized makes the layers that follow quantized ones.
func (n *net) quantized() { n.int8 = &scheme{scales: make(map[*graph.Value]float64)} }

// What activations of variance 1 reach.
const (
	above = 6.0 // those that are not negative
	both  = 8.0 // the others, on either side
)

// perChannel adds the weights and the bias of a layer of x as integers of one
// scale a channel, the first axis, and returns them made floats again. The scale
// of a bias is that of the weights times that of x. Both count as parameters.
func (n *net) perChannel(x *graph.Value, w, b *tensor.Tensor) []*graph.Value {
	channels := w.Shape()[0]
	rows, bias := tensor.Slice[float32](w), tensor.Slice[float32](b)
	row := len(rows) / channels
	scales, biasScales := make([]float32, channels), make([]float32, channels)
	weights, biases := make([]int8, len(rows)), make([]int32, channels)
	for c := range channels {
		most := 1e-6
		for _, v := range rows[c*row : (c+1)*row] {
			most = math.Max(most, math.Abs(float64(v)))
		}
		scales[c] = float32(most / 127)
		for i, v := range rows[c*row : (c+1)*row] {
			weights[c*row+i] = int8(math.RoundToEven(float64(v / scales[c])))
		}
		biasScales[c] = scales[c] * float32(n.int8.scales[x])
		biases[c] = int32(math.RoundToEven(float64(bias[c] / biasScales[c])))
	}
	return []*graph.Value{
		n.dequantized("weight", tensor.Of(weights, w.Shape()...), scales, tensor.Zeros(tensor.Int8, tensor.Shape{channels})),
		n.dequantized("bias", tensor.Of(biases), biasScales, tensor.Zeros(tensor.Int32, tensor.Shape{channels})),
	}
}

func (n *net) dequantized(name string, t *tensor.Tensor, scales []float32, zero *tensor.Tensor) *graph.Value {
	return n.op("DequantizeLinear", n.weight(name+"_quantized", t), n.constant(name+"_scale", tensor.Of(scales)),
		n.constant(name+"_zero_point", zero), attr("axis", int64(0)))
}

// activation quantizes a value and makes it a float again, where the model is
// quantized.
func (n *net) activation(x *graph.Value, positive bool) *graph.Value {
	if n.int8 == nil {
		return x
	}
	scale, zero := 2*both/255, uint8(128)
	if positive {
		scale, zero = above/255, 0
	}
	s, z := n.number(scale), n.constant("zero_point", tensor.Scalar(zero))
	y := n.op("DequantizeLinear", n.op("QuantizeLinear", x, s, z), s, z)
	n.int8.scales[y] = scale
	return y
}
