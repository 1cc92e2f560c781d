package vector

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKeep(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, n := range lengths {
			for name, f := range map[string][2]func(best []float32, at []int32, a []float32, i int32){
				"greater": {keepGreaterGeneric, KeepGreater}, "less": {keepLessGeneric, KeepLess},
			} {
				best, check := guarded(t, n)
				copy(best, operands(n, 11))
				want, at, wantAt := append([]float32{}, best...), make([]int32, n+9), make([]int32, n)
				for i := range int32(12) {
					a := operands(n, 20+uint64(i))
					f[0](want, wantAt, a, i+1)
					f[1](best, at, a, i+1)
				}
				check()
				requireSame(t, want, best, "%s of %d", name, n)
				assert.Equal(t, wantAt, at[:n], "%s of %d", name, n)
				assert.Equal(t, make([]int32, 9), at[n:], "%s of %d: behind the end", name, n)
			}
		}
	})
}
