package vector

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lengths are those around the ends of blocks, registers and masks.
var lengths = []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 129, 200}

// specials are values at the edges.
var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 6, -3, 3, 1e-45, -1e-45, 1e-40, -1e-39, 0x1p-126, -0x1p-126,
	88, -88, 89, -89, 104, -104, 200, -200, 1e30, -1e30, math.MaxFloat32, -math.MaxFloat32,
	Infinity, NegativeInfinity, float32(math.NaN()),
}

// operands returns n numbers, specials among them.
func operands(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float32, n)
	for i := range v {
		if v[i] = float32(r.NormFloat64() * 4); r.IntN(4) == 0 {
			v[i] = specials[r.IntN(len(specials))]
		}
	}
	return v
}

// same reports whether two numbers are equal, or both NaN.
func same(a, b float32) bool { return a == b || a != a && b != b }

func requireSame(t *testing.T, want, got []float32, about string, args ...any) {
	t.Helper()
	for i := range want {
		if !same(want[i], got[i]) {
			require.Failf(t, "differs", "%s: element %d is %v, want %v", fmt.Sprintf(about, args...), i, got[i], want[i])
		}
	}
}

// guarded returns a slice of n elements and a function that fails the test if
// what lies behind them was written.
func guarded(t *testing.T, n int) ([]float32, func()) {
	room := make([]float32, n+32)
	for i := range room {
		room[i] = 12345
	}
	return room[:n], func() {
		t.Helper()
		for _, v := range room[n:] {
			require.EqualValues(t, 12345, v, "written behind the end of %d elements", n)
		}
	}
}

func TestBinary(t *testing.T) {
	generic := map[string]Binary[float32, float32]{
		"add": {addBoth[float32], addRight[float32], addLeft[float32]}, "sub": {subBoth[float32], subRight[float32], subLeft[float32]},
		"mul": {mulBoth[float32], mulRight[float32], mulLeft[float32]}, "div": {divBoth[float32], divRight[float32], divLeft[float32]},
		"max": {maxBoth[float32], maxRight[float32], maxLeft[float32]}, "min": {minBoth[float32], minRight[float32], minLeft[float32]},
	}
	eachTier(t, func(t *testing.T) {
		for name, op := range map[string]Binary[float32, float32]{"add": AddFloat32, "sub": SubFloat32, "mul": MulFloat32, "div": DivFloat32, "max": MaxFloat32, "min": MinFloat32} {
			for _, n := range lengths {
				a, b, want := operands(n, 1), operands(n, 2), make([]float32, n)
				got, check := guarded(t, n)
				generic[name].Both(want, a, b)
				op.Both(got, a, b)
				check()
				requireSame(t, want, got, "%s of %d", name, n)
				for _, s := range specials {
					generic[name].Right(want, a, s)
					op.Right(got, a, s)
					requireSame(t, want, got, "%s of %d and %v", name, n, s)
					generic[name].Left(want, s, a)
					op.Left(got, s, a)
					requireSame(t, want, got, "%s of %v and %d", name, s, n)
				}
				check()
				preluGeneric(want, a, b)
				Prelu(got, a, b)
				requireSame(t, want, got, "prelu of %d", n)
				check()
			}
		}
	})
}

// TestZeros: of two zeros the greater is +0 and the lesser -0.
func TestZeros(t *testing.T) {
	negative := float32(math.Copysign(0, -1))
	eachTier(t, func(t *testing.T) {
		a, b, dst := []float32{0, negative, 0, negative}, []float32{negative, 0, 0, negative}, make([]float32, 4)
		MaxFloat32.Both(dst, a, b)
		assert.Equal(t, []bool{false, false, false, true}, signs(dst))
		MinFloat32.Both(dst, a, b)
		assert.Equal(t, []bool{true, true, false, true}, signs(dst))
	})
}

func signs(v []float32) []bool {
	list := make([]bool, len(v))
	for i := range v {
		list[i] = math.Signbit(float64(v[i]))
	}
	return list
}

