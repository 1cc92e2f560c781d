//go:build !noasm && gc

package integer

import (
	"sync"
	"unsafe"
)

// lanewise is room for the least and the greatest number of each lane.
var lanewise = sync.Pool{New: func() any { return new([2 * 16]float32) }}

// use puts the functions in place of the plain ones, which do what is left behind
// the last whole register.
func (fs *functions) use() {
	half := fs.lanes / 2
	requantize = func(dst []uint8, src []int32, scale []float64, n, rows, dstStep, srcStep int, zero, low, high int32) {
		m := n &^ (half - 1)
		if m > 0 {
			fs.requantize(unsafe.SliceData(dst), unsafe.SliceData(src), unsafe.SliceData(scale), m, rows, dstStep, srcStep*4, zero, float64(low-zero), float64(high-zero))
		}
		if m < n {
			requantizeGeneric(dst[m:], src[m:], scale[m:], n-m, rows, dstStep, srcStep, zero, low, high)
		}
	}
	rescale = func(dst []uint8, src []int32, factor []float32, n, rows, dstStep, srcStep int, zero, low, high int32) {
		m := n &^ (fs.lanes - 1)
		if m > 0 {
			fs.rescale(unsafe.SliceData(dst), unsafe.SliceData(src), unsafe.SliceData(factor), m, rows, dstStep, srcStep*4, zero, float32(low-zero), float32(high-zero))
		}
		if m < n {
			rescaleGeneric(dst[m:], src[m:], factor[m:], n-m, rows, dstStep, srcStep, zero, low, high)
		}
	}
	scaled = func(dst []float32, src []int32, factor, bias []float32, n, rows, dstStep, srcStep int) {
		m := n &^ (fs.lanes - 1)
		if m > 0 {
			fs.scaled(unsafe.SliceData(dst), unsafe.SliceData(src), unsafe.SliceData(factor), unsafe.SliceData(bias), m, rows, dstStep*4, srcStep*4)
		}
		if m < n {
			scaledGeneric(dst[m:], src[m:], factor[m:], bias[m:], n-m, rows, dstStep, srcStep)
		}
	}
	add = func(dst, a, b []uint8, s *Sum) {
		m := len(dst) &^ (fs.lanes - 1)
		f := fs.addUnsigned
		if s.Signed {
			f = fs.addSigned
		}
		f(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), m, s.P, s.Q, s.R, s.Zero, float32(s.Low-s.Zero), float32(s.High-s.Zero))
		addGeneric(dst[m:], a[m:], b[m:], s)
	}
	extent = func(a []float32) (least, most float32) {
		m := len(a) &^ (fs.lanes - 1)
		room := lanewise.Get().(*[2 * 16]float32)
		defer lanewise.Put(room)
		if fs.extent(unsafe.SliceData(room[:]), unsafe.SliceData(a), m) != 0 {
			return extentGeneric(a)
		}
		least, most = extentGeneric(a[m:])
		first, last := extentGeneric(room[:2*fs.lanes])
		return min(least, first), max(most, last)
	}
	total = func(a []uint8) int32 {
		m := len(a) &^ (4*fs.lanes - 1)
		return fs.total(unsafe.SliceData(a), m) + totalGeneric(a[m:])
	}
	greatest = func(dst, src []uint8, signed bool) {
		m := len(dst) &^ (4*fs.lanes - 1)
		f := fs.greatestUnsigned
		if signed {
			f = fs.greatestSigned
		}
		f(unsafe.SliceData(dst), unsafe.SliceData(src), m)
		greatestGeneric(dst[m:], src[m:], signed)
	}
	accumulate = func(dst []int32, src []uint8, signed bool) {
		m := len(dst) &^ (fs.lanes - 1)
		f := fs.sumUnsigned
		if signed {
			f = fs.sumSigned
		}
		f(unsafe.SliceData(dst), unsafe.SliceData(src), m)
		accumulateGeneric(dst[m:], src[m:], signed)
	}
	filter = func(dst []int32, image []uint8, weights, start []int32, offsets []int64, n, columns, step int) {
		if n%fs.lanes != 0 {
			filterGeneric(dst, image, weights, start, offsets, n, columns, step)
			return
		}
		fs.depthwise(unsafe.SliceData(dst), unsafe.SliceData(image), unsafe.SliceData(weights), unsafe.SliceData(start), unsafe.SliceData(offsets), len(offsets), n, columns, step)
	}
}
