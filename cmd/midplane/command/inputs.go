package command

import (
	"bytes"
	"encoding/json"
	"errors"
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
		return decodeImage(bytes.NewReader(b), in, p)
	default:
		return nil, fmt.Errorf("%q files are not read: .png, .jpg, .npy, .pb and .json are", ext)
	}
}

// decodeJSON reads nested lists, or {"shape": […], "data": […]}, as the type
// that the model takes.
func decodeJSON(b []byte, in models.ValueInfo) (*tensor.Tensor, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var shape tensor.Shape
	var flat []any
	if object, ok := v.(map[string]any); ok {
		for _, n := range asList(object["shape"]) {
			k, err := n.(json.Number).Int64()
			if err != nil {
				return nil, fmt.Errorf("shape: %w", err)
			}
			shape = append(shape, int(k))
		}
		flat = asList(object["data"])
	} else if err := flatten(v, 0, &shape, &flat); err != nil {
		return nil, err
	}
	if n, err := shape.Elements(); err != nil || n != len(flat) {
		return nil, errors.Join(err, fmt.Errorf("shape %v takes other than %d elements", shape, len(flat)))
	}
	return jsonTensor(in.DType, shape, flat)
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// flatten collects the leaves of nested lists, which must be rectangular.
func flatten(v any, depth int, shape *tensor.Shape, flat *[]any) error {
	list, ok := v.([]any)
	if !ok {
		if depth != len(*shape) {
			return errors.New("the lists are not nested to the same depth everywhere")
		}
		*flat = append(*flat, v)
		return nil
	}
	if depth == len(*shape) {
		if len(*flat) > 0 {
			return errors.New("the lists are not nested to the same depth everywhere")
		}
		*shape = append(*shape, len(list))
	}
	if (*shape)[depth] != len(list) {
		return fmt.Errorf("lists of %d and %d elements at depth %d", (*shape)[depth], len(list), depth)
	}
	for _, item := range list {
		if err := flatten(item, depth+1, shape, flat); err != nil {
			return err
		}
	}
	return nil
}

func jsonTensor(d tensor.DType, shape tensor.Shape, flat []any) (*tensor.Tensor, error) {
	t, err := tensor.New(d, shape)
	if err != nil {
		return nil, err
	}
	floats, ints := make([]float64, len(flat)), make([]int64, len(flat))
	for i, v := range flat {
		switch x := v.(type) {
		case string:
			if d != tensor.String {
				return nil, fmt.Errorf("element %d is a string, the model takes %v", i, d)
			}
			t.Strings()[i] = x
		case bool:
			if x {
				floats[i], ints[i] = 1, 1
			}
		case json.Number:
			var errInt, errFloat error
			ints[i], errInt = x.Int64()
			floats[i], errFloat = x.Float64()
			if errFloat != nil || d.IsInteger() && errInt != nil {
				return nil, fmt.Errorf("element %d, %v, is no %v", i, x, d)
			}
		default:
			return nil, fmt.Errorf("element %d is neither number, bool nor string", i)
		}
	}
	switch {
	case d == tensor.String:
		return t, nil
	case d.IsInteger() || d == tensor.Bool:
		return tensor.FromInt64s(d, shape, ints), nil
	case d.IsFloat():
		return tensor.FromFloat64s(d, shape, floats), nil
	}
	return nil, fmt.Errorf("%v values cannot be given as JSON", d)
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
		if !in.Type.IsTensor() || in.DType == tensor.String {
			return nil, fmt.Errorf("input %q is %v, for which there are no random values: give --input", in.Name, in.Type)
		}
		shape := make(tensor.Shape, len(in.Shape))
		for i, d := range in.Shape {
			shape[i] = max(d.Size, 1)
			if d.IsKnown() {
				shape[i] = d.Size
			}
		}
		n, err := shape.Elements()
		if err != nil {
			return nil, err
		}
		values := make([]float64, n)
		for i := range values {
			if values[i] = r.Float64(); !in.DType.IsFloat() {
				values[i] = float64(r.IntN(2))
			}
		}
		inputs[in.Name] = tensor.FromFloat64s(in.DType, shape, values)
	}
	return inputs, nil
}
