package vector

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// all16 is every pattern of 16 bits.
func all16() []uint16 {
	a := make([]uint16, 1<<16)
	for i := range a {
		a[i] = uint16(i)
	}
	return a
}

// Values of binary16 by its definition, IEEE 754-2019 §3.4.
func TestWidenHalfValues(t *testing.T) {
	got := make([]float32, 1<<16)
	widenHalfGeneric(got, all16())
	for bits, want := range map[uint16]float64{
		0x0000: 0, 0x3C00: 1, 0xC000: -2, 0x3555: 0.333251953125, 0x7BFF: 65504, 0x0400: 0x1p-14, 0x0001: 0x1p-24,
		0x83FF: -1023 * 0x1p-24, 0x7C00: math.Inf(1), 0xFC00: math.Inf(-1),
	} {
		assert.Equal(t, float32(want), got[bits], "%04x", bits)
	}
	assert.True(t, math.Signbit(float64(got[0x8000])))
	assert.True(t, got[0x7C01] != got[0x7C01])
}

func TestNarrowHalfValues(t *testing.T) {
	for v, want := range map[float32]uint16{
		0: 0, 1: 0x3C00, -2: 0xC000, 65504: 0x7BFF, 65519.996: 0x7BFF, 65520: 0x7C00, -1e9: 0xFC00,
		0x1p-24: 1, 0x1p-25: 0, 0x1.000002p-25: 1, 0x3p-25: 2, 0x1p-14: 0x0400, 0x1.ffbp-15: 0x03FF, 0x1.ffcp-15: 0x0400,
		1 + 0x1p-11: 0x3C00, 1 + 0x3p-11: 0x3C02, 1 + 0x1.2p-11: 0x3C01, -0x1p-30: 0x8000, 1e-45: 0,
	} {
		got := make([]uint16, 1)
		narrowHalfGeneric(got, []float32{v})
		assert.Equal(t, want, got[0], "%v: %04x", v, got[0])
	}
}

func TestNarrowBrainValues(t *testing.T) {
	for v, want := range map[float32]uint16{
		0: 0, 1: 0x3F80, 1 + 0x1p-8: 0x3F80, 1 + 0x3p-8: 0x3F82, 1 + 0x1.02p-8: 0x3F81, math.MaxFloat32: 0x7F80, -3: 0xC040, 1e-45: 0,
	} {
		got := make([]uint16, 1)
		narrowBrainGeneric(got, []float32{v})
		assert.Equal(t, want, got[0], "%v: %04x", v, got[0])
	}
}

// Widening and narrowing again gives the same bits, of a NaN the quiet one.
func TestHalvesAndBack(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		a, wide, back := all16(), make([]float32, 1<<16), make([]uint16, 1<<16)
		WidenHalf(wide, a)
		want := make([]float32, 1<<16)
		widenHalfGeneric(want, a)
		requireSame(t, want, wide, "binary16")
		NarrowHalf(back, wide)
		for i, b := range back {
			if i&0x7C00 == 0x7C00 && i&0x3FF != 0 {
				i |= 0x200
			}
			require.Equal(t, uint16(i), b)
		}
		WidenBrain(wide, a)
		widenBrainGeneric(want, a)
		requireSame(t, want, wide, "bfloat16")
		NarrowBrain(back, wide)
		for i, b := range back {
			if i&0x7F80 == 0x7F80 && i&0x7F != 0 {
				i = i&0x8000 | 0x7FC0
			}
			require.Equal(t, uint16(i), b)
		}
	})
}

// Around every number of 16 bits, numbers of float32 round as the plain functions
// say; lengths are those of tails.
func TestNarrow(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, f := range []struct {
			plain, narrow func(dst []uint16, a []float32)
			widen         func(dst []float32, a []uint16)
		}{{narrowHalfGeneric, NarrowHalf, WidenHalf}, {narrowBrainGeneric, NarrowBrain, WidenBrain}} {
			exact := make([]float32, 1<<16)
			f.widen(exact, all16())
			var a []float32
			for i, v := range exact {
				next := exact[(i+1)&0xFFFF]
				half := v/2 + next/2
				a = append(a, v, half, math.Nextafter32(half, v), math.Nextafter32(half, next))
			}
			want, got := make([]uint16, len(a)), make([]uint16, len(a))
			f.plain(want, a)
			f.narrow(got, a)
			require.Equal(t, want, got)
			for _, n := range lengths {
				n = min(n, len(a))
				got := make([]uint16, n+16)
				f.narrow(got[:n], a[:n])
				require.Equal(t, want[:n], got[:n], "%d elements", n)
				require.Equal(t, make([]uint16, 16), got[n:], "written behind the end")
				wide, room := make([]float32, n), make([]float32, n+16)
				copy(wide, exact)
				f.widen(room[:n], all16()[:n])
				requireSame(t, wide, room[:n], "%d elements", n)
				require.Equal(t, make([]float32, 16), room[n:], "written behind the end")
			}
		}
	})
}
