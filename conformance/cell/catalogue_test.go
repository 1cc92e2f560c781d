package cell_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/conformance/cell"
	"example.com/midplane/operators"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
	_ "example.com/midplane/operators/reference/imagedec"
)

// Every version of every operator has cells, but for those that stand for
// nothing that can be run alone.
func TestEveryVersionHasCells(t *testing.T) {
	has := make(map[string]bool)
	for _, c := range cell.All() {
		has[fmt.Sprint(c.Operator, " ", c.Version)] = true
	}
	for s := range operators.All() {
		name := fmt.Sprint(s.Operator(), " ", s.Since)
		if s.Deprecated || s.Name == "Gradient" { // which differentiates the graph around it
			assert.False(t, has[name], name)
			continue
		}
		assert.True(t, has[name], name)
	}
}

func TestIDs(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range cell.All() {
		id := c.ID()
		require.False(t, seen[id], id)
		seen[id] = true
		back, err := cell.Parse(id)
		require.NoError(t, err)
		require.Equal(t, c, back)
	}
	assert.True(t, seen["op/Conv/22/float32/dilations/rank4"])
	assert.True(t, seen["op/Add/14/float32/default/broadcast"])
	assert.True(t, seen["op/Add/14/float32/default/rank2/transposed"])
	for id, reason := range map[string]string{
		"Conv":                          "is no cell",
		"op/Conv/22/float32/dilations":  "is no cell",
		"op/Conv/x/float32/default/a":   `version "x" is no number`,
		"op/Conv/22/float7/default/a":   `no element type is called "float7"`,
		"op/Conv/22/float32/d/a/dense/": "is no cell",
	} {
		_, err := cell.Parse(id)
		assert.ErrorContains(t, err, reason, id)
	}
	_, err := cell.Make(cell.Cell{Operator: "Conv", Version: 12}, 1)
	assert.ErrorContains(t, err, "no such version")
	_, err = cell.Make(cell.Cell{Operator: "Add", Version: 14, Attributes: "trailing", Shape: cell.Scalar}, 1)
	assert.ErrorContains(t, err, "no such attributes")
}

// stride takes every n-th cell in short tests, and more in others.
func stride(t *testing.T, n int) []cell.Cell {
	if !testing.Short() {
		n = max(n/4, 1)
	}
	var some []cell.Cell
	for i := 0; i < len(cell.All()); i += n {
		some = append(some, cell.All()[i])
	}
	t.Logf("%d of %d cells", len(some), len(cell.All()))
	return some
}

// Whatever the seed, a cell exists, the oracle computes it, and equal seeds give
// equal problems.
func TestProblemsAreValid(t *testing.T) {
	for i, c := range stride(t, 151) {
		seed := uint64(i % 5)
		p, err := cell.Make(c, seed)
		require.NoError(t, err)
		again, err := cell.Make(c, seed)
		require.NoError(t, err)
		model, err := onnx.Encode(p.Model)
		require.NoError(t, err, c.ID())
		other, err := onnx.Encode(again.Model)
		require.NoError(t, err)
		require.Equal(t, model, other, c.ID())
		require.Equal(t, p.Draws, again.Draws, c.ID())

		g, err := opset.Lift(context.Background(), p.Model)
		if !assert.NoError(t, err, c.ID()) {
			continue
		}
		for _, d := range p.Draws {
			_, err := reference.Evaluate(context.Background(), g, d.Inputs)
			assert.NoError(t, err, "%s %s seed %d", c.ID(), d.Name, seed)
		}
	}
}

func TestSeedsDraw(t *testing.T) {
	c, err := cell.Parse("op/Add/14/float32/default/rank2")
	require.NoError(t, err)
	one, err := cell.Make(c, 1)
	require.NoError(t, err)
	two, err := cell.Make(c, 2)
	require.NoError(t, err)
	assert.NotEqual(t, one.Draws[0], two.Draws[0])
	var names []string
	for _, d := range one.Draws {
		names = append(names, d.Name)
	}
	assert.Equal(t, []string{"ordinary", "again", "nudged", "extreme", "infinite", "nan", "denormal"}, names)
}

// untouched are attributes that no cell sets to anything but their default.
var untouched = map[string]string{
	"seed": "draws differ, distributions do not", "chunk_size": "a hint that changes no result", "locale": "the host's own",
	"nodes_hitrates": "a hint that changes no result", "nodes_hitrates_as_tensor": "a hint that changes no result",
	"multi_class": "the reference follows post_transform alone", "stash_type": "how, not what", "precision": "how, not what",
	"sorted": "an order that is left open", "round_mode": "for float8e8m0 only",
}

// Every attribute of every operator's newest version is set by some cell, every
// optional input and output is there in one cell and not in another.
func TestCellsUseEverything(t *testing.T) {
	used := make(map[string]bool)
	for _, c := range cell.All() {
		if !c.Newest() || c.Layout != cell.Dense || !c.Usual() && c.Shape != cell.Scalar && c.Shape != cell.Empty {
			continue
		}
		p, err := cell.Make(c, 3)
		require.NoError(t, err)
		for _, a := range p.Node.Attributes {
			used[c.Operator+" "+a.Name] = true
		}
		for i := range 10 {
			used[fmt.Sprint(c.Operator, " input ", i, p.Node.Input(i) != nil)] = true
			used[fmt.Sprint(c.Operator, " output ", i, p.Node.Output(i) != nil)] = true
		}
	}
	for s := range operators.All() {
		newest, _ := operators.Newest(s.Domain, s.Name)
		if s.Since != newest.Since || s.Name == "Gradient" {
			continue
		}
		for _, a := range s.Attributes {
			if _, known := untouched[a.Name]; !known {
				assert.True(t, used[s.Operator()+" "+a.Name], "%s: attribute %s", s.Operator(), a.Name)
			}
		}
		for i, p := range s.Inputs {
			if p.Optional {
				assert.True(t, used[fmt.Sprint(s.Operator(), " input ", i, true)], "%s: input %s", s.Operator(), p.Name)
				assert.True(t, used[fmt.Sprint(s.Operator(), " input ", i, false)], "%s: without input %s", s.Operator(), p.Name)
			}
		}
		for i := s.MinOutputs; i < len(s.Outputs) && !slices.Contains([]string{"RNN", "GRU", "LSTM"}, s.Name); i++ {
			assert.True(t, used[fmt.Sprint(s.Operator(), " output ", i, true)], "%s: output %s", s.Operator(), s.Outputs[i].Name)
		}
	}
}
