package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// rotaryEmbedding turns pairs: (a cos - b sin, a sin + b cos).
func rotaryEmbedding(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	x := n.Input(0)
	heads := int64(1) // the axis of the heads
	switch len(x.Type.Dims) {
	case 3:
		heads = 2
		count := n.Int("num_heads", 0)
		size := e.do("Div", e.extent(x, 2), e.Ints(count))
		x = e.do("Reshape", x, e.joined(0, e.Ints(0, 0, count), size))
	case 4:
	default:
		return nil, fmt.Errorf("the rank of X must be known to be 3 or 4")
	}
	cos, sin := n.Input(1), n.Input(2)
	if ids := n.Input(3); ids != nil {
		cos, sin = e.do("Gather", cos, ids), e.do("Gather", sin, ids)
	}
	cos, sin = e.do("Unsqueeze", e.to(e.dtype, cos), e.Ints(heads)), e.do("Unsqueeze", e.to(e.dtype, sin), e.Ints(heads))
	x = e.to(e.dtype, x)
	turned, rest := x, (*graph.Value)(nil)
	if size := n.Int("rotary_embedding_dim", 0); size != 0 {
		most := int64(1) << 62
		turned = e.do("Slice", x, e.Ints(0), e.Ints(size), e.Ints(-1))
		rest = e.do("Slice", x, e.Ints(size), e.Ints(most), e.Ints(-1))
	}
	interleaved := n.Bool("interleaved", false)
	first, second := e.pairs(turned, interleaved)
	re := e.do("Sub", e.do("Mul", first, cos), e.do("Mul", second, sin))
	im := e.do("Add", e.do("Mul", first, sin), e.do("Mul", second, cos))
	y := e.joined(-1, re, im)
	if interleaved {
		last := e.Ints(-1)
		y = e.do("Reshape", e.joined(-1, e.do("Unsqueeze", re, last), e.do("Unsqueeze", im, last)), e.do("Shape", turned))
	}
	if rest != nil {
		y = e.joined(-1, y, rest)
	}
	if heads == 2 {
		y = e.do("Reshape", y, e.do("Shape", n.Input(0)))
	}
	return []*graph.Value{e.to(n.Input(0).Type.DType, y)}, nil
}

// pairs returns the first and second elements of the pairs along the last axis,
// which are neighbours or its two halves.
func (e expression) pairs(v *graph.Value, interleaved bool) (first, second *graph.Value) {
	if interleaved {
		size := e.do("Div", e.extent(v, -1), e.Ints(2))
		v = e.do("Reshape", v, e.joined(0, e.Ints(0, 0, 0), size, e.Ints(2)))
		pick := func(i int64) *graph.Value {
			return e.Op("Gather", []*graph.Value{v, e.Const(tensor.Scalar(i))}, graph.A("axis", int64(-1)))
		}
		return pick(0), pick(1)
	}
	halves := e.Node("", "Split", []*graph.Value{v}, 2, graph.A("axis", int64(-1)), graph.A("num_outputs", int64(2)))
	return halves[0], halves[1]
}
