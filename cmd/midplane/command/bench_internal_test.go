package command

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/cost"
	"example.com/midplane/operators/graph"
)

func TestRatios(t *testing.T) {
	var r ratios
	var lines table
	r.line(&lines, "nothing")
	assert.Empty(t, lines)
	r.add("a", 4)
	r.add("b", 0.5)
	r.add("c", 4)
	r.line(&lines, "all")
	assert.Equal(t, table{{"all", "3", "2.00", "0.50", "b"}}, lines)
}

// 10⁶ multiply-adds in a millisecond are 2 GFLOP/s, of a peak of 8 a quarter; those of
// integers have a peak of their own.
func TestShareOfThePeak(t *testing.T) {
	m := machineJSON{PeakFloats: 8, PeakIntegers: 32}
	assert.InDelta(t, 2, gflops(cost.Work{Floats: 1e6}, 1), 1e-12)
	assert.InDelta(t, 0.25, m.share(cost.Work{Floats: 1e6}, 1), 1e-12)
	assert.InDelta(t, 0.25+0.0625, m.share(cost.Work{Floats: 1e6, Integers: 1e6}, 1), 1e-12)
	assert.Zero(t, machineJSON{}.share(cost.Work{Floats: 1e6}, 1), "no peak is known")
	assert.Zero(t, gflops(cost.Work{Floats: 1e6}, 0))
}

func TestGroups(t *testing.T) {
	node := func(op string, d tensor.DType, out tensor.Shape, in ...tensor.Shape) *graph.Node {
		n := &graph.Node{Op: op, Outputs: []*graph.Value{{Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(out))}}}
		for _, s := range in {
			n.Inputs = append(n.Inputs, &graph.Value{Type: tensor.TensorType(d, tensor.KnownDims(s))})
		}
		return n
	}
	conv := node("Conv", tensor.Float32, tensor.Shape{1, 8, 9}, tensor.Shape{1, 4, 9}, tensor.Shape{8, 4, 1})
	product := node("MatMul", tensor.Float32, tensor.Shape{9, 9}, tensor.Shape{9, 9}, tensor.Shape{9, 9})
	integers := node("MatMulInteger", tensor.Int8, tensor.Shape{50, 50}, tensor.Shape{50, 50}, tensor.Shape{50, 50})
	lstm := node("LSTM", tensor.Float32, tensor.Shape{2, 1, 1, 3}, tensor.Shape{2, 1, 3}, tensor.Shape{1, 12, 3}, tensor.Shape{1, 12, 3})
	softmax := node("Softmax", tensor.Float32, tensor.Shape{9, 9}, tensor.Shape{9, 9})
	relu := node("Relu", tensor.Float32, tensor.Shape{9, 9}, tensor.Shape{9, 9})
	for want, nodes := range map[string][]*graph.Node{
		"other":       {relu, softmax},
		"products":    {product, relu},
		"attention":   {product, softmax},
		"convolution": {conv, relu, softmax},
		"recurrent":   {conv, product, lstm},
		"int8":        {conv, integers, softmax},
	} {
		assert.Equal(t, want, groupOf(&graph.Graph{Nodes: nodes}, nil), want)
	}
}
