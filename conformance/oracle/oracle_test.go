package oracle_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/oracle"
	"example.com/midplane/operators/graph"
)

var ctx = context.Background()

// expect asks the oracle about one node.
func expect(t *testing.T, op string, version int, attributes []graph.Attribute, inputs ...tensor.Value) *oracle.Expectation {
	t.Helper()
	n := &graph.Node{Op: op, Version: version, Attributes: attributes, Outputs: []*graph.Value{{Name: "y"}}}
	g := &graph.Graph{Nodes: []*graph.Node{n}, Outputs: n.Outputs}
	n.Outputs[0].Producer = n
	for i, v := range inputs {
		in := &graph.Value{Name: string(rune('a' + i)), Type: v.Type()}
		n.Inputs = append(n.Inputs, in)
		g.Inputs = append(g.Inputs, in)
	}
	o, err := oracle.New(ctx, &graph.Model{Opsets: map[string]int{"": version}, Graph: g}, n)
	require.NoError(t, err)
	e, err := o.Expect(ctx, inputs)
	require.NoError(t, err)
	return e
}

// shifted returns a tensor with its first element moved by so many units in the
// last place.
func shifted(t tensor.Value, ulps int) tensor.Value {
	s := t.(*tensor.Tensor).Clone()
	switch s.DType() {
	case tensor.Float32:
		v := tensor.Slice[float32](s)
		v[0] = math.Float32frombits(math.Float32bits(v[0]) + uint32(ulps))
	case tensor.Float16:
		v := tensor.Slice[tensor.F16](s)
		v[0] += tensor.F16(ulps)
	case tensor.Int32:
		tensor.Slice[int32](s)[0] += int32(ulps)
	}
	return s
}

func judge(t *testing.T, e *oracle.Expectation, got tensor.Value, b oracle.Behaviour) oracle.Judgement {
	t.Helper()
	j, err := e.Judge(ctx, []tensor.Value{got}, b)
	require.NoError(t, err)
	return j
}

// The classes of functions are those of the table: here with the numbers that it
// has, from the OpenCL C specification.
func TestUnitsInTheLastPlace(t *testing.T) {
	x := tensor.Of([]float32{1.5, 2})
	for _, c := range []struct {
		op      string
		ulps    int
		class   oracle.Class
		version int
	}{
		{"Exp", 3, oracle.A, 13}, {"Exp", 4, oracle.B, 13}, {"Exp", 6, oracle.B, 13}, {"Exp", 7, oracle.C, 13}, {"Exp", 9000, oracle.Missed, 13},
		{"Sqrt", 0, oracle.A, 13}, {"Sqrt", 1, oracle.B, 13}, {"Sqrt", 3, oracle.C, 13}, {"Sqrt", 4, oracle.Missed, 13},
		{"Abs", 0, oracle.A, 13}, {"Abs", 1, oracle.Missed, 13},
	} {
		e := expect(t, c.op, c.version, nil, x)
		j := judge(t, e, shifted(e.Outputs[0], c.ulps), oracle.Behaviour{})
		assert.Equal(t, c.class, j.Class, "%s %d", c.op, c.ulps)
		assert.EqualValues(t, c.ulps, j.MaxULP, "%s %d", c.op, c.ulps)
		assert.Equal(t, c.ulps == 0, j.Equal)
		assert.Equal(t, c.class == oracle.Missed, j.Fault == oracle.Numeric)
		if c.class == oracle.Missed {
			assert.Contains(t, j.Reason, "1 of 2 elements are in no accuracy class, the first at [0]")
		}
	}
}

// A narrow type has room for one rounding in class A, unless the operation is
// rounded correctly.
func TestNarrowTypes(t *testing.T) {
	x := tensor.FromFloat64s(tensor.Float16, tensor.Shape{2}, []float64{1.5, 2})
	e := expect(t, "Exp", 13, nil, x)
	assert.Equal(t, oracle.A, judge(t, e, shifted(e.Outputs[0], 1), oracle.Behaviour{}).Class)
	assert.Equal(t, oracle.B, judge(t, e, shifted(e.Outputs[0], 2), oracle.Behaviour{}).Class)
	e = expect(t, "Sqrt", 13, nil, x)
	assert.Equal(t, oracle.B, judge(t, e, shifted(e.Outputs[0], 1), oracle.Behaviour{}).Class)
}

