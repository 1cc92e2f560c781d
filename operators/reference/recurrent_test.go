package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// linear makes every activation the identity, so that results are exact.
func linear(n int) []graph.Attribute {
	names := make([]string, n)
	for i := range names {
		names[i] = "Affine"
	}
	return attrs(graph.A("activations", names))
}

func f64(v ...float64) *tensor.Tensor { return tensor.Of(v) }

func shaped(t *tensor.Tensor, shape ...int) *tensor.Tensor {
	r, err := t.Reshape(shape)
	if err != nil {
		panic(err)
	}
	return r
}

// All with one direction, one row, input size 1, hidden size 1, linear
// activations: each expected value is the operator's equation by hand.
func TestRecurrentByHand(t *testing.T) {
	x := shaped(f64(1, 2), 2, 1, 1)
	h0, c0 := shaped(f64(3), 1, 1, 1), shaped(f64(5), 1, 1, 1)
	tests := []struct {
		name    string
		op      string
		attrs   []graph.Attribute
		in      []tensor.Value
		y, last []float64
		cell    []float64
	}{
		// h1 = 2·1 + 10·3 + 0.25 + 0.5; h2 = 2·2 + 10·h1 + 0.75
		{"RNN", "RNN", linear(1), []tensor.Value{x, shaped(f64(2), 1, 1, 1), shaped(f64(10), 1, 1, 1), shaped(f64(0.25, 0.5), 1, 2), nil, h0},
			[]float64{32.75, 332.25}, []float64{332.25}, nil},
		// z1 = 1·1 + 1·3 = 4, r1 = 2·1 + 0·3 = 2, past = (2·3)·5 + 7, ht = 3·1 + past = 40, h1 = -3·40 + 4·3 = -108
		{"GRU", "GRU", linear(2), []tensor.Value{shaped(f64(1), 1, 1, 1), shaped(f64(1, 2, 3), 1, 3, 1), shaped(f64(1, 0, 5), 1, 3, 1),
			shaped(f64(0, 0, 0, 0, 0, 7), 1, 6), nil, h0}, []float64{-108}, []float64{-108}, nil},
		// past = 2·(3·5 + 7) = 44, ht = 47, h1 = -3·47 + 12
		{"GRU linear_before_reset", "GRU", append(linear(2), graph.A("linear_before_reset", int64(1))),
			[]tensor.Value{shaped(f64(1), 1, 1, 1), shaped(f64(1, 2, 3), 1, 3, 1), shaped(f64(1, 0, 5), 1, 3, 1),
				shaped(f64(0, 0, 0, 0, 0, 7), 1, 6), nil, h0}, []float64{-129}, []float64{-129}, nil},
		// i = 1 + 3 + 0.5·5 = 6.5, f = 3 + 3 - 5 = 1, c~ = 4 + 3 = 7, C = 1·5 + 6.5·7 = 50.5, o = 2 + 3 + 2·50.5 = 106, H = 106·50.5
		{"LSTM with peepholes", "LSTM", linear(3), []tensor.Value{shaped(f64(1), 1, 1, 1), shaped(f64(1, 2, 3, 4), 1, 4, 1),
			shaped(f64(1, 1, 1, 1), 1, 4, 1), nil, nil, h0, c0, shaped(f64(0.5, 2, -1), 1, 3)}, []float64{5353}, []float64{5353}, []float64{50.5}},
		// f = 1 - 6.5, C = -5.5·5 + 6.5·7 = 18, o = 5 + 2·18 = 41
		{"LSTM with coupled gates", "LSTM", append(linear(3), graph.A("input_forget", int64(1))),
			[]tensor.Value{shaped(f64(1), 1, 1, 1), shaped(f64(1, 2, 3, 4), 1, 4, 1),
				shaped(f64(1, 1, 1, 1), 1, 4, 1), nil, nil, h0, c0, shaped(f64(0.5, 2, -1), 1, 3)}, []float64{738}, []float64{738}, []float64{18}},
		// every activation's input clipped to [-2, 2]: i = o = f = c~ = 2, C = 2·5 + 2·2 = 14, H = 2·clip(14)
		{"LSTM clipped", "LSTM", append(linear(3), graph.A("clip", float32(2))), []tensor.Value{shaped(f64(1), 1, 1, 1), shaped(f64(1, 2, 3, 4), 1, 4, 1),
			shaped(f64(1, 1, 1, 1), 1, 4, 1), nil, nil, h0, c0}, []float64{4}, []float64{4}, []float64{14}},
		{"RNN with no steps", "RNN", linear(1), []tensor.Value{x, shaped(f64(2), 1, 1, 1), shaped(f64(10), 1, 1, 1), nil, tensor.Of([]int32{0}), h0},
			[]float64{0, 0}, []float64{3}, nil},
	}
	for _, c := range tests {
		out, err := operate(c.op, 2, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.y, out[0].(*tensor.Tensor).Float64s(), c.name)
		assert.Equal(t, c.last, out[1].(*tensor.Tensor).Float64s(), c.name)
		if c.cell != nil {
			assert.Equal(t, c.cell, out[2].(*tensor.Tensor).Float64s(), c.name)
		}
	}
}

