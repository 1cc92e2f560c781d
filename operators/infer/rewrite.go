package infer

import (
	"context"
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// Rewrite applies a rule to a node of whose inputs the types are known: it
// returns what the rule emits, with all types inferred and constants in the place
// of what depends on nothing else, and the values that stand for the node's
// outputs. An error says why the rule declines, or why what it emits cannot run.
func Rewrite(ctx context.Context, rule graph.Rewrite, n *graph.Node) (*graph.Builder, []*graph.Value, error) {
	t := NewTracker(ctx)
	b, out, declined, err := t.rewrite(rule, n)
	if err == nil {
		err = declined
	}
	if err == nil {
		t.fold(b)
	}
	return b, out, err
}

// fold makes initializers of what nodes of b move from constants to constants, and
// of what is known beside.
func (t *Tracker) fold(b *graph.Builder) {
	b.Nodes = slices.DeleteFunc(b.Nodes, func(n *graph.Node) bool {
		if len(n.Outputs) != 1 || n.Outputs[0] == nil || len(n.Bodies()) > 0 {
			return false
		}
		v := n.Outputs[0]
		if v.Const = t.run.facts[v].Const; v.Const == nil {
			v.Const = t.moved(n)
		}
		if v.Const == nil {
			return false
		}
		v.Producer, v.Type = nil, v.Const.Type()
		b.Initializers = append(b.Initializers, v)
		return true
	})
}

// moved returns a constant in the other order or shape that a node puts it into;
// nil where the node does anything else.
func (t *Tracker) moved(n *graph.Node) *tensor.Tensor {
	if op := n.Operator(); op != "Reshape" && op != "Transpose" && op != "Squeeze" && op != "Unsqueeze" {
		return nil
	}
	in := make([]tensor.Value, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		if v.Const == nil {
			return nil
		}
		in[i] = v.Const
	}
	out, err := reference.Run(t.run.ctx, n, in, nil)
	if err != nil {
		return nil // running the node will say what is wrong
	}
	moved, _ := out[0].(*tensor.Tensor)
	return moved
}

// rewrite tells a rule that declines from nodes that cannot run.
func (t *Tracker) rewrite(rule graph.Rewrite, n *graph.Node) (b *graph.Builder, out []*graph.Value, declined, err error) {
	for _, v := range n.Reads() {
		if _, ok := t.run.facts[v]; !ok {
			t.run.facts[v] = Fact{Type: v.Type, Const: v.Const}
		}
	}
	b = graph.NewBuilder(n)
	b.Inferred = func(part *graph.Node) error {
		if s, ok := operators.Newest(part.Domain, part.Op); ok {
			part.Version = s.Since
		}
		if err := t.Node(part); err != nil {
			return err
		}
		if err := operators.CheckTypes(part); err != nil {
			return fmt.Errorf("node %s: %w", part.Label(), err)
		}
		return nil
	}
	out, declined = applied(rule, b, n)
	return b, out, declined, b.Err()
}

// applied is what a rule gives. What would crash it comes back as an error.
func applied(rule graph.Rewrite, b *graph.Builder, n *graph.Node) (out []*graph.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a form that the rule cannot take: %v", p)
		}
	}()
	return rule(b, n)
}

// byRule infers an operator without bodies through what its decomposition emits.
// Where the rule declines nothing is known.
func (r *run) byRule(c *Call, rule graph.Rewrite) error {
	n := *c.Node
	n.Inputs = make([]*graph.Value, len(c.In))
	t := &Tracker{&run{ctx: r.ctx, facts: make(Facts)}}
	for i, f := range c.In {
		if v := c.Node.Inputs[i]; v != nil {
			n.Inputs[i] = &graph.Value{Name: v.Name, Type: f.Type, Const: f.Const}
			t.run.facts[n.Inputs[i]] = f
		}
	}
	_, out, declined, err := t.rewrite(rule, &n)
	if err != nil || declined != nil {
		return err
	}
	for i := range min(len(out), len(c.Out)) {
		if out[i] != nil {
			c.Out[i] = t.run.facts[out[i]]
		}
	}
	return nil
}

// bySchema gives outputs the element types that the operator's schema fixes: one
// of its own, or that of an input that shares its type variable.
func (c *Call) bySchema() {
	s, ok := operators.Newest(c.Node.Domain, c.Node.Op)
	if !ok {
		return
	}
	for i := range c.Out {
		p, ok := s.Output(i)
		if !ok || c.Out[i].Type.Kind != tensor.KindUnknown {
			continue
		}
		if allowed := s.Elements(p.Type); len(allowed) == 1 {
			c.SetUnranked(i, allowed[0])
		}
		for k := range c.In {
			if in, ok := s.Input(k); ok && in.Type == p.Type && !in.Heterogeneous && c.DType(k) != tensor.Undefined {
				c.SetUnranked(i, c.DType(k))
			}
		}
	}
}
