package blocked

import (
	"fmt"
	"math"
	"unsafe"
)

// Bounds that clip nothing.
var (
	noLow  = float32(math.Inf(-1))
	noHigh = float32(math.Inf(1))
)

// View is how the taps of windows lie in an image, and the pixels of a result.
// Distances are in elements.
type View struct {
	Offsets       []int64 // of taps, in bytes
	Step, Row     int     // in the image, between what belongs to neighbours in the result, and to neighbouring rows
	ToStep, ToRow int     // in the result
	Tiles         []Tile

	furthest int // element of the image that a tap adds at most
}

// NewView returns the view of rows × columns pixels. Offsets in bytes may not be
// negative.
func NewView(offsets []int64, rows, columns, step, row, toStep, toRow int) *View {
	v := &View{Offsets: offsets, Step: step, Row: row, ToStep: toStep, ToRow: toRow, Tiles: Tiles(rows, columns, step, row, toStep, toRow)}
	for _, o := range offsets {
		if o < 0 {
			panic("blocked: a negative offset into an image")
		}
		v.furthest = max(v.furthest, int(o/4))
	}
	return v
}

// End returns the element of the first block of the result behind a tile's last.
func (v *View) End(tile int) int {
	t := &v.Tiles[tile]
	return t.To + (t.Rows-1)*v.ToRow + (t.Columns-1)*v.ToStep + Width
}

// reach returns the element of the image that the taps of a tile's last pixel begin
// at, at most.
func (v *View) reach(tile int) int {
	t := &v.Tiles[tile]
	return t.From + (t.Rows-1)*v.Row + (t.Columns-1)*v.Step + v.furthest
}

// alike returns how many of the tiles [i, end) have the extents of tile i and lie as far
// apart as the first two, and sets those distances.
func (v *View) alike(t *tile, i, end int) int {
	first := &v.Tiles[i]
	t.count, t.imageNext, t.dstNext = 1, 0, 0
	if i+1 == end {
		return 1
	}
	from, to := v.Tiles[i+1].From-first.From, v.Tiles[i+1].To-first.To
	for n := 1; i+n < end; n++ {
		if s := &v.Tiles[i+n]; s.Columns != first.Columns || s.Rows != first.Rows || s.From != first.From+n*from || s.To != first.To+n*to {
			break
		}
		t.count++
	}
	if t.count > 1 {
		t.imageNext, t.dstNext = from*4, to*4
	}
	return t.count
}

// set gives a tile the view's distances.
func (v *View) set(t *tile) {
	t.offsets, t.taps = unsafe.Pointer(unsafe.SliceData(v.Offsets)), len(v.Offsets)
	t.step, t.row, t.dstStep, t.dstRow = v.Step*4, v.Row*4, v.ToStep*4, v.ToRow*4
}

// Convolution computes blocks of a convolution's result:
//
//	dst = clip(bias + Σ weights × image + other)
//
// Image is one that padding was drawn around. Other, nil for none, is laid out as
// the result is.
type Convolution struct {
	*View
	Filters   *Filters
	Image     []float32
	Dst       []float32
	Block     int // elements between blocks of the result
	Bias      []float32
	Other     []float32
	Low, High float32
}

