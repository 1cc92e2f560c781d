package opset_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/internal/nodetest"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// Whatever a node of an old version is given, it is lifted and computed, or an
// error says why not.
func TestLiftTakesRandomNodes(t *testing.T) {
	count := 60
	if testing.Short() {
		count = 10
	}
	lifted, computed, tried := 0, 0, 0
	for s := range operators.All() {
		if newest, _ := operators.Newest(s.Domain, s.Name); s == newest || !nodetest.Drawable(s) {
			continue
		}
		r := rand.New(rand.NewPCG(uint64(len(s.Name)), uint64(s.Since)))
		for range count {
			n, given := nodetest.Draw(r, s)
			tried++
			g := &graph.Graph{Name: "g", Nodes: []*graph.Node{n}, Outputs: n.Outputs}
			var inputs []tensor.Value
			for i, v := range n.Inputs {
				if v != nil {
					g.Inputs, inputs = append(g.Inputs, v), append(inputs, given[i])
				}
			}
			newest, err := opset.Lift(context.Background(), &graph.Model{Graph: g, Opsets: map[string]int{s.Domain: s.Since}})
			if err == nil {
				lifted++
				_, err = reference.Evaluate(context.Background(), newest, inputs)
			}
			if err == nil {
				computed++
				continue
			}
			require.NotContains(t, err.Error(), "cannot take: ", "%s of version %d: %v of %v", s.Name, s.Since, n.Attributes, given)
		}
	}
	t.Logf("%d of %d nodes were lifted, %d computed", lifted, tried, computed)
	require.Greater(t, computed, tried/6)
}
