package infer_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestElementwiseTypes(t *testing.T) {
	b, i := tensor.Bool, tensor.Int64
	to := func(d tensor.DType) []graph.Attribute { return with(graph.A("to", int64(d))) }
	dtype := graph.A("dtype", int64(tensor.Float64))
	shape := graph.A("shape", []int64{2, 3})
	sizes := func(v ...int64) infer.Fact { return infer.Of(tensor.Of(v, len(v))) }
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  []string
	}{
		{"Add", nil, []infer.Fact{f32("n", 1, 3), f32(4, 1)}, []string{"float32[n,4,3]"}},
		{"Add", nil, []infer.Fact{f32("n"), f32("m")}, []string{"float32[?]"}},
		{"Mul", nil, []infer.Fact{f32("n"), f32(5)}, []string{"float32[5]"}},
		{"Sub", nil, []infer.Fact{unranked(tensor.Float16), typed(tensor.Float16, 2)}, []string{"float16[...]"}},
		{"Pow", nil, []infer.Fact{f32(2, 1), typed(i, 3)}, []string{"float32[2,3]"}},
		{"Max", nil, []infer.Fact{f32(2, 1), f32(), f32(3)}, []string{"float32[2,3]"}},
		{"Exp", nil, []infer.Fact{f32("n", "?")}, []string{"float32[n,?]"}},
		{"Sinh", nil, []infer.Fact{f32()}, []string{"float32[]"}},
		{"Less", nil, []infer.Fact{f32("n", 1), f32(4)}, []string{"bool[n,4]"}},
		{"Not", nil, []infer.Fact{typed(b, "n")}, []string{"bool[n]"}},
		{"IsNaN", nil, []infer.Fact{f32("n")}, []string{"bool[n]"}},
		{"Where", nil, []infer.Fact{typed(b, "n", 1), f32(3), f32()}, []string{"float32[n,3]"}},
		{"PRelu", nil, []infer.Fact{f32("n", 3), f32(3)}, []string{"float32[n,3]"}},
		{"SwiGLU", nil, []infer.Fact{f32("n", "?"), f32("?", 3)}, []string{"float32[n,3]"}},
		{"SwiGLU", nil, []infer.Fact{unranked(tensor.Float32), f32("n", 3)}, []string{"float32[n,3]"}},
		{"Clip", nil, []infer.Fact{f32("n"), absent, f32()}, []string{"float32[n]"}},
		{"Cast", to(tensor.String), []infer.Fact{f32("n")}, []string{"string[n]"}},
		{"CastLike", nil, []infer.Fact{f32("n"), typed(i, 3)}, []string{"int64[n]"}},
		{"BitCast", to(tensor.Int32), []infer.Fact{f32("n")}, []string{"int32[n]"}},
		{"Constant", with(graph.A("value_strings", []string{"a"})), nil, []string{"string[1]"}},
		{"ConstantOfShape", nil, []infer.Fact{sizes(2, 0)}, []string{"float32[2,0]"}},
		{"ConstantOfShape", with(graph.A("value", tensor.Of([]int8{1}))), []infer.Fact{typed(i, 2)}, []string{"int8[?,?]"}},
		{"ConstantOfShape", nil, []infer.Fact{typed(i, "r")}, []string{"float32[...]"}},
		{"Range", nil, []infer.Fact{number(2), number(-3), number(-2)}, []string{"int64[3]"}},
		{"Range", nil, []infer.Fact{f32(), f32(), f32()}, []string{"float32[?]"}},
		{"Range", nil, []infer.Fact{infer.Of(tensor.Scalar(0.0)), infer.Of(tensor.Scalar(1.0)), infer.Of(tensor.Scalar(0.3))}, []string{"float64[4]"}},
		{"EyeLike", with(dtype), []infer.Fact{f32("n", 3)}, []string{"float64[n,3]"}},
		{"RandomNormal", with(shape), nil, []string{"float32[2,3]"}},
		{"RandomUniform", with(shape, dtype), nil, []string{"float64[2,3]"}},
		{"RandomNormalLike", nil, []infer.Fact{f32("n")}, []string{"float32[n]"}},
		{"Bernoulli", with(dtype), []infer.Fact{f32("n")}, []string{"float64[n]"}},
		{"Multinomial", with(graph.A("sample_size", int64(7))), []infer.Fact{f32("n", 9)}, []string{"int32[n,7]"}},
		{"Dropout", nil, []infer.Fact{f32("n")}, []string{"float32[n]", "bool[n]"}},
	} {
		got, err := inferred(c.op, len(c.want), c.attrs, c.in...)
		require.NoError(t, err, c.op)
		assert.Equal(t, c.want, got, c.op)
	}
}

