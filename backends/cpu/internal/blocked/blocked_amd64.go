//go:build !noasm && gc

package blocked

import (
	"unsafe"

	"example.com/midplane/backends/cpu/internal/isa"
)

func init() {
	if isa.Best >= isa.AVX512 {
		best = &kernelsAVX512
		squares = func(dst, src []float32, dstStep, srcStep, dstNext, srcNext, count int) {
			transposeAVX512(unsafe.SliceData(dst), unsafe.SliceData(src), dstStep*4, srcStep*4, dstNext*4, srcNext*4, count)
		}
	}
}