// TestExactUnary: what consists of operations that IEEE 754 defines has the same
// bits everywhere.
func TestExactUnary(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for name, f := range map[string][2]Unary{
			"abs": {absGeneric, Abs}, "neg": {negGeneric, Neg}, "sqrt": {sqrtGeneric, Sqrt}, "reciprocal": {reciprocalGeneric, Reciprocal},
			"floor": {floorGeneric, Floor}, "ceil": {ceilGeneric, Ceil}, "round": {roundGeneric, Round}, "affine": {affineGeneric, Affine},
			"clip": {clipGeneric, Clip}, "leakyRelu": {leakyReluGeneric, LeakyRelu}, "hardSigmoid": {hardSigmoidGeneric, HardSigmoid},
			"hardSwish": {hardSwishGeneric, HardSwish}, "thresholdedRelu": {thresholdedReluGeneric, ThresholdedRelu},
			"softsign": {softsignGeneric, Softsign}, "sign": {signGeneric, Sign},
		} {
			for _, n := range lengths {
				a, want := operands(n, 3), make([]float32, n)
				for i := range a {
					if i%5 == 0 {
						a[i] = float32(i%7) - 2.5 // ties
					}
				}
				got, check := guarded(t, n)
				f[0](want, a, 0.2, 0.5)
				f[1](got, a, 0.2, 0.5)
				check()
				requireSame(t, want, got, "%s of %d", name, n)
				copy(got, a)
				f[1](got, got, 0.2, 0.5)
				requireSame(t, want, got, "%s of %d in place", name, n)
			}
		}
	})
}

// TestSmooth: functions are within so many units in the last place of their value,
// or of what is named, for numbers of every size.
func TestSmooth(t *testing.T) {
	const units = 4
	wholeRange := make([]float32, 0, 1<<16)
	for bits := uint64(0); bits < 1<<32; bits += 65521 {
		wholeRange = append(wholeRange, math.Float32frombits(uint32(bits)))
	}
	near := make([]float32, 1<<16)
	for i := range near {
		near[i] = (float32(i) - 1<<15) / (1 << 15) * 100
	}
	unit := func(v float64) float64 {
		return float64(math.Nextafter32(float32(math.Abs(v)), Infinity)) - float64(float32(math.Abs(v)))
	}
	eachTier(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			f     Unary
			exact func(v float64) float64
			scale func(v, want float64) float64 // units of what; nil: of the value
		}{
			"exp": {f: Exp, exact: math.Exp}, "log": {f: Log, exact: math.Log}, "tanh": {f: Tanh, exact: math.Tanh}, "erf": {f: Erf, exact: math.Erf},
			"sigmoid":  {f: Sigmoid, exact: logistic},
			"softplus": {f: Softplus, exact: func(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }},
			"elu": {f: Elu, exact: func(v float64) float64 {
				if v < 0 {
					return math.Expm1(v)
				}
				return v
			}},
			"swish":    {f: Swish, exact: func(v float64) float64 { return v * logistic(v) }},
			"gelu":     {f: Gelu, exact: func(v float64) float64 { return 0.5 * v * (1 + math.Erf(v/math.Sqrt2)) }, scale: func(v, _ float64) float64 { return v }},
			"geluTanh": {f: GeluTanh, exact: func(v float64) float64 { return 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))) }, scale: func(v, _ float64) float64 { return v }},
		} {
			for _, a := range [][]float32{wholeRange, near, specials} {
				got := make([]float32, len(a))
				c.f(got, a, 1, 0)
				for i, v := range a {
					want := c.exact(float64(v))
					if same(float32(want), got[i]) || math.Abs(want) < 0x1p-126 && math.Abs(float64(got[i])) < 0x1.1p-126 {
						continue
					}
					if (name == "swish" || name == "gelu" || name == "geluTanh") && (v < -80 || v != v) { // e^80 and beyond; NaN × 0
						assert.True(t, v != v || math.Abs(float64(got[i])) < 1e-30 || got[i] != got[i] && math.IsInf(float64(v), -1), "%s(%v) is %v", name, v, got[i])
						continue
					}
					of := want
					if c.scale != nil {
						of = c.scale(float64(v), want)
					}
					if math.IsNaN(want) != (got[i] != got[i]) || math.Abs(float64(got[i])-want) > units*unit(of) {
						require.Failf(t, "inaccurate", "%s(%v) is %v, want %v: %.3g units", name, v, got[i], want, math.Abs(float64(got[i])-want)/unit(of))
					}
				}
			}
			for _, n := range lengths {
				a := operands(n, 5)
				got, check := guarded(t, n)
				whole := make([]float32, n+64)
				c.f(whole, append(a, make([]float32, 64)...), 1, 0)
				c.f(got, a, 1, 0)
				check()
				requireSame(t, whole[:n], got, "%s of %d", name, n)
			}
		}
	})
}

