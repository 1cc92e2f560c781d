package vector

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestGatherSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 12))
	a := make([]float32, 77)
	for i := range a {
		a[i] = float32(r.IntN(100) - 50) // of which sums are exact
	}
	a[13], a[14] = Infinity, float32(math.NaN())
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			for terms := range 6 {
				step := n + 3
				at, weight := make([]int32, terms*step), make([]float32, terms*step)
				for i := range at {
					at[i], weight[i] = int32(r.IntN(len(a))), float32(r.IntN(4))
					if at[i] == 13 || at[i] == 14 {
						weight[i] = float32(math.Copysign(0, float64(i%2)-1))
					}
				}
				if len(at) > 5 {
					at[2], weight[2], at[3], weight[3] = 14, 1, 13, -2
				}
				want := make([]float32, n)
				for i := range want {
					sum := 0.0
					for k := range terms {
						if w := weight[k*step+i]; w != 0 {
							sum += float64(w) * float64(a[at[k*step+i]])
						}
					}
					want[i] = float32(sum)
				}
				got, check := guarded(t, n)
				GatherSum(got, a, at, weight, terms, step)
				check()
				requireSame(t, want, got, "%d sums of %d terms", n, terms)
				gatherSumGeneric(got, a, at, weight, terms, step)
				requireSame(t, want, got, "%d sums of %d terms in plain Go", n, terms)
			}
		}
	})
}
