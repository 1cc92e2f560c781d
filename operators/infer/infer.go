// Package infer finds the types and shapes of every value of a graph before it
// runs, with extents that may be unknown or symbolic, and follows the integers
// that become shapes (Shape, Gather, Concat, … , Reshape) so that what can be
// known is known.
//
// It sees operators in their newest form only. Functions of one family lie in
// one file, in a table named after it; [table.go] gathers the tables. Types and
// shapes of an operator without a function here follow from its decomposition,
// if it has one, or element types from its schema; what is not known then is
// found when it runs.
//
// # Errors
//
// An error means that the node cannot run on any input of the given types: a
// rank, an extent or an attribute contradicts the operator's specification. It
// names the node.
//
// # Concurrency
//
// Nothing here keeps state; graphs are only read, but by [Annotate].
package infer

import (
	"context"
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// Fact is what is known of a value before it exists.
type Fact struct {
	Type  tensor.Type
	Const *tensor.Tensor // the value itself, where it is known
	Ints  []Int          // the elements of an integer tensor of rank 0 or 1, where some are known
}

// Int is one integer that may be unknown, or known to equal a symbolic extent.
type Int struct {
	Value int64
	Known bool
	Name  string // of the extent that it equals
}

// Dim returns the extent that an Int stands for.
func (i Int) Dim() tensor.Dim {
	if i.Known && i.Value >= 0 {
		return tensor.Known(tensor.Extent(i.Value))
	}
	return tensor.Symbol(i.Name)
}

// IntOf returns the Int that equals an extent.
func IntOf(d tensor.Dim) Int {
	if d.IsKnown() {
		return Int{Value: int64(d.Size), Known: true}
	}
	return Int{Name: d.Name}
}

// Facts holds what is known of the values of a graph and of its bodies.
type Facts map[*graph.Value]Fact

// Of returns the fact of a constant.
func Of(t *tensor.Tensor) Fact { return Fact{Type: t.Type(), Const: t} }

// Func finds the facts of one node's outputs: it fills c.Out.
type Func func(c *Call) error

type family map[string]Func

// maxConst is the largest tensor, in elements, that is computed while inferring,
// and the most bytes of text that one is computed from.
const maxConst = 4096

// Run finds the facts of every value of g and of its bodies. Given facts hold
// for values whatever g says of them; without one, an input has the type that g
// declares, and an initializer that is no input is constant. The type that g
// declares for what a node writes counts where inference finds none.
func Run(ctx context.Context, g *graph.Graph, given Facts) (Facts, error) {
	r := &run{ctx: ctx, facts: make(Facts, len(given))}
	for v, f := range given {
		r.facts[v] = f
	}
	if err := r.graph(g); err != nil {
		return nil, err
	}
	return r.facts, nil
}

// Annotate writes the types found into the values of g and of its bodies. A
// type that was known before and is unknown in facts stays.
func Annotate(g *graph.Graph, facts Facts) {
	set := func(values []*graph.Value) {
		for _, v := range values {
			if v == nil {
				continue
			}
			if f, ok := facts[v]; ok && f.Type.Kind != tensor.KindUnknown {
				v.Type = f.Type
			}
		}
	}
	set(g.Inputs)
	set(g.Initializers)
	for _, n := range g.Nodes {
		set(n.Outputs)
		for _, body := range n.Bodies() {
			Annotate(body, facts)
		}
	}
}

type run struct {
	ctx   context.Context
	facts Facts
}

func (r *run) graph(g *graph.Graph) error {
	r.enter(g)
	for _, n := range g.Nodes {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.node(n); err != nil {
			return err
		}
	}
	return nil
}

// enter notes what is known of g's inputs and initializers before any node.
func (r *run) enter(g *graph.Graph) {
	inputs := make(map[*graph.Value]bool, len(g.Inputs))
	for _, v := range g.Inputs {
		inputs[v] = true
	}
	for _, v := range g.Initializers {
		if _, ok := r.facts[v]; !ok {
			if f := Of(v.Const); inputs[v] {
				r.facts[v] = Fact{Type: f.Type}
			} else {
				r.facts[v] = f
			}
		}
	}
	for _, v := range g.Inputs {
		if _, ok := r.facts[v]; !ok {
			r.facts[v] = Fact{Type: v.Type}
		}
	}
}

// node finds the facts of one node's outputs.
func (r *run) node(n *graph.Node) error {
	in := make([]Fact, len(n.Inputs))
	for i, v := range n.Inputs {
		if v != nil {
			in[i] = r.facts[v]
		}
	}
	out, err := r.outputs(n, in)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Label(), err)
	}
	for i, v := range n.Outputs {
		if v != nil {
			r.facts[v] = out[i].or(v.Type)
		}
	}
	return nil
}

// or returns f with the type that a file declares standing in where f lacks the
// type, the element type or the rank.
func (f Fact) or(declared tensor.Type) Fact {
	switch {
	case f.Type.Kind == tensor.KindUnknown:
		f.Type = declared
	case f.Type.IsTensor() && declared.IsTensor():
		if f.Type.DType == tensor.Undefined {
			f.Type.DType = declared.DType
		}
		if !f.Type.Dims.Ranked() && f.Type.DType == declared.DType {
			f.Type.Dims = declared.Dims
		}
	}
	return f
}

