//go:build !noasm && gc

package matrix

import (
	"unsafe"

	"example.com/midplane/backends/cpu/internal/isa"
)

func init() {
	if isa.Best >= isa.AVX2 {
		best, filter, envelope = &kernelsAVX2, filterOf(filterAVX2), envelopeOf(envelopeAVX2)
	}
	if isa.Best >= isa.AVX512 {
		best, filter, envelope = &kernelsAVX512, filterOf(filterAVX512), envelopeOf(envelopeAVX512)
		taps3Of = [3]taps3Func{1: taps3AVX512, 2: taps3By2AVX512}
		envelopes3Of = [3]taps3Func{1: envelope3AVX512, 2: envelope3By2AVX512}
	}
}

// filterOf makes a filter of one in assembly. Operands were checked.
func filterOf(f func(dst, image, weights *float32, offsets *int64, taps, rows, columns, step int, bias, low, high float32)) filterFunc {
	return func(dst, image, weights []float32, offsets []int64, rows, columns, step int, bias, low, high float32) {
		f(unsafe.SliceData(dst), unsafe.SliceData(image), unsafe.SliceData(weights), unsafe.SliceData(offsets), len(offsets), rows, columns, step, bias, low, high)
	}
}

// envelopeOf makes an envelope of one in assembly. Operands were checked.
func envelopeOf(f func(dst, image *float32, offsets *int64, taps, rows, columns, step int)) envelopeFunc {
	return func(dst, image []float32, offsets []int64, rows, columns, step int) {
		f(unsafe.SliceData(dst), unsafe.SliceData(image), unsafe.SliceData(offsets), len(offsets), rows, columns, step)
	}
}
