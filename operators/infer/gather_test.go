package infer_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestGathers(t *testing.T) {
	x, at := f32("n", 3, 4), typed(tensor.Int64, "m", 2)
	batch := with(graph.A("batch_dims", int64(1)))
	find(t, []inference{
		{op: "Gather", in: facts(x, at), want: "float32[m,2,3,4]"},
		{name: "on an axis", op: "Gather", attrs: with(axis(-2)), in: facts(x, at), want: "float32[n,m,2,4]"},
		{name: "a scalar", op: "Gather", attrs: with(axis(1)), in: facts(x, typed(tensor.Int64)), want: "float32[n,4]"},
		{name: "unranked", op: "Gather", in: facts(unranked(tensor.Int8), at), want: "int8[...]"},
		{name: "by unranked", op: "Gather", in: facts(x, unranked(tensor.Int64)), want: "float32[...]"},
		{name: "elements", op: "Gather", in: facts(shapeLike("n", 3, "m"), i64(-1, 1)), want: "int64[2]{m,3}"},
		{name: "an element", op: "Gather", in: facts(shapeLike("n", 3), infer.Of(tensor.Scalar(int32(0)))), want: "int64[]{n}"},
		{name: "a known element", op: "Gather", in: facts(shapeLike("n", 3), infer.Of(tensor.Scalar(int32(1)))), want: "int64[]{3}"},
		{name: "beyond", op: "Gather", in: facts(shapeLike("n", 3), i64(2)), err: "index 2 is outside [-2, 2) of an axis of extent 2"},
		{name: "axis", op: "Gather", attrs: with(axis(3)), in: facts(x, at), err: "axis 3 is outside [-3, 3)"},

		{op: "GatherElements", in: facts(f32("n", 3), at), want: "float32[m,2]"},
		{name: "ranks", op: "GatherElements", in: facts(x, at), err: "the ranks must be equal"},
		{op: "GatherND", in: facts(x, at), want: "float32[m,4]"},
		{name: "batches", op: "GatherND", attrs: batch, in: facts(x, typed(tensor.Int64, "n", 5, 1)), want: "float32[n,5,4]"},
		{name: "of unknown length", op: "GatherND", in: facts(x, typed(tensor.Int64, 2, "?")), want: "float32[...]"},
		{name: "too long", op: "GatherND", in: facts(x, typed(tensor.Int64, 4)), err: "index tuples of length 4"},
		{name: "batch_dims", op: "GatherND", attrs: batch, in: facts(x, i64(1)), err: "batch_dims 1 is outside [0, 1)"},

		{op: "ScatterElements", in: facts(x, x, x), want: "float32[n,3,4]"},
		{op: "ScatterND", in: facts(x, at, x), want: "float32[n,3,4]"},
		{op: "TensorScatter", in: facts(x, x), want: "float32[n,3,4]"},

		{op: "OneHot", in: facts(at, i64(5), typed(tensor.Bool, 2)), want: "bool[m,2,5]"},
		{name: "a symbol", op: "OneHot", attrs: with(axis(1)), in: facts(at, shapeLike("d"), typed(tensor.Bool, 2)), want: "bool[m,d,2]"},
		{name: "a real depth", op: "OneHot", in: facts(at, f32(1), typed(tensor.Bool, 2)), want: "bool[m,2,?]"},
		{name: "axis", op: "OneHot", attrs: with(axis(3)), in: facts(at, i64(5), typed(tensor.Bool, 2)), err: "axis 3 is outside [-3, 3)"},

		{op: "NonZero", in: facts(x), want: "int64[3,?]"},
		{name: "known", op: "NonZero", in: facts(infer.Of(tensor.Of([]int32{1, 0, 2}))), want: "int64[1,2]{0,2}"},
		{name: "unranked", op: "NonZero", in: facts(unranked(tensor.Bool)), want: "int64[?,?]"},

		{op: "TopK", in: facts(x, i64(2)), want: "float32[n,3,2] int64[n,3,2]"},
		{name: "a symbol", op: "TopK", attrs: with(axis(1)), in: facts(x, shapeLike("k")), want: "float32[n,k,4] int64[n,k,4]"},
		{name: "too many", op: "TopK", in: facts(x, i64(5)), err: "K is 5; axis 2 has extent 4"},
		{op: "Unique", in: facts(f32(1, "n")), want: "float32[?] int64[?] int64[n] int64[?]"},
		{name: "slices", op: "Unique", attrs: with(axis(1)), in: facts(x), want: "float32[n,?,4] int64[?] int64[3] int64[?]"},
	})
}

func TestReductions(t *testing.T) {
	x := f32("n", 3, 4)
	flat, noop := graph.A("keepdims", int64(0)), graph.A("noop_with_empty_axes", int64(1))
	find(t, []inference{
		{op: "ReduceSum", in: facts(x), want: "float32[1,1,1]"},
		{name: "empty axes", op: "ReduceSum", attrs: with(flat), in: facts(x, i64()), want: "float32[]"},
		{name: "noop", op: "ReduceMax", attrs: with(flat, noop), in: facts(x), want: "float32[n,3,4]"},
		{name: "some", op: "ReduceMean", in: facts(x, i64(-1)), want: "float32[n,3,1]"},
		{name: "some dropped", op: "ReduceMean", attrs: with(flat), in: facts(x, i64(1, 2)), want: "float32[n]"},
		{name: "unknown axes", op: "ReduceL2", in: facts(x, typed(tensor.Int64, "?")), want: "float32[?,?,?]"},
		{name: "unknown axes dropped", op: "ReduceL2", attrs: with(flat), in: facts(x, typed(tensor.Int64, 2)), want: "float32[?]"},
		{name: "unknown number of axes dropped", op: "ReduceL2", attrs: with(flat), in: facts(x, typed(tensor.Int64, "?")), want: "float32[...]"},
		{name: "unranked", op: "ReduceMin", attrs: with(flat), in: facts(unranked(tensor.Int8)), want: "int8[]"},
		{name: "unranked, kept", op: "ReduceMin", in: facts(unranked(tensor.Int8)), want: "int8[...]"},
		{name: "elements", op: "ReduceProd", attrs: with(flat), in: facts(shapeLike("n", 1)), want: "int64[]{n}"},
		{name: "outside", op: "ReduceSum", in: facts(x, i64(3)), err: "axis 3 is outside [-3, 3)"},

		{op: "ArgMax", in: facts(x), want: "int64[1,3,4]"},
		{name: "dropped", op: "ArgMin", attrs: with(axis(-1), flat), in: facts(x), want: "int64[n,3]"},
		{name: "nothing", op: "ArgMin", in: facts(f32(0, 3)), err: "axis 0 of shape [0,3] has no elements to choose from"},
		{op: "CumSum", in: facts(x, i64(1)), want: "float32[n,3,4]"},
		{op: "Softmax", in: facts(x), want: "float32[n,3,4]"},
		{name: "axis", op: "LogSoftmax", attrs: with(axis(3)), in: facts(x), err: "axis 3 is outside [-3, 3)"},
		{name: "unranked", op: "Hardmax", in: facts(unranked(tensor.Float16)), want: "float16[...]"},
	})
}
