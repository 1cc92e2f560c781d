package cpu_test

import (
	"math/rand/v2"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

var wordTypes = []tensor.DType{tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Float16}

func TestTranspose(t *testing.T) {
	shapes := [][]int{{}, {5}, {3, 4}, {17, 33}, {64, 48}, {1, 1}, {2, 3, 4}, {1, 19, 5}, {2, 16, 16, 3}, {2, 3, 20, 17}, {2, 0, 3}, {2, 3, 2, 3, 2}, {130, 300}}
	r := rand.New(rand.NewPCG(1, 2))
	for _, d := range wordTypes {
		for _, s := range shapes {
			x := random(1, d, s...)
			agreement{op: "Transpose", inputs: []*tensor.Tensor{x}, kernel: "transpose"}.check(t)
			for range 3 {
				perm := make([]int64, len(s))
				for i, p := range r.Perm(len(s)) {
					perm[i] = int64(p)
				}
				agreement{op: "Transpose", attributes: []graph.Attribute{graph.A("perm", perm)}, inputs: []*tensor.Tensor{x}, kernel: "transpose"}.check(t)
			}
		}
	}
	agreement{op: "Transpose", attributes: []graph.Attribute{graph.A("perm", []int64{0, 0})}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 2)}, kernel: "transpose"}.check(t)
}

func TestDepthAndSpace(t *testing.T) {
	for _, mode := range []string{"DCR", "CRD"} {
		agreement{op: "DepthToSpace", attributes: []graph.Attribute{graph.A("blocksize", int64(2)), graph.A("mode", mode)},
			inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 12, 5, 7)}, kernel: "transpose"}.check(t)
	}
	agreement{op: "SpaceToDepth", attributes: []graph.Attribute{graph.A("blocksize", int64(3))},
		inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 4, 6, 9)}, kernel: "transpose"}.check(t)
	agreement{op: "SpaceToDepth", attributes: []graph.Attribute{graph.A("blocksize", int64(4))},
		inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 4, 6, 9)}, kernel: "transpose"}.check(t)
}

func TestReshapes(t *testing.T) {
	for _, d := range wordTypes {
		x := random(1, d, 2, 3, 1, 5)
		for _, a := range []agreement{
			{op: "Reshape", inputs: []*tensor.Tensor{x, ints(3, -1)}}, {op: "Reshape", inputs: []*tensor.Tensor{x, ints(0, 15)}},
			{op: "Flatten", inputs: []*tensor.Tensor{x}}, {op: "Squeeze", inputs: []*tensor.Tensor{x, ints(2)}},
			{op: "Unsqueeze", inputs: []*tensor.Tensor{x, ints(0, -1)}}, {op: "Identity", inputs: []*tensor.Tensor{x}},
		} {
			a.kernel = "copy"
			a.check(t)
		}
		agreement{op: "Expand", inputs: []*tensor.Tensor{random(1, d, 3, 1), ints(2, 1, 6)}, kernel: "copy/strided"}.check(t)
		agreement{op: "Expand", inputs: []*tensor.Tensor{random(1, d, 1, 33), ints(40, 1)}, kernel: "copy/strided"}.check(t)
		agreement{op: "Tile", inputs: []*tensor.Tensor{random(1, d, 3, 5), ints(2, 3)}, kernel: "copy/strided"}.check(t)
		agreement{op: "Tile", inputs: []*tensor.Tensor{random(1, d, 3, 5), ints(2, 0)}, kernel: "copy/strided"}.check(t)
	}
}

func TestSlice(t *testing.T) {
	for _, d := range wordTypes {
		x := random(1, d, 5, 33, 7)
		for _, in := range [][]*tensor.Tensor{
			{ints(1), ints(4)}, {ints(0, 3), ints(5, -1)}, {ints(-1), ints(-100), ints(1), ints(-1)}, {ints(2, 1), ints(100, 100), ints(1, 2), ints(3, 2)},
			{ints(3), ints(3), ints(0)}, {ints(6, -1), ints(0, -8), ints(2, 0), ints(-2, -3)}, {ints(0), ints(9), ints(-1), nil},
			{ints(0, 0), ints(1, 1), ints(1, 1)}, {ints(0), ints(1), ints(0), ints(0)},
		} {
			agreement{op: "Slice", inputs: append([]*tensor.Tensor{x}, in...), kernel: "copy/strided"}.check(t)
		}
	}
}

