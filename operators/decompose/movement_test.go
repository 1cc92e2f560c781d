package decompose_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// attrs lists attributes.
func attrs(a ...graph.Attribute) []graph.Attribute { return a }

func integer(name string, v int64) graph.Attribute { return graph.A(name, v) }

// ramp returns 0, 1, 2, … as a tensor of a type.
func ramp(d tensor.DType, shape ...int) *tensor.Tensor {
	v := make([]int64, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = int64(i)
	}
	return tensor.FromInt64s(d, shape, v)
}

// wave returns varied numbers of both signs.
func wave(d tensor.DType, shape ...int) *tensor.Tensor {
	v := make([]float64, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = 5 * math.Sin(1+3*float64(i))
	}
	return tensor.FromFloat64s(d, shape, v)
}

func ints(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v)) }

func TestShapes(t *testing.T) {
	x, s := wave(tensor.Float32, 2, 3, 4), tensor.Scalar(float32(7))
	deep := ramp(tensor.Int32, 2, 8, 2, 3)
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	text := tensor.Of([]string{"a", "b"}, 1, 2, 1)
	prove(t, []claim{
		{op: "Size", in: on(x)},
		{name: "of a scalar", op: "Size", in: on(s)},
		{name: "of nothing", op: "Size", in: on(wave(tensor.Float32, 2, 0))},
		{op: "Flatten", in: on(x)},
		{name: "at 0", op: "Flatten", attrs: attrs(integer("axis", 0)), in: on(x)},
		{name: "at the rank", op: "Flatten", attrs: attrs(integer("axis", 3)), in: on(x)},
		{name: "counted back", op: "Flatten", attrs: attrs(integer("axis", -1)), in: on(x)},
		{name: "of nothing", op: "Flatten", attrs: attrs(integer("axis", 2)), in: on(wave(tensor.Float32, 2, 0, 3))},
		{op: "Squeeze", in: on(text)},
		{name: "some", op: "Squeeze", in: on(text, ints(-1)), constant: []int{1}},
		{name: "none", op: "Squeeze", in: on(text, ints()), constant: []int{1}},
		{op: "Unsqueeze", in: on(x, ints(0, -1, 2)), constant: []int{1}},
		{name: "a scalar", op: "Unsqueeze", in: on(s, ints(1, 0)), constant: []int{1}},
		{name: "nothing", op: "Unsqueeze", in: on(wave(tensor.Float32, 0), ints(-1)), constant: []int{1}},
		{op: "DepthToSpace", attrs: attrs(integer("blocksize", 2)), in: on(deep)},
		{name: "CRD", op: "DepthToSpace", attrs: attrs(integer("blocksize", 2), graph.A("mode", "CRD")), in: on(deep)},
		{op: "SpaceToDepth", attrs: attrs(integer("blocksize", 2)), in: on(ramp(tensor.Int32, 2, 3, 4, 6))},
		{op: "Tile", in: on(x, ints(2, 1, 3))},
		{name: "away", op: "Tile", in: on(x, ints(2, 0, 3))},
		{name: "nothing", op: "Tile", in: on(wave(tensor.Float32, 0, 2), ints(2, 2))},
	})
}

func TestParts(t *testing.T) {
	x := ramp(tensor.Int16, 2, 5, 3)
	square, batch := ramp(tensor.Float64, 4, 4), ramp(tensor.Float32, 3, 4, 2)
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	axis := func(a int64) graph.Attribute { return integer("axis", a) }
	lower := integer("upper", 0)
	k := func(k int64) *tensor.Tensor { return tensor.Scalar(k) }
	prove(t, []claim{
		{op: "Split", attrs: attrs(axis(-2)), in: on(x, ints(2, 0, 3)), constant: []int{1}, outputs: 3},
		{name: "evenly", op: "Split", attrs: attrs(axis(1), integer("num_outputs", 3)), in: on(x), outputs: 3},
		{op: "Trilu", in: on(x)},
		{name: "lower", op: "Trilu", attrs: attrs(lower), in: on(square)},
		{name: "above", op: "Trilu", in: on(square, k(2))},
		{name: "below", op: "Trilu", attrs: attrs(lower), in: on(square, k(-1))},
		{name: "far", op: "Trilu", attrs: attrs(lower), in: on(square, k(math.MaxInt64))},
		{name: "strings", op: "Trilu", in: on(tensor.Of([]string{"a", "b", "c", "d"}, 2, 2))},
		{name: "time first", op: "ReverseSequence", in: on(batch, ints(3, 0, 1, 2))},
		{name: "batch first", op: "ReverseSequence", attrs: attrs(integer("time_axis", 1), integer("batch_axis", 0)), in: on(batch, ints(4, 1, 2))},
		{op: "Compress", attrs: attrs(axis(-1)), in: on(x, tensor.Of([]bool{true, false, true}))},
		{name: "flat", op: "Compress", in: on(x, tensor.Of([]bool{false, true, true}))},
		{name: "nothing", op: "Compress", attrs: attrs(axis(0)), in: on(x, tensor.Of([]bool{false}))},
		{op: "CenterCropPad", in: on(x, ints(3, 2, 6))},
		{name: "some axes", op: "CenterCropPad", attrs: attrs(graph.A("axes", []int64{-1, 1})), in: on(x, tensor.Of([]int32{0, 8}))},
	})
}

