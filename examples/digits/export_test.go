package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/examples/digits/model"
)

func TestExportDeclaresModel(t *testing.T) {
	m := parse(t, model.ONNX)
	assert.Equal(t, []int{10}, m.ints[1], "IR version")
	assert.Equal(t, "midplane", m.text(t, 2), "producer")
	opset := parse(t, m.bytes[8][0])
	assert.Empty(t, opset.text(t, 1))
	assert.Equal(t, []int{21}, opset.ints[2])
	graph := parse(t, m.bytes[7][0])
	assertTensorInfo(t, graph.bytes[11], "image", 1, side, side)
	assertTensorInfo(t, graph.bytes[12], "probabilities", digits)
}

// assertTensorInfo checks that the only ValueInfoProto has the given name and
// the float32 shape of a symbolic batch and the given dimensions.
func assertTensorInfo(t *testing.T, infos [][]byte, name string, dims ...int) {
	t.Helper()
	require.Len(t, infos, 1)
	info := parse(t, infos[0])
	assert.Equal(t, name, info.text(t, 1))
	tensorType := parse(t, parse(t, info.bytes[2][0]).bytes[1][0])
	assert.Equal(t, []int{elemFloat}, tensorType.ints[1])
	shape := parse(t, tensorType.bytes[2][0]).bytes[1]
	require.Len(t, shape, 1+len(dims))
	assert.Equal(t, "batch", parse(t, shape[0]).text(t, 2))
	for i, d := range dims {
		assert.Equal(t, []int{d}, parse(t, shape[i+1]).ints[1])
	}
}

func TestExportHoldsLayers(t *testing.T) {
	m := decode(t, model.ONNX)
	var layers []string
	for _, n := range m.nodes {
		layers = append(layers, n.op+" "+n.name)
		assert.Equal(t, []string{n.name}, n.outputs)
	}
	assert.Equal(t, []string{"Conv conv1", "Relu relu1", "MaxPool pool1", "Conv conv2", "Relu relu2",
		"MaxPool pool2", "Flatten flatten", "Gemm fc", "Softmax probabilities"}, layers)
	for name, shape := range map[string][]int{
		"conv1.weight": {8, 1, 3, 3}, "conv1.bias": {8}, "conv2.weight": {16, 8, 3, 3},
		"conv2.bias": {16}, "fc.weight": {784, 10}, "fc.bias": {10},
	} {
		assert.Equal(t, shape, m.initializers[name].shape, name)
	}
	assert.Len(t, m.initializers, 6)
}

func TestExportComputesWhatTheNetworkDoes(t *testing.T) {
	network, err := train(brief, io.Discard)
	require.NoError(t, err)
	data := render(t, 5, heldOutStream, 20)
	predictor, err := NewPredictor(network, 20)
	require.NoError(t, err)
	logits, err := predictor.Logits(data)
	require.NoError(t, err)
	require.NoError(t, predictor.Close())
	exported := decode(t, ExportONNX(network))
	for i := range data.Len() {
		fc := exported.run(t, data.Image(i))["fc"]
		assert.InDeltaSlice(t, logits[i*digits:(i+1)*digits], fc.data, 1e-3)
	}
}

func TestEmbeddedModelClassifiesHeldOutPictures(t *testing.T) {
	m := decode(t, model.ONNX)
	data := render(t, 20_000, heldOutStream, 500)
	var probabilities []float32
	for i := range data.Len() {
		probabilities = append(probabilities, m.run(t, data.Image(i))["probabilities"].data...)
	}
	assert.GreaterOrEqual(t, correct(probabilities, data.Labels), 490)
}

func TestEmbeddedModelClassifiesSamples(t *testing.T) {
	m := decode(t, model.ONNX)
	for digit := range digits {
		file, err := model.Samples.ReadFile(fmt.Sprintf("samples/sample_%d.png", digit))
		require.NoError(t, err)
		data := &Dataset{}
		data.Add(decodePNG(t, file), digit)
		p := m.run(t, data.Image(0))["probabilities"].data
		assert.Equal(t, digit, argmax(p), "probabilities %v", p)
		assert.Greater(t, p[digit], float32(0.9), "sample of %d", digit)
	}
}

// decodePNG decodes a grayscale picture.
func decodePNG(t *testing.T, file []byte) *image.Gray {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	require.IsType(t, &image.Gray{}, img)
	return img.(*image.Gray)
}

func TestRunWritesModelAndSamples(t *testing.T) {
	o := options{out: t.TempDir(), seed: 1, epochs: 1, samples: 200}
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(o, &stdout, &stderr))
	assert.Regexp(t, `^held-out accuracy \d+\.\d\d% \(2000 pictures\)\n$`, stdout.String())
	assert.Regexp(t, `^epoch 1: loss \d\.\d{4}, accuracy \d+\.\d\d%\n$`, stderr.String())
	file, err := os.ReadFile(filepath.Join(o.out, "digits.onnx"))
	require.NoError(t, err)
	assert.Len(t, decode(t, file).nodes, 9)
	for digit := range digits {
		file, err := os.ReadFile(filepath.Join(o.out, "samples", fmt.Sprintf("sample_%d.png", digit)))
		require.NoError(t, err)
		assert.Equal(t, image.Rect(0, 0, side, side), decodePNG(t, file).Rect)
	}
}