func TestReductions(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			a, b := make([]float32, n), make([]float32, n)
			for i := range a {
				a[i], b[i] = float32(i%13)-5, float32(i%7)-2 // sums of which are exact
			}
			assert.Equal(t, sumGeneric(a), Sum(a), "Σ of %d", n)
			assert.Equal(t, sumSquaresGeneric(a, 2), SumSquares(a, 2), "Σ² of %d", n)
			assert.Equal(t, dotGeneric(a, b), Dot(a, b), "· of %d", n)
			assert.Equal(t, greatestGeneric(a), Greatest(a), "max of %d", n)
			assert.Equal(t, leastGeneric(a), Least(a), "min of %d", n)
			for i := range a {
				kept := a[i]
				a[i] = float32(math.NaN())
				for name, v := range map[string]float32{"Σ": Sum(a), "Σ²": SumSquares(a, 0), "·": Dot(a, a), "max": Greatest(a), "min": Least(a)} {
					assert.True(t, v != v, "%s of %d with a NaN at %d is %v", name, n, i, v)
				}
				a[i] = kept
			}
			want, wantSum := make([]float32, n), float32(0)
			got, check := guarded(t, n)
			wantSum = expSumGeneric(want, a, 8)
			assert.InDelta(t, wantSum, ExpSum(got, a, 8), 1e-6*float64(wantSum), "Σ e^a of %d", n)
			check()
			for i := range want {
				assert.InDelta(t, want[i], got[i], 4e-7*float64(want[i]))
			}
			for _, bias := range [][]float32{nil, b} {
				normalizeGeneric(want, a, b, bias, 0.5, 0.25)
				Normalize(got, a, b, bias, 0.5, 0.25)
				requireSame(t, want, got, "normalized %d", n) // all of it is exact
			}
			addScaledGeneric(want, a, 0.5)
			AddScaled(got, a, 0.5)
			requireSame(t, want, got, "scaled %d", n)
			check()
		}
	})
}

func TestRows(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, columns := range lengths {
			for _, rows := range []int{0, 1, 3} {
				for stride, move := range map[int]func(dst, a []float32, rows, columns, dstStep, aStep int){1: CopyRows, 2: EvenRows} {
					aStep, dstStep := stride*columns+3, columns+2
					a := operands(max((rows-1)*aStep+stride*(columns-1)+1, 0), 8) // not one element more than needed
					got, check := guarded(t, max((rows-1)*dstStep+columns, 0))
					want := append([]float32(nil), got...)
					for y := range rows {
						for x := range columns {
							want[y*dstStep+x] = a[y*aStep+stride*x]
						}
					}
					move(got, a, rows, columns, dstStep, aStep)
					check()
					requireSame(t, want, got, "%d × %d by %d", rows, columns, stride)
				}
			}
		}
	})
}

func TestTurn(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, columns := range []int{0, 1, 7, 8, 9, 16, 31, 300} {
			for _, rows := range []int{0, 1, 8, 15, 24, 33} {
				aStep, dstStep := rows+3, columns+2
				a := operands(max((columns-1)*aStep+rows, 0), 8) // not one element more than needed
				got, check := guarded(t, max((rows-1)*dstStep+columns, 0))
				want := append([]float32(nil), got...)
				for y := range rows {
					for x := range columns {
						want[y*dstStep+x] = a[x*aStep+y]
					}
				}
				Turn(got, a, rows, columns, dstStep, aStep)
				check()
				requireSame(t, want, got, "%d × %d", rows, columns)
			}
		}
	})
}

func TestSoftmax(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	scores := func(n, seed int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32((i*seed)%23)/2 - 5
		}
		return v
	}
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths[1:] {
			const rows = 3
			step := n + 2
			for _, maskStep := range []int{-1, 0, n + 1} {
				var mask []float32
				if maskStep >= 0 {
					mask = scores((rows-1)*maskStep+n, 6)
				}
				for special, v := range map[int]float32{-1: 0, 0: nan, 1: inf, 2: -inf, 3: -3e38} {
					a := scores((rows-1)*step+n, 7)
					for i := range n {
						if special >= 2 || special >= 0 && i == n/2 {
							a[step+i] = v // of the second row
						}
					}
					got, check := guarded(t, len(a))
					want := append([]float32(nil), got...)
					most, wantMost := make([]float32, rows), make([]float32, rows)
					Softmax(got, a, mask, most, rows, n, step, maskStep, 0.25)
					check()
					softmaxGeneric(want, a, mask, wantMost, rows, n, step, maskStep, 0.25)
					for y := range rows {
						if special < 0 || y != 1 || special == 3 {
							assert.Equal(t, wantMost[y], most[y], "the greatest of row %d of %d", y, n)
						}
						if special == 2 && y == 1 {
							assert.Equal(t, -inf, most[y])
						}
					}
					for i := range want {
						if want[i] != want[i] {
							assert.True(t, got[i] != got[i], "%v is no NaN: element %d of rows of %d with %v", got[i], i, n, v)
							continue
						}
						assert.InDelta(t, want[i], got[i], 5e-6*math.Abs(float64(want[i]))+1e-37, "element %d of rows of %d with %v", i, n, v)
					}
					Softmax(a, a, mask, most, rows, n, step, maskStep, 0.25)
					for y := range rows {
						requireSame(t, got[y*step:][:n], a[y*step:][:n], "row %d of %d in place", y, n)
					}
				}
			}
		}
	})
}

