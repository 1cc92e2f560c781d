package infer_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestSlice(t *testing.T) {
	x := f32("n", 10, 4)
	const far = math.MaxInt64
	find(t, []inference{
		{op: "Slice", in: facts(x, i64(2), i64(-1), i64(1)), want: "float32[n,7,4]"},
		{name: "by steps", op: "Slice", in: facts(x, i64(0, -1), i64(far, -far), i64(1, 2), i64(3, -2)), want: "float32[n,4,2]"},
		{name: "a whole symbol", op: "Slice", in: facts(x, i64(0), i64(math.MaxInt32)), want: "float32[n,10,4]"},
		{name: "up to the symbol", op: "Slice", in: facts(x, i64(0), shapeLike("n")), want: "float32[n,10,4]"},
		{name: "a symbol backward", op: "Slice", in: facts(x, i64(-1), i64(math.MinInt64), i64(0), i64(-1)), want: "float32[n,10,4]"},
		{name: "part of a symbol", op: "Slice", in: facts(x, i64(1), i64(far)), want: "float32[?,10,4]"},
		{name: "an unknown end", op: "Slice", in: facts(x, i64(0), shapeLike("m"), i64(1)), want: "float32[n,?,4]"},
		{name: "an unknown step", op: "Slice", in: facts(x, i64(0), i64(4), i64(1), typed(tensor.Int64, 1)), want: "float32[n,?,4]"},
		{name: "unknown axes", op: "Slice", in: facts(x, i64(0), i64(4), typed(tensor.Int64, 1)), want: "float32[?,?,?]"},
		{name: "unranked", op: "Slice", in: facts(unranked(tensor.Int8), i64(0), i64(4)), want: "int8[...]"},
		{name: "elements", op: "Slice", in: facts(shapeLike("n", 3, "m"), i64(-1), i64(-9), i64(0), i64(-2)), want: "int64[2]{m,n}"},
		{name: "step 0", op: "Slice", in: facts(x, i64(0), i64(4), i64(1), i64(0)), err: "the step along axis 1 is 0"},
		{name: "unequal", op: "Slice", in: facts(x, i64(0, 0), i64(4)), err: "2 starts, 1 ends, 2 axes and 2 steps"},
		{name: "axis", op: "Slice", in: facts(x, i64(0), i64(4), i64(3)), err: "axis 3 is outside [-3, 3)"},
	})
}

func TestConcatAndSplit(t *testing.T) {
	parts := graph.A("num_outputs", int64(3))
	find(t, []inference{
		{op: "Concat", attrs: with(axis(-1)), in: facts(f32("n", 3), f32("?", 4)), want: "float32[n,7]"},
		{name: "a number wins", op: "Concat", attrs: with(axis(1)), in: facts(f32("n", 3), f32(2, "m")), want: "float32[2,?]"},
		{name: "a symbol and nothing", op: "Concat", attrs: with(axis(0)), in: facts(f32("n"), f32(0)), want: "float32[n]"},
		{name: "an unranked input", op: "Concat", attrs: with(axis(0)), in: facts(unranked(tensor.Float32), f32(2, 3)), want: "float32[?,3]"},
		{name: "unranked", op: "Concat", attrs: with(axis(4)), in: facts(unranked(tensor.Int8)), want: "int8[...]"},
		{name: "elements", op: "Concat", attrs: with(axis(0)), in: facts(shapeLike("n"), i64(3), typed(tensor.Int64, 1)), want: "int64[3]{n,3,?}"},
		{name: "extents", op: "Concat", attrs: with(axis(0)), in: facts(f32(1, 3), f32(1, 4)), err: "does not agree with the others on axis 1: extents 3 and 4 differ"},
		{name: "ranks", op: "Concat", attrs: with(axis(0)), in: facts(f32(1, 3), f32(3)), err: "the ranks must be equal"},

		{op: "Split", attrs: with(axis(1)), in: facts(f32("n", 6), i64(2, 4)), want: "float32[n,2] float32[n,4]"},
		{name: "evenly", op: "Split", attrs: with(axis(1), parts), in: facts(f32("n", 7)), want: "float32[n,3] float32[n,3] float32[n,1]"},
		{name: "a symbol", op: "Split", in: facts(f32("n", 7)), want: "float32[?,7] float32[?,7]"},
		{name: "into one", op: "Split", in: facts(f32("n", 7)), want: "float32[n,7]"},
		{name: "by unknown sizes", op: "Split", in: facts(f32(4), shapeLike("a", "?")), want: "float32[a] float32[?]"},
		{name: "elements", op: "Split", in: facts(shapeLike("n", 3, "m"), i64(1, 2)), want: "int64[1]{n} int64[2]{3,m}"},
		{name: "unranked", op: "Split", in: facts(unranked(tensor.Int8)), want: "int8[...] int8[...]"},
		{name: "another sum", op: "Split", in: facts(f32(4), i64(1, 2)), want: "? ?", err: "the parts [1,2] add up to 3, the axis has extent 4"},
		{name: "another number", op: "Split", attrs: with(parts), in: facts(f32(4)), err: "num_outputs is 3, the node has 1 outputs"},
	})
}

func TestPadAndCrop(t *testing.T) {
	x := f32("n", 5)
	find(t, []inference{
		{op: "Pad", in: facts(x, i64(0, 1, 0, 2)), want: "float32[n,8]"},
		{name: "cropping", op: "Pad", in: facts(x, i64(0, -1, 0, -2)), want: "float32[n,2]"},
		{name: "a symbol", op: "Pad", in: facts(x, i64(1, 0, 0, 0)), want: "float32[?,5]"},
		{name: "an axis", op: "Pad", in: facts(x, i64(1, 2), absent, i64(-1)), want: "float32[n,8]"},
		{name: "unknown", op: "Pad", in: facts(x, typed(tensor.Int64, 4)), want: "float32[?,?]"},
		{name: "unknown axes", op: "Pad", in: facts(x, i64(1, 2), absent, typed(tensor.Int64, 1)), want: "float32[?,?]"},
		{name: "too much", op: "Pad", in: facts(x, i64(0, -3, 0, -3)), err: "axis 1: extent 5 cannot be padded by -3 and -3"},
		{name: "too few", op: "Pad", in: facts(x, i64(1, 1)), err: "2 pads for 2 axes"},
		{op: "CenterCropPad", in: facts(x, shapeLike("m", 7)), want: "float32[m,7]"},
		{name: "an axis", op: "CenterCropPad", attrs: with(graph.A("axes", []int64{-1})), in: facts(x, i64(7)), want: "float32[n,7]"},
		{name: "unknown", op: "CenterCropPad", attrs: with(graph.A("axes", []int64{-1})), in: facts(x, typed(tensor.Int64, "?")), want: "float32[n,?]"},
		{op: "Trilu", in: facts(f32("n", 3, 3)), want: "float32[n,3,3]"},
		{op: "ReverseSequence", in: facts(f32("t", "n"), typed(tensor.Int64, "n")), want: "float32[t,n]"},
		{op: "Compress", in: facts(x, typed(tensor.Bool, 2)), want: "float32[?]"},
		{name: "a known condition", op: "Compress", attrs: with(axis(1)), in: facts(x, infer.Of(tensor.Of([]bool{true, false, true}))), want: "float32[n,2]"},
		{name: "axis", op: "Compress", attrs: with(axis(2)), in: facts(x, typed(tensor.Bool, 2)), err: "axis 2 is outside [-2, 2)"},
	})
}
