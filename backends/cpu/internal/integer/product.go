package integer

import (
	"fmt"
	"unsafe"
)

// Product is C = A·B + D. The rows of A come in lines, of as many rows each:
// row i of a line begins at byte line + i × Step of A. At each of Offsets from
// there lie the bytes that meet a tap of B, filled up to whole quads by bytes
// that do not matter.
//
// C is what Sums, Bytes or Floats is, whichever is set.
type Product struct {
	A       []byte
	Lines   []int
	Rows    int // of a line
	Step    int
	Offsets []int64
	B       *Columns

	D     []int32 // one row for all, or rows DStep elements apart
	DStep int

	Sums      []int32   // rows CStep elements apart; may be D
	Bytes     []uint8   // clip(round(sum × Scale) + Zero); without Scale, sum × Factor in float32
	Floats    []float32 // sum × Factor + Bias
	CStep     int
	Scale     []float64 // by column
	Zero      int32
	Low, High int32 // bounds of Bytes
	Factor    []float32
	Bias      []float32 // by column

	kernels *kernels
}

// Tiles returns how many rows and columns of tiles a result has of so many lines
// of so many rows, and columns.
func Tiles(lines, rows, columns int) (r, c int) {
	return lines * best.rowTiles(rows), best.columnTiles(columns)
}

// Grid says into rectangles of how many rows and columns of tiles a product is
// divided for a number of threads, where each element takes so many
// multiplications.
func Grid(lines, rows, columns, inner, threads int) (r, c int) {
	const most = 1 << 26 // multiplications of a rectangle
	height, width := Tiles(lines, rows, columns)
	tile := int64(best.rows) * int64(best.columns) * int64(inner+best.finish)
	pieces := int64(1)
	if threads > 1 {
		pieces = min(int64(4*threads), max(int64(height)*int64(width)*tile/best.enough, 1))
	}
	r, c = height, width
	for count := int64(1); r*c > 1 && (count < pieces || int64(r)*int64(c)*tile > most); {
		if r > 1 && (r >= c || c == 1 || threads > 1 && columns*inner <= small) {
			r = (r + 1) / 2
		} else {
			c = (c + 1) / 2
		}
		count = int64((height+r-1)/r) * int64((width+c-1)/c)
	}
	return r, c
}

// small is how many bytes of columns may be read for every part of the rows: rows
// that several products have in common then stay with one processor.
const small = 1 << 20

// near is how many bytes of packed columns are read again for every row of tiles,
// rather than the rows for every column of tiles, if the rows take more.
const near = 1 << 18

// Rectangle computes the tiles in rows [r0, r1) and columns [c0, c1) of tiles.
func (p *Product) Rectangle(r0, r1, c0, c1 int) {
	ks := p.kernels
	if ks == nil {
		ks = best
	}
	p.check(ks, r0, r1)
	t := tiles.Get().(*tile)
	defer release(t)
	t.taps, t.quads, t.lda, t.ldd = len(p.Offsets), p.B.quads, p.Step, p.DStep*4
	t.offsets = unsafe.Pointer(unsafe.SliceData(p.Offsets))
	t.ahead = p.B.tileBytes()
	if right := (c1 - c0) * p.B.tileBytes(); right <= near && right < (r1-r0)*ks.rows*p.B.taps*p.B.quads*quad {
		t.shares = 1
		for r := r0; r < r1; r += p.spanAt(ks, r, r1) {
			t.share = r - r0
			for c := c0; c < c1; c++ {
				p.tile(ks, t, r, p.spanAt(ks, r, r1), c)
			}
		}
		return
	}
	t.shares = r1 - r0
	for c := c0; c < c1; c++ {
		for r := r0; r < r1; r += p.spanAt(ks, r, r1) {
			t.share = r - r0
			p.tile(ks, t, r, p.spanAt(ks, r, r1), c)
		}
	}
}

// spanAt returns how many tiles from r on, and before r1, are computed at once.
func (p *Product) spanAt(ks *kernels, r, r1 int) int {
	perLine := ks.rowTiles(p.Rows)
	return min(ks.span, r1-r, perLine-r%perLine)
}

