package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/backends/cpu/internal/vector"
)

// blockedImage is how windows see an image whose channels lie in blocks, or one of
// plain planes. What they see is computed in parts; where there is padding, each
// part draws a band of the image with the padding around.
type blockedImage struct {
	shape    tensor.Shape // of the result
	x, y     window       // along columns and rows
	wide     int          // numbers of a pixel of a plane
	planes   int          // of the image
	depth    int          // planes that a window sees
	size     int          // elements of a member of the batch
	outPlane int          // elements of a block of the result
	border   *border      // nil where windows see no padding

	parts      int           // that the result is divided into
	tiles      int           // of a part, where there is no border
	band       int           // rows of the result in a part, where there is one
	tapRows    int           // rows from what a row of taps sees to what the next sees, as they are read
	plane      int           // elements of a plane as it is read
	view, last *blocked.View // of the image or of a band, and of the last band
}

// look returns how windows on an image of shape x see it that make so many blocks
// and each see depth planes at once. It is not ok where the image with its padding is
// out of proportion.
func look(x tensor.Shape, blocks, depth int, ws *windows) (m blockedImage, ok bool) {
	m = blockedImage{y: ws[1], x: ws[2], wide: blocked.Width, planes: x[1], depth: depth, size: x[1:].Size()}
	if len(x) == 4 {
		m.wide = 1
	}
	m.shape = tensor.Shape{x[0], blocks, m.y.out, m.x.out, blocked.Width}
	m.outPlane = m.y.out * m.x.out * blocked.Width
	m.border = newBorder(&m.y, &m.x, m.wide)
	return m, m.border == nil || roomFits(x.Size()+m.shape.Size(), x[1], m.border.outerRows*m.border.outerColumns*m.wide)
}

// flat reports whether the pixels of the result follow each other in the image
// without a gap.
func (m *blockedImage) flat() bool {
	return m.border == nil && m.y.stride == 1 && m.x.stride == 1 && m.x.out == m.x.in
}

// units returns how many parts there are at most.
func (m *blockedImage) units() int {
	switch {
	case m.border != nil:
		return m.y.out
	case m.flat():
		return (m.outPlane/blocked.Width + blocked.MostPixels() - 1) / blocked.MostPixels()
	}
	return m.y.out * ((m.x.out + blocked.MostPixels() - 1) / blocked.MostPixels())
}

// divide divides the result into parts of so many units.
func (m *blockedImage) divide(units int) {
	m.tapRows = m.y.dilation
	if m.border == nil {
		m.plane = m.y.in * m.x.in * m.wide
		m.view = m.viewOf(m.y.out, m.x.in)
		all := len(m.view.Tiles)
		m.tiles = min(units, all)
		m.parts = (all + m.tiles - 1) / m.tiles
		return
	}
	m.band = min(units, m.y.out)
	if 2*m.x.out <= blocked.MostPixels() { // tiles have two rows
		m.band = min((m.band+1)&^1, m.y.out)
	}
	if m.y.stride == 1 && m.band < m.y.dilation { // no two rows of taps see the same
		m.tapRows = m.band
	}
	m.parts = (m.y.out + m.band - 1) / m.band
	m.plane = m.bandRows(m.band) * m.border.outerColumns * m.wide
	m.view = m.viewOf(m.band, m.border.outerColumns)
	m.last = m.view
	if rest := m.y.out % m.band; rest > 0 {
		m.last = m.viewOf(rest, m.border.outerColumns)
	}
}

// bandRows returns how many rows of the image, as they are read, make so many rows of
// the result.
func (m *blockedImage) bandRows(rows int) int {
	return (rows-1)*m.y.stride + (m.y.kernel-1)*m.tapRows + 1
}

// near returns how many units of the result are computed from so many bytes of the
// image, of the channels of one group.
func (m *blockedImage) near(bytes, groups int) int {
	all := m.units()
	units := bytes / max(m.size/groups*4/all, 1)
	if m.border != nil && m.y.stride == 1 && m.y.dilation > 1 {
		row := m.planes / groups * m.border.outerColumns * m.wide * 4
		if (units+m.y.span())*row > 2*bytes { // what is between rows of taps is better left out
			units = min(bytes/(m.y.kernel*row), m.y.dilation-1)
		}
	}
	return min(max(units, 1), all)
}