func TestElementwiseContradictions(t *testing.T) {
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  string
	}{
		{"Add", nil, []infer.Fact{f32(2), f32(3)}, "extents 2 and 3 disagree"},
		{"Less", nil, []infer.Fact{f32(2), typed(tensor.Int8, 2)}, "input 1 is of type int8 where another is of type float32"},
		{"Where", nil, []infer.Fact{typed(tensor.Bool), f32(), typed(tensor.Int8)}, "input 2 is of type int8"},
		{"PRelu", nil, []infer.Fact{f32(2), f32(3, 2)}, "slope has the shape [3,2]"},
		{"SwiGLU", nil, []infer.Fact{f32(2), f32(2, 1)}, "one shape, got [2] and [2,1]"},
		{"SwiGLU", nil, []infer.Fact{f32(2), f32(1)}, "extents 2 and 1 differ"},
		{"Clip", nil, []infer.Fact{f32(2), f32(2)}, "a bound, must be a scalar, got shape [2]"},
		{"Cast", with(graph.A("to", int64(tensor.Complex64))), []infer.Fact{f32()}, "float32 to complex64 is not defined"},
		{"BitCast", with(graph.A("to", int64(tensor.Int8))), []infer.Fact{f32()}, "float32 (32 wide) as int8 (8 wide)"},
		{"ConstantOfShape", nil, []infer.Fact{infer.Of(tensor.Of([]int64{-1}))}, "extent 0 is -1"},
		{"Range", nil, []infer.Fact{number(0), number(5), number(0)}, "delta is 0"},
		{"Range", nil, []infer.Fact{number(0), typed(tensor.Int64, 2), number(1)}, "input 1 must be a scalar, it has 2 elements"},
		{"EyeLike", nil, []infer.Fact{f32(2)}, "must be a matrix, got [2]"},
		{"RandomNormal", with(graph.A("shape", []int64{-2})), nil, "negative extent -2"},
		{"Multinomial", nil, []infer.Fact{f32(2)}, "[batch, classes], got [2]"},
	} {
		_, err := inferred(c.op, 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want, c.op)
	}
}

// followed infers a graph over the extents of x, of shape [n,m,8], and returns
// the type of an output that is a float32 tensor with extents that it computes.
func followed(t *testing.T, build func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value) string {
	t.Helper()
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, dims("n", "m", 8))}
	b := graph.NewBuilder(&graph.Node{Name: "g"})
	shape := b.Op("Shape", vals(x))
	extent := func(i int64) *graph.Value { return b.Op("Gather", vals(shape, b.Ints(i))) }
	out := b.Op("ConstantOfShape", vals(build(b, extent)))
	g := &graph.Graph{Name: "g", Inputs: vals(x), Nodes: b.Nodes, Initializers: b.Initializers, Outputs: vals(out)}
	facts, err := infer.Run(context.Background(), g, nil)
	require.NoError(t, err)
	return facts[out].Type.String()
}

