package cpu

import (
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/operators/graph"
)

// image returns an image in blocks.
func (l *layouts) image(b *graph.Builder, v *graph.Value) *graph.Value {
	if y, ok := l.images[v]; ok {
		return y
	}
	y := b.Node("midplane.blocked", "Block", []*graph.Value{v}, 1)[0]
	l.images[v] = y
	return y
}

// rewrite emits what a chosen node computes on images in blocks, and returns its
// outputs.
func (l *layouts) rewrite(b *graph.Builder, n *graph.Node) []*graph.Value {
	if n.Op != "Split" {
		return []*graph.Value{l.rewriteOne(b, n)}
	}
	var blocks []int64
	for _, v := range n.Outputs {
		channels, _ := channelsOf(v)
		blocks = append(blocks, int64(channels/blocked.Width))
	}
	return b.Node("", "Split", []*graph.Value{l.image(b, n.Inputs[0]), b.Const(tensor.Of(blocks))}, len(blocks), graph.A("axis", int64(1)))
}

// rewriteOne is rewrite of a node with one output.
func (l *layouts) rewriteOne(b *graph.Builder, n *graph.Node) *graph.Value {
	inputs := append([]*graph.Value{}, n.Inputs...)
	switch n.Op {
	case "Conv":
		if x := n.Inputs[0]; l.images[x] != nil || !fewChannels(x) {
			inputs[0] = l.image(b, x)
		}
		return b.Node("midplane.blocked", "Conv", inputs, 1, n.Attributes...)[0]
	case "MaxPool", "AveragePool":
		inputs[0] = l.image(b, n.Inputs[0])
		return b.Op(n.Op, inputs, overLanes(n)...)
	case "GlobalAveragePool":
		axes := b.Const(tensor.Of([]int64{2, 3}, 2))
		return b.Op("ReduceMean", []*graph.Value{l.image(b, n.Inputs[0]), axes}, graph.A("keepdims", int64(1)))
	case "ConvTranspose":
		inputs[0] = l.image(b, n.Inputs[0])
		return b.Node("midplane.blocked", "ConvTranspose", inputs, 1, n.Attributes...)[0]
	case "Resize":
		constants, _ := lanesResize(n)
		inputs = []*graph.Value{l.image(b, n.Inputs[0]), nil, nil, nil}
		for i, t := range constants {
			if t != nil {
				inputs[i] = b.Const(t)
			}
		}
		return b.Op("Resize", inputs, n.Attributes...)
	case "BatchNormalization":
		factor, term := affine(n)
		return b.Node("midplane.blocked", "Conv", []*graph.Value{l.image(b, n.Inputs[0]), b.Const(factor), b.Const(term)}, 1, graph.A("group", int64(factor.Len())))[0]
	}
	channels, _ := channelsOf(n.Outputs[0])
	for i, v := range n.Inputs {
		if v == nil || l.images[v] != nil {
			inputs[i] = l.images[v]
		} else if t, ok := constantInBlocks(v, channels); ok && n.Op != "Clip" {
			inputs[i] = b.Const(t)
		}
	}
	return b.Op(n.Op, inputs, n.Attributes...)
}

// overLanes returns the attributes of a pool with a trivial window on the lanes.
func overLanes(n *graph.Node) []graph.Attribute {
	attributes := n.Without("kernel_shape", "strides", "dilations", "pads")
	add := func(name string, lane int64) {
		if v := n.Ints(name); v != nil {
			attributes = append(attributes, graph.A(name, append(slices.Clone(v), lane)))
		}
	}
	add("kernel_shape", 1)
	add("strides", 1)
	add("dilations", 1)
	if p := n.Ints("pads"); len(p) == 4 {
		attributes = append(attributes, graph.A("pads", []int64{p[0], p[1], 0, p[2], p[3], 0}))
	}
	return attributes
}

// affine returns a batch normalization by constants as the filters, of one tap, and
// the bias of a convolution whose filters see one channel each:
//
//	y = scale (x - mean) / sqrt(var + epsilon) + B
func affine(n *graph.Node) (filters, bias *tensor.Tensor) {
	var p [4][]float32 // scale, B, mean, var
	for i := range p {
		p[i] = tensor.Slice[float32](n.Inputs[i+1].Const)
	}
	channels, epsilon := len(p[0]), float64(n.Float("epsilon", 1e-5))
	factors, terms := make([]float32, channels), make([]float32, channels)
	for c := range channels {
		f := float64(p[0][c]) / math.Sqrt(float64(p[3][c])+epsilon)
		factors[c], terms[c] = float32(f), float32(float64(p[1][c])-float64(p[2][c])*f)
	}
	return tensor.Of(factors, channels, 1, 1, 1), tensor.Of(terms)
}

// lanesResize returns the constant inputs of a Resize that makes pixels of pixels, as
// those of one that leaves lanes alone. A nil input is absent.
func lanesResize(n *graph.Node) (inputs [4]*tensor.Tensor, ok bool) {
	if n.Has("axes") || n.Text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize" || n.Text("keep_aspect_ratio_policy", "stretch") != "stretch" {
		return inputs, false
	}
	if scales := n.Input(2); scales != nil && scales.Const != nil && scales.Const.Len() == 4 && isFloat32(scales) {
		s := tensor.Slice[float32](scales.Const)
		inputs[2] = tensor.Of([]float32{s[0], s[1], s[2], s[3], 1})
		return inputs, s[0] == 1 && s[1] == 1
	}
	sizes := n.Input(3)
	channels, _ := channelsOf(n.Inputs[0])
	if sizes == nil || sizes.Const == nil || sizes.Const.Len() != 4 {
		return inputs, false
	}
	s := sizes.Const.Int64s()
	inputs[3] = tensor.Of([]int64{s[0], int64(blocked.Blocks(channels)), s[2], s[3], blocked.Width})
	return inputs, int(s[1]) == channels
}

// constantInBlocks returns a constant that broadcasts to images of so many channels as one
// that broadcasts to them in blocks.
func constantInBlocks(v *graph.Value, channels int) (*tensor.Tensor, bool) {
	if !isFloat32(v) || v.Const == nil {
		return nil, false
	}
	s := v.Const.Shape()
	if s.Size() == 1 && len(s) <= 4 {
		return tensor.Of(tensor.Slice[float32](v.Const)), true
	}
	if len(s) < 3 || len(s) > 4 || s.Size() != channels || s[len(s)-3] != channels {
		return nil, false
	}
	lanes := make([]float32, blocked.Blocks(channels)*blocked.Width)
	copy(lanes, tensor.Slice[float32](v.Const))
	return tensor.Of(lanes, 1, blocked.Blocks(channels), 1, 1, blocked.Width), true
}
