// Command gomlx times onnx-gomlx with GoMLX's backend in Go and midplane side by side.
package main

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/onnx-gomlx/onnx/parser"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/docs/compare/side"
)

func main() { side.Main("onnx-gomlx v0.5.0", load) }

// types are the element types that both know.
var types = map[tensor.DType]dtypes.DType{
	tensor.Float32: dtypes.Float32, tensor.Float64: dtypes.Float64, tensor.Int32: dtypes.Int32, tensor.Int64: dtypes.Int64,
	tensor.Int8: dtypes.Int8, tensor.Uint8: dtypes.Uint8, tensor.Bool: dtypes.Bool,
}

func load(path string, inputs []side.Input, outputs []string) (side.Run, error) {
	m, err := parser.FromFile(path)
	if err != nil {
		return nil, err
	}
	store := model.NewStore()
	if err := m.VariablesToScope(store.RootScope()); err != nil {
		return nil, err
	}
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		return nil, err
	}
	var given []any
	for _, in := range inputs {
		d, ok := types[in.Tensor.DType()]
		if !ok {
			return nil, fmt.Errorf("input %q: it is of type %v", in.Name, in.Tensor.DType())
		}
		t, err := tensors.FromRaw(backend, 0, shapes.Make(d, in.Tensor.Shape()...), in.Tensor.Bytes())
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
		given = append(given, t)
	}
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, nodes []*graph.Node) []*graph.Node {
		named := make(map[string]*graph.Node)
		for i, in := range inputs {
			named[in.Name] = nodes[i]
		}
		return m.CallGraph(scope, nodes[0].Graph(), named, outputs...)
	})
	if err != nil {
		return nil, err
	}
	return func() (func() ([]*tensor.Tensor, error), error) {
		got, err := exec.Call(given...)
		if err != nil {
			return nil, err
		}
		return func() ([]*tensor.Tensor, error) { return read(got) }, nil
	}, nil
}

func read(got []*tensors.Tensor) ([]*tensor.Tensor, error) {
	list := make([]*tensor.Tensor, len(got))
	for i, g := range got {
		for ours, theirs := range types {
			if g.DType() != theirs {
				continue
			}
			t, err := tensor.New(ours, tensor.Shape(g.Shape().Dimensions))
			if err != nil {
				return nil, err
			}
			if err := g.ConstBytes(func(b []byte) { copy(t.Bytes(), b) }); err != nil {
				return nil, err
			}
			list[i] = t
		}
		if list[i] == nil {
			return nil, fmt.Errorf("output %d is of type %v", i, g.DType())
		}
	}
	return list, nil
}
