package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx/onnxtest"
)

// expectation is what one node gives, or part of what its error says.
type expectation struct {
	name  string
	op    string
	attrs []graph.Attribute
	in    []tensor.Value
	want  []tensor.Value // nil elements are not looked at
	err   string
}

// meet runs every node and compares its outputs exactly, NaN equal to NaN.
func meet(t *testing.T, expectations []expectation) {
	t.Helper()
	for _, e := range expectations {
		t.Run(e.op+" "+e.name, func(t *testing.T) {
			got, err := operate(e.op, max(len(e.want), 1), e.attrs, e.in...)
			if e.err != "" {
				assert.ErrorContains(t, err, e.err)
				assert.NotContains(t, err.Error(), "goroutine", "the error is a panic's")
				return
			}
			require.NoError(t, err)
			for i, want := range e.want {
				if want != nil {
					assert.NoError(t, onnxtest.Compare(got[i], want, 0, 0), "output %d: %v", i, got[i])
				}
			}
		})
	}
}

func list(v ...tensor.Value) []tensor.Value { return v }

func i64(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v)) }

func axis(a int64) graph.Attribute { return graph.A("axis", a) }

// counting returns 0, 1, 2, … in a shape.
func counting(shape ...int) *tensor.Tensor {
	v := make([]float32, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = float32(i)
	}
	return tensor.Of(v, shape...)
}

func nothing(shape ...int) *tensor.Tensor { return tensor.Zeros(tensor.Float32, shape) }

func TestShapeAndSize(t *testing.T) {
	x := counting(2, 3, 4)
	start, end := func(a int64) graph.Attribute { return graph.A("start", a) }, func(a int64) graph.Attribute { return graph.A("end", a) }
	meet(t, []expectation{
		{op: "Shape", in: list(x), want: list(i64(2, 3, 4))},
		{name: "of a scalar", op: "Shape", in: list(tensor.Scalar(true)), want: list(i64())},
		{name: "from the back", op: "Shape", attrs: attrs(start(-1)), in: list(x), want: list(i64(4))},
		{name: "up to the back", op: "Shape", attrs: attrs(end(-1)), in: list(x), want: list(i64(2, 3))},
		{name: "between", op: "Shape", attrs: attrs(start(1), end(2)), in: list(x), want: list(i64(3))},
		{name: "clamped", op: "Shape", attrs: attrs(start(-10), end(10)), in: list(x), want: list(i64(2, 3, 4))},
		{name: "crossed", op: "Shape", attrs: attrs(start(2), end(1)), in: list(x), want: list(i64())},
		{op: "Size", in: list(x), want: list(tensor.Scalar(int64(24)))},
		{name: "of nothing", op: "Size", in: list(nothing(2, 0)), want: list(tensor.Scalar(int64(0)))},
		{name: "of a scalar", op: "Size", in: list(tensor.Scalar("a")), want: list(tensor.Scalar(int64(1)))},
	})
}