// Sums may be off by the roundings of their length: K = 4 terms of magnitude 1
// each, so Σ|terms| = 4, and class A allows ulp(y) + 2·min(K+1+4, 8√(K+1)+8)·u·4.
func TestSumsByLength(t *testing.T) {
	a := tensor.Of([]float32{1, -1, 1, -1}, 1, 4)
	b := tensor.Of([]float32{1, 1, 1, 1.0 / 1024}, 4, 1)
	e := expect(t, "MatMul", 13, nil, a, b)
	want := e.Outputs[0].(*tensor.Tensor).Float64s()[0]
	require.Equal(t, 1-1.0/1024, want)
	u := math.Ldexp(1, -24)
	magnitudes := 3 + 1.0/1024
	allowed := u + 2*9*u*magnitudes // an ulp of want is u, which lies below 1
	at := func(d float64) oracle.Class {
		return judge(t, e, tensor.Of([]float32{float32(want + d)}, 1, 1), oracle.Behaviour{}).Class
	}
	assert.Equal(t, oracle.A, at(allowed*0.98))
	assert.Equal(t, oracle.C, at(allowed*1.2), "class B is the same for float32: K+5 = 9 too, and C is next")
	assert.Equal(t, oracle.C, at(-1e-3))
	assert.Equal(t, oracle.Missed, at(-1))
}

// Softmax of numbers far apart: the result of class A is as good as one for
// operands that were rounded.
func TestConditioning(t *testing.T) {
	e := expect(t, "Softmax", 13, nil, tensor.Of([]float32{100, 99, 90}))
	assert.Equal(t, oracle.A, judge(t, e, shifted(e.Outputs[0], 2), oracle.Behaviour{}).Class)
	assert.NotEqual(t, oracle.A, judge(t, e, shifted(e.Outputs[0], 20000), oracle.Behaviour{}).Class)
}

func TestSteps(t *testing.T) {
	x, scale, zero := tensor.Of([]float32{3, 5}), tensor.Scalar(float32(2)), tensor.Scalar(uint8(1))
	e := expect(t, "QuantizeLinear", 13, nil, x, scale, zero)
	require.Equal(t, []int64{3, 3}, e.Outputs[0].(*tensor.Tensor).Int64s(), "1.5 and 2.5 go to the even number")
	assert.Equal(t, oracle.A, judge(t, e, tensor.Of([]uint8{3, 3}), oracle.Behaviour{}).Class)
	assert.Equal(t, oracle.B, judge(t, e, tensor.Of([]uint8{3, 4}), oracle.Behaviour{}).Class)
	assert.Equal(t, oracle.Missed, judge(t, e, tensor.Of([]uint8{3, 5}), oracle.Behaviour{}).Class)
}

func TestSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	e := expect(t, "Add", 14, nil, tensor.Of([]float32{inf, nan, 1}), tensor.Of([]float32{1, 1, 1}))
	for reason, got := range map[string][]float32{
		"":                    {inf, nan, 2},
		"the first at [0]":    {-inf, nan, 2},
		"the first at [1]: 0": {inf, 0, 2},
		"the first at [2]":    {inf, nan, nan},
	} {
		j := judge(t, e, tensor.Of(got), oracle.Behaviour{})
		assert.Equal(t, reason == "", j.Fault == oracle.None)
		assert.Contains(t, j.Reason, reason)
	}
}

