package opset_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
)

// TestLiftIsIdempotent lifts every model of ONNX's backend tests, and those of
// the folder that MIDPLANE_MODELS names, and lifts the result again as a model
// of the newest operator sets: nothing changes any more.
func TestLiftIsIdempotent(t *testing.T) {
	models := modelFiles(t)
	if len(models) == 0 {
		t.Skipf("neither %s nor MIDPLANE_MODELS is set: no model was lifted", onnxtest.Testdata)
	}
	for _, name := range models {
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			f, err := onnx.Load(name, nil)
			require.NoError(t, err)
			defer f.Close()
			once, err := opset.Lift(context.Background(), f.Model)
			require.NoError(t, err)
			newest := &graph.Model{IRVersion: 10, Opsets: maps.Clone(f.Model.Opsets), Graph: once}
			for _, d := range operators.Domains() {
				newest.Opsets[d] = operators.NewestOpset(d)
			}
			twice, err := opset.Lift(context.Background(), newest)
			require.NoError(t, err)
			assert.Equal(t, dump(once), dump(twice))
		})
	}
}

// modelFiles returns the models of all folders of tests that the environment
// names.
func modelFiles(t *testing.T) []string {
	var models []string
	if dir, ok := onnxtest.Dir(); ok {
		suites, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		for _, suite := range suites {
			cases, err := onnxtest.Cases(suite)
			require.NoError(t, err)
			for _, c := range cases {
				models = append(models, c.ModelPath)
			}
		}
	}
	if dir := os.Getenv("MIDPLANE_MODELS"); dir != "" {
		cases, err := onnxtest.Cases(dir)
		require.NoError(t, err)
		for _, c := range cases {
			models = append(models, c.ModelPath)
		}
	}
	return models
}

// dump writes a graph down with its values numbered in the order in which they
// come.
func dump(g *graph.Graph) string {
	d := &dumper{numbers: make(map[*graph.Value]int)}
	d.graph(g, "")
	return d.String()
}

type dumper struct {
	strings.Builder
	numbers map[*graph.Value]int
}

func (d *dumper) graph(g *graph.Graph, indent string) {
	fmt.Fprintf(d, "%sin %s\n", indent, d.values(g.Inputs))
	fmt.Fprintf(d, "%sinitializers %s\n", indent, d.values(g.Initializers))
	for _, n := range g.Nodes {
		fmt.Fprintf(d, "%s%s = %s.%d(%s) %v\n", indent, d.values(n.Outputs), n.Operator(), n.Version, d.values(n.Inputs), n.Attributes)
		for _, body := range n.Bodies() {
			d.graph(body, indent+"  ")
		}
	}
	fmt.Fprintf(d, "%sout %s\n", indent, d.values(g.Outputs))
}

func (d *dumper) values(values []*graph.Value) string {
	var parts []string
	for _, v := range values {
		if v == nil {
			parts = append(parts, "-")
			continue
		}
		if _, ok := d.numbers[v]; !ok {
			d.numbers[v] = len(d.numbers)
		}
		parts = append(parts, fmt.Sprintf("%%%d %s %v", d.numbers[v], v.Name, v.Type))
	}
	return strings.Join(parts, ", ")
}
