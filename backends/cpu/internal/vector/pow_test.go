package vector_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/backends/cpu/internal/vector"
)

// within reports whether a number is that of math within the rounding to float32.
func within(want float64, got float32) bool {
	w := float32(want)
	if w != w {
		return got != got
	}
	return got == w || got == math.Nextafter32(w, got)
}

var unusual = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 2, -2, 0.5, 3, -3, 1.5, 1e-45, -1e-45, 1e-38, 3e38, -3e38, 0.99999994, 1.0000001,
	vector.Infinity, vector.NegativeInfinity, float32(math.NaN()), 1e4, 2e4, 5, -7, 8, 1 << 24, 1 << 30,
}

func TestPow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	bases, exponents := append([]float32{}, unusual...), append([]float32{}, unusual...)
	for range 300 {
		bases = append(bases, math.Float32frombits(r.Uint32()), float32(math.Exp(r.NormFloat64())))
		exponents = append(exponents, float32(r.NormFloat64()*10))
	}
	dst, same := make([]float32, len(bases)), make([]float32, len(bases))
	for _, y := range exponents {
		vector.PowFloat32.Right(dst, bases, y)
		for i := range same {
			same[i] = y
		}
		both := make([]float32, len(bases))
		vector.PowFloat32.Both(both, bases, same)
		for i, x := range bases {
			want := math.Pow(float64(x), float64(y))
			require.True(t, within(want, dst[i]), "%v to the power %v is %v, want %v", x, y, dst[i], want)
			require.True(t, within(want, both[i]), "%v to the power %v is %v, want %v", x, y, both[i], want)
		}
	}
	for _, x := range bases {
		vector.PowFloat32.Left(dst[:len(exponents)], x, exponents)
		for i, y := range exponents {
			want := math.Pow(float64(x), float64(y))
			require.True(t, within(want, dst[i]), "%v to the power %v is %v, want %v", x, y, dst[i], want)
		}
	}
}
