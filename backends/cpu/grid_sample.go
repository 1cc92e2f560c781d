package cpu

import (
	"context"
	"math"
	"slices"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
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
	neighbours    int // along an axis, of which a value is made
	points        int // of which a value is made
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
		w := &sampling{spatial: x[2:].Clone(), mode: n.Text("mode", "linear"), padding: n.Text("padding_mode", "zeros"), alignCorners: n.Bool("align_corners", false)}
		if !w.count() {
			return nil, nil
		}
		images, channels, plane, count := x[0], x[1], w.spatial.Size(), shape[2:].Size()
		blocks := (count + sampleBlock - 1) / sampleBlock // of positions of an image
		rooms := sync.Pool{New: func() any { return newSampleRoom(w.points) }}
		work := &units[samplingRun]{do: func(t *samplingRun, first, end int) {
			room := rooms.Get().(*sampleRoom)
			defer rooms.Put(room)
			for i := first; i < end; i++ {
				image, from := i/blocks, i%blocks*sampleBlock
				n := min(sampleBlock, count-from)
				w.find(room, t.positions[(image*count+from)*rank:][:n*rank], rank)
				for k := image * channels; k < (image+1)*channels; k++ {
					vector.GatherSum(t.dst[k*count+from:][:n], t.a[k*plane:][:plane], room.at, room.weight, w.points, sampleBlock)
				}
			}
		}}
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
			return work.each(ctx, d, images*blocks, sampleBlock*(16+8*channels), samplingRun{dst, a, positions})
		}), nil
	}, nil
}

// samplingRun is one run of a sampling.
type samplingRun struct{ dst, a, positions []float32 }

// sampleBlock is of how many positions the points are found before the channels are
// gone through.
const sampleBlock = 64

// mostPoints is how many points a value may be made of.
const mostPoints = 64

// count finds how many points a value is made of; it returns false where they are too
// many, or a plane has too many elements.
func (w *sampling) count() bool {
	w.neighbours, w.points = map[string]int{"nearest": 1, "linear": 2, "cubic": 4}[w.mode], 1
	for range w.spatial {
		if w.points *= w.neighbours; w.points > mostPoints {
			return false
		}
	}
	return w.spatial.Size() <= math.MaxInt32
}

// sampleRoom holds the points of a block of positions, point k of position i at
// k×sampleBlock + i.
type sampleRoom struct {
	at     []int32   // in a plane
	weight []float32 // 0: there is none
}

func newSampleRoom(points int) *sampleRoom {
	return &sampleRoom{make([]int32, points*sampleBlock), make([]float32, points*sampleBlock)}
}

// find finds the points of normalized positions, whose coordinates are given from the
// innermost axis to the outermost.
func (w *sampling) find(r *sampleRoom, positions []float32, rank int) {
	var at [mostPoints]int
	var weight [mostPoints]float64
	for i := range len(positions) / rank {
		at[0], weight[0] = 0, 1
		count := 1
		for axis, n := range w.spatial {
			var place [4]int
			var share [4]float64
			w.around(w.coordinate(float64(positions[(i+1)*rank-1-axis]), n), n, &place, &share)
			for p := count - 1; p >= 0; p-- { // in the room of those along fewer axes
				from, factor := at[p]*n, weight[p]
				for k := w.neighbours - 1; k >= 0; k-- {
					at[p*w.neighbours+k], weight[p*w.neighbours+k] = from+place[k], factor*share[k]
				}
			}
			count *= w.neighbours
		}
		for k := range count {
			r.at[k*sampleBlock+i], r.weight[k*sampleBlock+i] = int32(at[k]), float32(weight[k])
		}
	}
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
	switch {
	case x > farthest:
		return farthest
	case x >= -farthest:
		return x
	}
	return -farthest
}

// around finds the neighbours of a coordinate along an axis of extent n: where they lie
// and their weights, 0 of those that do not exist.
func (w *sampling) around(x float64, n int, place *[4]int, share *[4]float64) {
	floor := math.Floor(x)
	first := int(floor)
	switch w.mode {
	case "nearest":
		first, share[0] = int(math.RoundToEven(x)), 1
	case "linear":
		share[0], share[1] = 1-(x-floor), x-floor
	default:
		first--
		for i := range share {
			share[i] = keys(math.Abs(x - floor + 1 - float64(i)))
		}
	}
	for k := range w.neighbours {
		if place[k] = first + k; uint(place[k]) < uint(n) {
			continue
		}
		if at, ok := w.pad(first+k, n); ok {
			place[k] = at
		} else {
			place[k], share[k] = 0, 0
		}
	}
}

// keys is the weight of a neighbour at a distance: R. Keys, Cubic convolution
// interpolation, 1981.
func keys(t float64) float64 {
	const a = -0.75
	switch {
	case t <= 1:
		return ((a+2)*t-(a+3))*t*t + 1
	case t < 2:
		return ((a*t-5*a)*t+8*a)*t - 4*a
	}
	return 0
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
