package cpu

import (
	"context"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// reduce holds ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceL1, ReduceL2,
// ReduceSumSquare, GlobalAveragePool, GlobalMaxPool.
var reduce = family{
	{op: "ReduceSum", kernel: "reduce", inputs: reduces, build: reduceBy(addition, nil), values: []int{1}},
	{op: "ReduceMean", kernel: "reduce", inputs: reduces, build: reduceBy(addition, divided), values: []int{1}},
	{op: "ReduceMax", kernel: "reduce", inputs: reduces, build: reduceBy(greatest, nil), values: []int{1}},
	{op: "ReduceMin", kernel: "reduce", inputs: reduces, build: reduceBy(least, nil), values: []int{1}},
	{op: "ReduceL1", kernel: "reduce", inputs: reduces, build: reduceBy(magnitudes, nil), values: []int{1}},
	{op: "ReduceL2", kernel: "reduce", inputs: reduces, build: reduceBy(squares, rooted), values: []int{1}},
	{op: "ReduceSumSquare", kernel: "reduce", inputs: reduces, build: reduceBy(squares, nil), values: []int{1}},
	{op: "GlobalAveragePool", kernel: "reduce", by: byType{tensor.Float32: overPlanes(addition, divided)}},
	{op: "GlobalMaxPool", kernel: "reduce", by: byType{tensor.Float32: overPlanes(greatest, nil)}},
}

var reduces = [][]tensor.DType{{tensor.Float32}, {tensor.Int64}}

// reducer combines numbers: those of a slice, and those of slices that lie side
// by side, one by one. Afterwards results are combined by rest.
type reducer struct {
	slice func(a []float32) float32
	next  func(sum, a []float32) // a may be overwritten
	first func(sum, a []float32) // what next does where there is no sum yet
	rest  *reducer
}

func copied(sum, a []float32) { copy(sum, a) }

var (
	addition   = reducer{slice: vectorSum, next: added, first: copied}
	greatest   = reducer{slice: vectorGreatest, next: func(sum, a []float32) { vector.MaxFloat32.Both(sum, sum, a) }, first: copied}
	least      = reducer{slice: vectorLeast, next: func(sum, a []float32) { vector.MinFloat32.Both(sum, sum, a) }, first: copied}
	magnitudes = reducer{
		slice: func(a []float32) float32 {
			sum := 0.0
			for _, v := range a {
				sum += max(float64(v), -float64(v))
			}
			return float32(sum)
		},
		next: func(sum, a []float32) {
			a = a[:len(sum)]
			for i := range sum {
				sum[i] += max(a[i], -a[i])
			}
		},
		first: func(sum, a []float32) { vector.Abs(sum, a, 0, 0) },
		rest:  &addition,
	}
	squares = reducer{
		slice: func(a []float32) float32 { return vector.SumSquares(a, 0) },
		next: func(sum, a []float32) {
			a = a[:len(sum)]
			for i := range sum {
				sum[i] += a[i] * a[i]
			}
		},
		first: func(sum, a []float32) { vector.MulFloat32.Both(sum, a, a) },
		rest:  &addition,
	}
)

func vectorSum(a []float32) float32      { return vector.Sum(a) }
func vectorGreatest(a []float32) float32 { return vector.Greatest(a) }
func vectorLeast(a []float32) float32    { return vector.Least(a) }
func added(sum, a []float32)             { vector.AddFloat32.Both(sum, sum, a) }

// divided and rooted finish results of sums over count numbers.
func divided(dst []float32, count int) { vector.DivFloat32.Right(dst, dst, float32(count)) }
func rooted(dst []float32, _ int)      { vector.Sqrt(dst, dst, 0, 0) }

// reduction reduces axes in stages, the last axes first.
type reduction struct {
	device *Device
	shape  tensor.Shape // of the output
	stages []stage
	count  int // elements that make one
	room   int // elements between stages
	finish func(dst []float32, count int)
	tasks  tasks[reductionTask]
}

// stage reduces (outer, n, inner) to (outer, inner).
type stage struct {
	reducer         *reducer
	outer, n, inner int
	chunk, chunks   int // of inner that is a unit of work
	pieces, size    int // of units
}

func reduceBy(r reducer, finish func(dst []float32, count int)) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		return func(c *operators.Call) (work, error) {
			request, err := integers(c, 1)
			if err != nil {
				return nil, nil
			}
			s := c.Inputs[0].Shape
			reduced := make([]bool, len(s))
			for _, a := range request {
				axis, ok := axisIn(a, len(s))
				if !ok || reduced[axis] {
					return nil, nil
				}
				reduced[axis] = true
			}
			if len(request) == 0 {
				if n.Bool("noop_with_empty_axes", false) {
					return nil, nil
				}
				for axis := range reduced {
					reduced[axis] = true
				}
			}
			return d.newReduction(s, reduced, n.Bool("keepdims", true), r, finish)
		}, nil
	}
}

