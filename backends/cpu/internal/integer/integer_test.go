package integer

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// extremes fills with bytes of which many are the least or the greatest of their
// type.
func extremes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		switch r.IntN(4) {
		case 0:
			b[i] = []byte{0, 0x7F, 0x80, 0xFF}[r.IntN(4)]
		default:
			b[i] = byte(r.Uint32())
		}
	}
	return b
}

// plainProduct is A·B + D by the definition, for rows at bytes of a.
func plainProduct(p *Product, m *Matrix) []int32 {
	n := m.Columns
	out := make([]int32, len(p.Lines)*p.Rows*n)
	for i := range out {
		row, j := i/n, i%n
		at := p.Lines[row/p.Rows] + row%p.Rows*p.Step
		sum := p.D[row*p.DStep+j]
		for t, tap := range m.Taps {
			for k, inner := range m.Inner {
				b := m.Data[tap+inner+j*m.Step]
				w := int32(int8(b))
				if m.Unsigned {
					w = int32(b) - 128
				}
				sum += int32(p.A[at+int(p.Offsets[t])+k]) * w
			}
		}
		out[i] = sum
	}
	return out
}

func TestProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, ks := range available() {
		for _, s := range []struct{ lines, rows, taps, inner, columns int }{
			{1, 1, 1, 4, 1}, {1, 1, 1, 1, 3}, {1, 1, 1, 515, 40}, {1, 2, 1, 64, 33}, {1, 3, 2, 8, 32}, {2, 14, 1, 16, 64}, {3, 15, 9, 6, 31},
			{1, 29, 1, 100, 65}, {4, 7, 3, 21, 16}, {1, 5, 1, 7, 9}, {1, 6, 1, 12, 8}, {1, 13, 1, 260, 17},
			{1, 40, 1, 64, 70}, {2, 49, 3, 32, 64}, {1, 98, 1, 48, 33}, {1, 128, 1, 64, 32}, {1, 133, 2, 24, 40}, {1, 257, 1, 16, 32},
		} {
			t.Run(fmt.Sprintf("%s/%v", name, s), func(t *testing.T) {
				m := &Matrix{Data: extremes(r, s.taps*s.inner*s.columns), Columns: s.columns, Step: 1, Unsigned: r.IntN(2) == 0}
				p := &Product{Rows: s.rows, Step: s.inner + r.IntN(5), DStep: s.columns * r.IntN(2), CStep: s.columns + 3, kernels: ks}
				for k := range s.taps {
					m.Taps = append(m.Taps, k*s.inner*s.columns)
					p.Offsets = append(p.Offsets, int64(r.IntN(40)))
				}
				for i := range s.inner {
					m.Inner = append(m.Inner, i*s.columns)
				}
				for range s.lines {
					p.Lines = append(p.Lines, r.IntN(50))
				}
				p.A = extremes(r, 50+s.rows*p.Step+40+s.inner+quad)
				p.D = make([]int32, s.lines*s.rows*s.columns)
				for i := range p.D {
					p.D[i] = int32(r.Uint32())
				}
				p.B = ks.pack(m, nil)
				rows, columns := s.lines*ks.rowTiles(s.rows), ks.columnTiles(s.columns)
				want := plainProduct(p, m)
				p.Sums = make([]int32, s.lines*s.rows*p.CStep)
				p.Rectangle(0, rows/2, 0, columns)
				p.Rectangle(rows/2, rows, 0, columns)
				for i, v := range p.Sums {
					if j := i % p.CStep; j < s.columns {
						assert.Equal(t, want[i/p.CStep*s.columns+j], v, "element %d, %d", i/p.CStep, j)
					} else {
						assert.Zero(t, v, "behind row %d", i/p.CStep)
					}
				}
				p.outcomes(t, r, rows, columns, want)
				if p.DStep > 0 {
					p.Bytes, p.Floats, p.Sums, p.CStep = nil, nil, p.D, p.DStep
					p.Rectangle(0, rows, 0, columns)
					assert.Equal(t, want, p.Sums, "in place of D")
				}
			})
		}
	}
}

