package cpu

import (
	"context"
	"slices"
	"sync/atomic"
	"unsafe"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// scatter holds GatherElements, GatherND, ScatterElements, ScatterND, TensorScatter.
var scatter = family{
	{op: "GatherElements", kernel: "gather", inputs: indexed, build: byWidth(0, gatherElements[uint8], gatherElements[uint16], gatherElements[uint32], gatherElements[uint64])},
	{op: "GatherND", kernel: "gather", inputs: indexed, build: gatherND},
	{op: "ScatterElements", kernel: "scatter", inputs: updated, accept: combines, build: scatterOf(scatterElements)},
	{op: "ScatterND", kernel: "scatter", inputs: updated, accept: combines, build: scatterOf(scatterND)},
	{op: "TensorScatter", kernel: "scatter", inputs: updatedAt, build: tensorScatter},
}

var (
	indexed   = [][]tensor.DType{movable, {tensor.Int32, tensor.Int64}}
	updated   = [][]tensor.DType{movable, {tensor.Int32, tensor.Int64}, movable}
	updatedAt = [][]tensor.DType{movable, movable, {tensor.Int32, tensor.Int64}}
)

// indexIn brings an index along an axis of extent n into [0, n), if it can.
func indexIn(index int64, n int) (int, bool) {
	if index < 0 {
		index += int64(n)
	}
	return int(index), index >= 0 && index < int64(n)
}

// elementwiseIndexes says where elements at indexes along one axis lie: the other
// axes are those of the place of the index.
type elementwiseIndexes struct {
	layout layout // of the indexes; its operand 0 is the tensor at index 0
	n      int    // extent of the axis
	step   int    // from one index to the next
}

func newElementwiseIndexes(of, indices tensor.Shape, axis int) (e elementwiseIndexes, ok bool) {
	if len(of) != len(indices) || indices.Size() == 0 {
		return e, false
	}
	for k, n := range indices {
		if k != axis && n > of[k] {
			return e, false
		}
	}
	steps := of.Strides()
	e.n, e.step = of[axis], steps[axis]
	steps[axis] = 0
	e.layout, ok = newLayout(indices, [maxOperands][]int{steps})
	return e, ok
}

// rows calls f for the runs of indexes [first, end) along which an element at index 0
// lies a step behind the one before, from base on. It ends early, and returns false,
// where f does.
func (e *elementwiseIndexes) rows(first, end int, f func(i, n, base, step int) bool) bool {
	l := &e.layout
	var at cursor
	l.seek(&at, first/l.inner)
	within, step := first%l.inner, l.step(0)
	for i := first; i < end; {
		n := min(l.inner-within, end-i)
		if !f(i, n, at.offset[0]+within*step, step) {
			return false
		}
		i, within = i+n, 0
		l.next(&at)
	}
	return true
}

// gatherElements takes the element at each index.
func gatherElements[U word](d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, dtype := c.Inputs[1].Shape.Clone(), c.Inputs[0].DType
		axis, ok := axisIn(n.Int("axis", 0), len(c.Inputs[0].Shape))
		if !ok {
			return nil, nil
		}
		e, ok := newElementwiseIndexes(c.Inputs[0].Shape, s, axis)
		if !ok {
			return nil, nil
		}
		work := &units[picking[U]]{do: func(t *picking[U], first, end int) {
			if !e.rows(first, end, func(i, n, base, step int) bool {
				return pickRow(t.dst[i:i+n], t.a, t.indices[i:i+n], base, step, &e)
			}) {
				atomic.StoreUint32(t.wrong, 1)
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			indices, err := integers(c, 1)
			if err != nil {
				return err
			}
			a, err := input[U](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[U](c, 0, dtype, s)
			if err != nil {
				return err
			}
			return pick(ctx, d, work, len(dst), 2, picking[U]{dst: dst, a: a, indices: indices})
		}), nil
	}, nil
}

// picking is one run that takes elements, or bytes of them, from where indices say.
type picking[T any] struct {
	dst, a  []T
	indices []int64
	wrong   *uint32 // set to 1 where an index is outside its axis
}

// pick does a run of n units. It fails with errUnfit where an index is wrong.
func pick[T any](ctx context.Context, d *Device, work *units[picking[T]], n, cost int, t picking[T]) error {
	t.wrong = flags.get()
	defer flags.put(t.wrong)
	if err := work.each(ctx, d, n, cost, t); err != nil {
		return err
	}
	if *t.wrong != 0 {
		return errUnfit
	}
	return nil
}

// flags keeps what pieces of work raise together.
var flags tasks[uint32]

// pickRow takes the elements of a row; it returns false at an index outside the axis.
func pickRow[U word](dst, a []U, indices []int64, base, step int, e *elementwiseIndexes) bool {
	dst = dst[:len(indices)]
	extent, stride := e.n, e.step
	for k, index := range indices {
		at := int(index)
		if at < 0 {
			at += extent
		}
		if uint(at) >= uint(extent) || int64(int(index)) != index {
			return false
		}
		dst[k] = a[base+at*stride]
		base += step
	}
	return true
}

// tupleIndexes says where the slices lie that tuples of indexes point to, in a tensor
// that has its first batch axes in common with the tuples.
type tupleIndexes struct {
	extents, strides []int // of the axes that the tuples are for
	count, perBatch  int   // tuples
	batch            int   // elements from one batch to the next
	slice            int   // elements of what one tuple points to
}

func newTupleIndexes(of, indices tensor.Shape, batch int64) (t tupleIndexes, ok bool) {
	if batch < 0 || batch >= int64(min(len(of), len(indices))) || indices.Size() == 0 || of.Size() == 0 {
		return t, false
	}
	b, last := int(batch), len(indices)-1
	width := indices[last]
	if !of[:b].Equal(indices[:b]) || width > len(of)-b {
		return t, false
	}
	return tupleIndexes{
		extents: slices.Clone(of[b : b+width]), strides: of.Strides()[b : b+width],
		count: indices[:last].Size(), perBatch: indices[b:last].Size(), batch: of[b:].Size(), slice: of[b+width:].Size(),
	}, true
}

// at returns where the slice of tuple i begins, in elements.
func (t *tupleIndexes) at(indices []int64, i int) (int, bool) {
	start := i / t.perBatch * t.batch
	for k, index := range indices[i*len(t.extents):][:len(t.extents)] {
		at, ok := indexIn(index, t.extents[k])
		if !ok {
			return 0, false
		}
		start += at * t.strides[k]
	}
	return start, true
}

// gatherND takes the slices that tuples of indexes point to.
func gatherND(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, q, dtype := c.Inputs[0].Shape, c.Inputs[1].Shape, c.Inputs[0].DType
		t, ok := newTupleIndexes(s, q, n.Int("batch_dims", 0))
		if !ok {
			return nil, nil
		}
		shape := append(q[:len(q)-1].Clone(), s[int(n.Int("batch_dims", 0))+len(t.extents):]...)
		element := dtype.Bytes(1)
		size := t.slice * element
		work := &units[picking[byte]]{do: func(p *picking[byte], first, end int) {
			for i := first; i < end; i++ {
				from, ok := t.at(p.indices, i)
				if !ok {
					atomic.StoreUint32(p.wrong, 1)
					return
				}
				copy(p.dst[i*size:(i+1)*size], p.a[from*element:])
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			indices, err := integers(c, 1)
			if err != nil {
				return err
			}
			a, err := valueBytes(c, 0)
			if err != nil {
				return err
			}
			if tensor.Fits(dtype, shape) != nil {
				return errUnfit
			}
			o, err := c.NewOutput(0, dtype, shape)
			if err != nil {
				return err
			}
			dst, err := bytesFor(o, t.count*size)
			if err != nil {
				return err
			}
			return pick(ctx, d, work, t.count, size/4+4, picking[byte]{dst: dst, a: a, indices: indices})
		}), nil
	}, nil
}

// combines takes the reductions that the type of the data has.
func combines(n *graph.Node) operators.Verdict {
	d := n.Inputs[0].Type.DType
	switch reduction := n.Text("reduction", "none"); {
	case d != n.Inputs[2].Type.DType:
		return operators.Verdict{Reason: operators.WrongType, Detail: "updates " + n.Inputs[2].Type.DType.String()}
	case reduction == "none":
		return native
	case !slices.Contains([]string{"add", "mul", "max", "min"}, reduction):
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "reduction"}
	case !slices.Contains([]tensor.DType{tensor.Float32, tensor.Float64, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64}, d):
		return operators.Verdict{Reason: operators.WrongType, Detail: "reduction of " + d.String()}
	}
	return native
}

// places says where updates go: scatteringElements or scatteringSlices.
type places interface {
	// check reports whether all indexes are within their axes.
	check(indices []int64) bool
}

// scatterOf writes updates into a copy of the data, or into the data where the output
// lies there.
func scatterOf(plan func(n *graph.Node, data, indices, updates tensor.Shape) (places, bool)) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		write := writerOf(n)
		return func(c *operators.Call) (work, error) {
			s := c.Inputs[0].Shape.Clone()
			w, ok := plan(n, s, c.Inputs[1].Shape, c.Inputs[2].Shape)
			if !ok {
				return nil, nil
			}
			return workFunc(func(ctx context.Context, c *operators.Call) error {
				indices, err := integers(c, 1)
				if err != nil {
					return err
				}
				if !w.check(indices) {
					return errUnfit
				}
				if err := d.copyWhole(ctx, c); err != nil {
					return err
				}
				return write(c, w, indices)
			}), nil
		}, nil
	}
}

