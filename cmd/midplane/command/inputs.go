package command

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/onnx"
)

// readInputs reads NAME=FILE arguments. A model with one input needs no name.
func readInputs(s *models.Session, args []string, p preprocess) (map[string]tensor.Value, error) {
	inputs := make(map[string]tensor.Value)
	for _, arg := range args {
		name, file, found := strings.Cut(arg, "=")
		if !found {
			if len(s.Inputs()) != 1 {
				return nil, fmt.Errorf("--input %s: the model has %d inputs, say NAME=FILE", arg, len(s.Inputs()))
			}
			name, file = s.Inputs()[0].Name, arg
		}
		info, err := inputInfo(s, name)
		if err != nil {
			return nil, err
		}
		if inputs[name], err = readInput(info, file, p); err != nil {
			return nil, fmt.Errorf("input %q from %s: %w", name, file, err)
		}
	}
	return inputs, nil
}

func inputInfo(s *models.Session, name string) (models.ValueInfo, error) {
	var names []string
	for _, in := range s.Inputs() {
		if in.Name == name {
			return in, nil
		}
		names = append(names, in.Name)
	}
	return models.ValueInfo{}, fmt.Errorf("the model has no input %q; it takes %s", name, strings.Join(names, ", "))
}

// readInput reads one value; the file's extension says how.
func readInput(in models.ValueInfo, file string, p preprocess) (tensor.Value, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	switch ext := strings.ToLower(filepath.Ext(file)); ext {
	case ".pb":
		return onnx.DecodeValue(b, in.Type)
	case ".npy":
		return decodeNPY(b)
	case ".json":
		return decodeJSON(b, in)
	case ".png", ".jpg", ".jpeg":
		return decodeImage(b, in, p)
	default:
		return nil, fmt.Errorf("%q files are not read: .png, .jpg, .npy, .pb and .json are", ext)
	}
}

// randomInputs makes seeded inputs for every input that needs one: floats in
// [0, 1), integers 0 and 1. Extents that the model leaves open become 1.
func randomInputs(s *models.Session) (map[string]tensor.Value, error) {
	r := rand.New(rand.NewPCG(1, 2))
	inputs := make(map[string]tensor.Value)
	for _, in := range s.Inputs() {
		if in.Optional {
			continue
		}
		if d := in.DType; !d.IsFloat() && !d.IsInteger() && d != tensor.Bool {
			return nil, fmt.Errorf("input %q is %v, for which there are no random values: give --input", in.Name, in.Type)
		}
		shape := make(tensor.Shape, len(in.Shape))
		for i, d := range in.Shape {
			shape[i] = max(d.Size, 1)
			if d.IsKnown() {
				shape[i] = d.Size
			}
		}
		if err := tensor.Fits(tensor.Float64, shape); err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
		values := make([]float64, shape.Size())
		for i := range values {
			if values[i] = r.Float64(); !in.DType.IsFloat() {
				values[i] = float64(r.IntN(2))
			}
		}
		inputs[in.Name] = tensor.FromFloat64s(in.DType, shape, values)
	}
	return inputs, nil
}