// Run computes tiles [t0, t1) for pairs of blocks [p0, p1).
func (c *Convolution) Run(p0, p1, t0, t1 int) {
	table := &best.channels
	if c.Filters.wide == 1 {
		table = &best.planes
	}
	if t0 >= t1 || p0 >= p1 {
		return
	}
	c.check(t1 - 1)
	t := tiles.Get().(*tile)
	defer release(t)
	c.set(t)
	t.low, t.high, t.dstBlock = c.Low, c.High, c.Block*4
	for b, count := 2*p0, 0; b < min(2*p1, c.Filters.blocks); b += count {
		count = c.Filters.together(b)
		weights := c.Filters.of(b, count)
		t.weights, t.bias = unsafe.Pointer(unsafe.SliceData(weights)), unsafe.Pointer(&c.Bias[b*Width])
		at := b * c.Block
		next := weights // where there are none behind
		if behind := b + count; behind < c.Filters.blocks {
			next = c.Filters.of(behind, c.Filters.together(behind))
		}
		blocks := table[count-1]
		// The first tiles bring the weights behind into a near cache.
		perTile := max(t.taps*aheadBytes/4, 1)
		asking := min(t0+len(next)/perTile, t1)
		for i, n := t0, 0; i < t1; i += n {
			s := &c.Tiles[i]
			t.image, t.dst = unsafe.Pointer(&c.Image[s.From]), unsafe.Pointer(&c.Dst[at+s.To])
			if c.Other != nil {
				t.other = unsafe.Pointer(&c.Other[at+s.To])
			}
			if i < asking {
				n = c.alike(t, i, asking)
				t.ahead, t.aheadNext = unsafe.Pointer(&next[(i-t0)*perTile]), perTile*4
			} else {
				n = c.alike(t, i, t1)
				t.ahead, t.aheadNext = t.weights, 0
			}
			blocks[s.Rows-1][s.Columns](t)
		}
	}
}

// check panics where a slice is too short for the tiles up to one: assembly would
// read or write past it.
func (c *Convolution) check(tile int) {
	reach, last := c.reach(tile), (c.Filters.blocks-1)*c.Block+c.End(tile)
	if len(c.Offsets) > 0 && reach+c.Filters.wide > len(c.Image) ||
		len(c.Dst) < last || c.Other != nil && len(c.Other) < last || len(c.Bias) < c.Filters.blocks*Width || c.Filters.depth != len(c.Offsets)*c.Filters.wide {
		panic(fmt.Sprintf("blocked: operands of %d and %d elements do not fit a convolution that reaches element %d of the image and %d of the result",
			len(c.Image), len(c.Dst), reach, last))
	}
}

// Lanes computes one block of a convolution whose filters see one channel each:
//
//	dst = clip(bias + Σ weights × image + other)
//
// lane by lane, or with no weights the greatest of bias and what is under the taps.
type Lanes struct {
	*View
	Image     []float32
	Dst       []float32
	Weights   []float32 // taps × 16
	Bias      []float32 // 16
	Other     []float32
	Low, High float32
}

// Run computes tiles [t0, t1).
func (l *Lanes) Run(t0, t1 int) {
	table := &best.depthwise
	if l.Weights == nil {
		table = &best.greatest
	}
	if t0 >= t1 {
		return
	}
	l.check(t1 - 1)
	t := tiles.Get().(*tile)
	defer release(t)
	l.set(t)
	t.low, t.high = l.Low, l.High
	t.weights, t.bias = unsafe.Pointer(unsafe.SliceData(l.Weights)), unsafe.Pointer(unsafe.SliceData(l.Bias))
	for i := t0; i < t1; {
		s := &l.Tiles[i]
		t.image, t.dst = unsafe.Pointer(&l.Image[s.From]), unsafe.Pointer(&l.Dst[s.To])
		if l.Other != nil {
			t.other = unsafe.Pointer(&l.Other[s.To])
		}
		i += l.alike(t, i, t1)
		table[0][s.Rows-1][s.Columns](t)
	}
}

// check panics where a slice is too short for the tiles up to one: assembly would
// read or write past it.
func (l *Lanes) check(tile int) {
	reach, end := l.reach(tile), l.End(tile)
	if len(l.Offsets) > 0 && reach+Width > len(l.Image) || len(l.Dst) < end || l.Other != nil && len(l.Other) < end ||
		len(l.Bias) < Width || l.Weights != nil && len(l.Weights) < len(l.Offsets)*Width {
		panic(fmt.Sprintf("blocked: operands of %d and %d elements do not fit taps that reach element %d of the image and %d of the result",
			len(l.Image), len(l.Dst), reach, end))
	}
}
