package cpu

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"slices"
	"sync"
	"unsafe"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// sort holds TopK.
var sort = family{
	{op: "TopK", kernel: "topk", values: []int{1}, by: byType{
		tensor.Float32: topK[float32], tensor.Float64: topK[float64],
		tensor.Int8: topK[int8], tensor.Int16: topK[int16], tensor.Int32: topK[int32], tensor.Int64: topK[int64],
		tensor.Uint8: topK[uint8], tensor.Uint16: topK[uint16], tensor.Uint32: topK[uint32], tensor.Uint64: topK[uint64],
	}, inputs: [][]tensor.DType{{
		tensor.Float32, tensor.Float64, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64,
	}, {tensor.Int64}}},
}

// ranking keeps the elements of a line that come first in an order: the greatest or
// the least, of equals those of the lower index. NaN is the greatest.
type ranking[T real] struct {
	k        int
	largest  bool
	narrow   []uint64 // of types of 32 bits and less: rank and complement of the index
	wide     []ranked
	elements []T // of the line, where they do not lie side by side
}

// ranked is an element of a type of 64 bits: the greater the rank, the earlier.
type ranked struct {
	rank  uint64
	index int
}

// ordered maps elements to numbers of the same order, of as many bits, or of 32 bits
// where they have fewer.
func ordered[T real](v T) uint64 {
	switch unsafe.Sizeof(v) {
	case 8:
		if isFloat[T]() {
			return orderedBits(math.Float64bits(float64(v)+0), v != v, 63)
		}
		return uint64(v) ^ signBit[T]()<<63
	default:
		if isFloat[T]() {
			return orderedBits(uint64(math.Float32bits(float32(v)+0)), v != v, 31)
		}
		return uint64(uint32(int64(v)) ^ uint32(signBit[T]()<<31))
	}
}

// orderedBits orders numbers of floating point, whose sign has a place among their
// bits; -0, to which 0 was added, is 0.
func orderedBits(bits uint64, nan bool, sign int) uint64 {
	all := uint64(1)<<sign<<1 - 1
	switch {
	case nan:
		return all
	case bits>>sign == 1:
		return ^bits & all
	}
	return bits | 1<<sign
}

func isFloat[T real]() bool {
	var half T = 1
	half /= 2
	return half != 0
}

// signBit is 1 for integers with a sign, else 0.
func signBit[T real]() uint64 {
	var zero T
	if zero-1 < 0 {
		return 1
	}
	return 0
}

// first returns how many elements there are, and calls put for each in order.
func (r *ranking[T]) first(line []T, put func(place, index int)) {
	room := min(len(line), max(2*r.k, 128))
	if unsafe.Sizeof(line[0]) < 8 && uint64(len(line)) <= math.MaxUint32 {
		r.firstNarrow(line, room, put)
		return
	}
	r.wide = slices.Grow(r.wide[:0], room)
	full := false
	var limit uint64
	for i, v := range line {
		rank := r.rank(v)
		if full && rank <= limit {
			continue
		}
		if len(r.wide) == room {
			r.sortWide()
			limit, full = r.wide[r.k-1].rank, true
			if rank <= limit {
				continue
			}
		}
		r.wide = append(r.wide, ranked{rank, i})
	}
	r.sortWide()
	for place, e := range r.wide {
		put(place, e.index)
	}
}

func (r *ranking[T]) rank(v T) uint64 {
	if r.largest {
		return ordered(v)
	}
	return ^ordered(v)
}

func (r *ranking[T]) sortWide() {
	slices.SortFunc(r.wide, func(a, b ranked) int { return cmp.Or(cmp.Compare(b.rank, a.rank), a.index-b.index) })
	r.wide = r.wide[:r.k]
}

// firstNarrow has room for some more elements than it keeps; when that is full, it
// keeps the best, and from then on takes none that is not better than all of them.
func (r *ranking[T]) firstNarrow(line []T, room int, put func(place, index int)) {
	const few = 16 // which are kept in order
	if r.k <= few {
		r.firstFew(line, put)
		return
	}
	kept := slices.Grow(r.narrow[:0], room)
	i := 0
	for ; i < room; i++ {
		kept = append(kept, r.entry(line[i], i))
	}
	for {
		keepGreatest(kept, r.k)
		kept = kept[:r.k]
		if i == len(line) {
			break
		}
		worst := kept[r.k-1] >> 32
		limit := line[^uint32(kept[r.k-1])]
		for ; i < len(line) && len(kept) < room; i++ {
			v := line[i]
			if r.largest && v <= limit || !r.largest && v >= limit {
				continue
			}
			if e := r.entry(v, i); e>>32 > worst {
				kept = append(kept, e)
			}
		}
	}
	slices.Sort(kept)
	for place := range kept {
		put(place, int(^uint32(kept[len(kept)-1-place])))
	}
	r.narrow = kept
}

