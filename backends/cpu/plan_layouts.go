package cpu

import (
	"context"
	"slices"

	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/backends/cpu/internal/isa"
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
		images := l.rewrite(b, n)
		images[0].Producer.Name = n.Name // people look for it
		var plain []*graph.Value
		for k, y := range images {
			l.images[n.Outputs[k]] = y
			channels, _ := channelsOf(n.Outputs[k])
			plain = append(plain, b.Node("midplane.blocked", "Unblock", []*graph.Value{y}, 1, graph.A("channels", int64(channels)))...)
		}
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

// moveCost is what it costs in nanoseconds to move an image into blocks or out of
// them, beside its elements.
const moveCost = 1000

// prices are what blocks cost and save, in nanoseconds.
type prices struct {
	element float64 // to move one into blocks or out of them
	padding float64 // of a product with a lane that is no channel
	product float64 // saved of a product;
	lonely  float64 // of one in a convolution whose filters see one channel each,
	lonely3 float64 // and have 3 × 3 taps, for which there are good kernels without blocks
}

// pricesHere returns those of this processor.
func pricesHere() prices {
	if isa.Best >= isa.AVX512 {
		return prices{element: 0.2, product: 0.004, lonely: 0.03, lonely3: -0.01}
	}
	return prices{element: 0.5, padding: 0.018, product: 0.004, lonely: 0.08, lonely3: 0.06}
}

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
	gain, p := 0.0, pricesHere()
	moved := make(map[*graph.Value]bool)
	for _, n := range nodes {
		out := n.Outputs[0]
		if n.Op == "Conv" {
			gain += pixelsOf(out) * p.savedOfPixel(n)
			if x := n.Inputs[0]; !l.chosen[producer(x)] && !fewChannels(x) {
				moved[x] = true
			}
		}
		for _, v := range n.Outputs {
			if slices.ContainsFunc(l.readers[v], func(r *graph.Node) bool { return !l.chosen[r] }) {
				moved[v] = true
			}
		}
	}
	for v := range moved {
		channels, _ := channelsOf(v)
		gain -= moveCost + pixelsOf(v)*float64(channels)*p.element
	}
	return gain
}

// savedOfPixel returns what blocks save of a pixel that a convolution makes.
func (p prices) savedOfPixel(n *graph.Node) float64 {
	w, groups := n.Inputs[1].Const.Shape(), n.Int("group", 1)
	products := float64(w.Size())
	switch {
	case w[1] > 1 || groups == 1:
		channels := w[1]
		if !fewChannels(n.Inputs[0]) {
			channels = blocked.Blocks(channels) * blocked.Width
		}
		lanes := float64(blocked.Blocks(w[0])*blocked.Width*channels) * float64(w[2]*w[3])
		return products*p.product - (lanes-products)*p.padding
	case w[2] == 3 && w[3] == 3:
		return products * p.lonely3
	}
	return products * p.lonely
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
	if n.Domain != "" || len(n.Outputs) == 0 || n.Op != "Split" && n.Output(1) != nil {
		return false
	}
	if slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { _, ok := channelsOf(v); return v != nil && !ok }) {
		return false
	}
	switch n.Op {
	case "Split":
		return n.Int("axis", 0) == 1 && l.inBlocks(n.Inputs[0]) && !slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool {
			channels, ok := channelsOf(v)
			return !ok || channels%blocked.Width != 0
		})
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
