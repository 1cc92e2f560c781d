package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, sequenceDraws) }

// sequenceDraws are of the operators on sequences and optionals.
var sequenceDraws = map[string]func(d *dice) *sample{
	"ConcatFromSequence": concatFromSequence,
	"Optional":           optional,
	"OptionalGetElement": optionalGetElement,
	"OptionalHasElement": optionalHasElement,
	"SequenceAt":         sequenceAt,
	"SequenceConstruct":  sequenceConstruct,
	"SequenceEmpty":      sequenceEmpty,
	"SequenceErase":      sequenceErase,
	"SequenceInsert":     sequenceInsert,
	"SequenceLength":     func(d *dice) *sample { return d.node(d.sequence(d.element(), d.IntN(4))) },
	"SplitToSequence":    splitToSequence,
}

// element draws an element type of tensors in sequences.
func (d *dice) element() tensor.DType {
	for _, t := range d.types {
		if t != tensor.Undefined {
			return t
		}
	}
	return pick(d, tensor.Float32, tensor.Int64, tensor.Float64, tensor.Bool, tensor.String, tensor.Uint8)
}

// sequence draws a sequence of tensors of one rank.
func (d *dice) sequence(t tensor.DType, length int) *tensor.Sequence {
	rank := d.IntN(3)
	s := &tensor.Sequence{Elem: tensor.TensorType(t, nil)}
	for range length {
		s.Items = append(s.Items, d.tensor(t, d.shape(rank), -4, 5))
	}
	return s
}

// position draws a place in a list, as an input.
func (d *dice) position(length int) *tensor.Tensor {
	return tensor.FromInt64s(pick(d, tensor.Int64, tensor.Int32), tensor.Shape{}, d.list(1, -length, length-1))
}

func sequenceAt(d *dice) *sample {
	length := d.between(1, 4)
	return d.node(d.sequence(d.element(), length), d.position(length))
}

func sequenceErase(d *dice) *sample {
	length := d.between(1, 4)
	n := d.node(d.sequence(d.element(), length))
	if d.one(2) {
		n.inputs = append(n.inputs, d.position(length))
	}
	return n
}

func sequenceInsert(d *dice) *sample {
	length, t := d.IntN(4), d.element()
	n := d.node(d.sequence(t, length), d.tensor(t, d.shape(d.IntN(3)), -4, 5))
	if d.one(2) {
		at := tensor.FromInt64s(tensor.Int64, tensor.Shape{}, d.list(1, -length, length))
		n.inputs = append(n.inputs, at)
	}
	return n
}

func sequenceConstruct(d *dice) *sample {
	n := d.node()
	for range d.between(1, 4) {
		n.inputs = append(n.inputs, d.data())
	}
	return n
}

func sequenceEmpty(d *dice) *sample {
	n := d.node()
	if d.one(2) {
		attribute(n, "dtype", int64(pick(d, tensor.Float32, tensor.Int64, tensor.Float64, tensor.Bool, tensor.Uint8)))
	}
	return n
}

func concatFromSequence(d *dice) *sample {
	s := d.shape(d.between(1, 3))
	list := &tensor.Sequence{Elem: tensor.TensorType(d.element(), nil)}
	stacked := d.one(2)
	axis := d.axis(len(s), true)
	for range d.between(1, 3) {
		item := s.Clone()
		if !stacked {
			item[(axis+len(s))%len(s)] = d.IntN(3)
		}
		list.Items = append(list.Items, d.tensor(list.Elem.DType, item, -4, 5))
	}
	n := d.node(list)
	if stacked {
		attribute(n, "new_axis", int64(1))
		axis = d.between(-len(s)-1, len(s))
	}
	attribute(n, "axis", int64(axis))
	return n
}

func splitToSequence(d *dice) *sample {
	x := d.dataOf(d.between(1, 3))
	n := d.node(x)
	axis := d.axis(x.Rank(), true)
	extent := x.Shape()[(axis+x.Rank())%x.Rank()]
	attribute(n, "axis", int64(axis))
	if d.one(2) {
		attribute(n, "keepdims", int64(d.IntN(2)))
	}
	t := d.input(1)
	switch d.IntN(3) {
	case 0:
		n.inputs = append(n.inputs, tensor.FromInt64s(t, tensor.Shape{}, d.list(1, 1, 3)))
	case 1:
		first := d.IntN(extent + 1)
		n.inputs = append(n.inputs, tensor.FromInt64s(t, tensor.Shape{2}, []int64{int64(first), int64(extent - first)}))
	}
	return n
}

// value draws a tensor or a sequence of tensors.
func (d *dice) value() tensor.Value {
	t := d.element()
	if d.one(2) {
		return d.sequence(t, d.between(1, 3))
	}
	return d.tensor(t, d.shape(d.IntN(3)), -4, 5)
}

func optional(d *dice) *sample {
	if d.one(3) {
		n := d.node()
		attribute(n, "type", tensor.TensorType(tensor.Float32, nil))
		return n
	}
	return d.node(d.value())
}

// held draws a value, in an optional or as it is where the version allows that.
func (d *dice) held() tensor.Value {
	v := d.value()
	if d.since(18) && d.one(2) {
		return v
	}
	return &tensor.Optional{Elem: v.Type(), Item: v}
}

func optionalGetElement(d *dice) *sample { return d.node(d.held()) }

func optionalHasElement(d *dice) *sample {
	if d.since(18) && d.one(4) {
		return d.node()
	}
	n := d.node(d.held())
	if d.one(3) {
		n.inputs[0] = &tensor.Optional{Elem: tensor.TensorType(tensor.Float32, nil)}
	}
	return n
}
