// Command gonnx times gonnx and midplane side by side.
package main

import (
	"fmt"

	"github.com/advancedclimatesystems/gonnx"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/docs/compare/side"
	"example.com/midplane/frameworks/gorgonia"
)

func main() { side.Main("gonnx v1.1.0", load) }

func load(path string, inputs []side.Input, outputs []string) (side.Run, error) {
	m, err := gonnx.NewModelFromFile(path)
	if err != nil {
		return nil, err
	}
	given := make(gonnx.Tensors)
	for _, in := range inputs {
		if in.Default {
			continue
		}
		if given[in.Name], err = gorgonia.Dense(in.Tensor); err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
	}
	return func() (func() ([]*tensor.Tensor, error), error) {
		got, err := m.Run(given)
		if err != nil {
			return nil, err
		}
		return func() ([]*tensor.Tensor, error) {
			list := make([]*tensor.Tensor, len(outputs))
			for i, name := range outputs {
				if list[i], err = gorgonia.Tensor(got[name]); err != nil {
					return nil, fmt.Errorf("output %q: %w", name, err)
				}
			}
			return list, nil
		}, nil
	}, nil
}
