package opset

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// slice holds Slice, Concat, Split, Pad, Trilu, ReverseSequence, Compress,
// CenterCropPad.
var slice = family{
	"Slice":  {{10, rangesOfSlice}},
	"Concat": {{4, axisOfConcat}},
	"Split":  {{2, partsOfSplit}, {13, intsToInput("split", 1)}, {18, numberOfSplits}},
	"Pad":    {{2, paddingsOfPad}, {11, padsOfPad}},
}

func rangesOfSlice(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	for i, name := range []string{"starts", "ends", "axes"} {
		if _, err := intsToInput(name, i+1)(b, n); err != nil {
			return nil, err
		}
	}
	return n.Outputs, nil
}

func axisOfConcat(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	n.Set(graph.A("axis", n.Int("axis", 1)))
	return n.Outputs, nil
}

// partsOfSplit: the lengths were an attribute or an input of the data's type.
func partsOfSplit(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	lengths := n.Input(1)
	if lengths == nil {
		return n.Outputs, nil
	}
	whole := b.Op("Cast", []*graph.Value{lengths}, graph.A("to", int64(tensor.Int64)))
	return b.Node("", n.Op, []*graph.Value{n.Inputs[0], whole}, len(n.Outputs), n.Without("split")...), nil
}

// numberOfSplits: without lengths, there are as many equal parts as outputs.
func numberOfSplits(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if n.Input(1) == nil {
		n.Set(graph.A("num_outputs", int64(len(n.Outputs))))
	}
	return n.Outputs, nil
}

func paddingsOfPad(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	n.Attributes = append(n.Without("paddings"), graph.A("pads", n.Ints("paddings")))
	return n.Outputs, nil
}

func padsOfPad(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if n.Float("value", 0) == 0 {
		n.Attributes = n.Without("value")
		return intsToInput("pads", 1)(b, n)
	}
	value := b.Const(tensor.Scalar(n.Float("value", 0)))
	value = b.Op("CastLike", []*graph.Value{value, n.Inputs[0]})
	in := []*graph.Value{n.Inputs[0], b.Ints(n.Ints("pads")...), value}
	return b.Node("", n.Op, in, 1, n.Without("value", "pads")...), nil
}
