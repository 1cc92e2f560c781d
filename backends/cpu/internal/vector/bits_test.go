package vector

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Numbers of bits lie behind each other, whatever their count.
func TestUnpack(t *testing.T) {
	for bits := 2; bits <= 8; bits++ {
		for _, n := range []int{0, 1, 3, 4, 7, 8, 64, 65} {
			t.Run(fmt.Sprint(bits, " ", n), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(n)))
				want, packed := make([]byte, n), make([]byte, (n*bits+7)/8)
				for i := range want {
					want[i] = byte(r.UintN(1 << bits))
					for b := range bits {
						at := i*bits + b
						packed[at/8] |= want[i] >> b & 1 << (at % 8)
					}
				}
				got := make([]byte, n)
				Unpack(got, packed, bits)
				assert.Equal(t, want, got)
			})
		}
	}
}
