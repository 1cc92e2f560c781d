package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestGather(t *testing.T) {
	x := counting(3, 2)
	scalar := func(v int64) *tensor.Tensor { return tensor.Scalar(v) }
	meet(t, []expectation{
		{op: "Gather", in: list(x, i64(2, 0)), want: list(tensor.Of([]float32{4, 5, 0, 1}, 2, 2))},
		{name: "a scalar", op: "Gather", in: list(x, scalar(-1)), want: list(row(4, 5))},
		{name: "another axis", op: "Gather", attrs: attrs(axis(-1)), in: list(x, tensor.Of([]int32{1, -2}, 1, 2)), want: list(tensor.Of([]float32{1, 0, 3, 2, 5, 4}, 3, 1, 2))},
		{name: "strings", op: "Gather", in: list(tensor.Of([]string{"a", "b"}), i64(1, 1)), want: list(tensor.Of([]string{"b", "b"}))},
		{name: "complex", op: "Gather", in: list(tensor.Of([]complex64{1, 2i}), scalar(1)), want: list(tensor.Scalar(complex64(2i)))},
		{name: "nothing", op: "Gather", in: list(x, i64()), want: list(nothing(0, 2))},
		{name: "beyond", op: "Gather", in: list(x, i64(0, 3)), err: "index 3 is outside [-3, 3) of an axis of extent 3"},
		{name: "before", op: "Gather", in: list(x, scalar(-4)), err: "index -4 is outside"},
		{name: "of nothing", op: "Gather", in: list(nothing(0), scalar(0)), err: "index 0 is outside [0, 0)"},

		{op: "GatherElements", attrs: attrs(axis(1)), in: list(x, tensor.Of([]int64{1, 0, -2, -1}, 2, 2)), want: list(tensor.Of([]float32{1, 0, 2, 3}, 2, 2))},
		{name: "rows", op: "GatherElements", in: list(x, tensor.Of([]int64{2, 0}, 1, 2)), want: list(tensor.Of([]float32{4, 1}, 1, 2))},
		{name: "more than there are", op: "GatherElements", in: list(row(7, 8), i64(1, 1, 0)), want: list(row(8, 8, 7))},
		{name: "too wide", op: "GatherElements", in: list(x, tensor.Of([]int64{0, 0, 0}, 1, 3)), err: "reach beyond data of shape [3,2] on axis 1"},
		{name: "ranks", op: "GatherElements", in: list(x, i64(0)), err: "the ranks must be equal"},
		{name: "beyond", op: "GatherElements", in: list(row(1), i64(1)), err: "index 1 is outside [-1, 1)"},
	})
}

func TestGatherND(t *testing.T) {
	x := counting(2, 2, 2)
	batch := attrs(graph.A("batch_dims", int64(1)))
	meet(t, []expectation{
		{name: "elements", op: "GatherND", in: list(counting(2, 2), tensor.Of([]int64{0, 0, 1, -1}, 2, 2)), want: list(row(0, 3))},
		{name: "slices", op: "GatherND", in: list(x, tensor.Of([]int64{0, 1, 1, 0}, 2, 2)), want: list(tensor.Of([]float32{2, 3, 4, 5}, 2, 2))},
		{name: "deep", op: "GatherND", in: list(x, tensor.Of([]int64{1}, 1, 1, 1)), want: list(tensor.Of([]float32{4, 5, 6, 7}, 1, 1, 2, 2))},
		{name: "batches", op: "GatherND", attrs: batch, in: list(x, tensor.Of([]int64{1, 0}, 2, 1)), want: list(tensor.Of([]float32{2, 3, 4, 5}, 2, 2))},
		{name: "batches of several", op: "GatherND", attrs: batch, in: list(counting(2, 3), tensor.Of([]int64{1, 0, 2, 2}, 2, 2, 1)), want: list(tensor.Of([]float32{1, 0, 5, 5}, 2, 2))},
		{name: "nothing", op: "GatherND", in: list(x, tensor.Zeros(tensor.Int64, tensor.Shape{0, 1})), want: list(nothing(0, 2, 2))},
		{name: "too long", op: "GatherND", in: list(x, i64(0, 0, 0, 0)), err: "index tuples of length 4 for the 3 axes"},
		{name: "beyond", op: "GatherND", in: list(x, i64(0, 2)), err: "data axis 1: index 2 is outside [-2, 2)"},
		{name: "batch_dims", op: "GatherND", attrs: attrs(graph.A("batch_dims", int64(2))), in: list(x, tensor.Of([]int64{0, 0}, 2, 1)), err: "batch_dims 2 is outside [0, 2)"},
		{name: "batches differ", op: "GatherND", attrs: batch, in: list(x, tensor.Of([]int64{1}, 1, 1)), err: "differ in their first 1 extents"},
		{name: "a scalar", op: "GatherND", in: list(at(1), i64(0)), err: "both take rank 1 or more"},
	})
}

