// Package cost counts the multiplications, each with its addition, that a graph
// takes: those of convolutions, products of matrices, recurrent layers and
// attention, by the textbook's formula, whatever algorithm computes them. Other
// operators count for nothing.
//
// Products of what DequantizeLinear made count as integers' ones: a backend may
// compute them so.
package cost

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// Work is a number of multiply-adds by the kind of numbers.
type Work struct {
	Floats   float64
	Integers float64
}

// Total returns all multiply-adds.
func (w Work) Total() float64 { return w.Floats + w.Integers }

// Plus returns w with more work.
func (w Work) Plus(more Work) Work {
	return Work{w.Floats + more.Floats, w.Integers + more.Integers}
}

// times returns the work of n repetitions.
func (w Work) times(n float64) Work { return Work{w.Floats * n, w.Integers * n} }

// Graph returns the work of a graph's nodes. What the facts leave open counts for
// nothing.
func Graph(g *graph.Graph, facts infer.Facts) Work {
	var w Work
	for _, n := range g.Nodes {
		w = w.Plus(Node(n, facts).Plus(bodies(n, facts)))
	}
	return w
}

// Node returns the work of a node, without that of its bodies.
func Node(n *graph.Node, facts infer.Facts) Work {
	rule, ok := rules[n.Operator()]
	if !ok {
		return Work{}
	}
	c := &count{node: n, facts: facts}
	macs := rule(c)
	switch {
	case c.unknown:
		return Work{}
	case c.dtype(0).IsInteger(), dequantized(n.Input(0)) && dequantized(n.Input(1)):
		return Work{Integers: macs}
	}
	return Work{Floats: macs}
}

// dequantized reports whether a value is made of integers by DequantizeLinear.
func dequantized(v *graph.Value) bool {
	return v != nil && v.Producer != nil && v.Producer.Operator() == "DequantizeLinear"
}

// bodies returns the work of the bodies of a node: of If the greater one, of Scan
// once for every element of what it scans, of Loop as often as a constant trip
// count says.
func bodies(n *graph.Node, facts infer.Facts) Work {
	var most Work
	for _, body := range n.Bodies() {
		if w := Graph(body, facts); w.Total() > most.Total() {
			most = w
		}
	}
	c := &count{node: n, facts: facts}
	switch n.Operator() {
	case "If":
		return most
	case "Scan":
		scans := int(n.Int("num_scan_inputs", 0))
		first := len(n.Inputs) - scans
		axis := 0
		if axes := n.Ints("scan_input_axes"); len(axes) > 0 {
			axis = int(axes[0])
		}
		trips := c.extent(first, axis)
		if c.unknown {
			return Work{}
		}
		return most.times(trips)
	case "Loop":
		if v := n.Input(0); v != nil && facts[v].Const != nil && facts[v].Const.Len() == 1 {
			return most.times(max(0, float64(facts[v].Const.Int64s()[0])))
		}
	}
	return Work{}
}

// count is the counting of one node.
type count struct {
	node    *graph.Node
	facts   infer.Facts
	unknown bool // an extent that was asked for is not known
}

// typeOf returns what is known of the type of a value: the fact, else what the
// graph says.
func (c *count) typeOf(v *graph.Value) tensor.Type {
	if v == nil {
		return tensor.Type{}
	}
	if f, ok := c.facts[v]; ok && f.Type.Kind != tensor.KindUnknown {
		return f.Type
	}
	if v.Const != nil {
		return v.Const.Type()
	}
	return v.Type
}

// dtype returns the element type of input i.
func (c *count) dtype(i int) tensor.DType { return c.typeOf(c.node.Input(i)).DType }

// shape returns the shape of a value, and notes where it is not known.
func (c *count) shape(v *graph.Value) tensor.Shape {
	t := c.typeOf(v)
	if t.IsTensor() && t.Dims.Ranked() {
		if s, ok := t.Dims.Shape(); ok {
			return s
		}
	}
	c.unknown = true
	return nil
}

// elements returns the number of elements of input i.
func (c *count) elements(i int) float64 { return product(c.shape(c.node.Input(i))) }

// results returns the number of elements of the first output.
func (c *count) results() float64 { return product(c.shape(c.node.Output(0))) }

// extent returns an extent of input i; a negative axis counts from the last.
func (c *count) extent(i, axis int) float64 {
	s := c.shape(c.node.Input(i))
	if axis < 0 {
		axis += len(s)
	}
	if axis < 0 || axis >= len(s) {
		c.unknown = true
		return 0
	}
	return float64(s[axis])
}

func product(s tensor.Shape) float64 {
	n := 1.0
	for _, d := range s {
		n *= float64(d)
	}
	return n
}
