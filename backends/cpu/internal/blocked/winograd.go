package blocked

import (
	"fmt"
	"unsafe"
)

// Winograd computes convolutions with filters of 3 × 3 taps that move by one pixel,
// by the algorithm F(2×2, 3×3) of Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks" (2015): of 4 × 4 pixels of the image at a time, 2 × 2 pixels of the
// result with 16 products instead of 36. Sums and differences of pixels and weights
// are multiplied, so rounding errors are about twice those of the products themselves.
type Winograd struct {
	blocks int          // of filters
	depth  int          // blocks of channels
	pairs  [][]*Filters // by pair of blocks of filters, and by position in a transformed tile
}

// positions is how many numbers a transformed tile has.
const positions = 16

// PackWinograd transforms and packs filters × channels × 9 weights.
func PackWinograd(w []float32, filters, channels int) *Winograd {
	f := NewWinograd(filters, channels)
	for pair := range f.Pairs() {
		f.Pack(pair, w, filters, channels)
	}
	return f
}

// NewWinograd is PackWinograd, of which every pair of blocks is still to be packed.
func NewWinograd(filters, channels int) *Winograd {
	f := &Winograd{blocks: Blocks(filters), depth: Blocks(channels)}
	f.pairs = make([][]*Filters, (f.blocks+1)/2)
	for range positions {
		all := NewFilters(filters, channels, 1, false)
		for pair := range f.pairs {
			n := min(2, f.blocks-2*pair)
			f.pairs[pair] = append(f.pairs[pair], &Filters{blocks: n, most: all.most, depth: all.depth, wide: Width, data: all.of(2*pair, n)})
		}
	}
	return f
}

// Pack packs a pair, which may be done at the same time as others.
func (f *Winograd) Pack(pair int, w []float32, filters, channels int) {
	to := f.pairs[pair]
	for i := range min(to[0].blocks*Width, filters-2*pair*Width) {
		from := w[(2*pair*Width+i)*channels*9:][:channels*9]
		at, step := to[0].place(i)
		for c := range channels {
			for p, v := range transformedWeights(from[c*9:][:9]) {
				to[p].data[at+c*step] = v
			}
		}
	}
}

// WinogradBytes returns what PackWinograd makes takes.
func WinogradBytes(filters, channels int) int64 {
	return positions * FiltersBytes(filters, channels, 1, false)
}

// transformedWeights returns G g Gᵀ.
func transformedWeights(g []float32) (u [positions]float32) {
	transformed := func(a, b, c float32) [4]float32 { return [4]float32{a, (a + b + c) / 2, (a - b + c) / 2, c} }
	var columns [3][4]float32
	for x := range columns {
		columns[x] = transformed(g[x], g[3+x], g[6+x])
	}
	for y := range 4 {
		row := transformed(columns[0][y], columns[1][y], columns[2][y])
		copy(u[4*y:], row[:])
	}
	return u
}

// Pairs returns the number of pairs of blocks of filters.
func (f *Winograd) Pairs() int { return len(f.pairs) }

// WinogradBand is some rows of a result, of an image with its padding, which must
// have two columns more than there are in whole tiles.
type WinogradBand struct {
	Rows, Columns int // of the result
	RowStep       int // elements between rows of the image
	PlaneStep     int // elements between blocks of the image
	Low, High     float32

	View *View // of transformed tiles: see WinogradView
}

// WinogradView returns the view of products with transformed tiles of so many rows
// and columns of a result, for images of so many blocks.
func WinogradView(rows, columns, blocks int) *View {
	tiles := ((rows + 1) / 2) * ((columns + 1) / 2)
	offsets := make([]int64, blocks)
	for b := range offsets {
		offsets[b] = int64(b*tiles*Width) * 4
	}
	return NewView(offsets, 1, tiles, Width, 0, Width, 0)
}

// tiles returns the rows and columns of tiles.
func (b *WinogradBand) tiles() (rows, columns int) { return (b.Rows + 1) / 2, (b.Columns + 1) / 2 }

// Rooms returns how many elements the transformed image takes, and the sums of a pair
// of blocks of filters.
func (b *WinogradBand) Rooms(f *Winograd) (image, sums int) {
	rows, columns := b.tiles()
	return positions * f.depth * rows * columns * Width, positions * 2 * rows * columns * Width
}

