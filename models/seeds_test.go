package models_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

var update = flag.Bool("update", false, "write the seeds of the fuzz targets anew")

// corpus is where FuzzLoadRun finds its seeds: a model of one node for each
// operator, beside the cases that it has found.
const corpus = "testdata/fuzz/FuzzLoadRun"

// There is a seed for each operator that cells are made of, which loads and runs.
// With -update, those that lack one get one.
func TestSeeds(t *testing.T) {
	for _, operator := range celled() {
		t.Run(operator, func(t *testing.T) {
			file := filepath.Join(corpus, operator)
			text, err := os.ReadFile(file)
			if os.IsNotExist(err) && *update {
				text = makeSeed(t, operator)
				err = os.WriteFile(file, text, 0o666)
			}
			require.NoError(t, err)
			model, seed := parseEntry(t, text)
			assert.NoError(t, runSeed(model, seed))
			m, err := onnx.Decode(model, nil, nil)
			require.NoError(t, err)
			var used []string
			for n := range m.Graph.All {
				used = append(used, n.Operator())
			}
			assert.Contains(t, used, operator)
		})
	}
}

// celled lists the operators that package cell has cells of.
func celled() []string {
	var list []string
	for _, c := range cell.All() {
		if c.Newest() && !slices.Contains(list, c.Operator) {
			list = append(list, c.Operator)
		}
	}
	return list
}

// entry writes arguments of FuzzLoadRun as a file of its corpus.
func entry(model []byte, seed uint64) []byte {
	return fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\nuint64(%d)\n", model, seed)
}

func parseEntry(t *testing.T, text []byte) (model []byte, seed uint64) {
	t.Helper()
	lines := strings.Split(string(text), "\n")
	require.Len(t, lines, 4)
	_, err := fmt.Sscanf(lines[1], "[]byte(%q)", &model)
	require.NoError(t, err)
	_, err = fmt.Sscanf(lines[2], "uint64(%d)", &seed)
	require.NoError(t, err)
	return model, seed
}

// makeSeed returns, as a file, the smallest model of the operator's cells that runs. Inputs
// of integers and text are constants: they carry shapes, axes and the like.
func makeSeed(t *testing.T, operator string) []byte {
	t.Helper()
	var best []byte
	for _, c := range cell.All() {
		if c.Operator != operator || !c.Newest() || c.Layout != cell.Dense {
			continue
		}
		p, err := cell.Make(c, 1)
		require.NoError(t, err)
		g := p.Model.Graph
		var open []*graph.Value
		for i, v := range g.Inputs {
			if x, ok := p.Draws[0].Inputs[i].(*tensor.Tensor); ok && !x.DType().IsFloat() {
				v.Const = x
				g.Initializers = append(g.Initializers, v)
			} else {
				open = append(open, v)
			}
		}
		g.Inputs = open
		model, err := onnx.Encode(p.Model)
		require.NoError(t, err)
		for seed := uint64(1); seed <= 8; seed++ {
			text := entry(model, seed)
			if (best == nil || len(text) < len(best)) && runSeed(model, seed) == nil {
				best = text
			}
		}
	}
	require.NotNil(t, best, "no cell of %s runs on inputs at random", operator)
	return best
}

// runSeed does with a model what FuzzLoadRun does.
func runSeed(model []byte, seed uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := models.LoadBytes(ctx, model, &models.Options{Devices: []string{"cpu"}, MemoryLimit: 1 << 20, Threads: 1})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	_, err = s.Run(ctx, randomInputs(s.Inputs(), seed))
	return err
}
