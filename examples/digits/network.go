package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Widths of the layers.
const (
	channels1 = 8                                   // output channels of the first convolution
	channels2 = 16                                  // output channels of the second convolution
	kernel    = 3                                   // height and width of the convolution kernels
	features  = channels2 * (side / 4) * (side / 4) // inputs of the fully connected layer
)

// Parameter is one trained tensor of the network.
type Parameter struct {
	Name  string
	Value *tensor.Dense // float32
}

// Network is a convolutional network classifying digits:
//
//	Conv 3×3, ReLU, MaxPool 2×2, Conv 3×3, ReLU, MaxPool 2×2, fully connected
//
// It holds the parameters; a Trainer or a Predictor runs it.
type Network struct {
	Conv1, Bias1 Parameter // (channels1, 1, kernel, kernel), (channels1)
	Conv2, Bias2 Parameter // (channels2, channels1, kernel, kernel), (channels2)
	Full, BiasF  Parameter // (features, digits), (digits)
}

// NewNetwork returns a network of random weights and zero biases.
func NewNetwork(random *rand.Rand) *Network {
	weights := func(name string, inputs int, shape ...int) Parameter {
		t := tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(shape...))
		deviation := math.Sqrt(2 / float64(inputs)) // keeps the variance through a ReLU
		for i := range t.Float32s() {
			t.Float32s()[i] = float32(deviation * random.NormFloat64())
		}
		return Parameter{name, t}
	}
	biases := func(name string, n int) Parameter {
		return Parameter{name, tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(n))}
	}
	return &Network{
		Conv1: weights("conv1.weight", kernel*kernel, channels1, 1, kernel, kernel),
		Bias1: biases("conv1.bias", channels1),
		Conv2: weights("conv2.weight", channels1*kernel*kernel, channels2, channels1, kernel, kernel),
		Bias2: biases("conv2.bias", channels2),
		Full:  weights("fc.weight", features, features, digits),
		BiasF: biases("fc.bias", digits),
	}
}

// Parameters lists the trained tensors in the order of the layers.
func (n *Network) Parameters() []Parameter {
	return []Parameter{n.Conv1, n.Bias1, n.Conv2, n.Bias2, n.Full, n.BiasF}
}

// expression is the network as an expression graph for batches of a fixed size.
type expression struct {
	*gorgonia.ExprGraph
	images *gorgonia.Node // (batch, 1, side, side)
	params gorgonia.Nodes // share their values with the network
	logits *gorgonia.Node // (batch, digits)
	scores gorgonia.Value // the logits of the last run
}

// newGraph builds the expression graph of the network up to the logits.
func (n *Network) newGraph(batch int) (*expression, error) {
	g := &expression{ExprGraph: gorgonia.NewGraph()}
	g.images = gorgonia.NewTensor(g.ExprGraph, tensor.Float32, 4,
		gorgonia.WithShape(batch, 1, side, side), gorgonia.WithName("image"))
	x, err := g.block(g.images, n.Conv1, n.Bias1)
	if err != nil {
		return nil, err
	}
	if x, err = g.block(x, n.Conv2, n.Bias2); err != nil {
		return nil, err
	}
	if x, err = gorgonia.Reshape(x, tensor.Shape{batch, features}); err != nil {
		return nil, fmt.Errorf("flattening: %w", err)
	}
	if x, err = gorgonia.Mul(x, g.param(n.Full)); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Full.Name, err)
	}
	bias, err := gorgonia.Reshape(g.param(n.BiasF), tensor.Shape{1, digits})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.BiasF.Name, err)
	}
	if g.logits, err = gorgonia.BroadcastAdd(x, bias, nil, []byte{0}); err != nil {
		return nil, fmt.Errorf("%s: %w", n.BiasF.Name, err)
	}
	gorgonia.Read(g.logits, &g.scores)
	return g, nil
}

// block adds a convolution with bias, a ReLU and a max pooling.
func (g *expression) block(x *gorgonia.Node, weight, bias Parameter) (*gorgonia.Node, error) {
	x, err := gorgonia.Conv2d(x, g.param(weight), tensor.Shape{kernel, kernel},
		[]int{1, 1}, []int{1, 1}, []int{1, 1})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", weight.Name, err)
	}
	b, err := gorgonia.Reshape(g.param(bias), tensor.Shape{1, bias.Value.Shape()[0], 1, 1})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", bias.Name, err)
	}
	if x, err = gorgonia.BroadcastAdd(x, b, nil, []byte{0, 2, 3}); err != nil {
		return nil, fmt.Errorf("%s: %w", bias.Name, err)
	}
	if x, err = gorgonia.Rectify(x); err != nil {
		return nil, fmt.Errorf("ReLU after %s: %w", weight.Name, err)
	}
	x, err = gorgonia.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})
	if err != nil {
		return nil, fmt.Errorf("max pooling after %s: %w", weight.Name, err)
	}
	return x, nil
}

// param adds a node bound to the parameter's own tensor.
func (g *expression) param(p Parameter) *gorgonia.Node {
	node := gorgonia.NewTensor(g.ExprGraph, tensor.Float32, p.Value.Dims(),
		gorgonia.WithShape(p.Value.Shape()...), gorgonia.WithName(p.Name), gorgonia.WithValue(p.Value))
	g.params = append(g.params, node)
	return node
}

// load binds the pictures of a batch to the graph's input.
func (g *expression) load(batch *Dataset) error {
	images := tensor.New(tensor.WithShape(g.images.Shape()...), tensor.WithBacking(batch.Images))
	return gorgonia.Let(g.images, images)
}
