package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// conv holds Conv, ConvTranspose, DeformConv, Col2Im, CausalConvWithState.
var conv = family{
	"Conv":          func(c *Call) error { return convolution(c, 1, c.DType(0)) },
	"ConvTranspose": convTranspose,
	"DeformConv":    func(c *Call) error { return convolution(c, 1, c.DType(0)) },
	"Col2Im":        col2im,

	"CausalConvWithState": causalConv,
}

// convolution gives output 0 of type d the extents of a convolution of input 0
// with the weights in input w.
func convolution(c *Call, w int, d tensor.DType) error {
	x, err := split(c, 1)
	if err != nil {
		return err
	}
	weights := c.Dims(w)
	if !x.Ranked() {
		if !weights.Ranked() {
			c.SetUnranked(0, d)
			return nil
		}
		x = tensor.UnknownDims(len(weights))
	}
	if !weights.Ranked() {
		weights = tensor.UnknownDims(len(x))
	}
	if len(weights) != len(x) {
		return fmt.Errorf("weights of shape %v do not fit an input of shape %v: the ranks differ", weights, x)
	}
	if err := groupsFit(c, x, weights); err != nil {
		return err
	}
	kernel, err := kernelDims(c, weights[2:])
	if err != nil {
		return err
	}
	ws, err := windowsOf(c.Node, kernel)
	if err != nil {
		return err
	}
	out, err := slid(c.Node, ws, x[2:])
	if err != nil {
		return err
	}
	c.Set(0, d, append(tensor.Dims{x[0], weights[0]}, out...))
	return nil
}

// groupsFit checks weights (M, C/group, …) against the channels of x.
func groupsFit(c *Call, x, weights tensor.Dims) error {
	groups := int(c.Node.Int("group", 1))
	switch {
	case groups < 1 || weights[0].IsKnown() && weights[0].Size%groups != 0:
		return fmt.Errorf("%v filters cannot be divided into %d groups", weights[0], groups)
	case weights[1].IsKnown() && x[1].IsKnown() && weights[1].Size*groups != x[1].Size:
		return fmt.Errorf("weights of shape %v in %d groups need %d input channels, got %d", weights, groups, weights[1].Size*groups, x[1].Size)
	}
	return nil
}

// kernelDims merges the kernel of the weights with the attribute kernel_shape.
func kernelDims(c *Call, kernel tensor.Dims) (tensor.Dims, error) {
	if !c.Node.Has("kernel_shape") {
		return kernel, nil
	}
	declared, err := spatialInts(c.Node, "kernel_shape", len(kernel), 1, 1)
	if err != nil {
		return nil, err
	}
	for i, d := range kernel {
		if d.IsKnown() && d.Size != declared[i] {
			return nil, fmt.Errorf("attribute kernel_shape is %v, but the weights have a kernel of %v", declared, kernel)
		}
	}
	return tensor.KnownDims(declared), nil
}

func convTranspose(c *Call) error {
	x, err := split(c, 1)
	if err != nil {
		return err
	}
	weights := c.Dims(1)
	if !x.Ranked() || !weights.Ranked() {
		if !x.Ranked() && !weights.Ranked() {
			c.SetUnranked(0, c.DType(0))
		} else {
			c.SetRank(0, c.DType(0), max(len(x), len(weights)))
		}
		return nil
	}
	if len(weights) != len(x) {
		return fmt.Errorf("weights of shape %v do not fit an input of shape %v: the ranks differ", weights, x)
	}
	if _, err := agree("input channels of X and W", x[1], weights[0]); err != nil {
		return err
	}
	groups := int(c.Node.Int("group", 1))
	if groups < 1 || weights[0].IsKnown() && weights[0].Size%groups != 0 {
		return fmt.Errorf("%v input channels cannot be divided into %d groups", weights[0], groups)
	}
	channels := tensor.Symbol("")
	if groups == 1 {
		channels = weights[1]
	} else if weights[1].IsKnown() {
		channels = tensor.Known(weights[1].Size * groups)
	}
	kernel, err := kernelDims(c, weights[2:])
	if err != nil {
		return err
	}
	out, err := unslid(c, kernel, x[2:])
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), append(tensor.Dims{x[0], channels}, out...))
	return nil
}

// unslid returns the spatial extents of a transposed convolution's output.
func unslid(c *Call, kernel, spatial tensor.Dims) (tensor.Dims, error) {
	ws, err := windowsOf(c.Node, kernel)
	if err != nil {
		return nil, err
	}
	extra, err := spatialInts(c.Node, "output_padding", len(ws), 0, 0)
	if err != nil {
		return nil, err
	}
	sizes, err := spatialInts(c.Node, "output_shape", len(ws), -1, 0)
	if err != nil {
		return nil, err
	}
	out := make(tensor.Dims, len(ws))
	for i, w := range ws {
		in := spatial[i]
		out[i] = tensor.Symbol("")
		switch autoPad := c.Node.Text("auto_pad", "NOTSET"); {
		case sizes[i] >= 0:
			out[i] = tensor.Known(sizes[i])
		case autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER":
			if w.stride == 1 {
				out[i] = in
			} else if in.IsKnown() {
				out[i] = tensor.Known(in.Size * w.stride)
			}
		case in.IsKnown() && w.kernel > 0:
			if autoPad == "VALID" {
				w.before, w.after = 0, 0
			}
			n := w.stride*(in.Size-1) + extra[i] + w.span() - w.before - w.after
			if n < 0 {
				return nil, fmt.Errorf("spatial axis %d: an output of %d elements", i, n)
			}
			out[i] = tensor.Known(n)
		}
	}
	return out, nil
}

func col2im(c *Call) error {
	x := c.Dims(0)
	if x.Ranked() && len(x) != 3 {
		return fmt.Errorf("the input has the shape %v; (N, C × block, blocks) is needed", x)
	}
	image, ok := c.Values(1)
	if !ok {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	out := tensor.UnknownDims(2)
	if x.Ranked() {
		out[0] = x[0]
	}
	if block, ok := c.Ints(2); ok {
		kernel := 1
		for _, n := range block {
			if n < 1 || n > maxSpatial || kernel > maxSpatial/int(n) {
				return fmt.Errorf("block_shape is %v; its extents and their product lie in [1, %d]", block, maxSpatial)
			}
			kernel *= int(n)
		}
		if x.Ranked() && x[1].IsKnown() {
			if x[1].Size%kernel != 0 {
				return fmt.Errorf("%d columns are no multiple of the %d elements of a block", x[1].Size, kernel)
			}
			out[1] = tensor.Known(x[1].Size / kernel)
		}
	}
	for _, n := range image {
		out = append(out, n.Dim())
	}
	c.Set(0, c.DType(0), out)
	return nil
}

func causalConv(c *Call) error {
	x, w := c.Dims(0), c.Dims(1)
	if x.Ranked() && len(x) != 3 || w.Ranked() && len(w) != 3 {
		return fmt.Errorf("input %v and weight %v: (N, C, L) and (C, 1, k) are needed", x, w)
	}
	state := tensor.UnknownDims(3)
	if x.Ranked() {
		state[0], state[1] = x[0], x[1]
	}
	if w.Ranked() && w[2].IsKnown() {
		if w[2].Size < 1 {
			return fmt.Errorf("weight %v has no element", w)
		}
		state[2] = tensor.Known(w[2].Size - 1)
	} else if past := c.Dims(3); len(past) == 3 {
		state[2] = past[2]
	}
	c.SetLike(0, c.DType(0), 0)
	c.Set(1, c.DType(0), state)
	return nil
}