// outcomes checks the other forms of a result.
func (p *Product) outcomes(t *testing.T, r *rand.Rand, rows, columns int, want []int32) {
	n := p.B.columns
	p.CStep = n
	p.Sums, p.Zero, p.Low, p.High = nil, 3, 0, 255
	p.Bytes, p.Floats = make([]uint8, len(want)), make([]float32, len(want))
	for range n {
		p.Scale = append(p.Scale, r.Float64()*1e-6)
		p.Bias = append(p.Bias, r.Float32())
	}
	p.Rectangle(0, rows, 0, columns)
	exact, scale := p.Bytes, p.Scale
	p.Bytes, p.Scale = make([]uint8, len(want)), nil
	for _, s := range scale {
		p.Factor = append(p.Factor, float32(s))
	}
	p.Rectangle(0, rows, 0, columns)
	for i := range want {
		assert.InDelta(t, exact[i], p.Bytes[i], 1)
	}
	p.Factor, p.Scale = nil, scale
	for range n {
		p.Factor = append(p.Factor, r.Float32())
	}
	quantized := exact
	p.Bytes = nil
	p.Rectangle(0, rows, 0, columns)
	for i, v := range want {
		expected := math.RoundToEven(float64(v)*p.Scale[i%n]) + 3
		assert.Equal(t, uint8(min(max(expected, 0), 255)), quantized[i])
		assert.Equal(t, float32(float32(v)*p.Factor[i%n])+p.Bias[i%n], p.Floats[i])
	}
}

func TestColumnSums(t *testing.T) {
	m := &Matrix{Data: []byte{0, 255, 128, 1}, Taps: []int{0}, Inner: []int{0, 2}, Columns: 2, Step: 1}
	assert.Equal(t, []int32{-128, 0}, m.Pack(nil).Sums)
	m.Unsigned = true
	assert.Equal(t, []int32{-128, 0}, m.Pack(nil).Sums) // -128 + 0 and 127 - 127
}

func TestProductTooShort(t *testing.T) {
	m := &Matrix{Data: make([]byte, 8), Taps: []int{0}, Inner: []int{0, 1, 2, 3}, Columns: 2, Step: 4}
	p := Product{A: make([]byte, 7), Lines: []int{0}, Rows: 2, Step: 4, Offsets: []int64{0}, B: m.Pack(nil), D: make([]int32, 2), Sums: make([]int32, 4), CStep: 2}
	assert.Panics(t, func() { p.Rectangle(0, 1, 0, 1) })
	p.A = make([]byte, 8)
	assert.NotPanics(t, func() { p.Rectangle(0, 1, 0, 1) })
}

func TestRequantize(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for n := 1; n < 40; n += 3 {
			src, scale := make([]int32, 2*n), make([]float64, n)
			values := []int32{0, 1, -1, 3, 5, math.MaxInt32, math.MinInt32, 255, 256, -3}
			for i := range src {
				src[i] = values[i%len(values)]
			}
			for j := range scale {
				scale[j] = []float64{0.5, 1, 1e300, math.NaN(), math.Inf(1)}[j%5]
			}
			for _, c := range []struct{ zero, low, high int32 }{{0, 0, 255}, {255, 0, 255}, {-128, -128, 127}, {127, -128, 127}, {10, 10, 20}} {
				got, want := make([]uint8, 2*n), make([]uint8, 2*n)
				Requantize(got, src, scale, n, 2, n, n, c.zero, c.low, c.high)
				requantizeGeneric(want, src, scale, n, 2, n, n, c.zero, c.low, c.high)
				assert.Equal(t, want, got, "%d columns, %+v", n, c)
				factor := make([]float32, n)
				for j := range factor {
					factor[j] = float32(scale[j])
				}
				Rescale(got, src, factor, n, 2, n, n, c.zero, c.low, c.high)
				rescaleGeneric(want, src, factor, n, 2, n, n, c.zero, c.low, c.high)
				assert.Equal(t, want, got, "%d columns, %+v", n, c)
			}
		}
	})
	dst := make([]uint8, 4)
	Rescale(dst, []int32{1, 3, -1, 600}, []float32{0.5, 0.5, 0.5, 0.5}, 4, 1, 4, 4, 1, 0, 255)
	assert.Equal(t, []uint8{1, 3, 1, 255}, dst)
	Requantize(dst, []int32{1, 3, -1, 600}, []float64{0.5, 0.5, 0.5, 0.5}, 4, 1, 4, 4, 1, 0, 255)
	assert.Equal(t, []uint8{1, 3, 1, 255}, dst) // ties to even before the zero point is added
}

