package onnxtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// DataSet is one set of inputs with the outputs to expect.
type DataSet struct {
	Name    string         // "test_data_set_0"; the case's ID where that is flat
	Inputs  []tensor.Value // in the order of the graph's inputs; nil where the data has none
	Outputs []tensor.Value // in the order of the graph's outputs; nil where the data has none
}

// DataSets decodes the case's model, for the types of its inputs and outputs,
// and reads its data.
func (c Case) DataSets() ([]DataSet, error) {
	file, err := onnx.Load(c.ModelPath, nil)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return c.Read(file.Model.Graph)
}

// Read reads the case's data for the graph of its model.
func (c Case) Read(g *graph.Graph) ([]DataSet, error) {
	if c.flat {
		set, err := c.readFlat(g)
		return []DataSet{set}, err
	}
	var sets []DataSet
	for i := 0; ; i++ {
		name := "test_data_set_" + strconv.Itoa(i)
		dir := filepath.Join(c.Dir, name)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return sets, nil
		}
		set := DataSet{Name: name}
		var err error
		if set.Inputs, err = readInputs(g, filepath.Join(dir, "input_")); err != nil {
			return nil, err
		}
		if set.Outputs, err = readOutputs(g, filepath.Join(dir, "output_")); err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
}

// Inputs reads the inputs of the first set alone, which need not have outputs, for
// the graph of the case's model; nil values where the data has none.
func (c Case) Inputs(g *graph.Graph) ([]tensor.Value, error) {
	if c.flat {
		set, err := c.readFlat(g)
		return set.Inputs, err
	}
	dir := filepath.Join(c.Dir, "test_data_set_0")
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("onnxtest: %s has no test_data_set_0", c.Dir)
	}
	return readInputs(g, filepath.Join(dir, "input_"))
}

// readInputs reads one value for each input of g that has a file. Where there
// are no more files than inputs without a default, the files are for those.
func readInputs(g *graph.Graph, prefix string) ([]tensor.Value, error) {
	var required []int
	for i, in := range g.Inputs {
		if in.Const == nil {
			required = append(required, i)
		}
	}
	files := 0
	for exists(numbered(prefix, files)) {
		files++
	}
	if files > len(g.Inputs) {
		return nil, fmt.Errorf("onnxtest: %s and %d more files for the %d inputs of graph %q", numbered(prefix, 0), files-1, len(g.Inputs), g.Name)
	}
	values := make([]tensor.Value, len(g.Inputs))
	for number := range files {
		i := number
		if files <= len(required) {
			i = required[number]
		}
		var err error
		if values[i], err = readValue(numbered(prefix, number), g.Inputs[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func numbered(prefix string, i int) string { return prefix + strconv.Itoa(i) + ".pb" }

// readOutputs reads one value for each output of g that has a file, of which
// there must be one.
func readOutputs(g *graph.Graph, prefix string) ([]tensor.Value, error) {
	values := make([]tensor.Value, len(g.Outputs))
	found := 0
	for i, out := range g.Outputs {
		if !exists(numbered(prefix, i)) {
			continue
		}
		found++
		var err error
		if values[i], err = readValue(numbered(prefix, i), out); err != nil {
			return nil, err
		}
	}
	if found == 0 {
		return nil, fmt.Errorf("onnxtest: no file %s: there is no output to expect", numbered(prefix, 0))
	}
	return values, nil
}

// readValue reads a file as a value of v's type.
func readValue(path string, v *graph.Value) (tensor.Value, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("onnxtest: %w", err)
	}
	value, err := onnx.DecodeValue(data, v.Type)
	if err != nil {
		return nil, fmt.Errorf("%s as %q: %w", path, v.Name, err)
	}
	return value, nil
}

// readFlat makes the inputs that flat cases share, and reads the outputs.
func (c Case) readFlat(g *graph.Graph) (DataSet, error) {
	set := DataSet{Name: c.ID, Inputs: make([]tensor.Value, len(g.Inputs))}
	for i, in := range g.Inputs {
		if in.Const != nil {
			continue
		}
		t, err := ramp(in)
		if err != nil {
			return set, fmt.Errorf("onnxtest: case %s: %w", c.ID, err)
		}
		set.Inputs[i] = t
	}
	var err error
	set.Outputs, err = readOutputs(g, filepath.Join(c.Dir, c.ID+"_output_"))
	return set, err
}

// ramp returns arange(n)/n in the declared shape of an input.
func ramp(in *graph.Value) (*tensor.Tensor, error) {
	shape := make(tensor.Shape, len(in.Type.Dims))
	for i, dim := range in.Type.Dims {
		if !dim.IsKnown() {
			return nil, fmt.Errorf("input %q has the type %v, its shape should be known", in.Name, in.Type)
		}
		shape[i] = dim.Size
	}
	t, err := tensor.New(tensor.Float32, shape)
	if err != nil {
		return nil, err
	}
	x := tensor.Slice[float32](t)
	for i := range x {
		x[i] = float32(i) / float32(len(x))
	}
	return t, nil
}
