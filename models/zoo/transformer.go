package zoo

import (
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// dense adds a MatMul and, where biased, an Add, as PyTorch exports a linear
// layer of more than two axes.
func (n *net) dense(name string, x *graph.Value, from, to int, gain float64, biased bool) (y *graph.Value) {
	n.in(name, func() {
		w := n.drawn(keeping(from, gain), from, to)
		if n.dynamic != nil {
			y = n.dynamicMatMul(x, w)
		} else {
			y = n.op("MatMul", x, n.weight("weight", w))
		}
		if biased {
			y = n.op("Add", y, n.weight("bias", n.drawn(0.1, to)))
		}
	})
	return y
}

// dynamicMatMul adds a product with integer weights of one scale; x is quantized
// when it is known, once for all products that read it.
func (n *net) dynamicMatMul(x *graph.Value, w *tensor.Tensor) *graph.Value {
	q, ok := n.dynamic[x]
	if !ok {
		q = n.ops("DynamicQuantizeLinear", 3, []*graph.Value{x})
		n.dynamic[x] = q
	}
	most := 1e-6
	for _, v := range tensor.Slice[float32](w) {
		most = math.Max(most, math.Abs(float64(v)))
	}
	scale := float32(most / 127)
	weights := make([]int8, w.Len())
	for i, v := range tensor.Slice[float32](w) {
		weights[i] = int8(math.RoundToEven(float64(v / scale)))
	}
	product := n.op("MatMulInteger", q[0], n.weight("weight_quantized", tensor.Of(weights, w.Shape()...)), q[2], n.constant("weight_zero_point", tensor.Scalar(int8(0))))
	return n.op("Mul", n.op("Cast", product, attr("to", int64(tensor.Float32))), n.op("Mul", q[1], n.constant("weight_scale", tensor.Scalar(scale))))
}

// layerNormalization adds one in pieces, as exports before opset 17 have it.
func (n *net) layerNormalization(name string, x *graph.Value, width int, epsilon float64) (y *graph.Value) {
	last := ints("axes", -1)
	n.in(name, func() {
		centred := n.op("Sub", x, n.op("ReduceMean", x, last))
		variance := n.op("ReduceMean", n.op("Pow", centred, n.number(2)), last)
		y = n.op("Div", centred, n.op("Sqrt", n.op("Add", variance, n.number(epsilon))))
		y = n.op("Add", n.op("Mul", y, n.weight("weight", n.level(1, width))), n.weight("bias", n.drawn(0.1, width)))
	})
	return y
}

// rms adds a root-mean-square normalization in pieces (Zhang and Sennrich, "Root
// mean square layer normalization", 2019).
func (n *net) rms(name string, x *graph.Value, width int, epsilon float64) (y *graph.Value) {
	n.in(name, func() {
		square := n.op("ReduceMean", n.op("Pow", x, n.number(2)), ints("axes", -1))
		y = n.op("Mul", x, n.op("Reciprocal", n.op("Sqrt", n.op("Add", square, n.number(epsilon)))))
		y = n.op("Mul", n.weight("weight", n.level(1, width)), y)
	})
	return y
}

// gelu adds one in pieces.
func (n *net) gelu(x *graph.Value) *graph.Value {
	e := n.op("Add", n.op("Erf", n.op("Div", x, n.number(math.Sqrt2))), n.number(1))
	return n.op("Mul", n.op("Mul", x, e), n.number(0.5))
}

// extent reads an extent of a value when the model runs, as a list of one.
func (n *net) extent(x *graph.Value, axis int64) *graph.Value {
	return n.op("Unsqueeze", n.op("Gather", n.op("Shape", x), n.index(axis), attr("axis", int64(0))), n.list(0))
}

// split makes heads of a value of batch × length × width: batch × heads × length ×
// size.
func (n *net) split(x *graph.Value, heads, size int64) *graph.Value {
	return n.op("Transpose", n.reshape(x, n.list(heads), n.list(size)), ints("perm", 0, 2, 1, 3))
}

// join is the inverse of split.
func (n *net) join(x *graph.Value, width int64) *graph.Value {
	return n.reshape(n.op("Transpose", x, ints("perm", 0, 2, 1, 3)), n.list(width))
}

// reshape keeps the first two extents of a value and gives it others behind them.
func (n *net) reshape(x *graph.Value, behind ...*graph.Value) *graph.Value {
	in := append([]*graph.Value{n.extent(x, 0), n.extent(x, 1)}, behind...)
	return n.op("Reshape", x, n.ops("Concat", 1, in, attr("axis", int64(0)))[0])
}

func (n *net) cast(x *graph.Value, to tensor.DType) *graph.Value {
	return n.op("Cast", x, attr("to", int64(to)))
}
