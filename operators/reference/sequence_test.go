package reference_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// row is a float32 tensor of rank 1.
func row(v ...float32) *tensor.Tensor { return tensor.Of(v) }

// rows is a sequence of them.
func rows(items ...tensor.Value) *tensor.Sequence {
	return &tensor.Sequence{Elem: tensor.TensorType(tensor.Float32, nil), Items: items}
}

func at(p int64) *tensor.Tensor { return tensor.Scalar(p) }

func TestSequenceOperators(t *testing.T) {
	two := rows(row(1), row(2, 3))
	tests := []struct {
		name  string
		op    string
		attrs []graph.Attribute
		in    []tensor.Value
		want  tensor.Value
	}{
		{"construct", "SequenceConstruct", nil, []tensor.Value{row(1), row(2, 3)}, two},
		{"empty", "SequenceEmpty", nil, nil, rows()},
		{"empty of strings", "SequenceEmpty", attrs(graph.A("dtype", int64(tensor.String))), nil,
			&tensor.Sequence{Elem: tensor.TensorType(tensor.String, nil)}},
		{"insert at the back", "SequenceInsert", nil, []tensor.Value{two, row(9)}, rows(row(1), row(2, 3), row(9))},
		{"insert at n", "SequenceInsert", nil, []tensor.Value{two, row(9), at(2)}, rows(row(1), row(2, 3), row(9))},
		{"insert in front", "SequenceInsert", nil, []tensor.Value{two, row(9), at(-2)}, rows(row(9), row(1), row(2, 3))},
		{"insert before the last", "SequenceInsert", nil, []tensor.Value{two, row(9), tensor.Scalar(int32(-1))}, rows(row(1), row(9), row(2, 3))},
		{"insert into nothing", "SequenceInsert", nil, []tensor.Value{rows(), row(9), at(0)}, rows(row(9))},
		{"erase the last", "SequenceErase", nil, []tensor.Value{two}, rows(row(1))},
		{"erase the first", "SequenceErase", nil, []tensor.Value{two, at(-2)}, rows(row(2, 3))},
		{"at", "SequenceAt", nil, []tensor.Value{two, at(1)}, row(2, 3)},
		{"at from the back", "SequenceAt", nil, []tensor.Value{two, at(-2)}, row(1)},
		{"length", "SequenceLength", nil, []tensor.Value{two}, at(2)},
		{"length of nothing", "SequenceLength", nil, []tensor.Value{rows()}, at(0)},
		{"concat", "ConcatFromSequence", attrs(graph.A("axis", int64(0))), []tensor.Value{two}, row(1, 2, 3)},
		{"concat second axis", "ConcatFromSequence", attrs(graph.A("axis", int64(-1))),
			[]tensor.Value{rows(tensor.Of([]float32{1, 2}, 2, 1), tensor.Of([]float32{3, 4, 5, 6}, 2, 2))},
			tensor.Of([]float32{1, 3, 4, 2, 5, 6}, 2, 3)},
		{"stack in front", "ConcatFromSequence", attrs(graph.A("axis", int64(0)), graph.A("new_axis", int64(1))),
			[]tensor.Value{rows(row(1, 2), row(3, 4))}, tensor.Of([]float32{1, 2, 3, 4}, 2, 2)},
		{"stack behind", "ConcatFromSequence", attrs(graph.A("axis", int64(-1)), graph.A("new_axis", int64(1))),
			[]tensor.Value{rows(row(1, 2), row(3, 4))}, tensor.Of([]float32{1, 3, 2, 4}, 2, 2)},
		{"split into ones", "SplitToSequence", nil, []tensor.Value{row(1, 2)}, rows(row(1), row(2))},
		{"split without the axis", "SplitToSequence", attrs(graph.A("keepdims", int64(0))), []tensor.Value{row(1, 2)},
			rows(tensor.Scalar(float32(1)), tensor.Scalar(float32(2)))},
		{"split ignores keepdims", "SplitToSequence", attrs(graph.A("keepdims", int64(0))), []tensor.Value{row(1, 2), at(1)}, rows(row(1), row(2))},
		{"split by a scalar", "SplitToSequence", nil, []tensor.Value{row(1, 2, 3), at(2)}, rows(row(1, 2), row(3))},
		{"split by a list", "SplitToSequence", attrs(graph.A("axis", int64(1))),
			[]tensor.Value{tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3), tensor.Of([]int32{1, 0, 2})},
			rows(tensor.Of([]float32{1, 4}, 2, 1), tensor.Of([]float32{}, 2, 0), tensor.Of([]float32{2, 3, 5, 6}, 2, 2))},
		{"split nothing", "SplitToSequence", nil, []tensor.Value{row()}, rows()},
		{"optional", "Optional", nil, []tensor.Value{row(1)}, &tensor.Optional{Elem: tensor.TensorType(tensor.Float32, nil), Item: row(1)}},
		{"empty optional", "Optional", attrs(graph.A("type", tensor.TensorType(tensor.Int8, nil))), nil,
			&tensor.Optional{Elem: tensor.TensorType(tensor.Int8, nil)}},
		{"get", "OptionalGetElement", nil, []tensor.Value{&tensor.Optional{Item: two}}, two},
		{"get from a tensor", "OptionalGetElement", nil, []tensor.Value{row(1)}, row(1)},
		{"has", "OptionalHasElement", nil, []tensor.Value{&tensor.Optional{Item: two}}, tensor.Scalar(true)},
		{"has not", "OptionalHasElement", nil, []tensor.Value{&tensor.Optional{}}, tensor.Scalar(false)},
		{"has no input", "OptionalHasElement", nil, nil, tensor.Scalar(false)},
		{"has a sequence", "OptionalHasElement", nil, []tensor.Value{rows()}, tensor.Scalar(true)},
	}
	for _, c := range tests {
		out, err := operate(c.op, 1, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		require.Len(t, out, 1, c.name)
		if want, ok := c.want.(*tensor.Sequence); ok && len(want.Items) == 0 {
			got := out[0].(*tensor.Sequence)
			assert.Empty(t, got.Items, c.name)
			assert.Equal(t, want.Elem, got.Elem, c.name)
			continue
		}
		assert.Equal(t, c.want, out[0], c.name)
	}
	assert.Equal(t, rows(row(1), row(2, 3)), two, "inputs must not change")
}

