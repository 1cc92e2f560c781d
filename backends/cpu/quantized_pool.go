package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/integer"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// quantizedPool holds, of com.microsoft, NhwcMaxPool and
// QLinearGlobalAveragePool.
var quantizedPool = family{
	{op: "com.microsoft.NhwcMaxPool", kernel: "pool/quantized", inputs: [][]tensor.DType{bytes8}, build: nhwcMaxPool},
	{op: "com.microsoft.QLinearGlobalAveragePool", kernel: "pool/quantized", inputs: [][]tensor.DType{bytes8, {tensor.Float32}, bytes8, {tensor.Float32}, bytes8}, build: qLinearGlobalAveragePool, accept: channelsLast},
}

func channelsLast(n *graph.Node) operators.Verdict {
	if !n.Bool("channels_last", false) {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "channels_last is 0"}
	}
	return native
}

// bytePool is the greatest of every window of images with their channels last.
type bytePool struct {
	device   *Device
	shape    tensor.Shape
	dtype    tensor.DType
	windows  windows
	channels int
	lines    int // of the result
	size     int // lines of a piece
	tasks    tasks[bytePoolTask]
}

func nhwcMaxPool(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		x := c.Inputs[0].Shape
		var kernel []int
		for _, k := range n.Ints("kernel_shape") {
			kernel = append(kernel, int(min(k, limit+1)))
		}
		if len(x) < 3 || x.Size() == 0 {
			return nil, nil
		}
		ws, ok := windowsOf(n, x[1:len(x)-1], kernel)
		if !ok || volume(ws.out()) == 0 {
			return nil, nil
		}
		out := ws.out()
		w := &bytePool{device: d, dtype: c.Inputs[0].DType, windows: ws, channels: x[len(x)-1]}
		w.shape = append(append(tensor.Shape{x[0]}, out[len(out)-len(x)+2:]...), w.channels)
		w.lines = x[0] * out[0] * out[1]
		taps := ws[0].kernel*ws[1].kernel + ws[2].kernel
		_, w.size = share(w.lines, out[2]*w.channels*taps/16, d.threads)
		return w, nil
	}, nil
}

func (w *bytePool) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var err error
	if t.x, err = elementBytes(c.Inputs[0]); err != nil {
		return err
	}
	if t.dst, err = quantizedOutput(c, w.dtype, w.shape); err != nil {
		return err
	}
	t.length = w.windows[2].in * w.channels
	if t.room, err = w.device.scratch.take(w.device.threads * t.length); err != nil {
		return err
	}
	defer w.device.scratch.give(t.room)
	return w.device.divide(ctx, (w.lines+w.size-1)/w.size, t)
}

// bytePoolTask is one run of a pool.
type bytePoolTask struct {
	w      *bytePool
	dst, x []byte
	room   []byte // a line of the input for each worker
	length int    // of a line
}

// Do implements parallel.Task. First come the greatest of the lines that a window
// sees, then those of the pixels in them.
func (t *bytePoolTask) Do(worker, piece int) {
	w, ws := t.w, &t.w.windows
	signed := w.dtype == tensor.Int8
	low, _ := limitsOf(w.dtype)
	least := byte(int32(low))
	line := t.room[worker*t.length:][:t.length]
	for i := piece * w.size; i < min((piece+1)*w.size, w.lines); i++ {
		y, z, n := i%ws[1].out, i/ws[1].out%ws[0].out, i/(ws[1].out*ws[0].out)
		fill(line, least)
		ws[0].seen(z, func(fromZ int) {
			ws[1].seen(y, func(fromY int) {
				integer.Greatest(line, t.x[((n*ws[0].in+fromZ)*ws[1].in+fromY)*t.length:][:t.length], signed)
			})
		})
		for x := range ws[2].out {
			pixel := t.dst[(i*ws[2].out+x)*w.channels:][:w.channels]
			fill(pixel, least)
			ws[2].seen(x, func(from int) {
				integer.Greatest(pixel, line[from*w.channels:][:w.channels], signed)
			})
		}
	}
}

// seen calls f for the elements of the input that a window sees.
func (w *window) seen(out int, f func(from int)) {
	for k := range w.kernel {
		if from := out*w.stride + k*w.dilation - w.before; from >= 0 && from < w.in {
			f(from)
		}
	}
}

// byteMean is the mean of every channel of images with their channels last.
type byteMean struct {
	device                 *Device
	shape                  tensor.Shape
	from, to               tensor.DType
	batch, plane, channels int
}

func qLinearGlobalAveragePool(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		x := c.Inputs[0].Shape
		for i, d := range []tensor.DType{1: tensor.Float32, 2: c.Inputs[0].DType, 3: tensor.Float32} {
			if i > 0 && (!has(c, i) || c.Inputs[i].Shape.Size() != 1 || len(c.Inputs[i].Shape) > 1 || c.Inputs[i].DType != d) {
				return nil, nil
			}
		}
		if len(x) < 3 || x.Size() == 0 || !has(c, 4) || c.Inputs[4].Shape.Size() != 1 || len(c.Inputs[4].Shape) > 1 {
			return nil, nil
		}
		w := &byteMean{device: d, shape: x.Clone(), from: c.Inputs[0].DType, to: c.Inputs[4].DType, batch: x[0], plane: x[1 : len(x)-1].Size(), channels: x[len(x)-1]}
		if w.plane > 1<<22 { // sums of more may not fit 32 bits
			return nil, nil
		}
		for axis := 1; axis < len(x)-1; axis++ {
			w.shape[axis] = 1
		}
		return w, nil
	}, nil
}

func (w *byteMean) run(ctx context.Context, c *operators.Call) error {
	x, err := elementBytes(c.Inputs[0])
	if err != nil {
		return err
	}
	dst, err := quantizedOutput(c, w.to, w.shape)
	if err != nil {
		return err
	}
	r := w.device.scratch.room()
	defer r.give()
	xScale, err := input[float32](c, 1)
	if err != nil {
		return err
	}
	yScale, err := input[float32](c, 3)
	if err != nil {
		return err
	}
	scale, err := take[float64](r, w.channels)
	if err != nil {
		return err
	}
	for j := range scale {
		scale[j] = float64(xScale[0]) / float64(w.plane) / float64(yScale[0])
	}
	sums, err := take[int32](r, w.channels)
	if err != nil {
		return err
	}
	xZero, _, _, err := target(c, 2, w.from)
	if err != nil {
		return err
	}
	zero, low, high, err := target(c, 4, w.to)
	if err != nil {
		return err
	}
	for n := range w.batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		for j := range sums {
			sums[j] = -xZero * int32(w.plane)
		}
		for i := range w.plane {
			integer.Accumulate(sums, x[(n*w.plane+i)*w.channels:][:w.channels], w.from == tensor.Int8)
		}
		integer.Requantize(dst[n*w.channels:], sums, scale, w.channels, 1, w.channels, w.channels, zero, low, high)
	}
	return nil
}
