package cpu

import (
	"context"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/operators/graph"
)

// PlanLayouts implements operators.LayoutPlanner: convolutions, and what stands
// between them, work on images whose channels lie in blocks where that pays.
func (d *Device) PlanLayouts(ctx context.Context, g *graph.Graph) (bool, error) {
	if !blocked.Fast() {
		return false, nil
	}
	l := newLayouts(g)
	l.choose()
	changed := false
	for i := 0; i < len(g.Nodes); i++ {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		n := g.Nodes[i]
		if !l.chosen[n] {
			continue
		}
		b := graph.NewBuilder(n)
		y := l.rewrite(b, n)
		y.Producer.Name = n.Name // people look for it
		out := n.Outputs[0]
		l.images[out] = y
		channels, _ := channelsOf(out)
		plain := b.Node("midplane.blocked", "Unblock", []*graph.Value{y}, 1, graph.A("channels", int64(channels)))
		i += g.Replace(i, b, plain) - 1
		changed = true
	}
	return changed, nil
}

// layouts are the values of a graph whose channels lie in blocks.
type layouts struct {
	graph   *graph.Graph
	readers map[*graph.Value][]*graph.Node // nil among them: an output of the graph
	chosen  map[*graph.Node]bool           // nodes that work on blocks
	images  map[*graph.Value]*graph.Value  // in blocks, by those that are not
}

func newLayouts(g *graph.Graph) *layouts {
	l := &layouts{g, make(map[*graph.Value][]*graph.Node), make(map[*graph.Node]bool), make(map[*graph.Value]*graph.Value)}
	for _, n := range g.Nodes {
		for _, v := range n.Reads() {
			l.readers[v] = append(l.readers[v], n)
		}
	}
	for _, v := range g.Outputs {
		l.readers[v] = append(l.readers[v], nil)
	}
	return l
}

// What it costs in nanoseconds to move an image into blocks or out of them, and each
// of its elements; what blocks save of a product; and of one in a convolution whose
// filters see one channel each, for which there are good kernels without blocks if
// they have 3 × 3 taps.
const (
	moveCost    = 1000
	elementCost = 0.2
	productGain = 0.004
	lonelyGain  = 0.03
	lonelyGain3 = -0.01
)

// choose finds the nodes that work on blocks. Nodes that hand each other images in
// blocks are taken together or left together.
func (l *layouts) choose() {
	var sets [][]*graph.Node
	set := make(map[*graph.Node]int)
	for _, n := range l.graph.Nodes {
		if !l.takes(n) {
			continue
		}
		l.chosen[n] = true
		own := len(sets)
		sets = append(sets, []*graph.Node{n})
		set[n] = own
		for _, v := range n.Inputs {
			p := producer(v)
			if !l.chosen[p] || set[p] == own {
				continue
			}
			from := set[p]
			for _, m := range sets[from] {
				set[m] = own
			}
			sets[own] = append(sets[own], sets[from]...)
			sets[from] = nil
		}
	}
	for _, nodes := range sets {
		if l.gain(nodes) > 0 {
			continue
		}
		for _, n := range nodes {
			delete(l.chosen, n)
		}
	}
}

func producer(v *graph.Value) *graph.Node {
	if v == nil {
		return nil
	}
	return v.Producer
}

// gain estimates what a set of nodes saves on blocks.
func (l *layouts) gain(nodes []*graph.Node) float64 {
	gain := 0.0
	moved := make(map[*graph.Value]bool)
	for _, n := range nodes {
		out := n.Outputs[0]
		if n.Op == "Conv" {
			w := n.Inputs[1].Const.Shape()
			each := productGain
			if w[1] == 1 && n.Int("group", 1) > 1 {
				each = lonelyGain
				if w[2] == 3 && w[3] == 3 {
					each = lonelyGain3
				}
			}
			gain += pixelsOf(out) * float64(w.Size()) * each
			if x := n.Inputs[0]; !l.chosen[producer(x)] && !fewChannels(x) {
				moved[x] = true
			}
		}
		if slices.ContainsFunc(l.readers[out], func(r *graph.Node) bool { return !l.chosen[r] }) {
			moved[out] = true
		}
	}
	for v := range moved {
		channels, _ := channelsOf(v)
		gain -= moveCost + pixelsOf(v)*float64(channels)*elementCost
	}
	return gain
}

// channelsOf returns the number of channels of an image of two spatial axes.
func channelsOf(v *graph.Value) (channels int, ok bool) {
	if !isFloat32(v) || len(v.Type.Dims) != 4 || !v.Type.Dims[1].IsKnown() {
		return 0, false
	}
	return v.Type.Dims[1].Size, true
}

// pixelsOf returns how many pixels an image has, 1 for extents that are not known.
func pixelsOf(v *graph.Value) float64 {
	n := 1.0
	for axis, d := range v.Type.Dims {
		if axis != 1 && d.IsKnown() {
			n *= float64(d.Size)
		}
	}
	return n
}

