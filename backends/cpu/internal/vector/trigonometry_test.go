package vector

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// trigonometric are the functions with those of math, and how far from these, in
// units in the last place, they may be.
var trigonometric = map[string]struct {
	f     func() Unary // of the tier in use
	plain Unary
	exact func(float64) float64
	units float64
}{
	"sin":   {func() Unary { return Sin }, sinGeneric, math.Sin, 2},
	"cos":   {func() Unary { return Cos }, cosGeneric, math.Cos, 2},
	"tan":   {func() Unary { return Tan }, tanGeneric, math.Tan, 4},
	"asin":  {func() Unary { return Asin }, asinGeneric, math.Asin, 3},
	"acos":  {func() Unary { return Acos }, acosGeneric, math.Acos, 3},
	"atan":  {func() Unary { return Atan }, atanGeneric, math.Atan, 3},
	"sinh":  {func() Unary { return Sinh }, sinhGeneric, math.Sinh, 3},
	"cosh":  {func() Unary { return Cosh }, coshGeneric, math.Cosh, 3},
	"asinh": {func() Unary { return Asinh }, asinhGeneric, math.Asinh, 4},
	"acosh": {func() Unary { return Acosh }, acoshGeneric, math.Acosh, 4},
	"atanh": {func() Unary { return Atanh }, atanhGeneric, math.Atanh, 4},
}

// arguments returns numbers of every size, many near 0, near multiples of π/2 and
// near the borders of what the kernels divide their range into.
func arguments() []float32 {
	list := append([]float32{}, specials...)
	for bits := uint64(0); bits < 1<<32; bits += 32749 {
		list = append(list, math.Float32frombits(uint32(bits)))
	}
	for i := range 1 << 17 {
		list = append(list, float32(i-1<<16)/(1<<13), float32(i-1<<16)/(1<<16))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1 << 16 {
		list = append(list, float32(math.Round(r.Float64()*9e4)*math.Pi/2), float32(r.NormFloat64()*1e5))
	}
	for _, border := range []float32{0.5, 1, 1.5, 0.41421357, 2.4142137, 2048, 1 << 17, 88.72284, 89.41599} {
		v := border
		for range 100 {
			v = math.Nextafter32(v, 0)
		}
		for range 200 {
			list = append(list, v, -v)
			v = math.Nextafter32(v, Infinity)
		}
	}
	return list
}

func TestTrigonometry(t *testing.T) {
	all := arguments()
	for name, c := range trigonometric {
		within(t, name+" in plain Go", c.plain, c.exact, 0.51, all)
	}
	eachTier(t, func(t *testing.T) {
		for name, c := range trigonometric {
			within(t, name, c.f(), c.exact, c.units, all)
		}
	})
}

// within checks that a function is so many units in the last place from an exact one
// at most.
func within(t *testing.T, name string, f Unary, exact func(float64) float64, units float64, a []float32) {
	got, worst, at := make([]float32, len(a)), 0.0, float32(0)
	f(got, a, 0, 0)
	for i, v := range a {
		want := exact(float64(v))
		if same(float32(want), got[i]) {
			continue
		}
		unit := float64(math.Nextafter32(float32(math.Abs(want)), Infinity)) - float64(float32(math.Abs(want)))
		if e := math.Abs(float64(got[i])-want) / unit; !(e <= worst) {
			worst, at = e, v
		}
	}
	assert.LessOrEqual(t, worst, units, "%s(%v): units in the last place", name, at)
}

// TestTrigonometryOfZeros: odd functions keep the sign of zero, and numbers so small
// that they are their own values.
func TestTrigonometryOfZeros(t *testing.T) {
	negative := float32(math.Copysign(0, -1))
	small := []float32{0, negative, 1e-45, -1e-45, 1e-40, -1e-40, 0x1p-126, -0x1p-126, 0x1p-100}
	eachTier(t, func(t *testing.T) {
		for _, name := range []string{"sin", "tan", "asin", "atan", "sinh", "asinh", "atanh"} {
			got := make([]float32, len(small))
			trigonometric[name].f()(got, small, 0, 0)
			assert.Equal(t, small, got, name)
			assert.Equal(t, signs(small), signs(got), name)
		}
		for _, name := range []string{"cos", "cosh"} {
			got := make([]float32, len(small))
			trigonometric[name].f()(got, small, 0, 0)
			assert.Equal(t, []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}, got, name)
		}
	})
}

// TestTrigonometryAlone: what becomes of a number does not depend on what is beside
// it, nor on where it lies, and nothing else is written.
func TestTrigonometryAlone(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for name, c := range trigonometric {
			f := c.f()
			for _, n := range append([]int{511, 512, 513, 1100}, lengths...) {
				a := operands(n, 7)
				for i := 3; i < n; i += 37 {
					a[i] *= 1e6
				}
				got, check := guarded(t, n)
				f(got, a, 0, 0)
				check()
				single := make([]float32, n)
				for i := range a {
					f(single[i:i+1], a[i:i+1], 0, 0)
				}
				requireSame(t, single, got, "%s of %d", name, n)
				f(a, a, 0, 0)
				requireSame(t, single, a, "%s of %d in place", name, n)
			}
		}
	})
}

func TestTrigonometryAllocatesNothing(t *testing.T) {
	a := operands(1000, 9)
	dst := make([]float32, len(a))
	for name, c := range trigonometric {
		f := c.f()
		require.Zero(t, testing.AllocsPerRun(5, func() { f(dst, a, 0, 0) }), name)
	}
}
