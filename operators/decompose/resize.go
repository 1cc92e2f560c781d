package decompose

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// resize holds Resize, GridSample, AffineGrid.
var resize = family{
	"Resize":     resizeTensor,
	"AffineGrid": affineGrid,
}

// resizeTensor gathers along each axis the nearest elements, or multiplies by a
// matrix of the weights with which elements are interpolated.
func resizeTensor(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	x := n.Inputs[0]
	shape, ok := x.Type.Dims.Shape()
	if !ok {
		return nil, fmt.Errorf("the extents of X, %v, are not known", x.Type.Dims)
	}
	var given [4]*tensor.Tensor
	for i := 1; i < len(n.Inputs); i++ {
		if v := n.Inputs[i]; v != nil {
			if given[i] = v.Const; v.Const == nil {
				return nil, fmt.Errorf("input %d is not constant", i)
			}
		}
	}
	plan, err := reference.ResizePlan(n, shape, given[1], given[2], given[3])
	if err != nil {
		return nil, err
	}
	nearest := n.Text("mode", "nearest") == "nearest"
	if !nearest && !e.dtype.IsFloat() {
		return nil, fmt.Errorf("elements of type %v are not interpolated by products", e.dtype)
	}
	for axis, r := range plan {
		if slices.ContainsFunc(r.Samples, func(s reference.Sample) bool { return s.Outside }) {
			return nil, fmt.Errorf("elements beyond axis %d are extrapolated", axis)
		}
		switch {
		case r.Identity():
		case nearest:
			from := make([]int64, len(r.Samples))
			for i, s := range r.Samples {
				from[i] = int64(s.First)
			}
			x = b.Op("Gather", []*graph.Value{x, b.Ints(from...)}, graph.A("axis", int64(axis)))
		case r.In*len(r.Samples) > maxWeights:
			return nil, fmt.Errorf("axis %d of %d elements resized to %d makes a large constant", axis, r.In, len(r.Samples))
		default:
			x = e.resampled(x, r, axis, len(shape))
		}
	}
	if x == n.Inputs[0] {
		x = e.do("Identity", x)
	}
	return []*graph.Value{x}, nil
}

// maxWeights is the largest matrix of weights, in elements, that is made a
// constant.
const maxWeights = 1 << 22

// resampled multiplies x by the weights of r along an axis. An axis in front of
// the last two changes places with the last.
func (e expression) resampled(x *graph.Value, r reference.Resampling, axis, rank int) *graph.Value {
	out := len(r.Samples)
	weights := make([]float64, out*r.In)
	for i, s := range r.Samples {
		for k, w := range s.Weights {
			weights[i*r.In+min(max(s.First+k, 0), r.In-1)] += w
		}
	}
	w := e.Const(tensor.FromFloat64s(e.dtype, tensor.Shape{out, r.In}, weights))
	switch axis {
	case rank - 2:
		return e.do("MatMul", w, x)
	case rank - 1:
		return e.do("MatMul", x, e.Op("Transpose", []*graph.Value{w}, graph.A("perm", []int64{1, 0})))
	}
	perm := make([]int64, rank)
	for i := range perm {
		perm[i] = int64(i)
	}
	perm[axis], perm[rank-2] = perm[rank-2], perm[axis]
	swap := graph.A("perm", perm)
	y := e.do("MatMul", w, e.Op("Transpose", []*graph.Value{x}, swap))
	return e.Op("Transpose", []*graph.Value{y}, swap)
}

// affineGrid multiplies the homogeneous positions of all pixels with each
// matrix.
func affineGrid(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	size, err := constInts(n, 1)
	if err != nil {
		return nil, err
	}
	rank := len(size) - 2
	if rank != 2 && rank != 3 {
		return nil, fmt.Errorf("size has %d elements; (N, C, H, W) or (N, C, D, H, W) is needed", len(size))
	}
	image := make(tensor.Shape, rank)
	for i := range image {
		image[i] = int(size[2+i])
	}
	if pixels, err := image.Elements(); err != nil || pixels > maxWeights {
		return nil, fmt.Errorf("an image of size %v makes a large constant", image)
	}
	alignCorners := n.Bool("align_corners", false)
	strides := image.Strides()
	homogeneous := make([]float64, 0, image.Size()*(rank+1))
	for pixel := range image.Size() {
		for axis := rank - 1; axis >= 0; axis-- {
			homogeneous = append(homogeneous, reference.PixelPosition(pixel/strides[axis]%image[axis], image[axis], alignCorners))
		}
		homogeneous = append(homogeneous, 1)
	}
	positions := e.Const(tensor.FromFloat64s(e.dtype, tensor.Shape{image.Size(), rank + 1}, homogeneous))
	turned := b.Op("Transpose", n.Inputs[:1], graph.A("perm", []int64{0, 2, 1}))
	shape := append(append([]int64{}, size[2:]...), int64(rank))
	return []*graph.Value{reshape(b, e.do("MatMul", positions, turned), join(b, extents(b, n.Inputs[0], 0, 1), b.Ints(shape...)))}, nil
}
