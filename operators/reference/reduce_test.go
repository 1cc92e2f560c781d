package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

var (
	flat = graph.A("keepdims", int64(0))
	noop = graph.A("noop_with_empty_axes", int64(1))
)

func TestReduceAxes(t *testing.T) {
	x := counting(2, 3)
	meet(t, []expectation{
		{op: "ReduceSum", in: list(x), want: list(tensor.Of([]float32{15}, 1, 1))},
		{name: "empty axes", op: "ReduceSum", attrs: attrs(flat), in: list(x, i64()), want: list(tensor.Scalar(float32(15)))},
		{name: "no axes, noop", op: "ReduceSum", attrs: attrs(flat, noop), in: list(x), want: list(x)},
		{name: "empty axes, noop", op: "ReduceMax", attrs: attrs(noop), in: list(x, i64()), want: list(x)},
		{name: "axes, noop", op: "ReduceSum", attrs: attrs(noop), in: list(x, i64(0)), want: list(tensor.Of([]float32{3, 5, 7}, 1, 3))},
		{name: "the last", op: "ReduceSum", in: list(x, i64(-1)), want: list(tensor.Of([]float32{3, 12}, 2, 1))},
		{name: "dropped", op: "ReduceSum", attrs: attrs(flat), in: list(x, i64(0)), want: list(row(3, 5, 7))},
		{name: "two of three", op: "ReduceSum", attrs: attrs(flat), in: list(counting(2, 2, 2), i64(2, 0)), want: list(row(0+1+4+5, 2+3+6+7))},
		{name: "a scalar", op: "ReduceSum", in: list(tensor.Scalar(float32(3))), want: list(tensor.Scalar(float32(3)))},
		{name: "twice", op: "ReduceSum", in: list(x, i64(1, -1)), err: "axis 1 is given twice"},
		{name: "outside", op: "ReduceSum", in: list(x, i64(2)), err: "axis 2 is outside [-2, 2)"},
	})
}

func TestReductions(t *testing.T) {
	x := row(3, -4, 1, 2)
	inf := float32(math.Inf(1))
	one := func(v float32) []tensor.Value { return list(tensor.Scalar(v)) }
	meet(t, []expectation{
		{op: "ReduceMean", attrs: attrs(flat), in: list(x), want: one(0.5)},
		{op: "ReduceProd", attrs: attrs(flat), in: list(x), want: one(-24)},
		{op: "ReduceMax", attrs: attrs(flat), in: list(x), want: one(3)},
		{op: "ReduceMin", attrs: attrs(flat), in: list(x), want: one(-4)},
		{op: "ReduceL1", attrs: attrs(flat), in: list(x), want: one(10)},
		{op: "ReduceL2", attrs: attrs(flat), in: list(row(3, -4)), want: one(5)},
		{op: "ReduceSumSquare", attrs: attrs(flat), in: list(x), want: one(30)},
		{op: "ReduceLogSum", attrs: attrs(flat), in: list(row(0.25, 0.75)), want: one(0)},
		{op: "ReduceLogSumExp", attrs: attrs(flat), in: list(row(1000, 1000)), want: one(float32(1000 + math.Ln2))},
		{name: "-Inf", op: "ReduceLogSumExp", attrs: attrs(flat), in: list(row(-inf, -inf)), want: one(-inf)},
		{name: "NaN", op: "ReduceMax", attrs: attrs(flat), in: list(row(1, nan32, 2)), want: one(nan32)},
		{name: "NaN", op: "ReduceMin", attrs: attrs(flat), in: list(row(1, nan32, 2)), want: one(nan32)},
		{name: "the square of each", op: "ReduceSumSquare", attrs: attrs(noop), in: list(x), want: list(row(9, 16, 1, 4))},
		{name: "the size of each", op: "ReduceL2", attrs: attrs(noop), in: list(x), want: list(row(3, 4, 1, 2))},
		{name: "the log of each", op: "ReduceLogSum", attrs: attrs(noop), in: list(row(1, 0)), want: list(row(0, -inf))},
	})
}

// The sum is rounded once: one addition at a time would stop at 2048.
func TestReduceSumRoundsOnce(t *testing.T) {
	v := make([]float64, 2052)
	for i := range v {
		v[i] = 1
	}
	got, err := operate("ReduceSum", 1, attrs(flat), tensor.FromFloat64s(tensor.Float16, tensor.Shape{len(v)}, v))
	require.NoError(t, err)
	assert.Equal(t, tensor.Scalar(tensor.NewF16(2052)), got[0])
}

