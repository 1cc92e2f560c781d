package infer_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/internal/nodetest"
	"example.com/midplane/operators/reference"
)

// Whatever a node is given, it is computed or an error says why not; what is
// inferred of it holds, and what inference rejects the reference rejects.
func TestInferenceAgreesOnRandomNodes(t *testing.T) {
	count := 300
	if testing.Short() {
		count = 30
	}
	computed, tried := 0, 0
	for _, s := range nodetest.Newest() {
		if _, known := reference.Lookup(s.Operator()); !known {
			continue
		}
		t.Run(s.Operator(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(len(s.Name)), 7))
			for range count {
				n, given := nodetest.Draw(r, s)
				tried++
				if agree(t, n, given) {
					computed++
				}
			}
		})
	}
	t.Logf("%d of %d nodes were computed", computed, tried)
	assert.Greater(t, computed, tried/4)
}

// crash is how what would have been one reads: each package catches its own.
const crash = "cannot take: "

// agree reports whether the reference computes a node.
func agree(t *testing.T, n *graph.Node, given []tensor.Value) bool {
	t.Helper()
	out, failure := reference.Run(context.Background(), n, given, nil)
	if failure != nil {
		require.NotContains(t, failure.Error(), crash, "%v of %v", n.Attributes, given)
	}
	if rule, ok := decompose.Lookup(n.Operator()); ok {
		if _, _, err := infer.Rewrite(context.Background(), rule, n); err != nil {
			require.NotContains(t, err.Error(), crash, "%v of %v", n.Attributes, given)
		}
	}
	for _, knowledge := range []func(i int, x *tensor.Tensor) infer.Fact{exact, onlyTypes, onlyRanks, symbols} {
		known := make([]infer.Fact, len(given))
		for i, x := range given {
			if x != nil {
				known[i] = knowledge(i, x.(*tensor.Tensor))
			}
		}
		facts, err := infer.Node(context.Background(), n, known, nil)
		if err != nil {
			require.NotContains(t, err.Error(), crash, "%v of %v", n.Attributes, given)
			require.Error(t, failure, "%v of %v: inference finds %v", n.Attributes, given, err)
			continue
		}
		for i := range min(len(facts), len(out)) {
			if x, ok := out[i].(*tensor.Tensor); ok && facts[i].Type.Kind == tensor.KindTensor {
				holds(t, facts[i], x, "%v of %v known as %v", n.Attributes, given, known)
			}
		}
	}
	return failure == nil
}
