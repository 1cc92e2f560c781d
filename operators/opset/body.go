package opset

import (
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// formalInputs leaves a body the inputs that its node feeds (before version 4 of
// the representation, initializers stood behind them), and gives those of a
// Loop's or Scan's body the types that follow from the node's inputs, where the
// file declares none.
func formalInputs(n *graph.Node, body *graph.Graph) {
	body.Inputs = slices.DeleteFunc(body.Inputs, func(v *graph.Value) bool { return v.Const != nil })
	if n.Domain != "" {
		return
	}
	for i, v := range body.Inputs {
		if v.Type.Kind != tensor.KindUnknown {
			continue
		}
		switch n.Op {
		case "Loop":
			v.Type = loopInput(n, i)
		case "Scan":
			v.Type = scanInput(n, i, len(body.Inputs))
		}
	}
}

// loopInput returns the type of input i of a Loop's body: the iteration, the
// condition, and the carried values, whose shapes may change as it runs.
func loopInput(n *graph.Node, i int) tensor.Type {
	switch {
	case i == 0:
		return tensor.TensorType(tensor.Int64, tensor.Dims{})
	case i == 1:
		return tensor.TensorType(tensor.Bool, tensor.Dims{})
	case n.Input(i) == nil:
		return tensor.Type{}
	}
	t := n.Input(i).Type
	if t.IsTensor() {
		t.Dims = nil
	}
	return t
}

// scanInput returns the type of input i of the count inputs of a Scan's body: a
// state, or a slice of an input along its scan axis. Version 8 has the lengths
// of sequences as its first input and a batch axis that bodies do not see.
func scanInput(n *graph.Node, i, count int) tensor.Type {
	first, hidden := 0, 0
	if n.Version == 8 {
		first, hidden = 1, 1
	}
	if scans := n.Int("num_scan_inputs", 0); i >= count-int(scans) {
		hidden++
	}
	from := n.Input(first + i)
	if from == nil || !from.Type.IsTensor() {
		return tensor.Type{}
	}
	if hidden == 0 {
		return from.Type
	}
	rank := len(from.Type.Dims) - hidden
	if rank < 0 {
		return tensor.TensorType(from.Type.DType, nil)
	}
	return tensor.TensorType(from.Type.DType, tensor.UnknownDims(rank))
}
