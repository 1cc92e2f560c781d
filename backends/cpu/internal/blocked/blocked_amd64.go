//go:build !noasm && gc

package blocked

import (
	"unsafe"

	"example.com/midplane/backends/cpu/internal/isa"
)

func init() {
	if isa.Best >= isa.AVX512 {
		best = &kernelsAVX512
		winogradInput = func(dst, image []float32, row, position, count int) {
			winogradInputAVX512(unsafe.SliceData(dst), unsafe.SliceData(image), row*4, position*4, count)
		}
		winogradOutput = func(rows, columns int, dst, sums, bias []float32, row, position, count int, low, high float32) {
			f := winogradOutputsAVX512[rows-1][columns-1]
			f(unsafe.SliceData(dst), unsafe.SliceData(sums), unsafe.SliceData(bias), row*4, position*4, count, low, high)
		}
		squares = func(dst, src []float32, dstStep, srcStep, dstNext, srcNext, count int) {
			transposeAVX512(unsafe.SliceData(dst), unsafe.SliceData(src), dstStep*4, srcStep*4, dstNext*4, srcNext*4, count)
		}
	}
}
