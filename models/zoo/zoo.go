// Package zoo builds well-known architectures in code, with weights drawn from a
// seed, so that speed and coverage can be measured without a download.
//
// A model has the nodes, shapes and number of parameters of the one that it is
// named after, as its usual export writes them; its weights are scaled so that
// activations stay of the order of one, as they do in a trained model. What it
// computes is of no use. The same model is built with the same bits everywhere.
package zoo

import (
	"fmt"
	"os"
	"path/filepath"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// Model is an architecture.
type Model struct {
	Name  string
	Group string // convolution, attention, recurrent or int8
	About string
	build func(n *net)
	feed  map[string]fill // of its inputs; nil: anything of variance 1
}

// All returns the models, ordered by group.
func All() []Model {
	return []Model{
		{"resnet50", "convolution", "ResNet-50 v1.5 with batch normalization, 224 × 224", resnet50, nil},
		{"resnet50_folded", "convolution", "the same, batch normalization folded into the convolutions", resnet50Folded, nil},
		{"mobilenet_v2", "convolution", "MobileNetV2 with Clip at 6, batch normalization folded, 224 × 224", mobilenetV2, nil},
		{"densenet121", "convolution", "DenseNet-121 with batch normalization, 224 × 224", densenet121, nil},
		{"inception_v1", "convolution", "Inception v1 with LRN, 224 × 224", inceptionV1, nil},
		{"squeezenet1_1", "convolution", "SqueezeNet 1.1, 224 × 224", squeezenet, nil},
		{"unet", "convolution", "U-Net of 32 to 512 maps, batch normalization folded, 256 × 256", unet, nil},
		{"minilm_l6", "attention", "MiniLM-L6 encoder, 128 tokens, norms and GELU in pieces", minilm, minilmFeed},
		{"smollm_135m", "attention", "SmolLM-135M decoder with KV cache: a token after 128", smollm, smollmFeed},
		{"lstm_tagger", "recurrent", "bidirectional LSTM tagger of two layers, 50 tokens", lstmTagger, taggerFeed},
		{"gru_tagger", "recurrent", "bidirectional GRU tagger of two layers, 50 tokens", gruTagger, taggerFeed},
		{"resnet50_qdq", "int8", "ResNet-50 between QuantizeLinear and DequantizeLinear, weights per channel", resnet50QDQ, nil},
		{"mobilenet_v2_qdq", "int8", "MobileNetV2 likewise", mobilenetV2QDQ, nil},
		{"minilm_l6_dynamic", "int8", "MiniLM-L6 with DynamicQuantizeLinear and MatMulInteger", minilmDynamic, minilmFeed},
	}
}

// Find returns the model of a name.
func Find(name string) (Model, error) {
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
	}
	return Model{}, fmt.Errorf("zoo: no model is called %q", name)
}

// Graph builds the model.
func (m Model) Graph() *graph.Model { return m.with(false).model }

// Parameters returns the number of weights that training would change: those of
// tables of constants and the statistics of batch normalization are none.
func (m Model) Parameters() int { return m.with(true).parameters }

// with builds the model; a blank one has zeros for weights, which take no memory
// before they are read.
func (m Model) with(blank bool) *net {
	n := newNet(m.Name, blank)
	m.build(n)
	return n
}

// Inputs draws inputs, in the order of the graph's.
func (m Model) Inputs(g *graph.Graph) []*tensor.Tensor {
	draw := &source{seed: seedOf(m.Name + " inputs")}
	inputs := make([]*tensor.Tensor, len(g.Inputs))
	for i, v := range g.Inputs {
		f := m.feed[v.Name]
		if f == nil {
			f = anything
		}
		inputs[i] = f(draw, v.Type)
	}
	return inputs
}

// Write writes the model and a set of inputs into a folder of ONNX's test layout,
// which is made if it is not there.
func (m Model) Write(dir string) error {
	set := filepath.Join(dir, "test_data_set_0")
	if err := os.MkdirAll(set, 0o777); err != nil {
		return err
	}
	model := m.Graph()
	f, err := os.Create(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return err
	}
	err = onnx.Write(f, model)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	for i, t := range m.Inputs(model.Graph) {
		b, err := onnx.EncodeTensor(t)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(set, fmt.Sprintf("input_%d.pb", i)), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}
