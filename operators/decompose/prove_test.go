package decompose_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/reference"
)

// claim is one use of an operator whose rule is to give what the operator gives.
type claim struct {
	name     string
	domain   string
	op       string
	attrs    []graph.Attribute
	in       []*tensor.Tensor // nil where an optional input is absent
	constant []int            // inputs that the rule may know
	outputs  int              // 1 if it is 0
	rtol     float64          // 1e-6 if it is 0
}

// prove computes each claim's node by itself and decomposed, with the extents of
// its inputs known and with only their ranks, and compares.
func prove(t *testing.T, claims []claim) {
	t.Helper()
	for _, c := range claims {
		t.Run(c.op+" "+c.name, func(t *testing.T) {
			n, given := c.node()
			native, err := reference.Run(context.Background(), n, given, nil)
			require.NoError(t, err)
			for _, known := range []bool{true, false} {
				if !known {
					forget(n)
				}
				g, err := decomposed(n)
				if !known && err != nil {
					continue // the rule declines; what it can do with shapes is proved
				}
				require.NoError(t, err)
				got, err := reference.Evaluate(context.Background(), g, given)
				require.NoError(t, err)
				for i := range n.Outputs {
					require.NoError(t, onnxtest.Compare(got[i], native[i], max(c.rtol, 1e-6), 1e-7))
				}
			}
		})
	}
}

// node returns the claim's node and the values of its inputs.
func (c claim) node() (*graph.Node, []tensor.Value) {
	s, _ := operators.Newest(c.domain, c.op)
	n := &graph.Node{Name: c.op, Domain: c.domain, Op: c.op, Version: s.Since, Attributes: c.attrs}
	var given []tensor.Value
	for i, x := range c.in {
		if x == nil {
			n.Inputs, given = append(n.Inputs, nil), append(given, nil)
			continue
		}
		v := &graph.Value{Name: string(rune('a' + i)), Type: x.Type()}
		for _, k := range c.constant {
			if k == i {
				v.Const = x
			}
		}
		n.Inputs, given = append(n.Inputs, v), append(given, x)
	}
	for range max(c.outputs, 1) {
		n.Outputs = append(n.Outputs, &graph.Value{Name: "y", Producer: n})
	}
	return n, given
}

// forget makes the extents of n's inputs unknown, but for those of constants and
// of vectors, whose lengths are ranks.
func forget(n *graph.Node) {
	for _, v := range n.Inputs {
		if v != nil && v.Const == nil && len(v.Type.Dims) != 1 {
			v.Type.Dims = tensor.UnknownDims(len(v.Type.Dims))
		}
	}
}

// decomposed returns a graph of what the rule of n's operator emits, every node
// of which has been held against its operator's schema.
func decomposed(n *graph.Node) (*graph.Graph, error) {
	rule, _ := decompose.Lookup(n.Operator())
	tracker := infer.NewTracker(context.Background())
	b := graph.NewBuilder(n)
	b.Inferred = func(m *graph.Node) error {
		if s, ok := operators.Newest(m.Domain, m.Op); ok {
			m.Version = s.Since
		}
		for _, v := range m.Inputs {
			if v != nil && v.Producer == nil {
				tracker.Set(v, infer.Fact{Type: v.Type, Const: v.Const})
			}
		}
		if err := operators.CheckForm(m); err != nil {
			return err
		}
		if err := tracker.Node(m); err != nil {
			return err
		}
		return operators.CheckTypes(m)
	}
	out, err := rule(b, n)
	if err == nil {
		err = b.Err()
	}
	if err != nil {
		return nil, err
	}
	g := &graph.Graph{Inputs: n.Inputs, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: out}
	return g, nil
}