func TestAddAndAccumulate(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	eachTier(t, func(t *testing.T) {
		for n := range 150 {
			a, b := extremes(r, n), extremes(r, n)
			for _, signed := range []bool{false, true} {
				s := &Sum{P: 0.75, Q: -1.25, R: 0.5, Zero: 1, High: 255, Signed: signed}
				got, want := make([]uint8, n), make([]uint8, n)
				Add(got, a, b, s)
				addGeneric(want, a, b, s)
				assert.Equal(t, want, got)
				sums, wanted := make([]int32, n), make([]int32, n)
				for i := range sums {
					sums[i], wanted[i] = int32(i), int32(i)
				}
				Accumulate(sums, a, signed)
				accumulateGeneric(wanted, a, signed)
				assert.Equal(t, wanted, sums)
				copy(got, b)
				Greatest(got, a, signed)
				for i := range want {
					want[i] = uint8(max(number(a[i], signed), number(b[i], signed)))
				}
				assert.Equal(t, want, got)
			}
			assert.Equal(t, totalGeneric(a), Total(a))
		}
	})
	dst := []uint8{0, 0}
	Add(dst, []uint8{1, 200}, []uint8{2, 100}, &Sum{P: 0.5, Q: 1, High: 255}) // 2.5 and 200
	assert.Equal(t, []uint8{2, 200}, dst)
	assert.EqualValues(t, 255*200, Total(bytes.Repeat([]byte{255}, 200)))
}

func TestExtent(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachTier(t, func(t *testing.T) {
		for n := range 150 {
			a := make([]float32, n)
			for i := range a {
				a[i] = float32(r.NormFloat64())
			}
			least, most := Extent(a)
			low, high := extentGeneric(a)
			assert.Equal(t, [2]float32{low, high}, [2]float32{least, most})
			if n > 0 {
				a[r.IntN(n)] = nan
				least, most = Extent(a)
				assert.True(t, least != least && most != most)
			}
		}
		least, most := Extent([]float32{3, inf, 1})
		assert.Equal(t, [2]float32{0, inf}, [2]float32{least, most})
		least, most = Extent([]float32{-3, -1, -inf})
		assert.Equal(t, [2]float32{-inf, 0}, [2]float32{least, most})
	})
}

func TestFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	eachTier(t, func(t *testing.T) {
		for _, s := range []struct{ n, columns, taps int }{{1, 1, 1}, {16, 9, 9}, {32, 4, 25}, {48, 3, 9}, {20, 5, 4}, {8, 6, 3}} {
			offsets := make([]int64, s.taps)
			weights, start := make([]int32, s.taps*s.n), make([]int32, s.n)
			for k := range offsets {
				offsets[k] = int64(r.IntN(100))
			}
			for i := range weights {
				weights[i] = int32(r.IntN(511)) - 255
			}
			for i := range start {
				start[i] = int32(r.Uint32())
			}
			image := extremes(r, 100+s.columns*2*s.n)
			got, want := make([]int32, s.columns*s.n), make([]int32, s.columns*s.n)
			Filter(got, image, weights, start, offsets, s.n, s.columns, 2*s.n)
			filterGeneric(want, image, weights, start, offsets, s.n, s.columns, 2*s.n)
			assert.Equal(t, want, got, "%+v", s)
		}
	})
	dst := make([]int32, 2)
	Filter(dst, []uint8{1, 2, 255}, []int32{-3, 2}, []int32{10}, []int64{0, 1}, 1, 2, 1)
	assert.Equal(t, []int32{10 - 3 + 4, 10 - 6 + 510}, dst)
}

