package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/integer"
)

// packedFilter is filters as they are multiplied.
type packedFilter struct {
	groups  []*integer.Columns
	ones    *integer.Columns // a filter that adds up what the others see
	taps    []int32          // of planewise filters, by tap and channel; groups is nil
	tapSums []int32          // by channel
	planes  *integer.Planes  // the same filters, packed; nil where they cannot be
}

// filterLayout says where filters (M, C/groups, …) lie, and how they meet an
// image.
type filterLayout struct {
	groups, rows int // rows: filters of a group
	taps, inner  []int
	step         int // bytes of a filter
	planewise    bool
}

// packedFilterForm is how filters were packed.
type packedFilterForm struct {
	groups, inner int
	planewise     bool
}

// newFilterLayout lays filters out: with a tap for each line of a window where
// taps that are neighbours are merged, as their pixels lie behind one another.
func newFilterLayout(f tensor.Shape, groups int, kernel [3]int, merged, planewise bool) *filterLayout {
	l := &filterLayout{groups: groups, rows: f[0] / groups, step: f[1:].Size(), planewise: planewise}
	taps := volume(kernel)
	across := 1 // taps side by side that count as one
	if merged {
		across = kernel[2]
	}
	for k := 0; k < taps; k += across {
		l.taps = append(l.taps, k)
	}
	for k := range across {
		for channel := range f[1] {
			l.inner = append(l.inner, channel*taps+k)
		}
	}
	return l
}

// pack packs constant filters.
func (w *integerConvolution) pack(t *tensor.Tensor) (*packedFilter, error) {
	l := w.layout
	size := int64(l.groups)*integer.ColumnsBytes(len(l.taps), len(l.inner), l.rows) + integer.ColumnsBytes(len(l.taps), len(l.inner), 1)
	if l.planewise {
		size = 4*int64(len(t.Bytes())+l.groups) + integer.PlanesBytes(len(l.taps), l.groups)
	}
	return packedAs(&w.device.packed, t, packedFilterForm{l.groups, len(l.inner), l.planewise}, size, func() *packedFilter { return l.pack(t.Bytes(), t.DType()) })
}

func (l *filterLayout) pack(w []byte, d tensor.DType) *packedFilter {
	p := &packedFilter{}
	if l.planewise {
		channels := l.groups
		p.taps, p.tapSums = make([]int32, len(l.taps)*channels), make([]int32, channels)
		for j := range channels {
			for k, tap := range l.taps {
				v := signedByte(w[j*l.step+tap], d)
				p.taps[k*channels+j] = v
				p.tapSums[j] += v
			}
		}
		p.planes = integer.PackPlanes(p.taps, channels)
		return p
	}
	for g := range l.groups {
		m := &integer.Matrix{Data: w[g*l.rows*l.step:], Taps: l.taps, Inner: l.inner, Columns: l.rows, Step: l.step, Unsigned: d == tensor.Uint8}
		p.groups = append(p.groups, m.Pack(nil))
	}
	ones := &integer.Matrix{Data: []byte{1}, Taps: make([]int, len(l.taps)), Inner: make([]int, len(l.inner)), Columns: 1}
	p.ones = ones.Pack(nil)
	return p
}

// signedByte returns the number that a byte of a type is.
func signedByte(b byte, d tensor.DType) int32 {
	if d == tensor.Int8 {
		return int32(int8(b))
	}
	return int32(b)
}