func TestDots(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			for _, rows := range []int{0, 1, 4, 7, 12} {
				a, b := make([]float32, max((rows-1)*(n+3)+n, 0)), make([]float32, n) // not one element more than needed
				for i := range a {
					a[i] = float32(i%13) - 5 // sums of which are exact
				}
				for i := range b {
					b[i] = float32(i%7) - 2
				}
				got, check := guarded(t, rows)
				Dots(got, a, b, n+3)
				check()
				for y := range rows {
					assert.Equal(t, dotGeneric(b, a[y*(n+3):]), got[y], "row %d of %d of %d", y, rows, n)
				}
				Distances(got, a, b, n+3)
				check()
				for y := range rows {
					want := float32(0)
					for x, v := range b {
						want += (v - a[y*(n+3)+x]) * (v - a[y*(n+3)+x])
					}
					assert.Equal(t, want, got[y], "distance of row %d of %d of %d", y, rows, n)
				}
			}
		}
	})
}

func TestSelect(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			a, b, which := operands(n, 1), operands(n, 2), make([]bool, n)
			want := make([]float32, n)
			for i := range which {
				if which[i] = i*i%5 < 2; which[i] {
					want[i] = a[i]
				} else {
					want[i] = b[i]
				}
			}
			got, check := guarded(t, n)
			Select(got, which, a, b)
			check()
			requireSame(t, want, got, "%d", n)
			small, smallWant := make([]uint8, n), make([]uint8, n)
			for i, ok := range which {
				smallWant[i] = 7
				if ok {
					smallWant[i] = 0
				}
			}
			Select(small, which, small, bytes.Repeat([]byte{7}, n))
			assert.Equal(t, smallWant, small)
		}
	})
}

func BenchmarkSoftmax(b *testing.B) {
	a, mask, most := make([]float32, 128*128), make([]float32, 128), make([]float32, 128)
	dst := make([]float32, len(a))
	for b.Loop() {
		Softmax(dst, a, mask, most, 128, 128, 128, 0, 0.1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/128, "ns/row")
}

func BenchmarkTurn(b *testing.B) {
	a, dst := operands(128*384, 9), make([]float32, 128*384)
	b.SetBytes(int64(len(a) * 4))
	for b.Loop() {
		for h := range 12 {
			Turn(dst[h*32*128:], a[h*32:], 32, 128, 128, 384)
		}
	}
}

func BenchmarkUnary(b *testing.B) {
	a, dst := operands(4096, 9), make([]float32, 4096)
	for i := range a {
		a[i] = float32(i)/512 - 4
	}
	for _, f := range []struct {
		name string
		Unary
	}{{"clip", Clip}, {"exp", Exp}, {"log", Log}, {"tanh", Tanh}, {"erf", Erf}, {"sigmoid", Sigmoid}, {"gelu", Gelu}, {"hardSwish", HardSwish}} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(a) * 4))
			for b.Loop() {
				f.Unary(dst, a, 0, 1)
			}
		})
	}
}

func TestNibbles(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, blocks := range []int{0, 1, 2, 5} {
			for _, spans := range []int{1, 2, 4} {
				n := blocks * spans * NibbleSpan
				a, q, scales, zeros := make([]float32, n), make([]byte, n/2), make([]float32, blocks), make([]float32, blocks)
				for i := range a {
					a[i] = float32(i%13) - 5 // sums of which are exact
				}
				for i := range q {
					q[i] = byte(i*37 + i/7)
				}
				for i := range scales {
					scales[i], zeros[i] = float32(i%3)-0.5, float32(8-i)
				}
				want := make([]float32, n)
				nibblesGeneric(want, q, scales, zeros, spans)
				got, check := guarded(t, n)
				Nibbles(got, q, scales, zeros)
				check()
				assert.Equal(t, want, got[:n:n], "%d blocks of %d spans", blocks, spans)
				assert.Equal(t, nibblesDotGeneric(a, q, scales, zeros, spans), NibblesDot(a, q, scales, zeros), "%d blocks of %d spans", blocks, spans)
			}
		}
	})
	assert.Panics(t, func() { Nibbles(make([]float32, 48), make([]byte, 24), make([]float32, 1), make([]float32, 1)) })
	assert.Panics(t, func() { NibblesDot(make([]float32, 32), make([]byte, 15), make([]float32, 1), make([]float32, 1)) })
}
