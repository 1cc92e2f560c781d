package matrix

import "example.com/midplane/backends/internal/pages"

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
	n := ks.columnTiles(columns)
	p := &Columns{inner: inner, columns: columns, data: pages.Make[float32](n * inner * ks.columns), kernels: ks}
	for t := range n {
		first, width := t*ks.columns, min(ks.columns, columns-t*ks.columns)
		to := p.data[t*inner*ks.columns:]
		if columnStep == 1 {
			for k := range inner {
				copy(to[k*ks.columns:][:width], b[k*innerStep+first:])
			}
			continue
		}
		for j := range width {
			from := b[(first+j)*columnStep:]
			for k := range inner {
				to[k*ks.columns+j] = from[k*innerStep]
			}
		}
	}
	return p
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
