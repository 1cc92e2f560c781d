package vector

import (
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