func TestSequenceOperatorsReject(t *testing.T) {
	two := rows(row(1), row(2, 3))
	tests := []struct {
		op    string
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{"SequenceConstruct", nil, []tensor.Value{row(1), at(1)}, "all must be tensors of one type"},
		{"SequenceConstruct", nil, nil, "at least one tensor"},
		{"SequenceEmpty", attrs(graph.A("dtype", int64(99))), nil, "99 is no element type"},
		{"SequenceInsert", nil, []tensor.Value{two, at(1)}, "does not go into a sequence of float32"},
		{"SequenceInsert", nil, []tensor.Value{two, row(1), at(3)}, "position 3 is outside [-2, 3)"},
		{"SequenceErase", nil, []tensor.Value{two, at(2)}, "position 2 is outside [-2, 2)"},
		{"SequenceErase", nil, []tensor.Value{rows()}, "empty"},
		{"SequenceAt", nil, []tensor.Value{two, at(-3)}, "position -3 is outside [-2, 2)"},
		{"SequenceAt", nil, []tensor.Value{row(1), at(0)}, "input 0 must be a sequence"},
		{"ConcatFromSequence", attrs(graph.A("axis", int64(0))), []tensor.Value{rows()}, "empty"},
		{"ConcatFromSequence", attrs(graph.A("axis", int64(1))), []tensor.Value{two}, "axis 1 is outside [-1, 1)"},
		{"ConcatFromSequence", attrs(graph.A("axis", int64(0)), graph.A("new_axis", int64(1))), []tensor.Value{two}, "does not agree"},
		{"SplitToSequence", nil, []tensor.Value{row(1, 2, 3), at(0)}, "must be positive"},
		{"SplitToSequence", nil, []tensor.Value{row(1, 2, 3), tensor.Of([]int64{1, 1})}, "adds up to 2, the extent is 3"},
		{"SplitToSequence", nil, []tensor.Value{row(1, 2, 3), tensor.Of([]int64{4, -1})}, "does not fit"},
		{"Optional", nil, nil, "needs the attribute type"},
		{"OptionalGetElement", nil, []tensor.Value{&tensor.Optional{}}, "empty"},
	}
	for _, c := range tests {
		_, err := operate(c.op, 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want, c.op)
	}
}
