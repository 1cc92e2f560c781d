package decompose

import (
	"fmt"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{
	"RNN":  recurrence(1, 1, rnnStep, "Tanh"),
	"GRU":  recurrence(3, 1, gruStep, "Sigmoid", "Tanh"),
	"LSTM": recurrence(4, 2, lstmStep, "Sigmoid", "Tanh", "Tanh"),
}

// recurrentStep writes one step of one direction: the new states from the gates
// of the input x·Wᵀ + Wb, one value per gate, and the states h and c (batch,
// hidden).
type recurrentStep func(d *direction, e expression, x, states []*graph.Value) []*graph.Value

// direction is one direction of a recurrent node.
type direction struct {
	node        *graph.Node
	index       int64
	reverse     bool
	rt          []*graph.Value // Rᵀ of every gate
	rb, p       []*graph.Value // the bias with R, the peepholes; nil without
	activations []gateFunction
}

// recurrence returns the rule for a recurrent operator: a Scan over the steps
// for each direction. Behind the end of a sequence the states stay and the
// output is zero.
func recurrence(gates, states int, step recurrentStep, defaults ...string) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		e, err := inWide(b, n)
		if err != nil {
			return nil, err
		}
		reverses, ok := map[string][]bool{"forward": {false}, "reverse": {true}, "bidirectional": {false, true}}[n.Text("direction", "forward")]
		if !ok {
			return nil, fmt.Errorf("direction %q is none of forward, reverse, bidirectional", n.Text("direction", ""))
		}
		activations, err := activationsOf(n, len(reverses), defaults)
		if err != nil {
			return nil, err
		}
		x := e.timeFirst(n, e.to(e.dtype, n.Input(0)))
		var ys []*graph.Value
		last := make([][]*graph.Value, states)
		for i, reverse := range reverses {
			d := &direction{node: n, index: int64(i), reverse: reverse, activations: activations[i*len(defaults):][:len(defaults)]}
			y, final := d.scan(e, x, gates, states, step)
			ys = append(ys, e.do("Unsqueeze", y, e.Ints(1)))
			for k, s := range final {
				last[k] = append(last[k], e.do("Unsqueeze", s, e.Ints(0)))
			}
		}
		out := []*graph.Value{e.joined(1, ys...)}
		for _, s := range last {
			out = append(out, e.timeFirst(n, e.joined(0, s...)))
		}
		if n.Bool("layout", false) {
			out[0] = e.Op("Transpose", out[:1], graph.A("perm", []int64{2, 0, 1, 3}))
		}
		for i, v := range out {
			out[i] = e.to(n.Input(0).Type.DType, v)
		}
		return out[:max(len(n.Outputs), 1)], nil
	}
}

// timeFirst swaps the first two axes of a value of rank 3 where the node's
// layout has the batch in front; it turns both ways.
func (e expression) timeFirst(n *graph.Node, v *graph.Value) *graph.Value {
	if !n.Bool("layout", false) {
		return v
	}
	return e.Op("Transpose", []*graph.Value{v}, graph.A("perm", []int64{1, 0, 2}))
}

// of returns the direction's share of an input, nil if the input is absent.
func (d *direction) of(e expression, i int) *graph.Value {
	v := d.node.Input(i)
	if v == nil {
		return nil
	}
	return e.Op("Gather", []*graph.Value{e.to(e.dtype, v), e.Const(tensor.Scalar(d.index))})
}

// split returns n equal parts of a value along an axis; no parts of nil.
func (e expression) split(v *graph.Value, axis int64, n int) []*graph.Value {
	switch {
	case v == nil:
		return nil
	case n == 1:
		return []*graph.Value{v}
	}
	return e.Node("", "Split", []*graph.Value{v}, n, graph.A("axis", axis), graph.A("num_outputs", int64(n)))
}