// firstFew keeps in order what comes first.
func (r *ranking[T]) firstFew(line []T, put func(place, index int)) {
	kept, largest := slices.Grow(r.narrow[:0], r.k)[:r.k], r.largest
	for i, v := range line[:r.k] {
		insert(kept[:i+1], r.entry(v, i))
	}
	last := &kept[r.k-1]
	limit := line[^uint32(*last)]
	for i := r.k; i < len(line); i++ {
		if v := line[i]; largest && v <= limit || !largest && v >= limit {
			continue
		}
		if e := r.entry(line[i], i); e > *last {
			insert(kept, e)
			limit = line[^uint32(*last)]
		}
	}
	for place, e := range kept {
		put(place, int(^uint32(e)))
	}
	r.narrow = kept
}

// insert puts a number among others, which are in falling order, in place of the last.
func insert(list []uint64, v uint64) {
	i := len(list) - 1
	for ; i > 0 && list[i-1] < v; i-- {
		list[i] = list[i-1]
	}
	list[i] = v
}

// keepGreatest moves the k greatest of different numbers to the front, the least of
// them last: C. A. R. Hoare's selection, which sorts where it does not get on.
func keepGreatest(v []uint64, k int) {
	for rounds := 2 * bits.Len(uint(len(v))); len(v) > 12; rounds-- {
		if rounds == 0 {
			break
		}
		a, b, c := v[0], v[len(v)/2], v[len(v)-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := 0, len(v)-1
		for i <= j {
			for v[i] > pivot {
				i++
			}
			for v[j] < pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j+1:
			v = v[:j+1]
		case k > i:
			v, k = v[i:], k-i
		default: // between lies the pivot, the last that is kept
			return
		}
	}
	slices.SortFunc(v, func(a, b uint64) int { return cmp.Compare(b, a) })
}

func (r *ranking[T]) entry(v T, i int) uint64 {
	return r.rank(v)<<32 | uint64(^uint32(i))
}

// choice is one run of a TopK.
type choice[T real] struct {
	a       []T
	values  []T     // nil where they are not asked for
	indexes []int64 // the same
}

// topK gives the elements along an axis that come first, and their indexes.
func topK[T real](d *Device, n *graph.Node) (planner, error) {
	largest := n.Bool("largest", true)
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape.Clone()
		axis, ok := axisIn(n.Int("axis", -1), len(s))
		if !ok || s.Size() == 0 {
			return nil, nil
		}
		outer, extent, inner := around(s, axis)
		count, err := integers(c, 1)
		if err != nil || len(count) != 1 || count[0] < 1 || count[0] > int64(extent) {
			return nil, err
		}
		k := int(count[0])
		shape := s.Clone()
		shape[axis] = k
		rankings := sync.Pool{New: func() any { return new(ranking[T]) }}
		work := &units[choice[T]]{do: func(t *choice[T], first, end int) {
			r := rankings.Get().(*ranking[T])
			defer rankings.Put(r)
			r.k, r.largest = k, largest
			for line := first; line < end; line++ {
				from := line/inner*extent*inner + line%inner
				elements := t.a[from:min(from+extent, len(t.a))]
				if inner > 1 {
					r.elements = slices.Grow(r.elements[:0], extent)[:extent]
					elements = r.elements
					for i := range elements {
						elements[i] = t.a[from+i*inner]
					}
				}
				to := line/inner*k*inner + line%inner
				r.first(elements, func(place, index int) {
					if t.values != nil {
						t.values[to+place*inner] = elements[index]
					}
					if t.indexes != nil {
						t.indexes[to+place*inner] = int64(index)
					}
				})
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			var t choice[T]
			var err error
			if t.a, err = input[T](c, 0); err != nil {
				return err
			}
			if n.Output(0) != nil {
				if t.values, err = output[T](c, 0, tensor.DTypeOf[T](), shape); err != nil {
					return err
				}
			}
			if n.Output(1) != nil {
				if t.indexes, err = output[int64](c, 1, tensor.Int64, shape); err != nil {
					return err
				}
			}
			return work.each(ctx, d, outer*inner, 4*extent, t)
		}), nil
	}, nil
}
