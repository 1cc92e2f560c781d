package matrix

import "unsafe"

// Taps3 is a filter of 3 × 3 taps that lie next to each other, for windows that
// move by one pixel or by two over planes of one size, as in a depthwise
// convolution. Pixels around a plane are 0.
type Taps3 struct {
	rows, columns, imageRows, imageColumns, top, left int
	masks                                             []uint16
	filter, envelope                                  taps3Func
}

type taps3Func func(dst, image, weights *float32, masks *uint16, rows, columns, imageRows, imageColumns, top, left int, bias, low, high float32)

// taps3Of and envelopes3Of are the implementations by stride, nil where there is
// none.
var taps3Of, envelopes3Of [3]taps3Func

// NewTaps3 returns the filter that makes rows × columns pixels of planes of
// imageRows × imageColumns, with windows that begin top and left pixels before
// them; nil where this processor has none that is better than [Filter].
func NewTaps3(rows, columns, imageRows, imageColumns, stride, top, left int) *Taps3 {
	if stride >= len(taps3Of) || taps3Of[stride] == nil || min(rows, columns, imageRows, imageColumns) < 1 {
		return nil
	}
	t := &Taps3{rows: rows, columns: columns, imageRows: imageRows, imageColumns: imageColumns, top: top, left: left, filter: taps3Of[stride], envelope: envelopes3Of[stride]}
	for first := 0; first < columns; first += taps3Lanes {
		var block [8]uint16
		for k := range 3 {
			at := first*stride + k - left
			if stride == 1 {
				block[k] = inRow(at, imageColumns) & lanesBelow(columns-first)
			} else {
				block[2*k], block[2*k+1] = inRow(at, imageColumns), inRow(at+taps3Lanes-1, imageColumns)
			}
		}
		block[7] = lanesBelow(columns - first)
		t.masks = append(t.masks, block[:]...)
	}
	return t
}

const taps3Lanes = 16

// lanesBelow is a mask of the first n lanes.
func lanesBelow(n int) uint16 { return uint16(1<<min(max(n, 0), taps3Lanes) - 1) }

// inRow is a mask of the lanes that lie in a row of n pixels, the first at pixel
// at.
func inRow(at, n int) uint16 { return lanesBelow(n-at) &^ lanesBelow(-at) }

// Filter computes a plane: dst is clip(bias + Σ weights[ky*3+kx] × image pixel).
func (t *Taps3) Filter(dst, image, weights []float32, bias, low, high float32) {
	_, _, _ = dst[t.rows*t.columns-1], image[t.imageRows*t.imageColumns-1], weights[8]
	t.filter(unsafe.SliceData(dst), unsafe.SliceData(image), unsafe.SliceData(weights), unsafe.SliceData(t.masks),
		t.rows, t.columns, t.imageRows, t.imageColumns, t.top, t.left, bias, low, high)
}

// Envelope computes a plane of which each pixel is the greatest under its taps, NaN
// if one is; those around the image do not count.
func (t *Taps3) Envelope(dst, image []float32) {
	_, _ = dst[t.rows*t.columns-1], image[t.imageRows*t.imageColumns-1]
	t.envelope(unsafe.SliceData(dst), unsafe.SliceData(image), nil, unsafe.SliceData(t.masks),
		t.rows, t.columns, t.imageRows, t.imageColumns, t.top, t.left, 0, NoLow, NoHigh)
}