// Transform writes the transformed image: by position, block and tile.
func (b *WinogradBand) Transform(f *Winograd, dst, image []float32) {
	rows, columns := b.tiles()
	position := f.depth * rows * columns * Width
	if reach := (f.depth-1)*b.PlaneStep + (2*rows+1)*b.RowStep + (2*columns+2)*Width; len(dst) < positions*position || len(image) < reach {
		panic(fmt.Sprintf("blocked: a band of %d elements, of which %d are read, and room for %d", len(image), reach, len(dst)))
	}
	for block := range f.depth {
		for y := range rows {
			winogradInput(dst[(block*rows+y)*columns*Width:], image[block*b.PlaneStep+2*y*b.RowStep:], b.RowStep, position, columns)
		}
	}
}

// Multiply computes a pair of blocks of filters. Blocks of dst lie block elements
// apart, its rows one behind the other; sums is room, and bias that of the pair.
func (b *WinogradBand) Multiply(f *Winograd, pair int, dst []float32, block int, sums, image, bias []float32) {
	rows, columns := b.tiles()
	each := rows * columns * Width
	filters := f.pairs[pair]
	blocks := filters[0].blocks
	if len(dst) < (blocks-1)*block+b.Rows*b.Columns*Width || len(bias) < blocks*Width || len(sums) < positions*2*each {
		panic(fmt.Sprintf("blocked: a result of %d elements and sums of %d are too few", len(dst), len(sums)))
	}
	c := Convolution{View: b.View, Block: each, Bias: zeros[:], Low: noLow, High: noHigh}
	for p := range positions {
		c.Filters, c.Image, c.Dst = filters[p], image[p*f.depth*each:][:f.depth*each], sums[p*2*each:][:2*each]
		c.Run(0, 1, 0, len(b.View.Tiles))
	}
	row := b.Columns * Width
	for i := range blocks {
		for y := range rows {
			to, from := dst[i*block+2*y*row:], sums[i*each+y*columns*Width:]
			high, wide := min(2, b.Rows-2*y), b.Columns/2
			winogradOutput(high, 2, to, from, bias[i*Width:], row, 2*each, wide, b.Low, b.High)
			if wide < columns {
				winogradOutput(high, 1, to[2*wide*Width:], from[wide*Width:], bias[i*Width:], row, 2*each, 1, b.Low, b.High)
			}
		}
	}
}

var zeros [2 * Width]float32

// winogradInput computes Bᵀ d B of count tiles d of 4 × 4 pixels. Its operands were
// checked.
func winogradInput(dst, image []float32, row, position, count int) {
	if f := best.winogradInput; f != nil {
		f(unsafe.SliceData(dst), unsafe.SliceData(image), row*4, position*4, count)
		return
	}
	winogradInputGeneric(dst, image, row, position, count)
}

func winogradInputGeneric(dst, image []float32, row, position, count int) {
	differences := func(v [4]float32) [4]float32 { return [4]float32{v[0] - v[2], v[1] + v[2], v[2] - v[1], v[1] - v[3]} }
	for i := range count * Width {
		from := image[i/Width*2*Width+i%Width:]
		var t [4][4]float32 // columns of Bᵀ d
		for x := range t {
			t[x] = differences([4]float32{from[x*Width], from[row+x*Width], from[2*row+x*Width], from[3*row+x*Width]})
		}
		for y := range 4 {
			for x, v := range differences([4]float32{t[0][y], t[1][y], t[2][y], t[3][y]}) {
				dst[(y*4+x)*position+i] = v
			}
		}
	}
}

// winogradOutput computes the first rows and columns of Aᵀ m A of count tiles m of
// 4 × 4 sums, adds the bias and clips. Its operands were checked.
func winogradOutput(rows, columns int, dst, sums, bias []float32, row, position, count int, low, high float32) {
	if f := best.winogradOutput[rows-1][columns-1]; f != nil {
		f(unsafe.SliceData(dst), unsafe.SliceData(sums), unsafe.SliceData(bias), row*4, position*4, count, low, high)
		return
	}
	winogradOutputGeneric(rows, columns, dst, sums, bias, row, position, count, low, high)
}

func winogradOutputGeneric(rows, columns int, dst, sums, bias []float32, row, position, count int, low, high float32) {
	joined := func(v [4]float32) [2]float32 { return [2]float32{v[0] + v[1] + v[2], v[1] - v[2] - v[3]} }
	for i := range count * Width {
		at := func(p int) float32 { return sums[p*position+i] }
		var t [4][2]float32
		for x := range t {
			t[x] = joined([4]float32{at(x), at(4 + x), at(8 + x), at(12 + x)})
		}
		for y := range rows {
			v := joined([4]float32{t[0][y], t[1][y], t[2][y], t[3][y]})
			for x := range columns {
				dst[y*row+(i/Width*2+x)*Width+i%Width] = min(max(v[x]+bias[i%Width], low), high)
			}
		}
	}
}
