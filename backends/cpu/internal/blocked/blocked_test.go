package blocked

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachTier runs a test with every set of kernels that this process may use.
func eachTier(t *testing.T, test func(t *testing.T)) {
	defer func(ks *kernels) { best = ks }(best)
	for name, ks := range available() {
		t.Run(name, func(t *testing.T) {
			best = ks
			test(t)
		})
	}
}

func draw(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = r.Float32()*2 - 1
	}
	return v
}

// layer is a convolution by its plain definition, over an image without padding.
type layer struct {
	channels, filters, rows, columns, kernel, stride int
	planes                                           bool
}

func (l layer) out() (rows, columns int) {
	return (l.rows-l.kernel)/l.stride + 1, (l.columns-l.kernel)/l.stride + 1
}

// view returns how taps lie in the image of the layer.
func (l layer) view() *View {
	wide, blocks := Width, Blocks(l.channels)
	if l.planes {
		wide, blocks = 1, l.channels
	}
	var offsets []int64
	for b := range blocks {
		for ky := range l.kernel {
			for kx := range l.kernel {
				offsets = append(offsets, int64(((b*l.rows+ky)*l.columns+kx)*wide*4))
			}
		}
	}
	rows, columns := l.out()
	return NewView(offsets, rows, columns, l.stride*wide, l.stride*l.columns*wide, Width, columns*Width)
}

// plain returns element (f, y, x) of the sums, in float64.
func (l layer) plain(x, w []float32, f, y, xx int) float64 {
	sum := 0.0
	for c := range l.channels {
		for ky := range l.kernel {
			for kx := range l.kernel {
				v := x[(c*l.rows+y*l.stride+ky)*l.columns+xx*l.stride+kx]
				sum += float64(v) * float64(w[((f*l.channels+c)*l.kernel+ky)*l.kernel+kx])
			}
		}
	}
	return sum
}

// inBlocks returns planes of an image in blocks.
func inBlocks(x []float32, channels, plane int) []float32 {
	y := make([]float32, Blocks(channels)*Width*plane)
	for c := range channels {
		for i := range plane {
			y[(c/Width*plane+i)*Width+c%Width] = x[c*plane+i]
		}
	}
	return y
}

func TestConvolution(t *testing.T) { eachTier(t, testConvolution) }

func testConvolution(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var layers []layer
	for columns := 1; columns <= 30; columns++ { // every width of a tile
		layers = append(layers, layer{channels: 16, filters: 40, rows: 3, columns: columns, kernel: 1, stride: 1})
	}
	layers = append(layers,
		layer{channels: 20, filters: 33, rows: 9, columns: 9, kernel: 3, stride: 1},
		layer{channels: 32, filters: 16, rows: 9, columns: 31, kernel: 3, stride: 2},
		layer{channels: 3, filters: 48, rows: 12, columns: 40, kernel: 5, stride: 2, planes: true},
		layer{channels: 1, filters: 7, rows: 7, columns: 8, kernel: 7, stride: 1, planes: true},
		layer{channels: 40, filters: 20, rows: 6, columns: 17, kernel: 2, stride: 3},
	)
	for _, l := range layers {
		x, w, bias := draw(r, l.channels*l.rows*l.columns), draw(r, l.filters*l.channels*l.kernel*l.kernel), draw(r, Blocks(l.filters)*Width)
		rows, columns := l.out()
		image := x
		if !l.planes {
			image = inBlocks(x, l.channels, l.rows*l.columns)
		}
		size := Blocks(l.filters) * rows * columns * Width
		other := draw(r, size)
		for _, other := range [][]float32{nil, other} {
			c := Convolution{
				View: l.view(), Filters: PackFilters(w, l.filters, l.channels, l.kernel*l.kernel, l.planes), Image: image, Dst: make([]float32, size),
				Block: rows * columns * Width, Bias: bias, Other: other, Low: -1.5, High: 2,
			}
			half := len(c.Tiles) / 2
			c.Run(0, c.Filters.Pairs(), 0, half)
			c.Run(0, c.Filters.Pairs(), half, len(c.Tiles))
			for f := range l.filters {
				for i := range rows * columns {
					at := (f/Width*rows*columns+i)*Width + f%Width
					want := l.plain(x, w, f, i/columns, i%columns) + float64(bias[f])
					if other != nil {
						want += float64(other[at])
					}
					require.InDelta(t, min(max(want, -1.5), 2), c.Dst[at], 1e-4, "%+v filter %d pixel %d", l, f, i)
				}
			}
		}
	}
}

