package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// sort holds TopK, Unique.
var sort = family{
	"TopK":   topK,
	"Unique": unique,
}

func topK(c *Call) error {
	out := c.Dims(0).Clone()
	if !out.Ranked() {
		c.SetUnranked(0, c.DType(0))
		c.SetUnranked(1, tensor.Int64)
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", -1), len(out))
	if err != nil {
		return err
	}
	n := out[axis]
	out[axis] = tensor.Symbol("")
	if k, ok := c.Values(1); ok && len(k) == 1 {
		if k[0].Known && (k[0].Value < 0 || n.IsKnown() && k[0].Value > int64(n.Size)) {
			return fmt.Errorf("K is %d; axis %d has extent %v", k[0].Value, axis, n)
		}
		out[axis] = k[0].Dim()
	}
	c.Set(0, c.DType(0), out)
	c.Set(1, tensor.Int64, out.Clone())
	return nil
}

// unique gives as many elements or slices as differ, and their first indexes
// and counts; the inverse is as long as the input.
func unique(c *Call) error {
	dims := c.Dims(0)
	out, n := tensor.Dims{tensor.Symbol("")}, productOf(dims)
	if c.Node.Has("axis") {
		out, n = dims.Clone(), tensor.Symbol("")
		if dims.Ranked() {
			axis, err := tensor.Axis(c.Node.Int("axis", 0), len(dims))
			if err != nil {
				return err
			}
			out[axis], n = tensor.Symbol(""), dims[axis]
		}
	}
	c.SetType(0, tensor.TensorType(c.DType(0), out))
	c.SetRank(1, tensor.Int64, 1)
	c.Set(2, tensor.Int64, tensor.Dims{n})
	c.SetRank(3, tensor.Int64, 1)
	return nil
}
