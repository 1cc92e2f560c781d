package cell

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// sketch lets the recipe draw the structure of a cell's node.
func sketch(c Cell, s *operators.Schema, r recipe, seed uint64) *draft {
	d := &draft{Cell: c, Rand: dice(seed, c.ID()), schema: s, typed: variable(s, r)}
	r.draw(d)
	return d
}

// Make draws the problem of a cell from a seed.
func Make(c Cell, seed uint64) (*Problem, error) {
	r, ok := lookup(c.Operator)
	domain, op := graph.SplitOperator(c.Operator)
	s, known := operators.Lookup(domain, op, c.Version)
	if !ok || !known || s.Since != c.Version {
		return nil, fmt.Errorf("cell: %s: there is no such version of an operator", c.ID())
	}
	d := sketch(c, s, r, seed)
	if d.missing {
		return nil, fmt.Errorf("cell: %s: the version has no such attributes, types or shapes", c.ID())
	}
	p := d.problem(seed)
	p.Draws = append(p.Draws, d.values(seed, Ordinary))
	p.Draws = append(p.Draws, d.again(s, r, seed)...)
	for _, class := range r.values {
		if slices.Contains(d.open, class) {
			continue
		}
		if values := d.values(seed, class); values.Inputs != nil {
			p.Draws = append(p.Draws, values)
		}
	}
	return p, nil
}

// again draws ordinary data a second time. Where the cell is dynamic and a node
// of the same attributes takes them, it draws data of larger shapes and of
// smaller ones; elsewhere, data that differ in one element too.
func (d *draft) again(s *operators.Schema, r recipe, seed uint64) []Draw {
	if d.Cell.Shape != Dynamic {
		again := []Draw{d.values(seed, Again)}
		if nudged := d.values(seed, Nudged); nudged.Inputs != nil {
			again = append(again, nudged)
		}
		return again
	}
	var larger, smaller *draft
	for try := range uint64(24) {
		other := sketch(d.Cell, s, r, seed+1+try)
		switch {
		case other.missing || !other.alike(d):
		case other.elements() > d.elements() && larger == nil:
			larger = other
		case other.elements() < d.elements() && smaller == nil:
			smaller = other
		}
	}
	var draws []Draw
	if larger != nil {
		draws = append(draws, larger.values(seed, Larger))
	}
	if smaller != nil {
		draws = append(draws, smaller.values(seed, Smaller))
	}
	if draws == nil {
		draws = append(draws, d.values(seed, Again))
	}
	return draws
}

// elements counts those of the operands.
func (d *draft) elements() int {
	n := 0
	for _, o := range d.operands {
		if o != nil && o.typ.IsTensor() {
			s, _ := o.typ.Dims.Shape()
			n += s.Size()
		}
	}
	return n
}

// alike reports whether the data of one draft suits the model of another.
func (d *draft) alike(o *draft) bool {
	same := func(a, b *operand) bool {
		return (a == nil) == (b == nil) && (a == nil || a.typ.Kind == b.typ.Kind && a.typ.DType == b.typ.DType && len(a.typ.Dims) == len(b.typ.Dims))
	}
	return fmt.Sprint(d.attributes) == fmt.Sprint(o.attributes) && len(d.attributeTensors()) == 0 && slices.EqualFunc(d.operands, o.operands, same)
}

// attributeTensors lists attributes that are compared by more than their text.
func (d *draft) attributeTensors() []graph.Attribute {
	var found []graph.Attribute
	for _, a := range d.attributes {
		switch a.Value.(type) {
		case *tensor.Tensor, *graph.Graph:
			found = append(found, a)
		}
	}
	return found
}

// problem builds the model.
func (d *draft) problem(seed uint64) *Problem {
	g := &graph.Graph{Name: d.schema.Name}
	n := &graph.Node{
		Name: "node", Domain: d.schema.Domain, Op: d.schema.Name, Version: d.Version,
		Attributes: d.attributes,
	}
	for i, o := range d.operands {
		n.Inputs = append(n.Inputs, d.input(g, i, o, seed))
	}
	for i := range max(d.outputs, d.schema.MinOutputs, 1) {
		v := &graph.Value{Name: "out" + strconv.Itoa(i), Type: d.resultType(i), Producer: n}
		n.Outputs = append(n.Outputs, v)
		g.Outputs = append(g.Outputs, v)
	}
	g.Nodes = append(g.Nodes, n)
	opsets := map[string]int{d.schema.Domain: d.Version}
	if d.schema.Domain != "" && (d.Layout == Transposed || d.domains != nil) {
		opsets[""] = bodyVersion
	}
	return &Problem{Cell: d.Cell, Node: n, Model: &graph.Model{Producer: "midplane", Opsets: opsets, Graph: g}}
}

// input adds an operand to the graph and returns the value that the node reads.
func (d *draft) input(g *graph.Graph, i int, o *operand, seed uint64) *graph.Value {
	if o == nil {
		return nil
	}
	v := &graph.Value{Name: o.name, Type: o.typ}
	switch {
	case d.initializer(o):
		v.Const = o.tensor(d.dataDice(seed, Ordinary, i))
		g.Initializers = append(g.Initializers, v)
		return v
	case d.Layout == Transposed && o.turned():
		return d.turn(g, v)
	}
	if d.Cell.Shape == Dynamic && o.typ.IsTensor() {
		v.Type.Dims = tensor.UnknownDims(len(o.typ.Dims))
	}
	g.Inputs = append(g.Inputs, v)
	return v
}

