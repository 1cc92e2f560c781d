package main

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/gorgonia"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// opset is the version of ONNX's operators that the model is written in.
const opset = 21

// ExportONNX encodes a network as an ONNX model. It maps the input image,
// (batch, 1, 28, 28) with white as 1 and black as 0, to the output
// probabilities, (batch, 10).
func ExportONNX(n *Network) ([]byte, error) {
	e := exporter{graph: &graph.Graph{Name: "digits"}}
	image := &graph.Value{Name: "image", Type: batchOf(1, side, side)}
	e.graph.Inputs = []*graph.Value{image}
	probabilities, err := e.layers(n, image)
	if err != nil {
		return nil, err
	}
	probabilities.Type = batchOf(digits)
	e.graph.Outputs = []*graph.Value{probabilities}
	return onnx.Encode(&graph.Model{
		IRVersion: 10,
		Producer:  "midplane",
		Doc:       "Classifies a digit, white ink (1) on black (0), 28×28 pixels.",
		Opsets:    map[string]int{"": opset},
		Graph:     e.graph,
	})
}

// batchOf is the type of float32 tensors of the given shape after an axis of
// any extent, which is named batch.
func batchOf(shape ...int) tensor.Type {
	dims := tensor.Dims{tensor.Symbol("batch")}
	return tensor.TensorType(tensor.Float32, append(dims, tensor.KnownDims(shape)...))
}

// exporter gathers the graph of a model.
type exporter struct{ graph *graph.Graph }

// layers adds the network's layers and returns the last one's output.
func (e *exporter) layers(n *Network, x *graph.Value) (*graph.Value, error) {
	weights := make(map[string]*graph.Value)
	for _, p := range n.Parameters() {
		t, err := gorgonia.Tensor(p.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		weights[p.Name] = &graph.Value{Name: p.Name, Type: t.Type(), Const: t}
		e.graph.Initializers = append(e.graph.Initializers, weights[p.Name])
	}
	pads, size := graph.A("pads", []int64{1, 1, 1, 1}), graph.A("kernel_shape", []int64{kernel, kernel})
	pool, strides := graph.A("kernel_shape", []int64{2, 2}), graph.A("strides", []int64{2, 2})
	axis := graph.A("axis", int64(1))
	x = e.node("Conv", "conv1", []*graph.Value{x, weights[n.Conv1.Name], weights[n.Bias1.Name]}, size, pads)
	x = e.node("Relu", "relu1", []*graph.Value{x})
	x = e.node("MaxPool", "pool1", []*graph.Value{x}, pool, strides)
	x = e.node("Conv", "conv2", []*graph.Value{x, weights[n.Conv2.Name], weights[n.Bias2.Name]}, size, pads)
	x = e.node("Relu", "relu2", []*graph.Value{x})
	x = e.node("MaxPool", "pool2", []*graph.Value{x}, pool, strides)
	x = e.node("Flatten", "flatten", []*graph.Value{x}, axis)
	x = e.node("Gemm", "fc", []*graph.Value{x, weights[n.Full.Name], weights[n.BiasF.Name]})
	return e.node("Softmax", "probabilities", []*graph.Value{x}, axis), nil
}

// node adds an operator that is named after its output, and returns the output.
func (e *exporter) node(op, name string, inputs []*graph.Value, attributes ...graph.Attribute) *graph.Value {
	n := &graph.Node{Name: name, Op: op, Version: opset, Inputs: inputs, Attributes: attributes}
	out := &graph.Value{Name: name, Producer: n}
	n.Outputs = []*graph.Value{out}
	e.graph.Nodes = append(e.graph.Nodes, n)
	return out
}
