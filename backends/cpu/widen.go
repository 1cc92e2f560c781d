package cpu

import (
	"context"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// promotion is the pass that lets neighbours among the nodes in float16 or bfloat16
// hand each other float32: results are rounded to 16 bits where others read them,
// and at the graph's outputs. So what serves float32 serves such graphs: kernels of
// several nodes, factors folded into weights, images in blocks.
type promotion struct {
	device  *Device
	graph   *graph.Graph
	readers map[*graph.Value][]*graph.Node
	fast    map[*graph.Node]bool          // that a kernel of float32 computes, of those asked about
	wide    map[*graph.Value]*graph.Value // by what they stand for
	nodes   []*graph.Node
}

// stepwise are operators among halves whose results jump where their operands change
// by little: they read what was rounded, as the model says.
var stepwise = []string{"Cast", "Floor", "Ceil", "Round", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}

// movers are operators that move elements of any type. They do so in float32 where
// all that they move is there in float32.
var movers = []string{
	"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Expand", "Tile", "Transpose", "DepthToSpace", "SpaceToDepth",
	"Slice", "Concat", "Split", "Pad", "Gather", "Where",
}

// widenHalves runs the pass on a graph, without its bodies.
func (d *Device) widenHalves(ctx context.Context, g *graph.Graph) (bool, error) {
	w := &promotion{device: d, graph: g, readers: make(map[*graph.Value][]*graph.Node), fast: make(map[*graph.Node]bool), wide: make(map[*graph.Value]*graph.Value)}
	for _, n := range g.Nodes {
		for _, v := range n.Reads() {
			w.readers[v] = append(w.readers[v], n)
		}
	}
	for _, n := range g.Nodes {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if !w.moves(n) && !(w.computes(n) && w.hasNeighbour(n)) {
			w.nodes = append(w.nodes, n)
			continue
		}
		if err := w.rewrite(n); err != nil {
			return false, err
		}
	}
	g.Nodes = w.nodes
	return len(w.wide) > 0, nil
}

// computes reports whether a node is computed by a kernel of float32.
func (w *promotion) computes(n *graph.Node) bool {
	fast, known := w.fast[n]
	if !known {
		fast = slices.Contains(halves, n.Operator()) && !slices.Contains(stepwise, n.Operator()) &&
			strings.HasSuffix(w.device.Supports(n).Kernel, halfSuffix)
		w.fast[n] = fast
	}
	return fast
}

// moves reports whether a node moves what there is in float32.
func (w *promotion) moves(n *graph.Node) bool {
	there, missing := false, false
	for _, v := range n.Inputs {
		if isHalf(v) && v.Const == nil {
			there, missing = there || w.wide[v] != nil, missing || w.wide[v] == nil
		}
	}
	return there && !missing && slices.Contains(movers, n.Operator())
}

// hasNeighbour reports whether a node reads what is there in float32, or writes what
// a node reads that can do with it.
func (w *promotion) hasNeighbour(n *graph.Node) bool {
	for _, v := range n.Inputs {
		if isHalf(v) && v.Const == nil && w.wide[v] != nil {
			return true
		}
	}
	for _, v := range n.Outputs {
		if isHalf(v) && slices.ContainsFunc(w.readers[v], func(m *graph.Node) bool { return w.computes(m) || slices.Contains(movers, m.Operator()) }) {
			return true
		}
	}
	return false
}

// rewrite lets a node read and write float32, with casts before and behind it. What
// nobody reads is taken out later.
func (w *promotion) rewrite(n *graph.Node) error {
	b := graph.NewBuilder(n)
	inputs := slices.Clone(n.Inputs)
	for i, v := range n.Inputs {
		if !isHalf(v) {
			continue
		}
		if w.wide[v] == nil {
			wide, err := w.widen(b, v)
			if err != nil {
				return err
			}
			w.wide[v] = wide
		}
		inputs[i] = w.wide[v]
	}
	w.nodes = append(w.nodes, b.Nodes...)
	w.graph.Initializers = append(w.graph.Initializers, b.Initializers...)
	n.Inputs = inputs
	w.nodes = append(w.nodes, n)
	for i, v := range n.Outputs {
		if !isHalf(v) {
			continue
		}
		wide := &graph.Value{Name: v.Name + "/float32", Type: v.Type, Producer: n}
		wide.Type.DType = tensor.Float32
		n.Outputs[i] = wide
		w.wide[v] = wide
		b := graph.NewBuilder(n)
		cast := b.Op("Cast", []*graph.Value{wide}, graph.A("to", int64(v.Type.DType))).Producer
		cast.Outputs[0], v.Producer = v, cast
		w.nodes = append(w.nodes, cast)
	}
	return nil
}

// widen returns a value in float32.
func (w *promotion) widen(b *graph.Builder, v *graph.Value) (*graph.Value, error) {
	if v.Const != nil {
		wide, err := w.device.widenConstant(v.Const)
		if err != nil {
			return nil, err
		}
		return b.Const(wide), nil
	}
	wide := b.Op("Cast", []*graph.Value{v}, graph.A("to", int64(tensor.Float32)))
	wide.Type = v.Type
	wide.Type.DType = tensor.Float32
	return wide, nil
}
