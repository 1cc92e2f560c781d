package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/integer"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// quantizedMatmul holds MatMulInteger, QLinearMatMul and, of com.microsoft,
// MatMulIntegerToFloat.
var quantizedMatmul = family{
	{op: "MatMulInteger", kernel: "gemm/integer", inputs: [][]tensor.DType{bytes8, bytes8, bytes8, bytes8},
		build: quantizedProduct(productOperands{a: 0, b: 1, aZero: 2, bZero: 3, aScale: -1, bScale: -1, yScale: -1, yZero: -1, bias: -1})},
	{op: "QLinearMatMul", kernel: "gemm/quantized", inputs: [][]tensor.DType{bytes8, {tensor.Float32}, bytes8, bytes8, {tensor.Float32}, bytes8, {tensor.Float32}, bytes8},
		build: quantizedProduct(productOperands{a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: 5, yScale: 6, yZero: 7, bias: -1})},
	{op: "com.microsoft.MatMulIntegerToFloat", kernel: "gemm/quantized", inputs: [][]tensor.DType{bytes8, bytes8, {tensor.Float32}, {tensor.Float32}, bytes8, bytes8, {tensor.Float32}},
		build: quantizedProduct(productOperands{a: 0, b: 1, aScale: 2, bScale: 3, aZero: 4, bZero: 5, yScale: -1, yZero: -1, bias: 6})},
}

// productOperands says which inputs the operands of a product are, -1 where it
// has none.
type productOperands struct {
	a, aScale, aZero, b, bScale, bZero, yScale, yZero, bias int
}

// result returns the element type of the result.
func (in productOperands) result(c *operators.Call) tensor.DType {
	switch {
	case in.aScale < 0:
		return tensor.Int32
	case in.yZero >= 0:
		return c.Inputs[in.yZero].DType
	}
	return tensor.Float32
}

// quantizedMultiplication is a batch of matrix products (m, k) × (k, n) of
// integers of 8 bits, whose results stay integers, or stand for numbers and are
// brought to steps of their own, or to float32. With a and b the elements as they are multiplied
// and z and y their zero points, shifted alike,
//
//	Σ (a - z) (b - y) = Σ a b - z Σ b - y Σ a + k z y
type quantizedMultiplication struct {
	device  *Device
	in      productOperands
	shape   tensor.Shape // of the result
	to      tensor.DType
	m, k, n int
	rows    int    // of a matrix; m has those of several if the right operand is one
	batch   layout // steps through the operands, in matrices
	batches int
	right   *integer.Columns // the right operand, where it is a constant
	inner   []int            // where the inner extent of the right operand lies

	gridRows, gridColumns int // of tiles in a piece
	pieces, rowPieces     int // pieces that a product has, and those below each other
	tasks                 tasks[quantizedTask]
}

// exactInner is the greatest inner extent whose sums fit 32 bits whatever the
// operands.
const exactInner = (1<<31 - 1) / (255 * 255)

// packedProduct is how a right operand of integers was packed.
type packedProduct struct{}

func quantizedProduct(in productOperands) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		constant := n.Inputs[in.b].Const
		return func(c *operators.Call) (work, error) {
			a, b := c.Inputs[in.a].Shape, c.Inputs[in.b].Shape
			if len(a) < 2 || len(b) < 2 {
				return nil, nil
			}
			la, lb := len(a)-2, len(b)-2
			batch, ok := broadcastShape(a[:la], b[:lb])
			w := &quantizedMultiplication{device: d, in: in, to: in.result(c), m: a[la], k: a[la+1], n: b[lb+1], rows: a[la]}
			w.shape = append(batch.Clone(), w.m, w.n)
			if !ok || w.k != b[lb] || w.k > exactInner && w.to != tensor.Int32 || w.shape.Size() == 0 || w.k == 0 || !w.parametersFit(c) {
				return nil, nil
			}
			w.inner = multiples(w.k, w.n)
			if lb == 0 { // one right operand: all left ones are rows of one matrix
				w.m *= batch.Size()
				batch, la = tensor.Shape{}, 0
				if constant != nil {
					var err error
					if w.right, err = w.pack(constant); err != nil {
						return nil, err
					}
				}
			}
			if w.batch, ok = broadcastLayout(batch, a[:la], b[:lb]); !ok {
				return nil, nil
			}
			w.batches = batch.Size()
			w.gridRows, w.gridColumns = integer.Grid(1, w.m, w.n, w.k, d.threads)
			tileRows, tileColumns := integer.Tiles(1, w.m, w.n)
			w.rowPieces = (tileRows + w.gridRows - 1) / w.gridRows
			w.pieces = w.rowPieces * ((tileColumns + w.gridColumns - 1) / w.gridColumns)
			return w, nil
		}, nil
	}
}

