package cpu

import (
	"context"
	"math"
	"unsafe"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/integer"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// bytes8 are the quantized types of 8 bits.
var bytes8 = []tensor.DType{tensor.Uint8, tensor.Int8}

// quantize holds QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
var quantize = family{
	{op: "QuantizeLinear", kernel: "quantize", inputs: [][]tensor.DType{{tensor.Float32}, {tensor.Float32}, bytes8}, build: quantizeLinear, accept: toBytes},
	{op: "DequantizeLinear", kernel: "quantize", inputs: [][]tensor.DType{append([]tensor.DType{tensor.Int32}, bytes8...), {tensor.Float32}, nil}, build: dequantizeLinear, accept: toFloat32},
	{op: "DynamicQuantizeLinear", kernel: "quantize", by: byType{tensor.Float32: dynamicQuantizeLinear}},
}

// toBytes takes results of 8 bits, and scales that are not given block by block.
func toBytes(n *graph.Node) operators.Verdict {
	if d := n.DType("output_dtype", tensor.Uint8); n.Input(2) == nil && d != tensor.Uint8 && d != tensor.Int8 {
		return operators.Verdict{Reason: operators.WrongType, Detail: "to " + d.String()}
	}
	if p := n.DType("precision", tensor.Float32); p != tensor.Float32 && p != tensor.Undefined {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "precision " + p.String()}
	}
	return notBlocked(n)
}

func toFloat32(n *graph.Node) operators.Verdict {
	if d := n.DType("output_dtype", tensor.Float32); d != tensor.Float32 && d != tensor.Undefined {
		return operators.Verdict{Reason: operators.WrongType, Detail: "to " + d.String()}
	}
	if z := n.Input(2); z != nil && z.Type.DType != n.Inputs[0].Type.DType {
		return operators.Verdict{Reason: operators.WrongType, Detail: "zero points of " + z.Type.DType.String()}
	}
	return notBlocked(n)
}

func notBlocked(n *graph.Node) operators.Verdict {
	if n.Int("block_size", 0) != 0 {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "block_size"}
	}
	return native
}

// quantization converts between real numbers and integers by scales and zero
// points: one for all elements, or one for each step along an axis.
type quantization struct {
	device   *Device
	node     *graph.Node
	shape    tensor.Shape
	to, from tensor.DType // one of them float32
	n, inner int          // scales, and elements behind one another that have the same
	size     int          // elements of a piece
	tasks    tasks[quantizationTask]
}

func planQuantization(d *Device, n *graph.Node, c *operators.Call) *quantization {
	s := c.Inputs[0].Shape
	w := &quantization{device: d, node: n, shape: s.Clone(), from: c.Inputs[0].DType, n: 1, inner: max(s.Size(), 1)}
	scale := c.Inputs[1].Shape
	if single := scale.Size() == 1 && len(scale) < 2; !single {
		axis, ok := axisIn(n.Int("axis", 1), len(s))
		if len(s) == 1 {
			axis, ok = 0, true // there is no other
		}
		if !ok || !scale.Equal(tensor.Shape{s[axis]}) {
			return nil
		}
		w.n, w.inner = s[axis], s[axis+1:].Size()
	}
	if has(c, 2) && !c.Inputs[2].Shape.Equal(scale) && (w.n > 1 || c.Inputs[2].Shape.Size() != 1) || s.Size() == 0 {
		return nil
	}
	_, w.size = piecesOf(s.Size(), 2, d.threads)
	return w
}

func quantizeLinear(d *Device, n *graph.Node) (planner, error) {
	to := n.DType("output_dtype", tensor.Uint8)
	if to == tensor.Undefined {
		to = tensor.Uint8
	}
	return func(c *operators.Call) (work, error) {
		w := planQuantization(d, n, c)
		if w == nil {
			return nil, nil
		}
		if w.to = to; has(c, 2) {
			w.to = c.Inputs[2].DType
		}
		return w, nil
	}, nil
}

func dequantizeLinear(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := planQuantization(d, n, c)
		if w == nil {
			return nil, nil
		}
		w.to = tensor.Float32
		return w, nil
	}, nil
}

func (w *quantization) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var err error
	if t.a, err = elementBytes(c.Inputs[0]); err != nil {
		return err
	}
	if t.scales, err = input[float32](c, 1); err != nil {
		return err
	}
	if has(c, 2) {
		if t.zeros, err = elementBytes(c.Inputs[2]); err != nil {
			return err
		}
	}
	o, err := c.NewOutput(0, w.to, w.shape)
	if err != nil {
		return err
	}
	if t.dst, err = elementBytes(o); err != nil {
		return err
	}
	return w.device.divide(ctx, (w.shape.Size()+w.size-1)/w.size, t)
}

// quantizationTask is one run of a quantization.
type quantizationTask struct {
	w             *quantization
	dst, a, zeros []byte // elements of any type
	scales        []float32
}

