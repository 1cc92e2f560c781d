package matrix

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func random(n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// product computes in float64 what p is to compute, element by element.
func product(p *Product, a, b func(i, k int) float32) []float32 {
	c := make([]float32, p.M*p.N)
	for i := range p.M {
		for j := range p.N {
			sum := 0.0
			switch {
			case p.Row != nil:
				sum = float64(p.Row[j])
			case p.Column != nil:
				sum = float64(p.Column[i])
			case p.D != nil:
				sum = float64(p.D[i*p.DStep+j])
			}
			for k := range p.K {
				sum += float64(a(i, k)) * float64(b(k, j))
			}
			c[i*p.N+j] = min(max(float32(sum), p.Low), p.High)
		}
	}
	return c
}

// checkProduct computes a product with one set of kernels and compares it; what
// lies between the rows of C must stay.
func checkProduct(t *testing.T, ks *kernels, m, n, k int, variant int) {
	t.Helper()
	p := &Product{M: m, N: n, K: k, Low: NoLow, High: NoHigh, CStep: n + 3, kernels: ks}
	a, b := random(m*(k+2)), random(k*(n+1))
	at := func(i, k int) float32 { return a[i*p.AStep+k] }
	bt := func(k, j int) float32 { return b[k*p.BStep+j] }
	p.A, p.AStep, p.B, p.BStep = a, k+2, b, n+1
	if variant&1 != 0 {
		p.PackedA = ks.packRows(a, m, k, k+2, 1)
	}
	if variant&2 != 0 {
		p.PackedB = ks.packColumns(b, k, n, n+1, 1)
	}
	switch variant >> 2 & 3 {
	case 1:
		p.Row = random(n)
	case 2:
		p.Column = random(m)
	case 3:
		p.D, p.DStep = random(m*(n+1)), n+1
	}
	if variant&16 != 0 {
		p.Low, p.High = -1, 0.5
	}
	if variant&32 != 0 {
		p.blocked = max(k/3, 1)
	}
	want := product(p, at, bt)
	p.C = make([]float32, m*p.CStep+8)
	for i := range p.C {
		p.C[i] = -77
	}
	p.Rectangle(0, ks.rowTiles(m), 0, ks.columnTiles(n))
	tolerance := 1e-6 * (1 + math.Sqrt(float64(k))*4)
	for i := range m {
		for j := range n {
			require.InDelta(t, want[i*n+j], p.C[i*p.CStep+j], tolerance, "%dx%dx%d variant %d, element %d, %d", m, n, k, variant, i, j)
		}
		for j := n; j < p.CStep; j++ {
			require.EqualValues(t, -77, p.C[i*p.CStep+j], "%dx%dx%d variant %d wrote behind row %d", m, n, k, variant, i)
		}
	}
}

func TestProduct(t *testing.T) {
	for name, ks := range available() {
		t.Run(name, func(t *testing.T) {
			for variant := range 64 {
				for _, s := range [][3]int{{1, 1, 1}, {3, 5, 2}, {4, 4, 4}, {1, 40, 9}, {7, 33, 0}, {20, 70, 30}, {29, 17, 61}} {
					checkProduct(t, ks, s[0], s[1], s[2], variant)
				}
			}
			for rows := 1; rows <= 33; rows++ { // every height of tile
				checkProduct(t, ks, rows, 37, 13, rows%64)
				checkProduct(t, ks, rows, 37, 13, (rows+3)%64)
			}
			for columns := 1; columns <= 66; columns++ { // every rest of a tile's width
				for variant := range 4 {
					checkProduct(t, ks, 5, columns, 7, variant)
					checkProduct(t, ks, 1, columns, 7, variant)
				}
			}
			for k := range 40 {
				for rows := 1; rows <= 4; rows++ {
					checkProduct(t, ks, rows, 35, k, k%64)
				}
			}
		})
	}
}

// NaN and infinities go where they belong, through clipping too.
func TestProductOfSpecials(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, ks := range available() {
		t.Run(name, func(t *testing.T) {
			const m, n, k = 5, 40, 3
			p := &Product{M: m, N: n, K: k, A: random(m * k), AStep: k, B: random(k * n), BStep: n, C: make([]float32, m*n), CStep: n, Low: 0, High: 6, kernels: ks}
			p.A[1*k] = nan
			p.B[2*n+7] = inf
			p.Rectangle(0, ks.rowTiles(m), 0, ks.columnTiles(n))
			for i := range m {
				for j := range n {
					switch got := p.C[i*n+j]; {
					case i == 1:
						assert.True(t, math.IsNaN(float64(got)), "row of a NaN: %g", got)
					case j == 7:
						assert.Contains(t, []float32{0, 6}, got, "column of an infinity")
					default:
						assert.True(t, got >= 0 && got <= 6, "%g", got)
					}
				}
			}
		})
	}
}

// A slice too short is a panic, not a read past it.
func TestProductChecksItsOperands(t *testing.T) {
	make := func() *Product {
		return &Product{M: 3, N: 4, K: 5, A: random(15), AStep: 5, B: random(20), BStep: 4, C: random(12), CStep: 4, Low: NoLow, High: NoHigh}
	}
	rows, columns := Tiles(3, 4)
	assert.NotPanics(t, func() { make().Rectangle(0, rows, 0, columns) })
	for name, spoil := range map[string]func(p *Product){
		"A":        func(p *Product) { p.A = p.A[:14] },
		"B":        func(p *Product) { p.B = p.B[:19] },
		"C":        func(p *Product) { p.C = p.C[:11] },
		"Row":      func(p *Product) { p.Row = random(3) },
		"Column":   func(p *Product) { p.Column = random(2) },
		"D":        func(p *Product) { p.D, p.DStep = random(11), 4 },
		"packed A": func(p *Product) { p.PackedA = PackRows(random(16), 4, 4, 4, 1) },
		"packed B": func(p *Product) { p.PackedB = PackColumns(random(16), 4, 4, 4, 1) },
		"M":        func(p *Product) { p.M = -1 },
	} {
		p := make()
		spoil(p)
		assert.Panics(t, func() { p.Rectangle(0, rows, 0, columns) }, name)
	}
}

func TestCorrelation(t *testing.T) {
	for name, ks := range available() {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				rows, inner   int
				box           [3]int
				height, width int
			}{
				{3, 4, [3]int{1, 1, 1}, 1, 1}, {3, 4, [3]int{1, 5, 9}, 5, 9}, {15, 7, [3]int{1, 5, 9}, 7, 11}, {29, 7, [3]int{1, 30, 31}, 31, 40},
				{5, 3, [3]int{3, 4, 5}, 6, 7}, {2, 9, [3]int{1, 3, 70}, 3, 72}, {1, 1, [3]int{2, 1, 33}, 2, 34}, {4, 3, [3]int{1, 9, 1}, 9, 50},
			} {
				strips := ks.strips(c.box, c.height, c.width)
				out := c.box[0] * c.box[1] * c.box[2]
				offsets := NewOffsets(c.inner)[:c.inner]
				end := ((c.box[0]-1)*c.height+c.box[1]-1)*c.width + c.box[2]
				for k := range offsets {
					offsets[k] = int64(k*17%23) * 4
				}
				image, w, bias := random(end+23), random(c.rows*c.inner), random(c.rows)
				p := Correlation{A: ks.packRows(w, c.rows, c.inner, c.inner, 1), Image: image, Offsets: offsets, Strips: strips,
					C: make([]float32, c.rows*(out+2)), CStep: out + 2, Column: bias, Low: -2, High: NoHigh, kernels: ks}
				for i := range p.C {
					p.C[i] = -77
				}
				kept := 0
				for _, s := range strips {
					assert.Equal(t, kept, s.To)
					kept += bits.OnesCount64(s.Keep)
				}
				require.Equal(t, out, kept)
				p.Rectangle(0, ks.rowTiles(c.rows), 0, len(strips))
				for i := range c.rows {
					to := 0
					for z := range c.box[0] {
						for y := range c.box[1] {
							for x := range c.box[2] {
								sum := float64(bias[i])
								for k, o := range offsets {
									sum += float64(w[i*c.inner+k]) * float64(image[(z*c.height+y)*c.width+x+int(o/4)])
								}
								require.InDelta(t, max(sum, -2), p.C[i*p.CStep+to], 1e-5, "%+v row %d pixel %d", c, i, to)
								to++
							}
						}
					}
					require.EqualValues(t, []float32{-77, -77}, p.C[i*p.CStep+out:(i+1)*p.CStep])
				}
			}
		})
	}
}