func TestReduceNothing(t *testing.T) {
	inf := math.Inf(1)
	for op, want := range map[string]float64{
		"ReduceSum": 0, "ReduceMean": math.NaN(), "ReduceProd": 1, "ReduceMax": -inf, "ReduceMin": inf, "ReduceL1": 0,
		"ReduceL2": 0, "ReduceLogSum": -inf, "ReduceLogSumExp": -inf, "ReduceSumSquare": 0,
	} {
		got, err := operate(op, 1, attrs(flat), nothing(2, 0), i64(1))
		require.NoError(t, err, op)
		sameTensor(t, row(float32(want), float32(want)), got[0])
	}
	for _, e := range []struct {
		op   string
		want *tensor.Tensor
	}{
		{"ReduceMax", tensor.Scalar(int32(math.MinInt32))},
		{"ReduceMin", tensor.Scalar(int32(math.MaxInt32))},
		{"ReduceMax", tensor.Scalar(int8(math.MinInt8))},
		{"ReduceMin", tensor.Scalar(int64(math.MaxInt64))},
		{"ReduceMax", tensor.Scalar(uint8(0))},
		{"ReduceMin", tensor.Scalar(uint32(math.MaxUint32))},
		{"ReduceMin", tensor.Scalar(uint64(math.MaxUint64))},
		{"ReduceMax", tensor.Scalar(false)},
		{"ReduceMin", tensor.Scalar(true)},
		{"ReduceMean", tensor.Scalar(int64(0))},
		{"ReduceProd", tensor.Scalar(uint64(1))},
	} {
		got, err := operate(e.op, 1, attrs(flat), tensor.Zeros(e.want.DType(), tensor.Shape{0}))
		require.NoError(t, err, e.op)
		assert.Equal(t, e.want, got[0], e.op)
	}
}

func TestReduceIntegers(t *testing.T) {
	meet(t, []expectation{
		{name: "wraps", op: "ReduceSum", attrs: attrs(flat), in: list(tensor.Of([]int32{math.MaxInt32, 1})), want: list(tensor.Scalar(int32(math.MinInt32)))},
		{name: "wraps", op: "ReduceProd", attrs: attrs(flat), in: list(tensor.Of([]uint32{1 << 31, 6})), want: list(tensor.Scalar(uint32(0)))},
		{name: "wraps", op: "ReduceSumSquare", attrs: attrs(flat), in: list(i64(1<<32, 3)), want: list(at(9))},
		{name: "keeps 64 bits", op: "ReduceMax", attrs: attrs(flat), in: list(i64(1<<60, 1<<60+1)), want: list(at(1<<60 + 1))},
		{name: "is unsigned", op: "ReduceMax", attrs: attrs(flat), in: list(tensor.Of([]uint64{1, 1 << 63})), want: list(tensor.Scalar(uint64(1 << 63)))},
		{name: "truncates", op: "ReduceMean", attrs: attrs(flat), in: list(i64(-3, 0)), want: list(at(-1))},
		{name: "does not wrap", op: "ReduceMean", attrs: attrs(flat), in: list(tensor.Of([]int32{math.MaxInt32, math.MaxInt32})), want: list(tensor.Scalar(int32(math.MaxInt32)))},
		{name: "truncates", op: "ReduceL2", attrs: attrs(flat), in: list(i64(1, 1)), want: list(at(1))},
		{name: "truncates", op: "ReduceLogSumExp", attrs: attrs(flat), in: list(tensor.Of([]uint64{2, 2})), want: list(tensor.Scalar(uint64(2)))},
		{name: "of the least", op: "ReduceL1", attrs: attrs(flat), in: list(i64(-3, 4)), want: list(at(7))},
		{name: "or", op: "ReduceMax", attrs: attrs(flat), in: list(tensor.Of([]bool{false, true})), want: list(tensor.Scalar(true))},
		{name: "and", op: "ReduceMin", attrs: attrs(flat), in: list(tensor.Of([]bool{false, true})), want: list(tensor.Scalar(false))},
	})
}