// overPlanes reduces all axes but the first two.
func overPlanes(r reducer, finish func(dst []float32, count int)) builder {
	return func(d *Device, _ *graph.Node) (planner, error) {
		return func(c *operators.Call) (work, error) {
			s := c.Inputs[0].Shape
			if len(s) < 2 {
				return nil, nil
			}
			reduced := make([]bool, len(s))
			for axis := 2; axis < len(s); axis++ {
				reduced[axis] = true
			}
			return d.newReduction(s, reduced, true, r, finish)
		}, nil
	}
}

func (d *Device) newReduction(s tensor.Shape, reduced []bool, keep bool, r reducer, finish func(dst []float32, count int)) (work, error) {
	if s.Size() == 0 || !slices.Contains(reduced, true) {
		return nil, nil
	}
	w := &reduction{device: d, finish: finish, count: 1, shape: tensor.Shape{}}
	for axis, n := range s {
		switch {
		case !reduced[axis]:
			w.shape = append(w.shape, n)
		case keep:
			w.shape = append(w.shape, 1)
		}
	}
	inner := 1
	of := &r
	for axis := len(s) - 1; axis >= 0; {
		n := 1
		run := reduced[axis]
		for ; axis >= 0 && reduced[axis] == run; axis-- {
			n *= s[axis]
		}
		if !run {
			inner *= n
			continue
		}
		w.count *= n
		outer := s[:axis+1].Size()
		if k := together(n, inner); k > 1 {
			w.addStage(of, outer, n/k, k*inner)
			of, n = of.after(), k
		}
		w.addStage(of, outer, n, inner)
		of = of.after()
	}
	return w, nil
}

// after returns what combines results of r.
func (r *reducer) after() *reducer {
	if r.rest != nil {
		return r.rest
	}
	return r
}

// together returns how many of n short slices of inner elements are best taken for
// one, so that many slices need not be combined by as many calls: a divisor of n.
func together(n, inner int) int {
	const short, long = 64, 1024
	if inner == 1 || inner > short {
		return 1
	}
	for k := min(long/inner, n/4); k > 1; k-- {
		if n%k == 0 {
			return k
		}
	}
	return 1
}

func (w *reduction) addStage(r *reducer, outer, n, inner int) {
	g := stage{reducer: r, outer: outer, n: n, inner: inner, chunk: min(inner, 1024)}
	g.chunks = (inner + g.chunk - 1) / g.chunk
	g.pieces, g.size = share(outer*g.chunks, n*g.chunk, w.device.threads)
	if len(w.stages) > 0 {
		last := w.stages[len(w.stages)-1]
		w.room = max(w.room, last.outer*last.inner)
	}
	w.stages = append(w.stages, g)
}

func (w *reduction) run(ctx context.Context, c *operators.Call) error {
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
			to = rooms[i%2][:g.outer*g.inner]
		}
		*t = reductionTask{g, to, a}
		if err := w.device.divide(ctx, g.pieces, t); err != nil {
			return err
		}
		a = to
	}
	if w.finish != nil {
		w.finish(dst, w.count)
	}
	return nil
}

// reductionTask is one run of a stage.
type reductionTask struct {
	g      *stage
	dst, a []float32
}

// Do implements parallel.Task.
func (t *reductionTask) Do(_, piece int) {
	g := t.g
	for unit := piece * g.size; unit < min((piece+1)*g.size, g.outer*g.chunks); unit++ {
		o, k := unit/g.chunks, unit%g.chunks*g.chunk
		slice := t.a[o*g.n*g.inner:][:g.n*g.inner]
		if g.inner == 1 {
			t.dst[o] = g.reducer.slice(slice)
			continue
		}
		sum := t.dst[o*g.inner+k:][:min(g.chunk, g.inner-k)]
		g.reducer.first(sum, slice[k:])
		for i := 1; i < g.n; i++ {
			g.reducer.next(sum, slice[i*g.inner+k:])
		}
	}
}