// Node finds the facts of one node's outputs from those of its inputs and of
// the values that its bodies capture.
func Node(ctx context.Context, n *graph.Node, in []Fact, captured Facts) ([]Fact, error) {
	r := &run{ctx: ctx, facts: make(Facts, len(captured))}
	for v, f := range captured {
		r.facts[v] = f
	}
	out, err := r.outputs(n, in)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Label(), err)
	}
	return out, nil
}

func (r *run) outputs(n *graph.Node, in []Fact) (out []Fact, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("inputs that the operator cannot take: %v", p)
		}
	}()
	c := &Call{Context: r.ctx, Node: n, In: in, Out: make([]Fact, len(n.Outputs)), Body: r.body}
	if err := r.types(c); err != nil {
		return nil, err
	}
	for i, f := range c.Out {
		c.Out[i] = f.settled()
	}
	r.evaluate(c)
	return c.Out, nil
}

// types fills c.Out by the operator's function, or else by its decomposition and
// its schema.
func (r *run) types(c *Call) error {
	if fn, ok := lookup(c.Node.Operator()); ok {
		return fn(c)
	}
	if rule, ok := decompose.Lookup(c.Node.Operator()); ok && len(c.Node.Bodies()) == 0 {
		if err := r.byRule(c, rule); err != nil {
			return err
		}
	}
	c.bySchema()
	return nil
}

// body finds the facts of a body's outputs from those of its inputs.
func (r *run) body(body *graph.Graph, inputs []Fact) ([]Fact, error) {
	if len(inputs) != len(body.Inputs) {
		return nil, fmt.Errorf("body %q takes %d inputs, the node gives it %d", body.Name, len(body.Inputs), len(inputs))
	}
	for i, v := range body.Inputs {
		f := inputs[i]
		if f.Type.Kind == tensor.KindUnknown {
			f.Type = v.Type
		}
		r.facts[v] = f
	}
	if err := r.graph(body); err != nil {
		return nil, err
	}
	out := make([]Fact, len(body.Outputs))
	for i, v := range body.Outputs {
		out[i] = r.facts[v]
	}
	return out, nil
}

// evaluate computes a node whose inputs are all known and small, unless all of its
// outputs are known already.
func (r *run) evaluate(c *Call) {
	unknown := func(f Fact) bool { return f.Const == nil || f.Const.DType() != tensor.Int64 } // narrower ones may have wrapped
	if !slices.ContainsFunc(c.Out, unknown) || !c.known() || len(c.Node.Bodies()) > 0 || Volatile(c.Node) {
		return
	}
	for _, f := range c.Out {
		dims, ok := f.Type.Dims.Shape()
		if !f.Type.IsTensor() || ok && !small(dims) || !ok && !selecting[c.Node.Operator()] {
			return
		}
	}
	in := make([]tensor.Value, len(c.In))
	for i, f := range c.In {
		if c.Node.Inputs[i] != nil {
			in[i] = f.Const
		}
	}
	out, err := reference.Run(r.ctx, c.Node, in, nil)
	if err != nil {
		return // running the node will say what is wrong
	}
	for i, v := range out {
		if t, ok := v.(*tensor.Tensor); ok && i < len(c.Out) {
			c.Out[i] = Of(t)
		}
	}
}

// known reports whether all inputs are known and small.
func (c *Call) known() bool {
	for i, f := range c.In {
		if c.Node.Inputs[i] != nil && (f.Const == nil || !small(f.Const.Shape()) || textBytes(f.Const) > maxConst) {
			return false
		}
	}
	return true
}

// settled returns f with the tensor itself where every element is known.
func (f Fact) settled() Fact {
	shape, ok := f.Type.Dims.Shape()
	if !ok || f.Const != nil || !f.Type.DType.IsInteger() || f.Ints == nil || len(f.Ints) != shape.Size() {
		return f
	}
	values := make([]int64, len(f.Ints))
	for i, v := range f.Ints {
		if !v.Known {
			return f
		}
		values[i] = v.Value
	}
	f.Const = tensor.FromInt64s(f.Type.DType, shape, values)
	return f
}

// selecting are the operators whose outputs have shapes that the elements of
// their inputs decide, and are of the inputs' order of size.
var selecting = map[string]bool{"NonZero": true, "Compress": true, "Unique": true}

// Volatile reports whether a node draws random values. Dropout does so in
// training mode only.
func Volatile(n *graph.Node) bool {
	if n.Operator() != "Dropout" {
		s, ok := operators.Newest(n.Domain, n.Op)
		return volatile[n.Operator()] || ok && s.Random
	}
	mode := n.Input(2)
	return mode != nil && (mode.Const == nil || mode.Const.DType() != tensor.Bool || mode.Const.Len() != 1 || mode.Const.Int64s()[0] != 0)
}

var volatile = map[string]bool{
	"RandomNormal": true, "RandomNormalLike": true, "RandomUniform": true, "RandomUniformLike": true,
	"Multinomial": true, "Bernoulli": true,
}

func small(s tensor.Shape) bool {
	n, err := s.Elements()
	return err == nil && n <= maxConst
}

// textBytes returns the length of a tensor's strings together.
func textBytes(t *tensor.Tensor) int {
	n := 0
	for _, s := range t.Strings() {
		n += len(s)
	}
	return n
}

func lookup(operator string) (Func, bool) {
	fn, ok := functions[operator]
	return fn, ok
}
