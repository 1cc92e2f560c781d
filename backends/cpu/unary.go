package cpu

import (
	"context"
	"maps"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// unary holds Abs, Neg, Sqrt, Reciprocal, Floor, Ceil, Round, Exp, Log, Tanh,
// Erf, Relu, LeakyRelu, Clip, Sigmoid, HardSigmoid, HardSwish, Swish, Softplus,
// Elu, Gelu, Not.
var unary = append(ofFunctions(functions),
	entry{op: "Clip", kernel: "elementwise", by: byType{tensor.Float32: clip}},
	entry{op: "Not", kernel: "elementwise", by: byType{tensor.Bool: not}},
)

// functionTable holds functions of single elements, each read from a node.
type functionTable map[string]func(n *graph.Node) (f vector.Unary, p, q float32)

// functions are operators on single elements, with their parameters as the attributes
// say.
var functions = functionTable{
	"Abs":        plain(vector.Abs),
	"Neg":        plain(vector.Neg),
	"Sqrt":       plain(vector.Sqrt),
	"Reciprocal": plain(vector.Reciprocal),
	"Floor":      plain(vector.Floor),
	"Ceil":       plain(vector.Ceil),
	"Round":      plain(vector.Round),
	"Exp":        plain(vector.Exp),
	"Log":        plain(vector.Log),
	"Tanh":       plain(vector.Tanh),
	"Erf":        plain(vector.Erf),
	"Sigmoid":    plain(vector.Sigmoid),
	"HardSwish":  plain(vector.HardSwish),
	"Softplus":   plain(vector.Softplus),
	"Relu": func(*graph.Node) (vector.Unary, float32, float32) {
		return vector.Clip, 0, vector.Infinity
	},
	"LeakyRelu": func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.LeakyRelu, n.Float("alpha", 0.01), 0
	},
	"HardSigmoid": func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.HardSigmoid, n.Float("alpha", 0.2), n.Float("beta", 0.5)
	},
	"Swish": func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.Swish, n.Float("alpha", 1), 0
	},
	"Elu": func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.Elu, n.Float("alpha", 1), 0
	},
	"Gelu": func(n *graph.Node) (vector.Unary, float32, float32) {
		if n.Text("approximate", "none") == "tanh" {
			return vector.GeluTanh, 0, 0
		}
		return vector.Gelu, 0, 0
	},
}

func plain(f vector.Unary) func(*graph.Node) (vector.Unary, float32, float32) {
	return func(*graph.Node) (vector.Unary, float32, float32) { return f, 0, 0 }
}

// ofFunctions returns the entries of a table.
func ofFunctions(table functionTable) family {
	var f family
	for _, op := range slices.Sorted(maps.Keys(table)) {
		read := table[op]
		e := entry{op: op, kernel: "elementwise", by: byType{tensor.Float32: func(d *Device, n *graph.Node) (planner, error) {
			f, p, q := read(n)
			return planMapping(d, function[float32]{f, p, q, false}), nil
		}}}
		if op == "Gelu" {
			e.accept = geluKind
		}
		f = append(f, e)
	}
	return f
}

// geluKind takes the two kinds that there are; the reference rejects others.
func geluKind(n *graph.Node) operators.Verdict {
	if kind := n.Text("approximate", "none"); kind != "none" && kind != "tanh" {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "approximate"}
	}
	return native
}

// function is applied to single elements.
type function[T tensor.Element] struct {
	apply  func(dst, a []T, p, q float32)
	p, q   float32
	bounds bool // p and q are inputs 1 and 2
}

// mapping computes a function of every element.
type mapping[T tensor.Element] struct {
	function[T]
	behind
	device *Device
	shape  tensor.Shape
	size   int // elements of a piece
	tasks  tasks[mappingTask[T]]
}

func planMapping[T tensor.Element](d *Device, f function[T]) planner {
	const cost = 8 // of a function that is worth more than a copy
	return func(c *operators.Call) (work, error) {
		w := &mapping[T]{function: f, device: d, shape: c.Inputs[0].Shape.Clone()}
		_, w.size = piecesOf(w.shape.Size(), cost, d.threads)
		return w, nil
	}
}

// clip reads its bounds at every run: they are inputs, if seldom variable ones.
func clip(d *Device, _ *graph.Node) (planner, error) {
	return planMapping(d, function[float32]{apply: vector.Clip, bounds: true}), nil
}

func not(d *Device, _ *graph.Node) (planner, error) {
	return planMapping(d, function[bool]{apply: func(dst, a []bool, _, _ float32) { vector.Not(dst, a) }}), nil
}

func (w *mapping[T]) result() tensor.Shape { return w.shape }

func (w *mapping[T]) run(ctx context.Context, c *operators.Call) error {
	p, q := w.p, w.q
	if w.bounds {
		var err error
		if p, q, err = readBounds(c); err != nil {
			return err
		}
	}
	a, err := input[T](c, 0)
	if err != nil {
		return err
	}
	dst, err := output[T](c, 0, tensor.DTypeOf[T](), w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	others, err := w.after.load(c)
	if err != nil {
		return err
	}
	*t = mappingTask[T]{w, dst, a, p, q, others}
	return w.device.divide(ctx, (len(dst)+w.size-1)/w.size, t)
}

// readBounds returns the bounds of a Clip, which must be numbers.
func readBounds(c *operators.Call) (low, high float32, err error) {
	bounds := [2]float32{vector.NegativeInfinity, vector.Infinity}
	for i := range bounds {
		if !has(c, i+1) {
			continue
		}
		v, err := input[float32](c, i+1)
		if err != nil {
			return 0, 0, err
		}
		if len(v) != 1 || math.IsNaN(float64(v[0])) {
			return 0, 0, errUnfit
		}
		bounds[i] = v[0]
	}
	return bounds[0], bounds[1], nil
}

// mappingTask is one run of a mapping.
type mappingTask[T tensor.Element] struct {
	w      *mapping[T]
	dst, a []T
	p, q   float32
	others operands
}

// Do implements parallel.Task.
func (t *mappingTask[T]) Do(_, piece int) {
	first := piece * t.w.size
	end := min(first+t.w.size, len(t.dst))
	t.w.after.blocks(first, end, func(first, end int) {
		t.w.apply(t.dst[first:end], t.a[first:end], t.p, t.q)
		finish(t.w.after, t.dst[first:end], first, &t.others)
	})
}
