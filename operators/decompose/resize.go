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
	plan, err := resizePlan(n)
	if err != nil {
		return nil, err
	}
	x := n.Inputs[0]
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
			x = e.resampled(x, r, axis, len(plan))
		}
	}
	if x == n.Inputs[0] {
		x = e.do("Identity", x)
	}
	return []*graph.Value{x}, nil
}

// resizePlan needs the extents of X and the other inputs.
func resizePlan(n *graph.Node) ([]reference.Resampling, error) {
	dims := n.Inputs[0].Type.Dims
	shape, ok := dims.Shape()
	if !ok {
		return nil, fmt.Errorf("the extents of X, %v, are not known", dims)
	}
	var given [4]*tensor.Tensor
	for i := 1; i < len(n.Inputs); i++ {
		if v := n.Inputs[i]; v != nil {
			if given[i] = v.Const; v.Const == nil {
				return nil, fmt.Errorf("input %d is not constant", i)
			}
		}
	}
	return reference.ResizePlan(n, shape, given[1], given[2], given[3])
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
	theta, size := n.Inputs[0], n.Inputs[1]
	rank := len(theta.Type.Dims)
	if length, ok := size.Type.Dims.Shape(); ok && len(length) == 1 {
		rank = length[0] - 2
	} else if rank == 3 && theta.Type.Dims[1].IsKnown() {
		rank = theta.Type.Dims[1].Size
	} else {
		return nil, fmt.Errorf("the number of spatial axes is not known")
	}
	if rank < 1 || rank > 3 {
		return nil, fmt.Errorf("there are %d spatial axes; 2 or 3 are needed", rank)
	}
	image := e.do("Slice", size, b.Ints(2), b.Ints(int64(rank+2)))
	columns := make([]*graph.Value, rank+1)
	for axis := range rank {
		positions := e.pixelPositions(b.Op("Gather", []*graph.Value{size, b.Const(tensor.Scalar(int64(2 + axis)))}), n.Bool("align_corners", false))
		column := e.do("Expand", behind(b, positions, rank-1-axis), image)
		columns[rank-1-axis] = e.do("Reshape", column, b.Ints(-1, 1))
	}
	columns[rank] = e.do("Reshape", e.do("Expand", e.num(1), image), b.Ints(-1, 1))
	homogeneous := b.Op("Concat", columns, graph.A("axis", int64(1)))
	turned := b.Op("Transpose", []*graph.Value{theta}, graph.A("perm", []int64{0, 2, 1}))
	shape := join(b, extents(b, theta, 0, 1), image, b.Ints(int64(rank)))
	return []*graph.Value{reshape(b, e.do("MatMul", homogeneous, turned), shape)}, nil
}

// pixelPositions returns where the centres of n pixels lie between −1 and 1,
// which are the centres of the outermost pixels (of a single one: 0 is) or their
// outer edges.
func (e expression) pixelPositions(n *graph.Value, alignCorners bool) *graph.Value {
	zero, one := e.Const(tensor.Scalar(int64(0))), e.Const(tensor.Scalar(int64(1)))
	index, count := e.as(e.dtype, e.do("Range", zero, n, one)), e.as(e.dtype, n)
	twice := e.do("Mul", index, e.num(2))
	if !alignCorners {
		return e.do("Sub", e.do("Div", e.do("Add", twice, e.num(1)), count), e.num(1))
	}
	steps := e.do("Sub", count, e.num(1))
	return e.do("Sub", e.do("Div", twice, e.do("Max", steps, e.num(1))), e.do("Min", steps, e.num(1)))
}
