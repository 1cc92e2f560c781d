package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// deformConv is a convolution each tap of which is moved by an offset of its own
// and multiplied by a mask (J. Dai et al., Deformable Convolutional Networks,
// arXiv:1703.06211; X. Zhu et al., arXiv:1811.11168). Taps between elements are
// interpolated linearly; what is outside the input is 0.
func deformConv(c *Call) ([]tensor.Value, error) {
	x, w := c.Tensor(0), c.Tensor(1)
	ws, groups, err := convWindows(c, x.Shape(), w.Shape())
	if err != nil {
		return nil, err
	}
	f, err := deformationOf(c, ws)
	if err != nil {
		return nil, err
	}
	batch, filters := x.Shape()[0], w.Shape()[0]
	shape := append(tensor.Shape{batch, filters}, ws.out()...)
	y := make([]float64, shape.Size())
	v, weights := x.Float64s(), w.Float64s()
	patch := make([]float64, x.Shape()[1]*ws.kernel().Size())
	perGroup, outPlane := filters/groups, ws.out().Size()
	for n := range batch {
		position := 0
		walk(ws.out(), func(at []int) {
			c.checkpoint()
			f.gather(patch, v, n, position, at)
			for k := range filters {
				depth := len(patch) / groups
				seen := patch[k/perGroup*depth:][:depth]
				y[(n*filters+k)*outPlane+position] = dot(weights[k*depth:][:depth], seen)
			}
			position++
		})
	}
	if err := addBias(y, shape, c.Tensor(3)); err != nil {
		return nil, err
	}
	return one(tensor.FromFloat64s(x.DType(), shape, y))
}

// deformation holds where the taps of a deformable convolution lie.
type deformation struct {
	ws            windows
	channels      int
	groups        int       // groups of channels that share offsets
	offset, mask  []float64 // (N, groups, kernel…, axes, out…) and (N, groups, kernel…, out…); mask may be nil
	interpolation           // of the input
}

func deformationOf(c *Call, ws windows) (deformation, error) {
	x := c.Tensor(0).Shape()
	f := deformation{ws: ws, channels: x[1], groups: int(c.Node.Int("offset_group", 1))}
	f.interpolation = interpolation{aroundLinear, padZeros}
	if f.groups < 1 || f.channels%f.groups != 0 {
		return f, fmt.Errorf("%d channels cannot be divided into %d groups of offsets", f.channels, f.groups)
	}
	taps := f.groups * ws.kernel().Size()
	var err error
	if f.offset, err = perOutput(c, 2, "offset", ws, taps*len(ws)); err == nil && c.Has(4) {
		f.mask, err = perOutput(c, 4, "mask", ws, taps)
	}
	return f, err
}

// perOutput returns the elements of an input with count numbers for each output
// of an image.
func perOutput(c *Call, i int, name string, ws windows, count int) ([]float64, error) {
	t := c.Tensor(i)
	if want := append(tensor.Shape{c.Tensor(0).Shape()[0], count}, ws.out()...); !t.Shape().Equal(want) {
		return nil, fmt.Errorf("%s has the shape %v; for kernel %v and output %v it must be %v", name, t.Shape(), ws.kernel(), ws.out(), want)
	}
	return t.Float64s(), nil
}

// gather fills patch (channels, kernel…) with what image n shows at the output
// of an index, which is element position of its plane.
func (f deformation) gather(patch, x []float64, n, position int, at []int) {
	kernel, plane, outPlane := f.ws.kernel(), f.ws.in().Size(), f.ws.out().Size()
	size, perGroup := kernel.Size(), f.channels/f.groups
	place := make([]float64, len(f.ws))
	var points []point
	for g := range f.groups {
		tap := 0
		walk(kernel, func(k []int) {
			first := (n*f.groups+g)*size + tap
			for axis, w := range f.ws {
				offset := f.offset[(first*len(f.ws)+axis)*outPlane+position]
				place[axis] = inSafeRange(float64(w.start(at[axis])+k[axis]*w.dilation) + offset)
			}
			points = f.points(place, f.ws.in(), points)
			for i := g * perGroup; i < (g+1)*perGroup; i++ {
				v := weighted(x[(n*f.channels+i)*plane:][:plane], points)
				if f.mask != nil {
					v *= f.mask[first*outPlane+position]
				}
				patch[i*size+tap] = v
			}
			tap++
		})
	}
}