// viewOf returns the view of so many rows of the result on an image with so many
// columns.
func (m *blockedImage) viewOf(rows, columns int) *blocked.View {
	offsets := make([]int64, 0, m.depth*m.y.kernel*m.x.kernel)
	for p := range m.depth {
		for ky := range m.y.kernel {
			for kx := range m.x.kernel {
				offsets = append(offsets, int64(p*m.plane+(ky*m.tapRows*columns+kx*m.x.dilation)*m.wide)*4)
			}
		}
	}
	if m.flat() {
		return blocked.NewView(offsets, 1, rows*m.x.out, m.wide, 0, blocked.Width, 0)
	}
	return blocked.NewView(offsets, rows, m.x.out, m.x.stride*m.wide, m.y.stride*columns*m.wide, blocked.Width, m.x.out*blocked.Width)
}

// part returns the view of a part, its tiles, and where it begins in a block of the
// result.
func (m *blockedImage) part(i int) (v *blocked.View, t0, t1, at int) {
	if m.border == nil {
		return m.view, i * m.tiles, min((i+1)*m.tiles, len(m.view.Tiles)), 0
	}
	v = m.view
	if i == m.parts-1 {
		v = m.last
	}
	return v, 0, len(v.Tiles), i * m.band * m.x.out * blocked.Width
}

// step returns how far apart images of planes with their border lie, one for each
// worker; 0 where there is no border.
func (m *blockedImage) step(planes int) int {
	if m.border == nil {
		return 0
	}
	return (planes*m.plane + 15) &^ 15
}

// draw returns planes of the image as part i reads them: where there is a border, a
// band of them, drawn in room.
func (m *blockedImage) draw(room, planes []float32, i int, blank float32) []float32 {
	if m.border == nil {
		return planes
	}
	size := m.y.in * m.x.in * m.wide
	n := len(planes) / size
	first, each := i*m.band*m.y.stride, m.plane // rows that follow each other
	if m.tapRows != m.y.dilation {
		each /= m.y.kernel
	}
	for p := range n {
		for k := 0; k*each < m.plane; k++ {
			m.border.draw(room[p*m.plane+k*each:][:each], planes[p*size:][:size], first+k*m.y.dilation, blank)
		}
	}
	return room[:n*m.plane]
}

// border draws planes of pixels with padding around.
type border struct {
	rows, columns, wide     int // of a plane: pixels, and numbers of a pixel
	top, left               int // pixels of padding
	outerRows, outerColumns int
}

// newBorder returns the border that windows see; nil where they see none.
func newBorder(y, x *window, wide int) *border {
	b := &border{
		rows: y.in, columns: x.in, wide: wide, top: y.before, left: x.before,
		outerRows: max((y.out-1)*y.stride+y.span(), y.before+y.in), outerColumns: max((x.out-1)*x.stride+x.span(), x.before+x.in),
	}
	if b.outerRows == y.in && b.outerColumns == x.in {
		return nil
	}
	return b
}

// draw fills dst with rows of a plane with its border from row first on; rows
// behind the last are blank.
func (b *border) draw(dst, plane []float32, first int, blank float32) {
	line, outer := b.columns*b.wide, b.outerColumns*b.wide
	rows := len(dst) / outer
	y0 := min(max(b.top-first, 0), rows) // the first row of dst that is one of the plane
	y1 := max(min(b.top+b.rows-first, rows), y0)
	vector.Fill(dst[:y0*outer], blank)
	vector.Fill(dst[y1*outer:], blank)
	if y0 == y1 {
		return
	}
	left := b.left * b.wide
	for y := y0; y < y1; y++ {
		row := dst[y*outer:][:outer]
		for i := range row[:left] {
			row[i] = blank
		}
		for i := left + line; i < outer; i++ {
			row[i] = blank
		}
	}
	vector.CopyRows(dst[y0*outer+left:], plane[(first+y0-b.top)*line:], y1-y0, line, outer, line)
}
