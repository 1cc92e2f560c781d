package microsoft

import (
	"fmt"

	"example.com/midplane/operators/graph"
)

// rotaryEmbedding is ONNX's, whose angles come before the positions. One position
// is that of the first step of every sample.
func rotaryEmbedding(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	switch {
	case rank != 3 && rank != 4:
		return nil, fmt.Errorf("input has the shape %v, its rank must be 3 or 4", e.in(0).Type.Dims)
	case n.Bool("is_packed_batching", false):
		return nil, fmt.Errorf("is_packed_batching is set: samples of unequal length in one row are not computed")
	case n.Float("scale", 1) != 1:
		return nil, fmt.Errorf("scale is %g: what it scales is not specified", n.Float("scale", 1))
	}
	half, heads, turned := dim(e.in(2), 1), n.Int("num_heads", 0), n.Int("rotary_embedding_dim", 0)
	if rank == 3 && heads == 0 {
		size := dim(e.in(0), 2)
		if !half.IsKnown() || !size.IsKnown() || half.Size < 1 || size.Size%(2*half.Size) != 0 {
			return nil, fmt.Errorf("num_heads is not set, and that vectors of %v elements have heads of twice %v is not known", size, half)
		}
		heads = int64(size.Size / (2 * half.Size))
	}
	attributes := []graph.Attribute{graph.A("interleaved", n.Int("interleaved", 0)), graph.A("rotary_embedding_dim", turned)}
	if rank == 3 {
		attributes = append(attributes, graph.A("num_heads", heads))
	}
	positions, err := e.positions(rank)
	if err != nil {
		return nil, err
	}
	return []*graph.Value{e.Op("RotaryEmbedding", []*graph.Value{e.in(0), e.in(2), e.in(3), positions}, attributes...)}, nil
}

// positions returns those of every step (B, S).
func (e emitter) positions(rank int) (*graph.Value, error) {
	given, err := rankOf(e.node, 1)
	if err != nil || given == 2 {
		return e.in(1), err
	}
	steps := e.extent(e.in(0), int64(rank-2))
	each := e.do("Add", e.do("Reshape", e.in(1), e.Ints(1)), e.upTo(steps))
	return e.do("Expand", e.do("Unsqueeze", each, e.Ints(0)), e.join(0, e.extent(e.in(0), 0), steps)), nil
}
