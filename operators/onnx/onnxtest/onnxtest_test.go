package onnxtest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
)

// Every case of the official data decodes, with inputs and outputs that equal
// themselves.
func TestOfficialDataDecodes(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skip(onnxtest.Testdata + " is not set: no official case was read")
	}
	for _, suite := range []string{"node", "simple", "pytorch-operator", "pytorch-converted", "light"} {
		cases, err := onnxtest.Cases(filepath.Join(dir, suite))
		require.NoError(t, err)
		for _, c := range cases {
			sets, err := c.DataSets()
			if !assert.NoError(t, err, c.ID) {
				continue
			}
			assert.NotEmpty(t, sets, c.ID)
			for _, set := range sets {
				for _, out := range set.Outputs {
					assert.NoError(t, onnxtest.Compare(out, out, 0, 0), c.ID)
				}
			}
		}
	}
}

// Data may lack some outputs, but not all.
func TestDataWithoutAnOutput(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.Of([]float32{1}).Type()}
	g := &graph.Graph{Name: "g", Inputs: []*graph.Value{x}}
	for _, name := range []string{"y", "z"} {
		y := &graph.Value{Name: name, Type: x.Type}
		g.Nodes = append(g.Nodes, &graph.Node{Op: "Abs", Inputs: g.Inputs, Outputs: []*graph.Value{y}})
		g.Outputs = append(g.Outputs, y)
	}
	model, err := onnx.Encode(&graph.Model{IRVersion: 8, Opsets: map[string]int{"": 13}, Graph: g})
	require.NoError(t, err)
	value, err := onnx.EncodeValue(tensor.Of([]float32{1}))
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "case")
	data := filepath.Join(dir, "test_data_set_0")
	require.NoError(t, os.MkdirAll(data, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.onnx"), model, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(data, "input_0.pb"), value, 0o644))

	cases, err := onnxtest.Cases(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, cases, 1)
	_, err = cases[0].DataSets()
	require.ErrorContains(t, err, "there is no output to expect")

	require.NoError(t, os.WriteFile(filepath.Join(data, "output_1.pb"), value, 0o644))
	sets, err := cases[0].DataSets()
	require.NoError(t, err)
	assert.Nil(t, sets[0].Outputs[0])
	assert.NotNil(t, sets[0].Outputs[1])
}