func reduction(name string) []graph.Attribute { return attrs(graph.A("reduction", name)) }

func TestScatterElements(t *testing.T) {
	x, twice := row(1, 2, 3), i64(1, 1)
	meet(t, []expectation{
		{op: "ScatterElements", attrs: attrs(axis(1)), in: list(tensor.Of([]float32{1, 2, 3}, 1, 3), tensor.Of([]int64{2, -3}, 1, 2), tensor.Of([]float32{8, 9}, 1, 2)), want: list(tensor.Of([]float32{9, 2, 8}, 1, 3))},
		{name: "rows", op: "ScatterElements", in: list(nothing(3, 2), tensor.Of([]int32{1, 2}, 1, 2), tensor.Of([]float32{8, 9}, 1, 2)), want: list(tensor.Of([]float32{0, 0, 8, 0, 0, 9}, 3, 2))},
		{name: "strings", op: "ScatterElements", in: list(tensor.Of([]string{"a", "b"}), i64(0), tensor.Of([]string{"c"})), want: list(tensor.Of([]string{"c", "b"}))},
		{name: "nothing", op: "ScatterElements", in: list(x, i64(), nothing(0)), want: list(x)},
		{name: "add", op: "ScatterElements", attrs: reduction("add"), in: list(x, twice, row(10, 20)), want: list(row(1, 32, 3))},
		{name: "mul", op: "ScatterElements", attrs: reduction("mul"), in: list(x, twice, row(10, 20)), want: list(row(1, 400, 3))},
		{name: "max", op: "ScatterElements", attrs: reduction("max"), in: list(x, twice, row(-1, 5)), want: list(row(1, 5, 3))},
		{name: "min", op: "ScatterElements", attrs: reduction("min"), in: list(x, twice, row(-1, 5)), want: list(row(1, -1, 3))},
		{name: "max of NaN", op: "ScatterElements", attrs: reduction("max"), in: list(x, i64(0), row(float32(math.NaN()))), want: list(row(float32(math.NaN()), 2, 3))},
		{name: "add int8", op: "ScatterElements", attrs: reduction("add"), in: list(tensor.Of([]int8{100}), i64(0, 0), tensor.Of([]int8{20, 20})), want: list(tensor.Of([]int8{-116}))},
		{name: "max uint64", op: "ScatterElements", attrs: reduction("max"), in: list(tensor.Of([]uint64{1}), i64(0), tensor.Of([]uint64{1 << 63})), want: list(tensor.Of([]uint64{1 << 63}))},
		{name: "add bool", op: "ScatterElements", attrs: reduction("add"), in: list(tensor.Of([]bool{true, false}), i64(0, 1), tensor.Of([]bool{true, false})), want: list(tensor.Of([]bool{true, false}))},
		{name: "mul complex", op: "ScatterElements", attrs: reduction("mul"), in: list(tensor.Of([]complex64{1i}), i64(0), tensor.Of([]complex64{1i})), want: list(tensor.Of([]complex64{-1}))},
		{name: "max complex", op: "ScatterElements", attrs: reduction("max"), in: list(tensor.Of([]complex64{1i}), i64(0), tensor.Of([]complex64{1i})), err: `complex64 elements have no reduction "max"`},
		{name: "add strings", op: "ScatterElements", attrs: reduction("add"), in: list(tensor.Of([]string{"a"}), i64(0), tensor.Of([]string{"b"})), err: `strings have no reduction "add"`},
		{name: "another reduction", op: "ScatterElements", attrs: reduction("mean"), in: list(x, i64(0), row(1)), err: `reduction "mean" is none of none, add, mul, max, min`},
		{name: "shapes", op: "ScatterElements", in: list(x, i64(0), row(1, 2)), err: "indices of shape [1] for updates of shape [2]"},
		{name: "types", op: "ScatterElements", in: list(x, i64(0), i64(1)), err: "updates are int64, the data float32"},
		{name: "beyond", op: "ScatterElements", in: list(x, i64(3), row(1)), err: "index 3 is outside [-3, 3)"},
	})
}

