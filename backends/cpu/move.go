package cpu

import (
	"context"
	"encoding/binary"
	"slices"
	"unsafe"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
)

// relocation copies elements between tensors: all that Transpose, Concat, Slice
// and their like do. It knows elements by their size only.
type relocation struct {
	device  *Device
	dtype   tensor.DType
	outputs []tensor.Shape
	blank   int // input with the element that output 0 is first filled with; noBlank; or zeroBlank
	boxes   []box
	tasks8  tasks[relocationTask[uint8]]
	tasks16 tasks[relocationTask[uint16]]
	tasks32 tasks[relocationTask[uint32]]
	tasks64 tasks[relocationTask[uint64]]
}

// What output 0 is filled with first, other than an input.
const (
	noBlank   = -1
	zeroBlank = -2
)

// box is a copy of elements that lie evenly: operand 0 of the layout is the
// output, operand 1 the input.
type box struct {
	input, output int
	from, to      int // where it begins, in elements
	layout
	turned bool // the last two axes are copied at once: the last is dense in the output, the other in the input
	chunk  int  // how much of the first axis copied at once makes a unit of work
	chunks int  // in each row
	size   int  // units of a piece
	pieces int
}

// addBox adds the copy of a box of the given extents; it is not ok if that has
// too many axes.
func (w *relocation) addBox(extents tensor.Shape, input, from int, fromSteps []int, output, to int, toSteps []int) bool {
	b := box{input: input, output: output, from: from, to: to}
	if extents.Size() == 0 {
		return true
	}
	var ok bool
	if b.layout, ok = newLayout(extents, [maxOperands][]int{toSteps, fromSteps}); !ok {
		return false
	}
	last := len(b.dims) - 1
	if dense := slices.Index(b.steps[1], 1); dense >= 0 && dense != last && b.step(0) == 1 && b.step(1) != 0 {
		b.turned = true
		b.swap(dense, last-1)
		b.rows /= b.dims[last-1]
	}
	b.divide(w.device.threads)
	w.boxes = append(w.boxes, b)
	return true
}

// swap exchanges two axes, neither of which is the last.
func (l *layout) swap(i, k int) {
	l.dims[i], l.dims[k] = l.dims[k], l.dims[i]
	for _, s := range l.steps {
		if s != nil {
			s[i], s[k] = s[k], s[i]
		}
	}
}

// divide cuts the work into pieces.
func (b *box) divide(threads int) {
	axis := len(b.dims) - 1
	if b.turned {
		axis--
	}
	b.chunk, b.chunks = b.dims[axis], 1
	if few := 4 * threads; b.rows < few && threads > 1 {
		b.chunk = (b.dims[axis] + few - 1) / few
		b.chunk = max((b.chunk+63)&^63, 64)
		b.chunks = (b.dims[axis] + b.chunk - 1) / b.chunk
	}
	cost := b.chunk
	if b.turned {
		cost *= 2 * b.inner
	}
	b.pieces, b.size = share(b.rows*b.chunks, cost, threads)
}

func (w *relocation) run(ctx context.Context, c *operators.Call) error {
	switch w.dtype.Bits() {
	case 8:
		return relocate(ctx, w, &w.tasks8, c)
	case 16:
		return relocate(ctx, w, &w.tasks16, c)
	case 32:
		return relocate(ctx, w, &w.tasks32, c)
	case 64:
		return relocate(ctx, w, &w.tasks64, c)
	}
	return errUnfit
}

func relocate[U word](ctx context.Context, w *relocation, pool *tasks[relocationTask[U]], c *operators.Call) error {
	for i, shape := range w.outputs {
		if i < len(c.Outputs) && shape != nil {
			if _, err := c.NewOutput(i, w.dtype, shape); err != nil {
				return err
			}
		}
	}
	if w.blank != noBlank {
		if err := w.fill(c); err != nil {
			return err
		}
	}
	t := pool.get()
	defer pool.put(t)
	for i := range w.boxes {
		b := &w.boxes[i]
		src, err := view[U](c.Inputs[b.input])
		if err != nil {
			return err
		}
		dst, err := view[U](c.Outputs[b.output])
		if err != nil {
			return err
		}
		*t = relocationTask[U]{b, dst, src}
		if err := w.device.divide(ctx, b.pieces, t); err != nil {
			return err
		}
	}
	return nil
}

