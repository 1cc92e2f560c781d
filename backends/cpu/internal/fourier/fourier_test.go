package fourier_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/backends/cpu/internal/fourier"
)

// transform computes by a plan.
func transform[F fourier.Float](x []complex128, reverse bool) []complex128 {
	p := fourier.New[F](len(x))
	room := make([]byte, p.Room())
	in := p.Input(room)
	for i, v := range x {
		in.Re[i], in.Im[i] = F(real(v)), F(imag(v))
	}
	run := p.Run
	if reverse {
		run = p.Reverse
	}
	out, y := run(room), make([]complex128, len(x))
	for k := range y {
		y[k] = complex(float64(out.Re[k]), float64(out.Im[k]))
	}
	return y
}

// defined computes by the definition, with -1 or 1 as the exponent's sign.
func defined(x []complex128, sign float64) []complex128 {
	n := len(x)
	y := make([]complex128, n)
	for k := range y {
		for i, v := range x {
			y[k] += v * cmplx.Exp(complex(0, sign*2*math.Pi*float64(i*k%n)/float64(n)))
		}
	}
	return y
}

func noise(n int) []complex128 {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	x := make([]complex128, n)
	for i := range x {
		x[i] = complex(float64(float32(r.NormFloat64())), float64(float32(r.NormFloat64())))
	}
	return x
}

// distance is the largest difference as a share of the root of the sum of squares.
func distance(a, b []complex128) float64 {
	most, squares := 0.0, 0.0
	for i := range a {
		most = max(most, cmplx.Abs(a[i]-b[i]))
		squares += real(b[i])*real(b[i]) + imag(b[i])*imag(b[i])
	}
	return most / math.Sqrt(squares)
}

func TestTransforms(t *testing.T) {
	lengths := []int{128, 180, 243, 256, 300, 400, 480, 500, 512, 625, 961, 600, 37 * 8, 2 * 257, 521}
	for n := 1; n <= 80; n++ {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		x := noise(n)
		for _, reverse := range []bool{false, true} {
			want := defined(x, map[bool]float64{false: -1, true: 1}[reverse])
			what := fmt.Sprintf("%d values, reverse %v", n, reverse)
			assert.Less(t, distance(transform[float64](x, reverse), want), 1e-13, what)
			assert.Less(t, distance(transform[float32](x, reverse), want), 1e-6, what)
		}
	}
}

// By hand: 4 values, and the spectrum of a constant.
func TestSmallTransforms(t *testing.T) {
	assert.Equal(t, []complex128{10, -2 + 2i, -2, -2 - 2i}, transform[float64]([]complex128{1, 2, 3, 4}, false))
	assert.Equal(t, []complex128{10, -2 - 2i, -2, -2 + 2i}, transform[float32]([]complex128{1, 2, 3, 4}, true))
	assert.Equal(t, []complex128{7 - 3i}, transform[float64]([]complex128{7 - 3i}, false))
	assert.Equal(t, []complex128{5i, 1i}, transform[float64]([]complex128{3i, 2i}, false))
}

// A NaN is in every sum.
func TestNaN(t *testing.T) {
	for _, n := range []int{2, 5, 7, 12, 37} {
		x := noise(n)
		x[n/2] = complex(math.NaN(), 0)
		for _, v := range transform[float64](x, false) {
			assert.True(t, math.IsNaN(real(v)), "%d values", n)
		}
	}
}