func TestScatterND(t *testing.T) {
	x := counting(2, 3)
	at := func(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v), 1) }
	meet(t, []expectation{
		{name: "elements", op: "ScatterND", in: list(x, tensor.Of([]int64{0, -1, 1, 0}, 2, 2), row(8, 9)), want: list(tensor.Of([]float32{0, 1, 8, 9, 4, 5}, 2, 3))},
		{name: "slices", op: "ScatterND", in: list(x, at(1), tensor.Of([]float32{7, 8, 9}, 1, 3)), want: list(tensor.Of([]float32{0, 1, 2, 7, 8, 9}, 2, 3))},
		{name: "add", op: "ScatterND", attrs: reduction("add"), in: list(row(1, 2), at(0, 0), row(10, 20)), want: list(row(31, 2))},
		{name: "min", op: "ScatterND", attrs: reduction("min"), in: list(row(1, 2), at(0, 1), row(10, -20)), want: list(row(1, -20))},
		{name: "nothing", op: "ScatterND", in: list(row(1), tensor.Zeros(tensor.Int64, tensor.Shape{0, 1}), nothing(0)), want: list(row(1))},
		{name: "updates", op: "ScatterND", in: list(x, at(1), row(1)), err: "updates have shape [1]; data of shape [2,3] and indices of shape [1,1] take [1,3]"},
		{name: "beyond", op: "ScatterND", in: list(row(1), at(1), row(1)), err: "data axis 0: index 1 is outside [-1, 1)"},
	})
}

func TestTensorScatter(t *testing.T) {
	cache := nothing(2, 4, 1)
	update := tensor.Of([]float32{1, 2, 3, 4}, 2, 2, 1)
	circular := attrs(graph.A("mode", "circular"))
	of := func(v ...float32) []tensor.Value { return list(tensor.Of(v, 2, 4, 1)) }
	meet(t, []expectation{
		{op: "TensorScatter", in: list(cache, update), want: of(1, 2, 0, 0, 3, 4, 0, 0)},
		{name: "at", op: "TensorScatter", in: list(cache, update, i64(1, 2)), want: of(0, 1, 2, 0, 0, 0, 3, 4)},
		{name: "circular", op: "TensorScatter", attrs: circular, in: list(cache, update, i64(3, 6)), want: of(2, 0, 0, 1, 0, 0, 3, 4)},
		{name: "another axis", op: "TensorScatter", attrs: attrs(axis(1)), in: list(nothing(1, 2), tensor.Of([]float32{5}, 1, 1), i64(1)), want: list(tensor.Of([]float32{0, 5}, 1, 2))},
		{name: "int4", op: "TensorScatter", attrs: attrs(axis(1)), in: list(shaped(int4(1, 2, 3), 1, 3), shaped(int4(-4), 1, 1), i64(1)), want: list(shaped(int4(1, -4, 3), 1, 3))},
		{name: "beyond", op: "TensorScatter", in: list(cache, update, i64(0, 3)), err: "sample 1 is written at index 3: 2 elements do not fit a cache of 4 there"},
		{name: "before", op: "TensorScatter", in: list(cache, update, i64(-1, 0)), err: "sample 0 is written at index -1"},
		{name: "batch", op: "TensorScatter", in: list(cache, update, i64(0)), err: "1 write indices for a batch of 2"},
		{name: "shapes", op: "TensorScatter", in: list(cache, nothing(2, 5, 1)), err: "an update of shape [2,5,1] does not fit a cache of shape [2,4,1] along axis 1"},
		{name: "batch axis", op: "TensorScatter", attrs: attrs(axis(0)), in: list(cache, update), err: "axis 0 is the batch"},
		{name: "mode", op: "TensorScatter", attrs: attrs(graph.A("mode", "ring")), in: list(cache, update), err: `mode "ring" is neither linear nor circular`},
	})
}

