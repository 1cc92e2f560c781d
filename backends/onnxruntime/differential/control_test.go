package differential_test

import (
	"fmt"
	"maps"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func init() { maps.Copy(draws, controlDraws) }

// controlDraws are of the operators with bodies, which do a little each.
var controlDraws = map[string]func(d *dice) *sample{
	"If":          conditional,
	"Loop":        loop,
	"Scan":        scan,
	"SequenceMap": sequenceMap,
}

// body builds the graph of an attribute.
type body struct {
	*graph.Graph
	version int
}

func (d *dice) body(name string) body {
	d.opset = lastInForce(d.schema) // so that there are kernels for what is in the body
	return body{&graph.Graph{Name: name}, d.opset}
}

// input adds a formal input. Extents of -1 are unknown.
func (b body) input(t tensor.DType, s tensor.Shape) *graph.Value {
	v := &graph.Value{Name: fmt.Sprintf("%s_in%d", b.Name, len(b.Inputs)), Type: tensor.TensorType(t, tensor.KnownDims(s))}
	b.Graph.Inputs = append(b.Graph.Inputs, v)
	return v
}

// node adds a node with one output.
func (b body) node(op string, inputs []*graph.Value, attrs ...graph.Attribute) *graph.Value {
	n := &graph.Node{Name: fmt.Sprintf("%s_%s%d", b.Name, op, len(b.Nodes)), Op: op, Version: b.version, Inputs: inputs, Attributes: attrs}
	v := &graph.Value{Name: n.Name + "_out", Producer: n}
	n.Outputs = []*graph.Value{v}
	b.Graph.Nodes = append(b.Graph.Nodes, n)
	return v
}

// output makes a value an output of the body.
func (b body) output(v *graph.Value, t tensor.DType, s tensor.Shape) {
	v.Type = tensor.TensorType(t, tensor.KnownDims(s))
	b.Graph.Outputs = append(b.Graph.Outputs, v)
}

// constant adds a node that makes a constant.
func (b body) constant(t *tensor.Tensor) *graph.Value {
	return b.node("Constant", nil, graph.A("value", t))
}

func conditional(d *dice) *sample {
	n := d.node(tensor.Scalar(d.one(2)))
	n.outputs = d.between(1, 2)
	s := d.shape(d.IntN(3))
	for _, name := range []string{"then_branch", "else_branch"} {
		b := d.body(name)
		for range n.outputs {
			b.output(b.constant(d.tensor(tensor.Float32, s, -4, 5)), tensor.Float32, s)
		}
		attribute(n, name, b.Graph)
	}
	return n
}

// loop draws a Loop that carries an integer, and gathers another.
func loop(d *dice) *sample {
	n := d.node(nil, nil, tensor.Scalar[int64](int64(d.IntN(5))))
	n.outputs = 2
	if !d.one(4) {
		n.inputs[1] = tensor.Scalar(!d.one(4))
	}
	b := d.body("body")
	iteration, condition := b.input(tensor.Int64, tensor.Shape{}), b.input(tensor.Bool, tensor.Shape{})
	carried := b.input(tensor.Int64, tensor.Shape{})
	squared := b.node("Sub", []*graph.Value{carried, iteration})
	if d.one(2) {
		limit := b.constant(tensor.Scalar[int64](int64(-d.IntN(9))))
		condition = b.node("Less", []*graph.Value{limit, squared})
		n.inputs[0] = tensor.Scalar[int64](20)
	} else {
		n.inputs[0] = tensor.Scalar[int64](int64(d.IntN(5)))
		condition = b.node("Identity", []*graph.Value{condition})
	}
	b.output(condition, tensor.Bool, tensor.Shape{})
	b.output(squared, tensor.Int64, tensor.Shape{})
	b.output(b.node("Neg", []*graph.Value{squared}), tensor.Int64, tensor.Shape{})
	attribute(n, "body", b.Graph)
	return n
}

// scan draws a Scan that sums what it scans and gathers the sums.
func scan(d *dice) *sample {
	if !d.since(9) {
		return scanOfBatches(d)
	}
	n := d.node()
	n.outputs = 2
	s := d.full(d.between(1, 3), 3)
	axis := d.IntN(len(s))
	slice := append(s[:axis:axis].Clone(), s[axis+1:]...)
	attribute(n, "num_scan_inputs", int64(1))
	if axis > 0 || d.one(2) {
		if d.since(11) && d.one(2) {
			axis -= len(s)
		}
		attribute(n, "scan_input_axes", []int64{int64(axis)})
	}
	if d.one(2) {
		attribute(n, "scan_input_directions", []int64{int64(d.IntN(2))})
	}
	if d.one(2) {
		attribute(n, "scan_output_axes", []int64{int64(d.IntN(len(s)))})
	}
	if d.one(2) {
		attribute(n, "scan_output_directions", []int64{int64(d.IntN(2))})
	}
	b := d.body("body")
	b.sums(slice)
	attribute(n, "body", b.Graph)
	n.inputs = []tensor.Value{d.tensor(tensor.Float32, slice, -4, 5), d.tensor(tensor.Float32, s, -4, 5)}
	return n.accumulates(4)
}

// sums adds a carried tensor and a scanned one, and returns the sum twice.
func (b body) sums(s tensor.Shape) {
	carried, scanned := b.input(tensor.Float32, s), b.input(tensor.Float32, s)
	sum := b.node("Add", []*graph.Value{carried, scanned})
	b.output(sum, tensor.Float32, s)
	b.output(b.node("Identity", []*graph.Value{sum}), tensor.Float32, s)
}

// scanOfBatches draws a Scan of version 8, whose axes are batch and sequence.
func scanOfBatches(d *dice) *sample {
	n := d.node()
	n.outputs = 2
	batch, length := d.between(1, 3), d.between(1, 4)
	slice := d.full(d.IntN(3), 3)
	attribute(n, "num_scan_inputs", int64(1))
	if d.one(2) {
		attribute(n, "directions", []int64{int64(d.IntN(2))})
	}
	b := d.body("body")
	b.sums(slice)
	attribute(n, "body", b.Graph)
	n.inputs = []tensor.Value{nil,
		d.tensor(tensor.Float32, append(tensor.Shape{batch}, slice...), -4, 5),
		d.tensor(tensor.Float32, append(tensor.Shape{batch, length}, slice...), -4, 5)}
	if d.one(2) {
		n.inputs[0] = ints(d.list(batch, 1, length)...)
	}
	return n.accumulates(4)
}

func sequenceMap(d *dice) *sample {
	s := d.full(d.IntN(3), 3)
	list := &tensor.Sequence{Elem: tensor.TensorType(tensor.Float32, nil)}
	for range d.IntN(4) {
		list.Items = append(list.Items, d.tensor(tensor.Float32, s, -4, 5))
	}
	n := d.node(list)
	b := d.body("body")
	x := b.input(tensor.Float32, s)
	y := x
	if d.one(2) {
		n.inputs = append(n.inputs, d.tensor(tensor.Float32, s, -4, 5))
		y = b.input(tensor.Float32, s)
	}
	b.output(b.node("Add", []*graph.Value{x, y}), tensor.Float32, s)
	attribute(n, "body", b.Graph)
	return n
}
