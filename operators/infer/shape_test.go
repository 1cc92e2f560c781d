package infer_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// inference is what is found of one node's outputs: "float32[n,3]", followed by
// what is known of an integer output's elements, "int64[2]{n,3}"; or part of
// what the error says.
type inference struct {
	name  string
	op    string
	attrs []graph.Attribute
	in    []infer.Fact
	want  string // outputs are set apart by spaces
	err   string
}

func find(t *testing.T, inferences []inference) {
	t.Helper()
	for _, i := range inferences {
		t.Run(i.op+" "+i.name, func(t *testing.T) {
			n := &graph.Node{Name: "test", Op: i.op, Attributes: i.attrs}
			in := make([]infer.Fact, len(i.in))
			for k, f := range i.in {
				n.Inputs = append(n.Inputs, nil)
				if f.Type.Kind != absent.Type.Kind {
					n.Inputs[k], in[k] = &graph.Value{}, f
				}
			}
			for range max(len(strings.Fields(i.want)), 1) {
				n.Outputs = append(n.Outputs, &graph.Value{})
			}
			out, err := infer.Node(context.Background(), n, in, nil)
			if i.err != "" {
				assert.ErrorContains(t, err, i.err)
				return
			}
			require.NoError(t, err)
			got := make([]string, len(out))
			for k, f := range out {
				got[k] = describe(f)
			}
			assert.Equal(t, i.want, strings.Join(got, " "))
		})
	}
}

// describe writes a fact as tests expect it.
func describe(f infer.Fact) string {
	ints := []string{}
	switch {
	case f.Const != nil && f.Const.DType() == tensor.Int64:
		for _, v := range f.Const.Int64s() {
			ints = append(ints, fmt.Sprint(v))
		}
	case f.Ints != nil:
		for _, v := range f.Ints {
			ints = append(ints, v.Dim().String())
		}
	default:
		return f.Type.String()
	}
	return f.Type.String() + "{" + strings.Join(ints, ",") + "}"
}

func facts(f ...infer.Fact) []infer.Fact { return f }

// i64 is a constant vector.
func i64(v ...int64) infer.Fact { return infer.Of(tensor.Of(v, len(v))) }

// shapeLike is a vector of which each element is a number or a symbol.
func shapeLike(extents ...any) infer.Fact {
	f := typed(tensor.Int64, len(extents))
	for _, d := range dims(extents...) {
		f.Ints = append(f.Ints, infer.IntOf(d))
	}
	return f
}

func axis(a int64) graph.Attribute { return graph.A("axis", a) }

func TestShapeAndSize(t *testing.T) {
	x := f32("n", 3, "?")
	find(t, []inference{
		{op: "Shape", in: facts(x), want: "int64[3]{n,3,?}"},
		{name: "known", op: "Shape", in: facts(f32(2, 0)), want: "int64[2]{2,0}"},
		{name: "part", op: "Shape", attrs: with(graph.A("start", int64(-3)), graph.A("end", int64(-1))), in: facts(x), want: "int64[2]{n,3}"},
		{name: "clamped", op: "Shape", attrs: with(graph.A("start", int64(2)), graph.A("end", int64(9))), in: facts(x), want: "int64[1]{?}"},
		{name: "crossed", op: "Shape", attrs: with(graph.A("start", int64(2)), graph.A("end", int64(1))), in: facts(x), want: "int64[0]{}"},
		{name: "unranked", op: "Shape", in: facts(unranked(tensor.Int8)), want: "int64[?]"},
		{op: "Size", in: facts(f32(2, 3)), want: "int64[]{6}"},
		{name: "a symbol", op: "Size", in: facts(f32(1, "n")), want: "int64[]{n}"},
		{name: "unknown", op: "Size", in: facts(x), want: "int64[]{?}"},
		{name: "nothing", op: "Size", in: facts(f32(0, "?")), want: "int64[]{0}"},
		{op: "Identity", in: facts(shapeLike("n", 2)), want: "int64[2]{n,2}"},
		{name: "a sequence", op: "Identity", in: facts(sequenceOf(f32(2))), want: "sequence(float32[2])"},
	})
}