func TestConcatAndSplit(t *testing.T) {
	for _, d := range wordTypes {
		for axis := int64(-3); axis < 3; axis++ {
			at := []graph.Attribute{graph.A("axis", axis)}
			shape := func(n int) []int {
				s := []int{4, 5, 6}
				s[(axis+3)%3] = n
				return s
			}
			agreement{op: "Concat", attributes: at, inputs: []*tensor.Tensor{random(1, d, shape(3)...), random(2, d, shape(0)...), random(3, d, shape(70)...)}, kernel: "copy/strided"}.check(t)
			agreement{op: "Concat", attributes: at, inputs: []*tensor.Tensor{random(1, d, shape(3)...)}, kernel: "copy/strided"}.check(t)
			agreement{op: "Split", attributes: at, inputs: []*tensor.Tensor{random(1, d, shape(9)...), ints(2, 0, 7)}, outputs: 3, kernel: "copy/strided"}.check(t)
			agreement{op: "Split", attributes: at, inputs: []*tensor.Tensor{random(1, d, shape(9)...)}, outputs: 2, kernel: "copy/strided"}.check(t)
		}
	}
	agreement{op: "Concat", attributes: []graph.Attribute{graph.A("axis", int64(0))}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 2), random(1, tensor.Float32, 2, 3)}, kernel: "copy/strided"}.check(t)
}

func TestPad(t *testing.T) {
	for _, d := range wordTypes {
		x := random(1, d, 3, 33, 2)
		value := random(5, d)
		for _, in := range [][]*tensor.Tensor{
			{ints(0, 1, 2, 3, 4, 5)}, {ints(0, 1, 2, 3, 4, 5), value}, {ints(0, -1, 2, -2, 4, -1), value}, {ints(2, 3), value, ints(-2)}, {ints(0, 0, 0, 0, 0, 0)},
		} {
			agreement{op: "Pad", inputs: append([]*tensor.Tensor{x}, in...), kernel: "copy/strided"}.check(t)
		}
	}
}

func TestPadThatRepeats(t *testing.T) {
	for _, mode := range []string{"edge", "reflect", "wrap"} {
		attributes := []graph.Attribute{graph.A("mode", mode)}
		for _, d := range wordTypes {
			x := random(1, d, 3, 5, 4)
			for _, in := range [][]*tensor.Tensor{
				{ints(0, 1, 2, 3, 4, 5)}, {ints(0, -1, 2, -2, 4, -1)}, {ints(-2, 9), nil, ints(2)}, {ints(9, -2), nil, ints(-1)}, {ints(0, 0, 0, 0, 0, 0)}, {ints(-4, 7), nil, ints(2)},
			} {
				agreement{op: "Pad", attributes: attributes, inputs: append([]*tensor.Tensor{x}, in...), kernel: "copy/mapped"}.check(t)
			}
		}
		agreement{op: "Pad", attributes: attributes, inputs: []*tensor.Tensor{random(1, tensor.Float32, 1), ints(2, 2)}, kernel: "copy/mapped"}.check(t)
		agreement{op: "Pad", attributes: attributes, inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 3), ints(1, 1), nil, ints(5)}, kernel: "copy/mapped"}.check(t) // an error
	}
}

func TestGather(t *testing.T) {
	for _, d := range wordTypes {
		x := random(1, d, 5, 33, 7)
		for axis := int64(-3); axis < 3; axis++ {
			at := []graph.Attribute{graph.A("axis", axis)}
			agreement{op: "Gather", attributes: at, inputs: []*tensor.Tensor{x, ints(0, -1, 4, 2)}, kernel: "gather"}.check(t)
			agreement{op: "Gather", attributes: at, inputs: []*tensor.Tensor{x, tensor.Of([]int32{3, 1}, 1, 2)}, kernel: "gather"}.check(t)
			agreement{op: "Gather", attributes: at, inputs: []*tensor.Tensor{x, tensor.Scalar(int64(2))}, kernel: "gather"}.check(t)
		}
		agreement{op: "Gather", inputs: []*tensor.Tensor{x, ints(5)}, kernel: "gather"}.check(t)
		agreement{op: "Gather", inputs: []*tensor.Tensor{x, ints()}, kernel: "gather"}.check(t)
	}
}