func TestWrongShapesAndTypes(t *testing.T) {
	e := expect(t, "Abs", 13, nil, tensor.Of([]float32{1, 2}))
	for _, c := range []struct {
		got    tensor.Value
		fault  oracle.Fault
		reason string
	}{
		{tensor.Of([]float32{1, 2}, 1, 2), oracle.Shape, "output 0 has the shape [1,2], not [2]"},
		{tensor.Of([]float64{1, 2}), oracle.Type, "elements of type float64, not float32"},
		{nil, oracle.Type, "output 0 is nothing, not float32[2]"},
		{&tensor.Sequence{}, oracle.Type, "output 0 is sequence(unknown), not float32[2]"},
	} {
		j := judge(t, e, c.got, oracle.Behaviour{})
		assert.Equal(t, c.fault, j.Fault)
		assert.Equal(t, oracle.Missed, j.Class)
		assert.Contains(t, j.Reason, c.reason)
	}
	j, err := e.Judge(ctx, nil, oracle.Behaviour{})
	require.NoError(t, err)
	assert.Equal(t, "output 0 is missing", j.Reason)
}

// What a backend declares is allowed to it, and to nobody else.
func TestDeclaredBehaviour(t *testing.T) {
	tiny := float32(math.SmallestNonzeroFloat32)
	e := expect(t, "Add", 14, nil, tensor.Of([]float32{tiny, 1}), tensor.Of([]float32{tiny, 1}))
	flushed := tensor.Of([]float32{0, 2})
	assert.NotEqual(t, oracle.A, judge(t, e, flushed, oracle.Behaviour{}).Class)
	assert.Equal(t, oracle.A, judge(t, e, flushed, oracle.Behaviour{Flushes: true}).Class)
	assert.Equal(t, oracle.Missed, judge(t, e, tensor.Of([]float32{0, 3}), oracle.Behaviour{Flushes: true}).Class)

	third := expect(t, "Div", 14, nil, tensor.Of([]float32{1, 1}), tensor.Of([]float32{3, 3}))
	down := shifted(third.Outputs[0], -1)
	assert.Equal(t, oracle.B, judge(t, third, down, oracle.Behaviour{}).Class)
	assert.Equal(t, oracle.A, judge(t, third, down, oracle.Behaviour{Rounds: true}).Class)

	assert.Equal(t, oracle.Behaviour{Flushes: true, Drops: true, Rounds: true},
		oracle.Declared(map[string]string{"denormals": "flushed", "nan": "ignored", "rounding": "any"}))
	assert.Zero(t, oracle.Declared(nil))
	for name, class := range map[string]oracle.Class{"": oracle.A, "A": oracle.A, "B": oracle.B, "C": oracle.C} {
		got, ok := oracle.ParseClass(name)
		assert.True(t, ok)
		assert.Equal(t, class, got)
	}
	_, ok := oracle.ParseClass("D")
	assert.False(t, ok)
}

// Errors over all elements: two of four are off by 1 and 3 ulp of 1, 2^-23.
func TestFigures(t *testing.T) {
	e := expect(t, "Exp", 13, nil, tensor.Of([]float32{0, 0, 0, 0}))
	u := math.Ldexp(1, -23)
	j := judge(t, e, tensor.Of([]float32{1, float32(1 + u), float32(1 + 3*u), 1}), oracle.Behaviour{})
	assert.EqualValues(t, 3, j.MaxULP)
	assert.EqualValues(t, 1, j.P99ULP, "of four elements the third")
	assert.InDelta(t, 10*u*u/4, j.NMSE, 1e-20)
}

// uniform returns n numbers spread evenly over [low, high).
func uniform(n int, low, high float64) *tensor.Tensor {
	v := make([]float64, n)
	for i := range v {
		v[i] = low + (high-low)*(float64(i)+0.5)/float64(n)
	}
	return tensor.FromFloat64s(tensor.Float32, tensor.Shape{n}, v)
}