// initializer reports whether an operand is part of the model: not in dynamic
// cells, nor where nothing would be left that is no part of it.
func (d *draft) initializer(o *operand) bool {
	given := func(o *operand) bool { return o != nil && o.role != weight }
	return o.role == weight && d.Cell.Shape != Dynamic && slices.ContainsFunc(d.operands, given)
}

// turn adds an input whose axes are in reverse order, and a Transpose.
func (d *draft) turn(g *graph.Graph, v *graph.Value) *graph.Value {
	dims := v.Type.Dims.Clone()
	slices.Reverse(dims)
	in := &graph.Value{Name: v.Name + "_turned", Type: tensor.TensorType(v.Type.DType, dims)}
	g.Inputs = append(g.Inputs, in)
	version := d.Version
	if d.schema.Domain != "" {
		version = bodyVersion
	}
	v.Producer = &graph.Node{Op: "Transpose", Version: version, Inputs: []*graph.Value{in}, Outputs: []*graph.Value{v}}
	g.Nodes = append(g.Nodes, v.Producer)
	return v
}

// resultType returns what the schema alone says of an output's type.
func (d *draft) resultType(i int) tensor.Type {
	p := d.schema.Outputs[min(i, len(d.schema.Outputs)-1)]
	types := elementTypes(d.schema.Allowed(p.Type))
	switch {
	case d.schema.Name == "Optional":
		return tensor.OptionalType(d.element())
	case len(d.schema.Allowed(p.Type)) > 0 && d.schema.Allowed(p.Type)[0][:4] != "tens":
	case p.Type == d.typed && p.Type != "V":
		return tensor.TensorType(d.DType, nil)
	case len(types) == 1:
		return tensor.TensorType(types[0], nil)
	}
	return tensor.Type{}
}

func (d *draft) dataDice(seed uint64, class Values, i int) *rand.Rand {
	return dice(seed, fmt.Sprintf("%s %s %d", d.ID(), class, i))
}

// values draws data of a class for the model's inputs; none, if no operand can
// hold values of the class.
func (d *draft) values(seed uint64, class Values) Draw {
	out := Draw{Name: string(class)}
	special := class.ordinary() && class != Nudged
	last := -1 // the operand whose last element is nudged
	for i, o := range d.operands {
		if class == Nudged && o != nil && o.role == data && o.value == nil && !d.initializer(o) {
			last = i
		}
	}
	for i, o := range d.operands {
		if o == nil || d.initializer(o) {
			continue
		}
		r := d.dataDice(seed, class, i)
		if class == Nudged {
			r = d.dataDice(seed, Ordinary, i)
		}
		if o.value != nil {
			out.Inputs = append(out.Inputs, o.value(r))
			continue
		}
		t := o.tensor(r)
		if o.role == data && !class.ordinary() {
			special = mix(r, t, class) || special
		}
		if i == last && t.Len() > 0 {
			other := o.tensor(d.dataDice(seed, Again, i))
			clearElement(t, t.Len()-1)
			move(t, t.Len()-1, other, other.Len()-1)
			special = true
		}
		if d.Layout == Transposed && o.turned() {
			t = reversed(t)
		}
		out.Inputs = append(out.Inputs, t)
	}
	if !special {
		return Draw{}
	}
	return out
}

// tensor makes the operand's elements.
func (o *operand) tensor(r *rand.Rand) *tensor.Tensor {
	shape, _ := o.typ.Dims.Shape()
	t := o.fill(r, o.typ.DType, shape)
	if o.also != nil {
		t = o.also(t)
	}
	return t
}

// reversed returns a tensor with its axes in reverse order.
func reversed(t *tensor.Tensor) *tensor.Tensor {
	from := t.Shape()
	to := from.Clone()
	slices.Reverse(to)
	out := tensor.Zeros(t.DType(), to)
	strides := to.Strides()
	at := make([]int, len(from))
	for i := range t.Len() {
		k := 0
		for axis, n := range at {
			k += n * strides[len(at)-1-axis]
		}
		move(out, k, t, i)
		for axis := len(at) - 1; axis >= 0; axis-- {
			if at[axis]++; at[axis] < from[axis] {
				break
			}
			at[axis] = 0
		}
	}
	return out
}

// clearElement makes an element of a packed type 0.
func clearElement(t *tensor.Tensor, i int) {
	if bits := t.DType().Bits(); bits > 0 && bits < 8 {
		t.Bytes()[i*bits/8] &^= (byte(1)<<bits - 1) << (i * bits % 8)
	}
}

// move copies element i of one tensor to place k of another.
func move(to *tensor.Tensor, k int, from *tensor.Tensor, i int) {
	bits := from.DType().Bits()
	switch {
	case bits == 0:
		to.Strings()[k] = from.Strings()[i]
	case bits >= 8:
		copy(to.Bytes()[k*bits/8:][:bits/8], from.Bytes()[i*bits/8:])
	default:
		mask := byte(1)<<bits - 1
		v := from.Bytes()[i*bits/8] >> (i * bits % 8) & mask
		to.Bytes()[k*bits/8] |= v << (k * bits % 8)
	}
}
