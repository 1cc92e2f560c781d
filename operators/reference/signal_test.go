package reference_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// near holds a float tensor against values.
func near(t *testing.T, want []float64, got tensor.Value, about ...any) {
	t.Helper()
	have := got.(*tensor.Tensor).Float64s()
	require.Len(t, have, len(want), about...)
	for i := range want {
		if math.IsNaN(want[i]) {
			assert.True(t, math.IsNaN(have[i]), about...)
			continue
		}
		assert.InDelta(t, want[i], have[i], 1e-12, about...)
	}
}

func TestDFTByHand(t *testing.T) {
	onesided, inverse := graph.A("onesided", int64(1)), graph.A("inverse", int64(1))
	scalar := func(v int64) *tensor.Tensor { return tensor.Scalar(v) }
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []tensor.Value
		shape tensor.Shape
		want  []float64
	}{
		{"real", nil, []tensor.Value{shaped(f64(1, 2, 3, 4), 4, 1)}, tensor.Shape{4, 2}, []float64{10, 0, -2, 2, -2, 0, -2, -2}},
		{"complex", nil, []tensor.Value{shaped(f64(1, 1, 0, 2), 2, 2)}, tensor.Shape{2, 2}, []float64{1, 3, 1, -1}},
		{"one side", attrs(onesided), []tensor.Value{shaped(f64(1, 2, 3, 4), 4, 1)}, tensor.Shape{3, 2}, []float64{10, 0, -2, 2, -2, 0}},
		{"one side, odd", attrs(onesided), []tensor.Value{shaped(f64(1, 2, 3), 3, 1)}, tensor.Shape{2, 2},
			[]float64{6, 0, -1.5, math.Sqrt(3) / 2}},
		{"inverse", attrs(inverse), []tensor.Value{shaped(f64(10, 0, -2, 2, -2, 0, -2, -2), 4, 2)}, tensor.Shape{4, 2},
			[]float64{1, 0, 2, 0, 3, 0, 4, 0}},
		{"inverse of one side", attrs(inverse, onesided), []tensor.Value{shaped(f64(10, 9, -2, 2, -2, 9), 3, 2)}, tensor.Shape{4, 1},
			[]float64{1, 2, 3, 4}},
		{"inverse of one side, odd", attrs(inverse, onesided), []tensor.Value{shaped(f64(6, 0, -1.5, math.Sqrt(3)/2), 2, 2), scalar(3)}, tensor.Shape{3, 1},
			[]float64{1, 2, 3}},
		{"padded", nil, []tensor.Value{shaped(f64(1, 2), 2, 1), scalar(4)}, tensor.Shape{4, 2}, []float64{3, 0, 1, -2, -1, 0, 1, 2}},
		{"cut off", nil, []tensor.Value{shaped(f64(1, 2, 9, 9), 4, 1), tensor.Scalar(int32(2))}, tensor.Shape{2, 2}, []float64{3, 0, -1, 0}},
		{"first axis", nil, []tensor.Value{shaped(f64(1, 2, 3, 5), 2, 2, 1), nil, scalar(0)}, tensor.Shape{2, 2, 2}, []float64{4, 0, 7, 0, -2, 0, -3, 0}},
		{"last axis", nil, []tensor.Value{shaped(f64(1, 2, 3, 5), 2, 2, 1), nil, scalar(-2)}, tensor.Shape{2, 2, 2}, []float64{3, 0, -1, 0, 8, 0, -2, 0}},
		{"one value", nil, []tensor.Value{shaped(f64(7), 1, 1)}, tensor.Shape{1, 2}, []float64{7, 0}},
		{"no signals", nil, []tensor.Value{shaped(f64(), 0, 4, 1)}, tensor.Shape{0, 4, 2}, []float64{}},
	} {
		out, err := operate("DFT", 1, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.shape, out[0].(*tensor.Tensor).Shape(), c.name)
		near(t, c.want, out[0], c.name)
	}
}