// tile computes n tiles of a line, below each other.
func (p *Product) tile(ks *kernels, t *tile, r, n, c int) {
	perLine := ks.rowTiles(p.Rows)
	line := r / perLine
	first, _ := ks.rowTile(p.Rows, r%perLine)
	last, height := ks.rowTile(p.Rows, (r+n-1)%perLine)
	height += last - first
	left := c * ks.columns
	row := line*p.Rows + first
	t.tiles = n
	t.columns = min(ks.columns, p.B.columns-left)
	t.a = unsafe.Pointer(unsafe.SliceData(p.A[p.Lines[line]+first*p.Step:]))
	t.b = unsafe.Pointer(unsafe.SliceData(p.B.data[c*p.B.tileBytes():]))
	t.d = unsafe.Pointer(&p.D[row*p.DStep+left])
	if p.Sums != nil {
		t.c, t.ldc = unsafe.Pointer(&p.Sums[row*p.CStep+left]), p.CStep*4
		ks.tiles[height](t)
		return
	}
	t.c, t.ldc = unsafe.Pointer(&t.sums), ks.columns*4
	if p.Scale == nil || p.Bytes == nil {
		if ks.finishes != nil && ks.finishes(t, height) {
			t.outcome = p.outcome(row, left, t.columns)
			ks.tiles[height](t)
			t.outcome.kind = toSums
			return
		}
	}
	ks.tiles[height](t)
	switch {
	case p.Bytes != nil && p.Scale == nil:
		Rescale(p.Bytes[row*p.CStep+left:], t.sums[:], p.Factor[left:], t.columns, height, p.CStep, ks.columns, p.Zero, p.Low, p.High)
	case p.Bytes != nil:
		Requantize(p.Bytes[row*p.CStep+left:], t.sums[:], p.Scale[left:], t.columns, height, p.CStep, ks.columns, p.Zero, p.Low, p.High)
	default:
		Scaled(p.Floats[row*p.CStep+left:], t.sums[:], p.Factor[left:], p.Bias[left:], t.columns, height, p.CStep, ks.columns)
	}
}

// outcome is that of tiles from a row and a column on, so many columns wide.
func (p *Product) outcome(row, column, columns int) outcome {
	o := outcome{factor: unsafe.Pointer(&p.Factor[column]), mask: uint32(1<<columns - 1)}
	if p.Bytes != nil {
		o.kind, o.out, o.step = toBytes, unsafe.Pointer(&p.Bytes[row*p.CStep+column]), p.CStep
		o.low, o.high, o.zero = float32(p.Low-p.Zero), float32(p.High-p.Zero), p.Zero
		return o
	}
	o.kind, o.out, o.step = toFloats, unsafe.Pointer(&p.Floats[row*p.CStep+column]), 4*p.CStep
	o.bias = unsafe.Pointer(&p.Bias[column])
	return o
}

// check panics where a slice is too short: assembly would read or write past it.
func (p *Product) check(ks *kernels, r0, r1 int) {
	n, rows := p.B.columns, len(p.Lines)*p.Rows
	span := func(step int) int { return (rows-1)*step + n }
	furthest := int64(0)
	for _, o := range p.Offsets {
		if o < 0 {
			panic("integer: a negative offset into rows")
		}
		furthest = max(furthest, o)
	}
	line := 0
	for _, at := range p.Lines {
		if at < 0 {
			panic("integer: a line before the first byte")
		}
		line = max(line, at)
	}
	switch {
	case rows == 0 || n == 0 || p.Step < 0 || p.CStep < n && rows > 1 || p.DStep < 0,
		p.B.kernels != ks || p.B.quads == 0 || len(p.Offsets) != p.B.taps || r1 > len(p.Lines)*ks.rowTiles(p.Rows),
		len(p.A) < line+(p.Rows-1)*p.Step+int(furthest)+p.B.quads*quad,
		len(p.D) < span(p.DStep),
		p.Sums != nil && len(p.Sums) < span(p.CStep),
		p.Sums == nil && p.Bytes != nil && (len(p.Bytes) < span(p.CStep) || max(len(p.Scale), len(p.Factor)) < n),
		p.Sums == nil && p.Bytes == nil && (len(p.Floats) < span(p.CStep) || len(p.Factor) < n || len(p.Bias) < n):
		panic(fmt.Sprintf("integer: operands do not fit a product of %d × %d by %d × %d × %d", rows, n, p.B.taps, p.B.quads, quad))
	}
}
