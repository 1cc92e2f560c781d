package opset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// Lift returns the main graph of m in canonical form: calls of model-local
// functions inlined, every operator of ONNX's domains in its newest form and
// its Version the one that brought that form, types filled in as far as they
// are known. m is not changed; nodes of the new graph tell by their Source
// which of m's nodes, in functions too, they came from. Nodes of other domains
// pass as they are.
//
// An error may be an [*UnsupportedError]; other errors name nodes that break
// their operator's schema, or functions that cannot be inlined.
func Lift(ctx context.Context, m *graph.Model) (*graph.Graph, error) {
	if m.Graph == nil {
		return nil, errors.New("opset: the model has no graph")
	}
	g := m.Graph.Clone(nil)
	readUnder(g, m.Opsets)
	if err := inline(g, m.Functions); err != nil {
		return nil, fmt.Errorf("opset: %w", err)
	}
	if err := survey(g); err != nil {
		return nil, fmt.Errorf("opset: %w", err)
	}
	l := &lifter{ctx: ctx, types: infer.NewTracker(ctx)}
	if err := l.graph(g); err != nil {
		return nil, fmt.Errorf("opset: %w", err)
	}
	return g, nil
}

// readUnder sets the operator-set version of every node of g and of its bodies,
// 0 where its domain is not imported.
func readUnder(g *graph.Graph, opsets map[string]int) {
	for n := range g.All {
		n.Domain = graph.NormalDomain(n.Domain)
		n.Version = opsets[n.Domain]
		if v, ok := opsets["ai.onnx"]; ok && n.Domain == "" && n.Version == 0 {
			n.Version = v
		}
	}
}

// lifter goes through graphs in order, bodies before the nodes that hold them,
// so that everything in front of a node is in newest form when its turn comes.
type lifter struct {
	ctx   context.Context
	types *infer.Tracker
}

func (l *lifter) graph(g *graph.Graph) error {
	l.types.Enter(g)
	nodes := g.Nodes
	g.Nodes = make([]*graph.Node, 0, len(nodes))
	for _, n := range nodes {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		for _, body := range n.Bodies() {
			formalInputs(n, body)
			if err := l.graph(body); err != nil {
				return err
			}
		}
		version := n.Version
		piece, err := l.node(n)
		if err != nil {
			return fmt.Errorf("node %s of operator set version %d: %w", n.Label(), version, err)
		}
		g.Nodes = append(g.Nodes, piece.Nodes...)
		g.Initializers = append(g.Initializers, piece.Initializers...)
	}
	return nil
}

// node returns what stands in place of n: its nodes and initializers.
func (l *lifter) node(n *graph.Node) (*graph.Graph, error) {
	piece := &graph.Graph{Nodes: []*graph.Node{n}}
	version := effective(n)
	for _, rule := range rules(n.Operator()) {
		if version >= rule.Below {
			continue
		}
		b, out, err := l.apply(rule, n)
		if err != nil {
			return nil, err
		}
		if len(b.Nodes) == 0 && slices.Equal(out, n.Outputs) {
			piece.Initializers = append(piece.Initializers, b.Initializers...)
			continue
		}
		return piece, l.replace(piece, b, out)
	}
	return piece, l.finish(n)
}

// apply runs one rule. What would crash it comes back as an error.
func (l *lifter) apply(rule Rule, n *graph.Node) (b *graph.Builder, out []*graph.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a form that the lift from below version %d cannot take: %v", rule.Below, p)
		}
	}()
	b = graph.NewBuilder(n)
	b.Inferred = l.finish
	out, err = rule.Lift(b, n)
	return b, out, errors.Join(err, b.Err())
}

// replace puts what a rule has emitted in place of the piece's only node.
func (l *lifter) replace(piece *graph.Graph, b *graph.Builder, out []*graph.Value) error {
	n := piece.Nodes[0]
	declared := make([]tensor.Type, len(n.Outputs))
	for i, was := range n.Outputs {
		if was == nil {
			continue
		}
		declared[i] = was.Type
		if i >= len(out) || out[i] == nil || slices.Contains(n.Outputs, out[i]) {
			return fmt.Errorf("the lift emits nodes and none that writes output %d", i)
		}
	}
	piece.Replace(0, b, out)
	for i, was := range n.Outputs {
		if was != nil {
			was.Type = declared[i]
			l.types.Set(was, l.types.Fact(out[i]))
		}
	}
	return b.Err()
}

// finish gives a node in newest form its version and the types of its outputs.
// It is an error if the node breaks the schema of that version; what inference
// finds wrong is left for [infer.Run] to report.
func (l *lifter) finish(n *graph.Node) error {
	if s, ok := operators.Newest(n.Domain, n.Op); ok {
		n.Version = s.Since
	}
	if err := operators.Check(n); err != nil {
		return fmt.Errorf("as %s of version %d: %w", n.Operator(), n.Version, err)
	}
	_ = l.types.Node(n)
	return nil
}

// effective returns the version under which n is to be lifted. Where an operator
// is deprecated, that is the last version in which it was not.
func effective(n *graph.Node) int {
	s, ok := operators.Lookup(n.Domain, n.Op, n.Version)
	if !ok || !s.Deprecated {
		return n.Version
	}
	if last, ok := operators.Lookup(n.Domain, n.Op, s.Since-1); ok {
		return last.Since
	}
	return n.Version
}

// rules returns the rules of an operator in ascending order of Below.
func rules(operator string) []Rule {
	for _, f := range families {
		if r, ok := f[operator]; ok {
			return r
		}
	}
	return nil
}
