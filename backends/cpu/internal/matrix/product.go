package matrix

import (
	"fmt"
	"math"
	"unsafe"
)

// Product is C = A·B + D, clipped to [Low, High]. A has M rows and K columns, B
// has K rows and N columns. All slices must hold what the extents say; packed
// operands must have been packed with the same extents.
type Product struct {
	M, N, K int

	A       []float32 // row-major, rows AStep elements apart; or
	AStep   int
	PackedA *Rows

	B       []float32 // row-major, rows BStep elements apart; or
	BStep   int
	PackedB *Columns

	C     []float32 // row-major, rows CStep elements apart
	CStep int

	Row       []float32 // D: the same row N for every row of C, or
	Column    []float32 // the same column M for every column, or
	D         []float32 // a matrix, rows DStep elements apart; or, without any, 0
	DStep     int
	Low, High float32 // -Inf and +Inf do not clip

	kernels *kernels
	blocked int // of the inner extent, in one go; 0: the default
}

// Unclipped are the bounds that change nothing.
var (
	NoLow  = float32(math.Inf(-1))
	NoHigh = float32(math.Inf(1))
)

// innerBlock is how much of the inner extent is computed at a time, so that a
// tile's columns of B stay in a near cache while all rows of A pass.
const innerBlock = 512

// Tiles returns how many rows and columns of tiles an M × N result has.
func Tiles(m, n int) (rows, columns int) { return best.rowTiles(m), best.columnTiles(n) }

// RowTile returns the first row of a tile of m rows, and how many it has.
func RowTile(m, tile int) (first, height int) { return best.rowTile(m, tile) }

// TileHeight is the most rows that a tile has.
func TileHeight() int { return best.rows }

// TileWidth is the number of columns of a tile.
func TileWidth() int { return best.columns }

// Grid says into rectangles of how many rows and columns of tiles a product of
// the given extents is divided for a number of threads.
func Grid(m, n, k, threads int) (rows, columns int) {
	r, c := Tiles(m, n)
	return grid(r, c, best.rows*best.columns*k, threads)
}

// enough is how many multiplications are worth a rectangle of their own, and most
// how many one may have: a run can be stopped between rectangles.
const (
	enough = 1 << 20
	most   = 16 * enough
)

func grid(r, c, tile, threads int) (rows, columns int) {
	rows, columns = r, c
	pieces := int64(1)
	if threads > 1 {
		pieces = min(int64(4*threads), max(int64(r)*int64(c)*int64(tile)/enough, 1))
	}
	for count := int64(1); rows*columns > 1 && (count < pieces || int64(rows)*int64(columns)*int64(tile) > most); {
		if columns*2 >= rows && columns > 1 {
			columns = (columns + 1) / 2
		} else {
			rows = (rows + 1) / 2
		}
		count = int64((r+rows-1)/rows) * int64((c+columns-1)/columns)
	}
	return rows, columns
}

// Rectangle computes the tiles in rows [r0, r1) and columns [c0, c1) of tiles.
func (p *Product) Rectangle(r0, r1, c0, c1 int) {
	ks := p.kernels
	if ks == nil {
		ks = best
	}
	p.check(ks)
	if p.M == 0 || p.N == 0 {
		return
	}
	t := tiles.Get().(*tile)
	defer release(t)
	t.lda, t.ldb, t.ldc = p.AStep*4, p.BStep*4, p.CStep*4
	if p.PackedB != nil {
		t.ldb = ks.columns * 4
	}
	block := p.blocked
	if block == 0 {
		block = innerBlock
	}
	leftIsLarger := p.M*(r1-r0)*ks.rows > p.N*(c1-c0)*ks.columns
	passes := r1 - r0 // of row tiles over a tile's columns of B
	if leftIsLarger {
		passes = 1
	}
	for k := 0; ; k += block {
		t.inner = min(block, p.K-k)
		t.low, t.high = p.Low, p.High
		if k+block < p.K {
			t.low, t.high = NoLow, NoHigh
		}
		if leftIsLarger {
			for r := r0; r < r1; r++ {
				for c := c0; c < c1; c++ {
					t.lookAhead(p, passes, 0)
					p.tile(ks, t, r, c, k)
				}
			}
		} else {
			for c := c0; c < c1; c++ {
				for r := r0; r < r1; r++ {
					t.lookAhead(p, passes, r-r0)
					p.tile(ks, t, r, c, k)
				}
			}
		}
		if k+block >= p.K {
			return
		}
	}
}

