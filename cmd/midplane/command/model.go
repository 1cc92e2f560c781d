package command

import (
	"fmt"
	"os"
	"path/filepath"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/onnx/onnxtest"
)

func parsePolicy(name string) (models.Policy, error) { return partition.ParsePolicy(name) }

// model is what the argument MODEL names: a .onnx file, or a folder in ONNX's
// test layout.
type model struct {
	path string
	test *onnxtest.Case // the folder's data, nil for a file
}

func findModel(arg string) (model, error) {
	info, err := os.Stat(arg)
	if err != nil {
		return model{}, err
	}
	if !info.IsDir() {
		return model{path: arg}, nil
	}
	cases, err := onnxtest.Cases(arg)
	if err != nil {
		return model{}, fmt.Errorf("%s holds no model.onnx", arg)
	}
	if len(cases) != 1 {
		return model{}, fmt.Errorf("%s holds %d cases: name one of them", arg, len(cases))
	}
	return model{path: cases[0].ModelPath, test: &cases[0]}, nil
}

// name is what reports call the model.
func (m model) name() string {
	if m.test != nil {
		return m.test.ID
	}
	return filepath.Base(m.path)
}

// folder returns the case that the model lies in.
func (m model) folder() (*onnxtest.Case, error) {
	if m.test == nil {
		return nil, fmt.Errorf("%s is a file; test data lies in folders with model.onnx and test_data_set_0", m.path)
	}
	return m.test, nil
}

// sets returns the data that lies beside the model.
func (m model) sets(s *models.Session) ([]onnxtest.DataSet, error) {
	if _, err := m.folder(); err != nil {
		return nil, err
	}
	sets, err := m.test.Read(s.Model().Graph)
	if err == nil && len(sets) == 0 {
		err = fmt.Errorf("%s has no test_data_set_0", m.test.Dir)
	}
	return sets, err
}

// inputs returns the inputs of the first data set beside the model.
func (m model) inputs(s *models.Session) (map[string]tensor.Value, error) {
	folder, err := m.folder()
	if err != nil {
		return nil, err
	}
	values, err := folder.Inputs(s.Model().Graph)
	if err != nil {
		return nil, err
	}
	return named(s, values), nil
}

// named gives the values of a data set the names of the model's inputs.
func named(s *models.Session, values []tensor.Value) map[string]tensor.Value {
	inputs := make(map[string]tensor.Value)
	for i, v := range values {
		if v != nil {
			inputs[s.Inputs()[i].Name] = v
		}
	}
	return inputs
}
