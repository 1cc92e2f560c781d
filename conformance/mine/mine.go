// Package mine takes problems out of real models: every distinct node, with its
// attributes, constants, element types and shapes, as a model of its own, to be
// run on data drawn from a seed.
//
// Nodes are taken in their newest form, after types and shapes were inferred for
// the inputs that lie beside the model. What is left out is what data drawn at
// random would make no problem of: control flow, strings and containers, operands
// of indexes or extents that are computed on the way, values whose shape is not
// known before the run, operators whose results are drawn, and those that the
// oracle does not compute.
package mine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/conformance/codec"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// Node is a distinct node of a model.
type Node struct {
	ID   string  // "mined/Conv/22/float32/1f3a…": operator, version, element type, and a digest of the rest
	Work float64 // about how many multiplications it takes, or elements it moves

	node      *graph.Node
	inputs    []tensor.Type    // of each operand; of constants the zero Type
	constants []*tensor.Tensor // of each operand that is one
}

// Prefix begins the ID of every node.
const Prefix = "mined/"

// Nodes returns the distinct nodes of a model that runs on inputs in the order of
// the model's, nil for those that are left to their defaults. The nodes share the
// model's tensors.
func Nodes(ctx context.Context, m *graph.Model, inputs []tensor.Value) ([]Node, error) {
	g, err := opset.Lift(ctx, m)
	if err != nil {
		return nil, err
	}
	for i, v := range g.Inputs {
		if i < len(inputs) && inputs[i] != nil {
			v.Type = inputs[i].Type()
		}
	}
	facts, err := infer.Run(ctx, g, nil)
	if err != nil {
		return nil, err
	}
	infer.Annotate(g, facts)
	var found []Node
	seen := make(map[string]bool)
	for n := range g.All {
		if c, ok := take(n, facts); ok && !seen[c.ID] {
			seen[c.ID] = true
			found = append(found, c)
		}
	}
	return found, nil
}

// take makes a problem of a node, if that can be done.
func take(n *graph.Node, facts infer.Facts) (Node, bool) {
	s, known := operators.Lookup(n.Domain, n.Op, n.Version)
	if _, computed := reference.Lookup(n.Operator()); !known || !computed || len(n.Bodies()) > 0 || len(n.Outputs) == 0 || infer.Volatile(n) || strings.HasPrefix(n.Op, "Optional") || strings.HasPrefix(n.Op, "Sequence") {
		return Node{}, false
	}
	c := Node{node: n, inputs: make([]tensor.Type, len(n.Inputs)), constants: make([]*tensor.Tensor, len(n.Inputs))}
	drawn := 0
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		if c.constants[i] = constant(v, facts); c.constants[i] != nil {
			continue
		}
		if !drawable(v.Type) {
			return Node{}, false
		}
		c.inputs[i] = v.Type
		drawn++
	}
	for _, v := range n.Outputs {
		if v != nil && !sized(v.Type) {
			return Node{}, false
		}
	}
	if drawn == 0 {
		return Node{}, false // it is folded away
	}
	c.Work = work(n)
	c.ID = fmt.Sprintf("%s%s/%d/%v/%s", Prefix, n.Operator(), s.Since, elementType(n), digest(&c))
	return c, true
}

// constant returns the tensor of a value that is known before the run, nil of
// another.
func constant(v *graph.Value, facts infer.Facts) *tensor.Tensor {
	if v.Const != nil {
		return v.Const
	}
	return facts[v].Const
}

func sized(t tensor.Type) bool {
	_, known := t.Dims.Shape()
	return t.IsTensor() && t.Dims != nil && known
}

// drawable reports whether data can be drawn for a value: numbers whose magnitude
// does not decide whether there is a result.
func drawable(t tensor.Type) bool {
	if !sized(t) {
		return false
	}
	switch d := t.DType; d {
	case tensor.Bool, tensor.Int8, tensor.Uint8:
		return true
	default:
		return d.IsFloat() && d.Bits() >= 16
	}
}

func elementType(n *graph.Node) tensor.DType {
	if v := n.Input(0); v != nil {
		return v.Type.DType
	}
	return n.Outputs[0].Type.DType
}

// work estimates what a node takes: of products of weights, an output's element
// takes as many multiplications as there are weights for it.
func work(n *graph.Node) float64 {
	size := func(v *graph.Value) float64 {
		if v == nil {
			return 0
		}
		s, _ := v.Type.Dims.Shape()
		return float64(s.Size())
	}
	extent := func(v *graph.Value, axis int) float64 {
		s, known := v.Type.Dims.Shape()
		if axis < 0 {
			axis += len(s)
		}
		if !known || axis < 0 || axis >= len(s) {
			return 1
		}
		return max(float64(s[axis]), 1)
	}
	total := 0.0
	for _, v := range append(append([]*graph.Value(nil), n.Inputs...), n.Outputs...) {
		total += size(v)
	}
	out, w := size(n.Output(0)), n.Input(1)
	switch {
	case w == nil:
	case strings.Contains(n.Op, "Conv"):
		total += out * size(w) / extent(w, 0)
	case strings.Contains(n.Op, "MatMul"), n.Op == "Gemm", n.Op == "Einsum":
		total += out * extent(n.Input(0), -1)
	case n.Op == "LSTM", n.Op == "GRU", n.Op == "RNN":
		total += extent(n.Input(0), 0) * extent(n.Input(0), 1) * (size(w) + size(n.Input(2)))
	case strings.Contains(n.Op, "Attention"):
		total += size(n.Input(0)) * extent(n.Input(0), -1) * 4
	}
	return total
}