// fill sets every element of output 0.
func (w *relocation) fill(c *operators.Call) error {
	size := w.dtype.Bits() / 8
	dst, err := bytesFor(c.Outputs[0], w.outputs[0].Size()*size)
	if err != nil || len(dst) == 0 {
		return err
	}
	if w.blank == zeroBlank || !has(c, w.blank) {
		clear(dst)
		return nil
	}
	element, err := valueBytes(c, w.blank)
	if err != nil {
		return err
	}
	for done := copy(dst, element); done < len(dst); {
		done += copy(dst[done:], dst[:done])
	}
	return nil
}

// word is an element of a given size.
type word interface {
	uint8 | uint16 | uint32 | uint64 | int32 | float32
}

// relocationTask copies one box.
type relocationTask[U word] struct {
	b        *box
	dst, src []U
}

// Do implements parallel.Task.
func (t *relocationTask[U]) Do(_, piece int) {
	b := t.b
	first := piece * b.size
	end := min(first+b.size, b.rows*b.chunks)
	if b.chunks == 1 && !b.turned && len(b.dims) > 1 && (b.inner <= narrow || t.dense()) {
		t.shortRows(first, end)
		return
	}
	var at cursor
	row := -1
	last := len(b.dims) - 1
	for unit := first; unit < end; unit++ {
		switch r := unit / b.chunks; {
		case row < 0:
			b.seekRow(&at, r)
			row = r
		case r != row:
			b.nextRow(&at)
			row = r
		}
		lo := unit % b.chunks * b.chunk
		to, from := b.to+at.offset[0], b.from+at.offset[1]
		if b.turned {
			n := min(b.chunk, b.dims[last-1]-lo)
			stepTo, stepFrom := b.steps[0][last-1], b.step(1)
			turn(t.dst[to+lo*stepTo:], t.src[from+lo:], n, b.inner, stepTo, stepFrom)
			continue
		}
		n := min(b.chunk, b.inner-lo)
		stepTo, stepFrom := b.step(0), b.step(1)
		copyLine(t.dst, t.src, to+lo*stepTo, from+lo*stepFrom, n, stepTo, stepFrom)
	}
}

// Lengths of rows of which several are copied in one loop: element by element, and
// by vector instructions.
const (
	narrow = 8
	short  = 1024
)

// dense reports whether rows are short and can be copied by vector instructions.
func (t *relocationTask[U]) dense() bool {
	b := t.b
	var v U
	return unsafe.Sizeof(v) == 4 && b.inner <= short && b.step(0) == 1 && b.step(1) == 1 && b.steps[1][len(b.dims)-2] >= 0
}

// shortRows copies rows [first, end).
func (t *relocationTask[U]) shortRows(first, end int) {
	b, axis := t.b, len(t.b.dims)-2
	stepTo, stepFrom := b.step(0), b.step(1)
	nextTo, nextFrom := b.steps[0][axis], b.steps[1][axis]
	dense := t.dense()
	var at cursor
	for row := first; row < end; {
		b.seek(&at, row)
		n := min(b.dims[axis]-row%b.dims[axis], end-row)
		row += n
		to, from := b.to+at.offset[0], b.from+at.offset[1]
		if dense {
			vector.CopyRows(asFloats(t.dst[to:]), asFloats(t.src[from:]), n, b.inner, nextTo, nextFrom)
			continue
		}
		for range n {
			for i := range b.inner {
				t.dst[to+i*stepTo] = t.src[from+i*stepFrom]
			}
			to, from = to+nextTo, from+nextFrom
		}
	}
}

// seekRow and nextRow are seek and next of the axes that are not copied at once.
func (b *box) seekRow(at *cursor, row int) {
	l := b.outer()
	l.seek(at, row)
}

func (b *box) nextRow(at *cursor) {
	l := b.outer()
	l.next(at)
}

// outer returns the layout without the axis, of two that are copied at once,
// that lies further out.
func (b *box) outer() layout {
	l := b.layout
	if b.turned {
		l.dims = l.dims[:len(l.dims)-1]
	}
	return l
}

// copyLine copies n elements from src[from] on to dst[to] on.
func copyLine[U word](dst, src []U, to, from, n, stepTo, stepFrom int) {
	switch {
	case stepTo == 1 && stepFrom == 1:
		copy(dst[to:to+n], src[from:from+n])
	case stepTo == 1 && stepFrom == 0:
		vector.Fill(dst[to:to+n], src[from])
	case stepTo == 1:
		for i := range dst[to : to+n] {
			dst[to+i] = src[from]
			from += stepFrom
		}
	default:
		for range n {
			dst[to] = src[from]
			to += stepTo
			from += stepFrom
		}
	}
}

