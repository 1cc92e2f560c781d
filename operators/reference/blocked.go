package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// blocked holds the operators of domain midplane.blocked, into which backends turn
// others to keep the channels of images in blocks of 16: Block, Unblock, Conv,
// ConvTranspose.
//
// An image (N, C, …) in blocks has the shape (N, B, …, 16), where B is C/16 rounded
// up: channel c is lane c mod 16 of block c/16. What lanes hold that are no channels
// matters to nobody; here it is 0.
//
// Block puts an image into blocks, and Unblock takes the number of channels that
// its attribute says out of them. Conv and ConvTranspose are those of ai.onnx, with
// weights as there, but for the layout of their result, and of their first input
// if that has one axis more than the weights.
var blocked = family{
	"midplane.blocked.Block":         blockChannels,
	"midplane.blocked.Unblock":       unblockChannels,
	"midplane.blocked.Conv":          blockedConv(convForward),
	"midplane.blocked.ConvTranspose": blockedConv(convTranspose),
}

// blockWidth is the number of channels in a block.
const blockWidth = 16

func blocksOf(channels int) int { return (channels + blockWidth - 1) / blockWidth }

// toBlocks returns an image (N, C, …) in blocks.
func toBlocks(x *tensor.Tensor) (*tensor.Tensor, error) {
	s := x.Shape()
	if len(s) < 3 {
		return nil, fmt.Errorf("an image must have a batch, channels and spatial axes, its shape is %v", s)
	}
	blocks := blocksOf(s[1])
	shape := append(append(tensor.Shape{s[0], blocks}, s[2:]...), blockWidth)
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	plane, from := s[2:].Size(), x.Float64s()
	to := make([]float64, shape.Size())
	for i, v := range from {
		n, c, at := i/(s[1]*plane), i/plane%s[1], i%plane
		to[((n*blocks+c/blockWidth)*plane+at)*blockWidth+c%blockWidth] = v
	}
	return tensor.FromFloat64s(x.DType(), shape, to), nil
}

// fromBlocks returns so many channels of an image in blocks.
func fromBlocks(x *tensor.Tensor, channels int) (*tensor.Tensor, error) {
	s := x.Shape()
	last := len(s) - 1
	if last < 3 || s[last] != blockWidth || s[1] != blocksOf(channels) {
		return nil, fmt.Errorf("an image of shape %v does not hold %d channels in blocks of %d", s, channels, blockWidth)
	}
	shape := append(tensor.Shape{s[0], channels}, s[2:last]...)
	plane, from := s[2:last].Size(), x.Float64s()
	to := make([]float64, shape.Size())
	for i := range to {
		n, c, at := i/(channels*plane), i/plane%channels, i%plane
		to[i] = from[((n*s[1]+c/blockWidth)*plane+at)*blockWidth+c%blockWidth]
	}
	return tensor.FromFloat64s(x.DType(), shape, to), nil
}

func blockChannels(c *Call) ([]tensor.Value, error) {
	y, err := toBlocks(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	return one(y)
}

func unblockChannels(c *Call) ([]tensor.Value, error) {
	y, err := fromBlocks(c.Tensor(0), int(c.Node.Int("channels", 0)))
	if err != nil {
		return nil, err
	}
	return one(y)
}

// blockedConv computes on images in blocks what plain does on others.
func blockedConv(plain Func) Func {
	return func(c *Call) ([]tensor.Value, error) {
		x, w := c.Tensor(0), c.Tensor(1).Shape()
		if len(w) < 2 {
			return nil, fmt.Errorf("weights of shape %v are no filters", w)
		}
		inner := *c
		inner.Inputs = append([]tensor.Value{}, c.Inputs...)
		if x.Rank() == len(w)+1 {
			channels := w[0]
			if c.Node.Op == "Conv" {
				channels = w[1] * int(c.Node.Int("group", 1))
			}
			image, err := fromBlocks(x, channels)
			if err != nil {
				return nil, err
			}
			inner.Inputs[0] = image
		}
		y, err := plain(&inner)
		if err != nil {
			return nil, err
		}
		image, err := toBlocks(y[0].(*tensor.Tensor))
		if err != nil {
			return nil, err
		}
		return one(image)
	}
}
