// Package integer multiplies matrices of bytes with sums of 32 bits, and with the
// same inner loop convolves; and it brings sums, bytes and numbers of float32 to
// each other's form.
//
// A [Product] is C = A·B + D, where A is unsigned and B signed, as the
// instructions want that multiply them (VPDPBUSD of AVX-512 VNNI, TDPBUSD of AMX,
// which takes 16 × 16 rows and columns at a time). Of other operands 128 is
// subtracted or added first, which the caller makes up for in D. Sums are exact
// modulo 2³²: no intermediate saturates.
//
// Images have their channels last, so that the taps of a filter that see one
// pixel read bytes that follow each other. Rows of A may then be pixels: a
// product takes its left operand from several places, one for each tap, whose
// products are added up ([Product.Offsets]).
package integer

import (
	"sync"
	"unsafe"
)

// kernels are the micro-kernels of one set of instructions, and the largest tile
// that they compute.
type kernels struct {
	rows, columns int
	tiles         []func(*tile) // by number of rows, from 1; entry 0 is not used
	span          int           // tiles below each other that a call may compute; tiles has entries for their rows
	enough        int64         // multiplications that are worth a rectangle of their own
	finish        int           // how many take as long as what is done with a sum

	// finishes reports whether a kernel for a number of rows takes an outcome other
	// than sums; nil if none does.
	finishes func(t *tile, rows int) bool
}

// best are the kernels in use.
var best = &genericKernels

// quad is how many bytes of the inner extent are multiplied at once.
const quad = 4

// tile is one call of a micro-kernel: C = D + A·B. Distances are in bytes. The
// assembly knows where the fields lie.
type tile struct {
	a       unsafe.Pointer // uint8, rows that lie lda apart, at each of offsets
	b       unsafe.Pointer // int8: taps × quads × columns × 4
	c       unsafe.Pointer // int32, rows that lie ldc apart
	d       unsafe.Pointer // int32, rows that lie ldd apart, which may be 0
	offsets unsafe.Pointer // taps × int64
	taps    int
	quads   int // of a tap, at least 1
	lda     int
	ldc     int
	ldd     int
	columns int
	ahead   int // how far behind b lies what is multiplied later

	extents extents // of tile registers
	outcome outcome

	tiles, share, shares int // this is so many tiles from tile share on of shares that fetch what lies ahead

	start [32]int32       // room for a row of D
	sums  [128 * 32]int32 // room for those of the largest tile
}

// outcome is what a kernel makes of sums, which it writes to C too, or only there.
// The assembly knows where the fields lie.
type outcome struct {
	kind         outcomeKind
	out          unsafe.Pointer // rows that lie step apart
	step         int
	factor, bias unsafe.Pointer // float32, by column; no bias for bytes
	low, high    float32        // bounds of bytes, less zero
	zero         int32
	mask         uint32 // of columns
}

type outcomeKind int

const (
	toSums   outcomeKind = iota
	toFloats             // sum × factor + bias
	toBytes              // clip(round(sum × factor) + zero)
)

// tiles are kept for reuse: what a micro-kernel is given lives on the heap.
var tiles = sync.Pool{New: func() any { return new(tile) }}

// release takes a tile back; an idle one keeps no operand alive.
func release(t *tile) {
	t.a, t.b, t.c, t.d, t.offsets = nil, nil, nil, nil, nil
	t.outcome = outcome{}
	tiles.Put(t)
}

// rowTiles returns the number of tiles that a number of rows is divided into.
func (ks *kernels) rowTiles(rows int) int { return (rows + ks.rows - 1) / ks.rows }

// rowTile returns the rows of tile t: all tiles are about equally high.
func (ks *kernels) rowTile(rows, t int) (first, height int) {
	tiles := ks.rowTiles(rows)
	each, more := rows/tiles, rows%tiles
	if t < more {
		return t * (each + 1), each + 1
	}
	return t*each + more, each
}

// columnTiles returns the number of tiles that a number of columns is divided
// into; all but the last have the full width.
func (ks *kernels) columnTiles(columns int) int { return (columns + ks.columns - 1) / ks.columns }
