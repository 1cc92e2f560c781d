package infer

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// reduce holds ReduceSum and its kin, ArgMax, ArgMin, CumSum, CumProd.
var reduce = family{
	"ReduceSum":       reduced,
	"ReduceMean":      reduced,
	"ReduceProd":      reduceProd,
	"ReduceMax":       reduced,
	"ReduceMin":       reduced,
	"ReduceL1":        reduced,
	"ReduceL2":        reduced,
	"ReduceLogSum":    reduced,
	"ReduceLogSumExp": reduced,
	"ReduceSumSquare": reduced,
	"ArgMax":          argExtreme,
	"ArgMin":          argExtreme,
	"CumSum":          sameAsInput,
	"CumProd":         sameAsInput,
}

func reduced(c *Call) error {
	dims := c.Dims(0)
	keep, noop := c.Node.Bool("keepdims", true), c.Node.Bool("noop_with_empty_axes", false)
	axes, known := c.Ints(1)
	values, counted := c.Values(1)
	switch {
	case !c.Has(1), counted && len(values) == 0:
		if noop {
			return sameAsInput(c)
		}
		if !dims.Ranked() {
			if keep {
				c.SetUnranked(0, c.DType(0))
			} else {
				c.Set(0, c.DType(0), nil)
			}
			return nil
		}
		axes = nil
		for axis := range dims {
			axes = append(axes, int64(axis))
		}
	case !dims.Ranked(), !known && !counted && !keep:
		c.SetUnranked(0, c.DType(0))
		return nil
	case !known && keep:
		c.SetRank(0, c.DType(0), len(dims))
		return nil
	case !known:
		if len(values) > len(dims) {
			return fmt.Errorf("%d axes for a tensor of rank %d", len(values), len(dims))
		}
		c.SetRank(0, c.DType(0), len(dims)-len(values))
		return nil
	}
	chosen, err := allAxes(axes, len(dims))
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), collapsed(dims, chosen, keep))
	return nil
}

// collapsed returns extents of which those on some axes became 1, or are gone.
func collapsed(dims tensor.Dims, axes []int, keep bool) tensor.Dims {
	out := tensor.Dims{}
	for axis, d := range dims {
		switch {
		case !slices.Contains(axes, axis):
			out = append(out, d)
		case keep:
			out = append(out, tensor.Known(1))
		}
	}
	return out
}

// reduceProd follows the product of extents, which is a number of elements.
func reduceProd(c *Call) error {
	if err := reduced(c); err != nil {
		return err
	}
	values, ok := c.elements(0)
	if dims, known := c.Out[0].Type.Dims.Shape(); !ok || !known || dims.Size() != 1 || len(dims) > 1 {
		return nil
	}
	if factors, err := extents(values); err == nil {
		c.SetInts(0, []Int{IntOf(productOf(factors))})
	}
	return nil
}

func argExtreme(c *Call) error {
	dims, keep := c.Dims(0), c.Node.Bool("keepdims", true)
	if !dims.Ranked() {
		c.SetUnranked(0, tensor.Int64)
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), len(dims))
	if err != nil {
		return err
	}
	if dims[axis].IsKnown() && dims[axis].Size == 0 {
		return fmt.Errorf("axis %d of shape %v has no elements to choose from", axis, dims)
	}
	c.Set(0, tensor.Int64, collapsed(dims, []int{axis}, keep))
	return nil
}