// The default functions: with x = 1 and W = 1 everywhere, and nothing before.
func TestRecurrentDefaults(t *testing.T) {
	sigmoid := 1 / (1 + math.Exp(-1))
	ones := func(n int) *tensor.Tensor {
		v := make([]float64, n)
		for i := range v {
			v[i] = 1
		}
		return shaped(f64(v...), 1, n, 1)
	}
	for _, c := range []struct {
		op    string
		gates int
		want  float64
	}{
		{"RNN", 1, math.Tanh(1)},
		{"GRU", 3, (1 - sigmoid) * math.Tanh(1)},
		{"LSTM", 4, sigmoid * math.Tanh(sigmoid*math.Tanh(1))},
	} {
		out, err := operate(c.op, 1, nil, ones(1), ones(c.gates), ones(c.gates))
		require.NoError(t, err, c.op)
		assert.InDelta(t, c.want, out[0].(*tensor.Tensor).Float64s()[0], 1e-15, c.op)
	}
}

func TestRecurrentActivations(t *testing.T) {
	for _, c := range []struct {
		name        string
		alpha, beta []float32
		x, want     float64
	}{
		{"Relu", nil, nil, -2, 0},
		{"relu", nil, nil, 2, 2},
		{"Tanh", nil, nil, 0.5, math.Tanh(0.5)},
		{"Sigmoid", nil, nil, -800, 0},
		{"Affine", []float32{3}, []float32{0.5}, -2, -5.5},
		{"LeakyRelu", nil, nil, -2, -2 * float64(float32(0.01))},
		{"LeakyRelu", []float32{0.5}, nil, -2, -1},
		{"ThresholdedRelu", nil, nil, 0.75, 0},
		{"ThresholdedRelu", []float32{0.5}, nil, 0.75, 0.75},
		{"ScaledTanh", []float32{2}, []float32{0.5}, 3, 2 * math.Tanh(1.5)},
		{"HardSigmoid", nil, nil, 9, 1},
		{"HardSigmoid", []float32{0.25}, []float32{0.5}, 1, 0.75},
		{"Elu", []float32{2}, nil, -1, 2 * math.Expm1(-1)},
		{"Softsign", nil, nil, -3, -0.75},
		{"Softplus", nil, nil, 1000, 1000},
		{"Softplus", nil, nil, 0, math.Ln2},
	} {
		with := attrs(graph.A("activations", []string{c.name}), graph.A("activation_alpha", c.alpha), graph.A("activation_beta", c.beta))
		out, err := operate("RNN", 1, with, shaped(f64(c.x), 1, 1, 1), shaped(f64(1), 1, 1, 1), shaped(f64(0), 1, 1, 1))
		require.NoError(t, err, c.name)
		assert.InDelta(t, c.want, out[0].(*tensor.Tensor).Float64s()[0], 1e-15, c.name)
	}
	// Only functions that take a value use one up: the 0.5 goes to LeakyRelu.
	with := attrs(graph.A("activations", []string{"Tanh", "LeakyRelu"}), graph.A("activation_alpha", []float32{0.5}), graph.A("direction", "bidirectional"))
	out, err := operate("RNN", 1, with, shaped(f64(-4), 1, 1, 1), shaped(f64(1, 1), 2, 1, 1), shaped(f64(0, 0), 2, 1, 1))
	require.NoError(t, err)
	assert.Equal(t, []float64{math.Tanh(-4), -2}, out[0].(*tensor.Tensor).Float64s())
}

// numbers are n different values in (-1, 1).
func numbers(n int, seed float64, shape ...int) *tensor.Tensor {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.Sin(seed + 1.7*float64(i)))
	}
	return tensor.Of(v, shape...)
}

// axes returns t with its axes in another order.
func axes(t *tensor.Tensor, perm ...int64) *tensor.Tensor {
	out, err := operate("Transpose", 1, attrs(graph.A("perm", perm)), t)
	if err != nil {
		panic(err)
	}
	return out[0].(*tensor.Tensor)
}