func TestReshape(t *testing.T) {
	zeros := with(graph.A("allowzero", int64(1)))
	huge := f32(math.MaxInt/2, "n", 4)
	find(t, []inference{
		{op: "Reshape", in: facts(f32(2, 6), i64(3, -1)), want: "float32[3,4]"},
		{name: "kept", op: "Reshape", in: facts(f32("n", 3, 4), i64(0, -1)), want: "float32[n,12]"},
		{name: "cancelled", op: "Reshape", in: facts(f32("n", "s", 768), shapeLike("n", "s", 12, -1)), want: "float32[n,s,12,64]"},
		{name: "one symbol left", op: "Reshape", in: facts(f32("n", "s", 64), shapeLike(-1, "s", 64)), want: "float32[n,s,64]"},
		{name: "a symbol by a number", op: "Reshape", in: facts(f32("n", 6), i64(-1, 3)), want: "float32[?,3]"},
		{name: "two symbols left", op: "Reshape", in: facts(f32("n", "s"), i64(-1)), want: "float32[?]"},
		{name: "an unknown element", op: "Reshape", in: facts(f32("n", 6), shapeLike("?", 6)), want: "float32[n,6]"},
		{name: "two unknown elements", op: "Reshape", in: facts(f32(4, 6), shapeLike("?", "?", 6)), want: "float32[?,?,6]"},
		{name: "unknown elements", op: "Reshape", in: facts(f32(4, 6), typed(tensor.Int64, 2)), want: "float32[?,?]"},
		{name: "of unknown length", op: "Reshape", in: facts(f32(4, 6), typed(tensor.Int64, "?")), want: "float32[...]"},
		{name: "unranked", op: "Reshape", in: facts(unranked(tensor.Int8), i64(0, -1, 3)), want: "int8[?,?,3]"},
		{name: "empty", op: "Reshape", in: facts(f32(0, 4), i64(0, -1)), want: "float32[0,4]"},
		{name: "zero allowed", op: "Reshape", attrs: zeros, in: facts(f32(0, "n"), i64(3, 0)), want: "float32[3,0]"},
		{name: "elements", op: "Reshape", in: facts(shapeLike("n", 2), i64(-1)), want: "int64[2]{n,2}"},
		{name: "an element", op: "Reshape", in: facts(shapeLike("n"), i64()), want: "int64[]{n}"},
		{name: "beyond an int", op: "Reshape", in: facts(huge, i64(-1)), want: "float32[?]"},
		{name: "another size", op: "Reshape", in: facts(f32(2, 3), i64(4, 2)), err: "6 elements of shape [2,3] do not fill the shape [4,2] of 8"},
		{name: "no multiple", op: "Reshape", in: facts(f32(2, 3), i64(4, -1)), err: "6 elements are no multiple of 4"},
		{name: "two rests", op: "Reshape", in: facts(f32(2, 3), i64(-1, -1)), err: "more than one -1"},
		{name: "negative", op: "Reshape", in: facts(f32(2, 3), i64(-3)), err: "extent -3 on axis 0; the least is -1"},
		{name: "kept beyond", op: "Reshape", in: facts(f32("n"), i64(1, 0)), err: "keeps axis 1 of an input of rank 1"},
	})
}

func TestOtherReshapes(t *testing.T) {
	x := f32("n", 1, 4)
	find(t, []inference{
		{op: "Flatten", in: facts(f32("n", 3, 4)), want: "float32[n,12]"},
		{name: "at 0", op: "Flatten", attrs: with(axis(0)), in: facts(x), want: "float32[1,?]"},
		{name: "counted back", op: "Flatten", attrs: with(axis(-1)), in: facts(x), want: "float32[n,4]"},
		{name: "unranked", op: "Flatten", in: facts(unranked(tensor.Int8)), want: "int8[?,?]"},
		{name: "outside", op: "Flatten", attrs: with(axis(4)), in: facts(x), err: "axis 4 is outside [-3, 3]"},

		{op: "Squeeze", in: facts(f32(1, 3)), want: "float32[3]"},
		{name: "unknown", op: "Squeeze", in: facts(x), want: "float32[...]"},
		{name: "an axis", op: "Squeeze", in: facts(x, i64(-2)), want: "float32[n,4]"},
		{name: "a symbol", op: "Squeeze", in: facts(x, i64(0)), want: "float32[1,4]"},
		{name: "an unknown axis", op: "Squeeze", in: facts(x, typed(tensor.Int64, 1)), want: "float32[?,?]"},
		{name: "elements", op: "Squeeze", in: facts(shapeLike("n"), i64(0)), want: "int64[]{n}"},
		{name: "extent 4", op: "Squeeze", in: facts(x, i64(2)), err: "axis 2 of shape [n,1,4] has extent 4"},

		{op: "Unsqueeze", in: facts(x, i64(-1, 0)), want: "float32[1,n,1,4,1]"},
		{name: "unknown axes", op: "Unsqueeze", in: facts(x, typed(tensor.Int64, 2)), want: "float32[?,?,?,?,?]"},
		{name: "elements", op: "Unsqueeze", in: facts(infer.Fact{Type: typed(tensor.Int64).Type, Ints: shapeLike("n").Ints}, i64(0)), want: "int64[1]{n}"},
		{name: "twice", op: "Unsqueeze", in: facts(x, i64(0, -5)), err: "axis 0 is given twice"},

		{op: "Expand", in: facts(f32("n", 1), shapeLike(3, 1, "m")), want: "float32[3,n,m]"},
		{name: "unknown elements", op: "Expand", in: facts(f32(2, 1), typed(tensor.Int64, 2)), want: "float32[2,?]"},
		{name: "of unknown length", op: "Expand", in: facts(f32(2), typed(tensor.Int64, "?")), want: "float32[...]"},
		{name: "an element", op: "Expand", in: facts(shapeLike("n"), i64(3)), want: "int64[3]{n,n,n}"},
		{name: "disagreeing", op: "Expand", in: facts(f32(2), i64(3)), err: "extents 2 and 3 disagree"},

		{op: "Transpose", in: facts(x), want: "float32[4,1,n]"},
		{name: "permuted", op: "Transpose", attrs: with(graph.A("perm", []int64{1, 2, 0})), in: facts(x), want: "float32[1,4,n]"},
		{name: "unranked", op: "Transpose", attrs: with(graph.A("perm", []int64{1, 0})), in: facts(unranked(tensor.Int8)), want: "int8[?,?]"},
		{name: "elements", op: "Transpose", in: facts(shapeLike("n", 2)), want: "int64[2]{n,2}"},
		{name: "short", op: "Transpose", attrs: with(graph.A("perm", []int64{1, 0})), in: facts(x), err: "perm [1 0] has 2 axes, the tensor has 3"},

		{op: "DepthToSpace", attrs: with(graph.A("blocksize", int64(2))), in: facts(f32("n", 8, 3, "?")), want: "float32[n,2,6,?]"},
		{op: "SpaceToDepth", attrs: with(graph.A("blocksize", int64(2))), in: facts(f32("n", 3, 4, "w")), want: "float32[n,12,2,?]"},
		{name: "odd", op: "SpaceToDepth", attrs: with(graph.A("blocksize", int64(2))), in: facts(f32(1, 3, 4, 5)), err: "width: 5 elements are no multiple of 2"},

		{op: "Tile", in: facts(f32("n", 3), i64(1, 2)), want: "float32[n,6]"},
		{name: "unknown repeats", op: "Tile", in: facts(f32("n", 3), shapeLike("r", 1)), want: "float32[?,3]"},
		{name: "unranked", op: "Tile", in: facts(unranked(tensor.Int8), i64(2, 2)), want: "int8[?,?]"},
		{name: "elements", op: "Tile", in: facts(shapeLike("n", 1), i64(2)), want: "int64[4]{n,1,n,1}"},
		{name: "rank", op: "Tile", in: facts(f32(2), i64(2, 2)), err: "2 repeats for a tensor of rank 1"},
	})
}