// turn transposes: dst[i*stepTo+j] = src[i+j*stepFrom] for i < rows, j < columns,
// in blocks that stay in the nearest cache.
func turn[U word](dst, src []U, rows, columns, stepTo, stepFrom int) {
	if columns < 8 {
		turnNarrow(dst, src, rows, columns, stepTo, stepFrom)
		return
	}
	var v U
	switch {
	case unsafe.Sizeof(v) == 1:
		turnBytes(any(dst).([]uint8), any(src).([]uint8), rows, columns, stepTo, stepFrom)
	case unsafe.Sizeof(v) == 4:
		vector.Turn(asFloats(dst), asFloats(src), rows, columns, stepTo, stepFrom)
	default:
		turnBlocks(dst, src, rows, columns, stepTo, stepFrom)
	}
}

// asFloats returns words of 32 bits as numbers, to be moved only.
func asFloats[U word](v []U) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// turnBlocks is turn in squares.
func turnBlocks[U word](dst, src []U, rows, columns, stepTo, stepFrom int) {
	const side = 16
	for i0 := 0; i0 < rows; i0 += side {
		i1 := min(i0+side, rows)
		for j0 := 0; j0 < columns; j0 += side {
			j1 := min(j0+side, columns)
			for i := i0; i < i1; i++ {
				line := dst[i*stepTo+j0 : i*stepTo+j1]
				from := i + j0*stepFrom
				for j := range line {
					line[j] = src[from]
					from += stepFrom
				}
			}
		}
	}
}

// turnNarrow is turn of few columns.
func turnNarrow[U word](dst, src []U, rows, columns, stepTo, stepFrom int) {
	const side = 1024
	for i0 := 0; i0 < rows; i0 += side {
		n := min(side, rows-i0)
		for j := range columns {
			from := src[i0+j*stepFrom:][:n]
			to := dst[i0*stepTo+j:][:(n-1)*stepTo+1]
			at := 0
			for _, v := range from {
				to[at] = v
				at += stepTo
			}
		}
	}
}

// turnBytes is turn of bytes, eight by eight: halves of words change places, then
// quarters, then bytes (Warren, Hacker's Delight, section 7-3).
func turnBytes(dst, src []uint8, rows, columns, stepTo, stepFrom int) {
	wholeRows, wholeColumns := rows&^7, columns&^7
	for i := 0; i < wholeRows; i += 8 {
		for j := 0; j < wholeColumns; j += 8 {
			from := src[i+j*stepFrom:]
			word := func(k int) uint64 { return binary.LittleEndian.Uint64(from[k*stepFrom:]) }
			v0, v4 := swapped(word(0), word(4), 32, 0x00000000FFFFFFFF)
			v1, v5 := swapped(word(1), word(5), 32, 0x00000000FFFFFFFF)
			v2, v6 := swapped(word(2), word(6), 32, 0x00000000FFFFFFFF)
			v3, v7 := swapped(word(3), word(7), 32, 0x00000000FFFFFFFF)
			v0, v2 = swapped(v0, v2, 16, 0x0000FFFF0000FFFF)
			v1, v3 = swapped(v1, v3, 16, 0x0000FFFF0000FFFF)
			v4, v6 = swapped(v4, v6, 16, 0x0000FFFF0000FFFF)
			v5, v7 = swapped(v5, v7, 16, 0x0000FFFF0000FFFF)
			v0, v1 = swapped(v0, v1, 8, 0x00FF00FF00FF00FF)
			v2, v3 = swapped(v2, v3, 8, 0x00FF00FF00FF00FF)
			v4, v5 = swapped(v4, v5, 8, 0x00FF00FF00FF00FF)
			v6, v7 = swapped(v6, v7, 8, 0x00FF00FF00FF00FF)
			to := dst[i*stepTo+j:]
			for k, v := range [8]uint64{v0, v1, v2, v3, v4, v5, v6, v7} {
				binary.LittleEndian.PutUint64(to[k*stepTo:], v)
			}
		}
	}
	if wholeColumns < columns {
		turnNarrow(dst[wholeColumns:], src[wholeColumns*stepFrom:], wholeRows, columns-wholeColumns, stepTo, stepFrom)
	}
	if wholeRows < rows {
		turnBlocks(dst[wholeRows*stepTo:], src[wholeRows:], rows-wholeRows, columns, stepTo, stepFrom)
	}
}

// swapped exchanges what a has above shift bits with what b has below them, in
// every group of twice as many bits, the lower of which mask has.
func swapped(a, b uint64, shift int, mask uint64) (uint64, uint64) {
	t := (a>>shift ^ b) & mask
	return a ^ t<<shift, b ^ t
}
