package infer

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

// elements returns the type of the elements of sequence input 0, the zero Type
// while it is unknown.
func elements(c *Call) (tensor.Type, error) {
	t := c.Fact(0).Type
	switch {
	case t.Kind == tensor.KindSequence && t.Elem != nil:
		return *t.Elem, nil
	case t.Kind != tensor.KindSequence && t.Kind != tensor.KindUnknown:
		return tensor.Type{}, fmt.Errorf("the input is %v, it must be a sequence", t)
	}
	return tensor.Type{}, nil
}

// setSequence makes output 0 a sequence of elem, if that is known.
func setSequence(c *Call, elem tensor.Type) {
	if elem.Kind != tensor.KindUnknown {
		c.SetType(0, tensor.SequenceType(elem))
	}
}

func sequenceConstruct(c *Call) error {
	elem := c.Fact(0).Type
	for i, f := range c.In {
		if a, b := elem.DType, f.Type.DType; a != b && a != tensor.Undefined && b != tensor.Undefined {
			return fmt.Errorf("input %d is %v, the ones before are %v: all must have one type", i, b, a)
		}
		elem = mergeTypes(elem, f.Type)
	}
	setSequence(c, elem)
	return nil
}

func sequenceEmpty(c *Call) error {
	d := c.Node.DType("dtype", tensor.Float32)
	c.SetType(0, tensor.SequenceType(tensor.TensorType(d, nil)))
	return nil
}

func sequenceInsert(c *Call) error {
	elem, err := elements(c)
	if err != nil {
		return err
	}
	if a, b := elem.DType, c.DType(1); a != b && a != tensor.Undefined && b != tensor.Undefined {
		return fmt.Errorf("a tensor of %v does not go into a sequence of %v", b, a)
	}
	setSequence(c, mergeTypes(elem, c.Fact(1).Type))
	return nil
}

func sequenceErase(c *Call) error {
	elem, err := elements(c)
	setSequence(c, elem)
	return err
}

func sequenceAt(c *Call) error {
	elem, err := elements(c)
	c.SetType(0, elem)
	return err
}

func sequenceLength(c *Call) error {
	c.Set(0, tensor.Int64, nil)
	return nil
}

func concatFromSequence(c *Call) error {
	elem, err := elements(c)
	if err != nil {
		return err
	}
	c.SetUnranked(0, elem.DType)
	if !elem.Dims.Ranked() {
		return nil
	}
	newAxis := c.Node.Bool("new_axis", false)
	rank := len(elem.Dims)
	if newAxis {
		rank++
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), rank)
	if err != nil {
		return err
	}
	dims := elem.Dims.Clone()
	if newAxis {
		dims = slices.Insert(dims, axis, tensor.Symbol(""))
	}
	dims[axis] = tensor.Symbol("")
	c.Set(0, elem.DType, dims)
	return nil
}

func splitToSequence(c *Call) error {
	d, dims := c.DType(0), c.Dims(0)
	c.SetType(0, tensor.SequenceType(tensor.TensorType(d, nil)))
	if !dims.Ranked() {
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), len(dims))
	if err != nil {
		return err
	}
	elem := dims.Clone()
	switch {
	case c.Has(1):
		elem[axis] = chunk(c, dims[axis])
	case c.Node.Bool("keepdims", true):
		elem[axis] = tensor.Known(1)
	default:
		elem = slices.Delete(elem, axis, axis+1)
	}
	c.SetType(0, tensor.SequenceType(tensor.TensorType(d, elem)))
	return nil
}

// chunk returns the extent that all parts of an axis of extent n share when it
// is split by input 1, unknown if they differ.
func chunk(c *Call, n tensor.Dim) tensor.Dim {
	sizes, ok := c.Ints(1)
	if !ok || len(sizes) == 0 || sizes[0] < 0 {
		return tensor.Symbol("")
	}
	for _, size := range sizes {
		if size != sizes[0] {
			return tensor.Symbol("")
		}
	}
	rank, _ := c.Rank(1)
	if whole := n.IsKnown() && sizes[0] > 0 && int64(n.Size)%sizes[0] == 0; rank == 0 && !whole {
		return tensor.Symbol("")
	}
	return tensor.Known(tensor.Extent(sizes[0]))
}

func optional(c *Call) error {
	elem := c.Fact(0).Type
	if t, ok := graph.Attr[tensor.Type](c.Node, "type"); ok && !c.Has(0) {
		elem = t
	}
	c.SetType(0, tensor.OptionalType(elem))
	return nil
}

func optionalGetElement(c *Call) error {
	f := c.Fact(0)
	if f.Type.Kind == tensor.KindOptional {
		if f.Type.Elem != nil {
			c.SetType(0, *f.Type.Elem)
		}
		return nil
	}
	if len(c.Out) > 0 {
		c.Out[0] = f
	}
	return nil
}

func optionalHasElement(c *Call) error {
	c.Set(0, tensor.Bool, nil)
	kind := c.Fact(0).Type.Kind
	if c.Has(0) && (kind == tensor.KindOptional || kind == tensor.KindUnknown) {
		return nil
	}
	if len(c.Out) > 0 {
		c.Out[0] = Of(tensor.Scalar(c.Has(0)))
	}
	return nil
}
