package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// control holds If, Loop, Scan, SequenceMap.
var control = family{
	"If":          ifElse,
	"Loop":        loop,
	"Scan":        scan,
	"SequenceMap": sequenceMap,
}

func ifElse(c *Call) ([]tensor.Value, error) {
	cond, err := flag(c.Inputs[0])
	if err != nil {
		return nil, err
	}
	name := "else_branch"
	if cond {
		name = "then_branch"
	}
	body, err := bodyOf(c.Node, name, 0)
	if err != nil {
		return nil, err
	}
	return c.Body(body, nil)
}

// flag returns the value of a bool tensor of one element.
func flag(v tensor.Value) (bool, error) {
	t, ok := v.(*tensor.Tensor)
	if !ok || t.DType() != tensor.Bool || t.Len() != 1 {
		return false, fmt.Errorf("the condition must be one bool, it is %v", v)
	}
	return tensor.Slice[bool](t)[0], nil
}

// bodyOf returns a graph attribute, which must have at least so many outputs.
func bodyOf(n *graph.Node, name string, outputs int) (*graph.Graph, error) {
	body := n.Body(name)
	if body == nil {
		return nil, fmt.Errorf("the attribute %s, a graph, is missing", name)
	}
	if len(body.Outputs) < outputs {
		return nil, fmt.Errorf("the graph %s gives %d outputs, at least %d are needed", name, len(body.Outputs), outputs)
	}
	return body, nil
}

// loop runs its body while the trip count M and the condition, as far as each
// is given, allow it; where no condition is given, that of the body is carried
// on without effect. The body maps (iteration, condition, states...) to
// (condition, states..., scan outputs...).
func loop(c *Call) ([]tensor.Value, error) {
	states := append([]tensor.Value{}, c.Inputs[min(2, len(c.Inputs)):]...)
	body, err := bodyOf(c.Node, "body", 1+len(states))
	if err != nil {
		return nil, err
	}
	trips, cond, conditional := int64(math.MaxInt64), true, c.Has(1)
	if c.Has(0) {
		m := c.Ints(0)
		if len(m) != 1 {
			return nil, fmt.Errorf("the trip count has %d elements, it must have one", len(m))
		}
		trips = m[0]
	}
	if conditional {
		if cond, err = flag(c.Inputs[1]); err != nil {
			return nil, err
		}
	}
	gathered := make([]scanOutput, len(body.Outputs)-1-len(states))
	for i := int64(0); i < trips && (cond || !conditional); i++ {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		counters := []tensor.Value{asDeclared(body, 0, tensor.Scalar(i)), asDeclared(body, 1, tensor.Scalar(cond))}
		out, err := step(c, body, append(counters, states...), int(i))
		if err != nil {
			return nil, err
		}
		if cond, err = flag(out[0]); err != nil {
			return nil, fmt.Errorf("iteration %d: %w", i, err)
		}
		copy(states, out[1:])
		for k, v := range out[1+len(states):] {
			if err := gathered[k].add(v); err != nil {
				return nil, fmt.Errorf("iteration %d: %w", i, err)
			}
		}
	}
	return finish(c.Node, body, 1, states, gathered)
}

// asDeclared gives a scalar the shape [1] if the body declares its input so.
func asDeclared(body *graph.Graph, input int, scalar *tensor.Tensor) tensor.Value {
	if input < len(body.Inputs) && len(body.Inputs[input].Type.Dims) == 1 {
		scalar, _ = scalar.Reshape(tensor.Shape{1})
	}
	return scalar
}

// step runs a body once and makes sure that every output has a value.
func step(c *Call, body *graph.Graph, in []tensor.Value, i int) ([]tensor.Value, error) {
	out, err := c.Body(body, in)
	if err != nil {
		return nil, fmt.Errorf("iteration %d: %w", i, err)
	}
	for k, v := range out {
		if v == nil {
			return nil, fmt.Errorf("iteration %d: output %q of the body has no value", i, body.Outputs[k].Name)
		}
	}
	return out, nil
}

// scan steps through its scan inputs. The body maps (states..., elements...) to
// (states..., scan outputs...).
func scan(c *Call) ([]tensor.Value, error) {
	m := int(c.Node.Int("num_scan_inputs", 0))
	n := len(c.Inputs) - m
	if m < 1 || n < 0 {
		return nil, fmt.Errorf("num_scan_inputs is %d, it must lie in [1, %d]", m, len(c.Inputs))
	}
	body, err := bodyOf(c.Node, "body", n)
	if err != nil {
		return nil, err
	}
	axes, length, err := scanAxes(c, n)
	if err != nil {
		return nil, err
	}
	states := append([]tensor.Value{}, c.Inputs[:n]...)
	gathered := make([]scanOutput, len(body.Outputs)-n)
	for k := range gathered {
		gathered[k].axis = perInput(c.Node, "scan_output_axes", k)
		gathered[k].prepend = perInput(c.Node, "scan_output_directions", k) != 0
	}
	for i := range length {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		in := append([]tensor.Value{}, states...)
		for k, axis := range axes {
			at := i
			if perInput(c.Node, "scan_input_directions", k) != 0 {
				at = length - 1 - i
			}
			in = append(in, element(c.Tensor(n+k), axis, at))
		}
		out, err := step(c, body, in, i)
		if err != nil {
			return nil, err
		}
		copy(states, out)
		for k, v := range out[n:] {
			if err := gathered[k].add(v); err != nil {
				return nil, fmt.Errorf("iteration %d: %w", i, err)
			}
		}
	}
	return finish(c.Node, body, 0, states, gathered)
}

