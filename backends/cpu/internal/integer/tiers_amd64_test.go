//go:build !noasm && gc

package integer

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/backends/cpu/internal/isa"
)

// available are the kernels that this processor runs, by name.
func available() map[string]*kernels {
	list := map[string]*kernels{"generic": &genericKernels}
	if isa.Best >= isa.AVX2 {
		list["avx2"] = &kernelsAVX2
	}
	if isa.VNNI {
		list["vnni"] = &kernelsVNNI
	}
	if isa.Best >= isa.AMX {
		list["amx"] = &kernelsAMX
	}
	return list
}

// eachTier runs a test with every set of instructions that this process may use,
// beside the plain functions.
func eachTier(t *testing.T, test func(t *testing.T)) {
	restore := func() {
		switch {
		case isa.Best >= isa.AVX512:
			functionsAVX512.use()
		case isa.Best == isa.AVX2:
			functionsAVX2.use()
		}
	}
	defer restore()
	for level, fs := range map[isa.Level]*functions{isa.AVX2: &functionsAVX2, isa.AVX512: &functionsAVX512} {
		if level > isa.Best {
			continue
		}
		t.Run(level.String(), func(t *testing.T) {
			fs.use()
			test(t)
		})
	}
	if isa.Best == isa.Generic {
		t.Log("this processor, or MIDPLANE_CPU, allows no vector instructions: the plain functions were tested against themselves")
		test(t)
	}
}

// The assembly reads the fields of a tile where they lie.
func TestTileLayout(t *testing.T) {
	var v tile
	for i, offset := range []uintptr{
		unsafe.Offsetof(v.a), unsafe.Offsetof(v.b), unsafe.Offsetof(v.c), unsafe.Offsetof(v.d), unsafe.Offsetof(v.offsets), unsafe.Offsetof(v.taps),
		unsafe.Offsetof(v.quads), unsafe.Offsetof(v.lda), unsafe.Offsetof(v.ldc), unsafe.Offsetof(v.ldd), unsafe.Offsetof(v.columns),
		unsafe.Offsetof(v.ahead), unsafe.Offsetof(v.extents),
	} {
		assert.EqualValues(t, 8*i, offset)
	}
	e := &v.extents
	for i, offset := range []uintptr{
		unsafe.Offsetof(e.upper), unsafe.Offsetof(e.height), unsafe.Offsetof(e.lastRow), unsafe.Offsetof(e.depth), unsafe.Offsetof(e.blocks),
		unsafe.Offsetof(e.lines), unsafe.Offsetof(e.row), unsafe.Offsetof(e.next), unsafe.Offsetof(e.first), unsafe.Offsetof(e.end),
	} {
		assert.EqualValues(t, 64+8*i, offset)
	}
	o := &v.outcome
	for i, offset := range []uintptr{
		unsafe.Offsetof(o.kind), unsafe.Offsetof(o.out), unsafe.Offsetof(o.step), unsafe.Offsetof(o.factor), unsafe.Offsetof(o.bias), unsafe.Offsetof(o.low),
		unsafe.Offsetof(o.zero),
	} {
		assert.EqualValues(t, 64+12*8+8*i, unsafe.Offsetof(v.outcome)-unsafe.Offsetof(v.extents)+offset)
	}
	assert.EqualValues(t, 4, unsafe.Offsetof(o.high)-unsafe.Offsetof(o.low))
	assert.EqualValues(t, 4, unsafe.Offsetof(o.mask)-unsafe.Offsetof(o.zero))
	assert.GreaterOrEqual(t, len(v.sums), kernelsAMX.span*kernelsAMX.rows*kernelsAMX.columns)
	assert.GreaterOrEqual(t, len(v.sums), kernelsVNNI.rows*kernelsVNNI.columns)
}
