package infer

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// resize holds Resize, GridSample, AffineGrid.
var resize = family{
	"Resize":     resizeTensor,
	"GridSample": gridSample,
	"AffineGrid": affineGrid,

	"midplane.legacy.Resize": resizeTensor,
}

func resizeTensor(c *Call) error {
	x := c.Dims(0)
	if !x.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	axes, err := resizeAxes(c, len(x))
	if err != nil {
		return err
	}
	out := x.Clone()
	for _, axis := range axes {
		out[axis] = tensor.Symbol("")
	}
	switch {
	case given(c, 3):
		err = applySizes(c, x, out, axes)
	case given(c, 2):
		err = applyScales(c, x, out, axes)
	case !c.Has(2) && !c.Has(3) && len(axes) > 0:
		err = fmt.Errorf("neither scales nor sizes are given")
	}
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), out)
	return nil
}

// given reports whether an input is there and not known to be empty, which
// stands for absent too.
func given(c *Call, i int) bool {
	s, known := c.Dims(i).Shape()
	return c.Has(i) && !(known && s.Size() == 0)
}

// resizeAxes returns the axes that roi, scales and sizes speak of.
func resizeAxes(c *Call, rank int) ([]int, error) {
	axes := make([]int, 0, rank)
	if !c.Node.Has("axes") {
		for i := range rank {
			axes = append(axes, i)
		}
		return axes, nil
	}
	for _, a := range c.Node.Ints("axes") {
		axis, err := tensor.Axis(a, rank)
		if err != nil {
			return nil, err
		}
		if slices.Contains(axes, axis) {
			return nil, fmt.Errorf("attribute axes is %v, which names axis %d twice", c.Node.Ints("axes"), axis)
		}
		axes = append(axes, axis)
	}
	return axes, nil
}

func applySizes(c *Call, x, out tensor.Dims, axes []int) error {
	sizes, ok := c.Values(3)
	if !ok {
		return nil
	}
	if len(sizes) != len(axes) {
		return fmt.Errorf("sizes has %d elements for %d axes", len(sizes), len(axes))
	}
	policy := c.Node.Text("keep_aspect_ratio_policy", "stretch")
	if policy == "stretch" {
		for i, axis := range axes {
			out[axis] = sizes[i].Dim()
		}
		return nil
	}
	var common float64
	for i, axis := range axes {
		if !sizes[i].Known || !x[axis].IsKnown() {
			return nil
		}
		scale := float64(sizes[i].Value) / float64(x[axis].Size)
		switch {
		case i == 0:
			common = scale
		case policy == "not_larger":
			common = min(common, scale)
		default:
			common = max(common, scale)
		}
	}
	for _, axis := range axes {
		if n := common*float64(x[axis].Size) + 0.5; n >= 0 && n <= maxSpatial {
			out[axis] = tensor.Known(int(n))
		}
	}
	return nil
}

// applyScales computes the extents in float32, the type of the scales.
func applyScales(c *Call, x, out tensor.Dims, axes []int) error {
	scales := c.Fact(2).Const
	if scales == nil {
		return nil
	}
	if scales.Len() != len(axes) {
		return fmt.Errorf("scales has %d elements for %d axes", scales.Len(), len(axes))
	}
	shares := make([]float32, len(axes))
	crop := c.Node.Text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
	for i := range shares {
		shares[i] = 1
	}
	if crop {
		roi := c.Fact(1).Const
		if roi == nil || roi.Len() != 2*len(axes) {
			return nil
		}
		v := roi.Float64s()
		for i := range shares {
			shares[i] = float32(v[len(axes)+i] - v[i])
		}
	}
	for i, axis := range axes {
		scale := float32(scales.Float64s()[i])
		switch d := x[axis]; {
		case !(scale > 0):
			return fmt.Errorf("scale %g of axis %d is not positive", scale, axis)
		case scale == 1 && shares[i] == 1:
			out[axis] = d
		case d.IsKnown():
			n := float32(d.Size) * scale * shares[i]
			if !(n >= 0 && n <= maxSpatial) {
				return fmt.Errorf("scale %g of axis %d with %d elements gives %g; extents lie in [0, %d]", scale, axis, d.Size, n, maxSpatial)
			}
			out[axis] = tensor.Known(int(n))
		}
	}
	return nil
}

func gridSample(c *Call) error {
	x, err := split(c, 1)
	if err != nil {
		return err
	}
	grid := c.Dims(1)
	if !x.Ranked() && !grid.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	if !x.Ranked() {
		x = tensor.UnknownDims(len(grid))
	}
	if !grid.Ranked() {
		grid = tensor.UnknownDims(len(x))
	}
	rank := len(x) - 2
	if len(grid) != len(x) || grid[rank+1].IsKnown() && grid[rank+1].Size != rank {
		return fmt.Errorf("grid has the shape %v; for X of shape %v it must be (N, D1, …, D%d, %d)", grid, x, rank, rank)
	}
	batch, err := agree("batches of X and grid", x[0], grid[0])
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), append(tensor.Dims{batch, x[1]}, grid[1:rank+1]...))
	return nil
}

func affineGrid(c *Call) error {
	size, ok := c.Values(1)
	if !ok {
		rank := 0
		if theta := c.Dims(0); len(theta) == 3 && theta[1].IsKnown() {
			rank = theta[1].Size
		}
		if rank != 2 && rank != 3 {
			c.SetUnranked(0, c.DType(0))
			return nil
		}
		size = make([]Int, rank+2)
	}
	rank := len(size) - 2
	if rank != 2 && rank != 3 {
		return fmt.Errorf("size has %d elements; (N, C, H, W) or (N, C, D, H, W) is needed", len(size))
	}
	out := tensor.Dims{size[0].Dim()}
	for _, n := range size[2:] {
		out = append(out, n.Dim())
	}
	c.Set(0, c.DType(0), append(out, tensor.Known(rank)))
	return nil
}
