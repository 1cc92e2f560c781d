package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/integer"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// quantizedSum holds, of com.microsoft, QLinearAdd.
var quantizedSum = family{
	{op: "com.microsoft.QLinearAdd", kernel: "elementwise/quantized", inputs: [][]tensor.DType{bytes8, {tensor.Float32}, bytes8, bytes8, {tensor.Float32}, bytes8, {tensor.Float32}, bytes8}, build: qLinearAdd},
}

// quantizedAddition adds two tensors of one shape.
type quantizedAddition struct {
	device *Device
	shape  tensor.Shape
	dtype  tensor.DType
	size   int // elements of a piece
	tasks  tasks[quantizedAdditionTask]
}

func qLinearAdd(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := &quantizedAddition{device: d, shape: c.Inputs[0].Shape.Clone(), dtype: c.Inputs[0].DType}
		if !w.shape.Equal(c.Inputs[3].Shape) || c.Inputs[3].DType != w.dtype || w.shape.Size() == 0 {
			return nil, nil
		}
		for _, i := range []int{1, 4, 6, 2, 5, 7} {
			scale := i == 1 || i == 4 || i == 6
			if !has(c, i) && !scale {
				continue
			}
			if !has(c, i) || c.Inputs[i].Shape.Size() != 1 || len(c.Inputs[i].Shape) > 1 || !scale && c.Inputs[i].DType != w.dtype {
				return nil, nil
			}
		}
		_, w.size = piecesOf(w.shape.Size(), 1, d.threads)
		return w, nil
	}, nil
}

func (w *quantizedAddition) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.size = w.size
	var err error
	var scales [3]float64
	var zeros [3]int32
	for k := range scales {
		scale, err := input[float32](c, []int{1, 4, 6}[k])
		if err != nil {
			return err
		}
		scales[k] = float64(scale[0])
		if zeros[k], t.sum.Low, t.sum.High, err = target(c, []int{2, 5, 7}[k], w.dtype); err != nil {
			return err
		}
	}
	p, q := scales[0]/scales[2], scales[1]/scales[2]
	t.sum.P, t.sum.Q, t.sum.R = float32(p), float32(q), float32(-(float64(zeros[0])*p + float64(zeros[1])*q))
	t.sum.Zero, t.sum.Signed = zeros[2], w.dtype == tensor.Int8
	if t.a, err = elementBytes(c.Inputs[0]); err != nil {
		return err
	}
	if t.b, err = elementBytes(c.Inputs[3]); err != nil {
		return err
	}
	if t.dst, err = quantizedOutput(c, w.dtype, w.shape); err != nil {
		return err
	}
	return w.device.divide(ctx, (len(t.dst)+w.size-1)/w.size, t)
}

// quantizedAdditionTask is one run of an addition.
type quantizedAdditionTask struct {
	dst, a, b []byte
	size      int
	sum       integer.Sum
}

// Do implements parallel.Task.
func (t *quantizedAdditionTask) Do(_, piece int) {
	first := piece * t.size
	end := min(first+t.size, len(t.dst))
	integer.Add(t.dst[first:end], t.a[first:end], t.b[first:end], &t.sum)
}
