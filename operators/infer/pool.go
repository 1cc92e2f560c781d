package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// pool holds MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool,
// GlobalLpPool, MaxUnpool.
var pool = family{
	"MaxPool":           slidingPool,
	"AveragePool":       slidingPool,
	"LpPool":            slidingPool,
	"GlobalMaxPool":     globalPool,
	"GlobalAveragePool": globalPool,
	"GlobalLpPool":      globalPool,
	"MaxUnpool":         maxUnpool,

	"midplane.legacy.LpPool":       slidingPool,
	"midplane.legacy.GlobalLpPool": globalPool,
}

// poolKernel returns the attribute kernel_shape; its length is the number of
// spatial axes even while the rank of the input is unknown.
func poolKernel(c *Call) (x, kernel tensor.Dims, err error) {
	if x, err = split(c, 1); err != nil {
		return nil, nil, err
	}
	if !c.Node.Has("kernel_shape") {
		return nil, nil, fmt.Errorf("attribute kernel_shape is missing")
	}
	if !x.Ranked() {
		x = tensor.UnknownDims(2 + len(c.Node.Ints("kernel_shape")))
	}
	sizes, err := spatialInts(c.Node, "kernel_shape", len(x)-2, 1, 1)
	return x, tensor.KnownDims(sizes), err
}

func slidingPool(c *Call) error {
	x, kernel, err := poolKernel(c)
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
	out = append(tensor.Dims{x[0], x[1]}, out...)
	c.Set(0, c.DType(0), out)
	c.Set(1, tensor.Int64, out)
	return nil
}

func globalPool(c *Call) error {
	x, err := split(c, 0)
	if err != nil {
		return err
	}
	out := x.Clone()
	for i := 2; i < len(out); i++ {
		out[i] = tensor.Known(1)
	}
	c.SetType(0, tensor.TensorType(c.DType(0), out))
	return nil
}

func maxUnpool(c *Call) error {
	x, kernel, err := poolKernel(c)
	if err != nil {
		return err
	}
	if c.Has(2) {
		sizes, ok := c.Values(2)
		if !ok {
			sizes = make([]Int, len(x))
		}
		out := make(tensor.Dims, len(sizes))
		for i, n := range sizes {
			out[i] = n.Dim()
		}
		c.Set(0, c.DType(0), out)
		return nil
	}
	ws, err := windowsOf(c.Node, kernel)
	if err != nil {
		return err
	}
	out := tensor.Dims{x[0], x[1]}
	for i, w := range ws {
		d := tensor.Symbol("")
		if in := x[2+i]; in.IsKnown() {
			n := (in.Size-1)*w.stride + w.kernel - w.before - w.after
			if n < 0 {
				return fmt.Errorf("spatial axis %d: an output of %d elements", i, n)
			}
			d = tensor.Known(n)
		}
		out = append(out, d)
	}
	c.Set(0, c.DType(0), out)
	return nil
}
