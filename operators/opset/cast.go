package opset

import (
	"fmt"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// cast holds Cast, CastLike, BitCast.
var cast = family{
	"Cast": {{Below: 6, Lift: typeByNumber}},
}

// typeByNumber replaces the name of the type that a Cast casts to ("FLOAT") by
// its number.
func typeByNumber(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	name, ok := graph.Attr[string](n, "to")
	if !ok {
		return n.Outputs, nil
	}
	d, err := tensor.ParseDType(strings.ToLower(name))
	if err != nil {
		return nil, fmt.Errorf("attribute to: %w", err)
	}
	n.Set(graph.A("to", int64(d)))
	return n.Outputs, nil
}