// Every length, prime or not, against the definition; and back again.
func TestDFTOfAnyLength(t *testing.T) {
	for n := 1; n <= 31; n++ {
		x := make([]float64, 2*n)
		for i := range x {
			x[i] = math.Sin(float64(3*i) + 0.3)
		}
		want := make([]float64, 2*n)
		for k := range n {
			y := complex(0, 0)
			for i := range n {
				y += complex(x[2*i], x[2*i+1]) * cmplx.Exp(complex(0, -2*math.Pi*float64(i*k)/float64(n)))
			}
			want[2*k], want[2*k+1] = real(y), imag(y)
		}
		out, err := operate("DFT", 1, nil, shaped(f64(x...), n, 2))
		require.NoError(t, err)
		near(t, want, out[0], "length %d", n)
		back, err := operate("DFT", 1, attrs(graph.A("inverse", int64(1))), out[0])
		require.NoError(t, err)
		near(t, x, back[0], "length %d and back", n)
	}
}

func TestDFTErrors(t *testing.T) {
	onesided, inverse := graph.A("onesided", int64(1)), graph.A("inverse", int64(1))
	real, complex := shaped(f64(1, 2), 2, 1), shaped(f64(1, 2), 1, 2)
	for _, c := range []struct {
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{nil, []tensor.Value{f64(1, 2)}, "its rank must be 2 or more"},
		{nil, []tensor.Value{shaped(f64(1, 2, 3), 1, 3)}, "extent 3, it must be 1 (real) or 2 (complex)"},
		{nil, []tensor.Value{real, nil, tensor.Scalar(int64(1))}, "axis 1 is the last"},
		{nil, []tensor.Value{real, nil, tensor.Scalar(int64(-3))}, "axis -3 is outside [-2, 2)"},
		{nil, []tensor.Value{real, tensor.Scalar(int64(0))}, "length of the transform is 0"},
		{attrs(onesided), []tensor.Value{complex}, "needs real input"},
		{attrs(onesided, inverse), []tensor.Value{real}, "needs complex input"},
		{attrs(onesided, inverse), []tensor.Value{complex}, "length of the transform is 0"},
	} {
		_, err := operate("DFT", 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestSTFT(t *testing.T) {
	x := shaped(f64(1, 2, 3, 4, 5), 1, 5, 1)
	two := graph.A("onesided", int64(0))
	scalar := func(v int64) *tensor.Tensor { return tensor.Scalar(v) }
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []tensor.Value
		shape tensor.Shape
		want  []float64
	}{
		{"frames of two", nil, []tensor.Value{x, scalar(2), nil, scalar(2)}, tensor.Shape{1, 2, 2, 2}, []float64{3, 0, -1, 0, 7, 0, -1, 0}},
		{"windowed", nil, []tensor.Value{x, scalar(3), f64(1, 0.5)}, tensor.Shape{1, 2, 2, 2}, []float64{2, 0, 0, 0, 6.5, 0, 1.5, 0}},
		{"both sides", attrs(two), []tensor.Value{x, scalar(9), nil, scalar(4)}, tensor.Shape{1, 1, 4, 2}, []float64{10, 0, -2, 2, -2, 0, -2, -2}},
		{"whole signal", nil, []tensor.Value{shaped(f64(1, 2, 3), 1, 3), scalar(1)}, tensor.Shape{1, 1, 2, 2}, []float64{6, 0, -1.5, math.Sqrt(3) / 2}},
		{"complex", attrs(two), []tensor.Value{shaped(f64(1, 1, 0, 2), 1, 2, 2), scalar(1), nil, scalar(2)}, tensor.Shape{1, 1, 2, 2}, []float64{1, 3, 1, -1}},
		{"window longer than the signal", nil, []tensor.Value{shaped(f64(1), 1, 1, 1), scalar(1), f64(1, 1)}, tensor.Shape{1, 0, 2, 2}, []float64{}},
	} {
		out, err := operate("STFT", 1, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.shape, out[0].(*tensor.Tensor).Shape(), c.name)
		near(t, c.want, out[0], c.name)
	}
	for _, c := range []struct {
		in   []tensor.Value
		want string
	}{
		{[]tensor.Value{x, scalar(0)}, "frame_step is 0"},
		{[]tensor.Value{x, scalar(1), nil, scalar(6)}, "a frame has the length 6, it must lie in [1, 5]"},
		{[]tensor.Value{x, scalar(1), f64(1, 1), scalar(3)}, "frame_length is 3, the window has 2 weights"},
		{[]tensor.Value{f64(1), scalar(1)}, "its rank must be 3"},
		{[]tensor.Value{shaped(f64(1, 1), 1, 1, 2), scalar(1)}, "needs real input"},
	} {
		_, err := operate("STFT", 1, nil, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestWindows(t *testing.T) {
	symmetric, double := graph.A("periodic", int64(0)), graph.A("output_datatype", int64(tensor.Float64))
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		size  int64
		want  []float64
	}{
		{"HannWindow", attrs(double), 4, []float64{0, 0.5, 1, 0.5}},
		{"HannWindow", attrs(double, symmetric), 5, []float64{0, 0.5, 1, 0.5, 0}},
		{"HammingWindow", attrs(double), 4, []float64{4.0 / 46, 25.0 / 46, 1, 25.0 / 46}},
		{"HammingWindow", attrs(double, symmetric), 3, []float64{4.0 / 46, 1, 4.0 / 46}},
		{"BlackmanWindow", attrs(double), 4, []float64{0, 0.34, 1, 0.34}},
		{"BlackmanWindow", attrs(double, symmetric), 5, []float64{0, 0.34, 1, 0.34, 0}},
		{"HannWindow", attrs(double), 0, []float64{}},
		{"HannWindow", attrs(double), 1, []float64{0}},
		{"HannWindow", attrs(double, symmetric), 1, []float64{math.NaN()}}, // 0/0 in the formula
		{"HannWindow", attrs(graph.A("output_datatype", int64(tensor.Int8))), 4, []float64{0, 0, 1, 0}},
	} {
		out, err := operate(c.op, 1, c.attrs, tensor.Scalar(c.size))
		require.NoError(t, err, c.op)
		near(t, c.want, out[0], fmt.Sprint(c.op, c.size, c.attrs))
	}
	out, err := operate("HannWindow", 1, nil, tensor.Scalar(int32(2)))
	require.NoError(t, err)
	assert.Equal(t, tensor.Of([]float32{0, 1}), out[0])
	_, err = operate("HannWindow", 1, nil, tensor.Scalar(int64(-1)))
	assert.ErrorContains(t, err, "not negative")
	_, err = operate("HannWindow", 1, attrs(graph.A("output_datatype", int64(tensor.String))), tensor.Scalar(int64(1)))
	assert.ErrorContains(t, err, "output_datatype is 8")
}

func TestMelWeightMatrix(t *testing.T) {
	mel := func(bands, length, rate int64, low, high float32) (tensor.Value, error) {
		out, err := operate("MelWeightMatrix", 1, nil, tensor.Scalar(bands), tensor.Scalar(length), tensor.Scalar(rate), tensor.Scalar(low), tensor.Scalar(high))
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	// Two bands from 0 to 3000 Hz, 16 samples at 16 kHz. A step is mel(3000)/4 = 469.0;
	// the corners 0, 361.2, 908.8, 1738.9 Hz are bins floor(17/16000 f) = 0, 0, 0, 1.
	out, err := mel(2, 16, 16000, 0, 3000)
	require.NoError(t, err)
	want := make([]float64, 9*2)
	want[0], want[1] = 1, 1
	assert.Equal(t, want, out.(*tensor.Tensor).Float64s())
	assert.Equal(t, tensor.Shape{9, 2}, out.(*tensor.Tensor).Shape())

	// One band from 0 to 8000 Hz, 32 samples at 16 kHz: corners mel 0, 946.67,
	// 1893.4 are 0, 921.5, 3056.2 Hz, which are bins 0, 1, 6 of 33/16000 Hz each.
	out, err = mel(1, 32, 16000, 0, 8000)
	require.NoError(t, err)
	near(t, append([]float64{0, 1, float64(float32(0.8)), float64(float32(0.6)), float64(float32(0.4)), float64(float32(0.2))}, make([]float64, 11)...), out)

	// An edge above the spectrum leaves out what lies behind it.
	out, err = mel(1, 4, 10, 0, 1e6)
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{3, 1}, out.(*tensor.Tensor).Shape())
	_, err = mel(1, 4, 0, 0, 1)
	assert.ErrorContains(t, err, "sample_rate 0 must be positive")
	_, err = mel(-1, 4, 1, 0, 1)
	assert.ErrorContains(t, err, "num_mel_bins -1")
}
