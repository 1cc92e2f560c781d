package reference_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// drawn runs a random operator and returns its numbers.
func drawn(t *testing.T, op string, a []graph.Attribute, in ...tensor.Value) []float64 {
	t.Helper()
	got, err := operate(op, 1, a, in...)
	require.NoError(t, err)
	return got[0].(*tensor.Tensor).Float64s()
}

func moments(v []float64) (mean, deviation float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		deviation += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, math.Sqrt(deviation)
}

func TestSeedsDecideRandomNumbers(t *testing.T) {
	p := floats(tensor.Float32, make([]float64, 64)...)
	for i := range tensor.Slice[float32](p) {
		tensor.Slice[float32](p)[i] = 0.5
	}
	logits := shaped(p, 1, 64)
	samples := graph.A("sample_size", int64(40))
	shape := graph.A("shape", []int64{64})
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []tensor.Value
	}{
		{"RandomNormal", attrs(shape), nil}, {"RandomUniform", attrs(shape), nil}, {"RandomNormalLike", nil, list(p)},
		{"RandomUniformLike", nil, list(p)}, {"Bernoulli", nil, list(p)}, {"Multinomial", attrs(samples), list(logits)},
	} {
		seeded := func(s float32) []graph.Attribute { return append(attrs(graph.A("seed", s)), c.attrs...) }
		assert.Equal(t, drawn(t, c.op, seeded(1.5), c.in...), drawn(t, c.op, seeded(1.5), c.in...), c.op)
		assert.NotEqual(t, drawn(t, c.op, seeded(1.5), c.in...), drawn(t, c.op, seeded(2), c.in...), c.op)
		assert.NotEqual(t, drawn(t, c.op, c.attrs, c.in...), drawn(t, c.op, c.attrs, c.in...), "%s without a seed", c.op)
	}
}

func TestDistributions(t *testing.T) {
	const n = 20000
	seed, shape := graph.A("seed", float32(1)), graph.A("shape", []int64{n})
	v := drawn(t, "RandomNormal", attrs(seed, shape, graph.A("mean", float32(3)), graph.A("scale", float32(2))))
	mean, deviation := moments(v)
	assert.InDelta(t, 3, mean, 0.06)
	assert.InDelta(t, 2, deviation, 0.06)

	for _, d := range []tensor.DType{tensor.Float16, tensor.BFloat16, tensor.Float32, tensor.Float64} {
		v = drawn(t, "RandomUniform", attrs(seed, shape, graph.A("low", float32(-1)), graph.A("high", float32(3)), graph.A("dtype", int64(d))))
		mean, deviation = moments(v)
		assert.InDelta(t, 1, mean, 0.04)
		assert.InDelta(t, 4/math.Sqrt(12), deviation, 0.04)
		for _, x := range v {
			require.True(t, x >= -1 && x <= 3, x)
		}
	}

	p := tensor.Zeros(tensor.Float32, tensor.Shape{n})
	for i := range n {
		tensor.Slice[float32](p)[i] = 0.3
	}
	mean, _ = moments(drawn(t, "Bernoulli", attrs(seed, graph.A("dtype", int64(tensor.Int32))), p))
	assert.InDelta(t, 0.3, mean, 0.02)
	assert.Equal(t, []float64{0, 1, 0, 1}, drawn(t, "Bernoulli", nil, f64(0, 1, 0, 1)), "certain outcomes")

	logits := shaped(f64(math.Log(1), math.Log(3), math.Inf(-1), 0, math.Inf(-1), math.Inf(-1)), 2, 3)
	classes := drawn(t, "Multinomial", attrs(seed, graph.A("sample_size", int64(n))), logits)
	mean, _ = moments(classes[:n])
	assert.InDelta(t, 0.75, mean, 0.02, "class 1 is three times as likely as class 0")
	mean, _ = moments(classes[n:])
	assert.Zero(t, mean, "class 0 is certain")
}

// kolmogorov returns √n times the greatest distance between the distribution of n
// numbers and a distribution function (Kolmogorov and Smirnov's statistic).
func kolmogorov(v []float64, cdf func(float64) float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n, apart := float64(len(v)), 0.0
	for i, x := range v {
		apart = math.Max(apart, math.Max(cdf(x)-float64(i)/n, float64(i+1)/n-cdf(x)))
	}
	return apart * math.Sqrt(n)
}

