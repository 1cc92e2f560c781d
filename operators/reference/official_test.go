package reference_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// suites are the folders of ONNX's backend tests.
var suites = []string{"node", "simple", "pytorch-operator", "pytorch-converted", "light"}

// TestOfficial computes every official case and holds it against ONNX's rule
// and tolerances. Cases that use an operator that is not supported are skipped
// one by one and listed by operator at the end.
func TestOfficial(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skip(onnxtest.Testdata + " is not set: 0 official cases were run")
	}
	total := 0
	unsupported := make(map[string]int) // cases by operator
	for _, suite := range suites {
		cases, err := onnxtest.Cases(filepath.Join(dir, suite))
		require.NoError(t, err)
		total += len(cases)
		t.Run(suite, func(t *testing.T) {
			if suite == "light" && testing.Short() {
				t.Skipf("whole image models take half a minute: %d cases not run", len(cases))
			}
			for _, c := range cases {
				t.Run(c.ID, func(t *testing.T) { runOfficial(t, c, unsupported) })
			}
		})
	}
	for _, operator := range slices.Sorted(maps.Keys(unsupported)) {
		t.Logf("unsupported: %s: %d cases not run", operator, unsupported[operator])
	}
	t.Logf("%d official cases found", total)
}

func runOfficial(t *testing.T, c onnxtest.Case, unsupported map[string]int) {
	file, err := onnx.Load(c.ModelPath, nil)
	require.NoError(t, err)
	defer file.Close()
	sets, err := c.Read(file.Model.Graph)
	require.NoError(t, err)
	require.NotEmpty(t, sets, "the case has no data")
	g, missing, err := lift(file.Model)
	require.NoError(t, err)
	if len(missing) > 0 {
		for _, operator := range missing {
			unsupported[operator]++
		}
		t.Skipf("unsupported operators: %v", missing)
	}
	random := slices.ContainsFunc(g.Nodes, infer.Volatile) // ONNX leaves the numbers open
	for _, set := range sets {
		got, err := reference.Evaluate(context.Background(), g, set.Inputs)
		if errors.Is(err, driver.Unsupported) {
			unsupported[err.Error()]++
			t.Skip(err)
		}
		require.NoError(t, err, set.Name)
		for i, want := range set.Outputs {
			if want == nil {
				continue
			}
			if random {
				assert.Equal(t, want.Type(), got[i].Type(), g.Outputs[i].Name)
				continue
			}
			if err := onnxtest.Compare(got[i], want, 1e-3, 1e-7); err != nil {
				t.Errorf("%s output %d %q: %v", set.Name, i, g.Outputs[i].Name, err)
			}
		}
	}
}

// lift brings a model into canonical form, and returns the operators in it that
// are not supported, each once.
func lift(m *graph.Model) (g *graph.Graph, missing []string, err error) {
	note := func(n *graph.Node) {
		if op := n.Operator(); !slices.Contains(missing, op) {
			missing = append(missing, op)
		}
	}
	g, err = opset.Lift(context.Background(), m)
	var unsupported *opset.UnsupportedError
	if errors.As(err, &unsupported) {
		for _, u := range unsupported.Nodes {
			note(u.Node)
		}
		return nil, missing, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for n := range g.All {
		if _, ok := reference.Lookup(n.Operator()); !ok {
			note(n)
		}
	}
	return g, missing, nil
}
