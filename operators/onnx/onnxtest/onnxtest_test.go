package onnxtest_test

import (
	"io/fs"
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
	inputs, err := cases[0].Inputs(g)
	require.NoError(t, err)
	assert.Len(t, inputs, 1)

	require.NoError(t, os.WriteFile(filepath.Join(data, "output_1.pb"), value, 0o644))
	sets, err := cases[0].DataSets()
	require.NoError(t, err)
	assert.Nil(t, sets[0].Outputs[0])
	assert.NotNil(t, sets[0].Outputs[1])
}

// write encodes a value into a file.
func write(t *testing.T, path string, v tensor.Value) {
	t.Helper()
	b, err := onnx.EncodeValue(v)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, b, 0o666))
}

// writeModel encodes a graph that returns its first input.
func writeModel(t *testing.T, path string, inputs ...*graph.Value) {
	t.Helper()
	g := &graph.Graph{Inputs: inputs, Outputs: inputs[:1]}
	for _, v := range inputs {
		if v.Const != nil {
			g.Initializers = append(g.Initializers, v)
		}
	}
	b, err := onnx.Encode(&graph.Model{Graph: g})
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, b, 0o666))
}

func input(name string, t tensor.Type) *graph.Value { return &graph.Value{Name: name, Type: t} }

func TestCases(t *testing.T) {
	dir := t.TempDir()
	x := input("x", tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{2, 2})))
	writeModel(t, filepath.Join(dir, "test_b", "model.onnx"), x)
	writeModel(t, filepath.Join(dir, "test_a", "model.onnx"), x)
	writeModel(t, filepath.Join(dir, "flat.onnx"), x)
	write(t, filepath.Join(dir, "flat_output_0.pb"), tensor.Of([]float32{0, 0.25, 0.5, 0.75}, 2, 2))
	writeModel(t, filepath.Join(dir, "alone.onnx"), x)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o777))

	cases, err := onnxtest.Cases(dir)
	require.NoError(t, err)
	var ids []string
	for _, c := range cases {
		ids = append(ids, c.ID)
	}
	assert.Equal(t, []string{"flat", "test_a", "test_b"}, ids)

	sets, err := cases[0].DataSets()
	require.NoError(t, err)
	require.Len(t, sets, 1)
	assert.Equal(t, []tensor.Value{tensor.Of([]float32{0, 0.25, 0.5, 0.75}, 2, 2)}, sets[0].Inputs)
	assert.Equal(t, sets[0].Inputs, sets[0].Outputs)

	cases, err = onnxtest.Cases(filepath.Join(dir, "test_a"))
	require.NoError(t, err)
	require.Len(t, cases, 1)
	assert.Equal(t, "test_a", cases[0].ID)

	_, err = onnxtest.Cases(filepath.Join(dir, "empty"))
	assert.ErrorContains(t, err, "holds neither")
	_, err = onnxtest.Cases(filepath.Join(dir, "none"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestDataSets(t *testing.T) {
	dir := t.TempDir()
	numbers := tensor.TensorType(tensor.Float32, nil)
	x := input("x", tensor.SequenceType(numbers))
	w := input("w", numbers)
	w.Const = tensor.Of([]float32{9})
	o := input("o", tensor.OptionalType(numbers))
	writeModel(t, filepath.Join(dir, "model.onnx"), x, w, o)
	cases, err := onnxtest.Cases(dir)
	require.NoError(t, err)

	list := &tensor.Sequence{Elem: numbers, Items: []tensor.Value{tensor.Of([]float32{1})}}
	absent := &tensor.Optional{Elem: numbers}
	first, second := filepath.Join(dir, "test_data_set_0"), filepath.Join(dir, "test_data_set_1")
	write(t, filepath.Join(first, "input_0.pb"), list)
	write(t, filepath.Join(first, "input_1.pb"), absent)
	write(t, filepath.Join(first, "output_0.pb"), list)
	write(t, filepath.Join(second, "input_0.pb"), list)
	write(t, filepath.Join(second, "input_1.pb"), w.Const)
	write(t, filepath.Join(second, "input_2.pb"), absent)
	write(t, filepath.Join(second, "output_0.pb"), list)

	sets, err := cases[0].DataSets()
	require.NoError(t, err)
	assert.Equal(t, []onnxtest.DataSet{
		{Name: "test_data_set_0", Inputs: []tensor.Value{list, nil, absent}, Outputs: []tensor.Value{list}},
		{Name: "test_data_set_1", Inputs: []tensor.Value{list, w.Const, absent}, Outputs: []tensor.Value{list}},
	}, sets)

	write(t, filepath.Join(second, "input_3.pb"), list)
	_, err = cases[0].DataSets()
	assert.ErrorContains(t, err, "for the 3 inputs")
	require.NoError(t, os.Remove(filepath.Join(second, "input_3.pb")))
	write(t, filepath.Join(second, "output_0.pb"), w.Const)
	_, err = cases[0].DataSets()
	assert.ErrorContains(t, err, `output_0.pb as "x"`)
	require.NoError(t, os.Remove(filepath.Join(second, "output_0.pb")))
	_, err = cases[0].DataSets()
	assert.ErrorContains(t, err, "there is no output to expect")
}