// How far ahead packed columns are asked for that are read once, in bytes: by tiles
// of a few rows, and by others.
const (
	nearAhead = 2048
	farAhead  = 4096
)

// lookAhead tells a kernel what to ask for before it is needed. If many row tiles
// pass over a tile's columns of B, each asks for its share of the next columns; a
// kernel asks for step bytes with each element of the inner extent.
func (t *tile) lookAhead(p *Product, passes, pass int) {
	switch {
	case p.PackedB == nil:
		t.ahead, t.step = 0, 0
	case passes == 1 && 2*p.M < best.rows:
		t.ahead, t.step = nearAhead, t.ldb
	case passes == 1:
		t.ahead, t.step = farAhead, t.ldb
	default:
		t.step = (t.ldb + passes - 1) / passes
		t.ahead = p.K*t.ldb + pass*t.inner*t.step
	}
}

// tile computes one tile's share of the inner extent from k on.
func (p *Product) tile(ks *kernels, t *tile, r, c, k int) {
	first, height := ks.rowTile(p.M, r)
	left := c * ks.columns
	t.columns = min(ks.columns, p.N-left)
	kernel := ks.strided[height]
	if p.PackedA != nil {
		kernel = ks.packed[height]
		t.a = at(p.PackedA.data, first*p.K+k*height)
	} else {
		t.a = at(p.A, first*p.AStep+k)
	}
	if p.PackedB != nil {
		t.b = at(p.PackedB.data, left*p.K+k*ks.columns)
	} else {
		t.b = at(p.B, k*p.BStep+left)
	}
	t.c = at(p.C, first*p.CStep+left)
	switch {
	case k > 0:
		t.start, t.d, t.ldd = fromMatrix, t.c, t.ldc
	case p.Row != nil:
		t.start, t.d, t.ldd = fromMatrix, at(p.Row, left), 0
	case p.D != nil:
		t.start, t.d, t.ldd = fromMatrix, at(p.D, first*p.DStep+left), p.DStep*4
	case p.Column != nil:
		t.start, t.d = fromColumn, at(p.Column, first)
	default:
		t.start, t.d = fromZero, nil
	}
	kernel(t)
}

// at returns the address of an element, nil behind the end, where nothing is
// read: an address there could be that of other memory, or of none.
func at(v []float32, i int) unsafe.Pointer {
	if i >= len(v) {
		return nil
	}
	return unsafe.Pointer(&v[i])
}

// check panics where a slice is too short: assembly would read or write past it.
func (p *Product) check(ks *kernels) {
	span := func(rows, step, columns int) int {
		if rows == 0 || columns == 0 {
			return 0
		}
		return (rows-1)*step + columns
	}
	switch {
	case p.M < 0 || p.N < 0 || p.K < 0,
		p.PackedA == nil && len(p.A) < span(p.M, p.AStep, p.K),
		p.PackedA != nil && (p.PackedA.rows != p.M || p.PackedA.inner != p.K || p.PackedA.kernels != ks),
		p.PackedB == nil && len(p.B) < span(p.K, p.BStep, p.N),
		p.PackedB != nil && (p.PackedB.columns != p.N || p.PackedB.inner != p.K || p.PackedB.kernels != ks),
		len(p.C) < span(p.M, p.CStep, p.N),
		p.Row != nil && len(p.Row) < p.N,
		p.Column != nil && len(p.Column) < p.M,
		p.D != nil && len(p.D) < span(p.M, p.DStep, p.N):
		panic(fmt.Sprintf("matrix: operands too short for a product of %d × %d × %d", p.M, p.K, p.N))
	}
}

func at64(v []int64) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(v)) }
