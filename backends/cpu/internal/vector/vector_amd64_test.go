//go:build !noasm && gc

package vector

import (
	"testing"

	"example.com/midplane/backends/cpu/internal/isa"
)

// eachTier runs a test with every set of instructions that this process may use,
// beside the plain functions.
func eachTier(t *testing.T, test func(t *testing.T)) {
	for level, ks := range map[isa.Level]*kernels{isa.AVX2: &kernelsAVX2, isa.AVX512: &kernelsAVX512} {
		if level > isa.Best {
			continue
		}
		t.Run(level.String(), func(t *testing.T) {
			ks.use()
			test(t)
		})
	}
	switch {
	case isa.Best >= isa.AVX512:
		kernelsAVX512.use()
	case isa.Best == isa.AVX2:
		kernelsAVX2.use()
	default:
		t.Log("this processor, or MIDPLANE_CPU, allows no vector instructions: the plain functions were tested against themselves")
		test(t)
	}
}
