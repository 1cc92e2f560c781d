package cpu

import (
	"context"
	"math"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// poolIndices holds MaxPool that says where it found its elements.
var poolIndices = family{
	{op: "MaxPool", kernel: "pool", by: byType{tensor.Float32: maxPoolIndices(mostFloat32), tensor.Float64: maxPoolIndices(more[float64])}, accept: withIndices},
}

// withIndices takes a pool that says where it found its elements.
func withIndices(n *graph.Node) operators.Verdict {
	if n.Output(1) == nil {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "indices are not asked for"}
	}
	return spatialPool(n)
}

// found is a run of a MaxPool over planes.
type found[T float32 | float64] struct {
	windows *windows
	from    []T
	values  []T
	indices []int64
	steps   [3]int // of the indices within a plane
	base    int    // elements before the plane
	extreme[T]
	room foundRoom[T]
}

// foundRun is one run over all planes.
type foundRun[T float32 | float64] struct {
	ctx       context.Context
	a, values []T
	indices   []int64
}

// foundRoom holds a row of elements that a tap meets, and which tap, counted from 0,
// has met the greatest, -1 where none has met more than -Inf.
type foundRoom[T float32 | float64] struct {
	row  [argWidth]T
	at   [argWidth]int32
	taps []int64 // where each tap lies behind the first, in indices
}

func maxPoolIndices[T float32 | float64](greatest func() extreme[T]) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		return func(c *operators.Call) (work, error) {
			x := c.Inputs[0].Shape
			if len(x) < 3 || x.Size() == 0 || n.Output(0) == nil || n.Output(1) == nil {
				return nil, nil
			}
			kernel := make([]int, len(n.Ints("kernel_shape")))
			for i, k := range n.Ints("kernel_shape") {
				kernel[i] = int(k)
			}
			ws, ok := windowsOf(n, x[2:], kernel)
			if !ok || volume(ws.out()) == 0 {
				return nil, nil
			}
			shape, in, planes, plane := convShape(x, x[1], &ws), ws.in(), x[0]*x[1], volume(ws.out())
			steps := [3]int{in[1] * in[2], in[2], 1}
			if n.Int("storage_order", 0) != 0 { // column by column
				steps = [3]int{1, in[0], in[0] * in[1]}
			}
			e := greatest()
			rooms := sync.Pool{New: func() any {
				r := &found[T]{windows: &ws, steps: steps, extreme: e}
				r.locateTaps()
				return r
			}}
			work := &units[foundRun[T]]{do: func(t *foundRun[T], first, end int) {
				r := rooms.Get().(*found[T])
				defer rooms.Put(r)
				for i := first; i < end && t.ctx.Err() == nil; i++ {
					size := volume(in)
					r.from, r.values, r.indices, r.base = t.a[i*size:][:size], t.values[i*plane:][:plane], t.indices[i*plane:][:plane], i*size
					r.plane()
				}
				r.from, r.values, r.indices = nil, nil, nil
			}}
			return workFunc(func(ctx context.Context, c *operators.Call) error {
				a, err := input[T](c, 0)
				if err != nil {
					return err
				}
				values, err := output[T](c, 0, tensor.DTypeOf[T](), shape)
				if err != nil {
					return err
				}
				indices, err := output[int64](c, 1, tensor.Int64, shape)
				if err != nil {
					return err
				}
				return work.each(ctx, d, planes, plane*(4+volume(ws.kernel())/2), foundRun[T]{ctx, a, values, indices})
			}), nil
		}, nil
	}
}

func (r *found[T]) locateTaps() {
	w := r.windows
	for z := range w[0].kernel {
		for y := range w[1].kernel {
			for x := range w[2].kernel {
				r.room.taps = append(r.room.taps, int64(z*w[0].dilation*r.steps[0]+y*w[1].dilation*r.steps[1]+x*w[2].dilation*r.steps[2]))
			}
		}
	}
}