// copyWhole makes output 0 a copy of input 0, unless it lies in its place.
func (d *Device) copyWhole(ctx context.Context, c *operators.Call) error {
	a, err := valueBytes(c, 0)
	if err != nil {
		return err
	}
	o, err := c.NewOutput(0, c.Inputs[0].DType, c.Inputs[0].Shape)
	if err != nil {
		return err
	}
	dst, err := bytesFor(o, len(a))
	if err != nil || unsafe.SliceData(dst) == unsafe.SliceData(a) {
		return err
	}
	return copies.each(ctx, d, len(a), 1, fromTo[byte, byte]{a, dst})
}

// copies copies bytes.
var copies = units[fromTo[byte, byte]]{do: func(t *fromTo[byte, byte], first, end int) { copy(t.dst[first:end], t.a[first:end]) }}

// writer writes updates, which are input 2, to output 0.
type writer func(c *operators.Call, w places, indices []int64) error

func writerOf(n *graph.Node) writer {
	reduction := n.Text("reduction", "none")
	if reduction == "none" {
		return map[int]writer{8: overwrite[uint8], 16: overwrite[uint16], 32: overwrite[uint32], 64: overwrite[uint64]}[n.Inputs[0].Type.DType.Bits()]
	}
	return map[tensor.DType]writer{
		tensor.Float32: combine[float32](reduction), tensor.Float64: combine[float64](reduction),
		tensor.Int8: combine[int8](reduction), tensor.Int16: combine[int16](reduction), tensor.Int32: combine[int32](reduction), tensor.Int64: combine[int64](reduction),
		tensor.Uint8: combine[uint8](reduction), tensor.Uint16: combine[uint16](reduction), tensor.Uint32: combine[uint32](reduction), tensor.Uint64: combine[uint64](reduction),
	}[n.Inputs[0].Type.DType]
}

