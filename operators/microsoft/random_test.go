package microsoft_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/internal/nodetest"
	"example.com/midplane/operators/microsoft"
	"example.com/midplane/operators/reference"
)

// Whatever a node is given, it is computed or an error says why not, by its
// implementation and decomposed; and what is inferred of it holds.
func TestRandomNodes(t *testing.T) {
	count := 300
	if testing.Short() {
		count = 50
	}
	computed := 0
	for _, s := range nodetest.Newest() {
		if s.Domain != microsoft.Domain {
			continue
		}
		_, native := reference.Lookup(s.Operator())
		_, composed := decompose.Lookup(s.Operator())
		r := rand.New(rand.NewPCG(uint64(len(s.Name)), 7))
		for range count {
			n, given := nodetest.Draw(r, s)
			if operators.Check(n) != nil {
				continue // it does not get so far
			}
			about := func() string { return s.Name + " " + tensorsOf(given) }
			facts, known := infer.Node(context.Background(), n, factsOf(n), nil)
			if known != nil {
				require.NotContains(t, known.Error(), "cannot take: ", about())
			}
			var out []tensor.Value
			err := error(nil)
			if native {
				if out, err = reference.Run(context.Background(), n, given, nil); err != nil {
					require.NotContains(t, err.Error(), "cannot take: ", about())
				}
			}
			if composed && out == nil {
				if out, err = decomposed(t, n, given); err != nil {
					require.NotContains(t, err.Error(), "cannot take: ", about())
				}
			}
			if err != nil {
				continue
			}
			computed++
			require.NoError(t, known, about())
			for i := range n.Outputs {
				if x, ok := out[i].(*tensor.Tensor); ok && facts[i].Type.IsTensor() {
					require.Equal(t, x.DType(), facts[i].Type.DType, about())
					require.True(t, facts[i].Type.Dims.Accepts(x.Shape()), "%s: %v is inferred as %v", about(), x.Type(), facts[i].Type)
				}
			}
		}
	}
	t.Logf("%d nodes were computed", computed)
	assert.Greater(t, computed, count)
}

func tensorsOf(given []tensor.Value) string {
	text := ""
	for _, v := range given {
		if v == nil {
			text += " none"
		} else {
			text += " " + v.Type().String()
		}
	}
	return text
}
