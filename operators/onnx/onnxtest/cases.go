package onnxtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Testdata is the name of the environment variable that says where ONNX's
// backend tests lie: in a folder that holds node, simple, ….
const Testdata = "MIDPLANE_ONNX_TESTDATA"

// Dir returns the folder that [Testdata] names, and whether it is set.
func Dir() (string, bool) {
	dir := os.Getenv(Testdata)
	return dir, dir != ""
}

// Case is a model with inputs and the outputs to expect.
type Case struct {
	ID        string // the folder's name, or that of a flat case's model
	Dir       string // where the data lies
	ModelPath string
	flat      bool
}

// Cases returns the cases in a folder, in the order of their names: the folder
// itself if it is a case, else every case folder and every flat case right in
// it. It is an error if there is none.
func Cases(dir string) ([]Case, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("onnxtest: %w", err)
	}
	if c, ok := folderCase(dir); ok {
		return []Case{c}, nil
	}
	var cases []Case
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if c, ok := folderCase(path); ok {
			cases = append(cases, c)
			continue
		}
		id, isModel := strings.CutSuffix(e.Name(), ".onnx")
		if isModel && exists(filepath.Join(dir, id+"_output_0.pb")) {
			cases = append(cases, Case{ID: id, Dir: dir, ModelPath: path, flat: true})
		}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("onnxtest: %s holds neither folders with model.onnx nor models X.onnx with X_output_0.pb", dir)
	}
	return cases, nil
}

func folderCase(dir string) (Case, bool) {
	model := filepath.Join(dir, "model.onnx")
	if !exists(model) {
		return Case{}, false
	}
	id := filepath.Base(dir)
	if abs, err := filepath.Abs(dir); err == nil {
		id = filepath.Base(abs)
	}
	return Case{ID: id, Dir: dir, ModelPath: model}, true
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