// multiples returns n multiples of step, from 0.
func multiples(n, step int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i * step
	}
	return list
}

// parametersFit reports whether scales and zero points are such as kernels take:
// one for all, or one for each column; of the left operand, zero points for each
// row.
func (w *quantizedMultiplication) parametersFit(c *operators.Call) bool {
	in := w.in
	one := func(i int) bool {
		return i < 0 || !has(c, i) || c.Inputs[i].Shape.Size() == 1 && len(c.Inputs[i].Shape) < 2
	}
	list := func(i, n int) bool { return one(i) || c.Inputs[i].Shape.Equal(tensor.Shape{n}) }
	for _, i := range []int{in.aScale, in.bScale, in.yScale, in.yZero} {
		if i >= 0 && !has(c, i) {
			return false
		}
	}
	bias := in.bias < 0 || !has(c, in.bias) || c.Inputs[in.bias].Shape.Equal(tensor.Shape{w.n})
	return one(in.aScale) && list(in.aZero, w.rows) && list(in.bScale, w.n) && list(in.bZero, w.n) && one(in.yScale) && one(in.yZero) && bias
}

// pack packs a constant right operand.
func (w *quantizedMultiplication) pack(t *tensor.Tensor) (*integer.Columns, error) {
	return packedAs(&w.device.packed, t, packedProduct{}, integer.ColumnsBytes(1, w.k, w.n), func() *integer.Columns {
		return w.matrix(t.Bytes(), t.DType()).Pack(nil)
	})
}

// matrix is a right operand.
func (w *quantizedMultiplication) matrix(b []byte, d tensor.DType) *integer.Matrix {
	return &integer.Matrix{Data: b, Taps: noTaps[:], Inner: w.inner, Columns: w.n, Step: 1, Unsigned: d == tensor.Uint8}
}

// noTaps is where a matrix that is no filter begins.
var noTaps = [1]int{}

func (w *quantizedMultiplication) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	t.room = w.device.scratch.room()
	defer t.room.give()
	if err := t.prepare(ctx, c); err != nil {
		return err
	}
	b, err := elementBytes(c.Inputs[w.in.b])
	if err != nil {
		return err
	}
	var columns []byte
	if t.right = w.right; t.right == nil {
		if columns, err = take[byte](t.room, int(integer.ColumnsBytes(1, w.k, w.n))); err != nil {
			return err
		}
	}
	for i := range w.batches {
		var at cursor
		w.batch.seek(&at, i/w.batch.inner)
		within := i % w.batch.inner
		from := (at.offset[0] + within*w.batch.step(0)) * w.m
		if w.right == nil {
			size := w.k * w.n
			t.right = w.matrix(b[(at.offset[1]+within*w.batch.step(1))*size:][:size], c.Inputs[w.in.b].DType).Pack(columns)
		}
		t.a, t.first = t.left[from*t.step:][:w.m*t.step], i*w.m*w.n
		t.begin(ctx)
		if err := w.device.divide(ctx, w.pieces, t); err != nil {
			return err
		}
	}
	return nil
}

// quantizedTask is one product of one run.
type quantizedTask struct {
	w    *quantizedMultiplication
	room *room

	unsigned              unsignedTask
	left                  []byte // rows step elements apart, unsigned
	step                  int
	leftZeros, rightZeros []int32
	plain                 bool // one zero point on the left, and none on the right
	start                 []int32
	startStep             int
	scale                 []float64 // of results of 8 bits
	factor, bias          []float32 // of results of float32
	zero, low, high       int32
	sums                  []int32 // the result, or
	bytes                 []byte
	floats                []float32

	a     []byte // rows of the product under way
	right *integer.Columns
	first int // element of the result
}