func TestDistributions(t *testing.T) {
	const n = 4000
	shape := graph.A("shape", []int64{n})
	e := expect(t, "RandomUniform", 22, []graph.Attribute{shape, graph.A("low", float32(2)), graph.A("high", float32(5))})
	assert.Equal(t, oracle.None, judge(t, e, uniform(n, 2, 5), oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Numeric, judge(t, e, uniform(n, 2, 5.5), oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Numeric, judge(t, e, uniform(n, 0, 1), oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Type, judge(t, e, uniform(n-1, 2, 5), oracle.Behaviour{}).Fault)

	e = expect(t, "RandomNormal", 22, []graph.Attribute{shape})
	assert.Equal(t, oracle.None, judge(t, e, e.Outputs[0], oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Numeric, judge(t, e, uniform(n, -1.7, 1.7), oracle.Behaviour{}).Fault)

	p := tensor.FromFloat64s(tensor.Float32, tensor.Shape{n}, make([]float64, n))
	copy(tensor.Slice[float32](p), []float32{0.25})
	for i := range n {
		tensor.Slice[float32](p)[i] = 0.25
	}
	e = expect(t, "Bernoulli", 22, nil, p)
	ones := func(share float64) *tensor.Tensor {
		v := make([]float32, n)
		for i := range v {
			if float64(i) < share*n {
				v[i] = 1
			}
		}
		return tensor.Of(v)
	}
	assert.Equal(t, oracle.None, judge(t, e, ones(0.26), oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Numeric, judge(t, e, ones(0.3), oracle.Behaviour{}).Fault)
}

func TestContainersAndStrings(t *testing.T) {
	e := expect(t, "SequenceConstruct", 11, nil, tensor.Of([]float32{1}), tensor.Of([]float32{2}))
	list := func(v ...float32) *tensor.Sequence {
		s := &tensor.Sequence{}
		for _, x := range v {
			s.Items = append(s.Items, tensor.Of([]float32{x}))
		}
		return s
	}
	assert.Equal(t, oracle.None, judge(t, e, list(1, 2), oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Numeric, judge(t, e, list(1, 3), oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Shape, judge(t, e, list(1), oracle.Behaviour{}).Fault)
	e = expect(t, "StringConcat", 20, nil, tensor.Of([]string{"a"}), tensor.Of([]string{"b"}))
	assert.Equal(t, oracle.None, judge(t, e, tensor.Of([]string{"ab"}), oracle.Behaviour{}).Fault)
	assert.Equal(t, oracle.Numeric, judge(t, e, tensor.Of([]string{"ba"}), oracle.Behaviour{}).Fault)
}

// The magnitudes that rounding errors count at are those of the operand as the
// operator reads it, behind a Transpose too.
func TestFloorBehindATranspose(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{2, 2}))}
	turned, y := &graph.Value{Name: "turned"}, &graph.Value{Name: "y"}
	turn := &graph.Node{Op: "Transpose", Version: 14, Inputs: []*graph.Value{x}, Outputs: []*graph.Value{turned}}
	n := &graph.Node{Op: "HardSwish", Version: 14, Inputs: []*graph.Value{turned}, Outputs: []*graph.Value{y}}
	turned.Producer, y.Producer = turn, n
	g := &graph.Graph{Nodes: []*graph.Node{turn, n}, Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}}
	o, err := oracle.New(ctx, &graph.Model{Opsets: map[string]int{"": 14}, Graph: g}, n)
	require.NoError(t, err)
	e, err := o.Expect(ctx, []tensor.Value{tensor.Of([]float32{0, 0, -2.99, 0}, 2, 2)})
	require.NoError(t, err)
	got := e.Outputs[0].(*tensor.Tensor).Clone()
	v := tensor.Slice[float32](got)
	require.InDelta(t, -0.004983, v[1], 1e-5) // -2.99 × (0.5 - 2.99/6), whose rounding errors are those of 2.99
	v[1] += 3e-7
	assert.Equal(t, oracle.A, judge(t, e, got, oracle.Behaviour{}).Class)
	v[1] += 3e-6
	assert.Equal(t, oracle.C, judge(t, e, got, oracle.Behaviour{}).Class)
}
