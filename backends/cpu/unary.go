package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// unary holds Abs, Neg, Sqrt, Reciprocal, Floor, Ceil, Round, Exp, Log, Tanh,
// Erf, Relu, LeakyRelu, Clip, Sigmoid, HardSigmoid, HardSwish, Swish, Softplus,
// Elu, Gelu, Not.
var unary = family{
	{op: "Abs", kernel: "elementwise", by: mapped(vector.Abs)},
	{op: "Neg", kernel: "elementwise", by: mapped(vector.Neg)},
	{op: "Sqrt", kernel: "elementwise", by: mapped(vector.Sqrt)},
	{op: "Reciprocal", kernel: "elementwise", by: mapped(vector.Reciprocal)},
	{op: "Floor", kernel: "elementwise", by: mapped(vector.Floor)},
	{op: "Ceil", kernel: "elementwise", by: mapped(vector.Ceil)},
	{op: "Round", kernel: "elementwise", by: mapped(vector.Round)},
	{op: "Exp", kernel: "elementwise", by: mapped(vector.Exp)},
	{op: "Log", kernel: "elementwise", by: mapped(vector.Log)},
	{op: "Tanh", kernel: "elementwise", by: mapped(vector.Tanh)},
	{op: "Erf", kernel: "elementwise", by: mapped(vector.Erf)},
	{op: "Relu", kernel: "elementwise", by: mappedWith(func(*graph.Node) (vector.Unary, float32, float32) {
		return vector.Clip, 0, vector.Infinity
	})},
	{op: "LeakyRelu", kernel: "elementwise", by: mappedWith(func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.LeakyRelu, n.Float("alpha", 0.01), 0
	})},
	{op: "Clip", kernel: "elementwise", by: byType{tensor.Float32: clip}},
	{op: "Sigmoid", kernel: "elementwise", by: mapped(vector.Sigmoid)},
	{op: "HardSigmoid", kernel: "elementwise", by: mappedWith(func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.HardSigmoid, n.Float("alpha", 0.2), n.Float("beta", 0.5)
	})},
	{op: "HardSwish", kernel: "elementwise", by: mapped(vector.HardSwish)},
	{op: "Swish", kernel: "elementwise", by: mappedWith(func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.Swish, n.Float("alpha", 1), 0
	})},
	{op: "Softplus", kernel: "elementwise", by: mapped(vector.Softplus)},
	{op: "Elu", kernel: "elementwise", by: mappedWith(func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.Elu, n.Float("alpha", 1), 0
	})},
	{op: "Gelu", kernel: "elementwise", accept: geluKind, by: mappedWith(func(n *graph.Node) (vector.Unary, float32, float32) {
		if n.Text("approximate", "none") == "tanh" {
			return vector.GeluTanh, 0, 0
		}
		return vector.Gelu, 0, 0
	})},
	{op: "Not", kernel: "elementwise", by: byType{tensor.Bool: not}},
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
	device *Device
	shape  tensor.Shape
	size   int // elements of a piece
	tasks  tasks[mappingTask[T]]
}

// mapped makes the builder of a function without parameters.
func mapped(f vector.Unary) byType {
	return mappedWith(func(*graph.Node) (vector.Unary, float32, float32) { return f, 0, 0 })
}

// mappedWith makes the builder of a function whose parameters are attributes.
func mappedWith(read func(n *graph.Node) (f vector.Unary, p, q float32)) byType {
	return byType{tensor.Float32: func(d *Device, n *graph.Node) (planner, error) {
		f, p, q := read(n)
		return planMapping(d, function[float32]{f, p, q, false}), nil
	}}
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
	apply := func(dst, a []bool, _, _ float32) {
		a = a[:len(dst)]
		for i := range dst {
			dst[i] = !a[i]
		}
	}
	return planMapping(d, function[bool]{apply: apply}), nil
}

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
	*t = mappingTask[T]{w, dst, a, p, q}
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
}

// Do implements parallel.Task.
func (t *mappingTask[T]) Do(_, piece int) {
	first := piece * t.w.size
	end := min(first+t.w.size, len(t.dst))
	t.w.apply(t.dst[first:end], t.a[first:end], t.p, t.q)
}
