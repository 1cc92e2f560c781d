package cpu

import (
	"context"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// passes are those that only this backend profits from. Each changes what node i
// of a graph stands for, and returns how many nodes took its place; 0 where it
// left it alone. Those of quantized numbers make operators that ONNX does not have.
var (
	passes          = []func(r *rewriting, i int) int{indexLabels}
	quantizedPasses = []func(r *rewriting, i int) int{splitDynamicProduct, foldDynamicProduct, foldQuantized, channelsLastQuantized}
)

// Optimize implements operators.Optimizer.
func (d *Device) Optimize(ctx context.Context, g *graph.Graph) (bool, error) {
	changed, err := d.widenHalves(ctx, g)
	if err != nil {
		return changed, err
	}
	list := passes
	if _, linked := reference.Lookup(microsoft + "QLinearConv"); linked {
		list = slices.Concat(passes, quantizedPasses)
	}
	for _, pass := range list {
		r := newRewriting(g)
		for i := 0; i < len(g.Nodes); i++ {
			if err := ctx.Err(); err != nil {
				return changed, err
			}
			if n := pass(r, i); n > 0 {
				i += n - 1
				changed = true
			}
		}
	}
	return changed, nil
}

// microsoft is the domain of the operators on quantized numbers that ONNX does
// not have.
const microsoft = "com.microsoft."

// rewriting looks for patterns in a graph while nodes of it are replaced.
type rewriting struct {
	graph  *graph.Graph
	uses   map[*graph.Value]int          // how often each value is read
	reader map[*graph.Value]*graph.Node  // a node that reads it
	last   map[*graph.Value]*graph.Value // images with their channels last, of those that have them second
}

func newRewriting(g *graph.Graph) *rewriting {
	r := &rewriting{g, make(map[*graph.Value]int), make(map[*graph.Value]*graph.Node), make(map[*graph.Value]*graph.Value)}
	for _, n := range g.Nodes {
		for _, v := range n.Reads() {
			r.uses[v]++
			r.reader[v] = n
		}
	}
	for _, v := range g.Outputs {
		r.uses[v]++
	}
	return r
}

// replace puts b's nodes in the place of node i, with out for its first output.
func (r *rewriting) replace(i int, b *graph.Builder, out *graph.Value) int {
	return r.graph.Replace(i, b, []*graph.Value{out})
}

// before returns the node that writes a value that nothing but one node reads, if
// it is of an operator; else nil.
func (r *rewriting) before(v *graph.Value, operators ...string) *graph.Node {
	if v == nil || v.Producer == nil || r.uses[v] != 1 || !slices.Contains(operators, v.Producer.Operator()) {
		return nil
	}
	return v.Producer
}

// isNumber reports whether a value is known to be a tensor of a type and one
// element.
func isNumber(v *graph.Value, d tensor.DType) bool {
	s, known := shapeOf(v)
	return known && v.Type.DType == d && s.Size() == 1 && len(s) < 2
}

// shapeOf returns the shape of a value, if it is known.
func shapeOf(v *graph.Value) (tensor.Shape, bool) {
	if v == nil || !v.Type.IsTensor() || !v.Type.Dims.Ranked() {
		return nil, false
	}
	return v.Type.Dims.Shape()
}
