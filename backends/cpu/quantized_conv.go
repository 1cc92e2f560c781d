package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/integer"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// quantizedConv holds ConvInteger, QLinearConv and, of com.microsoft,
// QLinearConv.
var quantizedConv = family{
	{op: "ConvInteger", kernel: "conv/integer", inputs: [][]tensor.DType{bytes8, bytes8, bytes8, bytes8},
		build: integerConv(convOperands{x: 0, w: 1, xZero: 2, wZero: 3, xScale: -1, wScale: -1, yScale: -1, yZero: -1, bias: -1}), accept: spatialImage(1)},
	{op: "QLinearConv", kernel: "conv/quantized", inputs: qLinearConvTypes, build: integerConv(qLinearConvOperands), accept: spatialImage(3)},
	{op: "com.microsoft.QLinearConv", kernel: "conv/quantized", inputs: qLinearConvTypes, build: integerConv(qLinearConvOperands), accept: spatialImage(3)},
}

var (
	qLinearConvTypes    = [][]tensor.DType{bytes8, {tensor.Float32}, bytes8, bytes8, {tensor.Float32}, bytes8, {tensor.Float32}, bytes8, {tensor.Int32}}
	qLinearConvOperands = convOperands{x: 0, xScale: 1, xZero: 2, w: 3, wScale: 4, wZero: 5, yScale: 6, yZero: 7, bias: 8}
)

// convOperands says which inputs the operands of a convolution are, -1 where it
// has none.
type convOperands struct {
	x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias int
}

// spatialImage takes one to three spatial axes, where that is known.
func spatialImage(filters int) func(n *graph.Node) operators.Verdict {
	return func(n *graph.Node) operators.Verdict {
		return spatial(&graph.Node{Inputs: []*graph.Value{n.Inputs[0], n.Inputs[filters]}})
	}
}

// integerConvolution is a convolution of integers of 8 bits, whose sums are the
// result or are brought to steps of their own. Images have their channels last:
// each line of the result is a product of pixels and filters. With x and w the
// elements as they are multiplied and z and y their zero points, shifted alike,
// a sum is
//
//	Σ (x - z) (w - y) = Σ x w - z Σ w - y Σ x + k z y
type integerConvolution struct {
	device                           *Device
	in                               convOperands
	fast                             bool         // results are rounded from float32, as com.microsoft's operator is computed
	last                             bool         // images and results have their channels last
	shape                            tensor.Shape // of the result
	to                               tensor.DType
	batch, channels, filters, groups int
	pixels                           *pixels
	depth                            int // what a filter sees: channels of a group × taps
	layout                           *filterLayout
	packed                           *packedFilter // where the filters are constants
	planewise                        bool          // each channel has one filter of its own
	quadOffsets                      []int64       // of the pixels, for such filters

	gridRows, gridColumns int // of tiles in a piece
	pieces, columns       int // pieces that a group has, and those side by side
	tasks                 tasks[integerConvTask]
}

func integerConv(in convOperands) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		constant := n.Inputs[in.w].Const
		return func(c *operators.Call) (work, error) {
			w := &integerConvolution{device: d, in: in, fast: n.Domain != "", to: tensor.Int32, last: n.Bool("channels_last", false), groups: int(n.Int("group", 1))}
			if !w.arrange(n, c) {
				return nil, nil
			}
			if constant != nil {
				var err error
				if w.packed, err = w.pack(constant); err != nil {
					return nil, err
				}
			}
			return w, nil
		}, nil
	}
}

