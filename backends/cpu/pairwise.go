package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// pairwise holds Add, Sub, Mul, Div, Max, Min, Sum, Mean, Pow, PRelu, And, Or,
// Xor, Equal, Greater, GreaterOrEqual, Less, LessOrEqual.
var pairwise = family{
	{op: "Add", kernel: "elementwise", by: arithmetic(vector.Add[float32](), vector.Add[float64](), vector.Add[int32](), vector.Add[int64]())},
	{op: "Sub", kernel: "elementwise", by: arithmetic(vector.Sub[float32](), vector.Sub[float64](), vector.Sub[int32](), vector.Sub[int64]())},
	{op: "Mul", kernel: "elementwise", by: arithmetic(vector.Mul[float32](), vector.Mul[float64](), vector.Mul[int32](), vector.Mul[int64]())},
	{op: "Div", kernel: "elementwise", by: arithmetic(vector.Div[float32](), vector.Div[float64](), vector.Div[int32](), vector.Div[int64]())},
	{op: "Max", kernel: "elementwise", by: arithmetic(vector.Max[float32](), vector.Max[float64](), vector.Max[int32](), vector.Max[int64]())},
	{op: "Min", kernel: "elementwise", by: arithmetic(vector.Min[float32](), vector.Min[float64](), vector.Min[int32](), vector.Min[int64]())},
	{op: "Sum", kernel: "elementwise", by: byType{tensor.Float32: pairs(vector.AddFloat32)}},
	{op: "Mean", kernel: "elementwise", by: byType{tensor.Float32: mean}},
	{op: "Pow", kernel: "elementwise", by: byType{tensor.Float32: pairs(vector.PowFloat32)}},
	{op: "Pow", kernel: "elementwise", inputs: [][]tensor.DType{{tensor.Float32}, {tensor.Int32, tensor.Int64}}, build: powerOf},
	{op: "PRelu", kernel: "elementwise", by: byType{tensor.Float32: pairs(sloped)}},
	{op: "And", kernel: "elementwise", by: byType{tensor.Bool: pairs(vector.And)}},
	{op: "Or", kernel: "elementwise", by: byType{tensor.Bool: pairs(vector.Or)}},
	{op: "Xor", kernel: "elementwise", by: byType{tensor.Bool: pairs(vector.Xor)}},

	{op: "Equal", kernel: "elementwise", by: equality()},
	{op: "Greater", kernel: "elementwise", by: comparison(vector.Greater[float32](), vector.Greater[float64](), vector.Greater[int32](), vector.Greater[int64]())},
	{op: "GreaterOrEqual", kernel: "elementwise", by: comparison(vector.GreaterOrEqual[float32](), vector.GreaterOrEqual[float64](), vector.GreaterOrEqual[int32](), vector.GreaterOrEqual[int64]())},
	{op: "Less", kernel: "elementwise", by: comparison(vector.Less[float32](), vector.Less[float64](), vector.Less[int32](), vector.Less[int64]())},
	{op: "LessOrEqual", kernel: "elementwise", by: comparison(vector.LessOrEqual[float32](), vector.LessOrEqual[float64](), vector.LessOrEqual[int32](), vector.LessOrEqual[int64]())},
}

// arithmetic makes the builders of an operator that gives what it takes.
func arithmetic(f32 vector.Binary[float32, float32], f64 vector.Binary[float64, float64], i32 vector.Binary[int32, int32], i64 vector.Binary[int64, int64]) byType {
	return byType{tensor.Float32: pairs(f32), tensor.Float64: pairs(f64), tensor.Int32: pairs(i32), tensor.Int64: pairs(i64)}
}

// comparison makes the builders of an operator that gives truth values.
func comparison(f32 vector.Binary[float32, bool], f64 vector.Binary[float64, bool], i32 vector.Binary[int32, bool], i64 vector.Binary[int64, bool]) byType {
	return byType{tensor.Float32: pairs(f32), tensor.Float64: pairs(f64), tensor.Int32: pairs(i32), tensor.Int64: pairs(i64)}
}

func equality() byType {
	by := comparison(vector.Equal[float32](), vector.Equal[float64](), vector.Equal[int32](), vector.Equal[int64]())
	by[tensor.Bool] = pairs(vector.Equal[bool]())
	return by
}

// sloped gives v, or slope × v where v is negative.
var sloped = vector.Binary[float32, float32]{
	Both:  vector.Prelu,
	Right: func(dst, a []float32, b float32) { vector.LeakyRelu(dst, a, b, 0) },
	Left: func(dst []float32, a float32, b []float32) {
		if a < 0 {
			vector.MulFloat32.Left(dst, a, b)
		} else {
			vector.Fill(dst, a)
		}
	},
}

// powerOf raises to one power, which is an integer.
func powerOf(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape.Clone()
		if c.Inputs[1].Shape.Size() != 1 || len(c.Inputs[1].Shape) > len(s) {
			return nil, nil
		}
		work := &units[power]{do: func(t *power, first, end int) {
			vector.PowFloat32.Right(t.dst[first:end], t.a[first:end], t.p)
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			const exact = 1 << 24 // integers up to here are numbers of float32
			p, err := integers(c, 1)
			if err != nil {
				return err
			}
			if p[0] < -exact || p[0] > exact {
				return errUnfit
			}
			a, err := input[float32](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[float32](c, 0, tensor.Float32, s)
			if err != nil {
				return err
			}
			return work.each(ctx, d, len(dst), 8, power{a, dst, float32(p[0])})
		}), nil
	}, nil
}

// power is one run of a Pow.
type power struct {
	a, dst []float32
	p      float32
}

// mean adds all inputs and divides the sum by their number.
func mean(d *Device, n *graph.Node) (planner, error) {
	sum, err := pairs(vector.AddFloat32)(d, n)
	if err != nil {
		return nil, err
	}
	count := float32(len(n.Inputs))
	return func(c *operators.Call) (work, error) {
		w, err := sum(c)
		if w == nil || err != nil {
			return nil, err
		}
		s := w.(*combination[float32, float32])
		s.finish = func(dst []float32) { vector.DivFloat32.Right(dst, dst, count) }
		return s, nil
	}, nil
}