func TestCorrelationChecksItsOperands(t *testing.T) {
	make := func() *Correlation {
		return &Correlation{A: PackRows(random(6), 2, 3, 3, 1), Image: random(12), Offsets: append(NewOffsets(3), 0, 4, 8), Strips: Strips([3]int{1, 1, 10}, 1, 10), C: random(20), CStep: 10, Low: NoLow, High: NoHigh}
	}
	rows, _ := Tiles(2, 1)
	assert.NotPanics(t, func() { p := make(); p.Rectangle(0, rows, 0, len(p.Strips)) })
	for name, spoil := range map[string]func(p *Correlation){
		"image":   func(p *Correlation) { p.Image = p.Image[:11] },
		"offset":  func(p *Correlation) { p.Offsets[1] = -4 },
		"offsets": func(p *Correlation) { p.Offsets = p.Offsets[:2] },
		"C":       func(p *Correlation) { p.C = p.C[:19] },
		"column":  func(p *Correlation) { p.Column = random(1) },
	} {
		p := make()
		spoil(p)
		assert.Panics(t, func() { p.Rectangle(0, rows, 0, len(p.Strips)) }, name)
	}
}

func TestFilterAndEnvelope(t *testing.T) {
	for level, f := range filters() {
		for _, columns := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130} {
			for rows := 1; rows <= 9; rows++ {
				for _, taps := range []int{1, 2, 9, 25, 30} {
					step := columns + 3
					offsets := make([]int64, taps)
					for k := range offsets {
						offsets[k] = int64(k * 5 % 11)
					}
					image, w := random(rows*step+11), random(taps)
					want, got := make([]float32, rows*columns+1), make([]float32, rows*columns+1)
					want[rows*columns], got[rows*columns] = -77, -77
					filterGeneric(want, image, w, offsets, rows, columns, step, 0.25, -1, 2)
					f.filter(got, image, w, offsets, rows, columns, step, 0.25, -1, 2)
					for i := range want {
						require.InDelta(t, want[i], got[i], 1e-5, "%s filter, %d × %d, %d taps, element %d", level, rows, columns, taps, i)
					}
					image[len(image)/2] = float32(math.NaN())
					envelopeGeneric(want, image, offsets, rows, columns, step)
					f.envelope(got, image, offsets, rows, columns, step)
					for i := range want {
						same := want[i] == got[i] || want[i] != want[i] && got[i] != got[i]
						require.True(t, same, "%s envelope, %d × %d, %d taps, element %d: %g, want %g", level, rows, columns, taps, i, got[i], want[i])
					}
				}
			}
		}
	}
}