// scanAxes returns the axis of every scan input, the first of which is input n
// of the node, and their common extent along it.
func scanAxes(c *Call, n int) (axes []int, length int, err error) {
	for k := n; k < len(c.Inputs); k++ {
		t := c.Tensor(k)
		if t == nil {
			return nil, 0, fmt.Errorf("scan input %d must be a tensor", k-n)
		}
		axis, err := tensor.Axis(perInput(c.Node, "scan_input_axes", k-n), t.Rank())
		if err != nil {
			return nil, 0, fmt.Errorf("scan input %d: %w", k-n, err)
		}
		if size := t.Shape()[axis]; k == n {
			length = size
		} else if size != length {
			return nil, 0, fmt.Errorf("scan input %d has %d elements along axis %d, the first scan input has %d", k-n, size, axis, length)
		}
		axes = append(axes, axis)
	}
	return axes, length, nil
}

// perInput returns the k-th value of a list attribute, 0 where there is none.
func perInput(n *graph.Node, name string, k int) int64 {
	if list := n.Ints(name); k < len(list) {
		return list[k]
	}
	return 0
}

// scanOutput gathers what a body gives in each iteration for one scan output.
type scanOutput struct {
	axis    int64 // of the result, along which the iterations lie
	prepend bool
	items   []*tensor.Tensor
}

func (s *scanOutput) add(v tensor.Value) error {
	t, ok := v.(*tensor.Tensor)
	if !ok {
		return fmt.Errorf("a scan output must be a tensor, it is %v", v.Type())
	}
	if len(s.items) > 0 {
		if first := s.items[0]; first.DType() != t.DType() || !first.Shape().Equal(t.Shape()) {
			return fmt.Errorf("a scan output was %v in the first iteration and is now %v", first.Type(), t.Type())
		}
	}
	s.items = append(s.items, t)
	return nil
}

// stacked returns the scan output itself. Without iterations it is empty, with
// the type and as far as known the extents declared, unknown ones being 0.
func (s *scanOutput) stacked(declared tensor.Type) (*tensor.Tensor, error) {
	axis, err := tensor.Axis(s.axis, s.rank(declared)+1)
	if err != nil {
		return nil, fmt.Errorf("scan output: %w", err)
	}
	if len(s.items) > 0 {
		items := append([]*tensor.Tensor{}, s.items...)
		for i := 0; s.prepend && i < len(items); i++ {
			items[i] = s.items[len(items)-1-i]
		}
		return stack(items, axis)
	}
	if !declared.IsTensor() || !declared.DType.Valid() {
		return nil, fmt.Errorf("scan output without iterations: the body does not declare its type")
	}
	shape := tensor.Shape{}
	for _, d := range declared.Dims {
		shape = append(shape, max(0, d.Size))
	}
	return tensor.New(declared.DType, insertAxis(shape, axis, 0))
}

func (s *scanOutput) rank(declared tensor.Type) int {
	if len(s.items) > 0 {
		return s.items[0].Rank()
	}
	return len(declared.Dims)
}

// finish returns the final states followed by the scan outputs, which start
// behind the states and skip other outputs of the body.
func finish(n *graph.Node, body *graph.Graph, skip int, states []tensor.Value, gathered []scanOutput) ([]tensor.Value, error) {
	out := append([]tensor.Value{}, states...)
	for k := range gathered {
		t, err := gathered[k].stacked(body.Outputs[skip+len(states)+k].Type)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// sequenceMap runs its body on every element of the first sequence, on those of
// the other sequences at the same place, and on the tensors given.
func sequenceMap(c *Call) ([]tensor.Value, error) {
	body, err := bodyOf(c.Node, "body", len(c.Node.Outputs))
	if err != nil {
		return nil, err
	}
	first, err := sequenceIn(c, 0)
	if err != nil {
		return nil, err
	}
	results := make([]*tensor.Sequence, len(body.Outputs))
	for k, v := range body.Outputs {
		results[k] = &tensor.Sequence{Elem: anyShape(v.Type)}
	}
	for i := range first.Items {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		in := append([]tensor.Value{}, c.Inputs...)
		for k, v := range in {
			s, ok := v.(*tensor.Sequence)
			if !ok {
				continue
			}
			if len(s.Items) != len(first.Items) {
				return nil, fmt.Errorf("sequence %d has %d elements, the first has %d", k, len(s.Items), len(first.Items))
			}
			in[k] = s.Items[i]
		}
		out, err := step(c, body, in, i)
		if err != nil {
			return nil, err
		}
		for k, v := range out {
			results[k].Elem = anyShape(v.Type())
			results[k].Items = append(results[k].Items, v)
		}
	}
	out := make([]tensor.Value, len(results))
	for k, s := range results {
		out[k] = s
	}
	return out, nil
}
