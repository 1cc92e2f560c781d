package opset

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// encoder holds LabelEncoder of ai.onnx.ml.
var encoder = family{
	"ai.onnx.ml.LabelEncoder": {{Below: 2, Lift: indexLabels}},
}

// indexLabels makes the keys and values of a LabelEncoder explicit: version 1
// translates between strings and their indexes in classes_strings, in the
// direction that the input's type tells or, while that is unknown, the default
// that is set.
func indexLabels(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	classes := n.Texts("classes_strings")
	indexes := make([]int64, len(classes))
	for i := range indexes {
		indexes[i] = int64(i)
	}
	toStrings := n.Has("default_string")
	if d := n.Inputs[0].Type.DType; d != tensor.Undefined {
		toStrings = d == tensor.Int64
	}
	if toStrings {
		n.Attributes = append(n.Without("classes_strings", "default_int64"), graph.A("keys_int64s", indexes), graph.A("values_strings", classes))
	} else {
		n.Attributes = append(n.Without("classes_strings", "default_string"), graph.A("keys_strings", classes), graph.A("values_int64s", indexes))
	}
	return n.Outputs, nil
}