func TestGridCoversEverything(t *testing.T) {
	for _, threads := range []int{1, 2, 7} {
		for _, s := range [][3]int{{1, 1, 1}, {1000, 1000, 1000}, {14, 5000, 64}, {5000, 7, 3}, {64, 3136, 576}} {
			r, c := Grid(s[0], s[1], s[2], threads)
			assert.Positive(t, r, fmt.Sprint(s))
			assert.Positive(t, c, fmt.Sprint(s))
		}
	}
}

// rate reports how many operations a second a call does at its fastest: other
// programs share the machine.
func rate(b *testing.B, operations int, call func()) {
	fastest := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		call()
		fastest = min(fastest, time.Since(start))
	}
	b.ReportMetric(float64(operations)/float64(fastest.Nanoseconds()), "GFLOP/s")
}

func BenchmarkProduct(b *testing.B) {
	for name, ks := range available() {
		for _, s := range [][3]int{{128, 768, 768}, {64, 3136, 576}, {1, 1024, 1024}, {512, 49, 4608}} {
			m, n, k := s[0], s[1], s[2]
			p := &Product{M: m, N: n, K: k, Low: NoLow, High: NoHigh, C: make([]float32, m*n), CStep: n, A: random(m * k), AStep: k, kernels: ks}
			p.PackedB = ks.packColumns(random(k*n), k, n, n, 1)
			b.Run(fmt.Sprintf("%s/%dx%dx%d", name, m, n, k), func(b *testing.B) {
				rate(b, 2*m*n*k, func() { p.Rectangle(0, ks.rowTiles(m), 0, ks.columnTiles(n)) })
			})
		}
	}
}