func TestReshapes(t *testing.T) {
	x, empty := counting(2, 3, 4), nothing(0, 4)
	zeros := graph.A("allowzero", int64(1))
	meet(t, []expectation{
		{op: "Reshape", in: list(x, i64(4, 6)), want: list(counting(4, 6))},
		{name: "the rest", op: "Reshape", in: list(x, i64(-1, 8)), want: list(counting(3, 8))},
		{name: "kept", op: "Reshape", in: list(x, i64(0, -1)), want: list(counting(2, 12))},
		{name: "to a scalar", op: "Reshape", in: list(counting(1, 1), i64()), want: list(tensor.Scalar(float32(0)))},
		{name: "empty, kept", op: "Reshape", in: list(empty, i64(0, -1)), want: list(empty)},
		{name: "empty, rest", op: "Reshape", in: list(empty, i64(-1, 2)), want: list(nothing(0, 2))},
		{name: "empty, zero allowed", op: "Reshape", attrs: attrs(zeros), in: list(empty, i64(3, 0)), want: list(nothing(3, 0))},
		{name: "zero and rest", op: "Reshape", attrs: attrs(zeros), in: list(empty, i64(-1, 0)), err: "both 0 and -1"},
		{name: "two rests", op: "Reshape", in: list(x, i64(-1, -1)), err: "more than one -1"},
		{name: "negative", op: "Reshape", in: list(x, i64(-2)), err: "extent -2; the least is -1"},
		{name: "kept beyond", op: "Reshape", in: list(x, i64(2, 3, 4, 0)), err: "keeps axis 3 of an input of rank 3"},
		{name: "no multiple", op: "Reshape", in: list(x, i64(5, -1)), err: "no multiple of 5"},
		{name: "other size", op: "Reshape", in: list(x, i64(5, 5)), err: "cannot view 24 elements"},
		{name: "overflow", op: "Reshape", in: list(x, i64(math.MaxInt64, 3, -1)), err: "too large"},

		{op: "Flatten", in: list(x), want: list(counting(2, 12))},
		{name: "at 0", op: "Flatten", attrs: attrs(axis(0)), in: list(x), want: list(counting(1, 24))},
		{name: "at the rank", op: "Flatten", attrs: attrs(axis(3)), in: list(x), want: list(counting(24, 1))},
		{name: "counted back", op: "Flatten", attrs: attrs(axis(-1)), in: list(x), want: list(counting(6, 4))},
		{name: "a scalar", op: "Flatten", attrs: attrs(axis(0)), in: list(tensor.Scalar(float32(0))), want: list(counting(1, 1))},
		{name: "beyond", op: "Flatten", attrs: attrs(axis(4)), in: list(x), err: "axis 4 is outside [-3, 3]"},

		{op: "Squeeze", in: list(counting(1, 3, 1)), want: list(counting(3))},
		{name: "one", op: "Squeeze", in: list(counting(1, 3, 1), i64(-1)), want: list(counting(1, 3))},
		{name: "none", op: "Squeeze", in: list(counting(1, 3), i64()), want: list(counting(1, 3))},
		{name: "extent 3", op: "Squeeze", in: list(counting(1, 3), i64(1)), err: "axis 1 of shape [1,3] has extent 3"},
		{name: "outside", op: "Squeeze", in: list(counting(1, 3), i64(2)), err: "axis 2 is outside [-2, 2)"},

		{op: "Unsqueeze", in: list(x, i64(0, 4)), want: list(counting(1, 2, 3, 4, 1))},
		{name: "any order", op: "Unsqueeze", in: list(counting(2), i64(-1, 0)), want: list(counting(1, 2, 1))},
		{name: "nothing", op: "Unsqueeze", in: list(nothing(0), i64(1)), want: list(nothing(0, 1))},
		{name: "twice", op: "Unsqueeze", in: list(x, i64(1, -4)), err: "axis 1 is given twice"},
		{name: "outside", op: "Unsqueeze", in: list(x, i64(4)), err: "axis 4 is outside [-4, 4)"},
	})
}

func TestIdentityPassesEveryKind(t *testing.T) {
	scalar := tensor.Scalar(int8(3))
	for _, v := range []tensor.Value{
		scalar,
		tensor.Of([]string{"a"}),
		&tensor.Sequence{Elem: scalar.Type(), Items: list(scalar)},
		&tensor.Optional{Elem: scalar.Type()},
		&tensor.Map{Keys: i64(1), Values: counting(1)},
	} {
		got, err := operate("Identity", 1, nil, v)
		require.NoError(t, err)
		assert.Same(t, v, got[0])
	}
}

func TestExpandAndTile(t *testing.T) {
	column := tensor.Of([]string{"a", "b"}, 2, 1)
	meet(t, []expectation{
		{op: "Expand", in: list(column, i64(3)), want: list(tensor.Of([]string{"a", "a", "a", "b", "b", "b"}, 2, 3))},
		{name: "to less", op: "Expand", in: list(column, i64(1)), want: list(column)},
		{name: "to more axes", op: "Expand", in: list(counting(1), i64(2, 1, 1)), want: list(nothing(2, 1, 1))},
		{name: "to nothing", op: "Expand", in: list(counting(2, 1), i64(2, 0)), want: list(nothing(2, 0))},
		{name: "a scalar", op: "Expand", in: list(tensor.Scalar(true), i64(2)), want: list(tensor.Of([]bool{true, true}))},
		{name: "disagreeing", op: "Expand", in: list(column, i64(3, 1)), err: "extents 2 and 3 disagree"},
		{name: "negative", op: "Expand", in: list(column, i64(-1)), err: "negative extent -1"},

		{op: "Tile", in: list(counting(2, 2), i64(1, 2)), want: list(tensor.Of([]float32{0, 1, 0, 1, 2, 3, 2, 3}, 2, 4))},
		{name: "rows", op: "Tile", in: list(counting(1, 2), i64(2, 1)), want: list(tensor.Of([]float32{0, 1, 0, 1}, 2, 2))},
		{name: "away", op: "Tile", in: list(counting(2), i64(0)), want: list(nothing(0))},
		{name: "a scalar", op: "Tile", in: list(tensor.Scalar(int8(5)), i64()), want: list(tensor.Scalar(int8(5)))},
		{name: "too few", op: "Tile", in: list(counting(2, 2), i64(2)), err: "1 repeats [2] for a tensor of rank 2"},
		{name: "negative", op: "Tile", in: list(counting(2), i64(-1)), err: "negative extent -1"},
		{name: "too many", op: "Tile", in: list(counting(2), i64(math.MaxInt64)), err: "too large"},
	})
}

