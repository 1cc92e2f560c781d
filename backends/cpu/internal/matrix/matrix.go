// Package matrix multiplies matrices of float32, and with the same inner loops
// convolves.
//
// A [Product] is C = A·B + D. It is computed in tiles: as many rows and columns
// of C as the processor's registers hold, by a micro-kernel that runs through
// the whole inner extent (Goto and van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication", 2008). A may be packed in the order in which the
// micro-kernel reads it ([PackRows]), B likewise ([PackColumns]); either may also
// be read where it lies. The rows of B may even lie anywhere ([Product.Offsets]):
// if they are shifted views of an image, the product is its convolution, without
// a copy of every patch.
//
// Sums are in float32, in an order that depends on the extents alone. Work can
// be divided among threads by rectangles of tiles ([Product.Rectangle]).
package matrix

import (
	"sync"
	"unsafe"
)

// kernels are the micro-kernels of one set of instructions, and the largest tile
// that they compute.
type kernels struct {
	rows, columns int

	// By number of rows, from 1; entry 0 is not used.
	strided  []func(*tile) // A and B where they lie
	packed   []func(*tile) // A packed
	indirect []func(*tile) // A packed, rows of B at offsets, columns kept by a mask
}

// best are the kernels in use.
var best = &genericKernels

// tile is one call of a micro-kernel: C = clip(D + A·B). Distances are in bytes.
// The assembly knows where the fields lie.
type tile struct {
	a       unsafe.Pointer // packed: inner × rows; strided: rows that lie lda apart
	b       unsafe.Pointer // rows that lie ldb apart, or at offsets
	c       unsafe.Pointer // rows that lie ldc apart
	d       unsafe.Pointer // as start says
	offsets unsafe.Pointer // of rows of B from b: inner × int64
	inner   int
	lda     int
	ldb     int
	ldc     int
	ldd     int
	start   int
	columns int
	ahead   int     // from b: what is asked for meanwhile, in
	step    int     // steps of so many bytes
	keep    uint64  // of indirect kernels: which columns are stored, one behind the other
	low     float32 // what C is clipped to; NaN stays NaN
	high    float32
}

// tiles are kept for reuse: what a micro-kernel is given lives on the heap.
var tiles = sync.Pool{New: func() any { return new(tile) }}

// release takes a tile back; an idle one keeps no operand alive.
func release(t *tile) {
	*t = tile{}
	tiles.Put(t)
}

// What sums start from.
const (
	fromZero   = iota
	fromMatrix // D has rows that lie ldd apart, which may be 0
	fromColumn // D is one number for each row
)