func overwrite[U word](c *operators.Call, w places, indices []int64) error {
	return write(c, w, indices, func(dst, a []U) {
		if len(dst) == 1 {
			dst[0] = a[0]
			return
		}
		copy(dst, a)
	})
}

func write[T any](c *operators.Call, w places, indices []int64, f func(dst, a []T)) error {
	updates, err := input[T](c, 2)
	if err != nil {
		return err
	}
	dst, err := view[T](c.Outputs[0])
	if err != nil {
		return err
	}
	put := func(from, to, n int) { f(dst[to:to+n], updates[from:from+n]) }
	switch w := w.(type) { // the methods by themselves do not keep put, which so takes no memory
	case scatteringElements:
		w.each(indices, put)
	case scatteringSlices:
		w.each(indices, put)
	}
	return nil
}

// combine folds updates into the elements by a reduction.
func combine[T real](reduction string) writer {
	f := map[string]func(dst, a []T){
		"add": func(dst, a []T) {
			for i, v := range a {
				dst[i] += v
			}
		},
		"mul": func(dst, a []T) {
			for i, v := range a {
				dst[i] *= v
			}
		},
		"max": func(dst, a []T) {
			for i, v := range a {
				dst[i] = max(dst[i], v)
			}
		},
		"min": func(dst, a []T) {
			for i, v := range a {
				dst[i] = min(dst[i], v)
			}
		},
	}[reduction]
	return func(c *operators.Call, w places, indices []int64) error { return write(c, w, indices, f) }
}

