package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// cumulative holds CumSum, CumProd.
var cumulative = family{
	{op: "CumSum", kernel: "cumulative", inputs: cumulated, by: byType{
		tensor.Float32: cumSumFloat32, tensor.Float64: cumulate[float64, float64](sums),
		tensor.Int32: cumulate[int32, int32](sums), tensor.Int64: cumulate[int64, int64](sums),
		tensor.Uint32: cumulate[uint32, uint32](sums), tensor.Uint64: cumulate[uint64, uint64](sums),
	}},
	{op: "CumProd", kernel: "cumulative", inputs: cumulated, by: byType{
		tensor.Float32: cumulate[float32, float64](products), tensor.Float64: cumulate[float64, float64](products),
		tensor.Int32: cumulate[int32, int32](products), tensor.Int64: cumulate[int64, int64](products),
		tensor.Uint32: cumulate[uint32, uint32](products), tensor.Uint64: cumulate[uint64, uint64](products),
	}},
}

var cumulated = [][]tensor.DType{
	{tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64}, {tensor.Int32, tensor.Int64},
}

// sums and products are what is cumulated; as numbers, what they are of nothing.
const (
	sums = iota
	products
)

// cumulation is a run along an axis of a tensor of shape (outer, n, inner).
type cumulation[T real] struct {
	dst, a             []T
	outer, n, inner    int
	exclusive, reverse bool
}

// cumulationOf reads the axis, which is an input, and makes the output.
func cumulationOf[T real](n *graph.Node, c *operators.Call) (r cumulation[T], err error) {
	s := c.Inputs[0].Shape
	axes, err := integers(c, 1)
	if err != nil {
		return r, err
	}
	if len(axes) != 1 {
		return r, errUnfit
	}
	axis, ok := axisIn(axes[0], len(s))
	if !ok {
		return r, errUnfit
	}
	r = cumulation[T]{exclusive: n.Bool("exclusive", false), reverse: n.Bool("reverse", false)}
	r.outer, r.n, r.inner = around(s, axis)
	if r.a, err = input[T](c, 0); err != nil {
		return r, err
	}
	r.dst, err = output[T](c, 0, tensor.DTypeOf[T](), s)
	return r, err
}

// order returns the place along the axis that a run begins with and the way to the next.
func (r *cumulation[T]) order() (start, step int) {
	if r.reverse {
		return r.n - 1, -1
	}
	return 0, 1
}

// cumulate keeps totals in a type of their own.
func cumulate[T, A real](kind int) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		return func(*operators.Call) (work, error) {
			lines := cumulateLines[T, A](kind)
			return workFunc(func(ctx context.Context, c *operators.Call) error {
				r, err := cumulationOf[T](n, c)
				if err != nil {
					return err
				}
				return r.run(ctx, d, lines, totalsWidth)
			}), nil
		}, nil
	}
}

// run cumulates lines side by side, of which a unit has so many.
func (r *cumulation[T]) run(ctx context.Context, d *Device, lines *units[cumulation[T]], width int) error {
	return lines.each(ctx, d, r.outer*((r.inner+width-1)/width), r.n*min(width, r.inner), *r)
}

// totalsWidth is how many totals are kept at a time.
const totalsWidth = 256

func cumulateLines[T, A real](kind int) *units[cumulation[T]] {
	return &units[cumulation[T]]{do: func(r *cumulation[T], first, end int) {
		var totals [totalsWidth]A
		chunks := (r.inner + totalsWidth - 1) / totalsWidth
		for unit := first; unit < end; unit++ {
			o, k := unit/chunks, unit%chunks*totalsWidth
			part := totals[:min(totalsWidth, r.inner-k)]
			for j := range part {
				part[j] = A(kind)
			}
			at, step := r.order()
			if len(part) == 1 && kind == sums {
				cumulateLine[T, A](r, (o*r.n+at)*r.inner+k, step*r.inner)
				continue
			}
			for ; at >= 0 && at < r.n; at += step {
				row := (o*r.n+at)*r.inner + k
				cumulateRow(r.dst[row:], r.a[row:], part, kind, r.exclusive)
			}
		}
	}}
}

// cumulateLine adds n elements that are a step apart.
func cumulateLine[T, A real](r *cumulation[T], at, step int) {
	var total A
	for range r.n {
		before := total
		total += A(r.a[at])
		if r.exclusive {
			r.dst[at] = T(before)
		} else {
			r.dst[at] = T(total)
		}
		at += step
	}
}

// cumulateRow takes one element more into each of the totals of lines side by side.
func cumulateRow[T, A real](dst, a []T, totals []A, kind int, exclusive bool) {
	dst, a = dst[:len(totals)], a[:len(totals)]
	for j, before := range totals {
		total := before + A(a[j])
		if kind == products {
			total = before * A(a[j])
		}
		totals[j] = total
		if exclusive {
			dst[j] = T(before)
		} else {
			dst[j] = T(total)
		}
	}
}

// cumSumFloat32 adds rows to rows where lines are short and many lie side by side.
// Long ones, whose totals would lose digits, are added in float64.
func cumSumFloat32(d *Device, n *graph.Node) (planner, error) {
	const (
		short = 256
		width = 2048
	)
	return func(*operators.Call) (work, error) {
		lines := cumulateLines[float32, float64](sums)
		rows := &units[cumulation[float32]]{do: func(r *cumulation[float32], first, end int) {
			chunks := (r.inner + width - 1) / width
			for unit := first; unit < end; unit++ {
				o, k := unit/chunks, unit%chunks*width
				r.addRows(o*r.n*r.inner+k, min(width, r.inner-k), vector.AddFloat32.Both)
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			r, err := cumulationOf[float32](n, c)
			if err != nil {
				return err
			}
			if r.inner < 64 || r.n > short {
				return r.run(ctx, d, lines, totalsWidth)
			}
			return r.run(ctx, d, rows, width)
		}), nil
	}, nil
}

// addRows cumulates rows of some elements, the first of which lie at base.
func (r *cumulation[T]) addRows(base, elements int, add func(dst, a, b []T)) {
	row := func(v []T, i int) []T { return v[base+i*r.inner:][:elements] }
	at, step := r.order()
	if r.n == 0 {
		return
	}
	if r.exclusive {
		clear(row(r.dst, at))
	} else {
		copy(row(r.dst, at), row(r.a, at))
	}
	for range r.n - 1 {
		before := at
		at += step
		if r.exclusive {
			add(row(r.dst, at), row(r.dst, before), row(r.a, before))
		} else {
			add(row(r.dst, at), row(r.dst, before), row(r.a, at))
		}
	}
}
