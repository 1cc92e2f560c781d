package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// gather holds Gather.
var gather = family{
	{op: "Gather", kernel: "gather", inputs: [][]tensor.DType{movable, {tensor.Int32, tensor.Int64}}, build: gatherOf},
}

// gathering copies slices of the data along an axis to where their indexes
// stand: data[:axis] ++ indices ++ data[axis+1:].
type gathering struct {
	device       *Device
	dtype        tensor.DType
	shape        tensor.Shape
	outer, n     int // slices before the axis, and its extent
	indices      int
	bytes        int // of what lies behind one step along the axis
	pieces, size int // of copies
	tasks        tasks[gatheringTask]
}

func gatherOf(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		data, indices := c.Inputs[0], c.Inputs[1]
		axis, ok := axisIn(n.Int("axis", 0), len(data.Shape))
		if !ok {
			return nil, nil
		}
		w := &gathering{device: d, dtype: data.DType, n: data.Shape[axis], indices: indices.Shape.Size()}
		w.outer = data.Shape[:axis].Size()
		w.bytes = data.DType.Bytes(data.Shape[axis+1:].Size())
		w.shape = append(data.Shape[:axis].Clone(), indices.Shape...)
		w.shape = append(w.shape, data.Shape[axis+1:]...)
		if w.shape.Size() == 0 {
			return nil, nil
		}
		w.pieces, w.size = share(w.outer*w.indices, w.bytes/4+1, d.threads)
		return w, nil
	}, nil
}

func (w *gathering) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var err error
	if t.src, err = valueBytes(c, 0); err != nil {
		return err
	}
	if c.Inputs[1].DType == tensor.Int32 {
		t.narrow, err = input[int32](c, 1)
	} else {
		t.wide, err = input[int64](c, 1)
	}
	if err != nil {
		return err
	}
	for i := range w.indices {
		if k := t.index(i); k < 0 || k >= w.n {
			return errUnfit
		}
	}
	o, err := c.NewOutput(0, w.dtype, w.shape)
	if err != nil {
		return err
	}
	if t.dst, err = bytesFor(o, w.outer*w.indices*w.bytes); err != nil {
		return err
	}
	return w.device.divide(ctx, w.pieces, t)
}

// gatheringTask is one run of a gathering.
type gatheringTask struct {
	w        *gathering
	dst, src []byte
	wide     []int64
	narrow   []int32
}

// index returns the i-th index, counted from the front.
func (t *gatheringTask) index(i int) int {
	var k int
	if t.narrow != nil {
		k = int(t.narrow[i])
	} else {
		k = tensor.Extent(t.wide[i])
	}
	if k < 0 {
		k += t.w.n
	}
	return k
}

// Do implements parallel.Task.
func (t *gatheringTask) Do(_, piece int) {
	w := t.w
	for i := piece * w.size; i < min((piece+1)*w.size, w.outer*w.indices); i++ {
		from := (i/w.indices*w.n + t.index(i%w.indices)) * w.bytes
		copy(t.dst[i*w.bytes:(i+1)*w.bytes], t.src[from:from+w.bytes])
	}
}