// scatteringElements is the places of a ScatterElements.
type scatteringElements struct{ elementwiseIndexes }

func scatterElements(n *graph.Node, data, indices, updates tensor.Shape) (places, bool) {
	axis, ok := axisIn(n.Int("axis", 0), len(data))
	if !ok || !indices.Equal(updates) {
		return nil, false
	}
	e, ok := newElementwiseIndexes(data, indices, axis)
	return scatteringElements{e}, ok
}

func (s scatteringElements) check(indices []int64) bool {
	for _, index := range indices {
		if _, ok := indexIn(index, s.n); !ok {
			return false
		}
	}
	return true
}

// each calls f for runs of updates [from, from+n) and the elements [to, to+n) that
// they are for, in order.
func (s scatteringElements) each(indices []int64, f func(from, to, n int)) {
	s.rows(0, len(indices), func(i, n, base, step int) bool {
		for k, index := range indices[i : i+n] {
			at, _ := indexIn(index, s.n)
			f(i+k, base+k*step+at*s.step, 1)
		}
		return true
	})
}

// scatteringSlices is the places of a ScatterND.
type scatteringSlices struct{ tupleIndexes }

func scatterND(_ *graph.Node, data, indices, updates tensor.Shape) (places, bool) {
	t, ok := newTupleIndexes(data, indices, 0)
	if !ok || !updates.Equal(append(indices[:len(indices)-1].Clone(), data[len(t.extents):]...)) {
		return nil, false
	}
	return scatteringSlices{t}, true
}

func (s scatteringSlices) check(indices []int64) bool {
	for i := range s.count {
		if _, ok := s.at(indices, i); !ok {
			return false
		}
	}
	return true
}

// each is that of scatteringElements.
func (s scatteringSlices) each(indices []int64, f func(from, to, n int)) {
	for i := range s.count {
		to, _ := s.at(indices, i)
		f(i*s.slice, to, s.slice)
	}
}

// tensorScatter writes an update into a cache at each sample's index along the
// sequence axis; mode circular goes on at the beginning.
func tensorScatter(d *Device, n *graph.Node) (planner, error) {
	circular := n.Text("mode", "linear") == "circular"
	return func(c *operators.Call) (work, error) {
		s, u := c.Inputs[0].Shape.Clone(), c.Inputs[1].Shape
		axis, ok := axisIn(n.Int("axis", -2), len(s))
		if !ok || axis == 0 || len(u) != len(s) || u.Size() == 0 || u[axis] > s[axis] || c.Inputs[0].DType != c.Inputs[1].DType ||
			!circular && n.Text("mode", "linear") != "linear" || !u[:axis].Equal(s[:axis]) || !u[axis+1:].Equal(s[axis+1:]) {
			return nil, nil
		}
		outer, extent, inner := around(s, axis)
		length, perSample := u[axis], outer/s[0]
		size := c.Inputs[0].DType.Bytes(inner)
		work := &units[picking[byte]]{do: func(t *picking[byte], first, end int) {
			for o := first; o < end; o++ {
				at := 0
				if t.indices != nil {
					at = int((t.indices[o/perSample]%int64(extent) + int64(extent)) % int64(extent))
				}
				before := min(length, extent-at) // the cache goes on at its beginning
				from := t.a[o*length*size:][:length*size]
				copy(t.dst[(o*extent+at)*size:], from[:before*size])
				copy(t.dst[o*extent*size:], from[before*size:])
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			starts, err := integers(c, 2)
			if err != nil {
				return err
			}
			if starts != nil && len(starts) != s[0] {
				return errUnfit
			}
			for _, start := range starts {
				if !circular && (start < 0 || start > int64(extent-length)) {
					return errUnfit
				}
			}
			if err := d.copyWhole(ctx, c); err != nil {
				return err
			}
			updates, err := valueBytes(c, 1)
			if err != nil {
				return err
			}
			dst, err := bytesFor(c.Outputs[0], outer*extent*size)
			if err != nil {
				return err
			}
			return work.each(ctx, d, outer, length*(size/4+1), picking[byte]{dst: dst, a: updates, indices: starts})
		}), nil
	}, nil
}