func TestLanes(t *testing.T) { eachTier(t, testLanes) }

func testLanes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for columns := 3; columns <= 33; columns++ {
		for _, stride := range []int{1, 2} {
			l := layer{channels: 16, filters: 16, rows: 7, columns: columns, kernel: 3, stride: stride}
			rows, outColumns := l.out()
			plane := l.rows * l.columns
			x, w, bias := draw(r, 16*plane), draw(r, 9*Width), draw(r, Width)
			image := inBlocks(x, 16, plane)
			image[r.IntN(len(image))] = float32(math.NaN())
			for _, weights := range [][]float32{w, nil} {
				p := Lanes{View: l.view(), Image: image, Dst: make([]float32, rows*outColumns*Width), Weights: weights, Bias: bias, Low: -1, High: 1}
				p.Run(0, len(p.Tiles))
				for i, got := range p.Dst {
					y, xx, lane := i/Width/outColumns, i/Width%outColumns, i%Width
					want := float64(bias[lane])
					for k := range 9 {
						v := float64(image[((y*stride+k/3)*columns+xx*stride+k%3)*Width+lane])
						if weights == nil {
							want = max(want, v)
						} else {
							want += v * float64(w[k*Width+lane])
						}
					}
					if math.IsNaN(want) {
						require.True(t, math.IsNaN(float64(got)), "a NaN was lost")
						continue
					}
					require.InDelta(t, min(max(want, -1), 1), got, 1e-5, "columns %d stride %d element %d", columns, stride, i)
				}
			}
		}
	}
}

func TestBlock(t *testing.T) { eachTier(t, testBlock) }

func testBlock(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for channels := 1; channels <= Width; channels++ {
		for _, pixels := range []int{0, 1, 15, 16, 17, 50} {
			step := pixels + 3
			planes := draw(r, Width*step)
			block := draw(r, pixels*Width+1)
			last := block[pixels*Width]
			Block(block, planes, channels, pixels, step)
			assert.Equal(t, last, block[pixels*Width], "an element behind the block was written")
			for i, got := range block[:pixels*Width] {
				want := float32(0)
				if lane := i % Width; lane < channels {
					want = planes[lane*step+i/Width]
				}
				require.Equal(t, want, got, "%d channels, %d pixels, element %d", channels, pixels, i)
			}
			back := make([]float32, Width*step)
			Unblock(back, block, channels, pixels, step)
			for i, got := range back {
				want := float32(0)
				if i/step < channels && i%step < pixels {
					want = planes[i]
				}
				require.Equal(t, want, got, "%d channels, %d pixels, element %d", channels, pixels, i)
			}
		}
	}
	assert.Panics(t, func() { Block(make([]float32, 31), make([]float32, 32), 16, 2, 2) })
	assert.Panics(t, func() { Unblock(make([]float32, 31), make([]float32, 32), 16, 2, 2) })
}

func TestTiles(t *testing.T) { eachTier(t, testTiles) }

// Tiles cover every pixel of a result once.
func testTiles(t *testing.T) {
	for columns := 1; columns < 60; columns++ {
		for _, rows := range []int{1, 2, 5} {
			seen := make([]int, rows*columns)
			for _, s := range Tiles(rows, columns, 2, 200, 1, columns) {
				assert.LessOrEqual(t, s.Rows*s.Columns, MostPixels())
				for y := range s.Rows {
					for x := range s.Columns {
						at := s.To + y*columns + x
						assert.Equal(t, at/columns*200+at%columns*2, s.From+y*200+x*2)
						seen[at]++
					}
				}
			}
			for i, n := range seen {
				require.Equal(t, 1, n, "pixel %d of %d × %d", i, rows, columns)
			}
		}
	}
}

func TestOperandsTooShort(t *testing.T) { eachTier(t, testOperandsTooShort) }

