package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestTopK(t *testing.T) {
	smallest := graph.A("largest", int64(0))
	x := tensor.Of([]float32{1, 5, 3, 5, 2, 9}, 2, 3)
	meet(t, []expectation{
		{op: "TopK", in: list(x, i64(2)), want: list(tensor.Of([]float32{5, 3, 9, 5}, 2, 2), tensor.Of([]int64{1, 2, 2, 0}, 2, 2))},
		{name: "columns", op: "TopK", attrs: attrs(axis(0)), in: list(x, i64(1)), want: list(tensor.Of([]float32{5, 5, 9}, 1, 3), tensor.Of([]int64{1, 0, 1}, 1, 3))},
		{name: "smallest", op: "TopK", attrs: attrs(smallest), in: list(row(3, 1, 2), i64(2)), want: list(row(1, 2), i64(1, 2))},
		{name: "ties", op: "TopK", in: list(row(1, 2, 1, 2, 2), i64(4)), want: list(row(2, 2, 2, 1), i64(1, 3, 4, 0))},
		{name: "smallest ties", op: "TopK", attrs: attrs(smallest), in: list(row(2, 1, 1, 2), i64(3)), want: list(row(1, 1, 2), i64(1, 2, 0))},
		{name: "NaN", op: "TopK", in: list(row(1, nan32, float32(math.Inf(1))), i64(2)), want: list(row(nan32, float32(math.Inf(1))), i64(1, 2))},
		{name: "smallest NaN", op: "TopK", attrs: attrs(smallest), in: list(row(nan32, 1), i64(2)), want: list(row(1, nan32), i64(1, 0))},
		{name: "uint64", op: "TopK", in: list(tensor.Of([]uint64{1, 1 << 63, 2}), i64(2)), want: list(tensor.Of([]uint64{1 << 63, 2}), i64(1, 2))},
		{name: "int64 beyond float64", op: "TopK", in: list(i64(1<<60, 1<<60+1), i64(1)), want: list(i64(1<<60+1), i64(1))},
		{name: "none", op: "TopK", in: list(x, i64(0)), want: list(nothing(2, 0), tensor.Zeros(tensor.Int64, tensor.Shape{2, 0}))},
		{name: "of nothing", op: "TopK", in: list(nothing(2, 0), i64(0)), want: list(nothing(2, 0), nil)},
		{name: "too many", op: "TopK", in: list(x, i64(4)), err: "K is 4; axis 1 has extent 3"},
		{name: "negative", op: "TopK", in: list(x, i64(-1)), err: "K is -1"},
		{name: "two", op: "TopK", in: list(x, i64(1, 1)), err: "K has 2 elements"},
		{name: "a scalar", op: "TopK", in: list(at(1), i64(1)), err: "axis -1 is outside"},
	})
}

func TestUnique(t *testing.T) {
	unsorted := graph.A("sorted", int64(0))
	x := row(2, 1, 1, 3, 4, 3)
	cube := tensor.Of([]float32{1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1}, 2, 4, 2)
	meet(t, []expectation{
		{op: "Unique", in: list(x), want: list(row(1, 2, 3, 4), i64(1, 0, 3, 4), i64(1, 0, 0, 2, 3, 2), i64(2, 1, 2, 1))},
		{name: "unsorted", op: "Unique", attrs: attrs(unsorted), in: list(x), want: list(row(2, 1, 3, 4), i64(0, 1, 3, 4), i64(0, 1, 1, 2, 3, 2), i64(1, 2, 2, 1))},
		{name: "flattened", op: "Unique", in: list(tensor.Of([]float32{1, 3, 2, 3}, 2, 2)), want: list(row(1, 2, 3), i64(0, 2, 1), i64(0, 2, 1, 2), i64(1, 1, 2))},
		{name: "rows", op: "Unique", attrs: attrs(axis(0)), in: list(tensor.Of([]int8{2, 3, 1, 0, 1, 0}, 3, 2)),
			want: list(tensor.Of([]int8{1, 0, 2, 3}, 2, 2), i64(1, 0), i64(1, 0, 0), i64(2, 1))},
		{name: "slices", op: "Unique", attrs: attrs(axis(-2)), in: list(cube),
			want: list(tensor.Of([]float32{0, 1, 1, 1, 2, 1, 0, 1, 1, 1, 2, 1}, 2, 3, 2), i64(1, 0, 2), i64(1, 0, 2, 0), i64(2, 1, 1))},
		{name: "unsorted rows", op: "Unique", attrs: attrs(axis(0), unsorted), in: list(tensor.Of([]int8{2, 1, 2}, 3, 1)),
			want: list(tensor.Of([]int8{2, 1}, 2, 1), i64(0, 1), i64(0, 1, 0), i64(2, 1))},
		{name: "strings", op: "Unique", in: list(tensor.Of([]string{"b", "a", "b"})), want: list(tensor.Of([]string{"a", "b"}), i64(1, 0), i64(1, 0, 1), i64(1, 2))},
		{name: "bool", op: "Unique", in: list(tensor.Of([]bool{true, false, true})), want: list(tensor.Of([]bool{false, true}), i64(1, 0), nil, nil)},
		{name: "complex", op: "Unique", in: list(tensor.Of([]complex64{1 + 2i, 1 + 1i, 1 + 2i})), want: list(tensor.Of([]complex64{1 + 1i, 1 + 2i}), nil, i64(1, 0, 1), nil)},
		{name: "NaN", op: "Unique", in: list(row(nan32, 1, nan32)), want: list(row(1, nan32), i64(1, 0), i64(1, 0, 1), i64(1, 2))},
		{name: "nothing", op: "Unique", in: list(nothing(0)), want: list(nothing(0), i64(), i64(), i64())},
		{name: "slices of nothing", op: "Unique", attrs: attrs(axis(0)), in: list(nothing(2, 0)), want: list(nothing(1, 0), i64(0), i64(0, 0), i64(2))},
		{name: "axis", op: "Unique", attrs: attrs(axis(1)), in: list(x), err: "axis 1 is outside [-1, 1)"},
	})
}
