package vector

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guardedTruths is guarded of truth values.
func guardedTruths(t *testing.T, n int) ([]bool, func()) {
	room := make([]bool, n+32)
	for i := range room {
		room[i] = i%2 == 0
	}
	return room[:n], func() {
		t.Helper()
		for i := n; i < len(room); i++ {
			require.Equal(t, i%2 == 0, room[i], "written behind the end of %d elements", n)
		}
	}
}

func TestComparisons(t *testing.T) {
	plain := map[string]func(a, b float32) bool{
		"=": func(a, b float32) bool { return a == b }, "<": func(a, b float32) bool { return a < b }, ">": func(a, b float32) bool { return a > b },
		"<=": func(a, b float32) bool { return a <= b }, ">=": func(a, b float32) bool { return a >= b },
	}
	eachTier(t, func(t *testing.T) {
		for sign, op := range map[string]Binary[float32, bool]{
			"=": Equal[float32](), "<": Less[float32](), ">": Greater[float32](), "<=": LessOrEqual[float32](), ">=": GreaterOrEqual[float32](),
		} {
			for _, n := range lengths {
				a, b := operands(n, 1), operands(n, 2)
				for i := 0; i < n; i += 3 {
					b[i] = a[i]
				}
				want := make([]bool, n)
				got, check := guardedTruths(t, n)
				compute := func(f func(i int) bool) []bool {
					for i := range want {
						want[i] = f(i)
					}
					return want
				}
				op.Both(got, a, b)
				require.Equal(t, compute(func(i int) bool { return plain[sign](a[i], b[i]) }), got, "a %s b of %d", sign, n)
				for _, s := range specials {
					op.Right(got, a, s)
					require.Equal(t, compute(func(i int) bool { return plain[sign](a[i], s) }), got, "a %s %v of %d", sign, s, n)
					op.Left(got, s, a)
					require.Equal(t, compute(func(i int) bool { return plain[sign](s, a[i]) }), got, "%v %s a of %d", s, sign, n)
				}
				check()
			}
		}
	})
}

func TestProperties(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			a := operands(n, 4)
			got, check := guardedTruths(t, n)
			IsNaN(got, a)
			for i, v := range a {
				assert.Equal(t, v != v, got[i], "%v is NaN", v)
			}
			IsInf(got, a)
			for i, v := range a {
				assert.Equal(t, math.IsInf(float64(v), 0), got[i], "%v is infinite", v)
			}
			check()
		}
	})
}

func TestLogic(t *testing.T) {
	plain := map[string]func(a, b bool) bool{
		"and": func(a, b bool) bool { return a && b }, "or": func(a, b bool) bool { return a || b }, "xor": func(a, b bool) bool { return a != b },
	}
	eachTier(t, func(t *testing.T) {
		for name, op := range map[string]Binary[bool, bool]{"and": And, "or": Or, "xor": Xor} {
			for _, n := range lengths {
				a, b := make([]bool, n), make([]bool, n)
				for i := range a {
					a[i], b[i] = i%3 == 0, i%4 < 2
				}
				got, check := guardedTruths(t, n)
				op.Both(got, a, b)
				for i := range got {
					require.Equal(t, plain[name](a[i], b[i]), got[i], "%s of %d", name, n)
				}
				for _, s := range []bool{false, true} {
					op.Right(got, a, s)
					for i := range got {
						require.Equal(t, plain[name](a[i], s), got[i], "%s of %d and %t", name, n, s)
					}
					op.Left(got, s, a)
					for i := range got {
						require.Equal(t, plain[name](s, a[i]), got[i], "%s of %t and %d", name, s, n)
					}
				}
				Not(got, a)
				for i := range got {
					require.Equal(t, !a[i], got[i], "not of %d", n)
				}
				check()
			}
		}
	})
}
