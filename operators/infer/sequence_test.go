package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func sequenceOf(elem infer.Fact) infer.Fact { return infer.Fact{Type: tensor.SequenceType(elem.Type)} }

func optionalOf(elem infer.Fact) infer.Fact { return infer.Fact{Type: tensor.OptionalType(elem.Type)} }

func TestSequences(t *testing.T) {
	axis := func(a int64) graph.Attribute { return graph.A("axis", a) }
	for _, c := range []struct {
		name  string
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  string
	}{
		{"alike", "SequenceConstruct", nil, []infer.Fact{f32(2, "n"), f32(2, "n")}, "sequence(float32[2,n])"},
		{"not alike", "SequenceConstruct", nil, []infer.Fact{f32(2, "n"), f32(3, "n")}, "sequence(float32[?,n])"},
		{"empty", "SequenceEmpty", with(graph.A("dtype", int64(tensor.Int8))), nil, "sequence(int8[...])"},
		{"insert", "SequenceInsert", nil, []infer.Fact{sequenceOf(f32(2, 3)), f32(2, 4)}, "sequence(float32[2,?])"},
		{"erase", "SequenceErase", nil, []infer.Fact{sequenceOf(f32(2))}, "sequence(float32[2])"},
		{"at", "SequenceAt", nil, []infer.Fact{sequenceOf(f32(2, "?")), typed(tensor.Int64)}, "float32[2,?]"},
		{"length", "SequenceLength", nil, []infer.Fact{sequenceOf(f32(2))}, "int64[]"},
		{"concat", "ConcatFromSequence", with(axis(-1)), []infer.Fact{sequenceOf(f32(2, 3))}, "float32[2,?]"},
		{"stack", "ConcatFromSequence", with(axis(-1), graph.A("new_axis", int64(1))), []infer.Fact{sequenceOf(f32(2, 3))}, "float32[2,3,?]"},
		{"concat unranked", "ConcatFromSequence", with(axis(5)), []infer.Fact{sequenceOf(unranked(tensor.Int8))}, "int8[...]"},
		{"split into ones", "SplitToSequence", with(axis(1)), []infer.Fact{f32("n", 6)}, "sequence(float32[n,1])"},
		{"split without the axis", "SplitToSequence", with(axis(1), graph.A("keepdims", int64(0))), []infer.Fact{f32("n", 6)}, "sequence(float32[n])"},
		{"split evenly", "SplitToSequence", with(axis(1)), []infer.Fact{f32("n", 6), infer.Of(tensor.Scalar(int64(3)))}, "sequence(float32[n,3])"},
		{"split unevenly", "SplitToSequence", with(axis(1)), []infer.Fact{f32("n", 6), infer.Of(tensor.Scalar(int64(4)))}, "sequence(float32[n,?])"},
		{"split by equal lengths", "SplitToSequence", with(axis(0)), []infer.Fact{f32("n", 6), infer.Of(tensor.Of([]int64{2, 2}))}, "sequence(float32[2,6])"},
		{"split by lengths", "SplitToSequence", with(axis(0)), []infer.Fact{f32("n", 6), infer.Of(tensor.Of([]int64{2, 3}))}, "sequence(float32[?,6])"},
		{"optional", "Optional", nil, []infer.Fact{f32(2)}, "optional(float32[2])"},
		{"empty optional", "Optional", with(graph.A("type", f32(2).Type)), nil, "optional(float32[2])"},
		{"get", "OptionalGetElement", nil, []infer.Fact{optionalOf(sequenceOf(f32(2)))}, "sequence(float32[2])"},
		{"get from a tensor", "OptionalGetElement", nil, []infer.Fact{f32(2)}, "float32[2]"},
		{"has", "OptionalHasElement", nil, []infer.Fact{optionalOf(f32(2))}, "bool[]"},
	} {
		got, err := inferred(c.op, 1, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, []string{c.want}, got, c.name)
	}
	for _, c := range []struct {
		op   string
		in   []infer.Fact
		want string
	}{
		{"SequenceConstruct", []infer.Fact{f32(2), typed(tensor.Int8, 2)}, "all must have one type"},
		{"SequenceInsert", []infer.Fact{sequenceOf(f32(2)), typed(tensor.Int8, 2)}, "int8 does not go into a sequence of float32"},
		{"SequenceAt", []infer.Fact{f32(2), typed(tensor.Int64)}, "it must be a sequence"},
		{"ConcatFromSequence", []infer.Fact{sequenceOf(f32())}, "axis 0 is outside"},
	} {
		_, err := inferred(c.op, 1, nil, c.in...)
		assert.ErrorContains(t, err, c.want, c.op)
	}
}
