package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	"example.com/midplane/examples/digits/model"
	"example.com/midplane/models"
	"example.com/midplane/operators/onnx"
)

func TestExportDeclaresModel(t *testing.T) {
	m, err := onnx.Decode(model.ONNX, nil, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 10, m.IRVersion)
	assert.Equal(t, "midplane", m.Producer)
	assert.Equal(t, map[string]int{"": 21}, m.Opsets)
	require.Len(t, m.Graph.Inputs, 1)
	assert.Equal(t, "image", m.Graph.Inputs[0].Name)
	assert.Equal(t, "float32[batch,1,28,28]", m.Graph.Inputs[0].Type.String())
	require.Len(t, m.Graph.Outputs, 1)
	assert.Equal(t, "probabilities", m.Graph.Outputs[0].Name)
	assert.Equal(t, "float32[batch,10]", m.Graph.Outputs[0].Type.String())
}

func TestExportHoldsLayers(t *testing.T) {
	m, err := onnx.Decode(model.ONNX, nil, nil)
	require.NoError(t, err)
	var layers []string
	for _, n := range m.Graph.Nodes {
		layers = append(layers, n.Op+" "+n.Name)
		require.Len(t, n.Outputs, 1)
		assert.Equal(t, n.Name, n.Outputs[0].Name)
	}
	assert.Equal(t, []string{"Conv conv1", "Relu relu1", "MaxPool pool1", "Conv conv2", "Relu relu2",
		"MaxPool pool2", "Flatten flatten", "Gemm fc", "Softmax probabilities"}, layers)
	shapes := make(map[string]string)
	for _, v := range m.Graph.Initializers {
		shapes[v.Name] = v.Type.String()
	}
	assert.Equal(t, map[string]string{
		"conv1.weight": "float32[8,1,3,3]", "conv1.bias": "float32[8]", "conv2.weight": "float32[16,8,3,3]",
		"conv2.bias": "float32[16]", "fc.weight": "float32[784,10]", "fc.bias": "float32[10]",
	}, shapes)
}

// probabilities runs an exported model on every picture at once.
func probabilities(t *testing.T, onnx []byte, data *Dataset) []float32 {
	t.Helper()
	s, err := models.LoadBytes(context.Background(), onnx, &models.Options{Devices: []string{"cpu"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	images := tensor.Of(data.Images, data.Len(), 1, side, side)
	out, err := s.Run(context.Background(), map[string]tensor.Value{"image": images})
	require.NoError(t, err)
	return tensor.Slice[float32](out["probabilities"].(*tensor.Tensor))
}

// Gorgonia, which trains the network, and midplane, which runs the model that
// is made of it, agree.
func TestExportComputesWhatTheNetworkDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, networkStream))
	network := NewNetwork(random)
	for _, bias := range []Parameter{network.Bias1, network.Bias2, network.BiasF} {
		for i := range bias.Value.Float32s() {
			bias.Value.Float32s()[i] = float32(random.NormFloat64())
		}
	}
	data := render(t, 5, heldOutStream, 20)
	predictor, err := NewPredictor(network, 20)
	require.NoError(t, err)
	logits, err := predictor.Logits(data)
	require.NoError(t, err)
	require.NoError(t, predictor.Close())
	file, err := ExportONNX(network)
	require.NoError(t, err)
	got := probabilities(t, file, data)
	for i := range data.Len() {
		assert.InDeltaSlice(t, softmax(logits[i*digits:(i+1)*digits]), got[i*digits:(i+1)*digits], 1e-5)
	}
}

// softmax turns logits into probabilities.
func softmax(logits []float32) []float32 {
	p := make([]float32, len(logits))
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v))
	}
	for i, v := range logits {
		p[i] = float32(math.Exp(float64(v)) / sum)
	}
	return p
}

func TestEmbeddedModelClassifiesHeldOutPictures(t *testing.T) {
	data := render(t, 20_000, heldOutStream, 500)
	assert.GreaterOrEqual(t, correct(probabilities(t, model.ONNX, data), data.Labels), 490)
}

func TestEmbeddedModelClassifiesSamples(t *testing.T) {
	data := &Dataset{}
	for digit := range digits {
		file, err := model.Samples.ReadFile(fmt.Sprintf("samples/sample_%d.png", digit))
		require.NoError(t, err)
		data.Add(decodePNG(t, file), digit)
	}
	all := probabilities(t, model.ONNX, data)
	for digit := range digits {
		p := all[digit*digits : (digit+1)*digits]
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
	if testing.Short() {
		t.Skip("-short: measuring a network on 2000 pictures takes a second")
	}
	o := options{out: t.TempDir(), seed: 1, epochs: 1, samples: 200}
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(o, &stdout, &stderr))
	assert.Regexp(t, `^held-out accuracy \d+\.\d\d% \(2000 pictures\)\n$`, stdout.String())
	assert.Regexp(t, `^epoch 1: loss \d\.\d{4}, accuracy \d+\.\d\d%\n$`, stderr.String())
	file, err := os.ReadFile(filepath.Join(o.out, "digits.onnx"))
	require.NoError(t, err)
	m, err := onnx.Decode(file, nil, nil)
	require.NoError(t, err)
	assert.Len(t, m.Graph.Nodes, 9)
	for digit := range digits {
		file, err := os.ReadFile(filepath.Join(o.out, "samples", fmt.Sprintf("sample_%d.png", digit)))
		require.NoError(t, err)
		assert.Equal(t, image.Rect(0, 0, side, side), decodePNG(t, file).Rect)
	}
}
