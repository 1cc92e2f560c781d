package decompose

import "example.com/midplane/operators/graph"

// cast holds Cast, CastLike, BitCast.
var cast = family{
	"CastLike": castLike,
}

func castLike(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 1)
	if err != nil {
		return nil, err
	}
	attributes := append(n.Without(), graph.A("to", int64(e.dtype)))
	return []*graph.Value{b.Op("Cast", n.Inputs[:1], attributes...)}, nil
}
