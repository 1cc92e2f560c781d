package onnxgo_test

import (
	"fmt"

	"github.com/owulveryck/onnx-go"
	"gorgonia.org/tensor"

	_ "example.com/midplane/backends/cpu"
	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/frameworks/onnxgo"
)

func Example() {
	backend := onnxgo.New("cpu")
	defer backend.Close()
	model := onnx.NewModel(backend)
	if err := model.UnmarshalBinary(digits.ONNX); err != nil {
		panic(err)
	}
	black := tensor.New(tensor.WithShape(1, 1, 28, 28), tensor.Of(tensor.Float32))
	if err := model.SetInput(0, black); err != nil {
		panic(err)
	}
	if err := backend.Run(); err != nil {
		panic(err)
	}
	outputs, err := model.GetOutputTensors()
	if err != nil {
		panic(err)
	}
	fmt.Println(outputs[0].Shape(), outputs[0].Dtype())
	// Output: (1, 10) float32
}