// The two directions, the layouts and the sequence lengths follow from the
// forward direction on whole sequences.
func TestRecurrentDirectionsLayoutsAndLengths(t *testing.T) {
	const seq, batch, in, hidden = 4, 2, 3, 2
	for _, c := range []struct {
		op           string
		gates, state int
	}{{"RNN", 1, 1}, {"GRU", 3, 1}, {"LSTM", 4, 2}} {
		x := numbers(seq*batch*in, 0, seq, batch, in)
		w := numbers(2*c.gates*hidden*in, 1, 2, c.gates*hidden, in)
		r := numbers(2*c.gates*hidden*hidden, 2, 2, c.gates*hidden, hidden)
		bias := numbers(2*2*c.gates*hidden, 3, 2, 2*c.gates*hidden)
		lens := tensor.Of([]int32{4, 2})
		states := []*tensor.Tensor{numbers(2*batch*hidden, 4, 2, batch, hidden), numbers(2*batch*hidden, 5, 2, batch, hidden)}[:c.state]
		inputs := []tensor.Value{x, w, r, bias, lens}
		for _, s := range states {
			inputs = append(inputs, s)
		}
		both, err := operate(c.op, 1+c.state, attrs(graph.A("direction", "bidirectional"), graph.A("hidden_size", int64(hidden))), inputs...)
		require.NoError(t, err, c.op)

		// Layout 1 is layout 0 with the batch in front.
		swapped := append([]tensor.Value{axes(x, 1, 0, 2)}, inputs[1:]...)
		for i, s := range states {
			swapped[5+i] = axes(s, 1, 0, 2)
		}
		batchFirst, err := operate(c.op, 1+c.state, attrs(graph.A("direction", "bidirectional"), graph.A("layout", int64(1))), swapped...)
		require.NoError(t, err, c.op)
		assert.Equal(t, axes(both[0].(*tensor.Tensor), 2, 0, 1, 3), batchFirst[0], c.op)
		for i := range states {
			assert.Equal(t, axes(both[1+i].(*tensor.Tensor), 1, 0, 2), batchFirst[1+i], c.op)
		}

		// Each row and direction alone, on its own length, forward.
		y := both[0].(*tensor.Tensor).Float64s()
		for d := range 2 {
			for b := range batch {
				n := int(lens.Int64s()[b])
				steps := make([]float64, 0, n*in)
				for i := range n {
					t := i
					if d == 1 {
						t = n - 1 - i
					}
					steps = append(steps, x.Float64s()[(t*batch+b)*in:][:in]...)
				}
				part := func(t *tensor.Tensor, shape ...int) *tensor.Tensor {
					return tensor.FromFloat64s(tensor.Float32, shape, t.Float64s()[d*t.Len()/2:][:t.Len()/2])
				}
				alone := []tensor.Value{tensor.FromFloat64s(tensor.Float32, tensor.Shape{n, 1, in}, steps),
					part(w, 1, c.gates*hidden, in), part(r, 1, c.gates*hidden, hidden), part(bias, 1, 2*c.gates*hidden), nil}
				for _, s := range states {
					alone = append(alone, tensor.FromFloat64s(tensor.Float32, tensor.Shape{1, 1, hidden}, s.Float64s()[(d*batch+b)*hidden:][:hidden]))
				}
				out, err := operate(c.op, 1+c.state, nil, alone...)
				require.NoError(t, err, c.op)
				want := out[0].(*tensor.Tensor).Float64s()
				for i := range seq {
					t0 := i
					if d == 1 {
						t0 = n - 1 - i
					}
					row := []float64{0, 0} // behind the end
					if i < n {
						row = want[t0*hidden:][:hidden]
					}
					assert.Equal(t, row, y[((i*2+d)*batch+b)*hidden:][:hidden], "%s direction %d row %d step %d", c.op, d, b, i)
				}
				for k := range states {
					got := both[1+k].(*tensor.Tensor).Float64s()[(d*batch+b)*hidden:][:hidden]
					assert.Equal(t, out[1+k].(*tensor.Tensor).Float64s(), got, "%s state %d direction %d row %d", c.op, k, d, b)
				}
			}
		}
	}
}

func TestRecurrentTypesAndErrors(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float16, tensor.BFloat16, tensor.Float32, tensor.Float64} {
		v := func(x float64) *tensor.Tensor { return tensor.FromFloat64s(d, tensor.Shape{1, 1, 1}, []float64{x}) }
		out, err := operate("RNN", 2, linear(1), v(2), v(3), v(1))
		require.NoError(t, err)
		assert.Equal(t, tensor.FromFloat64s(d, tensor.Shape{1, 1, 1, 1}, []float64{6}), out[0])
	}
	out, err := operate("GRU", 2, nil, numbers(0, 0, 0, 2, 3), numbers(18, 1, 1, 6, 3), numbers(12, 1, 1, 6, 2))
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{0, 1, 2, 2}, out[0].(*tensor.Tensor).Shape())
	assert.Equal(t, []float64{0, 0, 0, 0}, out[1].(*tensor.Tensor).Float64s())

	x, w, r := numbers(6, 0, 2, 1, 3), numbers(6, 1, 1, 2, 3), numbers(4, 1, 1, 2, 2)
	for _, c := range []struct {
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{attrs(graph.A("direction", "up")), []tensor.Value{x, w, r}, `direction "up"`},
		{attrs(graph.A("hidden_size", int64(3))), []tensor.Value{x, w, r}, "hidden_size is 3"},
		{attrs(graph.A("direction", "bidirectional")), []tensor.Value{x, w, r}, "W has shape [1,2,3], it must be [2,2,3]"},
		{attrs(graph.A("activations", []string{"Swish"})), []tensor.Value{x, w, r}, `activation "Swish"`},
		{nil, []tensor.Value{x, w, r, nil, tensor.Of([]int32{3})}, "sequence_lens[0] is 3, outside [0, 2]"},
		{nil, []tensor.Value{x, w, r, numbers(2, 0, 1, 2)}, "B has shape [1,2], it must be [1,4]"},
		{nil, []tensor.Value{numbers(6, 0, 2, 3), w, r}, "rank 3"},
	} {
		_, err := operate("RNN", 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}
