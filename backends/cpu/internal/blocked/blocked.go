// Package blocked computes convolutions and pools of images whose channels lie in
// blocks of 16: element (c, y, x) of an image of rows × columns pixels is element
// ((c/16 × rows + y) × columns + x) × 16 + c mod 16. The pixels of a block are as
// wide as a register of AVX-512, or as two of AVX2.
//
// The layout, known as NCHWc, is that of Georganas et al., "Anatomy of
// High-Performance Deep Learning Convolutions on SIMD Architectures" (2018). A tile
// of pixels by one or two blocks of filters is summed up in registers while its
// weights stream past.
package blocked

import (
	"sync"
	"unsafe"
)

// Width is the number of channels in a block.
const Width = 16

// Blocks returns the number of blocks that so many channels take.
func Blocks(channels int) int { return (channels + Width - 1) / Width }

// Fast reports whether this processor has kernels that make the layout pay.
func Fast() bool { return best != &genericKernels }

// kernels are what is written for one instruction set: micro-kernels, by blocks and
// rows, less one, and by columns of the tile, and functions whose distances are in
// bytes, nil where there is plain Go.
type kernels struct {
	pixels    int                 // of a tile at most
	together  int                 // blocks of filters that a tile has at most
	channels  [2][2][]func(*tile) // products with the channels of a block
	planes    [2][2][]func(*tile) // products with one channel, whose pixels lie next to each other
	depthwise [2][2][]func(*tile) // products lane by lane
	greatest  [2][2][]func(*tile) // the greatest of each lane

	winogradInput  func(dst, image *float32, row, position, count int)
	winogradOutput [2][2]func(dst, sums, bias *float32, row, position, count int, low, high float32) // by rows and columns less one
	transpose      func(dst, src *float32, dstStep, srcStep, dstNext, srcNext, count int)            // squares of 16 × 16
}

// best are the kernels in use.
var best = &genericKernels

// tile is one call of a micro-kernel, for a tile or for several of the same extents,
// from each of which the pointers move on to the next. Distances are in bytes. The
// assembly knows where the fields lie.
type tile struct {
	image                         unsafe.Pointer // of the first pixel, to which offsets are added
	offsets                       unsafe.Pointer // of taps
	taps                          int
	weights                       unsafe.Pointer // for each tap, and channel of a block, a row of each block of filters
	step                          int            // between pixels of the image that belong to neighbours in the result
	row                           int            // the same from one row of the tile to the next
	dst                           unsafe.Pointer
	dstStep                       int
	dstRow                        int
	dstBlock                      int            // between the blocks
	bias                          unsafe.Pointer // what sums begin with, for each lane
	other                         unsafe.Pointer // what is added at last, laid out as dst; nil: nothing
	ahead                         unsafe.Pointer // what is brought into a near cache for later: aheadBytes for each tap of a block of channels
	count                         int            // of tiles, at least 1, and how far apart they lie:
	imageNext, dstNext, aheadNext int
	low                           float32 // what the result is clipped to; NaN stays NaN
	high                          float32

	blocks, rows, columns int // for kernels in Go
}

// aheadBytes is how much of the memory at ahead a kernel asks for with each tap.
const aheadBytes = 512

// tiles are kept for reuse: what a micro-kernel is given lives on the heap.
var tiles = sync.Pool{New: func() any { return new(tile) }}

// release takes a tile back; an idle one keeps no operand alive.
func release(t *tile) {
	*t = tile{}
	tiles.Put(t)
}

// MostPixels returns how many pixels a tile has at most.
func MostPixels() int { return best.pixels }

// Tile is a group of pixels of a result that are computed at once: one row or two
// of so many columns.
type Tile struct {
	From, To      int // elements of the image and of the result, in the first block
	Rows, Columns int
}

// Tiles divides rows × columns pixels of a result into tiles. In the image, pixels
// that belong to neighbours lie step elements apart, and rowStep from row to row;
// in the result, toStep and toRow.
func Tiles(rows, columns, step, rowStep, toStep, toRow int) []Tile {
	high, most := 1, MostPixels()
	if 2*columns <= most {
		high = 2
	}
	across := (columns + most - 1) / most
	list := make([]Tile, 0, (max(rows, 0)+high-1)/high*across)
	for y := 0; y < rows; y += high {
		for k, x := 0, 0; k < across; k++ {
			wide := (columns - x + across - k - 1) / (across - k)
			list = append(list, Tile{y*rowStep + x*step, y*toRow + x*toStep, min(high, rows-y), wide})
			x += wide
		}
	}
	return list
}