// prepare finds the operands that all products have in common.
func (t *quantizedTask) prepare(ctx context.Context, c *operators.Call) (err error) {
	w, in := t.w, t.w.in
	if t.left, t.step, err = t.unsigned.rowsOf(ctx, w.device, t.room, c.Inputs[in.a], w.k); err != nil {
		return err
	}
	if t.leftZeros, err = zeroPoints(c, t.room, in.aZero, c.Inputs[in.a].DType == tensor.Int8, 128); err != nil {
		return err
	}
	if t.rightZeros, err = zeroPoints(c, t.room, in.bZero, c.Inputs[in.b].DType == tensor.Uint8, -128); err != nil {
		return err
	}
	t.plain = len(t.leftZeros) == 1
	for _, y := range t.rightZeros {
		t.plain = t.plain && y == 0
	}
	if t.plain {
		t.start, err = take[int32](t.room, w.n)
	} else {
		t.start, err = take[int32](t.room, w.m*w.n)
	}
	if err != nil {
		return err
	}
	switch w.to {
	case tensor.Int32:
		t.sums, err = output[int32](c, 0, tensor.Int32, w.shape)
		return err
	case tensor.Float32:
		return t.prepareFloats(c)
	}
	return t.prepareBytes(c)
}

func (t *quantizedTask) prepareFloats(c *operators.Call) error {
	w, in := t.w, t.w.in
	var err error
	if t.floats, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	scale, err := input[float32](c, in.aScale)
	if err != nil {
		return err
	}
	scales, err := input[float32](c, in.bScale)
	if err != nil {
		return err
	}
	if t.factor, err = take[float32](t.room, w.n); err != nil {
		return err
	}
	for j := range t.factor {
		t.factor[j] = scale[0] * scales[min(j, len(scales)-1)]
	}
	if has(c, in.bias) {
		t.bias, err = input[float32](c, in.bias)
		return err
	}
	t.bias, err = take[float32](t.room, w.n)
	clear(t.bias)
	return err
}

func (t *quantizedTask) prepareBytes(c *operators.Call) error {
	w, in := t.w, t.w.in
	var err error
	if t.bytes, err = quantizedOutput(c, w.to, w.shape); err != nil {
		return err
	}
	if t.scale, err = requantization(c, t.room, w.n, in.aScale, in.bScale, in.yScale); err != nil {
		return err
	}
	t.zero, t.low, t.high, err = target(c, in.yZero, w.to)
	return err
}

// begin finds what the sums of a product start from.
func (t *quantizedTask) begin(ctx context.Context) {
	w := t.w
	if t.plain {
		t.startStep = 0
		for j, sum := range t.right.Sums {
			t.start[j] = -t.leftZeros[0] * sum
		}
		return
	}
	t.startStep = w.n
	for i := 0; i < w.m && ctx.Err() == nil; i++ {
		sum := integer.Total(t.a[i*t.step:][:w.k])
		z := t.leftZeros[0]
		if len(t.leftZeros) > 1 {
			z = t.leftZeros[i%w.rows]
		}
		row := t.start[i*w.n:][:w.n]
		for j, column := range t.right.Sums {
			y := t.rightZeros[min(j, len(t.rightZeros)-1)]
			row[j] = int32(w.k)*z*y - z*column - y*sum
		}
	}
}

// Do implements parallel.Task.
func (t *quantizedTask) Do(_, piece int) {
	w := t.w
	p := integer.Product{
		A: t.a, Lines: noTaps[:], Rows: w.m, Step: t.step, Offsets: noOffsets[:], B: t.right, D: t.start, DStep: t.startStep, CStep: w.n,
		Scale: t.scale, Zero: t.zero, Low: t.low, High: t.high, Factor: t.factor, Bias: t.bias,
	}
	switch w.to {
	case tensor.Int32:
		p.Sums = t.sums[t.first:][:w.m*w.n]
	case tensor.Float32:
		p.Floats = t.floats[t.first:][:w.m*w.n]
	default:
		p.Bytes = t.bytes[t.first:][:w.m*w.n]
	}
	// Pieces that follow each other are those of different rows: threads tend to keep
	// theirs from one product to the next.
	r, c := piece%w.rowPieces*w.gridRows, piece/w.rowPieces*w.gridColumns
	tileRows, tileColumns := integer.Tiles(1, w.m, w.n)
	p.Rectangle(r, min(r+w.gridRows, tileRows), c, min(c+w.gridColumns, tileColumns))
}

// noOffsets are those of a product with one tap.
var noOffsets = [1]int64{}
