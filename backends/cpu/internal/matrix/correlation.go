package matrix

import (
	"fmt"
	"math/bits"
)

// Correlation is a product whose right operand has rows that are views of an
// image: element (k, j) of B is the image's element Offsets[k] + j. Columns that
// are of no use (those that fall on the gap between two rows of the image) are
// computed and dropped.
type Correlation struct {
	A       *Rows
	Image   []float32
	Offsets []int64 // in bytes, one for each column of A, in a list that NewOffsets made
	Strips  []Strip
	C       []float32 // rows CStep elements apart
	CStep   int
	Column  []float32 // D: one number for each row of C; nil: 0
	Low     float32
	High    float32

	kernels *kernels
}

// offsetsAhead is how many offsets behind those that are used kernels may read,
// to ask for what lies there before it is needed.
const offsetsAhead = 16

// NewOffsets returns an empty list of offsets with room for n, and behind them for
// what kernels read ahead.
func NewOffsets(n int) []int64 { return make([]int64, 0, n+offsetsAhead) }

// Strip is a tile's columns: those of B that begin at element From of the image,
// and go to C from column To on.
type Strip struct {
	From, To int
	Columns  int    // at most TileWidth
	Keep     uint64 // bit j: column j is kept
}

// End returns the column of C behind the strip's last.
func (s *Strip) End() int { return s.To + bits.OnesCount64(s.Keep) }

// Strips divides a box of pixels, row by row, into strips. Pixel (z, y, x) is
// computed at element (z × height + y) × width + x of the image, where height and
// width are at least as large as the box.
func Strips(box [3]int, height, width int) []Strip { return best.strips(box, height, width) }

func (ks *kernels) strips(box [3]int, height, width int) []Strip {
	var list []Strip
	if box[0]*box[1]*box[2] == 0 {
		return nil
	}
	kept := func(at int) bool { return at%width < box[2] && at/width%height < box[1] }
	end := ((box[0]-1)*height+box[1]-1)*width + box[2]
	to := 0
	for from := 0; from < end; {
		if !kept(from) {
			from++
			continue
		}
		s := Strip{From: from, To: to}
		for j := range min(ks.columns, end-from) {
			if kept(from + j) {
				s.Keep |= 1 << j
			}
		}
		s.Columns = bits.Len64(s.Keep)
		list = append(list, s)
		to += bits.OnesCount64(s.Keep)
		from += ks.columns
	}
	return list
}

// Rectangle computes rows [r0, r1) of tiles for strips [s0, s1).
func (p *Correlation) Rectangle(r0, r1, s0, s1 int) {
	ks := p.kernels
	if ks == nil {
		ks = best
	}
	if p.A.rows == 0 {
		return
	}
	p.check(ks, s0, s1)
	t := tiles.Get().(*tile)
	defer release(t)
	t.inner, t.ldc, t.low, t.high = p.A.inner, p.CStep*4, p.Low, p.High
	if t.inner > 0 {
		t.offsets = at64(p.Offsets)
	}
	if p.A.rows > (s1-s0)*ks.columns { // the weights are what is larger: read them once
		for r := r0; r < r1; r++ {
			for s := s0; s < s1; s++ {
				p.tile(ks, t, r, &p.Strips[s])
			}
		}
		return
	}
	for s := s0; s < s1; s++ {
		for r := r0; r < r1; r++ {
			p.tile(ks, t, r, &p.Strips[s])
		}
	}
}

func (p *Correlation) tile(ks *kernels, t *tile, r int, s *Strip) {
	first, height := ks.rowTile(p.A.rows, r)
	t.columns, t.keep = s.Columns, s.Keep
	t.a = at(p.A.data, first*p.A.inner)
	t.b = at(p.Image, s.From)
	t.c = at(p.C, first*p.CStep+s.To)
	t.start = fromZero
	if p.Column != nil {
		t.start, t.d = fromColumn, at(p.Column, first)
	}
	ks.indirect[height](t)
}

// check panics where a slice is too short: assembly would read or write past it.
func (p *Correlation) check(ks *kernels, s0, s1 int) {
	furthest := 0
	for _, o := range p.Offsets {
		if o < 0 {
			panic("matrix: a negative offset into an image")
		}
		furthest = max(furthest, int(o/4))
	}
	for _, s := range p.Strips[s0:s1] {
		kept := bits.OnesCount64(s.Keep)
		if len(p.Offsets) > 0 && s.From+furthest+s.Columns > len(p.Image) || s.Columns > ks.columns || bits.Len64(s.Keep) > s.Columns ||
			s.To+kept+(p.A.rows-1)*p.CStep > len(p.C) {
			panic(fmt.Sprintf("matrix: strip %+v leaves an image of %d elements or a result of %d", s, len(p.Image), len(p.C)))
		}
	}
	if cap(p.Offsets) < len(p.Offsets)+offsetsAhead {
		panic("matrix: offsets without room behind them")
	}
	if p.A.kernels != ks || len(p.Offsets) != p.A.inner || p.Column != nil && len(p.Column) < p.A.rows {
		panic("matrix: operands do not fit each other")
	}
}
