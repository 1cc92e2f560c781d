package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// resize holds Resize, GridSample, AffineGrid.
var resize = family{
	"Resize": resizeTensor,

	// In versions 11 and 12 there was the transformation tf_half_pixel_for_nn.
	"midplane.legacy.Resize": resizeTensor,
}

// resizeTensor interpolates one axis after the other, which gives the same as
// interpolating all at once: every mode is separable.
func resizeTensor(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	plan, err := ResizePlan(c.Node, x.Shape(), c.Tensor(1), c.Tensor(2), c.Tensor(3))
	if err != nil {
		return nil, err
	}
	shape := make(tensor.Shape, len(plan))
	for axis, r := range plan {
		shape[axis] = len(r.Samples)
	}
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	var y *tensor.Tensor
	if c.Node.Text("mode", "nearest") == "nearest" {
		y = pick(x, shape, nearest(x.Shape(), shape, plan))
	} else if y, err = interpolated(c, x, shape, plan); err != nil {
		return nil, err
	}
	if err := extrapolate(y, plan, float64(c.Node.Float("extrapolation_value", 0))); err != nil {
		return nil, err
	}
	return one(y)
}

// interpolated resamples x to a shape; integers are rounded and saturate.
func interpolated(c *Call, x *tensor.Tensor, shape tensor.Shape, plan []Resampling) (*tensor.Tensor, error) {
	components, err := realComponents(x)
	if err != nil {
		return nil, err
	}
	for i, v := range components {
		from := x.Shape().Clone()
		for axis, r := range plan {
			if !r.Identity() {
				v = r.apply(c, v, from, axis)
			}
			from[axis] = shape[axis]
		}
		components[i] = v
	}
	if x.DType().IsInteger() {
		return saturated(x.DType(), shape, components[0]), nil
	}
	return fromComponents(x.DType(), shape, components), nil
}

// extrapolate sets the elements of y whose coordinates lie outside the input.
func extrapolate(y *tensor.Tensor, plan []Resampling, value float64) error {
	var outside []int
	i := 0
	walk(y.Shape(), func(at []int) {
		for axis, k := range at {
			if plan[axis].Samples[k].Outside {
				outside = append(outside, i)
				break
			}
		}
		i++
	})
	if outside == nil {
		return nil
	}
	if y.DType() == tensor.String {
		return fmt.Errorf("strings cannot be extrapolated to %g", value)
	}
	values := make([]float64, len(outside))
	for i := range values {
		values[i] = value
	}
	place(y, outside, fromComponents(y.DType(), tensor.Shape{len(values)}, [][]float64{values, make([]float64, len(values))}))
	return nil
}

// nearest returns which element of a tensor of shape s each element of one of
// the shape that it is resized to is a copy of.
func nearest(s, shape tensor.Shape, plan []Resampling) []int {
	strides := s.Strides()
	from := make([]int, 0, shape.Size())
	walk(shape, func(at []int) {
		i := 0
		for axis, k := range at {
			i += plan[axis].Samples[k].First * strides[axis]
		}
		from = append(from, i)
	})
	return from
}

// apply resamples v, of shape s, along an axis.
func (r Resampling) apply(c *Call, v []float64, s tensor.Shape, axis int) []float64 {
	outer, n, inner := around(s, axis)
	y := make([]float64, outer*len(r.Samples)*inner)
	for o := range outer {
		for i, p := range r.Samples {
			c.checkpoint()
			to := y[(o*len(r.Samples)+i)*inner:][:inner]
			for k, w := range p.Weights {
				if w == 0 {
					continue // whatever lies there, infinity too
				}
				from := v[(o*n+min(max(p.First+k, 0), n-1))*inner:][:inner]
				for j := range to {
					to[j] += w * from[j]
				}
			}
		}
	}
	return y
}
