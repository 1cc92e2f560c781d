//go:build !noasm && gc

package integer

import "unsafe"

func planesVNNI(p planesCall) {
	f := planesUnsigned
	if p.low < 0 {
		f = planesSigned
	}
	mask := ^uint64(0) >> (planeBlock - p.channels)
	f(unsafe.SliceData(p.dst), unsafe.SliceData(p.image), unsafe.SliceData(p.weights), unsafe.SliceData(p.offsets), len(p.offsets)/quad, unsafe.SliceData(p.start),
		unsafe.SliceData(p.factor), p.columns, p.step, p.dstStep, mask, p.zero, float32(p.low-p.zero), float32(p.high-p.zero))
}