func TestArgExtremes(t *testing.T) {
	last := graph.A("select_last_index", int64(1))
	x := tensor.Of([]float32{2, 2, 1, 1, 3, 3}, 2, 3)
	indexes := func(v []int64, shape ...int) []tensor.Value { return list(tensor.Of(v, shape...)) }
	meet(t, []expectation{
		{op: "ArgMax", in: list(x), want: indexes([]int64{0, 1, 1}, 1, 3)},
		{name: "rows", op: "ArgMax", attrs: attrs(axis(-1), flat), in: list(x), want: indexes([]int64{0, 1}, 2)},
		{name: "the last", op: "ArgMax", attrs: attrs(axis(1), last), in: list(x), want: indexes([]int64{1, 2}, 2, 1)},
		{op: "ArgMin", attrs: attrs(axis(1)), in: list(x), want: indexes([]int64{2, 0}, 2, 1)},
		{name: "the last", op: "ArgMin", attrs: attrs(flat, last), in: list(i64(1, 0, 0)), want: list(at(2))},
		{name: "NaN", op: "ArgMax", attrs: attrs(flat), in: list(row(1, nan32, 5, nan32)), want: list(at(1))},
		{name: "NaN", op: "ArgMin", attrs: attrs(flat), in: list(row(1, nan32, -5, nan32)), want: list(at(1))},
		{name: "uint64", op: "ArgMin", attrs: attrs(flat), in: list(tensor.Of([]uint64{1 << 63, 1})), want: list(at(1))},
		{name: "nothing to do", op: "ArgMax", attrs: attrs(axis(1)), in: list(nothing(0, 2)), want: indexes(nil, 0, 1)},
		{name: "nothing", op: "ArgMax", in: list(nothing(0, 2)), err: "axis 0 of shape [0,2] has no elements to choose from"},
		{name: "axis", op: "ArgMax", attrs: attrs(axis(2)), in: list(x), err: "axis 2 is outside [-2, 2)"},
	})
}

func TestCumulate(t *testing.T) {
	exclusive, reverse := graph.A("exclusive", int64(1)), graph.A("reverse", int64(1))
	x := row(1, 2, 3)
	meet(t, []expectation{
		{op: "CumSum", in: list(x, at(0)), want: list(row(1, 3, 6))},
		{name: "exclusive", op: "CumSum", attrs: attrs(exclusive), in: list(x, i64(0)), want: list(row(0, 1, 3))},
		{name: "reverse", op: "CumSum", attrs: attrs(reverse), in: list(x, tensor.Scalar(int32(-1))), want: list(row(6, 5, 3))},
		{name: "both", op: "CumSum", attrs: attrs(exclusive, reverse), in: list(x, at(0)), want: list(row(5, 3, 0))},
		{name: "columns", op: "CumSum", in: list(counting(2, 3), at(0)), want: list(tensor.Of([]float32{0, 1, 2, 3, 5, 7}, 2, 3))},
		{name: "rows", op: "CumSum", in: list(counting(2, 3), at(1)), want: list(tensor.Of([]float32{0, 1, 3, 3, 7, 12}, 2, 3))},
		{name: "wraps", op: "CumSum", in: list(tensor.Of([]int32{math.MaxInt32, 1}), at(0)), want: list(tensor.Of([]int32{math.MaxInt32, math.MinInt32}))},
		{name: "uint64", op: "CumSum", in: list(tensor.Of([]uint64{1 << 63, 1 << 62}), at(0)), want: list(tensor.Of([]uint64{1 << 63, 3 << 62}))},
		{name: "nothing", op: "CumSum", in: list(nothing(0, 2), at(0)), want: list(nothing(0, 2))},
		{op: "CumProd", in: list(x, at(0)), want: list(row(1, 2, 6))},
		{name: "exclusive", op: "CumProd", attrs: attrs(exclusive), in: list(x, at(0)), want: list(row(1, 1, 2))},
		{name: "both", op: "CumProd", attrs: attrs(exclusive, reverse), in: list(x, at(0)), want: list(row(6, 3, 1))},
		{name: "axes", op: "CumSum", in: list(x, i64(0, 0)), err: "axis has 2 elements"},
		{name: "outside", op: "CumProd", in: list(x, at(1)), err: "axis 1 is outside [-1, 1)"},
	})
}
