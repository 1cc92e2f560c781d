package opset

import "example.com/midplane/operators/graph"

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{
	"RNN":  {{7, sequenceOutput}},
	"GRU":  {{3, misspeltDirection}, {7, sequenceOutput}},
	"LSTM": {{7, sequenceOutput}},
}

// sequenceOutput: whether there is a first output was told by output_sequence;
// since version 7 a node has the outputs that it names.
func sequenceOutput(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	n.Attributes = n.Without("output_sequence")
	return n.Outputs, nil
}

// misspeltDirection: the default of GRU's direction was called "foward".
func misspeltDirection(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if n.Text("direction", "") == "foward" {
		n.Set(graph.A("direction", "forward"))
	}
	return n.Outputs, nil
}