// Numbers that follow their distribution are beyond 1.95 once in a thousand
// seeds; those whose deviation is a tenth too large are beyond it in every one.
func TestDistributionFunctions(t *testing.T) {
	const n = 20000
	normal := func(mean, scale float64) func(float64) float64 {
		return func(x float64) float64 { return 0.5 * math.Erfc((mean-x)/(scale*math.Sqrt2)) }
	}
	uniform := func(low, high float64) func(float64) float64 {
		return func(x float64) float64 { return min(max((x-low)/(high-low), 0), 1) }
	}
	for _, seed := range []float32{0, 1, -7.5, 3e9} {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
			set := attrs(graph.A("seed", seed), graph.A("dtype", int64(d)))
			shape, like := graph.A("shape", []int64{4, n / 4}), tensor.Zeros(tensor.Int8, tensor.Shape{n})
			spread := attrs(graph.A("mean", float32(-2)), graph.A("scale", float32(0.5)))
			bounds := attrs(graph.A("low", float32(-1)), graph.A("high", float32(3)))
			for op, c := range map[string]struct {
				v   []float64
				cdf func(float64) float64
			}{
				"RandomNormal":      {drawn(t, "RandomNormal", slices.Concat(set, spread, attrs(shape))), normal(-2, 0.5)},
				"RandomNormalLike":  {drawn(t, "RandomNormalLike", slices.Concat(set, spread), like), normal(-2, 0.5)},
				"RandomUniform":     {drawn(t, "RandomUniform", slices.Concat(set, bounds, attrs(shape))), uniform(-1, 3)},
				"RandomUniformLike": {drawn(t, "RandomUniformLike", slices.Concat(set, bounds), like), uniform(-1, 3)},
			} {
				assert.Less(t, kolmogorov(c.v, c.cdf), 1.95, "%s of %v, seed %v", op, d, seed)
			}
		}
		wide := drawn(t, "RandomNormal", attrs(graph.A("seed", seed), graph.A("shape", []int64{n}), graph.A("scale", float32(1.1))))
		assert.Greater(t, kolmogorov(wide, normal(0, 1)), 1.95)
	}
}

func TestRandomTypesAndShapes(t *testing.T) {
	seed := graph.A("seed", float32(1))
	of := func(d tensor.DType) graph.Attribute { return graph.A("dtype", int64(d)) }
	shape := func(s ...int64) graph.Attribute { return graph.A("shape", s) }
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{"RandomNormal", attrs(shape(2, 0)), nil, "float32[2,0]"},
		{"RandomUniform", attrs(shape(), of(tensor.BFloat16)), nil, "bfloat16[]"},
		{"RandomNormalLike", nil, list(floats(tensor.Float16, 1, 2)), "float16[2]"},
		{"RandomUniformLike", attrs(of(tensor.Float64)), list(tensor.Of([]string{"a"})), "float64[1]"},
		{"Bernoulli", attrs(of(tensor.Bool)), list(f32s(0.5)), "bool[1]"},
		{"Multinomial", nil, list(nothing(3, 2)), "int32[3,1]"},
		{"Multinomial", attrs(of(tensor.Int64)), list(nothing(0, 2)), "int64[0,1]"},
	} {
		got, err := operate(c.op, 1, append(c.attrs, seed), c.in...)
		require.NoError(t, err, c.op)
		assert.Equal(t, c.want, got[0].Type().String(), c.op)
	}
	meet(t, []expectation{
		{name: "integers", op: "RandomNormalLike", in: list(i64(1)), err: "dtype is int64, want a floating-point type"},
		{name: "negative", op: "RandomNormal", attrs: attrs(shape(-1)), err: "negative extent -1"},
		{name: "no class", op: "Multinomial", in: list(nothing(2, 0)), err: "with a class at least, got [2,0]"},
		{name: "float classes", op: "Multinomial", attrs: attrs(of(tensor.Float32)), in: list(nothing(2, 1)), err: "want int32 or int64"},
	})
}

func TestDropout(t *testing.T) {
	x, seed := counting(1000), attrs(graph.A("seed", int64(5)))
	yes, no, quarter := tensor.Scalar(true), tensor.Scalar(false), tensor.Scalar(float32(0.25))
	kept := make([]bool, 1000)
	for i := range kept {
		kept[i] = true
	}
	meet(t, []expectation{
		{name: "by default", op: "Dropout", in: list(x), want: list(x, bools(kept...))},
		{name: "out of training", op: "Dropout", in: list(x, quarter, no), want: list(x, bools(kept...))},
		{name: "of nothing", op: "Dropout", in: list(x, tensor.Scalar(float32(0)), yes), want: list(x, bools(kept...))},
		{name: "of everything", op: "Dropout", in: list(x, tensor.Scalar(float32(1)), yes), err: "ratio is 1, want a number in [0, 1)"},
		{name: "of less", op: "Dropout", in: list(x, tensor.Scalar(float32(nan)), yes), err: "ratio is NaN"},
	})
	got, err := operate("Dropout", 2, seed, x, quarter, yes)
	require.NoError(t, err)
	dropped := 0
	for i, v := range tensor.Slice[float32](got[0].(*tensor.Tensor)) {
		if !tensor.Slice[bool](got[1].(*tensor.Tensor))[i] {
			dropped++
			assert.Zero(t, v)
			continue
		}
		assert.InDelta(t, float64(i)/0.75, float64(v), 1e-3)
	}
	assert.InDelta(t, 250, dropped, 50)
	again, err := operate("Dropout", 2, seed, x, quarter, yes)
	require.NoError(t, err)
	assert.Equal(t, got, again, "one seed, one mask")
	half, err := operate("Dropout", 1, seed, x, nil, yes)
	require.NoError(t, err)
	mean, _ := moments(half[0].(*tensor.Tensor).Float64s())
	assert.InDelta(t, 999.0/2, mean, 60, "scaling keeps the mean")
	for i, v := range half[0].(*tensor.Tensor).Float64s() {
		assert.True(t, v == 0 || v == float64(2*i), "the default ratio is 1/2, [%d] is %v", i, v)
	}
}
