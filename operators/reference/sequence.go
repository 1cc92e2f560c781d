package reference

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// sequence holds SequenceConstruct, SequenceEmpty, SequenceInsert,
// SequenceErase, SequenceAt, SequenceLength, ConcatFromSequence,
// SplitToSequence, Optional, OptionalGetElement, OptionalHasElement.
var sequence = family{
	"SequenceConstruct":  sequenceConstruct,
	"SequenceEmpty":      sequenceEmpty,
	"SequenceInsert":     sequenceInsert,
	"SequenceErase":      sequenceErase,
	"SequenceAt":         sequenceAt,
	"SequenceLength":     sequenceLength,
	"ConcatFromSequence": concatFromSequence,
	"SplitToSequence":    splitToSequence,
	"Optional":           optional,
	"OptionalGetElement": optionalGetElement,
	"OptionalHasElement": optionalHasElement,
}

// anyShape returns the type of a container's elements from that of one of them:
// tensors of any shape.
func anyShape(t tensor.Type) tensor.Type {
	t.Dims = nil
	return t
}

func sequenceIn(c *Call, i int) (*tensor.Sequence, error) {
	if c.Has(i) {
		if s, ok := c.Inputs[i].(*tensor.Sequence); ok {
			return s, nil
		}
	}
	return nil, fmt.Errorf("input %d must be a sequence", i)
}

// position returns the place in [0, end) that scalar input i names, negative
// numbers counting from the back of n elements, or absent if it is not given.
func position(c *Call, i, n, end, absent int) (int, error) {
	if !c.Has(i) {
		return absent, nil
	}
	p := c.Ints(i)
	if len(p) != 1 {
		return 0, fmt.Errorf("the position has %d elements, it must be a scalar", len(p))
	}
	if p[0] < int64(-n) || p[0] >= int64(end) {
		return 0, fmt.Errorf("position %d is outside [%d, %d) for a sequence of %d", p[0], -n, end, n)
	}
	if p[0] < 0 {
		p[0] += int64(n)
	}
	return int(p[0]), nil
}

func oneSequence(elem tensor.Type, items []tensor.Value) ([]tensor.Value, error) {
	return []tensor.Value{&tensor.Sequence{Elem: elem, Items: items}}, nil
}

func sequenceConstruct(c *Call) ([]tensor.Value, error) {
	if !c.Has(0) {
		return nil, fmt.Errorf("at least one tensor is needed")
	}
	elem := anyShape(c.Inputs[0].Type())
	for i, v := range c.Inputs {
		if t := c.Tensor(i); t == nil || t.DType() != elem.DType {
			return nil, fmt.Errorf("input %d is %v, the first is %v: all must be tensors of one type", i, v.Type(), c.Inputs[0].Type())
		}
	}
	return oneSequence(elem, slices.Clone(c.Inputs))
}

func sequenceEmpty(c *Call) ([]tensor.Value, error) {
	d := c.Node.DType("dtype", tensor.Float32)
	if !d.Valid() {
		return nil, fmt.Errorf("dtype %d is no element type", c.Node.Int("dtype", 0))
	}
	return oneSequence(tensor.TensorType(d, nil), nil)
}

func sequenceInsert(c *Call) ([]tensor.Value, error) {
	s, err := sequenceIn(c, 0)
	if err != nil {
		return nil, err
	}
	t := c.Tensor(1)
	if t == nil || s.Elem.IsTensor() && s.Elem.DType != t.DType() {
		return nil, fmt.Errorf("a value of type %v does not go into a sequence of %v", c.Inputs[1].Type(), s.Elem)
	}
	elem := s.Elem
	if elem.Kind == tensor.KindUnknown {
		elem = anyShape(t.Type())
	}
	n := len(s.Items)
	at, err := position(c, 2, n, n+1, n)
	if err != nil {
		return nil, err
	}
	return oneSequence(elem, slices.Insert(slices.Clone(s.Items), at, tensor.Value(t)))
}

func sequenceErase(c *Call) ([]tensor.Value, error) {
	s, err := sequenceIn(c, 0)
	if err != nil {
		return nil, err
	}
	n := len(s.Items)
	if n == 0 {
		return nil, fmt.Errorf("the sequence is empty, there is nothing to erase")
	}
	at, err := position(c, 1, n, n, n-1)
	if err != nil {
		return nil, err
	}
	return oneSequence(s.Elem, slices.Delete(slices.Clone(s.Items), at, at+1))
}

func sequenceAt(c *Call) ([]tensor.Value, error) {
	s, err := sequenceIn(c, 0)
	if err != nil {
		return nil, err
	}
	at, err := position(c, 1, len(s.Items), len(s.Items), -1)
	if err != nil {
		return nil, err
	}
	return []tensor.Value{s.Items[at]}, nil
}

func sequenceLength(c *Call) ([]tensor.Value, error) {
	s, err := sequenceIn(c, 0)
	if err != nil {
		return nil, err
	}
	return one(tensor.Scalar(int64(len(s.Items))))
}

