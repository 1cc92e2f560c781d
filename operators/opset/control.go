package opset

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// control holds If, Loop, Scan, SequenceMap.
var control = family{
	"Scan": {{9, batchedScan}},
}

// batchedScan: states and scan inputs had a batch axis in front of all others,
// the sequence axis was the next, and an optional first input gave the length
// of each sequence. This is a Scan over the batch whose body holds the Scan
// over one sequence. Behind its end a scan output, which is undefined there, is
// zero.
func batchedScan(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	scans := int(n.Int("num_scan_inputs", 0))
	if scans < 1 || len(n.Inputs) < 1+scans {
		return nil, fmt.Errorf("num_scan_inputs is %d, it must lie in [1, %d]", scans, len(n.Inputs)-1)
	}
	body := n.Body("body")
	if body == nil {
		return nil, fmt.Errorf("the attribute body, a graph, is missing")
	}
	lengths, inputs := n.Input(0), append([]*graph.Value{}, n.Inputs[1:]...)
	states := len(inputs) - scans
	if lengths != nil {
		inputs = append(inputs, lengths)
	}
	sample := make([]*graph.Value, len(inputs))
	for i, v := range inputs {
		sample[i] = &graph.Value{Name: v.Name + "/sample", Type: unbatched(v.Type)}
	}
	attrs := []graph.Attribute{graph.A("body", body), graph.A("num_scan_inputs", int64(scans))}
	if directions := n.Ints("directions"); directions != nil {
		attrs = append(attrs, graph.A("scan_input_directions", directions))
	}
	one := b.Body("batch", sample, func(b *graph.Builder) []*graph.Value {
		if lengths == nil {
			return b.Node("", "Scan", sample, len(body.Outputs), attrs...)
		}
		length := b.Op("Reshape", []*graph.Value{sample[len(sample)-1], b.Ints(1)})
		in := append([]*graph.Value{}, sample[:len(sample)-1]...)
		rest := b.Op("Sub", []*graph.Value{b.Op("Shape", in[states:states+1], graph.A("end", int64(1))), length})
		for i := states; i < len(in); i++ {
			in[i] = b.Op("Slice", []*graph.Value{in[i], b.Ints(0), length, b.Ints(0)})
		}
		out := b.Node("", "Scan", in, len(body.Outputs), attrs...)
		pads := b.Op("Concat", []*graph.Value{b.Ints(0), rest}, graph.A("axis", int64(0)))
		for i := states; i < len(out); i++ {
			out[i] = b.Op("Pad", []*graph.Value{out[i], pads, nil, b.Ints(0)})
		}
		return out
	})
	return b.Node("", "Scan", inputs, len(n.Outputs), graph.A("body", one), graph.A("num_scan_inputs", int64(len(inputs)))), nil
}

// unbatched returns the type of a slice along the first axis.
func unbatched(t tensor.Type) tensor.Type {
	if t.IsTensor() && len(t.Dims) > 0 {
		t.Dims = t.Dims[1:]
	}
	return t
}
