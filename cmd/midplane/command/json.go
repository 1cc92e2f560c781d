package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// decodeJSON reads nested lists, or {"shape": […], "data": […]} with the
// elements in row-major order, as the type that the model takes. Floats may be
// the strings "NaN", "Inf" and "-Inf", which JSON has no numbers for.
func decodeJSON(b []byte, in models.ValueInfo) (*tensor.Tensor, error) {
	if !in.Type.IsTensor() {
		return nil, fmt.Errorf("the model takes %v: only tensors can be given as JSON", in.Type)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more follows after the JSON value")
	}
	var shape tensor.Shape
	var flat []any
	var err error
	if object, ok := v.(map[string]any); ok {
		shape, flat, err = shapeAndData(object)
	} else {
		err = flatten(v, 0, &shape, &flat)
	}
	if err != nil {
		return nil, err
	}
	n, err := shape.Elements()
	switch {
	case err != nil:
		return nil, err
	case n != len(flat):
		return nil, fmt.Errorf("shape %v takes %d elements, the data has %d", shape, n, len(flat))
	}
	return jsonTensor(in.DType, shape, flat)
}

// shapeAndData takes {"shape": […], "data": […]} apart.
func shapeAndData(object map[string]any) (tensor.Shape, []any, error) {
	extents, ok1 := object["shape"].([]any)
	flat, ok2 := object["data"].([]any)
	if !ok1 || !ok2 || len(object) != 2 {
		return nil, nil, errors.New(`an object is {"shape": [extents], "data": [elements]}`)
	}
	shape := make(tensor.Shape, len(extents))
	for i, v := range extents {
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil {
			return nil, nil, fmt.Errorf("extent %d of the shape is %v: it is a whole number", i, v)
		}
		shape[i] = n
	}
	return shape, flat, nil
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

// jsonTensor makes a tensor of as many leaves as the shape takes.
func jsonTensor(d tensor.DType, shape tensor.Shape, leaves []any) (*tensor.Tensor, error) {
	switch {
	case d == tensor.String:
		list, err := convert(leaves, d, text)
		if err != nil {
			return nil, err
		}
		return tensor.FromSlice(shape, list)
	case d == tensor.Uint64:
		list, err := convert(leaves, d, func(v any) (uint64, error) { return strconv.ParseUint(number(v), 10, 64) })
		if err != nil {
			return nil, err
		}
		return tensor.FromSlice(shape, list)
	case d.IsInteger(), d == tensor.Bool:
		list, err := convert(leaves, d, func(v any) (int64, error) { return integer(v, d) })
		if err != nil {
			return nil, err
		}
		return tensor.FromInt64s(d, shape, list), nil
	case d.IsFloat():
		list, err := convert(leaves, d, func(v any) (float64, error) { return strconv.ParseFloat(number(v), 64) })
		if err != nil {
			return nil, err
		}
		return tensor.FromFloat64s(d, shape, list), nil
	}
	return nil, fmt.Errorf("%v values cannot be given as JSON", d)
}

// convert converts the leaves one by one.
func convert[T any](leaves []any, d tensor.DType, one func(any) (T, error)) ([]T, error) {
	list := make([]T, len(leaves))
	for i, v := range leaves {
		var err error
		if list[i], err = one(v); err != nil {
			shown, _ := json.Marshal(v)
			return nil, fmt.Errorf("element %d, %.40s, is no %v", i, shown, d)
		}
	}
	return list, nil
}

func text(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", strconv.ErrSyntax
	}
	return s, nil
}

// number returns what a leaf looks like as a number: also a bool, and what JSON
// has no number for.
func number(v any) string {
	switch x := v.(type) {
	case json.Number:
		return x.String()
	case bool:
		if x {
			return "1"
		}
		return "0"
	case string:
		switch strings.TrimLeft(x, "+-") {
		case "NaN", "Inf":
			return x
		}
	}
	return ""
}

// integer reads a leaf as an integer, or bool, that d holds without wrapping.
func integer(v any, d tensor.DType) (int64, error) {
	n, err := strconv.ParseInt(number(v), 10, 64)
	if err == nil && tensor.FromInt64s(d, tensor.Shape{}, []int64{n}).Int64s()[0] != n {
		err = strconv.ErrRange
	}
	return n, err
}
