package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// blocked holds the operators of domain midplane.blocked, into which backends turn
// others to keep the channels of images in blocks: Block, Unblock, Conv,
// ConvTranspose. See the reference for what they compute.
var blocked = family{
	"midplane.blocked.Block":         blockChannels,
	"midplane.blocked.Unblock":       unblockChannels,
	"midplane.blocked.Conv":          blockedConv(convolution),
	"midplane.blocked.ConvTranspose": blockedConv(func(c *Call, _ int, _ tensor.DType) error { return convTranspose(c) }),
}

// blockWidth is the number of channels in a block.
const blockWidth = 16

// inBlocks returns the extents (N, B, …, 16) of an image (N, C, …).
func inBlocks(d tensor.Dims) tensor.Dims {
	out := append(d.Clone(), tensor.Known(blockWidth))
	if out[1].IsKnown() {
		out[1] = tensor.Known((d[1].Size + blockWidth - 1) / blockWidth)
	} else {
		out[1] = tensor.Symbol("")
	}
	return out
}

func blockChannels(c *Call) error {
	x, err := split(c, 0)
	if err != nil {
		return err
	}
	if !x.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	c.Set(0, c.DType(0), inBlocks(x))
	return nil
}

// outOfBlocks returns the extents of an image with so many channels that input 0
// holds in blocks.
func outOfBlocks(c *Call, channels tensor.Dim) (tensor.Dims, error) {
	x := c.Dims(0)
	last := len(x) - 1
	if last < 3 || x[last].IsKnown() && x[last].Size != blockWidth {
		return nil, fmt.Errorf("input 0 of extents %v must be an image (N, B, …, %d)", x, blockWidth)
	}
	if channels.IsKnown() && x[1].IsKnown() && x[1].Size != (channels.Size+blockWidth-1)/blockWidth {
		return nil, fmt.Errorf("%v blocks do not hold %v channels", x[1], channels)
	}
	out := x[:last].Clone()
	out[1] = channels
	return out, nil
}

func unblockChannels(c *Call) error {
	if !c.Dims(0).Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	out, err := outOfBlocks(c, tensor.Known(int(c.Node.Int("channels", 0))))
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), out)
	return nil
}

// blockedConv infers an operator on images in blocks from the same on images that
// are not. An input of the rank of the weights is none in blocks.
func blockedConv(plain func(c *Call, w int, d tensor.DType) error) Func {
	return func(c *Call) error {
		x, w := c.Dims(0), c.Dims(1)
		if !x.Ranked() || !w.Ranked() {
			c.SetUnranked(0, c.DType(0))
			return nil
		}
		inner := *c
		inner.In = append([]Fact{}, c.In...)
		if len(x) == len(w)+1 {
			channels := w[1]
			if c.Node.Op == "ConvTranspose" {
				channels = w[0]
			} else if channels.IsKnown() {
				channels = tensor.Known(channels.Size * max(int(c.Node.Int("group", 1)), 1))
			}
			dims, err := outOfBlocks(c, channels)
			if err != nil {
				return err
			}
			inner.In[0] = Fact{Type: tensor.TensorType(c.DType(0), dims)}
		}
		if err := plain(&inner, 1, c.DType(0)); err != nil {
			return err
		}
		if out := c.Out[0].Type.Dims; out.Ranked() {
			c.Set(0, c.DType(0), inBlocks(out))
		}
		return nil
	}
}
