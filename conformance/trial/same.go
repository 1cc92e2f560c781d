package trial

import (
	"bytes"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// elements returns the bytes of a tensor without what fills up the last one.
func elements(t *tensor.Tensor) []byte {
	used := t.Len() * t.DType().Bits() % 8
	if used == 0 || len(t.Bytes()) == 0 {
		return t.Bytes()
	}
	b := bytes.Clone(t.Bytes())
	b[len(b)-1] &= 1<<used - 1
	return b
}

// Same reports whether two values have the same bits.
func Same(a, b tensor.Value) bool {
	switch x := a.(type) {
	case *tensor.Tensor:
		y, ok := b.(*tensor.Tensor)
		return ok && y != nil && x.DType() == y.DType() && x.Shape().Equal(y.Shape()) &&
			bytes.Equal(elements(x), elements(y)) && slices.Equal(x.Strings(), y.Strings())
	case *tensor.Sequence:
		y, ok := b.(*tensor.Sequence)
		return ok && y != nil && slices.EqualFunc(x.Items, y.Items, Same)
	case *tensor.Optional:
		y, ok := b.(*tensor.Optional)
		return ok && y != nil && (x.Item == nil) == (y.Item == nil) && (x.Item == nil || Same(x.Item, y.Item))
	case *tensor.Map:
		y, ok := b.(*tensor.Map)
		return ok && y != nil && Same(x.Keys, y.Keys) && Same(x.Values, y.Values)
	}
	return a == nil && b == nil
}