func TestIndexes(t *testing.T) {
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	values := tensor.Of([]float32{-1, 2})
	at := ints(0, 2, -1, -3, -4, 3)
	cache, update := wave(tensor.Float32, 2, 3, 4, 2), wave(tensor.Float32, 2, 3, 2, 2)
	circular := graph.A("mode", "circular")
	prove(t, []claim{
		{op: "OneHot", in: on(at, tensor.Scalar(int64(3)), values)},
		{name: "of one index", op: "OneHot", in: on(tensor.Scalar(int64(-2)), tensor.Scalar(float32(5)), values)},
		{name: "first", op: "OneHot", attrs: attrs(integer("axis", 0)), in: on(ramp(tensor.Uint8, 2, 2), ints(3), values)},
		{name: "between", op: "OneHot", attrs: attrs(integer("axis", -2)), in: on(ramp(tensor.Float32, 2, 2), tensor.Of([]float32{3}), tensor.Of([]string{"no", "yes"}))},
		{op: "TensorScatter", in: on(cache, update)},
		{name: "at", op: "TensorScatter", in: on(cache, update, ints(0, 2))},
		{name: "circular", op: "TensorScatter", attrs: attrs(circular), in: on(cache, update, ints(3, 7))},
		{name: "on another axis", op: "TensorScatter", attrs: attrs(integer("axis", 1)), in: on(cache, wave(tensor.Float32, 2, 1, 4, 2), ints(2, 1))},
	})
}

func TestReductions(t *testing.T) {
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	x := wave(tensor.Float32, 2, 3, 4)
	flat, noop := integer("keepdims", 0), integer("noop_with_empty_axes", 1)
	positive := tensor.Of([]float32{1, 2, 3, 0.5, 1e-3, 0}, 2, 3)
	inf := float32(math.Inf(1))
	var claims []claim
	for _, op := range []string{"ReduceMean", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare"} {
		claims = append(claims,
			claim{op: op, in: on(x)},
			claim{name: "some axes", op: op, in: on(x, ints(-1, 0)), attrs: attrs(flat)},
			claim{name: "no axes", op: op, in: on(x, ints()), attrs: attrs(noop)},
			claim{name: "float64", op: op, in: on(wave(tensor.Float64, 2, 3), ints(1))},
			claim{name: "float16", op: op, in: on(wave(tensor.Float16, 2, 3), ints(1)), rtol: 1e-3},
			claim{name: "bfloat16", op: op, in: on(wave(tensor.BFloat16, 2, 3), ints(1)), rtol: 1e-2},
			claim{name: "int32", op: op, in: on(wave(tensor.Int32, 2, 3), ints(1))},
			claim{name: "empty", op: op, in: on(wave(tensor.Float32, 2, 0), ints(1))},
		)
	}
	prove(t, append(claims,
		claim{op: "ReduceLogSum", in: on(positive, ints(0))},
		claim{name: "uint32", op: "ReduceLogSum", in: on(ramp(tensor.Uint32, 2, 3), ints(1)), attrs: attrs(flat)},
		claim{name: "far apart", op: "ReduceLogSumExp", in: on(tensor.Of([]float32{1000, 999, -1000, -1001}, 2, 2), ints(1))},
		claim{name: "infinite", op: "ReduceLogSumExp", in: on(tensor.Of([]float32{inf, 1, -inf, -inf}, 2, 2), ints(1))},
	))
}

func TestNormalizedExponentials(t *testing.T) {
	x := wave(tensor.Float32, 2, 3, 4)
	var claims []claim
	for _, op := range []string{"Softmax", "LogSoftmax", "Hardmax"} {
		claims = append(claims,
			claim{op: op, in: []*tensor.Tensor{x}},
			claim{name: "first axis", op: op, in: []*tensor.Tensor{x}, attrs: attrs(integer("axis", 0))},
			claim{name: "large", op: op, in: []*tensor.Tensor{tensor.Of([]float32{1e4, 1e4 + 1, -1e4}, 1, 3)}},
			claim{name: "float16", op: op, in: []*tensor.Tensor{wave(tensor.Float16, 3, 5)}, rtol: 1e-3},
			claim{name: "nothing", op: op, in: []*tensor.Tensor{wave(tensor.Float32, 0, 3)}},
		)
	}
	prove(t, claims)
}