// arrange finds the shapes of everything. It reports whether the kernel is for
// them.
func (w *integerConvolution) arrange(n *graph.Node, c *operators.Call) bool {
	x, f, in := c.Inputs[w.in.x].Shape, c.Inputs[w.in.w].Shape, w.in
	if len(x) < 3 || len(f) != len(x) || x.Size() == 0 || f.Size() == 0 || w.groups < 1 {
		return false
	}
	w.batch, w.channels, w.filters, w.depth = x[0], x[1], f[0], f[1:].Size()
	space := x[2:]
	if w.last {
		w.channels, space = x[len(x)-1], x[1:len(x)-1]
	}
	if w.filters%w.groups != 0 || f[1]*w.groups != w.channels || w.depth > exactInner {
		return false
	}
	ws, ok := windowsOf(n, space, f[2:])
	if !ok || volume(ws.out()) == 0 || !kernelFits(n, f) || !w.parametersFit(c) {
		return false
	}
	if in.yZero >= 0 {
		w.to = c.Inputs[in.yZero].DType
	}
	out := ws.out()
	spaceOut := tensor.Shape(out[len(out)-len(space):])
	w.shape = append(tensor.Shape{w.batch, w.filters}, spaceOut...)
	if w.last {
		w.shape = append(append(tensor.Shape{w.batch}, spaceOut...), w.filters)
	}
	w.planewise = f[1] == 1 && w.filters == w.channels && w.groups > 1
	merged := !w.planewise && w.groups == 1 && (ws[2].dilation == 1 || ws[2].kernel == 1)
	seen := w.channels / w.groups // bytes side by side that a tap sees
	if merged {
		seen *= ws[2].kernel
	}
	w.pixels = newPixels(ws, w.batch, w.channels, merged, w.last && c.Inputs[in.x].DType == tensor.Uint8 && (seen%4 == 0 || w.planewise))
	if !roomFits(x.Size()+w.shape.Size(), w.batch, w.pixels.size) {
		return false
	}
	if in.yScale >= 0 && !w.planewise {
		w.pixels.spread()
	}
	if w.planewise {
		w.quadOffsets = integer.QuadOffsets(w.pixels.offsets)
	}
	w.layout = newFilterLayout(f, w.groups, ws.kernel(), merged, w.planewise)
	rows := w.filters / w.groups
	lines, perLine := len(w.pixels.lines), w.pixels.rows
	w.gridRows, w.gridColumns = integer.Grid(lines, perLine, rows, w.depth, w.device.threads)
	tileRows, tileColumns := integer.Tiles(lines, perLine, rows)
	w.columns = (tileColumns + w.gridColumns - 1) / w.gridColumns
	w.pieces = (tileRows + w.gridRows - 1) / w.gridRows * w.columns
	return true
}

// parametersFit reports whether scales and zero points are such as kernels take:
// one for all, or for the filters one for each.
func (w *integerConvolution) parametersFit(c *operators.Call) bool {
	in := w.in
	one := func(i int) bool {
		return i < 0 || !has(c, i) || c.Inputs[i].Shape.Size() == 1 && len(c.Inputs[i].Shape) < 2
	}
	list := func(i int) bool { return one(i) || c.Inputs[i].Shape.Equal(tensor.Shape{w.filters}) }
	for _, i := range []int{in.xScale, in.wScale, in.yScale, in.yZero} {
		if i >= 0 && !has(c, i) {
			return false
		}
	}
	bias := in.bias < 0 || !has(c, in.bias) || c.Inputs[in.bias].Shape.Equal(tensor.Shape{w.filters})
	return one(in.xScale) && one(in.xZero) && list(in.wScale) && list(in.wZero) && one(in.yScale) && one(in.yZero) && bias
}

func (w *integerConvolution) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w, t.ctx = w, ctx
	t.room = w.device.scratch.room()
	defer t.room.give()
	if t.packed = w.packed; t.packed == nil {
		f, err := elementBytes(c.Inputs[w.in.w])
		if err != nil {
			return err
		}
		t.packed = w.layout.pack(f, c.Inputs[w.in.w].DType)
	}
	if err := t.prepare(c); err != nil {
		return err
	}
	if w.planewise {
		if err := t.runPlanewise(ctx); err != nil {
			return err
		}
		return t.deliver()
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	if err := w.device.divide(ctx, w.groups*w.pieces, t); err != nil {
		return err
	}
	if t.spread != nil {
		w.pixels.gather(t.bytes, t.spread, w.filters)
	}
	return t.deliver()
}