// Do implements parallel.Task.
func (t *quantizationTask) Do(_, piece int) {
	w := t.w
	first := piece * w.size
	end := min(first+w.size, w.shape.Size())
	for i := first; i < end; {
		step := i / w.inner % w.n
		n := min(w.inner-i%w.inner, end-i)
		t.convert(i, n, t.scales[min(step, len(t.scales)-1)], t.zero(step))
		i += n
	}
}

// zero returns a zero point.
func (t *quantizationTask) zero(step int) float32 {
	d := t.w.from
	if d == tensor.Float32 {
		d = t.w.to
	}
	switch {
	case t.zeros == nil:
		return 0
	case d == tensor.Int32:
		zeros := as[int32](t.zeros)
		return float32(zeros[min(step, len(zeros)-1)])
	case d == tensor.Int8:
		return float32(int8(t.zeros[min(step, len(t.zeros)-1)]))
	}
	return float32(t.zeros[min(step, len(t.zeros)-1)])
}

func (t *quantizationTask) convert(i, n int, scale, zero float32) {
	switch t.w.from {
	case tensor.Float32:
		low, high := limitsOf(t.w.to)
		vector.Quantize(t.dst[i:i+n], as[float32](t.a)[i:i+n], scale, zero, low, high)
	case tensor.Uint8:
		vector.DequantizeUnsigned(as[float32](t.dst)[i:i+n], t.a[i:i+n], scale, zero)
	case tensor.Int8:
		vector.DequantizeSigned(as[float32](t.dst)[i:i+n], as[int8](t.a)[i:i+n], scale, zero)
	case tensor.Int32:
		to := as[float32](t.dst)[i : i+n]
		if zero == 0 {
			vector.ScaleIntegers(to, as[int32](t.a)[i:i+n], scale)
			return
		}
		vector.ScaleIntegers(to, as[int32](t.a)[i:i+n], 1)
		vector.SubFloat32.Right(to, to, zero)
		vector.MulFloat32.Right(to, to, scale)
	}
}

// limitsOf returns the least and the greatest number of a type of 8 bits.
func limitsOf(d tensor.DType) (low, high float32) {
	if d == tensor.Int8 {
		return math.MinInt8, math.MaxInt8
	}
	return 0, math.MaxUint8
}

// as views bytes as numbers.
func as[T any](b []byte) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}

// rangeQuantization quantizes to the range that the elements have.
type rangeQuantization struct {
	device *Device
	shape  tensor.Shape
	size   int // elements of a piece
	tasks  tasks[rangeTask]
}

func dynamicQuantizeLinear(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := &rangeQuantization{device: d, shape: c.Inputs[0].Shape.Clone()}
		if w.shape.Size() == 0 {
			return nil, nil
		}
		const least, most = 1 << 12, 1 << 17 // elements of the only piece of a thread
		n := w.shape.Size()
		if w.size = (max((n+d.threads-1)/d.threads, least) + 63) &^ 63; w.size > most {
			_, w.size = piecesOf(n, 1, d.threads)
		}
		return w, nil
	}, nil
}

func (w *rangeQuantization) run(ctx context.Context, c *operators.Call) error {
	a, err := input[float32](c, 0)
	if err != nil {
		return err
	}
	dst, err := output[byte](c, 0, tensor.Uint8, w.shape)
	if err != nil {
		return err
	}
	scale, err := output[float32](c, 1, tensor.Float32, tensor.Shape{})
	if err != nil {
		return err
	}
	zero, err := output[byte](c, 2, tensor.Uint8, tensor.Shape{})
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	pieces := (len(a) + w.size - 1) / w.size
	room, err := w.device.scratch.take(2 * pieces * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	*t = rangeTask{w: w, a: a, least: floats(room, pieces), most: floats(room, 2*pieces)[pieces:]}
	if err := w.device.divide(ctx, pieces, t); err != nil {
		return err
	}
	least, most := vector.Least(t.least), vector.Greatest(t.most)
	t.scale = (most - least) / 255
	t.zero = float32(math.RoundToEven(float64(min(max(-least/t.scale, 0), 255))))
	if t.zero != t.zero {
		return errUnfit // of zeros only, or of NaNs
	}
	scale[0], zero[0] = t.scale, byte(t.zero)
	t.dst = dst
	return w.device.divide(ctx, pieces, t)
}

// rangeTask is one run of a range quantization: first without dst, to find the
// range of every piece.
type rangeTask struct {
	w           *rangeQuantization
	a           []float32
	least, most []float32 // of every piece
	dst         []byte
	scale, zero float32
}

// Do implements parallel.Task.
func (t *rangeTask) Do(_, piece int) {
	first := piece * t.w.size
	end := min(first+t.w.size, len(t.a))
	a := t.a[first:end]
	if t.dst == nil {
		t.least[piece], t.most[piece] = integer.Extent(a)
		return
	}
	vector.Quantize(t.dst[first:end], a, t.scale, t.zero, 0, 255)
}
