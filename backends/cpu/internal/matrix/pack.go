package matrix

import "example.com/midplane/backends/cpu/internal/pages"

// Rows is a left operand, packed: for each tile the elements of its rows, column
// by column.
type Rows struct {
	rows, inner int
	data        []float32
	kernels     *kernels
}

// PackRows packs a matrix whose element (i, k) is a[i*rowStep+k*innerStep].
func PackRows(a []float32, rows, inner, rowStep, innerStep int) *Rows {
	return best.packRows(a, rows, inner, rowStep, innerStep)
}

func (ks *kernels) packRows(a []float32, rows, inner, rowStep, innerStep int) *Rows {
	p := &Rows{rows: rows, inner: inner, data: pages.Make[float32](rows * inner), kernels: ks}
	to := p.data
	for t := range ks.rowTiles(rows) {
		first, height := ks.rowTile(rows, t)
		for k := range inner {
			for i := range height {
				to[i] = a[(first+i)*rowStep+k*innerStep]
			}
			to = to[height:]
		}
	}
	return p
}

// Bytes returns what the packed matrix takes.
func (p *Rows) Bytes() int64 { return int64(len(p.data)) * 4 }

// Columns is a right operand, packed: for each tile's columns the rows, one
// behind the other; the last tile is filled up with zeros.
type Columns struct {
	inner, columns int
	data           []float32
	kernels        *kernels
}

// PackColumns packs a matrix whose element (k, j) is b[k*innerStep+j*columnStep].
func PackColumns(b []float32, inner, columns, innerStep, columnStep int) *Columns {
	return best.packColumns(b, inner, columns, innerStep, columnStep)
}

func (ks *kernels) packColumns(b []float32, inner, columns, innerStep, columnStep int) *Columns {
	p := ks.newColumns(inner, columns)
	for t := range p.Tiles() {
		p.Pack(t, b, innerStep, columnStep)
	}
	return p
}

// NewColumns returns a right operand of which every tile is still to be packed.
func NewColumns(inner, columns int) *Columns { return best.newColumns(inner, columns) }

func (ks *kernels) newColumns(inner, columns int) *Columns {
	return &Columns{inner: inner, columns: columns, data: pages.Make[float32](ks.columnTiles(columns) * inner * ks.columns), kernels: ks}
}

// Tiles returns the number of tiles.
func (p *Columns) Tiles() int { return p.kernels.columnTiles(p.columns) }

// Pack packs tile t, which may be done at the same time as others, of a matrix
// whose element (k, j) is b[k*innerStep+j*columnStep].
func (p *Columns) Pack(t int, b []float32, innerStep, columnStep int) {
	step := p.kernels.columns
	first, width := t*step, min(step, p.columns-t*step)
	to := p.data[t*p.inner*step:][:p.inner*step]
	if columnStep == 1 {
		for k := range p.inner {
			copy(to[k*step:][:width], b[k*innerStep+first:])
		}
		return
	}
	const near = 64 // rows of a tile that stay in the nearest cache
	for low := 0; low < p.inner; low += near {
		for j := range width {
			from := b[(first+j)*columnStep:]
			for k := low; k < min(low+near, p.inner); k++ {
				to[k*step+j] = from[k*innerStep]
			}
		}
	}
}

// ColumnsBytes returns what a right operand of the given extents takes packed.
func ColumnsBytes(inner, columns int) int64 {
	return int64(best.columnTiles(columns)) * int64(inner) * int64(best.columns) * 4
}

// Bytes returns what the packed matrix takes.
func (p *Columns) Bytes() int64 { return int64(len(p.data)) * 4 }

// rowTiles returns the number of tiles that a number of rows is divided into.
func (ks *kernels) rowTiles(rows int) int { return (rows + ks.rows - 1) / ks.rows }

// rowTile returns the rows of tile t: all tiles are about equally high.
func (ks *kernels) rowTile(rows, t int) (first, height int) {
	tiles := ks.rowTiles(rows)
	each, more := rows/tiles, rows%tiles
	if t < more {
		return t * (each + 1), each + 1
	}
	return t*each + more, each
}

// columnTiles returns the number of tiles that a number of columns is divided
// into; all but the last have the full width.
func (ks *kernels) columnTiles(columns int) int { return (columns + ks.columns - 1) / ks.columns }
