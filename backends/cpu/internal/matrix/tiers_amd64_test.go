//go:build !noasm && gc

package matrix

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/backends/cpu/internal/isa"
)

func addAvailable(list map[string]*kernels) {
	if isa.Best >= isa.AVX2 {
		list["avx2"] = &kernelsAVX2
	}
	if isa.Best >= isa.AVX512 {
		list["avx512"] = &kernelsAVX512
	}
}

func addFilters(list map[string]planewise) {
	if isa.Best >= isa.AVX2 {
		list["avx2"] = planewise{filterOf(filterAVX2), envelopeOf(envelopeAVX2)}
	}
	if isa.Best >= isa.AVX512 {
		list["avx512"] = planewise{filterOf(filterAVX512), envelopeOf(envelopeAVX512)}
	}
}

// The assembly reads the fields of a tile where they lie.
func TestTileLayout(t *testing.T) {
	var v tile
	for i, offset := range []uintptr{
		unsafe.Offsetof(v.a), unsafe.Offsetof(v.b), unsafe.Offsetof(v.c), unsafe.Offsetof(v.d), unsafe.Offsetof(v.offsets), unsafe.Offsetof(v.inner),
		unsafe.Offsetof(v.lda), unsafe.Offsetof(v.ldb), unsafe.Offsetof(v.ldc), unsafe.Offsetof(v.ldd), unsafe.Offsetof(v.start),
		unsafe.Offsetof(v.columns), unsafe.Offsetof(v.ahead), unsafe.Offsetof(v.step), unsafe.Offsetof(v.keep), unsafe.Offsetof(v.low),
	} {
		assert.EqualValues(t, 8*i, offset)
	}
	assert.EqualValues(t, unsafe.Offsetof(v.low)+4, unsafe.Offsetof(v.high))
}
