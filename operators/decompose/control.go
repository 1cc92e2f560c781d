package decompose

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// control holds Scan, SequenceMap. If and Loop are what others consist of.
var control = family{
	"Scan":        scan,
	"SequenceMap": sequenceMap,
}

// loopBody starts the body of a Loop that runs a copy of another body: it has
// the iteration number, the condition and the state as inputs.
type loopBody struct {
	*graph.Builder
	graph     *graph.Graph
	iteration *graph.Value
	condition *graph.Value
}

func newLoopBody(n *graph.Node, state []*graph.Value) *loopBody {
	l := &loopBody{
		Builder:   graph.NewBuilder(n),
		iteration: &graph.Value{Name: n.Name + "/iteration", Type: tensor.TensorType(tensor.Int64, tensor.Dims{})},
		condition: &graph.Value{Name: n.Name + "/condition", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})},
	}
	l.graph = &graph.Graph{Name: n.Name + "/loop", Inputs: append([]*graph.Value{l.iteration, l.condition}, state...)}
	return l
}

// inline adds a copy of body that reads args in place of its inputs, and
// returns its outputs.
func (l *loopBody) inline(body *graph.Graph, args []*graph.Value) []*graph.Value {
	into := make(map[*graph.Value]*graph.Value)
	for i, v := range body.Inputs {
		into[v] = args[i]
	}
	c := body.Clone(into)
	l.Nodes = append(l.Nodes, c.Nodes...)
	l.Initializers = append(l.Initializers, c.Initializers...)
	return c.Outputs
}

// finish returns the body with the given outputs after the condition.
func (l *loopBody) finish(outputs []*graph.Value) *graph.Graph {
	l.graph.Nodes, l.graph.Initializers = l.Nodes, l.Initializers
	l.graph.Outputs = append([]*graph.Value{l.condition}, outputs...)
	return l.graph
}

// scan is a Loop whose body gathers its slices of the scan inputs, and whose
// stacked outputs are turned to the scan output axes.
func scan(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	body := n.Body("body")
	m := int(n.Int("num_scan_inputs", 0))
	states := len(n.Inputs) - m
	if body == nil || m < 1 || states < 0 || len(body.Inputs) != len(n.Inputs) || len(body.Outputs) < states {
		return nil, fmt.Errorf("num_scan_inputs %d does not go with %d inputs", m, len(n.Inputs))
	}
	axis := func(k int) int64 { return listed(n, "scan_input_axes", k) }
	length := b.Op("Gather", []*graph.Value{b.Op("Shape", []*graph.Value{n.Inputs[states]}), b.Const(tensor.Scalar(axis(0)))})

	l := newLoopBody(n, body.Inputs[:states])
	state := make([]*graph.Value, states)
	for i, v := range body.Inputs[:states] {
		state[i] = &graph.Value{Name: v.Name, Type: v.Type}
	}
	copy(l.graph.Inputs[2:], state)
	args := append([]*graph.Value{}, state...)
	for k, x := range n.Inputs[states:] {
		at := l.iteration
		if listed(n, "scan_input_directions", k) == 1 {
			last := l.Op("Sub", []*graph.Value{length, l.Const(tensor.Scalar(int64(1)))})
			at = l.Op("Sub", []*graph.Value{last, l.iteration})
		}
		args = append(args, l.Op("Gather", []*graph.Value{x, at}, graph.A("axis", axis(k))))
	}
	loop := l.finish(l.inline(body, args))

	inputs := append([]*graph.Value{length, nil}, n.Inputs[:states]...)
	out := b.Node("", "Loop", inputs, len(body.Outputs), graph.A("body", loop))
	for k := states; k < len(out); k++ {
		v, err := turned(b, out[k], listed(n, "scan_output_axes", k-states), listed(n, "scan_output_directions", k-states) == 1)
		if err != nil {
			return nil, fmt.Errorf("scan output %d: %w", k-states, err)
		}
		out[k] = v
	}
	return out, nil
}

// turned moves the first axis of a stacked output to another place, reversed
// where the iterations were to be prepended.
func turned(b *graph.Builder, v *graph.Value, axis int64, reversed bool) (*graph.Value, error) {
	if reversed {
		v = b.Op("Slice", []*graph.Value{v, b.Ints(-1), b.Ints(math.MinInt64), b.Ints(0), b.Ints(-1)})
	}
	if axis == 0 {
		return v, nil
	}
	rank := len(v.Type.Dims)
	if !v.Type.Dims.Ranked() {
		return nil, fmt.Errorf("moving the scan axis to %d takes a known rank", axis)
	}
	if axis < int64(-rank) || axis >= int64(rank) {
		return nil, fmt.Errorf("axis %d is outside [%d, %d)", axis, -rank, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	perm := make([]int64, 0, rank)
	for i := int64(1); i < int64(rank); i++ {
		perm = append(perm, i)
	}
	perm = append(perm[:axis], append([]int64{0}, perm[axis:]...)...)
	return b.Op("Transpose", []*graph.Value{v}, graph.A("perm", perm)), nil
}

// listed returns the i-th of a list of integers, 0 where it is left out.
func listed(n *graph.Node, name string, i int) int64 {
	if list := n.Ints(name); i < len(list) {
		return list[i]
	}
	return 0
}

// sequenceMap is a Loop that takes an element of each sequence and appends what
// the body makes of them to the output sequences.
func sequenceMap(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	body := n.Body("body")
	if body == nil || len(body.Inputs) != len(n.Inputs) || len(n.Inputs) == 0 {
		return nil, fmt.Errorf("the body must take as many values as the node has inputs: %d", len(n.Inputs))
	}
	initial := make([]*graph.Value, len(body.Outputs))
	state := make([]*graph.Value, len(body.Outputs))
	for k, v := range body.Outputs {
		elem, err := elementType(n, k, v)
		if err != nil {
			return nil, err
		}
		initial[k] = b.Op("SequenceEmpty", nil, graph.A("dtype", int64(elem)))
		state[k] = &graph.Value{Name: v.Name + "/all", Type: tensor.SequenceType(tensor.TensorType(elem, nil))}
	}
	l := newLoopBody(n, state)
	args := make([]*graph.Value, len(n.Inputs))
	for i, v := range n.Inputs {
		args[i] = v
		if v.Type.Kind == tensor.KindSequence {
			args[i] = l.Op("SequenceAt", []*graph.Value{v, l.iteration})
		}
	}
	made := l.inline(body, args)
	outputs := make([]*graph.Value, len(made))
	for k, v := range made {
		outputs[k] = l.Op("SequenceInsert", []*graph.Value{state[k], v})
	}
	length := b.Op("SequenceLength", []*graph.Value{n.Inputs[0]})
	inputs := append([]*graph.Value{length, nil}, initial...)
	return b.Node("", "Loop", inputs, len(outputs), graph.A("body", l.finish(outputs))), nil
}

// elementType returns the element type of what the body's k-th output holds.
func elementType(n *graph.Node, k int, v *graph.Value) (tensor.DType, error) {
	if v.Type.IsTensor() && v.Type.DType != tensor.Undefined {
		return v.Type.DType, nil
	}
	if out := n.Output(k); out != nil && out.Type.Elem != nil && out.Type.Elem.DType != tensor.Undefined {
		return out.Type.Elem.DType, nil
	}
	return tensor.Undefined, fmt.Errorf("output %d: the element type of its sequence is not known", k)
}
