package reference

import (
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// grid holds GridSample, AffineGrid.
var grid = family{
	"GridSample": gridSample,
	"AffineGrid": affineGrid,
}

// point is an element of a plane and its weight in an interpolated value.
type point struct {
	at     int // row-major index, or none for an element of padding, which is 0
	weight float64
}

// interpolation makes values at positions between the elements of a plane.
type interpolation struct {
	around func(x float64) (first int, weights []float64) // neighbours along one axis
	pad    func(i, n int) int                             // the element that stands for i on an axis of n, or none
}

// points returns the points around a position, in row-major order. It reuses
// buf.
func (p interpolation) points(position []float64, s tensor.Shape, buf []point) []point {
	buf = append(buf[:0], point{0, 1})
	for axis, n := range s {
		first, weights := p.around(position[axis])
		count := len(buf)
		for k := range count {
			for i, w := range weights {
				q := point{none, buf[k].weight * w}
				if at := p.pad(first+i, n); at != none && buf[k].at != none {
					q.at = buf[k].at*n + at
				}
				buf = append(buf, q)
			}
		}
		buf = buf[:copy(buf, buf[count:])]
	}
	return buf
}

// weighted returns the weighted sum of the points of a plane; those of weight 0
// do not count, were they infinite.
func weighted(plane []float64, points []point) float64 {
	total := 0.0
	for _, p := range points {
		if p.at != none && p.weight != 0 {
			total += p.weight * plane[p.at]
		}
	}
	return total
}

func aroundNearest(x float64) (int, []float64) { return int(math.RoundToEven(x)), []float64{1} }

func aroundLinear(x float64) (int, []float64) {
	floor := math.Floor(x)
	return int(floor), []float64{1 - (x - floor), x - floor}
}

func aroundCubic(x float64) (int, []float64) {
	const a = -0.75
	floor := math.Floor(x)
	weights := make([]float64, 4)
	for i := range weights {
		weights[i] = cubic(x-floor+1-float64(i), a)
	}
	return int(floor) - 1, weights
}

func padZeros(i, n int) int {
	if i < 0 || i >= n {
		return none
	}
	return i
}

func padBorder(i, n int) int { return min(max(i, 0), n-1) }

// padReflection mirrors at the centres of the elements at the ends.
func padReflection(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}

// padSymmetric mirrors at the outer edges of the elements at the ends.
func padSymmetric(i, n int) int {
	period := 2 * n
	i = ((i % period) + period) % period
	return min(i, period-1-i)
}

// sampleGrid holds the attributes of a GridSample.
type sampleGrid struct {
	interpolation
	alignCorners, border bool
}

func sampleGridOf(n *graph.Node) (sampleGrid, error) {
	g := sampleGrid{alignCorners: n.Bool("align_corners", false)}
	switch mode := n.Text("mode", "linear"); mode {
	case "nearest":
		g.around = aroundNearest
	case "linear":
		g.around = aroundLinear
	case "cubic":
		g.around = aroundCubic
	default:
		return g, fmt.Errorf("attribute mode is %q, which is none of linear, nearest and cubic", mode)
	}
	switch mode := n.Text("padding_mode", "zeros"); {
	case mode == "zeros":
		g.pad = padZeros
	case mode == "border":
		g.pad, g.border = padBorder, true
	case mode == "reflection" && g.alignCorners:
		g.pad = padReflection
	case mode == "reflection":
		g.pad = padSymmetric
	default:
		return g, fmt.Errorf("attribute padding_mode is %q, which is none of zeros, border and reflection", mode)
	}
	return g, nil
}

// coordinate turns a normalized coordinate, which runs from −1 to 1, into one in
// elements of an axis of extent n.
func (g sampleGrid) coordinate(x float64, n int) float64 {
	lo, hi := -0.5, float64(n)-0.5
	if g.alignCorners {
		lo, hi = 0, float64(n-1)
	}
	x = lo + (x+1)/2*(hi-lo)
	if g.border && (x < lo || x > hi) {
		x = min(max(x, 0), float64(n-1))
	}
	return inSafeRange(x)
}

// inSafeRange brings a coordinate, in elements, into the range where converting
// it to an int is safe. NaN lies in front of every axis.
func inSafeRange(x float64) float64 {
	if math.IsNaN(x) {
		return -maxSpatial
	}
	return min(max(x, -maxSpatial), maxSpatial)
}

func gridSample(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	g, err := sampleGridOf(c.Node)
	if err != nil {
		return nil, err
	}
	shape, err := gridSampleShape(x.Shape(), c.Tensor(1).Shape())
	if err != nil {
		return nil, err
	}
	spatial := x.Shape()[2:]
	plane, count := spatial.Size(), shape[2:].Size()
	// each calls f for every channel at every position: which element of the
	// output it is, where the channel's plane begins, and the points there.
	each := func(f func(output, start int, points []point)) {
		g.visit(c.Tensor(1).Float64s(), spatial, func(i int, points []point) {
			for image := i / count * shape[1]; image < (i/count+1)*shape[1]; image++ {
				f(image*count+i%count, image*plane, points)
			}
		})
	}
	if c.Node.Text("mode", "linear") == "nearest" {
		from := make([]int, shape.Size())
		each(func(output, start int, points []point) {
			if from[output] = none; points[0].at != none {
				from[output] = start + points[0].at
			}
		})
		return one(pick(x, shape, from))
	}
	components, err := realComponents(x)
	if err != nil {
		return nil, err
	}
	for i, v := range components {
		components[i] = make([]float64, shape.Size())
		each(func(output, start int, points []point) {
			components[i][output] = weighted(v[start:][:plane], points)
		})
	}
	return one(fromComponents(x.DType(), shape, components))
}

// gridSampleShape returns the shape of what a grid takes from X.
func gridSampleShape(x, positions tensor.Shape) (tensor.Shape, error) {
	batch, channels, spatial, err := split(x, 1)
	if err != nil {
		return nil, err
	}
	rank := len(spatial)
	if len(positions) != rank+2 || positions[0] != batch || positions[rank+1] != rank {
		return nil, fmt.Errorf("grid has the shape %v; for X of shape %v it must be (%d, D1, …, D%d, %d)", positions, x, batch, rank, rank)
	}
	if slices.Contains(spatial, 0) {
		return nil, fmt.Errorf("X has the shape %v: there is no element to sample", x)
	}
	shape := append(tensor.Shape{batch, channels}, positions[1:rank+1]...)
	_, err = countOf(shape)
	return shape, err
}

// visit calls f with the points around each of the normalized positions, whose
// coordinates are listed from the innermost axis to the outermost. The points
// are reused between calls.
func (g sampleGrid) visit(positions []float64, spatial tensor.Shape, f func(i int, points []point)) {
	rank := len(spatial)
	at := make([]float64, rank)
	var points []point
	for i := range len(positions) / rank {
		for axis, n := range spatial {
			at[axis] = g.coordinate(positions[i*rank+rank-1-axis], n)
		}
		points = g.points(at, spatial, points)
		f(i, points)
	}
}

// affineGrid multiplies each matrix of theta with the homogeneous position of
// each pixel of an image of the given size, which spans −1 to 1.
func affineGrid(c *Call) ([]tensor.Value, error) {
	theta, size := c.Tensor(0), c.Ints(1)
	rank := len(size) - 2
	if rank != 2 && rank != 3 {
		return nil, fmt.Errorf("size has %d elements; (N, C, H, W) or (N, C, D, H, W) is needed", len(size))
	}
	batch := tensor.Extent(size[0])
	if want := (tensor.Shape{batch, rank, rank + 1}); !theta.Shape().Equal(want) {
		return nil, fmt.Errorf("theta has the shape %v; for size %v it must be %v", theta.Shape(), size, want)
	}
	image := make(tensor.Shape, rank)
	for i := range image {
		image[i] = tensor.Extent(size[2+i])
	}
	shape := append(append(tensor.Shape{batch}, image...), rank)
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	v := theta.Float64s()
	y := make([]float64, 0, shape.Size())
	alignCorners := c.Node.Bool("align_corners", false)
	for n := range batch {
		walk(image, func(at []int) {
			for row := range rank {
				matrix := v[(n*rank+row)*(rank+1):]
				sum := matrix[rank]
				for k := range rank {
					axis := rank - 1 - k // x is the innermost axis
					sum += matrix[k] * pixelPosition(at[axis], image[axis], alignCorners)
				}
				y = append(y, sum)
			}
		})
	}
	return one(tensor.FromFloat64s(theta.DType(), shape, y))
}

// pixelPosition returns where the centre of pixel i of n lies between −1 and 1,
// which are the centres of the outermost pixels (of a single one: 0 is) or their
// outer edges.
func pixelPosition(i, n int, alignCorners bool) float64 {
	if alignCorners {
		if n == 1 {
			return 0
		}
		return 2*float64(i)/float64(n-1) - 1
	}
	return (2*float64(i)+1)/float64(n) - 1
}