func testOperandsTooShort(t *testing.T) {
	l := layer{channels: 16, filters: 16, rows: 4, columns: 4, kernel: 3, stride: 1}
	c := Convolution{View: l.view(), Filters: PackFilters(make([]float32, 16*16*9), 16, 16, 9, false), Image: make([]float32, 16*16), Dst: make([]float32, 4*16), Block: 4 * 16, Bias: make([]float32, 16)}
	assert.NotPanics(t, func() { c.Run(0, 1, 0, len(c.Tiles)) })
	for name, cut := range map[string]func(c *Convolution){
		"image":  func(c *Convolution) { c.Image = c.Image[:255] },
		"result": func(c *Convolution) { c.Dst = c.Dst[:63] },
		"bias":   func(c *Convolution) { c.Bias = c.Bias[:15] },
		"other":  func(c *Convolution) { c.Other = make([]float32, 63) },
		"depth":  func(c *Convolution) { c.Filters = PackFilters(make([]float32, 16*16), 16, 16, 1, false) },
	} {
		short := c
		cut(&short)
		assert.Panics(t, func() { short.Run(0, 1, 0, len(c.Tiles)) }, name)
	}
	p := Lanes{View: l.view(), Image: c.Image, Dst: c.Dst, Weights: make([]float32, 9*16), Bias: c.Bias}
	assert.NotPanics(t, func() { p.Run(0, len(p.Tiles)) })
	p.Weights = p.Weights[:9*16-1]
	assert.Panics(t, func() { p.Run(0, len(p.Tiles)) })
}

func BenchmarkConvolution(b *testing.B) {
	for _, l := range []layer{
		{channels: 64, filters: 64, rows: 58, columns: 58, kernel: 3, stride: 1},
		{channels: 128, filters: 128, rows: 30, columns: 30, kernel: 3, stride: 1},
		{channels: 256, filters: 256, rows: 16, columns: 16, kernel: 3, stride: 1},
		{channels: 512, filters: 512, rows: 9, columns: 9, kernel: 3, stride: 1},
		{channels: 256, filters: 64, rows: 1, columns: 3136, kernel: 1, stride: 1},
		{channels: 64, filters: 256, rows: 1, columns: 3136, kernel: 1, stride: 1},
		{channels: 2048, filters: 512, rows: 1, columns: 49, kernel: 1, stride: 1},
		{channels: 128, filters: 32, rows: 30, columns: 30, kernel: 3, stride: 1},
		{channels: 64, filters: 16, rows: 1, columns: 3136, kernel: 1, stride: 1},
		{channels: 3, filters: 64, rows: 230, columns: 230, kernel: 7, stride: 2, planes: true},
	} {
		b.Run(fmt.Sprintf("%dto%d_%dx%d_%d", l.channels, l.filters, l.rows, l.columns, l.kernel), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			rows, columns := l.out()
			n := Blocks(l.channels) * Width
			c := Convolution{
				View: l.view(), Filters: PackFilters(draw(r, l.filters*l.channels*l.kernel*l.kernel), l.filters, l.channels, l.kernel*l.kernel, l.planes),
				Image: draw(r, n*l.rows*l.columns), Dst: make([]float32, l.filters*rows*columns), Block: rows * columns * Width, Bias: make([]float32, l.filters), Low: -1e30, High: 1e30,
			}
			for b.Loop() {
				c.Run(0, c.Filters.Pairs(), 0, len(c.Tiles))
			}
			flops := 2 * float64(l.filters*l.channels*l.kernel*l.kernel*rows*columns)
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func BenchmarkPackFilters(b *testing.B) {
	for _, taps := range []int{1, 9} {
		w := make([]float32, 256*256*taps)
		b.Run(fmt.Sprint(taps), func(b *testing.B) {
			b.SetBytes(int64(len(w)) * 4)
			for b.Loop() {
				PackFilters(w, 256, 256, taps, false)
			}
		})
	}
	w := make([]float32, 256*256*9)
	b.Run("winograd", func(b *testing.B) {
		b.SetBytes(int64(len(w)) * 4)
		for b.Loop() {
			PackWinograd(w, 256, 256)
		}
	})
}
