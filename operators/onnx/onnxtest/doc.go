// Package onnxtest reads the folders of ONNX's backend tests and holds outputs
// against what they expect.
//
// A case is a folder with model.onnx and folders test_data_set_0,
// test_data_set_1, …, which hold input_0.pb, input_1.pb, … and output_0.pb, ….
// A flat case is a file X.onnx beside X_output_0.pb, …: its inputs are float32
// and hold the numbers 0, 1/n, 2/n, … of their n elements.
package onnxtest
