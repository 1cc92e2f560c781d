//go:build !noasm && gc

package integer

import "unsafe"

// kernelsAMX multiply with tile registers, which hold up to 16 rows of 64 bytes: two
// by two tiles of sums at a time, in several groups, as it takes long to prepare
// the registers. Where that does not pay they are kernelsVNNI, whose right operands
// have the same form.
var kernelsAMX = kernels{rows: 4 * tileHeight, columns: 2 * tileWidth, tiles: tilesAMX(), span: spanAMX, enough: 1 << 23, finish: 256, finishes: finishesAMX}

const (
	tileHeight = 16 // rows of a tile register
	tileWidth  = 16 // its columns of sums
	tileDepth  = 16 // its quads

	spanAMX = 2

	// The least rows and quads that are multiplied tilewise.
	leastHeight = 5
	leastDepth  = 4
)

func tilesAMX() []func(*tile) {
	list := make([]func(*tile), spanAMX*4*tileHeight+1)
	for rows := range list {
		list[rows] = func(t *tile) { tileAMX(t, rows) }
	}
	return list
}

// set finds the extents for rows and quads of a tap. Registers 0 to 3 hold sums by
// row and column of tiles, 4 and 5 rows of A, 6 and 7 columns of B.
func (e *extents) set(rows, quads int) {
	groups := (rows + 2*tileHeight - 1) / (2 * tileHeight)
	*e = extents{rows: rows, quads: quads, height: (rows + groups - 1) / groups, depth: min(quads, tileDepth)}
	e.lastRow, e.upper = rows-e.height, e.height
	if e.height > tileHeight {
		e.upper = (e.height + 1) / 2
	}
	lower := e.height - e.upper
	for quads%e.depth != 0 {
		e.depth--
	}
	e.blocks = quads / e.depth
	e.registers[0] = 1 // the palette
	rowsOf := [8]int{e.upper, e.upper, lower, lower, e.upper, lower, e.depth, e.depth}
	for i, n := range rowsOf {
		if n == 0 {
			continue
		}
		e.registers[48+i], e.registers[16+2*i] = byte(n), 4*tileWidth
	}
	for i := range 2 {
		if rowsOf[4+i] > 0 {
			e.registers[16+2*(4+i)] = byte(quad * e.depth)
		}
	}
}

// tilewise sets the extents of a tile of rows, and reports whether it pays to use
// tile registers.
func (t *tile) tilewise(rows int) bool {
	if t.extents.rows != rows || t.extents.quads != t.quads {
		t.extents.set(rows, t.quads)
	}
	return rows >= leastHeight && t.extents.depth >= leastDepth
}

func finishesAMX(t *tile, rows int) bool {
	return (t.columns == 2*tileWidth || t.ldd == 0) && t.tilewise(rows)
}

func tileAMX(t *tile, rows int) {
	if !t.tilewise(rows) {
		tileInParts(t, rows)
		return
	}
	c, ldc, d, ldd := t.c, t.ldc, t.d, t.ldd
	room := unsafe.Pointer(&t.sums)
	const width = 4 * 2 * tileWidth // bytes of a row of sums
	partly := t.columns < 2*tileWidth
	if partly { // tiles are read and written whole
		t.c, t.ldc = room, width
		clear(t.start[:])
		if ldd == 0 {
			copy(t.start[:], unsafe.Slice((*int32)(d), t.columns))
		}
		t.d, t.ldd = unsafe.Pointer(&t.start), 0
	} else if c == d { // a group may read what the one before would have written
		t.c, t.ldc = room, width
	}
	t.extents.row = 0
	t.fetch()
	if t.extents.height > t.extents.upper {
		tiles2AMX(t)
	} else {
		tiles1AMX(t)
	}
	switch {
	case t.outcome.kind != toSums:
	case partly && ldd != 0:
		addRows(c, room, d, rows, t.columns, ldc, width, ldd)
	case t.c != c:
		copyRows(c, room, rows, t.columns, ldc, width)
	}
	t.c, t.ldc, t.d, t.ldd = c, ldc, d, ldd
}

// fetch says what part of the columns ahead is fetched into the cache meanwhile.
func (t *tile) fetch() {
	e := &t.extents
	if e.lines = 0; t.share >= t.shares {
		return
	}
	const line = 64
	groups := (e.lastRow+e.height-1)/e.height + 1
	e.lines = (2*e.depth*t.tiles/(t.shares*groups) + 1 + 1) &^ 1
	e.next = uintptr(t.b) + uintptr(t.ahead+2*e.depth*t.taps*e.blocks*line*t.share/t.shares)
}

// copyRows copies rows of sums that lie some bytes apart.
func copyRows(dst, src unsafe.Pointer, rows, columns, dstStep, srcStep int) {
	for i := range rows {
		copy(unsafe.Slice((*int32)(unsafe.Add(dst, i*dstStep)), columns), unsafe.Slice((*int32)(unsafe.Add(src, i*srcStep)), columns))
	}
}

// addRows adds rows of sums that lie some bytes apart.
func addRows(dst, a, b unsafe.Pointer, rows, columns, dstStep, aStep, bStep int) {
	for i := range rows {
		to := unsafe.Slice((*int32)(unsafe.Add(dst, i*dstStep)), columns)
		from, more := unsafe.Slice((*int32)(unsafe.Add(a, i*aStep)), columns), unsafe.Slice((*int32)(unsafe.Add(b, i*bStep)), columns)
		for j := range to {
			to[j] = from[j] + more[j]
		}
	}
}

// tileInParts computes a tile with the kernels of AVX-512 VNNI.
func tileInParts(t *tile, rows int) {
	a, c, d := t.a, t.c, t.d
	for part := range kernelsVNNI.rowTiles(rows) {
		first, height := kernelsVNNI.rowTile(rows, part)
		t.a, t.c, t.d = unsafe.Add(a, first*t.lda), unsafe.Add(c, first*t.ldc), unsafe.Add(d, first*t.ldd)
		kernelsVNNI.tiles[height](t)
	}
	t.a, t.c, t.d = a, c, d
}
