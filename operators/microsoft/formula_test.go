package microsoft_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx/onnxtest"
)

// expectation is a use of an operator with what it must give.
type expectation struct {
	use
	want []*tensor.Tensor // nil where an output is not looked at
}

// hold computes each use decomposed and compares.
func hold(t *testing.T, list []expectation) {
	t.Helper()
	for _, c := range list {
		t.Run(c.op+" "+c.name, func(t *testing.T) {
			c.outputs = len(c.want)
			n, given := c.node()
			got, err := decomposed(t, n, given)
			require.NoError(t, err)
			for i, want := range c.want {
				if want != nil {
					require.NoError(t, onnxtest.Compare(got[i], want, 1e-5, 1e-6), "output %d", i)
				}
			}
		})
	}
}

// each maps the elements of a tensor.
func each(t *tensor.Tensor, f func(i int, x float64) float64) *tensor.Tensor {
	v := t.Float64s()
	for i, x := range v {
		v[i] = f(i, x)
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), v)
}

func gelu(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }

func fastGelu(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func TestActivations(t *testing.T) {
	d := newDice()
	x, bias := d.floats(2, 3, 4), d.floats(4)
	biased := each(x, func(i int, x float64) float64 { return x + bias.Float64s()[i%4] })
	on := func(x *tensor.Tensor, f func(float64) float64) []*tensor.Tensor {
		return []*tensor.Tensor{each(x, func(_ int, x float64) float64 { return f(x) })}
	}
	quick := func(alpha float64) func(float64) float64 {
		return func(x float64) float64 { return x / (1 + math.Exp(-alpha*x)) }
	}
	hold(t, []expectation{
		{use{op: "FastGelu", in: []*tensor.Tensor{x}}, on(x, fastGelu)},
		{use{op: "FastGelu", name: "bias", in: []*tensor.Tensor{x, bias}}, on(biased, fastGelu)},
		{use{op: "Gelu", in: []*tensor.Tensor{x}}, on(x, gelu)},
		{use{op: "BiasGelu", in: []*tensor.Tensor{x, bias}}, on(biased, gelu)},
		{use{op: "QuickGelu", in: []*tensor.Tensor{x}}, on(x, quick(1.702))},
		{use{op: "QuickGelu", name: "alpha", in: []*tensor.Tensor{x}, attrs: attrs(graph.A("alpha", float32(2)))}, on(x, quick(2))},
		{use{op: "FastGelu", name: "empty", in: []*tensor.Tensor{d.floats(0, 4), bias}}, []*tensor.Tensor{d.floats(0, 4)}},
	})
}

// standard normalizes rows of n elements: less their mean, if it is asked for,
// and divided by the root of what is left.
func standard(x *tensor.Tensor, n int, epsilon float64, centred bool) (y, mean, inverse []float64) {
	v := x.Float64s()
	for len(v) > 0 {
		row, m, s := v[:n], 0.0, 0.0
		for _, e := range row {
			if centred {
				m += e / float64(n)
			}
		}
		for _, e := range row {
			s += (e - m) * (e - m) / float64(n)
		}
		r := 1 / math.Sqrt(s+epsilon)
		for _, e := range row {
			y = append(y, (e-m)*r)
		}
		mean, inverse, v = append(mean, m), append(inverse, r), v[n:]
	}
	return y, mean, inverse
}

func f32(v []float64, shape ...int) *tensor.Tensor {
	return tensor.FromFloat64s(tensor.Float32, shape, v)
}

func TestSkipNormalizations(t *testing.T) {
	d := newDice()
	x, skip, gamma, beta, bias := d.floats(2, 3, 4), d.floats(2, 3, 4), d.floats(4), d.floats(4), d.floats(4)
	sum := each(x, func(i int, x float64) float64 { return x + skip.Float64s()[i] + bias.Float64s()[i%4] })
	scaled := func(y []float64, beta *tensor.Tensor) *tensor.Tensor {
		return each(f32(y, 2, 3, 4), func(i int, y float64) float64 {
			y *= gamma.Float64s()[i%4]
			if beta != nil {
				y += beta.Float64s()[i%4]
			}
			return y
		})
	}
	y, mean, inverse := standard(sum, 4, 1e-12, true)
	loose, _, _ := standard(sum, 4, 0.5, true)
	row := tensor.Of(tensor.Slice[float32](skip)[:12], 3, 4)
	broad, _, _ := standard(each(x, func(i int, x float64) float64 { return x + row.Float64s()[i%12] }), 4, 1e-12, true)
	root, _, inverseRoot := standard(sum, 4, 1e-12, false)
	hold(t, []expectation{
		{use{op: "SkipLayerNormalization", in: []*tensor.Tensor{x, skip, gamma, beta, bias}},
			[]*tensor.Tensor{scaled(y, beta), f32(mean, 2, 3, 1), f32(inverse, 2, 3, 1), sum}},
		{use{op: "SkipLayerNormalization", name: "epsilon, no beta", in: []*tensor.Tensor{x, skip, gamma, nil, bias}, attrs: attrs(graph.A("epsilon", float32(0.5)))},
			[]*tensor.Tensor{scaled(loose, nil)}},
		{use{op: "SkipLayerNormalization", name: "skip of two axes", in: []*tensor.Tensor{x, row, gamma}}, []*tensor.Tensor{scaled(broad, nil)}},
		{use{op: "SkipSimplifiedLayerNormalization", in: []*tensor.Tensor{x, skip, gamma, bias}},
			[]*tensor.Tensor{scaled(root, nil), f32(make([]float64, 6), 2, 3, 1), f32(inverseRoot, 2, 3, 1), sum}},
	})
}

func TestSimplifiedLayerNormalization(t *testing.T) {
	d := newDice()
	x := d.floats(2, 3, 4)
	rows, _, inverse := standard(x, 4, 1e-5, false)
	planes, _, inversePlane := standard(x, 12, 1e-5, false)
	ones := func(shape ...int) *tensor.Tensor {
		return each(d.floats(shape...), func(int, float64) float64 { return 1 })
	}
	hold(t, []expectation{
		{use{op: "SimplifiedLayerNormalization", in: []*tensor.Tensor{x, ones(4)}}, []*tensor.Tensor{f32(rows, 2, 3, 4), f32(inverse, 2, 3, 1)}},
		{use{op: "SimplifiedLayerNormalization", name: "axis 1", in: []*tensor.Tensor{x, ones(3, 4)}, attrs: attrs(graph.A("axis", int64(1)))},
			[]*tensor.Tensor{f32(planes, 2, 3, 4), f32(inversePlane, 2, 1, 1)}},
	})
}

func TestEmbedLayerNormalization(t *testing.T) {
	words, places, kinds := tensor.Of([]float32{0, 1, 2, 3, 8, 4}, 3, 2), tensor.Of([]float32{1, 0, 0, 2}, 2, 2), tensor.Of([]float32{5, 0}, 1, 2)
	gamma, beta := tensor.Of([]float32{1, 2}), tensor.Of([]float32{0, 1})
	ids := tensor.Of([]int32{2, 0, 1, 1}, 2, 2)
	in := []*tensor.Tensor{ids, nil, words, places, nil, gamma, beta, tensor.Of([]int32{1, 1, 1, 0}, 2, 2)}
	// Of two elements one is 1 deviation above the mean, the other 1 below it.
	hold(t, []expectation{
		{use{op: "EmbedLayerNormalization", name: "positions count up", in: in}, []*tensor.Tensor{
			tensor.Of([]float32{1, -1, -1, 3, 0, 1, -1, 3}, 2, 2, 2), tensor.Of([]int32{2, 1}),
			tensor.Of([]float32{9, 4, 0, 3, 3, 3, 2, 5}, 2, 2, 2),
		}},
		{use{op: "EmbedLayerNormalization", name: "positions and segments", in: []*tensor.Tensor{
			ids, tensor.Of(make([]int32, 4), 2, 2), words, places, kinds, gamma, beta, nil, tensor.Of([]int32{1, 1}, 1, 2),
		}}, []*tensor.Tensor{nil, tensor.Of([]int32{0, 0}), tensor.Of([]float32{13, 6, 5, 3, 7, 5, 7, 5}, 2, 2, 2)}},
	})
}

func TestRotaryEmbedding(t *testing.T) {
	// Position 0 turns by nothing, position 1 by a right angle: (a, b) becomes (-b, a).
	cos, sin := tensor.Of([]float32{1, 0}, 2, 1), tensor.Of([]float32{0, 1}, 2, 1)
	x := tensor.Of([]float32{1, 2, 3, 4, 5, 6, 7, 8}, 1, 2, 4) // two steps of two heads
	turned := tensor.Of([]float32{1, 2, 3, 4, -6, 5, -8, 7}, 1, 2, 4)
	hold(t, []expectation{
		{use{op: "RotaryEmbedding", in: []*tensor.Tensor{x, tensor.Of([]int64{0, 1}, 1, 2), cos, sin}}, []*tensor.Tensor{turned}},
		{use{op: "RotaryEmbedding", name: "from a position", in: []*tensor.Tensor{x, tensor.Of([]int64{0}), cos, sin}}, []*tensor.Tensor{turned}},
		{use{op: "RotaryEmbedding", name: "in part", in: []*tensor.Tensor{x, tensor.Of([]int64{1, 1}, 1, 2), cos, sin},
			attrs: attrs(graph.A("num_heads", int64(1)), graph.A("rotary_embedding_dim", int64(2)))},
			[]*tensor.Tensor{tensor.Of([]float32{-2, 1, 3, 4, -6, 5, 7, 8}, 1, 2, 4)}},
		{use{op: "RotaryEmbedding", name: "heads apart", in: []*tensor.Tensor{tensor.Of([]float32{1, 2, 3, 4}, 1, 1, 2, 2), tensor.Of([]int64{0}), cos, sin}},
			[]*tensor.Tensor{tensor.Of([]float32{1, 2, -4, 3}, 1, 1, 2, 2)}},
	})
	n, given := use{op: "RotaryEmbedding", in: []*tensor.Tensor{x, tensor.Of([]int64{0}), cos, sin}, attrs: attrs(graph.A("is_packed_batching", int64(1)))}.node()
	_, err := decomposed(t, n, given)
	assert.ErrorContains(t, err, "is_packed_batching")
}