// scan returns the outputs (steps, batch, hidden) and the final states (batch,
// hidden) of the direction.
func (d *direction) scan(e expression, x *graph.Value, gates, states int, step recurrentStep) (y *graph.Value, final []*graph.Value) {
	n := d.node
	lens := n.Input(4)
	if lens != nil {
		lens = e.as(tensor.Int64, lens)
	}
	turn := func(v *graph.Value) *graph.Value {
		return e.Op("ReverseSequence", []*graph.Value{v, lens}, graph.A("time_axis", int64(0)), graph.A("batch_axis", int64(1)))
	}
	if d.reverse && lens != nil {
		x = turn(x)
	}
	turned := graph.A("perm", []int64{1, 0})
	wx := e.do("MatMul", x, e.Op("Transpose", []*graph.Value{d.of(e, 1)}, turned))
	if biases := e.split(d.of(e, 3), 0, 2); biases != nil {
		wx = e.do("Add", wx, biases[0])
		d.rb = e.split(biases[1], 0, gates)
	}
	d.rt = e.split(e.Op("Transpose", []*graph.Value{d.of(e, 2)}, turned), 1, gates)
	d.p = e.split(d.of(e, 7), 0, 3)
	in := d.initial(e, x, states)
	attrs := []graph.Attribute{graph.A("num_scan_inputs", int64(1))}
	scans := []*graph.Value{wx}
	if lens != nil {
		scans = append(scans, e.do("Range", e.Const(tensor.Scalar(int64(0))), e.do("Squeeze", e.extent(x, 0)), e.Const(tensor.Scalar(int64(1)))))
		attrs[0] = graph.A("num_scan_inputs", int64(2))
		lens = e.do("Unsqueeze", lens, e.Ints(1))
	} else if d.reverse {
		attrs = append(attrs, graph.A("scan_input_directions", []int64{1}), graph.A("scan_output_directions", []int64{1}))
	}
	out := e.Node("", "Scan", append(in, scans...), states+1, append(attrs, graph.A("body", d.body(e, gates, states, lens, step)))...)
	if y = out[states]; d.reverse && lens != nil {
		y = turn(y)
	}
	return y, out[:states]
}

// initial returns the first states, zero where none are given.
func (d *direction) initial(e expression, x *graph.Value, states int) []*graph.Value {
	var in []*graph.Value
	for k := range states {
		v := d.node.Input(5 + k)
		if v == nil {
			shape := e.joined(0, e.extent(x, 1), e.extent(d.node.Input(2), 2))
			in = append(in, e.Op("ConstantOfShape", []*graph.Value{shape}, graph.A("value", tensor.FromFloat64s(e.dtype, tensor.Shape{1}, []float64{0}))))
			continue
		}
		v = e.timeFirst(d.node, e.to(e.dtype, v))
		in = append(in, e.Op("Gather", []*graph.Value{v, e.Const(tensor.Scalar(d.index))}))
	}
	return in
}

// body returns the body of the Scan: (states..., gates of the input, step if
// lens is given) to (states..., output).
func (d *direction) body(e expression, gates, states int, lens *graph.Value, step recurrentStep) *graph.Graph {
	in := make([]*graph.Value, states+1)
	for i := range in {
		in[i] = &graph.Value{Name: d.node.Name + "/state", Type: tensor.TensorType(e.dtype, tensor.UnknownDims(2))}
	}
	time := &graph.Value{Name: d.node.Name + "/time", Type: tensor.TensorType(tensor.Int64, tensor.Dims{})}
	formal := in
	if lens != nil {
		formal = append(slices.Clone(in), time)
	}
	return e.Body(fmt.Sprintf("direction%d", d.index), formal, func(b *graph.Builder) []*graph.Value {
		e := expression{b, e.dtype}
		next := step(d, e, e.split(in[states], 1, gates), in[:states])
		y := next[0]
		if lens != nil {
			alive := e.do("Less", time, lens)
			y = e.do("Where", alive, y, e.num(0))
			for k := range next {
				next[k] = e.do("Where", alive, next[k], in[k])
			}
		} else {
			y = e.do("Identity", y)
		}
		return append(next, y)
	})
}

// hidden returns h·Rᵀ + Rb of one gate.
func (d *direction) hidden(e expression, gate int, h *graph.Value) *graph.Value {
	v := e.do("MatMul", h, d.rt[gate])
	if d.rb != nil {
		v = e.do("Add", v, d.rb[gate])
	}
	return v
}

// seen adds what a peephole sees of the cell to v.
func (d *direction) seen(e expression, peephole int, v, c *graph.Value) *graph.Value {
	if d.p == nil {
		return v
	}
	return e.do("Add", v, e.do("Mul", d.p[peephole], c))
}

// act applies activation i.
func (d *direction) act(e expression, i int, v *graph.Value) *graph.Value {
	if d.node.Has("clip") {
		most := float64(d.node.Float("clip", 0))
		v = e.do("Clip", v, e.num(-most), e.num(most))
	}
	return d.activations[i].apply(e, v)
}