// fewChannels reports whether convolutions read an image as it is.
func fewChannels(v *graph.Value) bool {
	channels, ok := channelsOf(v)
	return ok && channels < blocked.Width
}

// inBlocks reports whether a value is an image that a chosen node makes.
func (l *layouts) inBlocks(v *graph.Value) bool {
	return v != nil && v.Producer != nil && l.chosen[v.Producer]
}

// between are the operators on single elements that stand between convolutions.
// What they make of 0 is finite, which lanes hold that are no channels.
var between = []string{"Relu", "LeakyRelu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Elu", "Gelu", "Softplus", "Tanh", "Erf", "Abs", "Neg"}

// takes reports whether a node can work on blocks, with what was chosen so far.
func (l *layouts) takes(n *graph.Node) bool {
	if n.Domain != "" || len(n.Outputs) == 0 || n.Output(1) != nil {
		return false
	}
	if _, ok := channelsOf(n.Outputs[0]); !ok {
		return false
	}
	switch n.Op {
	case "Conv":
		return l.takesConv(n)
	case "MaxPool", "AveragePool", "GlobalAveragePool":
		return l.inBlocks(n.Inputs[0])
	case "Concat":
		return n.Int("axis", 0) == 1 && !slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool {
			channels, _ := channelsOf(v)
			return !l.inBlocks(v) || channels%blocked.Width != 0
		})
	case "ConvTranspose":
		return l.takesTranspose(n)
	case "Resize":
		_, ok := lanesResize(n)
		return ok && l.inBlocks(n.Inputs[0])
	case "Add", "Sub", "Mul":
		return l.takesPair(n)
	case "BatchNormalization":
		return l.inBlocks(n.Inputs[0]) && !n.Bool("training_mode", false) && !slices.ContainsFunc(n.Inputs[1:], func(v *graph.Value) bool { return !isFloat32(v) || v.Const == nil })
	}
	return slices.Contains(between, n.Op) && l.inBlocks(n.Inputs[0]) && !slices.ContainsFunc(n.Inputs[1:], func(v *graph.Value) bool { return v != nil && v.Const == nil })
}

// takesConv reports whether a convolution has constant filters that fill blocks.
func (l *layouts) takesConv(n *graph.Node) bool {
	w, bias := n.Inputs[1].Const, n.Input(2)
	if w == nil || w.Rank() != 4 || bias != nil && bias.Const == nil || !isFloat32(n.Inputs[1]) {
		return false
	}
	channels, ok := channelsOf(n.Inputs[0])
	s, groups := w.Shape(), int(n.Int("group", 1))
	if !ok || groups < 1 || s.Size() == 0 || s[1]*groups != channels {
		return false
	}
	switch {
	case groups == 1:
		return full(s[0]) && (full(channels) || fewChannels(n.Inputs[0]) && !l.inBlocks(n.Inputs[0]))
	case s[1] == 1 && s[0] == groups:
		return l.inBlocks(n.Inputs[0])
	}
	return s[1]%blocked.Width == 0 && s[0]/groups%blocked.Width == 0
}

// full reports whether blocks have few lanes beyond so many channels.
func full(channels int) bool { return 4*channels >= 3*blocked.Blocks(channels)*blocked.Width }

// takesTranspose reports whether a transposed convolution of an image in blocks has
// constant filters that fill blocks, and windows that lie side by side.
func (l *layouts) takesTranspose(n *graph.Node) bool {
	w, bias := n.Inputs[1].Const, n.Input(2)
	if w == nil || bias != nil && bias.Const == nil || !isFloat32(n.Inputs[1]) || !l.inBlocks(n.Inputs[0]) {
		return false
	}
	s := w.Shape()
	channels, _ := channelsOf(n.Inputs[0])
	return s.Size() > 0 && apart(n, s) && s[0] == channels && full(s[1])
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

// takesPair reports whether a combination is of images in blocks, or of one with a
// constant for each channel or for all.
func (l *layouts) takesPair(n *graph.Node) bool {
	channels, _ := channelsOf(n.Outputs[0])
	some := false
	for _, v := range n.Inputs {
		if l.inBlocks(v) {
			own, _ := channelsOf(v)
			if own != channels {
				return false
			}
			some = true
		} else if _, ok := constantInBlocks(v, channels); !ok {
			return false
		}
	}
	return some
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

// image returns an image in blocks.
func (l *layouts) image(b *graph.Builder, v *graph.Value) *graph.Value {
	if y, ok := l.images[v]; ok {
		return y
	}
	y := b.Node("midplane.blocked", "Block", []*graph.Value{v}, 1)[0]
	l.images[v] = y
	return y
}

// rewrite emits what a chosen node computes on images in blocks.
func (l *layouts) rewrite(b *graph.Builder, n *graph.Node) *graph.Value {
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
