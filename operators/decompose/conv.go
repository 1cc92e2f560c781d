package decompose

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// conv holds Conv, ConvTranspose, DeformConv, Col2Im, CausalConvWithState.
var conv = family{
	"Col2Im":              col2im,
	"CausalConvWithState": causalConv,
	"DeformConv":          deformConv,
}

// col2im is a transposed convolution of each channel with a kernel that has as
// many input channels as elements, each of which puts its element into place.
func col2im(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	if !e.dtype.IsFloat() {
		return nil, fmt.Errorf("elements of type %v are not added by a convolution", e.dtype)
	}
	image, err := constInts(n, 1)
	if err != nil {
		return nil, err
	}
	block, err := constInts(n, 2)
	if err != nil {
		return nil, err
	}
	ws, err := windowsOf(n, block)
	if err != nil {
		return nil, err
	}
	elements := int64(1)
	blocks, rest := make([]int64, len(ws)), make([]int64, len(ws))
	for i, w := range ws {
		if elements *= w.kernel; elements > maxKernel {
			return nil, fmt.Errorf("blocks of %v elements make a large constant", block)
		}
		room := image[i] + w.before + w.after - ((w.kernel-1)*w.dilation + 1)
		blocks[i], rest[i] = room/w.stride+1, room%w.stride
	}
	identity := make([]float64, elements*elements)
	for i := range elements {
		identity[i*elements+i] = 1
	}
	shape := tensor.Shape{int(elements), 1}
	for _, k := range block {
		shape = append(shape, int(k))
	}
	weights := b.Const(tensor.FromFloat64s(e.dtype, shape, identity))
	batch, channels := extents(b, n.Inputs[0], 0, 1), e.do("Div", extents(b, n.Inputs[0], 1, 2), b.Ints(elements))
	planes := join(b, e.do("Mul", batch, channels), b.Ints(elements), b.Ints(blocks...))
	attrs := append(append([]graph.Attribute{}, n.Attributes...), graph.A("output_padding", rest))
	y := b.Op("ConvTranspose", []*graph.Value{reshape(b, n.Inputs[0], planes), weights}, attrs...)
	return []*graph.Value{reshape(b, y, join(b, batch, channels, b.Ints(image...)))}, nil
}

// maxKernel is the largest kernel, in elements, for which an identity matrix is
// made a constant.
const maxKernel = 1 << 10

// window is how a kernel slides along one spatial axis, in elements.
type window struct{ kernel, stride, dilation, before, after int64 }

// windowsOf reads attributes strides, dilations and pads for a kernel.
func windowsOf(n *graph.Node, kernel []int64) ([]window, error) {
	strides, dilations, pads := n.Ints("strides"), n.Ints("dilations"), n.Ints("pads")
	rank := len(kernel)
	ws := make([]window, rank)
	for i, k := range kernel {
		w := window{kernel: k, stride: 1, dilation: 1}
		if strides != nil {
			if len(strides) != rank {
				return nil, fmt.Errorf("attribute strides is %v for %d spatial axes", strides, rank)
			}
			w.stride = strides[i]
		}
		if dilations != nil {
			if len(dilations) != rank {
				return nil, fmt.Errorf("attribute dilations is %v for %d spatial axes", dilations, rank)
			}
			w.dilation = dilations[i]
		}
		if pads != nil {
			if len(pads) != 2*rank {
				return nil, fmt.Errorf("attribute pads is %v for %d spatial axes", pads, rank)
			}
			w.before, w.after = pads[i], pads[rank+i]
		}
		if w.kernel < 1 || w.stride < 1 || w.dilation < 1 {
			return nil, fmt.Errorf("kernel %d, stride %d and dilation %d of spatial axis %d must be positive", w.kernel, w.stride, w.dilation, i)
		}
		ws[i] = w
	}
	return ws, nil
}

// causalConv puts the state, or zeros, in front of the input of a depthwise
// convolution, and cuts the next state from the end of both.
func causalConv(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	x, w, state := n.Inputs[0], n.Inputs[1], n.Input(3)
	channels := w.Type.Dims
	if len(channels) != 3 || !channels[0].IsKnown() {
		return nil, fmt.Errorf("the number of channels of weight %v, which Conv needs as its group, is not known", channels)
	}
	if state == nil {
		memory := e.do("Sub", extents(b, w, 2, 3), b.Ints(1))
		state = e.do("Expand", e.num(0), join(b, extents(b, x, 0, 2), memory))
	}
	all := b.Op("Concat", []*graph.Value{state, x}, graph.A("axis", int64(2)))
	in := []*graph.Value{all, w}
	if bias := n.Input(2); bias != nil {
		in = append(in, bias)
	}
	y := b.Op("Conv", in, graph.A("group", int64(channels[0].Size)))
	if activation := n.Text("activation", "none"); activation == "silu" || activation == "swish" {
		y = e.do("Mul", y, e.do("Sigmoid", y))
	}
	next := e.do("Slice", all, extents(b, x, 2, 3), b.Ints(math.MaxInt64), b.Ints(2))
	return []*graph.Value{y, next}, nil
}