func rnnStep(d *direction, e expression, x, states []*graph.Value) []*graph.Value {
	return []*graph.Value{d.act(e, 0, e.do("Add", x[0], d.hidden(e, 0, states[0])))}
}

func gruStep(d *direction, e expression, x, states []*graph.Value) []*graph.Value {
	h := states[0]
	update := d.act(e, 0, e.do("Add", x[0], d.hidden(e, 0, h)))
	reset := d.act(e, 0, e.do("Add", x[1], d.hidden(e, 1, h)))
	var past *graph.Value
	if d.node.Bool("linear_before_reset", false) {
		past = e.do("Mul", reset, d.hidden(e, 2, h))
	} else {
		past = d.hidden(e, 2, e.do("Mul", reset, h))
	}
	next := d.act(e, 1, e.do("Add", x[2], past))
	return []*graph.Value{e.do("Add", e.do("Mul", e.do("Sub", e.num(1), update), next), e.do("Mul", update, h))}
}

func lstmStep(d *direction, e expression, x, states []*graph.Value) []*graph.Value {
	h, c := states[0], states[1]
	linear := func(gate int) *graph.Value { return e.do("Add", x[gate], d.hidden(e, gate, h)) }
	in := d.act(e, 0, d.seen(e, 0, linear(0), c))
	forget := e.do("Sub", e.num(1), in)
	if !d.node.Bool("input_forget", false) {
		forget = d.act(e, 0, d.seen(e, 2, linear(2), c))
	}
	c = e.do("Add", e.do("Mul", forget, c), e.do("Mul", in, d.act(e, 1, linear(3))))
	out := d.act(e, 0, d.seen(e, 1, linear(1), c))
	return []*graph.Value{e.do("Mul", out, d.act(e, 2, c)), c}
}

// gateFunction is one activation of a recurrent operator with its numbers.
type gateFunction struct {
	name        string
	alpha, beta *float32 // nil for the defaults of the operator of that name
}

// apply writes the activation; those that are no operators of their own are
// linear around one.
func (a gateFunction) apply(e expression, v *graph.Value) *graph.Value {
	number := func(f *float32, def float32) *graph.Value {
		if f != nil {
			def = *f
		}
		return e.num(float64(def))
	}
	switch a.name {
	case "Affine":
		return e.do("Add", e.do("Mul", number(a.alpha, 1), v), number(a.beta, 0))
	case "ScaledTanh":
		return e.do("Mul", number(a.alpha, 1), e.do("Tanh", e.do("Mul", number(a.beta, 1), v)))
	}
	var attrs []graph.Attribute
	if a.alpha != nil {
		attrs = append(attrs, graph.A("alpha", *a.alpha))
	}
	if a.beta != nil {
		attrs = append(attrs, graph.A("beta", *a.beta))
	}
	return e.Op(a.name, []*graph.Value{v}, attrs...)
}

// activationsOf returns the activations of every direction in turn. The values
// of activation_alpha and activation_beta go to those that take them, in order.
func activationsOf(n *graph.Node, directions int, defaults []string) ([]gateFunction, error) {
	takes := map[string][2]bool{ // alpha, beta
		"Relu": {}, "Tanh": {}, "Sigmoid": {}, "Softsign": {}, "Softplus": {},
		"Affine": {true, true}, "ScaledTanh": {true, true}, "HardSigmoid": {true, true},
		"LeakyRelu": {true}, "ThresholdedRelu": {true}, "Elu": {true},
	}
	names := n.Texts("activations")
	if len(names) == 0 {
		names = slices.Repeat(defaults, directions)
	}
	need := directions * len(defaults)
	if len(names) < need {
		return nil, fmt.Errorf("activations names %d functions %q, %d are needed", len(names), names, need)
	}
	alphas, betas := n.Floats("activation_alpha"), n.Floats("activation_beta")
	var out []gateFunction
next:
	for _, given := range names[:need] {
		for name, numbers := range takes {
			if !strings.EqualFold(name, given) {
				continue
			}
			a := gateFunction{name: name}
			if numbers[0] && len(alphas) > 0 {
				a.alpha, alphas = &alphas[0], alphas[1:]
			}
			if numbers[1] && len(betas) > 0 {
				a.beta, betas = &betas[0], betas[1:]
			}
			out = append(out, a)
			continue next
		}
		return nil, fmt.Errorf("activation %q is none that a recurrent operator knows", given)
	}
	return out, nil
}
