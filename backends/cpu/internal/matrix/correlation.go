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
	Offsets []int64 // in bytes, one for each column of A
	Strips  []Strip
	C       []float32 // rows CStep elements apart
	CStep   int
	Column  []float32 // D: one number for each row of C; nil: 0
	Low     float32
	High    float32

	kernels *kernels
}

// Strip is a tile's columns: those of B that begin at element From of the image,
// and go to C from column To on.
type Strip struct {
	From, To int
	Columns  int    // at most TileWidth
	Keep     uint64 // bit j: column j is kept
}

// Strips divides an output of rows × columns pixels into strips. Pixel (y, x) is
// computed at element y × step + x of the image, where step >= columns.
func Strips(rows, columns, step int) []Strip { return best.strips(rows, columns, step) }

func (ks *kernels) strips(rows, columns, step int) []Strip {
	var list []Strip
	end := (rows-1)*step + columns
	to := 0
	for from := 0; rows > 0 && columns > 0 && from < end; {
		if from%step >= columns {
			from += step - from%step // nothing to keep before the next row
			continue
		}
		s := Strip{From: from, To: to, Columns: min(ks.columns, end-from)}
		for j := range s.Columns {
			if (from+j)%step < columns {
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
	t := tile{inner: p.A.inner, ldc: p.CStep * 4, low: p.Low, high: p.High}
	if t.inner > 0 {
		t.offsets = at64(p.Offsets)
	}
	if p.A.rows > (s1-s0)*ks.columns { // the weights are what is larger: read them once
		for r := r0; r < r1; r++ {
			for s := s0; s < s1; s++ {
				p.tile(ks, &t, r, &p.Strips[s])
			}
		}
		return
	}
	for s := s0; s < s1; s++ {
		for r := r0; r < r1; r++ {
			p.tile(ks, &t, r, &p.Strips[s])
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
	if p.A.kernels != ks || len(p.Offsets) != p.A.inner || p.Column != nil && len(p.Column) < p.A.rows {
		panic("matrix: operands do not fit each other")
	}
}
