package cell

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// draft is a node under construction: a recipe gives it attributes and operands.
// Operands are given in the order of the schema, or by name. What the version at
// hand lacks makes the cell not exist; that must not depend on random numbers.
type draft struct {
	Cell
	*rand.Rand
	schema *operators.Schema
	typed  string // the type variable that the cell's element type is of

	attributes []graph.Attribute
	operands   []*operand // by position; nil where absent
	outputs    int
	open       []Values       // classes of data of which the specification leaves open what becomes of them
	domains    map[string]int // operator sets that bodies import
	missing    bool           // the cell does not exist
}

// operand is an input of the node.
type operand struct {
	name  string
	typ   tensor.Type // of tensors, with the shape
	role  role
	fill  fill                                  // of tensors
	value func(r *rand.Rand) tensor.Value       // of containers
	also  func(t *tensor.Tensor) *tensor.Tensor // applied to what fill made, if set
}

// role says where an operand comes from and what may be in it.
type role uint8

const (
	data   role = iota // an input of the model; may hold special values
	plain              // an input of the model, as it is filled
	weight             // an initializer, but in dynamic cells
)

// only makes the cell not exist unless ok: the version, the type or the shape
// class does not go with the attribute class.
func (d *draft) only(ok bool) {
	if !ok {
		d.missing = true
	}
}

// is reports whether the cell's attribute class is among those named.
func (d *draft) is(classes ...string) bool { return slices.Contains(classes, d.Attributes) }

// has reports whether the version has an attribute or an input of that name.
func (d *draft) has(name string) bool { return d.hasAttribute(name) || d.position(name) >= 0 }

func (d *draft) hasAttribute(name string) bool {
	_, ok := d.schema.Attribute(name)
	return ok
}

// position returns where the version has an input of that name, -1 if nowhere.
func (d *draft) position(name string) int {
	return slices.IndexFunc(d.schema.Inputs, func(p operators.Parameter) bool { return strings.EqualFold(p.Name, name) })
}

// attr sets an attribute that the version must have.
func attr[T graph.AttributeValue](d *draft, name string, v T) {
	d.only(d.hasAttribute(name))
	d.attributes = append(d.attributes, graph.A(name, v))
}

// int sets an integer attribute.
func (d *draft) int(name string, v int) { attr(d, name, int64(v)) }

// flag sets an integer attribute to 1.
func (d *draft) flag(name string) { attr(d, name, int64(1)) }

func (d *draft) float(name string, v float64) { attr(d, name, float32(v)) }

func (d *draft) text(name, v string) { attr(d, name, v) }

func (d *draft) ints(name string, v ...int) { attr(d, name, int64s(v)) }

func int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

// list gives a list of integers in the way of the version: as an attribute, or
// as an operand of rank 1.
func (d *draft) list(name string, v ...int) {
	if d.hasAttribute(name) {
		d.ints(name, v...)
		return
	}
	d.constant(name, tensor.Shape{len(v)}, floatsOf(v)...)
}

// scalar gives a number in the way of the version: as a float attribute, or as
// an operand of rank 0.
func (d *draft) scalar(name string, v float64) {
	if d.hasAttribute(name) {
		d.float(name, v)
		return
	}
	d.constant(name, tensor.Shape{}, v)
}

func floatsOf(v []int) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// constant gives the operand of a name fixed elements.
func (d *draft) constant(name string, s tensor.Shape, v ...float64) {
	at := d.position(name)
	if at < 0 {
		d.missing = true
		return
	}
	d.put(at, &operand{typ: d.tensorType(at, s), role: weight, fill: exactly(v...)})
}

// put places an operand.
func (d *draft) put(at int, o *operand) {
	for len(d.operands) <= at {
		d.operands = append(d.operands, nil)
	}
	d.operands[at] = o
	o.name = fmt.Sprintf("in%d", at)
}

// absent leaves the next operand out.
func (d *draft) absent() { d.operands = append(d.operands, nil) }

// in adds the next operand: of the type that the cell gives it, or of as.
func (d *draft) in(s tensor.Shape, role role, f fill, as ...tensor.DType) *operand {
	at := len(d.operands)
	o := &operand{typ: d.tensorType(at, s), role: role, fill: f}
	if as != nil {
		o.typ.DType = as[0]
		d.only(d.allows(at, as[0]))
	}
	d.put(at, o)
	return o
}

// data adds an operand of ordinary numbers, which may hold special ones too.
func (d *draft) data(s tensor.Shape) *operand { return d.in(s, data, between(-3, 3)) }

// real adds an operand of numbers from a range.
func (d *draft) real(s tensor.Shape, low, high float64) *operand {
	return d.in(s, plain, between(low, high))
}