// integerConvTask is one run of a convolution.
type integerConvTask struct {
	w      *integerConvolution
	ctx    context.Context
	room   *room
	packed *packedFilter

	image           []byte // unsigned, with padding
	xZero           int32
	wZeros          []int32
	plain           bool // filters have no zero points
	bias            []int32
	start           []int32
	startStep       int
	scale           []float64
	factor          []float32 // scale, where float32 is enough
	zero, low, high int32
	bytes, toBytes  []byte  // the result with its channels last, and in the end
	spread          []byte  // the result of windows of which some are over
	sums, toSums    []int32 // the same of ConvInteger
	planewise       planewiseSums
	pixels          pixelsTask
}

// prepare finds the operands and draws the image.
func (t *integerConvTask) prepare(c *operators.Call) (err error) {
	w, in := t.w, t.w.in
	zeros, err := zeroPoints(c, t.room, in.xZero, c.Inputs[in.x].DType == tensor.Int8, 128)
	if err != nil {
		return err
	}
	t.xZero = zeros[0]
	shifted := c.Inputs[in.w].DType == tensor.Uint8 && !w.planewise
	if t.wZeros, err = zeroPoints(c, t.room, in.wZero, shifted, -128); err != nil {
		return err
	}
	t.plain = true
	for _, y := range t.wZeros {
		t.plain = t.plain && y == 0
	}
	if in.bias >= 0 && has(c, in.bias) {
		if t.bias, err = input[int32](c, in.bias); err != nil {
			return err
		}
	}
	if err := t.outputs(c); err != nil {
		return err
	}
	x, err := elementBytes(c.Inputs[in.x])
	if err != nil {
		return err
	}
	if t.image = x; w.pixels.direct {
		return nil
	}
	if t.image, err = take[byte](t.room, w.batch*w.pixels.size+slack); err != nil {
		return err
	}
	t.pixels = pixelsTask{p: w.pixels, dst: t.image, x: x, last: w.last, blank: byte(t.xZero), signed: c.Inputs[in.x].DType == tensor.Int8}
	return w.device.drawPixels(t.ctx, &t.pixels)
}

// outputs makes the result, and room for it with its channels last.
func (t *integerConvTask) outputs(c *operators.Call) (err error) {
	w, in := t.w, t.w.in
	if in.yScale < 0 {
		if t.toSums, err = output[int32](c, 0, tensor.Int32, w.shape); err != nil {
			return err
		}
		if t.sums = t.toSums; !w.last {
			t.sums, err = take[int32](t.room, len(t.toSums))
		}
		return err
	}
	if t.toBytes, err = quantizedOutput(c, w.to, w.shape); err != nil {
		return err
	}
	if t.bytes = t.toBytes; !w.last {
		if t.bytes, err = take[byte](t.room, len(t.toBytes)); err != nil {
			return err
		}
	}
	if p := w.pixels; p.pitch > 0 {
		if t.spread, err = take[byte](t.room, len(p.lines)*p.rows*w.filters); err != nil {
			return err
		}
	}
	if t.scale, err = requantization(c, t.room, w.filters, in.xScale, in.wScale, in.yScale); err != nil {
		return err
	}
	if w.fast {
		if t.factor, err = take[float32](t.room, w.filters); err != nil {
			return err
		}
		for j, v := range t.scale {
			t.factor[j] = float32(v)
		}
	}
	t.zero, t.low, t.high, err = target(c, in.yZero, w.to)
	return err
}

