package blocked

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bandOf returns the band of a whole layer of 3 × 3 taps, and the image with the
// columns and rows that its last tiles need.
func bandOf(l layer, x []float32) (b WinogradBand, image []float32) {
	rows, columns := l.out()
	wide, high := 2*((columns+1)/2)+2, 2*((rows+1)/2)+2
	image = make([]float32, Blocks(l.channels)*high*wide*Width)
	for c := range l.channels {
		for i := range l.rows * l.columns {
			image[(((c/Width)*high+i/l.columns)*wide+i%l.columns)*Width+c%Width] = x[c*l.rows*l.columns+i]
		}
	}
	return WinogradBand{Rows: rows, Columns: columns, RowStep: wide * Width, PlaneStep: high * wide * Width, Low: -1.5, High: 2, View: WinogradView(rows, columns, Blocks(l.channels))}, image
}

func (b *WinogradBand) run(f *Winograd, image, bias []float32) []float32 {
	each := b.Rows * b.Columns * Width
	dst := make([]float32, f.blocks*each)
	transformed, sums := b.Rooms(f)
	v, m := make([]float32, transformed), make([]float32, sums)
	b.Transform(f, v, image)
	for p := range f.Pairs() {
		b.Multiply(f, p, dst[2*p*each:], each, m, v, bias[2*p*Width:])
	}
	return dst
}

func TestWinograd(t *testing.T) { eachTier(t, testWinograd) }

func testWinograd(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, l := range []layer{
		{channels: 16, filters: 16, rows: 3, columns: 3},
		{channels: 20, filters: 40, rows: 8, columns: 9},
		{channels: 64, filters: 33, rows: 15, columns: 32},
		{channels: 32, filters: 32, rows: 4, columns: 60},
	} {
		l.kernel, l.stride = 3, 1
		x, w, bias := draw(r, l.channels*l.rows*l.columns), draw(r, l.filters*l.channels*9), draw(r, Blocks(l.filters)*Width)
		b, image := bandOf(l, x)
		dst := b.run(PackWinograd(w, l.filters, l.channels), image, bias)
		rows, columns := l.out()
		for f := range l.filters {
			for i := range rows * columns {
				want := l.plain(x, w, f, i/columns, i%columns) + float64(bias[f])
				require.InDelta(t, min(max(want, -1.5), 2), dst[(f/Width*rows*columns+i)*Width+f%Width], 1e-4, "%+v filter %d pixel %d", l, f, i)
			}
		}
	}
}

func TestWinogradTransformations(t *testing.T) { eachTier(t, testWinogradTransformations) }

// The transformations in assembly are those in Go, bit by bit.
func testWinogradTransformations(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for count := 1; count < 5; count++ {
		const position, row = 6 * Width, 12 * Width
		image, bias := draw(r, 4*row), draw(r, Width)
		got, want := make([]float32, 16*position), make([]float32, 16*position)
		winogradInput(got, image, row, position, count)
		winogradInputGeneric(want, image, row, position, count)
		require.Equal(t, want, got)
		for rows := 1; rows <= 2; rows++ {
			for columns := 1; columns <= 2; columns++ {
				a, b := make([]float32, 2*row), make([]float32, 2*row)
				winogradOutput(rows, columns, a, got, bias, row, position, count, -1, 1)
				winogradOutputGeneric(rows, columns, b, got, bias, row, position, count, -1, 1)
				require.Equal(t, b, a, "%d × %d of %d tiles", rows, columns, count)
			}
		}
	}
}

func TestWinogradOperandsTooShort(t *testing.T) { eachTier(t, testWinogradOperandsTooShort) }

func testWinogradOperandsTooShort(t *testing.T) {
	l := layer{channels: 16, filters: 32, rows: 6, columns: 6, kernel: 3, stride: 1}
	b, image := bandOf(l, make([]float32, 16*36))
	f := PackWinograd(make([]float32, 32*16*9), 32, 16)
	transformed, sums := b.Rooms(f)
	v, m, dst, bias := make([]float32, transformed), make([]float32, sums), make([]float32, 2*16*Width), make([]float32, 2*Width)
	assert.NotPanics(t, func() { b.Transform(f, v, image); b.Multiply(f, 0, dst, 16*Width, m, v, bias) })
	assert.Panics(t, func() { b.Transform(f, v, image[:len(image)-1]) })
	assert.Panics(t, func() { b.Transform(f, v[:len(v)-1], image) })
	assert.Panics(t, func() { b.Multiply(f, 0, dst[:len(dst)-1], 16*Width, m, v, bias) })
	assert.Panics(t, func() { b.Multiply(f, 0, dst, 16*Width, m[:len(m)-1], v, bias) })
}

func BenchmarkWinograd(b *testing.B) {
	for _, l := range []layer{
		{channels: 64, filters: 64, rows: 18, columns: 58},
		{channels: 128, filters: 128, rows: 30, columns: 30},
		{channels: 256, filters: 256, rows: 16, columns: 16},
		{channels: 128, filters: 32, rows: 30, columns: 30},
		{channels: 32, filters: 64, rows: 18, columns: 58},
		{channels: 512, filters: 512, rows: 16, columns: 16},
	} {
		l.kernel, l.stride = 3, 1
		b.Run(fmt.Sprintf("%dto%d_%dx%d", l.channels, l.filters, l.rows, l.columns), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			band, image := bandOf(l, draw(r, l.channels*l.rows*l.columns))
			f := PackWinograd(draw(r, l.filters*l.channels*9), l.filters, l.channels)
			each := band.Rows * band.Columns * Width
			dst, bias := make([]float32, f.blocks*each), make([]float32, l.filters)
			transformed, sums := band.Rooms(f)
			v, m := make([]float32, transformed), make([]float32, sums)
			for b.Loop() {
				band.Transform(f, v, image)
				for p := range f.Pairs() {
					band.Multiply(f, p, dst[2*p*each:], each, m, v, bias[2*p*Width:])
				}
			}
			flops := 2 * float64(l.filters*l.channels*9*band.Rows*band.Columns)
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
