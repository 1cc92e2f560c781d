package blocked

import "unsafe"

// genericKernels are the reference that every other kernel is tested against.
var genericKernels = kernels{
	pixels: genericPixels, together: 2,
	channels: generic(func(t *tile) { t.products(Width) }), planes: generic(func(t *tile) { t.products(1) }),
	depthwise: generic((*tile).lanes), greatest: generic((*tile).extremes),
}

const genericPixels = 14

// generic makes the table of kernels of one that computes tiles of any extents.
func generic(f func(*tile)) (table [2][2][]func(*tile)) {
	for blocks := range 2 {
		for rows := range 2 {
			for columns := 0; columns <= genericPixels/(rows+1); columns++ {
				table[blocks][rows] = append(table[blocks][rows], func(t *tile) {
					t.blocks, t.rows, t.columns = blocks+1, rows+1, columns
					for f(t); t.count > 1; f(t) {
						t.count--
						t.next()
					}
				})
			}
		}
	}
	return table
}

func float(p unsafe.Pointer, bytes int) *float32 { return (*float32)(unsafe.Add(p, bytes)) }

// each computes every lane of the tile from its bias and from the element of the
// image that belongs to it.
func (t *tile) each(sum func(bias float32, block, lane int, image unsafe.Pointer) float32) {
	for row := range t.rows {
		for column := range t.columns {
			image := unsafe.Add(t.image, row*t.row+column*t.step)
			for i := range t.blocks * Width {
				block, lane := i/Width, i%Width
				v := sum(*float(t.bias, i*4), block, lane, image)
				at := row*t.dstRow + column*t.dstStep + block*t.dstBlock + lane*4
				if t.other != nil {
					v += *float(t.other, at)
				}
				*float(t.dst, at) = min(max(v, t.low), t.high)
			}
		}
	}
}

// next moves on to the tile behind.
func (t *tile) next() {
	t.image, t.dst = unsafe.Add(t.image, t.imageNext), unsafe.Add(t.dst, t.dstNext)
	if t.other != nil {
		t.other = unsafe.Add(t.other, t.dstNext)
	}
}

// offset returns the offset of a tap.
func (t *tile) offset(tap int) int { return int(*(*int64)(unsafe.Add(t.offsets, tap*8))) }

// products adds the products with so many channels for each tap.
func (t *tile) products(channels int) {
	t.each(func(v float32, block, lane int, image unsafe.Pointer) float32 {
		for tap := range t.taps {
			for k := range channels {
				v += *float(image, t.offset(tap)+k*4) * *float(t.weights, (((tap*channels+k)*t.blocks+block)*Width+lane)*4)
			}
		}
		return v
	})
}

func (t *tile) lanes() {
	t.each(func(v float32, _, lane int, image unsafe.Pointer) float32 {
		for tap := range t.taps {
			v += *float(image, t.offset(tap)+lane*4) * *float(t.weights, (tap*Width+lane)*4)
		}
		return v
	})
}

func (t *tile) extremes() {
	t.each(func(v float32, _, lane int, image unsafe.Pointer) float32 {
		for tap := range t.taps {
			v = max(v, *float(image, t.offset(tap)+lane*4))
		}
		return v
	})
}