// begin finds what sums start from.
func (t *integerConvTask) begin(ctx context.Context) (err error) {
	w := t.w
	if t.start, err = take[int32](t.room, w.filters); err != nil {
		return err
	}
	perGroup := w.filters / w.groups
	for j := range t.start {
		y := t.wZeros[min(j, len(t.wZeros)-1)]
		t.start[j] = t.biasOf(j) - t.xZero*(t.packed.groups[j/perGroup].Sums[j%perGroup]-int32(w.depth)*y)
	}
	if t.plain {
		return nil
	}
	pixels := len(w.pixels.lines) * w.pixels.rows
	row := t.start
	if t.start, err = take[int32](t.room, pixels*w.filters); err != nil {
		return err
	}
	t.startStep = w.filters
	seen, err := take[int32](t.room, pixels)
	if err != nil {
		return err
	}
	var none [1]int32
	for g := range w.groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := t.product(g)
		p.B, p.D, p.DStep, p.Sums, p.CStep, p.Bytes = t.packed.ones, none[:], 0, seen, 1, nil
		rows, columns := integer.Tiles(len(p.Lines), p.Rows, 1)
		step, _ := integer.Grid(len(p.Lines), p.Rows, 1, w.depth, 1)
		for r := 0; r < rows && ctx.Err() == nil; r += step {
			p.Rectangle(r, min(r+step, rows), 0, columns)
		}
		first := g * perGroup
		for i, sum := range seen {
			t.correct(t.start[i*w.filters+first:][:perGroup], row[first:][:perGroup], first, sum)
		}
	}
	return nil
}

// correct takes what the filters from first on see too much, where what they see adds
// up to sum, off what their sums start from.
func (t *integerConvTask) correct(dst, start []int32, first int, sum int32) {
	dst = dst[:len(start)]
	if len(t.wZeros) == 1 {
		sum *= t.wZeros[0]
		for j, v := range start {
			dst[j] = v - sum
		}
		return
	}
	zeros := t.wZeros[first:][:len(start)]
	for j, v := range start {
		dst[j] = v - zeros[j]*sum
	}
}

func (t *integerConvTask) biasOf(j int) int32 {
	if t.bias == nil {
		return 0
	}
	return t.bias[j]
}

// product is that of a group.
func (t *integerConvTask) product(g int) integer.Product {
	w := t.w
	perGroup := w.filters / w.groups
	first := g * perGroup
	bytes := t.bytes
	if t.spread != nil {
		bytes = t.spread
	}
	p := integer.Product{
		A: t.image[g*(w.channels/w.groups):], Lines: w.pixels.lines, Rows: w.pixels.rows, Step: w.pixels.step, Offsets: w.pixels.offsets,
		B: t.packed.groups[g], D: t.start[first:], DStep: t.startStep, CStep: w.filters,
		Zero: t.zero, Low: t.low, High: t.high,
	}
	switch {
	case t.sums != nil:
		p.Sums = t.sums[first:]
	case w.fast:
		p.Bytes, p.Factor = bytes[first:], t.factor[first:]
	default:
		p.Bytes, p.Scale = bytes[first:], t.scale[first:]
	}
	return p
}

// Do implements parallel.Task.
func (t *integerConvTask) Do(_, piece int) {
	w := t.w
	p := t.product(piece / w.pieces)
	piece %= w.pieces
	r, c := piece/w.columns*w.gridRows, piece%w.columns*w.gridColumns
	tileRows, tileColumns := integer.Tiles(len(p.Lines), p.Rows, w.filters/w.groups)
	p.Rectangle(r, min(r+w.gridRows, tileRows), c, min(c+w.gridColumns, tileColumns))
}

// deliver brings the result to the order of axes that is wanted.
func (t *integerConvTask) deliver() error {
	w := t.w
	if w.last {
		return t.ctx.Err()
	}
	pixels := w.shape.Size() / w.batch / w.filters
	for n := range w.batch {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		first := n * pixels * w.filters
		if t.sums != nil {
			turn(t.toSums[first:], t.sums[first:], w.filters, pixels, pixels, w.filters)
		} else {
			turn(t.toBytes[first:], t.bytes[first:], w.filters, pixels, pixels, w.filters)
		}
	}
	return nil
}
