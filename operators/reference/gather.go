package reference

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// gather holds Gather, GatherElements, GatherND, ScatterElements, ScatterND,
// TensorScatter, OneHot, NonZero.
var gather = family{
	"Gather":          gatherOf,
	"GatherElements":  gatherElements,
	"GatherND":        gatherND,
	"ScatterElements": scatterElements,
	"ScatterND":       scatterND,
	"TensorScatter":   tensorScatter,
	"OneHot":          oneHot,
	"NonZero":         nonZero,
}

// gatherOf puts slices of the data along an axis where their indexes stand:
// data[:axis] ++ indices ++ data[axis+1:].
func gatherOf(c *Call) ([]tensor.Value, error) {
	data, indices := c.Tensor(0), c.Tensor(1)
	axis, err := tensor.Axis(c.Node.Int("axis", 0), data.Rank())
	if err != nil {
		return nil, err
	}
	chosen := make([]int, indices.Len())
	for i, index := range c.Ints(1) {
		if chosen[i], err = indexIn(index, data.Shape()[axis]); err != nil {
			return nil, err
		}
	}
	target := append(data.Shape()[:axis].Clone(), indices.Shape()...)
	target = append(target, data.Shape()[axis+1:]...)
	if _, err := countOf(target); err != nil {
		return nil, err
	}
	return reshapeAs(take(data, axis, chosen), target)
}

func gatherElements(c *Call) ([]tensor.Value, error) {
	data, indices := c.Tensor(0), c.Tensor(1)
	axis, err := tensor.Axis(c.Node.Int("axis", 0), data.Rank())
	if err != nil {
		return nil, err
	}
	from, err := along(data.Shape(), indices, axis)
	if err != nil {
		return nil, err
	}
	return one(pick(data, indices.Shape(), from))
}

// along returns, for each element of indices, which element of a tensor of
// shape s lies at the same place but for the axis, where the element says.
func along(s tensor.Shape, indices *tensor.Tensor, axis int) ([]int, error) {
	if indices.Rank() != len(s) {
		return nil, fmt.Errorf("indices of shape %v for data of shape %v; the ranks must be equal", indices.Shape(), s)
	}
	for k, n := range indices.Shape() {
		if k != axis && n > s[k] {
			return nil, fmt.Errorf("indices of shape %v reach beyond data of shape %v on axis %d", indices.Shape(), s, k)
		}
	}
	strides := s.Strides()
	strides[axis] = 0
	from := strided(indices.Shape(), 0, strides)
	step := s.Strides()[axis]
	for i, index := range indices.Int64s() {
		k, err := indexIn(index, s[axis])
		if err != nil {
			return nil, err
		}
		from[i] += k * step
	}
	return from, nil
}

func gatherND(c *Call) ([]tensor.Value, error) {
	data, indices := c.Tensor(0), c.Tensor(1)
	s, q := data.Shape(), indices.Shape()
	batch := c.Node.Int("batch_dims", 0)
	if len(s) == 0 || len(q) == 0 {
		return nil, fmt.Errorf("data of shape %v and indices of shape %v; both take rank 1 or more", s, q)
	}
	if batch < 0 || batch >= int64(min(len(s), len(q))) {
		return nil, fmt.Errorf("batch_dims %d is outside [0, %d)", batch, min(len(s), len(q)))
	}
	b := int(batch)
	if !s[:b].Equal(q[:b]) {
		return nil, fmt.Errorf("data of shape %v and indices of shape %v differ in their first %d extents", s, q, b)
	}
	starts, width, err := tuples(s, indices, b)
	if err != nil {
		return nil, err
	}
	inner := s[b+width:]
	target := append(q[:len(q)-1].Clone(), inner...)
	count, err := countOf(target)
	if err != nil {
		return nil, err
	}
	n := inner.Size()
	from := make([]int, 0, count)
	for _, start := range starts {
		for k := range n {
			from = append(from, start+k)
		}
	}
	return one(pick(data, target, from))
}

// tuples reads the last axis of indices as tuples that point into a tensor of
// shape s behind its first batch axes, which indices shares. It returns where,
// in elements, what each tuple points to begins, and how long the tuples are.
func tuples(s tensor.Shape, indices *tensor.Tensor, batch int) (starts []int, width int, err error) {
	q := indices.Shape()
	width = q[len(q)-1]
	if width > len(s)-batch {
		return nil, 0, fmt.Errorf("index tuples of length %d for the %d axes of data of shape %v behind %d batch axes", width, len(s)-batch, s, batch)
	}
	strides, values := s.Strides(), indices.Int64s()
	starts = make([]int, q[:len(q)-1].Size())
	perBatch := max(q[batch:len(q)-1].Size(), 1)
	slice := s[batch:].Size()
	for i := range starts {
		starts[i] = i / perBatch * slice
		for k := range width {
			index, err := indexIn(values[i*width+k], s[batch+k])
			if err != nil {
				return nil, 0, fmt.Errorf("data axis %d: %w", batch+k, err)
			}
			starts[i] += index * strides[batch+k]
		}
	}
	return starts, width, nil
}

// oneHot puts the on-value where the indices say along a new axis, and the
// off-value elsewhere.
func oneHot(c *Call) ([]tensor.Value, error) {
	indices, values := c.Tensor(0), c.Tensor(2)
	if len(c.Ints(1)) != 1 {
		return nil, fmt.Errorf("depth has %d elements; it takes one", len(c.Ints(1)))
	}
	depth := c.Ints(1)[0]
	if values.Len() != 2 {
		return nil, fmt.Errorf("values has %d elements; it takes the off-value and the on-value", values.Len())
	}
	axis, err := tensor.Axis(c.Node.Int("axis", -1), indices.Rank()+1)
	if err != nil {
		return nil, err
	}
	target := insertAxis(indices.Shape(), axis, tensor.Extent(depth))
	if _, err := countOf(target); err != nil {
		return nil, fmt.Errorf("depth %d: %w", depth, err)
	}
	which := make([]int, target.Size()) // 0 is the off-value, 1 the on-value
	inner := indices.Shape()[axis:].Size()
	for i, index := range indices.Int64s() {
		if index < 0 {
			index += depth
		}
		if index >= 0 && index < depth {
			which[(i/inner*int(depth)+int(index))*inner+i%inner] = 1
		}
	}
	return one(pick(values, target, which))
}

// nonZero returns the indexes of the elements that are not zero (not false, not
// the empty string) as the columns of a matrix [rank, count], in row-major
// order; for a scalar that has no rows.
func nonZero(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	isSet := nonzeros(x)
	found := make([][]int64, x.Rank())
	i, count := 0, 0
	walk(x.Shape(), func(at []int) {
		if isSet[i] {
			count++
			for axis, k := range at {
				found[axis] = append(found[axis], int64(k))
			}
		}
		i++
	})
	return one(tensor.Of(slices.Concat(found...), x.Rank(), count))
}

// nonzeros reports for each element of a tensor of any type whether it differs
// from zero, false or the empty string.
func nonzeros(t *tensor.Tensor) []bool {
	switch d := t.DType(); {
	case d == tensor.String:
		return mapped(t.Strings(), func(s string) bool { return s != "" })
	case d == tensor.Complex64:
		return mapped(tensor.Slice[complex64](t), func(v complex64) bool { return v != 0 })
	case d == tensor.Complex128:
		return mapped(tensor.Slice[complex128](t), func(v complex128) bool { return v != 0 })
	case d.IsFloat():
		return mapped(t.Float64s(), func(v float64) bool { return v != 0 })
	}
	return mapped(t.Int64s(), func(v int64) bool { return v != 0 })
}