// BenchmarkColdProduct multiplies by one of many right operands after the other, as
// a model does: they come from memory.
func BenchmarkColdProduct(b *testing.B) {
	for _, s := range [][3]int{{128, 384, 384}, {128, 1536, 384}, {128, 384, 1536}, {16, 576, 1536}, {1, 576, 1536}} {
		m, n, k := s[0], s[1], s[2]
		p := &Product{M: m, N: n, K: k, Low: NoLow, High: NoHigh, C: make([]float32, m*n), CStep: n, A: random(m * k), AStep: k}
		weights := random(k * n)
		var many []*Columns
		for range 64 {
			many = append(many, PackColumns(weights, k, n, n, 1))
		}
		rows, columns := Tiles(m, n)
		b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
			next := 0
			rate(b, 2*m*n*k, func() {
				p.PackedB = many[next%len(many)]
				next++
				p.Rectangle(0, rows, 0, columns)
			})
		})
	}
}

func BenchmarkCorrelation(b *testing.B) {
	for name, ks := range available() {
		for _, s := range [][3]int{{64, 64, 56}, {128, 128, 28}, {256, 256, 14}, {512, 512, 7}, {16, 16, 160}} {
			filters, channels, side := s[0], s[1], s[2]
			step := side + 2
			offsets := make([]int64, 0, channels*9)
			for c := range channels {
				for k := range 9 {
					offsets = append(offsets, int64(c*step*step+k/3*step+k%3)*4)
				}
			}
			p := Correlation{A: ks.packRows(random(filters*channels*9), filters, channels*9, channels*9, 1), Image: random(channels * step * step), Offsets: offsets,
				Strips: ks.strips([3]int{1, side, side}, step, step), C: make([]float32, filters*side*side), CStep: side * side, Low: NoLow, High: NoHigh, kernels: ks}
			b.Run(fmt.Sprintf("%s/3x3x%dx%dx%d", name, channels, filters, side), func(b *testing.B) {
				rate(b, 18*filters*channels*side*side, func() { p.Rectangle(0, ks.rowTiles(filters), 0, len(p.Strips)) })
			})
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	for name, f := range filters() {
		for _, side := range []int{112, 28, 7} {
			const taps = 9
			step := side + 2
			offsets := make([]int64, taps)
			for k := range offsets {
				offsets[k] = int64(k/3*step + k%3)
			}
			image, w, dst := random(step*step), random(taps), make([]float32, side*side)
			b.Run(fmt.Sprintf("%s/3x3x%d", name, side), func(b *testing.B) {
				rate(b, 2*taps*side*side, func() { f.filter(dst, image, w, offsets, side, side, step, 0, NoLow, NoHigh) })
			})
		}
	}
}