func TestPlanes(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, s := range []struct{ n, columns, taps, stride int }{
		{1, 1, 1, 2}, {16, 9, 9, 2}, {32, 4, 25, 2}, {64, 3, 9, 2}, {144, 5, 9, 2}, {200, 7, 4, 1}, {65, 2, 3, 2}, {32, 7, 9, 1}, {16, 11, 9, 1}, {8, 5, 4, 1}, {64, 4, 9, 1}, {1, 130, 3, 1},
	} {
		offsets := make([]int64, s.taps)
		weights, start, factor := make([]int32, s.taps*s.n), make([]int32, s.n), make([]float32, s.n)
		for k := range offsets {
			offsets[k] = int64(r.IntN(100))
		}
		for i := range weights {
			weights[i] = int32(r.IntN(256)) - 128
		}
		for i := range start {
			start[i], factor[i] = int32(r.IntN(2000))-1000, float32(r.NormFloat64()*0.01)
		}
		factor[0] = float32(math.Inf(1))
		p := PackPlanes(weights, s.n)
		if p == nil {
			t.Skip("this processor, or MIDPLANE_CPU, allows no products of bytes four by four")
		}
		image := extremes(r, 100+(s.columns-1)*s.stride*s.n+s.n)
		sums := make([]int32, s.columns*s.n)
		filterGeneric(sums, image, weights, start, offsets, s.n, s.columns, s.stride*s.n)
		for _, c := range []struct{ zero, low, high int32 }{{0, 0, 255}, {131, 0, 255}, {-7, -128, 127}, {3, -5, 100}, {9, 7, 20}} {
			got, want := make([]uint8, s.columns*s.n), make([]uint8, s.columns*s.n)
			rescaleGeneric(want, sums, factor, s.n, s.columns, s.n, s.n, c.zero, c.low, c.high)
			p.Filter(got, image, start, factor, QuadOffsets(offsets), s.columns, s.stride*s.n, c.zero, c.low, c.high)
			assert.Equal(t, want, got, "%+v, %+v", s, c)
		}
		assert.LessOrEqual(t, int64(len(p.weights)), PlanesBytes(s.taps, s.n))
		weights[s.n/2] = 128
		assert.Nil(t, PackPlanes(weights, s.n))
	}
}

func BenchmarkProduct(b *testing.B) {
	for _, s := range []struct{ m, k, n int }{{128, 384, 384}, {128, 384, 1536}, {128, 1536, 384}, {3136, 64, 256}, {196, 1024, 256}, {1, 2048, 1000}} {
		m := &Matrix{Data: make([]byte, s.k*s.n), Taps: []int{0}, Columns: s.n, Step: 1}
		for i := range s.k {
			m.Inner = append(m.Inner, i*s.n)
		}
		bytes := Product{A: make([]byte, s.m*s.k), Lines: []int{0}, Rows: s.m, Step: s.k, Offsets: []int64{0}, B: m.Pack(nil), D: make([]int32, s.n), CStep: s.n}
		floats := bytes
		bytes.Bytes, bytes.Factor, bytes.High = make([]uint8, s.m*s.n), make([]float32, s.n), 255
		floats.Floats, floats.Factor, floats.Bias = make([]float32, s.m*s.n), make([]float32, s.n), make([]float32, s.n)
		for name, p := range map[string]*Product{"bytes": &bytes, "floats": &floats} {
			b.Run(fmt.Sprintf("%s/%v", name, s), func(b *testing.B) {
				r, c := Tiles(1, s.m, s.n)
				for b.Loop() {
					p.Rectangle(0, r, 0, c)
				}
				b.ReportMetric(2*float64(s.m*s.k*s.n)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GOP/s")
			})
		}
	}
}