func TestTransposeMovesEveryType(t *testing.T) {
	perm := graph.A("perm", []int64{1, 0})
	for d := tensor.Float32; d.Valid(); d++ {
		if d == tensor.String || d.IsComplex() {
			continue
		}
		values := []int64{0, 1, 1, 0, 1, 0}
		if d.Bits() == 2 && d.IsSigned() {
			values = []int64{0, 1, -2, -1, 1, -2}
		} else if d.IsInteger() && d.Bits() > 2 {
			values = []int64{0, 1, 2, 3, 4, 5}
		}
		x := tensor.FromInt64s(d, tensor.Shape{2, 3}, values)
		v := x.Int64s()
		want := tensor.FromInt64s(d, tensor.Shape{3, 2}, []int64{v[0], v[3], v[1], v[4], v[2], v[5]})
		got, err := operate("Transpose", 1, attrs(perm), x)
		require.NoError(t, err, d)
		assert.Equal(t, want, got[0], d)
	}
	meet(t, []expectation{
		{name: "strings", op: "Transpose", in: list(tensor.Of([]string{"a", "b", "c", "d"}, 2, 2)), want: list(tensor.Of([]string{"a", "c", "b", "d"}, 2, 2))},
		{name: "complex", op: "Transpose", in: list(tensor.Of([]complex128{1, 2i, 3, 4i}, 2, 2)), want: list(tensor.Of([]complex128{1, 3, 2i, 4i}, 2, 2))},
		{name: "reversed", op: "Transpose", in: list(counting(2, 1, 3)), want: list(tensor.Of([]float32{0, 3, 1, 4, 2, 5}, 3, 1, 2))},
		{name: "a scalar", op: "Transpose", in: list(tensor.Scalar(int64(1))), want: list(tensor.Scalar(int64(1)))},
		{name: "nothing", op: "Transpose", in: list(nothing(0, 3)), want: list(nothing(3, 0))},
		{name: "too short", op: "Transpose", attrs: attrs(graph.A("perm", []int64{0})), in: list(counting(2, 2)), err: "perm [0] has 1 axes, the tensor has 2"},
		{name: "repeated", op: "Transpose", attrs: attrs(graph.A("perm", []int64{0, 0})), in: list(counting(2, 2)), err: "perm: axis 0 is given twice"},
	})
}

// NaNs keep their payload: elements are moved, not converted.
func TestMovedElementsKeepTheirBits(t *testing.T) {
	x := tensor.Of([]float32{math.Float32frombits(0x7FA00001), 1}, 1, 2)
	got, err := operate("Transpose", 1, nil, x)
	require.NoError(t, err)
	assert.Equal(t, x.Bytes(), got[0].(*tensor.Tensor).Bytes())
}

func TestDepthAndSpace(t *testing.T) {
	side := graph.A("blocksize", int64(2))
	meet(t, []expectation{
		{op: "DepthToSpace", attrs: attrs(side), in: list(counting(1, 8, 1, 1)),
			want: list(tensor.Of([]float32{0, 2, 4, 6, 1, 3, 5, 7}, 1, 2, 2, 2))},
		{name: "CRD", op: "DepthToSpace", attrs: attrs(side, graph.A("mode", "CRD")), in: list(counting(1, 8, 1, 1)), want: list(counting(1, 2, 2, 2))},
		{op: "SpaceToDepth", attrs: attrs(side), in: list(counting(1, 2, 2, 2)),
			want: list(tensor.Of([]float32{0, 4, 1, 5, 2, 6, 3, 7}, 1, 8, 1, 1))},
		{name: "an empty batch", op: "SpaceToDepth", attrs: attrs(side), in: list(nothing(0, 1, 2, 4)), want: list(nothing(0, 4, 1, 2))},
		{name: "channels", op: "DepthToSpace", attrs: attrs(side), in: list(counting(1, 6, 1, 1)), err: "6 channels are no multiple of blocksize² = 4"},
		{name: "mode", op: "DepthToSpace", attrs: attrs(side, graph.A("mode", "ABC")), in: list(counting(1, 4, 1, 1)), err: `mode "ABC" is neither DCR nor CRD`},
		{name: "extents", op: "SpaceToDepth", attrs: attrs(side), in: list(counting(1, 1, 3, 2)), err: "extents 3 and 2 are no multiples of blocksize 2"},
		{name: "rank", op: "SpaceToDepth", attrs: attrs(side), in: list(counting(2, 2)), err: "takes rank 4"},
		{name: "blocksize", op: "SpaceToDepth", attrs: attrs(graph.A("blocksize", int64(0))), in: list(counting(1, 1, 2, 2)), err: "blocksize 0 is outside"},
	})
}
