package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// where holds Where.
var where = family{
	{op: "Where", kernel: "elementwise", inputs: [][]tensor.DType{{tensor.Bool}, movable}, build: whereOf},
}

// selection picks each element from one of two tensors.
type selection struct {
	device  *Device
	dtype   tensor.DType
	shape   tensor.Shape
	layout  layout // of the condition and the two tensors
	size    int    // elements of a piece
	tasks8  tasks[selectionTask[uint8]]
	tasks16 tasks[selectionTask[uint16]]
	tasks32 tasks[selectionTask[uint32]]
	tasks64 tasks[selectionTask[uint64]]
}

func whereOf(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		condition, x, y := c.Inputs[0].Shape, c.Inputs[1].Shape, c.Inputs[2].Shape
		w := &selection{device: d, dtype: c.Inputs[1].DType}
		var ok bool
		if w.shape, ok = broadcastShape(condition, x, y); !ok || w.shape.Size() == 0 || c.Inputs[2].DType != w.dtype {
			return nil, nil
		}
		if w.layout, ok = broadcastLayout(w.shape, condition, x, y); !ok {
			return nil, nil
		}
		_, w.size = piecesOf(w.shape.Size(), 2, d.threads)
		return w, nil
	}, nil
}

func (w *selection) run(ctx context.Context, c *operators.Call) error {
	switch w.dtype.Bits() {
	case 8:
		return selectWords(ctx, w, &w.tasks8, c)
	case 16:
		return selectWords(ctx, w, &w.tasks16, c)
	case 32:
		return selectWords(ctx, w, &w.tasks32, c)
	case 64:
		return selectWords(ctx, w, &w.tasks64, c)
	}
	return errUnfit
}

func selectWords[U word](ctx context.Context, w *selection, pool *tasks[selectionTask[U]], c *operators.Call) error {
	condition, err := input[bool](c, 0)
	if err != nil {
		return err
	}
	x, err := input[U](c, 1)
	if err != nil {
		return err
	}
	y, err := input[U](c, 2)
	if err != nil {
		return err
	}
	dst, err := output[U](c, 0, w.dtype, w.shape)
	if err != nil {
		return err
	}
	t := pool.get()
	defer pool.put(t)
	*t = selectionTask[U]{w, dst, condition, x, y}
	return w.device.divide(ctx, (len(dst)+w.size-1)/w.size, t)
}

// selectionTask is one run of a selection.
type selectionTask[U word] struct {
	w         *selection
	dst       []U
	condition []bool
	x, y      []U
}

// Do implements parallel.Task.
func (t *selectionTask[U]) Do(_, piece int) {
	l := &t.w.layout
	first := piece * t.w.size
	end := min(first+t.w.size, len(t.dst))
	var at cursor
	l.seek(&at, first/l.inner)
	within := first % l.inner
	stepC, stepX, stepY := l.step(0), l.step(1), l.step(2)
	for i := first; i < end; {
		n := min(l.inner-within, end-i)
		dst := t.dst[i : i+n]
		condition, x, y := t.condition[at.offset[0]+within*stepC:], t.x[at.offset[1]+within*stepX:], t.y[at.offset[2]+within*stepY:]
		switch {
		case stepC == 0 && condition[0] && stepX == 1:
			copy(dst, x)
		case stepC == 0 && !condition[0] && stepY == 1:
			copy(dst, y)
		case stepC == 1 && stepX == 1 && stepY == 1:
			vector.Select(dst, condition, x, y)
		default:
			for k := range dst {
				if condition[k*stepC] {
					dst[k] = x[k*stepX]
				} else {
					dst[k] = y[k*stepY]
				}
			}
		}
		i, within = i+n, 0
		l.next(&at)
	}
}