func TestOneHot(t *testing.T) {
	values := tensor.Of([]int8{5, 7})
	meet(t, []expectation{
		{op: "OneHot", in: list(i64(0, 2), at(3), values), want: list(tensor.Of([]int8{7, 5, 5, 5, 5, 7}, 2, 3))},
		{name: "negative and beyond", op: "OneHot", in: list(i64(-1, -3, -4, 3), i64(3), values), want: list(tensor.Of([]int8{5, 5, 7, 7, 5, 5, 5, 5, 5, 5, 5, 5}, 4, 3))},
		{name: "first axis", op: "OneHot", attrs: attrs(axis(0)), in: list(tensor.Of([]uint8{1, 0}), at(2), values), want: list(tensor.Of([]int8{5, 7, 7, 5}, 2, 2))},
		{name: "middle axis", op: "OneHot", attrs: attrs(axis(-2)), in: list(tensor.Of([]int32{0, 1}, 1, 2), at(2), values), want: list(tensor.Of([]int8{7, 5, 5, 7}, 1, 2, 2))},
		{name: "real indices", op: "OneHot", in: list(row(1.9), row(2.5), tensor.Of([]string{"no", "yes"})), want: list(tensor.Of([]string{"no", "yes"}, 1, 2))},
		{name: "a scalar", op: "OneHot", in: list(at(1), at(2), values), want: list(tensor.Of([]int8{5, 7}))},
		{name: "depth 0", op: "OneHot", in: list(i64(0), at(0), values), want: list(tensor.Zeros(tensor.Int8, tensor.Shape{1, 0}))},
		{name: "negative depth", op: "OneHot", in: list(i64(0), at(-1), values), err: "depth -1"},
		{name: "depths", op: "OneHot", in: list(i64(0), i64(1, 2), values), err: "depth has 2 elements"},
		{name: "values", op: "OneHot", in: list(i64(0), at(1), tensor.Of([]int8{1})), err: "values has 1 elements"},
		{name: "axis", op: "OneHot", attrs: attrs(axis(2)), in: list(i64(0), at(1), values), err: "axis 2 is outside [-2, 2)"},
	})
}

func TestNonZero(t *testing.T) {
	meet(t, []expectation{
		{op: "NonZero", in: list(tensor.Of([]float32{1, 0, float32(math.NaN()), -2}, 2, 2)), want: list(tensor.Of([]int64{0, 1, 1, 0, 0, 1}, 2, 3))},
		{name: "bool", op: "NonZero", in: list(tensor.Of([]bool{false, true})), want: list(tensor.Of([]int64{1}, 1, 1))},
		{name: "strings", op: "NonZero", in: list(tensor.Of([]string{"", "0"})), want: list(tensor.Of([]int64{1}, 1, 1))},
		{name: "complex", op: "NonZero", in: list(tensor.Of([]complex64{0, 1i})), want: list(tensor.Of([]int64{1}, 1, 1))},
		{name: "small", op: "NonZero", in: list(tensor.Of([]float64{math.SmallestNonzeroFloat64, math.Copysign(0, -1)})), want: list(tensor.Of([]int64{0}, 1, 1))},
		{name: "none", op: "NonZero", in: list(nothing(2, 2)), want: list(tensor.Zeros(tensor.Int64, tensor.Shape{2, 0}))},
		{name: "a scalar", op: "NonZero", in: list(at(3)), want: list(tensor.Zeros(tensor.Int64, tensor.Shape{0, 1}))},
		{name: "a zero scalar", op: "NonZero", in: list(at(0)), want: list(tensor.Zeros(tensor.Int64, tensor.Shape{0, 0}))},
	})
}