// The chains of operators that exporters write around Reshape and Expand.
func TestShapesAreFollowedThroughGraphs(t *testing.T) {
	x := tensor.TensorType(tensor.Float32, dims("batch", "seq", 768))
	scalar := func(b *graph.Builder, v int64) *graph.Value { return b.Const(tensor.Scalar(v)) }
	for name, c := range map[string]struct {
		build func(b *graph.Builder, x *graph.Value) *graph.Value
		want  string
	}{
		"view(b, s, 12, 64)": {func(b *graph.Builder, x *graph.Value) *graph.Value {
			shape := b.Op("Shape", vals(x))
			batch := b.Op("Unsqueeze", vals(b.Op("Gather", vals(shape, scalar(b, 0))), b.Ints(0)))
			seq := b.Op("Slice", vals(shape, b.Ints(1), b.Ints(2)))
			return b.Op("Reshape", vals(x, b.Op("Concat", vals(batch, seq, b.Ints(12, 64)), axis(0))))
		}, "float32[batch,seq,12,64]"},
		"split heads and join them": {func(b *graph.Builder, x *graph.Value) *graph.Value {
			heads := b.Op("Transpose", vals(b.Op("Reshape", vals(x, b.Ints(0, 0, 12, 64)))), graph.A("perm", []int64{0, 2, 1, 3}))
			back := b.Op("Transpose", vals(heads), graph.A("perm", []int64{0, 2, 1, 3}))
			return b.Op("Reshape", vals(back, b.Op("Concat", vals(b.Op("Shape", vals(x), graph.A("end", int64(2))), b.Ints(-1)), axis(0))))
		}, "float32[batch,seq,768]"},
		"expand as": {func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Op("Expand", vals(b.Const(tensor.Scalar(true)), b.Op("Shape", vals(x))))
		}, "bool[batch,seq,768]"},
		"flatten by product": {func(b *graph.Builder, x *graph.Value) *graph.Value {
			parts := b.Node("", "Split", vals(b.Op("Shape", vals(x)), b.Ints(2, 1)), 2)
			rows := b.Op("ReduceProd", vals(parts[1]))
			return b.Op("Reshape", vals(x, b.Op("Concat", vals(b.Ints(-1), rows), axis(0))))
		}, "float32[?,768]"},
		"indexes of ones": {func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Op("NonZero", vals(b.Op("Expand", vals(b.Const(tensor.Of([]int64{1})), b.Ints(3)))))
		}, "int64[1,3]{0,1,2}"},
		"half of the last axis": {func(b *graph.Builder, x *graph.Value) *graph.Value {
			last := b.Op("Gather", vals(b.Op("Shape", vals(x)), b.Ints(2)))
			half := b.Op("Div", vals(last, b.Ints(2)))
			return b.Op("Slice", vals(x, b.Ints(0), half, b.Ints(2)))
		}, "float32[batch,seq,384]"},
	} {
		t.Run(name, func(t *testing.T) {
			g := sketch(1, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
				in[0].Type = x
				return vals(c.build(b, in[0]))
			})
			found, err := infer.Run(context.Background(), g, nil)
			require.NoError(t, err)
			assert.Equal(t, c.want, describe(found[g.Outputs[0]]))
		})
	}
}
