package integer

import (
	"unsafe"

	"example.com/midplane/backends/cpu/internal/pages"
)

// Matrix is a right operand as it lies in memory: the byte of tap t, element i
// of the inner extent and column j is Data[Taps[t]+Inner[i]+j*Step].
type Matrix struct {
	Data        []byte
	Taps, Inner []int
	Columns     int
	Step        int
	Unsigned    bool // 128 is subtracted
}

// Columns is a right operand, packed: for each tile's columns the quads of all
// taps, one behind the other. Each tap is filled up with zeros to whole quads,
// and so are the columns of the last tile.
type Columns struct {
	taps, quads, columns int
	data                 []int8
	kernels              *kernels

	// Sums are those of the elements of each column.
	Sums []int32
}

// ColumnsBytes returns what a right operand of the given extents takes packed.
func ColumnsBytes(taps, inner, columns int) int64 {
	tiles := int64(best.columnTiles(columns))
	return tiles*int64(best.columns)*int64(taps)*int64(quadsOf(inner))*quad + int64(columns)*4
}

func quadsOf(inner int) int { return (inner + quad - 1) / quad }

// Pack packs a right operand into room, of at least [ColumnsBytes], or into
// memory of its own if room is nil.
func (m *Matrix) Pack(room []byte) *Columns { return best.pack(m, room) }

func (ks *kernels) pack(m *Matrix, room []byte) *Columns {
	p := &Columns{taps: len(m.Taps), quads: quadsOf(len(m.Inner)), columns: m.Columns, kernels: ks, Sums: make([]int32, m.Columns)}
	size := ks.columnTiles(m.Columns) * p.tileBytes()
	if room == nil {
		p.data = pages.Make[int8](size)
	} else {
		clear(room[:size])
		p.data = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(room))), size)
	}
	flip := byte(0)
	if m.Unsigned {
		flip = 0x80
	}
	for first := 0; first < m.Columns; first += ks.columns {
		to := p.data[first/ks.columns*p.tileBytes():]
		width := min(ks.columns, m.Columns-first)
		for _, tap := range m.Taps {
			for i, at := range m.Inner {
				line := to[i/quad*ks.columns*quad+i%quad:]
				from := m.Data[tap+at+first*m.Step:]
				sums := p.Sums[first:][:width]
				for j := range sums {
					v := int8(from[j*m.Step] ^ flip)
					line[j*quad] = v
					sums[j] += int32(v)
				}
			}
			to = to[p.quads*ks.columns*quad:]
		}
	}
	return p
}

// tileBytes returns how many bytes the columns of a tile take.
func (p *Columns) tileBytes() int { return p.taps * p.quads * p.kernels.columns * quad }

// Bytes returns what the packed matrix takes.
func (p *Columns) Bytes() int64 { return int64(len(p.data)) + int64(len(p.Sums))*4 }
