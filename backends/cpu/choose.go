package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// choose holds Trilu, ReverseSequence, Compress, NonZero.
var choose = family{
	{op: "Trilu", kernel: "choose", inputs: [][]tensor.DType{movable, {tensor.Int64}}, build: byWidth(0, trilu[uint8], trilu[uint16], trilu[uint32], trilu[uint64])},
	{op: "ReverseSequence", kernel: "choose", inputs: [][]tensor.DType{movable, {tensor.Int64}}, build: reverseSequence},
	{op: "Compress", kernel: "choose", inputs: [][]tensor.DType{movable, {tensor.Bool}}, build: compress},
	{op: "NonZero", kernel: "choose", by: byType{
		tensor.Bool: nonZero[bool], tensor.Float32: nonZero[float32], tensor.Float64: nonZero[float64],
		tensor.Int8: nonZero[int8], tensor.Int16: nonZero[int16], tensor.Int32: nonZero[int32], tensor.Int64: nonZero[int64],
		tensor.Uint8: nonZero[uint8], tensor.Uint16: nonZero[uint16], tensor.Uint32: nonZero[uint32], tensor.Uint64: nonZero[uint64],
	}},
}

// trilu keeps what lies on one side of diagonal k of matrices: column - row >= k
// above, <= k below.
func trilu[U word](d *Device, n *graph.Node) (planner, error) {
	upper := n.Bool("upper", true)
	return func(c *operators.Call) (work, error) {
		s, dtype := c.Inputs[0].Shape.Clone(), c.Inputs[0].DType
		if len(s) < 2 || s.Size() == 0 || has(c, 1) && c.Inputs[1].Shape.Size() != 1 {
			return nil, nil
		}
		rows, columns := s[len(s)-2], s[len(s)-1]
		work := &units[triangle[U]]{do: func(t *triangle[U], first, end int) {
			for row := first; row < end; row++ {
				from, to := t.a[row*columns:][:columns], t.dst[row*columns:][:columns]
				if upper {
					at := min(max(row%rows+t.diagonal, 0), columns)
					clear(to[:at])
					copy(to[at:], from[at:])
				} else {
					at := min(max(row%rows+t.diagonal+1, 0), columns)
					copy(to[:at], from[:at])
					clear(to[at:])
				}
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			diagonal := 0
			if has(c, 1) {
				k, err := integers(c, 1)
				if err != nil {
					return err
				}
				diagonal = int(min(max(k[0], int64(-rows)), int64(columns)))
			}
			a, err := input[U](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[U](c, 0, dtype, s)
			if err != nil {
				return err
			}
			return work.each(ctx, d, len(dst)/columns, columns, triangle[U]{a, dst, diagonal})
		}), nil
	}, nil
}

// triangle is one run of a Trilu.
type triangle[U word] struct {
	a, dst   []U
	diagonal int
}

// reverseSequence turns the beginning of each sequence of a batch around.
func reverseSequence(d *Device, n *graph.Node) (planner, error) {
	batch, time := n.Int("batch_axis", 1), n.Int("time_axis", 0)
	return func(c *operators.Call) (work, error) {
		s, dtype := c.Inputs[0].Shape.Clone(), c.Inputs[0].DType
		if len(s) < 2 || s.Size() == 0 || batch+time != 1 || batch*time != 0 || c.Inputs[1].Shape.Size() != s[batch] {
			return nil, nil
		}
		size := dtype.Bytes(s[2:].Size())
		work := &units[picking[byte]]{do: func(t *picking[byte], first, end int) {
			for i := first; i < end; i++ {
				at, step := i/s[1], s[1] // along time
				of := i % s[1]
				if time == 1 {
					at, of, step = of, at, 1
				}
				from := i
				if n := int(t.indices[of]); at < n {
					from += (n - 1 - 2*at) * step
				}
				copy(t.dst[i*size:(i+1)*size], t.a[from*size:])
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			lengths, err := integers(c, 1)
			if err != nil {
				return err
			}
			for _, n := range lengths {
				if n < 0 || n > int64(s[time]) {
					return errUnfit
				}
			}
			a, err := valueBytes(c, 0)
			if err != nil {
				return err
			}
			o, err := c.NewOutput(0, dtype, s)
			if err != nil {
				return err
			}
			dst, err := bytesFor(o, len(a))
			if err != nil {
				return err
			}
			return work.each(ctx, d, s[0]*s[1], size/4+1, picking[byte]{dst: dst, a: a, indices: lengths})
		}), nil
	}, nil
}

// compress keeps the slices along an axis for which a condition is true. Without an
// axis it keeps elements.
func compress(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, dtype := c.Inputs[0].Shape.Clone(), c.Inputs[0].DType
		outer, extent, inner := 1, s.Size(), 1
		before, behind := tensor.Shape{}, tensor.Shape{}
		if n.Has("axis") {
			axis, ok := axisIn(n.Int("axis", 0), len(s))
			if !ok {
				return nil, nil
			}
			outer, extent, inner = around(s, axis)
			before, behind = s[:axis], s[axis+1:]
		}
		size := dtype.Bytes(inner)
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			condition, err := input[bool](c, 1)
			if err != nil {
				return err
			}
			var keep []int
			for i, chosen := range condition {
				if chosen {
					keep = append(keep, i)
				}
			}
			if len(keep) > 0 && keep[len(keep)-1] >= extent {
				return errUnfit
			}
			a, err := valueBytes(c, 0)
			if err != nil {
				return err
			}
			shape := append(append(before.Clone(), len(keep)), behind...)
			o, err := c.NewOutput(0, dtype, shape)
			if err != nil || shape.Size() == 0 {
				return err
			}
			dst, err := bytesFor(o, dtype.Bytes(shape.Size()))
			if err != nil {
				return err
			}
			return d.each(ctx, outer*len(keep), size/4+1, func(first, end int) {
				for i := first; i < end; i++ {
					from := (i/len(keep)*extent + keep[i%len(keep)]) * size
					copy(dst[i*size:(i+1)*size], a[from:])
				}
			})
		}), nil
	}, nil
}

// nonZero gives the indexes of the elements that are not zero as the columns of a
// matrix (rank, count), in row-major order.
func nonZero[T tensor.Element](*Device, *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape.Clone()
		if len(s) == 0 {
			return nil, nil
		}
		return workFunc(func(_ context.Context, c *operators.Call) error {
			a, err := input[T](c, 0)
			if err != nil {
				return err
			}
			var zero T
			count := 0
			for _, v := range a {
				if v != zero {
					count++
				}
			}
			dst, err := output[int64](c, 0, tensor.Int64, tensor.Shape{len(s), count})
			if err != nil {
				return err
			}
			at := make([]int, len(s))
			last, found := len(s)-1, 0
			for i := 0; i < len(a); i += s[last] {
				for k, v := range a[i : i+s[last]] {
					if v == zero {
						continue
					}
					for axis, index := range at[:last] {
						dst[axis*count+found] = int64(index)
					}
					dst[last*count+found] = int64(k)
					found++
				}
				for axis := last - 1; axis >= 0; axis-- {
					if at[axis]++; at[axis] < s[axis] {
						break
					}
					at[axis] = 0
				}
			}
			return nil
		}), nil
	}, nil
}
