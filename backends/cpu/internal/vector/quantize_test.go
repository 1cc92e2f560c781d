package vector

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantize(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			a := operands(n, 7)
			for i := range a {
				if i%3 == 0 {
					a[i] = float32(i%40) - 19.5 // ties
				}
			}
			for _, c := range [][4]float32{{1, 0, 0, 255}, {0.25, 128, 0, 255}, {3, -5, -128, 127}, {0, 0, 0, 255}, {1e-40, 3, -128, 127}} {
				want, got := make([]byte, n), make([]byte, n+16)
				quantizeGeneric(want, a, c[0], c[1], c[2], c[3])
				Quantize(got[:n], a, c[0], c[1], c[2], c[3])
				require.Equal(t, want, got[:n], "%d elements, %v", n, c)
				require.Equal(t, make([]byte, 16), got[n:], "written behind the end")
			}
		}
	})
}

// Quotients next to ties are those of a division.
func TestQuantizeTies(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	eachTier(t, func(t *testing.T) {
		a := make([]float32, 1024)
		want, got := make([]byte, len(a)), make([]byte, len(a))
		for range 300 {
			scale := float32(math.Ldexp(1+r.Float64(), r.IntN(40)-20))
			for i := range a {
				tie := float32(float64(scale) * (float64(r.IntN(600)-300) + 0.5))
				a[i] = math.Float32frombits(math.Float32bits(tie) + uint32(r.IntN(5)) - 2)
			}
			quantizeGeneric(want, a, scale, 100, 0, 255)
			Quantize(got, a, scale, 100, 0, 255)
			require.Equal(t, want, got, "scale %v", scale)
		}
		for _, scale := range []float32{math.MaxFloat32, 0x1p-126, 0x1p-149, 0x1p-99, 0x1p99, float32(math.Inf(1)), float32(math.NaN()), -0.3} {
			for i := range a {
				a[i] = float32(r.NormFloat64()*100) * scale
				if i%5 == 0 {
					a[i] = []float32{0, math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.NaN())}[i/5%5]
				}
			}
			quantizeGeneric(want, a, scale, 3, -128, 127)
			Quantize(got, a, scale, 3, -128, 127)
			require.Equal(t, want, got, "scale %v", scale)
		}
	})
}

func TestDequantize(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			unsigned, signed, wide := make([]uint8, n), make([]int8, n), make([]int32, n)
			for i := range n {
				unsigned[i], signed[i], wide[i] = uint8(i*7), int8(i*7), int32(i-50)*43000001
			}
			want, got := make([]float32, n), make([]float32, n)
			dequantizeGeneric(want, unsigned, 0.3, 100)
			DequantizeUnsigned(got, unsigned, 0.3, 100)
			requireSame(t, want, got, "%d unsigned", n)
			dequantizeGeneric(want, signed, 0.3, -7)
			DequantizeSigned(got, signed, 0.3, -7)
			requireSame(t, want, got, "%d signed", n)
			scaleIntegersGeneric(want, wide, 0.7)
			ScaleIntegers(got, wide, 0.7)
			requireSame(t, want, got, "%d wide", n)
		}
	})
}
