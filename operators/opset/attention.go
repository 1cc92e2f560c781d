package opset

import "example.com/midplane/operators/graph"

// attention holds Attention, FlexAttention, LinearAttention, RotaryEmbedding.
var attention = family{
	"Attention": {{24, broadcastMask}},
}

// broadcastMask: the last axis of a mask broadcast to the keys; since version 24
// a mask that is shorter forbids the keys behind it.
func broadcastMask(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	mask := n.Input(3)
	if mask == nil {
		return n.Outputs, nil
	}
	if dims := mask.Type.Dims; len(dims) > 0 {
		if last := dims[len(dims)-1]; last.IsKnown() && last.Size != 1 {
			return n.Outputs, nil
		}
	}
	axis := func(v *graph.Value) *graph.Value { // of the keys, packed or not
		return b.Op("Shape", []*graph.Value{v}, graph.A("start", int64(-2)), graph.A("end", int64(-1)))
	}
	keys := axis(n.Input(1))
	if past := n.Input(4); past != nil {
		keys = b.Op("Add", []*graph.Value{keys, axis(past)})
	}
	inputs := append([]*graph.Value{}, n.Inputs...)
	inputs[3] = b.Op("Expand", []*graph.Value{mask, keys})
	return b.Node("", "Attention", inputs, len(n.Outputs), n.Attributes...), nil
}
