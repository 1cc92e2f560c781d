package cpu

import (
	"cmp"
	"context"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// resize holds Resize.
var resize = family{
	{op: "Resize", kernel: "resize", inputs: [][]tensor.DType{{tensor.Float32}, nil}, build: resizeOf, values: []int{1, 2, 3}},
}

// resampling makes the elements along each axis from neighbours in the input,
// one axis after the other.
type resampling struct {
	device *Device
	shape  tensor.Shape
	stages []resampleStage
	room   int // elements between stages
	tasks  tasks[resamplingTask]
}

// resampleStage resamples the middle axis: (outer, n, inner) to (outer, m, inner).
type resampleStage struct {
	outer, n, m, inner int
	first              []int     // by output element: its first tap, and behind the last, the number of taps
	taps               []int     // input elements
	weights            []float32 // nil: each output is a copy of its one tap
	pieces, size       int       // of lines along the last axis
}

func resizeOf(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		var values [4]*tensor.Tensor
		for i := 1; i < len(values); i++ {
			if !has(c, i) {
				continue
			}
			b, err := valueBytes(c, i)
			if err != nil {
				return nil, err
			}
			if values[i], err = tensor.FromBytes(c.Inputs[i].DType, c.Inputs[i].Shape, b); err != nil {
				return nil, nil
			}
		}
		x := c.Inputs[0].Shape
		plan, err := reference.ResizePlan(n, x, values[1], values[2], values[3])
		if err != nil {
			return nil, nil
		}
		return d.newResampling(x, plan), nil
	}, nil
}

// newResampling returns nil for what is empty or reaches outside the input.
func (d *Device) newResampling(x tensor.Shape, plan []reference.Resampling) work {
	w := &resampling{device: d}
	for _, r := range plan {
		for _, s := range r.Samples {
			if s.Outside {
				return nil
			}
		}
		w.shape = append(w.shape, len(r.Samples))
	}
	if n, err := w.shape.Elements(); err != nil || n == 0 {
		return nil
	}
	at := x.Clone()
	for _, axis := range axesByGrowth(plan) {
		r := plan[axis]
		at[axis] = len(r.Samples)
		if len(w.stages) > 0 {
			last := w.stages[len(w.stages)-1]
			w.room = max(w.room, last.outer*last.m*last.inner)
		}
		w.stages = append(w.stages, newResampleStage(at[:axis].Size(), r, at[axis+1:].Size(), d.threads))
	}
	if len(w.stages) == 0 {
		w.stages = []resampleStage{newResampleStage(1, reference.Resampling{In: 1, Samples: []reference.Sample{{Weights: []float64{1}}}}, x.Size(), d.threads)}
	}
	return w
}

// axesByGrowth returns the axes that change, in an order in which little is computed:
// those that shrink come first. Of those that grow, the last axis comes first: its
// elements are computed one by one, those of the others in vectors.
func axesByGrowth(plan []reference.Resampling) []int {
	var axes []int
	for axis, r := range plan {
		if !r.Identity() {
			axes = append(axes, axis)
		}
	}
	last := len(plan) - 1
	growth := func(axis int) float64 {
		ratio := float64(len(plan[axis].Samples)) / float64(plan[axis].In)
		if axis == last {
			return min(ratio, 1)
		}
		return ratio
	}
	slices.SortStableFunc(axes, func(a, b int) int {
		return cmp.Or(cmp.Compare(growth(a), growth(b)), cmp.Compare(b, a))
	})
	return axes
}

func newResampleStage(outer int, r reference.Resampling, inner, threads int) resampleStage {
	g := resampleStage{outer: outer, n: r.In, m: len(r.Samples), inner: inner}
	copies := true
	for _, s := range r.Samples {
		g.first = append(g.first, len(g.taps))
		for k, weight := range s.Weights {
			if weight != 0 {
				g.taps = append(g.taps, min(max(s.First+k, 0), r.In-1))
				g.weights = append(g.weights, float32(weight))
				copies = copies && weight == 1
			}
		}
		copies = copies && len(g.taps) == len(g.first)
	}
	g.first = append(g.first, len(g.taps))
	if copies {
		g.weights = nil
	}
	if inner == 1 {
		g.pieces, g.size = share(outer, 2*g.m, threads)
	} else {
		g.pieces, g.size = share(outer*g.m, 2*inner, threads)
	}
	return g
}

func (w *resampling) run(ctx context.Context, c *operators.Call) error {
	a, dst, err := ends(c, w.shape)
	if err != nil {
		return err
	}
	r := w.device.scratch.room()
	defer r.give()
	var rooms [2][]float32
	for i := range min(len(w.stages)-1, 2) {
		if rooms[i], err = take[float32](r, w.room); err != nil {
			return err
		}
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	for i := range w.stages {
		g := &w.stages[i]
		to := dst
		if i < len(w.stages)-1 {
			to = rooms[i%2][:g.outer*g.m*g.inner]
		}
		*t = resamplingTask{g, to, a}
		if err := w.device.divide(ctx, g.pieces, t); err != nil {
			return err
		}
		a = to
	}
	return nil
}

// resamplingTask is one run of a stage.
type resamplingTask struct {
	g      *resampleStage
	dst, a []float32
}

// Do implements parallel.Task.
func (t *resamplingTask) Do(_, piece int) {
	g := t.g
	if g.inner == 1 {
		for o := piece * g.size; o < min((piece+1)*g.size, g.outer); o++ {
			g.line(t.dst[o*g.m:][:g.m], t.a[o*g.n:][:g.n])
		}
		return
	}
	for i := piece * g.size; i < min((piece+1)*g.size, g.outer*g.m); i++ {
		o, k := i/g.m, i%g.m
		slice, dst := t.a[o*g.n*g.inner:][:g.n*g.inner], t.dst[i*g.inner:][:g.inner]
		if g.weights == nil {
			copy(dst, slice[g.taps[k]*g.inner:])
			continue
		}
		first, end := g.first[k], g.first[k+1]
		if first == end {
			clear(dst)
			continue
		}
		vector.MulFloat32.Right(dst, slice[g.taps[first]*g.inner:][:g.inner], g.weights[first])
		for j := first + 1; j < end; j++ {
			vector.AddScaled(dst, slice[g.taps[j]*g.inner:][:g.inner], g.weights[j])
		}
	}
}

// line resamples a line whose elements lie next to each other.
func (g *resampleStage) line(dst, a []float32) {
	if g.weights == nil {
		for i, tap := range g.taps {
			dst[i] = a[tap]
		}
		return
	}
	for i := range dst {
		taps, weights := g.taps[g.first[i]:g.first[i+1]], g.weights[g.first[i]:g.first[i+1]]
		if len(taps) == 2 && len(weights) == 2 {
			dst[i] = a[taps[0]]*weights[0] + a[taps[1]]*weights[1]
			continue
		}
		sum := float32(0)
		for j, tap := range taps {
			sum += a[tap] * weights[j]
		}
		dst[i] = sum
	}
}