func TestIntegersAreFollowed(t *testing.T) {
	type builder = func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value
	// of combines the extents n and m; by combines n with a constant.
	of := func(op string) builder {
		return func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op(op, vals(extent(0), extent(1)))
		}
	}
	by := func(op string, k int64) builder {
		return func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op(op, vals(extent(0), b.Ints(k)))
		}
	}
	self := func(op string) builder {
		return func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op(op, vals(extent(0), extent(0)))
		}
	}
	for _, c := range []struct {
		name  string
		build builder
		want  string
	}{
		{"n + m", of("Add"), "(m+n)"}, {"n - m", of("Sub"), "(n-m)"}, {"n × m", of("Mul"), "(m*n)"}, {"n / m", of("Div"), "(n/m)"},
		{"n mod m", of("Mod"), "(n%m)"}, {"min", of("Min"), "(m min n)"}, {"max", of("Max"), "(m max n)"},
		{"n + 0", by("Add", 0), "n"}, {"n - 0", by("Sub", 0), "n"}, {"n × 1", by("Mul", 1), "n"}, {"n × 0", by("Mul", 0), "0"}, {"n / 1", by("Div", 1), "n"},
		{"n mod 1", by("Mod", 1), "0"}, {"max(n, 0)", by("Max", 0), "n"}, {"min(n, 0)", by("Min", 0), "0"}, {"n + 3", by("Add", 3), "(n+3)"},
		{"n - n", self("Sub"), "0"}, {"n / n", self("Div"), "1"}, {"max(n, n)", self("Max"), "n"},
		{"numbers alone", func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op("Div", vals(b.Op("Mul", vals(extent(2), b.Ints(3))), b.Ints(5)))
		}, "4"},
		{"either way round", func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op("Sub", vals(b.Op("Add", vals(extent(0), extent(1))), b.Op("Add", vals(extent(1), extent(0)))))
		}, "0"},
		{"through types", func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			small := b.Op("Cast", vals(extent(0)), graph.A("to", int64(tensor.Int32)))
			return b.Op("Cast", vals(small), graph.A("to", int64(tensor.Int64)))
		}, "n"},
		{"bounded from below", func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op("Abs", vals(b.Op("Clip", vals(extent(0), b.Const(tensor.Scalar(int64(-1)))))))
		}, "n"},
		{"a shape whose -1 are replaced by 1", func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			shape := b.Op("Concat", vals(extent(0), b.Ints(-1), extent(1)), graph.A("axis", int64(0)))
			ones := b.Op("ConstantOfShape", vals(b.Ints(3)), graph.A("value", tensor.Of([]int64{1})))
			return b.Op("Where", vals(b.Op("Equal", vals(shape, b.Ints(-1))), ones, shape))
		}, "n,1,m"},
		{"a choice that is open", func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op("Where", vals(b.Op("Equal", vals(extent(0), b.Ints(4))), extent(1), extent(2)))
		}, "?"},
		{"a choice of one", func(b *graph.Builder, extent func(int64) *graph.Value) *graph.Value {
			return b.Op("Where", vals(b.Op("Equal", vals(extent(0), b.Ints(4))), extent(1), extent(1)))
		}, "m"},
	} {
		assert.Equal(t, "float32["+c.want+"]", followed(t, c.build), c.name)
	}
}

func TestRangeOverAnExtent(t *testing.T) {
	zero, one := number(0), number(1)
	named := func(name string) infer.Fact {
		return infer.Fact{Type: tensor.TensorType(tensor.Int64, tensor.Dims{}), Ints: []infer.Int{{Name: name}}}
	}
	for _, c := range []struct {
		in   []infer.Fact
		want string
	}{
		{[]infer.Fact{zero, named("n"), one}, "int64[n]"},
		{[]infer.Fact{named("k"), named("n"), one}, "int64[((n-k) max 0)]"},
		{[]infer.Fact{zero, named("n"), number(2)}, "int64[?]"},
		{[]infer.Fact{number(-1 << 62), number(1 << 62), number(1 << 61)}, "int64[4]"},
	} {
		got, err := inferred("Range", 1, nil, c.in...)
		require.NoError(t, err)
		assert.Equal(t, c.want, got[0])
	}
}

// partly is an integer vector of which some elements are numbers, some names and
// some ("") unknown.
func partly(d tensor.DType, elements ...any) infer.Fact {
	f := infer.Fact{Type: tensor.TensorType(d, dims(len(elements)))}
	for _, e := range elements {
		switch v := e.(type) {
		case int:
			f.Ints = append(f.Ints, infer.Int{Value: int64(v), Known: true})
		case string:
			f.Ints = append(f.Ints, infer.Int{Name: v})
		}
	}
	return f
}

