package cell

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// controls holds operators that run graphs.
var controls = family{
	"If":          {classes: []string{"true", "false", "different-shapes"}, shapes: []Shape{Rank2, Scalar, Dynamic}, typed: "V", draw: ifOp},
	"Loop":        {classes: []string{"count", "condition", "scan-output", "zero", "until", "for"}, shapes: []Shape{Rank2, Scalar, Dynamic}, typed: "V", draw: loop},
	"Scan":        {classes: classes("reverse", "reverse-output", "axis"), shapes: []Shape{Rank2, Rank3, Dynamic}, typed: "V", draw: scan},
	"SequenceMap": {classes: classes("additional"), shapes: []Shape{Rank2, Scalar, Dynamic}, host: true, draw: sequenceMap},
}

// body builds a graph from operators of the version at hand.
type body struct {
	d *draft
	g *graph.Graph
}

func (d *draft) body(name string) *body {
	return &body{d, &graph.Graph{Name: name}}
}

// input declares an input of the body.
func (b *body) input(name string, t tensor.Type) *graph.Value {
	v := &graph.Value{Name: b.g.Name + "_" + name, Type: t}
	b.g.Inputs = append(b.g.Inputs, v)
	return v
}

// op adds a node with one output.
func (b *body) op(op string, inputs []*graph.Value, attributes ...graph.Attribute) *graph.Value {
	out := &graph.Value{Name: b.g.Name + "_" + op + string(rune('a'+len(b.g.Nodes)))}
	n := &graph.Node{Op: op, Version: b.d.Version, Inputs: inputs, Outputs: []*graph.Value{out}, Attributes: attributes}
	out.Producer = n
	b.g.Nodes = append(b.g.Nodes, n)
	return out
}

// output makes a value an output of the body.
func (b *body) output(v *graph.Value, t tensor.Type) {
	v.Type = t
	b.g.Outputs = append(b.g.Outputs, v)
}

// constant adds a constant.
func (b *body) constant(t *tensor.Tensor) *graph.Value {
	return b.op("Constant", nil, graph.A("value", t))
}

// arithmetic reports whether the bodies' operators take the cell's type.
func (d *draft) arithmetic() bool {
	switch d.DType {
	case tensor.Float32, tensor.Float64, tensor.Float16:
		return true
	case tensor.Int32, tensor.Int64:
		return d.Version >= 7
	}
	return false
}

// ifOp has branches that return constants, of different values, and in one class
// of different shapes.
func ifOp(d *draft) {
	s := d.shape(2)
	condition := map[string]float64{"true": 1, "different-shapes": 1}[d.Attributes]
	d.in(tensor.Shape{}, plain, exactly(condition), tensor.Bool)
	for i, name := range []string{"then_branch", "else_branch"} {
		b := d.body(name)
		branch := s
		if i == 1 && d.is("different-shapes") {
			branch = concat(2, s)
		}
		t := uniform(d.Rand, d.DType, branch, -3, 3)
		b.output(b.constant(t), t.Type())
		attr(d, name, b.g)
	}
}

// loop adds a constant to what it carries, or doubles it.
func loop(d *draft) {
	d.only(d.arithmetic())
	s := d.shape(2)
	trips := map[string]float64{"count": 3, "condition": 10, "scan-output": 4, "for": 2}[d.Attributes]
	d.optional(!d.is("until"), tensor.Shape{}, plain, exactly(trips), tensor.Int64)
	d.optional(!d.is("for"), tensor.Shape{}, plain, exactly(1), tensor.Bool)
	d.in(s, plain, between(-3, 3), d.DType)
	t := tensor.TensorType(d.DType, tensor.UnknownDims(len(s)))
	flag := tensor.TensorType(tensor.Bool, tensor.Dims{})
	b := d.body("body")
	i := b.input("i", tensor.TensorType(tensor.Int64, tensor.Dims{}))
	going := b.input("going", flag)
	x := b.input("x", t)
	keep := b.op("Identity", []*graph.Value{going})
	if d.is("condition", "until") { // three trips: i < 2
		two := b.constant(tensor.Scalar(2.0))
		at := b.op("Cast", []*graph.Value{i}, castTo(d, tensor.Float64))
		keep = b.op("Less", []*graph.Value{at, two})
		d.only(d.Version >= 9)
	}
	summand := x
	if d.Version >= 7 { // which broadcasts
		summand = b.constant(exactly(1.5)(d.Rand, d.DType, tensor.Shape{}))
	}
	sum := b.op("Add", []*graph.Value{x, summand})
	b.output(keep, flag)
	b.output(sum, t)
	outputs := 1
	if d.is("scan-output") {
		b.output(b.op("Identity", []*graph.Value{sum}), t)
		outputs = 2
	}
	attr(d, "body", b.g)
	d.result(outputs)
}

func castTo(d *draft, t tensor.DType) graph.Attribute { return graph.A("to", int64(t)) }

// scan adds up rows and returns the sums. In version 8 everything has a batch
// axis in front.
func scan(d *draft) {
	d.only(d.arithmetic())
	s := d.shape(2)
	axis := 0
	switch d.Attributes {
	case "axis":
		axis = 1
		d.ints("scan_input_axes", 1)
		d.ints("scan_output_axes", 1)
	case "reverse":
		if d.Version == 8 {
			d.ints("directions", 1)
		} else {
			d.ints("scan_input_directions", 1)
		}
	case "reverse-output":
		d.ints("scan_output_directions", 1)
	}
	d.int("num_scan_inputs", 1)
	state := concat(s[:axis], s[axis+1:])
	if d.Version == 8 {
		const batch = 2
		d.absent()
		d.in(concat(batch, state), plain, between(-3, 3), d.DType)
		d.in(concat(batch, s), plain, between(-3, 3), d.DType)
	} else {
		d.in(state, plain, between(-3, 3), d.DType)
		d.in(s, plain, between(-3, 3), d.DType)
	}
	t := tensor.TensorType(d.DType, tensor.UnknownDims(len(state)))
	b := d.body("body")
	sum := b.op("Add", []*graph.Value{b.input("sum", t), b.input("row", t)})
	b.output(sum, t)
	b.output(b.op("Identity", []*graph.Value{sum}), t)
	attr(d, "body", b.g)
	d.result(2)
}

// sequenceMap doubles every element, or adds one tensor to each.
func sequenceMap(d *draft) {
	d.only(d.arithmetic())
	s := d.shape(2)
	d.list3(s)
	t := tensor.TensorType(d.DType, tensor.UnknownDims(len(s)))
	b := d.body("body")
	x := b.input("x", t)
	with := x
	if d.is("additional") {
		d.in(s, plain, between(-3, 3), d.DType)
		with = b.input("y", t)
	}
	b.output(b.op("Add", []*graph.Value{x, with}), t)
	attr(d, "body", b.g)
}