func concatFromSequence(c *Call) ([]tensor.Value, error) {
	s, err := sequenceIn(c, 0)
	if err != nil {
		return nil, err
	}
	if len(s.Items) == 0 {
		return nil, fmt.Errorf("the sequence is empty, the result would have no shape")
	}
	items := make([]*tensor.Tensor, len(s.Items))
	for i, v := range s.Items {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("element %d is %v, it must be a tensor", i, v.Type())
		}
		items[i] = t
	}
	rank, join := items[0].Rank(), joined
	if c.Node.Bool("new_axis", false) {
		rank, join = rank+1, stack
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), rank)
	if err != nil {
		return nil, err
	}
	t, err := join(items, axis)
	if err != nil {
		return nil, err
	}
	return one(t)
}

// stack joins tensors of one shape along a new axis.
func stack(items []*tensor.Tensor, axis int) (*tensor.Tensor, error) {
	views := make([]*tensor.Tensor, len(items))
	for i, t := range items {
		if t.Rank() != items[0].Rank() {
			return nil, fmt.Errorf("element %d of shape %v does not stack with element 0 of shape %v", i, t.Shape(), items[0].Shape())
		}
		v, err := t.Reshape(insertAxis(t.Shape(), axis, 1))
		if err != nil {
			return nil, err
		}
		views[i] = v
	}
	return joined(views, axis)
}

// section returns the n slices of t along an axis that begin at start.
func section(t *tensor.Tensor, axis, start, n int) *tensor.Tensor {
	shape, steps := t.Shape().Clone(), t.Shape().Strides()
	shape[axis] = n
	return pick(t, shape, strided(shape, start*steps[axis], steps))
}

// element returns the i-th slice of t along an axis, without that axis.
func element(t *tensor.Tensor, axis, i int) *tensor.Tensor {
	e, err := section(t, axis, i, 1).Reshape(slices.Delete(t.Shape().Clone(), axis, axis+1))
	if err != nil {
		panic(err) // the extent taken away is 1
	}
	return e
}

// insertAxis returns a shape with another extent put in before an axis.
func insertAxis(s tensor.Shape, axis, extent int) tensor.Shape {
	return slices.Insert(s.Clone(), axis, extent)
}

func splitToSequence(c *Call) ([]tensor.Value, error) {
	t := c.Tensor(0)
	axis, err := tensor.Axis(c.Node.Int("axis", 0), t.Rank())
	if err != nil {
		return nil, err
	}
	sizes, err := chunks(c.Tensor(1), t.Shape()[axis])
	if err != nil {
		return nil, err
	}
	squeeze := !c.Has(1) && !c.Node.Bool("keepdims", true)
	items, at := make([]tensor.Value, 0, len(sizes)), 0
	for _, n := range sizes {
		if squeeze {
			items = append(items, element(t, axis, at))
		} else {
			items = append(items, section(t, axis, at, n))
		}
		at += n
	}
	return oneSequence(anyShape(t.Type()), items)
}

// chunks returns the lengths into which an extent n is split: by a list of
// lengths, or by one length for all but the last, which may be smaller. Without
// split it is 1.
func chunks(split *tensor.Tensor, n int) ([]int, error) {
	var sizes []int
	if split != nil && split.Rank() > 0 {
		total := int64(0)
		for i, size := range split.Int64s() {
			if size < 0 || size > int64(n)-total {
				return nil, fmt.Errorf("split %v: length %d at %d does not fit into the extent %d", split.Int64s(), size, i, n)
			}
			total += size
			sizes = append(sizes, int(size))
		}
		if total != int64(n) {
			return nil, fmt.Errorf("split %v adds up to %d, the extent is %d", split.Int64s(), total, n)
		}
		return sizes, nil
	}
	size := int64(1)
	if split != nil {
		size = split.Int64s()[0]
	}
	if size <= 0 {
		return nil, fmt.Errorf("split is %d, it must be positive", size)
	}
	const perItem = 8 // times what an element takes
	if _, err := countOf(tensor.Shape{int((int64(n) + size - 1) / size), perItem}); err != nil {
		return nil, err
	}
	for left := int64(n); left > 0; left -= size {
		sizes = append(sizes, int(min(size, left)))
	}
	return sizes, nil
}

func optional(c *Call) ([]tensor.Value, error) {
	if c.Has(0) {
		v := c.Inputs[0]
		return []tensor.Value{&tensor.Optional{Elem: anyShape(v.Type()), Item: v}}, nil
	}
	elem, ok := graph.Attr[tensor.Type](c.Node, "type")
	if !ok {
		return nil, fmt.Errorf("an empty optional needs the attribute type")
	}
	return []tensor.Value{&tensor.Optional{Elem: elem}}, nil
}

func optionalGetElement(c *Call) ([]tensor.Value, error) {
	if !c.Has(0) {
		return nil, fmt.Errorf("the input is missing")
	}
	o, ok := c.Inputs[0].(*tensor.Optional)
	if !ok {
		return c.Inputs[:1], nil
	}
	if o.Item == nil {
		return nil, fmt.Errorf("the optional is empty, there is no element to get")
	}
	return []tensor.Value{o.Item}, nil
}

func optionalHasElement(c *Call) ([]tensor.Value, error) {
	has := c.Has(0)
	if has {
		if o, ok := c.Inputs[0].(*tensor.Optional); ok {
			has = o.Item != nil
		}
	}
	return one(tensor.Scalar(has))
}