func TestIntegersElementByElement(t *testing.T) {
	i, u := tensor.Int64, tensor.Uint64
	long := "a_name_that_is_very_long_indeed_for_the_name_of_an_extent_of_a_tensor"
	to := func(d tensor.DType) []graph.Attribute { return with(graph.A("to", int64(d))) }
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  infer.Fact
	}{
		{"Add", nil, []infer.Fact{partly(i, 2, "n", 0, ""), partly(i, 3, 0, "n", 1)}, partly(i, 5, "n", "n", "")},
		{"Add", nil, []infer.Fact{partly(i, long, "n"), partly(i, long, 1)}, partly(i, "", "(n+1)")},
		{"Add", nil, []infer.Fact{partly(i, 1, "n"), infer.Of(tensor.Scalar(int64(4)))}, partly(i, 5, "(n+4)")},
		{"Sub", nil, []infer.Fact{partly(i, 2, "n", 0, ""), partly(i, 3, "n", "n", "")}, partly(i, -1, 0, "(0-n)", "")},
		{"Mul", nil, []infer.Fact{partly(i, 2, "n", 1, 2, ""), partly(i, -3, 1, "n", "n", 0)}, partly(i, -6, "n", "n", "(n*2)", 0)},
		{"Div", nil, []infer.Fact{partly(i, -7, "n", "n", "n"), partly(i, 2, 0, "n", "m")}, partly(i, -3, "", 1, "(n/m)")},
		{"Mod", nil, []infer.Fact{partly(i, -7, 7, 7, 6, "n", "n", "n"), partly(i, 3, -3, 3, 0, -1, "n", "m")}, partly(i, 2, -2, 1, "", 0, 0, "(n%m)")},
		{"Mod", with(graph.A("fmod", int64(1))), []infer.Fact{partly(i, -7, "n"), partly(i, 3, "n")}, partly(i)},
		{"Min", nil, []infer.Fact{partly(i, 2, "n", -1, "n", "n-k"), partly(i, 3, "n", "n", 0, 0)}, partly(i, 2, "n", -1, 0, "(n-k min 0)")},
		{"Max", nil, []infer.Fact{partly(i, 2, "n", -1, "n", ""), partly(i, 3, "n", "n", 4, 0)}, partly(i, 3, "n", "n", "(n max 4)", "")},
		{"Max", nil, []infer.Fact{infer.Of(tensor.Of([]uint64{1 << 63, 1})), partly(u, 5, "n")}, partly(u, "", "(n max 1)")},
		{"Neg", nil, []infer.Fact{partly(i, 3, "n", "")}, partly(i, -3, "(0-n)", "")},
		{"Abs", nil, []infer.Fact{partly(i, -3, "n", "n-k", "")}, partly(i, 3, "n", "", "")},
		{"Equal", nil, []infer.Fact{partly(i, 1, "n", "n", -1, "n", "n-1"), partly(i, 2, "n", -1, "n", 3, -1)}, partly(tensor.Bool, 0, 1, 0, 0, "", "")},
		{"Cast", to(tensor.Bool), []infer.Fact{partly(i, 0, 7, "n")}, partly(tensor.Bool, 0, 1, "")},
		{"Cast", to(tensor.Float32), []infer.Fact{partly(i, 0, "n")}, partly(tensor.Float32)},
		{"Cast", to(tensor.Uint8), []infer.Fact{partly(i, 300, "n", 3)}, partly(tensor.Uint8, "", "", 3)},
		{"Where", nil, []infer.Fact{partly(tensor.Bool, 1, 0, "", ""), partly(i, "a", "a", "a", "a"), partly(i, "b", "b", "b", "a")}, partly(i, "a", "b", "", "a")},
		{"Clip", nil, []infer.Fact{partly(i, -5, 3, 50, "n"), number(0), number(9)}, partly(i, 0, 3, 9, "(n min 9)")},
	} {
		n := &graph.Node{Op: c.op, Attributes: c.attrs, Outputs: vals(&graph.Value{})}
		for range c.in {
			n.Inputs = append(n.Inputs, &graph.Value{})
		}
		out, err := infer.Node(context.Background(), n, c.in, nil)
		require.NoError(t, err, c.op)
		assert.Equal(t, c.want.Ints, out[0].Ints, "%s of %v", c.op, c.in)
		assert.Equal(t, c.want.Type.DType, out[0].Type.DType, c.op)
	}
}
