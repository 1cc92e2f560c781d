// Command onnxgo times onnx-go with its Gorgonia backend and midplane side by side.
package main

import (
	"fmt"
	"os"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/docs/compare/side"
	"example.com/midplane/frameworks/gorgonia"
)

func main() { side.Main("onnx-go v0.5.0", load) }

func load(path string, inputs []side.Input, _ []string) (side.Run, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	backend := gorgonnx.NewGraph()
	m := onnx.NewModel(backend)
	if err := m.UnmarshalBinary(b); err != nil {
		return nil, err
	}
	for i, in := range inputs {
		if in.Default {
			continue
		}
		d, err := gorgonia.Dense(in.Tensor)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
		if err := m.SetInput(i, d); err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
	}
	return func() (func() ([]*tensor.Tensor, error), error) {
		if err := backend.Run(); err != nil {
			return nil, err
		}
		return func() ([]*tensor.Tensor, error) {
			got, err := m.GetOutputTensors()
			if err != nil {
				return nil, err
			}
			list := make([]*tensor.Tensor, len(got))
			for i := range got {
				if list[i], err = gorgonia.Tensor(got[i]); err != nil {
					return nil, fmt.Errorf("output %d: %w", i, err)
				}
			}
			return list, nil
		}, nil
	}, nil
}