// few is how many elements a constant of floats may have to count by its values.
// Of weights, the shape counts.
const few = 64

// digest tells nodes apart: by attributes, by the types of operands, and by the
// constants that are no weights.
func digest(c *Node) string {
	h := sha256.New()
	for _, a := range c.node.Attributes {
		fmt.Fprintf(h, "%s=", a.Name)
		if t, ok := a.Value.(*tensor.Tensor); ok {
			h.Write(codec.Append(nil, t))
			continue
		}
		fmt.Fprintf(h, "%v\n", a.Value)
	}
	for i, v := range c.node.Inputs {
		switch {
		case v == nil:
			fmt.Fprint(h, "none\n")
		case c.constants[i] != nil:
			weigh(h, c.constants[i])
		default:
			fmt.Fprintf(h, "%v\n", c.inputs[i])
		}
	}
	fmt.Fprint(h, len(c.node.Outputs))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

func weigh(h hash.Hash, t *tensor.Tensor) {
	if t.DType().IsFloat() && t.Len() > few {
		fmt.Fprintf(h, "weights %v\n", t.Type())
		return
	}
	h.Write(codec.Append(nil, t))
}

// Make draws the problem of a node from a seed.
func (c Node) Make(seed uint64) *cell.Problem {
	n := &graph.Node{Name: "node", Domain: c.node.Domain, Op: c.node.Op, Version: c.node.Version, Attributes: c.node.Attributes}
	g := &graph.Graph{Name: c.node.Op, Nodes: []*graph.Node{n}}
	var types []tensor.Type
	for i, v := range c.node.Inputs {
		switch {
		case v == nil:
			n.Inputs = append(n.Inputs, nil)
		case c.inputs[i].IsTensor():
			in := &graph.Value{Name: fmt.Sprintf("x%d", i), Type: c.inputs[i]}
			n.Inputs, g.Inputs = append(n.Inputs, in), append(g.Inputs, in)
			types = append(types, c.inputs[i])
		default:
			t := c.constants[i]
			w := &graph.Value{Name: fmt.Sprintf("c%d", i), Type: t.Type(), Const: t}
			n.Inputs, g.Initializers = append(n.Inputs, w), append(g.Initializers, w)
		}
	}
	for i, v := range c.node.Outputs {
		if v == nil {
			n.Outputs = append(n.Outputs, nil)
			continue
		}
		out := &graph.Value{Name: fmt.Sprintf("y%d", i), Type: v.Type, Producer: n}
		n.Outputs, g.Outputs = append(n.Outputs, out), append(g.Outputs, out)
	}
	p := &cell.Problem{Node: n, Model: &graph.Model{Producer: "midplane", Opsets: map[string]int{"": operators.NewestOpset(""), n.Domain: n.Version}, Graph: g}}
	for _, name := range []string{"ordinary", "again"} {
		d := cell.Draw{Name: name}
		for i, t := range types {
			d.Inputs = append(d.Inputs, draw(dice(seed, c.ID, name, i), t))
		}
		p.Draws = append(p.Draws, d)
	}
	return p
}

// dice returns the random numbers that belong to a seed and an operand.
func dice(seed uint64, id, set string, operand int) *rand.Rand {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", id, set, operand))
	return rand.New(rand.NewPCG(seed, binary.LittleEndian.Uint64(sum[:])))
}

// draw fills a tensor: floats are about normally distributed, as what flows
// through models is, integers of all values that there are.
func draw(r *rand.Rand, t tensor.Type) *tensor.Tensor {
	shape, _ := t.Dims.Shape()
	n := shape.Size()
	if t.DType.IsFloat() {
		v := make([]float64, n)
		for i := range v {
			v[i] = bell(r)
		}
		return tensor.FromFloat64s(t.DType, shape, v)
	}
	v := make([]int64, n)
	for i := range v {
		switch t.DType {
		case tensor.Bool:
			v[i] = r.Int64N(2)
		case tensor.Uint8:
			v[i] = r.Int64N(256)
		default:
			v[i] = r.Int64N(256) - 128
		}
	}
	return tensor.FromInt64s(t.DType, shape, v)
}

// bell returns a number of mean 0 and variance 1: a sum of uniform ones, which is
// the same to the last bit on every machine.
func bell(r *rand.Rand) float64 {
	const root3 = 1.7320508075688772 // 4 uniform numbers have the variance 1/3
	return root3 * (r.Float64() + r.Float64() + r.Float64() + r.Float64() - 2)
}