// weight adds an operand of ordinary numbers that a model would have as an
// initializer.
func (d *draft) weight(s tensor.Shape) *operand { return d.in(s, weight, between(-2, 2)) }

// parameter returns the formal input at a position.
func (d *draft) parameter(at int) (*operators.Parameter, bool) {
	last := len(d.schema.Inputs) - 1
	switch {
	case at <= last:
		return &d.schema.Inputs[at], true
	case last >= 0 && d.schema.Inputs[last].Variadic:
		return &d.schema.Inputs[last], true
	}
	return nil, false
}

// tensorType returns the type of an operand: the cell's where the schema ties
// the two, else the first of int64, float32 and the cell's that is allowed.
func (d *draft) tensorType(at int, s tensor.Shape) tensor.Type {
	p, ok := d.parameter(at)
	if !ok {
		d.missing = true
		return tensor.Type{}
	}
	t := tensor.TensorType(d.DType, tensor.KnownDims(s))
	if p.Type == d.typed {
		return t
	}
	for _, choice := range []tensor.DType{tensor.Int64, d.DType, tensor.Float32} {
		if t.DType = choice; d.allows(at, choice) {
			return t
		}
	}
	types := elementTypes(d.schema.Allowed(p.Type))
	t.DType = types[0]
	return t
}

// allows reports whether the schema takes tensors of a type at a position.
func (d *draft) allows(at int, t tensor.DType) bool {
	p, ok := d.parameter(at)
	return ok && slices.Contains(d.schema.Allowed(p.Type), "tensor("+t.ONNXName()+")")
}

// elementTypes returns the element types of types as schemas spell them, without
// repetition: those of "tensor(float)", "seq(tensor(float))", "map(int64, float)".
func elementTypes(spelt []string) []tensor.DType {
	var types []tensor.DType
	for _, s := range spelt {
		s = strings.TrimRight(s, ")")
		s = strings.TrimSpace(s[strings.LastIndexAny(s, "(,")+1:])
		if t, err := tensor.ParseDType(s); err == nil && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// extents are what shapes are made of: small, and mostly unlike each other.
var extents = []int{2, 3, 4, 5, 1, 6, 7}

// rank returns the rank of the shape class, or the operator's usual one.
func (d *draft) rank(usual int) int {
	if n, fixed := d.Cell.Shape.rank(); fixed {
		return n
	}
	return usual
}

// shape draws the shape of the cell's class, for an operator of which usual is
// the rank where the class leaves it open.
func (d *draft) shape(usual int) tensor.Shape {
	s := make(tensor.Shape, d.rank(usual))
	for i := range s {
		s[i] = d.extent()
		if len(s) > 4 {
			s[i] = 1 + s[i]%3
		}
	}
	if last := len(s) - 1; last >= 0 && last < 2 && d.IntN(2) == 0 {
		s[last] = rows[d.IntN(len(rows))]
	}
	return d.classed(s)
}

// rows are extents of last axes that a register, or two, hold just so, or just
// not.
var rows = []int{8, 9, 15, 16, 17, 24, 31, 32, 33, 40}

func (d *draft) extent() int { return extents[d.IntN(len(extents))] }

// classed makes the extents of s what the shape class says.
func (d *draft) classed(s tensor.Shape) tensor.Shape {
	switch {
	case len(s) == 0:
	case d.Cell.Shape == Empty:
		s[d.IntN(len(s))] = 0
	case d.Cell.Shape == Large:
		const size = 1 << 16
		last := len(s) - 1
		if last > 0 {
			s[last-1] = 257 + d.IntN(20)
		}
		s[last] = size/s[:last].Size() + 1 + d.IntN(30)
	}
	return s
}

// axis draws an axis of a tensor of a rank, counted from the end half of the
// time.
func (d *draft) axis(rank int) int { return d.signed(d.IntN(rank), rank) }

// signed counts an axis from the end half of the time, where the version may.
func (d *draft) signed(axis, rank int) int {
	if d.Version >= 11 && d.IntN(2) == 0 {
		return axis - rank
	}
	return axis
}

// result says how many outputs the node has, beside those that it must have.
func (d *draft) result(outputs int) {
	d.only(outputs <= d.schema.MaxOutputs)
	d.outputs = outputs
}

// concat joins extents and lists of extents.
func concat(parts ...any) tensor.Shape {
	s := tensor.Shape{}
	for _, p := range parts {
		switch v := p.(type) {
		case int:
			s = append(s, v)
		case []int:
			s = append(s, v...)
		case tensor.Shape:
			s = append(s, v...)
		}
	}
	return s
}

// times repeats a number.
func times(v, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = v
	}
	return out
}
