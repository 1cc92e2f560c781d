package cpu

import (
	"example.com/midplane/backends/cpu/internal/vector"
)

// image is how planes are laid out so that the taps of windows are shifted views
// of them: with padding around, and where windows move by several elements, every
// so many elements apart from the others, in phases. Element j of phase p along
// an axis is element j × stride + p - before of the plane.
//
// Where windows move by one element and there is no padding, a plane is its own
// image.
type image struct {
	windows windows
	phases  [3][]int // along each axis, those that some tap falls on
	extent  [3]int   // elements of a phase along each axis
	phase   int      // elements of a phase
	size    int      // elements of a plane's image
	direct  bool     // planes are their own images
}

// newImage returns nil where the image of a plane would be out of proportion to
// the plane and what is made of it.
func newImage(ws windows) *image {
	m := &image{windows: ws, direct: true}
	count := 1
	for i, w := range ws {
		used := make([]bool, min(w.stride, w.span()))
		for k := range min(w.kernel, w.stride) {
			used[k*w.dilation%w.stride] = true
		}
		for p, u := range used {
			if u {
				m.phases[i] = append(m.phases[i], p)
			}
		}
		m.extent[i] = w.out + (w.kernel-1)*w.dilation/w.stride
		m.direct = m.direct && w.stride == 1 && w.before == 0 && m.extent[i] == w.in
		count *= len(m.phases[i])
	}
	if !roomFits(volume(ws.in())+volume(ws.out()), count, m.extent[0], m.extent[1], m.extent[2]) {
		return nil
	}
	m.phase = volume(m.extent)
	m.size = count * m.phase
	return m
}

// offsets returns where the views of a plane's image begin, in elements, for
// every tap of the windows in row-major order.
func (m *image) offsets() []int64 {
	var list []int64
	kernel := m.windows.kernel()
	for z := range kernel[0] {
		for y := range kernel[1] {
			for x := range kernel[2] {
				phase, at := 0, 0
				for axis, k := range [3]int{z, y, x} {
					w := &m.windows[axis]
					k *= w.dilation
					phase = phase*len(m.phases[axis]) + m.phaseIndex(axis, k%w.stride)
					at = at*m.extent[axis] + k/w.stride
				}
				list = append(list, int64(phase*m.phase+at))
			}
		}
	}
	return list
}

func (m *image) phaseIndex(axis, phase int) int {
	for i, p := range m.phases[axis] {
		if p == phase {
			return i
		}
	}
	return -1
}

// draw writes the image of a plane, with blank where there is padding.
func (m *image) draw(dst, plane []float32, blank float32) {
	dst = dst[:m.size]
	slice := m.extent[1] * m.extent[2]
	for _, pz := range m.phases[0] {
		for _, py := range m.phases[1] {
			for _, px := range m.phases[2] {
				for z := range m.extent[0] {
					m.drawSlice(dst[:slice], plane, [3]int{z, py, px}, pz, blank)
					dst = dst[slice:]
				}
			}
		}
	}
}

// drawSlice writes slice at[0] of the phases at[1] and at[2] of the other axes, in
// phase pz along the first.
func (m *image) drawSlice(dst, plane []float32, at [3]int, pz int, blank float32) {
	wz, wy, wx := &m.windows[0], &m.windows[1], &m.windows[2]
	width, fromZ := m.extent[2], wz.from(at[0], pz)
	y0, y1 := wy.filled(at[1], m.extent[1])
	x0, x1 := wx.filled(at[2], width)
	if fromZ < 0 || fromZ >= wz.in || y0 == y1 || x0 == x1 {
		vector.Fill(dst, blank)
		return
	}
	vector.Fill(dst[:y0*width], blank)
	vector.Fill(dst[y1*width:], blank)
	for y := y0; y < y1 && x1-x0 < width; y++ {
		vector.Fill(dst[y*width:][:x0], blank)
		vector.Fill(dst[y*width:][x1:width], blank)
	}
	from := plane[(fromZ*wy.in+wy.from(y0, at[1]))*wx.in+wx.from(x0, at[2]):]
	to, step := dst[y0*width+x0:], wy.stride*wx.in
	switch wx.stride {
	case 1:
		vector.CopyRows(to, from, y1-y0, x1-x0, width, step)
	case 2:
		vector.EvenRows(to, from, y1-y0, x1-x0, width, step)
	default:
		for y := range y1 - y0 {
			line, of := to[y*width:][:x1-x0], from[y*step:]
			for x := range line {
				line[x] = of[x*wx.stride]
			}
		}
	}
}

// from returns which element of the input element j of a phase is.
func (w *window) from(j, phase int) int { return j*w.stride + phase - w.before }

// filled returns which of the first n elements of a phase are elements of the
// input, and not padding.
func (w *window) filled(phase, n int) (first, end int) {
	first = min(max((w.before-phase+w.stride-1)/w.stride, 0), n)
	end = first
	if last := w.in - 1 + w.before - phase; last >= 0 {
		end = min(max(last/w.stride+1, first), n)
	}
	return first, end
}
