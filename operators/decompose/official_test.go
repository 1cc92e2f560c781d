package decompose_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// TestOfficial computes the official cases of single operators with every node
// decomposed that has a rule, and holds them against ONNX's rule and tolerances.
func TestOfficial(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skip(onnxtest.Testdata + " is not set: 0 official cases were run")
	}
	cases, err := onnxtest.Cases(filepath.Join(dir, "node"))
	require.NoError(t, err)
	run, declined := 0, make(map[string]int)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			if decomposeOfficial(t, c, declined) {
				run++
			}
		})
	}
	t.Logf("%d of %d official cases have operators with rules; rules that declined: %v", run, len(cases), declined)
}

// decomposeOfficial reports whether the case has a node that was decomposed.
func decomposeOfficial(t *testing.T, c onnxtest.Case, declined map[string]int) bool {
	file, err := onnx.Load(c.ModelPath, nil)
	require.NoError(t, err)
	defer file.Close()
	sets, err := c.Read(file.Model.Graph)
	require.NoError(t, err)
	g, err := opset.Lift(context.Background(), file.Model)
	if err != nil {
		t.Skip("cannot be lifted: ", err)
	}
	replaced := 0
	// A Fourier transform as a matrix product rounds otherwise than a fast one:
	// what is left where a sum cancels is judged at the scale of the output.
	transforms := false
	for i := 0; i < len(g.Nodes); i++ {
		n := g.Nodes[i]
		if _, ok := decompose.Lookup(n.Operator()); !ok {
			continue
		}
		transforms = transforms || n.Op == "DFT" || n.Op == "STFT"
		piece, err := decomposed(n)
		if err != nil {
			declined[n.Operator()]++
			continue
		}
		b := graph.NewBuilder(n)
		b.Nodes, b.Initializers = piece.Nodes, piece.Initializers
		i += g.Replace(i, b, piece.Outputs) - 1
		replaced++
	}
	if replaced == 0 {
		return false
	}
	for n := range g.All {
		if _, ok := reference.Lookup(n.Operator()); !ok {
			t.Skipf("%s is not supported", n.Operator())
		}
	}
	random := slices.ContainsFunc(g.Nodes, infer.Volatile) // ONNX leaves the numbers open
	for _, set := range sets {
		got, err := reference.Evaluate(context.Background(), g, set.Inputs)
		require.NoError(t, err, set.Name)
		for i, want := range set.Outputs {
			if want == nil {
				continue
			}
			if random {
				assert.Equal(t, want.Type(), got[i].Type(), g.Outputs[i].Name)
				continue
			}
			err := onnxtest.Compare(got[i], want, 1e-3, 1e-7)
			if err != nil && transforms {
				err = onnxtest.CompareScaled(got[i], want, 1e-6)
			}
			if err != nil {
				t.Errorf("%s output %d %q: %v", set.Name, i, g.Outputs[i].Name, err)
			}
		}
	}
	return true
}
