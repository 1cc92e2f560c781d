package cpu

import (
	"context"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// gridSample holds GridSample.
var gridSample = family{
	{op: "GridSample", kernel: "grid", inputs: [][]tensor.DType{{tensor.Float32}, {tensor.Float32}}, build: gridSampleOf, accept: gridModes},
}

// gridModes takes the modes that there are.
func gridModes(n *graph.Node) operators.Verdict {
	if !slices.Contains([]string{"linear", "nearest", "cubic"}, n.Text("mode", "linear")) {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "mode"}
	}
	if !slices.Contains([]string{"zeros", "border", "reflection"}, n.Text("padding_mode", "zeros")) {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "padding_mode"}
	}
	return native
}

// sampling takes values at positions between the elements of X.
type sampling struct {
	spatial       tensor.Shape // extents of X behind batch and channels
	mode, padding string
	alignCorners  bool
}

// samplePoint is an element of a plane and its weight in a value.
type samplePoint struct {
	at     int
	weight float64
}

func gridSampleOf(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		x, g := c.Inputs[0].Shape, c.Inputs[1].Shape
		rank := len(x) - 2
		if rank < 1 || len(g) != len(x) || g[0] != x[0] || g[rank+1] != rank || x.Size() == 0 || g.Size() == 0 {
			return nil, nil
		}
		shape := append(x[:2].Clone(), g[1:rank+1]...)
		for _, n := range x[2:] {
			if n > farthest {
				return nil, nil
			}
		}
		if tensor.Fits(tensor.Float32, shape) != nil {
			return nil, nil
		}
		w := &sampling{x[2:].Clone(), n.Text("mode", "linear"), n.Text("padding_mode", "zeros"), n.Bool("align_corners", false)}
		channels, plane, count := x[1], w.spatial.Size(), shape[2:].Size()
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			a, err := input[float32](c, 0)
			if err != nil {
				return err
			}
			positions, err := input[float32](c, 1)
			if err != nil {
				return err
			}
			dst, err := output[float32](c, 0, tensor.Float32, shape)
			if err != nil {
				return err
			}
			blocks := (count + sampleBlock - 1) / sampleBlock // of positions of an image
			return d.each(ctx, x[0]*blocks, sampleBlock*(16+8*channels), func(first, end int) {
				var room sampleRoom
				for i := first; i < end; i++ {
					image, from := i/blocks, i%blocks*sampleBlock
					n := min(sampleBlock, count-from)
					w.find(&room, positions[(image*count+from)*rank:][:n*rank], rank)
					for k := image * channels; k < (image+1)*channels; k++ {
						room.sample(dst[k*count+from:][:n], a[k*plane:][:plane])
					}
				}
			})
		}), nil
	}, nil
}

// sampleBlock is of how many positions the points are found before the channels are
// gone through.
const sampleBlock = 64

// sampleRoom holds the points of a block.
type sampleRoom struct {
	points      []samplePoint
	end         [sampleBlock]int // of the points of each position
	found, next []samplePoint
}

// find finds the points of each position.
func (w *sampling) find(r *sampleRoom, positions []float32, rank int) {
	r.points = r.points[:0]
	for i := range len(positions) / rank {
		r.found, r.next = w.points(positions[i*rank:][:rank], r.found, r.next)
		r.points = append(r.points, r.found...)
		r.end[i] = len(r.points)
	}
}

// sample makes a value of the points of each position in a plane.
func (r *sampleRoom) sample(dst, plane []float32) {
	start := 0
	for i := range dst {
		total := 0.0
		for _, p := range r.points[start:r.end[i]] {
			total += p.weight * float64(plane[p.at])
		}
		dst[i], start = float32(total), r.end[i]
	}
}

// points returns the elements that a value is made of at a normalized position, whose
// coordinates are given from the innermost axis to the outermost. It works in the
// memory of two lists, which it returns.
func (w *sampling) points(position []float32, points, next []samplePoint) (found, room []samplePoint) {
	points = append(points[:0], samplePoint{0, 1})
	var weights [4]float64
	for axis, n := range w.spatial {
		first, count := w.around(w.coordinate(float64(position[len(position)-1-axis]), n), &weights)
		next = next[:0]
		for _, p := range points {
			for i, weight := range weights[:count] {
				if at, ok := w.pad(first+i, n); ok && p.weight*weight != 0 {
					next = append(next, samplePoint{p.at*n + at, p.weight * weight})
				}
			}
		}
		points, next = next, points
	}
	return points, next
}

// farthest is how far from X, in elements, positions may lie.
const farthest = min(math.MaxInt32, math.MaxInt>>8)

// coordinate turns a normalized coordinate, which runs from -1 to 1, into one in
// elements of an axis of extent n. NaN lies in front of every axis.
func (w *sampling) coordinate(x float64, n int) float64 {
	low, high := -0.5, float64(n)-0.5
	if w.alignCorners {
		low, high = 0, float64(n-1)
	}
	x = low + (x+1)/2*(high-low)
	if w.padding == "border" && (x < low || x > high) {
		x = min(max(x, 0), float64(n-1))
	}
	if math.IsNaN(x) {
		return -farthest
	}
	return min(max(x, -farthest), farthest)
}

// around returns the first of the neighbours of a coordinate along an axis, and how
// many there are; it sets their weights.
func (w *sampling) around(x float64, weights *[4]float64) (first, count int) {
	floor := math.Floor(x)
	switch w.mode {
	case "nearest":
		weights[0] = 1
		return int(math.RoundToEven(x)), 1
	case "linear":
		weights[0], weights[1] = 1-(x-floor), x-floor
		return int(floor), 2
	}
	const a = -0.75 // of R. Keys, Cubic convolution interpolation, 1981
	for i := range weights {
		switch t := math.Abs(x - floor + 1 - float64(i)); {
		case t <= 1:
			weights[i] = ((a+2)*t-(a+3))*t*t + 1
		case t < 2:
			weights[i] = ((a*t-5*a)*t+8*a)*t - 4*a
		default:
			weights[i] = 0
		}
	}
	return int(floor) - 1, 4
}

// pad returns the element that stands for element i of an axis of extent n, if any.
func (w *sampling) pad(i, n int) (int, bool) {
	switch {
	case i >= 0 && i < n:
		return i, true
	case w.padding == "zeros":
		return 0, false
	case w.padding == "border":
		return min(max(i, 0), n-1), true
	case n == 1:
		return 0, true
	}
	if w.alignCorners { // mirrored at the centres of the outermost elements
		period := 2 * (n - 1)
		i = (i%period + period) % period
		return min(i, period-i), true
	}
	period := 2 * n // mirrored at their outer edges
	i = (i%period + period) % period
	return min(i, period-1-i), true
}