// plane goes through the outputs of a plane, in parts of rows.
func (r *found[T]) plane() {
	out := r.windows.out()
	for row := range out[0] * out[1] {
		for x := 0; x < out[2]; x += argWidth {
			r.part([3]int{row / out[1], row % out[1], x}, min(argWidth, out[2]-x))
		}
	}
}

// part finds n outputs of a row.
func (r *found[T]) part(first [3]int, n int) {
	w, out := r.windows, r.windows.out()
	begin := (first[0]*out[1]+first[1])*out[2] + first[2]
	values, at := r.values[begin:][:n], r.room.at[:n]
	vector.Fill(values, T(math.Inf(-1)))
	vector.Fill(at, -1)
	depth, height := first[0]*w[0].stride-w[0].before, first[1]*w[1].stride-w[1].before
	for z := range w[0].kernel {
		for y := range w[1].kernel {
			if d, h := depth+z*w[0].dilation, height+y*w[1].dilation; d >= 0 && d < w[0].in && h >= 0 && h < w[1].in {
				r.row(values, at, r.from[(d*w[1].in+h)*w[2].in:][:w[2].in], first[2], (z*w[1].kernel+y)*w[2].kernel)
			}
		}
	}
	start := r.base + depth*r.steps[0] + height*r.steps[1] - w[2].before*r.steps[2]
	for i, tap := range at {
		if tap < 0 {
			values[i], r.indices[begin+i] = r.greatest([3]int{first[0], first[1], first[2] + i})
			continue
		}
		r.indices[begin+i] = int64(start+(first[2]+i)*w[2].stride*r.steps[2]) + r.room.taps[tap]
	}
}

// row takes in what the taps along a row of the input meet, the first of which has a
// number among all taps.
func (r *found[T]) row(values []T, at []int32, from []T, x, tap int) {
	w := &r.windows[2]
	for k := range w.kernel {
		// The tap is on the row for outputs [first, end), at element start of it for
		// the first of them.
		offset := k*w.dilation - w.before
		first := min(max(x, (w.stride-1-offset)/w.stride), x+len(values))
		end := max(first, min(x+len(values), (w.in-offset+w.stride-1)/w.stride))
		if first == end {
			continue
		}
		met := from[first*w.stride+offset:]
		if w.stride > 1 {
			every(r.room.row[:end-first], met, w.stride)
			met = r.room.row[:]
		}
		r.next(values[first-x:end-x], at[first-x:end-x], met[:end-first], int32(tap+k), false)
	}
}

// every sets dst[i] to a[i*stride].
func every[T any](dst, a []T, stride int) {
	if to, ok := any(dst).([]float32); ok && stride == 2 {
		vector.EvenRows(to, any(a).([]float32), 1, len(to), 0, 0)
		return
	}
	for i := range dst {
		dst[i] = a[i*stride]
	}
}

// greatest returns the first greatest element of a window, or NaN, and its index; -1
// where it sees only padding.
func (r *found[T]) greatest(at [3]int) (T, int64) {
	var taps [3][2]int // the first tap on the input, and the one behind the last
	var start [3]int
	for axis := range r.windows {
		w := &r.windows[axis]
		start[axis] = at[axis]*w.stride - w.before
		taps[axis][0] = max(0, (-start[axis]+w.dilation-1)/w.dilation)
		taps[axis][1] = min(w.kernel, (w.in-start[axis]+w.dilation-1)/w.dilation)
	}
	best, index := T(math.Inf(-1)), int64(-1)
	w := r.windows
	for z := taps[0][0]; z < taps[0][1]; z++ {
		depth := start[0] + z*w[0].dilation
		for y := taps[1][0]; y < taps[1][1]; y++ {
			height := start[1] + y*w[1].dilation
			row := r.from[(depth*w[1].in+height)*w[2].in:][:w[2].in]
			for x := taps[2][0]; x < taps[2][1]; x++ {
				width := start[2] + x*w[2].dilation
				if v := row[width]; v > best || index < 0 || v != v && best == best {
					best, index = v, int64(r.base+depth*r.steps[0]+height*r.steps[1]+width*r.steps[2])
				}
			}
		}
	}
	return best, index
}
