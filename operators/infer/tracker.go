package infer

import (
	"context"

	"example.com/midplane/operators/graph"
)

// Tracker infers node by node, for a caller that changes a graph as it goes
// through it. Types found are written into the values at once.
type Tracker struct{ run *run }

// NewTracker returns a Tracker that knows nothing yet.
func NewTracker(ctx context.Context) *Tracker {
	return &Tracker{&run{ctx: ctx, facts: make(Facts)}}
}

// Enter notes what is known of the inputs and initializers of g; values of
// surrounding graphs keep their facts.
func (t *Tracker) Enter(g *graph.Graph) { t.run.enter(g) }

// Node finds the facts of a node's outputs from those of its inputs. After an
// error, which names the node, the outputs have the types that they declare.
func (t *Tracker) Node(n *graph.Node) error {
	for _, v := range n.Inputs {
		if v == nil {
			continue
		}
		if _, ok := t.run.facts[v]; !ok && v.Const != nil {
			t.run.facts[v] = Of(v.Const)
		}
	}
	err := t.run.node(n)
	for _, v := range n.Outputs {
		if v != nil {
			t.Set(v, t.run.facts[v])
		}
	}
	for _, body := range n.Bodies() {
		Annotate(body, t.run.facts)
	}
	return err
}

// Fact returns what is known of a value.
func (t *Tracker) Fact(v *graph.Value) Fact { return t.run.facts[v] }

// Set notes what is known of a value; what it declares counts where the fact
// says nothing.
func (t *Tracker) Set(v *graph.Value, f Fact) {
	f = f.or(v.Type)
	v.Type = f.Type
	t.run.facts[v] = f
}
