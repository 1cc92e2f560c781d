package reference_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// typed is a node whose values have the given shapes of float32, or other types.
func typed(op string, in, out []tensor.Type, attrs ...graph.Attribute) *graph.Node {
	n := &graph.Node{Op: op, Attributes: attrs}
	for _, t := range in {
		n.Inputs = append(n.Inputs, &graph.Value{Type: t})
	}
	for _, t := range out {
		n.Outputs = append(n.Outputs, &graph.Value{Type: t})
	}
	return n
}

func float(extents ...int) tensor.Type {
	return tensor.TensorType(tensor.Float32, tensor.KnownDims(extents))
}

func types(list ...tensor.Type) []tensor.Type { return list }

func TestDenseJoin(t *testing.T) {
	int4 := func(n int) tensor.Type { return tensor.TensorType(tensor.Int4, tensor.KnownDims(tensor.Shape{n})) }
	axis := func(a int64) graph.Attribute { return graph.A("axis", a) }
	for name, c := range map[string]struct {
		node *graph.Node
		want []int64 // nil: none
	}{
		"channels":               {typed("Concat", types(float(1, 2, 3), float(1, 5, 3)), types(float(1, 7, 3)), axis(1)), []int64{0, 24}},
		"blocks of channels":     {typed("Concat", types(float(1, 2, 3, 16), float(1, 1, 3, 16)), types(float(1, 3, 3, 16)), axis(-3)), []int64{0, 384}},
		"rows":                   {typed("Concat", types(float(2, 3), float(0, 3), float(1, 3)), types(float(3, 3)), axis(0)), []int64{0, 24, 24}},
		"a batch of two":         {typed("Concat", types(float(2, 2, 3), float(2, 5, 3)), types(float(2, 7, 3)), axis(1)), nil},
		"columns":                {typed("Concat", types(float(2, 3), float(2, 3)), types(float(2, 6)), axis(1)), nil},
		"columns of one row":     {typed("Concat", types(float(1, 3), float(1, 3)), types(float(1, 6)), axis(1)), []int64{0, 12}},
		"extents that do not go": {typed("Concat", types(float(2, 3), float(1, 4)), types(float(3, 3)), axis(0)), nil},
		"an open extent":         {typed("Concat", types(float(2), tensor.TensorType(tensor.Float32, tensor.UnknownDims(1))), types(float(5)), axis(0)), nil},
		"an axis beyond":         {typed("Concat", types(float(2), float(2)), types(float(4)), axis(1)), nil},
		"half bytes":             {typed("Concat", types(int4(4), int4(3)), types(int4(7)), axis(0)), []int64{0, 2}},
		"from half a byte on":    {typed("Concat", types(int4(3), int4(4)), types(int4(7)), axis(0)), nil},
		"something else":         {typed("Add", types(float(2), float(2)), types(float(2))), nil},
	} {
		got, ok := reference.DenseJoin(c.node)
		assert.Equal(t, c.want != nil, ok, name)
		if ok {
			assert.Equal(t, c.want, got, name)
		}
	}
}

func TestDenseView(t *testing.T) {
	slice := func(from, to tensor.Type, lists ...[]int64) *graph.Node {
		n := typed("Slice", types(from), types(to))
		for _, l := range lists {
			var v *graph.Value
			if l != nil {
				v = &graph.Value{Const: tensor.Of(l)}
			}
			n.Inputs = append(n.Inputs, v)
		}
		return n
	}
	axis := func(a int64) graph.Attribute { return graph.A("axis", a) }
	variable := slice(float(4, 3), float(2, 3), []int64{1}, []int64{3})
	variable.Inputs[1].Const = nil
	for name, c := range map[string]struct {
		node *graph.Node
		want []int64
	}{
		"another shape":         {typed("Reshape", types(float(2, 3), float(1)), types(float(6))), []int64{0}},
		"parts":                 {typed("Split", types(float(1, 6, 2)), types(float(1, 2, 2), float(1, 4, 2)), axis(1)), []int64{0, 16}},
		"parts of each row":     {typed("Split", types(float(2, 6)), types(float(2, 3), float(2, 3)), axis(1)), nil},
		"fewer than all":        {typed("Split", types(float(6)), types(float(2), float(2)), axis(0)), nil},
		"rows":                  {slice(float(4, 3), float(2, 3), []int64{1}, []int64{3}), []int64{12}},
		"rows from the end":     {slice(float(4, 3), float(1, 3), []int64{-1}, []int64{1 << 40}, []int64{0}), []int64{36}},
		"part of one row":       {slice(float(4, 3), float(1, 2), []int64{2, 1}, []int64{3, 3}), []int64{28}},
		"one of every row":      {slice(float(4, 3), float(4, 1), []int64{1}, []int64{2}, []int64{1}), nil},
		"every second":          {slice(float(4, 3), float(2, 3), []int64{0}, []int64{4}, []int64{0}, []int64{2}), nil},
		"one, by a step":        {slice(float(4, 3), float(1, 3), []int64{3}, []int64{1}, []int64{-2}, []int64{-2}), []int64{36}},
		"backwards":             {slice(float(4), float(4), []int64{-1}, []int64{-9}, []int64{0}, []int64{-1}), nil},
		"nothing":               {slice(float(4, 3), float(0, 3), []int64{4}, []int64{9}), []int64{0}},
		"all":                   {slice(float(4, 3), float(4, 3), []int64{0}, []int64{9}), []int64{0}},
		"an axis beyond":        {slice(float(4), float(4), []int64{0}, []int64{4}, []int64{1}), nil},
		"limits that vary":      {variable, nil},
		"of another domain":     {&graph.Node{Domain: "com.example", Op: "Split"}, nil},
		"something else":        {typed("Relu", types(float(2)), types(float(2))), nil},
		"several inner columns": {slice(float(1, 4, 6), float(1, 4, 3), []int64{0}, []int64{3}, []int64{2}), nil},
	} {
		input, got, ok := reference.DenseView(c.node)
		assert.Equal(t, c.want != nil, ok, name)
		if ok {
			assert.Zero(t, input, name)
			assert.Equal(t, c.want, got, name)
		}
	}
}
