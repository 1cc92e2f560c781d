package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// matmul holds MatMul, Gemm.
var matmul = family{
	{op: "MatMul", kernel: "gemm", by: byType{tensor.Float32: matMul}},
	{op: "Gemm", kernel: "gemm", by: byType{tensor.Float32: gemm}},
}

// multiplication is a batch of matrix products (m, k) × (k, n), with what Gemm
// adds to one.
type multiplication struct {
	behind
	device  *Device
	shape   tensor.Shape // of the result
	m, k, n int
	batch   layout // steps through the operands, in matrices
	batches int
	right   *matrix.Columns // the right operand, where it is a constant

	turnLeft, turnRight bool    // operands are stored transposed
	dots                bool    // the few rows of the left one are multiplied with those that the right one is stored in
	column              bool    // the right one is a column, with which the rows of the left one are multiplied
	alpha, beta         float32 // of the product, unless it is packed into the right operand, and of the bias
	bias                biasKind
	biasAt              int // the input that it is

	gridRows, gridColumns int // of tiles in a piece
	rows, columns         int // pieces that a product has
	tasks                 tasks[multiplicationTask]
}

// biasKind says what input 2 of Gemm is, or what is added to a MatMul.
type biasKind uint8

const (
	noBias biasKind = iota
	scalarBias
	rowBias    // one number for each column
	columnBias // one number for each row
	fullBias
)

// packedRight is how a right operand was packed.
type packedRight struct {
	turned bool
	alpha  float32
}

// packRight packs a constant as the right operand of products: a matrix of the
// given extents, or its transpose.
func (d *Device) packRight(t *tensor.Tensor, rows, columns int, turned bool, alpha float32) (*matrix.Columns, error) {
	return packedAs(&d.packed, t, packedRight{turned, alpha}, matrix.ColumnsBytes(rows, columns), func() *matrix.Columns {
		data := tensor.Slice[float32](t)
		if alpha != 1 {
			scaled := make([]float32, len(data))
			vector.MulFloat32.Right(scaled, data, alpha)
			data = scaled
		}
		innerStep, columnStep := columns, 1
		if turned {
			rows, columns, innerStep, columnStep = columns, rows, 1, columns
		}
		p := matrix.NewColumns(rows, columns)
		d.inParts(p.Tiles(), func(t int) { p.Pack(t, data, innerStep, columnStep) })
		return p
	})
}

// matMul is numpy.matmul: a one-dimensional operand is a row on the left, a
// column on the right, and its axis is not in the result; what lies before the
// last two axes broadcasts.
func matMul(d *Device, n *graph.Node) (planner, error) {
	constant := n.Inputs[1].Const
	return func(c *operators.Call) (work, error) {
		a, b := c.Inputs[0].Shape, c.Inputs[1].Shape
		if len(a) == 0 || len(b) == 0 {
			return nil, nil
		}
		left, other := a, b
		if len(a) == 1 {
			left = tensor.Shape{1, a[0]}
		}
		if len(b) == 1 {
			other = tensor.Shape{b[0], 1}
		}
		la, lb := len(left)-2, len(other)-2
		w := &multiplication{device: d, m: left[la], k: left[la+1], n: other[lb+1], alpha: 1}
		batch, ok := broadcastShape(left[:la], other[:lb])
		if !ok || w.k != other[lb] {
			return nil, nil
		}
		w.shape = batch.Clone()
		if len(a) > 1 {
			w.shape = append(w.shape, w.m)
		}
		if len(b) > 1 {
			w.shape = append(w.shape, w.n)
		}
		if w.shape.Size() == 0 || w.k == 0 {
			return nil, nil
		}
		w.column = w.n == 1 && w.k >= leastColumn
		if lb == 0 { // one right operand: all left ones are rows of one matrix
			if constant != nil && !w.column {
				var err error
				if w.right, err = d.packRight(constant, w.k, w.n, false, 1); err != nil {
					return nil, err
				}
			}
			w.m *= batch.Size()
			batch, la = tensor.Shape{}, 0
		}
		if w.batch, ok = broadcastLayout(batch, left[:la], other[:lb]); !ok {
			return nil, nil
		}
		w.batches = batch.Size()
		w.divide()
		return w, nil
	}, nil
}

func gemm(d *Device, n *graph.Node) (planner, error) {
	alpha, beta := n.Float("alpha", 1), n.Float("beta", 1)
	turnLeft, turnRight := n.Bool("transA", false), n.Bool("transB", false)
	constant := n.Inputs[1].Const
	return func(c *operators.Call) (work, error) {
		a, b := c.Inputs[0].Shape, c.Inputs[1].Shape
		if len(a) != 2 || len(b) != 2 {
			return nil, nil
		}
		w := &multiplication{device: d, m: a[0], k: a[1], n: b[1], alpha: alpha, beta: beta, turnLeft: turnLeft, turnRight: turnRight, batches: 1, biasAt: 2}
		inner := b[0]
		if turnLeft {
			w.m, w.k = a[1], a[0]
		}
		if turnRight {
			w.n, inner = b[0], b[1]
		}
		w.shape = tensor.Shape{w.m, w.n}
		var ok bool
		if w.bias, ok = biasOf(c, w.shape); !ok || inner != w.k || w.shape.Size() == 0 || w.k == 0 {
			return nil, nil
		}
		w.column = w.n == 1 && w.k >= leastColumn && alpha == 1
		switch {
		case w.column:
			w.turnRight = false
		case constant != nil:
			var err error
			if w.right, err = d.packRight(constant, b[0], b[1], turnRight, alpha); err != nil {
				return nil, err
			}
			w.turnRight, w.alpha = false, 1
		}
		w.dots = w.turnRight && w.m <= mostDots
		w.batch, _ = broadcastLayout(tensor.Shape{}, tensor.Shape{}, tensor.Shape{})
		w.divide()
		return w, nil
	}, nil
}

// mostDots is how many rows a left operand has at most for which it does not pay to
// turn the right one.
const mostDots = 4

// leastColumn is how many elements a column has at least for which rows are multiplied
// with it one by one: they fill a register.
const leastColumn = 16

// biasOf returns what input 2 is; it is not ok if it does not broadcast to shape.
func biasOf(c *operators.Call, shape tensor.Shape) (biasKind, bool) {
	if !has(c, 2) {
		return noBias, true
	}
	s := c.Inputs[2].Shape
	if _, ok := broadcastSteps(s, shape); !ok {
		return noBias, false
	}
	switch {
	case s.Size() == 1:
		return scalarBias, true
	case s[len(s)-1] == shape[1] && s.Size() == shape[1]:
		return rowBias, true
	case len(s) == 2 && s[1] == 1:
		return columnBias, true
	}
	return fullBias, true
}

func (w *multiplication) divide() {
	w.gridRows, w.gridColumns = matrix.Grid(w.m, w.n, w.k, w.device.threads)
	r, c := matrix.Tiles(w.m, w.n)
	w.rows, w.columns = (r+w.gridRows-1)/w.gridRows, (c+w.gridColumns-1)/w.gridColumns
}

// fuse implements fusible. Sums start from a row that is added first.
func (w *multiplication) fuse(e *epilogue) {
	w.after = e
	if w.bias != noBias {
		return
	}
	if at, rest, ok := e.row(w.n); ok {
		w.bias, w.biasAt, w.beta, w.after = rowBias, at, 1, rest
	}
}

func (w *multiplication) result() tensor.Shape { return w.shape }

func (w *multiplication) run(ctx context.Context, c *operators.Call) error {
	a, err := input[float32](c, 0)
	if err != nil {
		return err
	}
	b, err := input[float32](c, 1)
	if err != nil {
		return err
	}
	dst, err := output[float32](c, 0, tensor.Float32, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w, t.a, t.b, t.c = w, a, b, dst
	if t.others, err = w.after.load(c); err != nil {
		return err
	}
	s := &w.device.scratch
	if w.turnLeft || w.alpha != 1 {
		room, err := s.take(len(a) * 4)
		if err != nil {
			return err
		}
		defer s.give(room)
		t.a = floats(room, len(a))
		if w.turnLeft {
			turn(t.a, a, w.m, w.k, w.k, w.m)
			a = t.a
		}
		vector.MulFloat32.Right(t.a, a, w.alpha)
	}
	if w.turnRight && !w.dots {
		room, err := s.take(len(b) * 4)
		if err != nil {
			return err
		}
		defer s.give(room)
		t.b = floats(room, len(b))
		turn(t.b, b, w.k, w.n, w.n, w.k)
	}
	if w.bias != noBias && w.beta != 0 {
		bias, err := input[float32](c, w.biasAt)
		if err != nil {
			return err
		}
		room, err := w.scaledBias(t, bias)
		if err != nil {
			return err
		}
		defer s.give(room)
	}
	return w.device.divide(ctx, w.batches*w.rows*w.columns, t)
}

// scaledBias sets the task's bias to beta times the input, and returns the
// scratch that this took.
func (w *multiplication) scaledBias(t *multiplicationTask, bias []float32) ([]byte, error) {
	if w.beta == 1 && w.bias != scalarBias {
		t.bias = bias
		return nil, nil
	}
	n := len(bias)
	if w.bias == scalarBias {
		n = w.n
	}
	room, err := w.device.scratch.take(n * 4)
	if err != nil {
		return nil, err
	}
	t.bias = floats(room, n)
	if w.bias == scalarBias {
		vector.Fill(t.bias, bias[0]*w.beta)
	} else {
		vector.MulFloat32.Right(t.bias, bias, w.beta)
	}
	return room, nil
}

// multiplicationTask is one run of a multiplication.
type multiplicationTask struct {
	w       *multiplication
	a, b, c []float32
	bias    []float32
	others  operands
}

// Do implements parallel.Task.
func (t *multiplicationTask) Do(_, piece int) {
	w := t.w
	perProduct := w.rows * w.columns
	batch := piece / perProduct
	var at cursor
	w.batch.seek(&at, batch/w.batch.inner)
	within := batch % w.batch.inner
	fromA := (at.offset[0] + within*w.batch.step(0)) * w.m * w.k
	p := matrix.Product{
		M: w.m, N: w.n, K: w.k,
		A: t.a[fromA:], AStep: w.k,
		C: t.c[batch*w.m*w.n:], CStep: w.n,
	}
	p.Low, p.High = w.after.bounds()
	if p.PackedB = w.right; w.right == nil {
		fromB := (at.offset[1] + within*w.batch.step(1)) * w.k * w.n
		p.B, p.BStep = t.b[fromB:], w.n
	}
	t.addBias(&p)
	r, c := piece%perProduct/w.columns*w.gridRows, piece%w.columns*w.gridColumns
	tileRows, tileColumns := matrix.Tiles(w.m, w.n)
	r1, c1 := min(r+w.gridRows, tileRows), min(c+w.gridColumns, tileColumns)
	first, _ := matrix.RowTile(w.m, r)
	last, height := matrix.RowTile(w.m, r1-1)
	switch {
	case w.column:
		column(&p, first, last+height)
	case w.dots:
		dots(&p, c*matrix.TileWidth(), min(c1*matrix.TileWidth(), w.n))
	default:
		p.Rectangle(r, r1, c, c1)
	}
	if !w.after.idle() {
		t.finish(batch*w.m*w.n, first, last+height, c*matrix.TileWidth(), min(c1*matrix.TileWidth(), w.n))
	}
}

// column computes rows [r0, r1) of a product whose right operand is a column.
func column(p *matrix.Product, r0, r1 int) {
	dst := p.C[r0:r1]
	vector.Dots(dst, p.A[r0*p.AStep:], p.B[:p.K], p.AStep)
	for i, v := range dst {
		switch {
		case p.D != nil:
			v += p.D[(r0+i)*p.DStep]
		case p.Row != nil:
			v += p.Row[0]
		case p.Column != nil:
			v += p.Column[r0+i]
		}
		dst[i] = min(max(v, p.Low), p.High)
	}
}

// dots computes columns [c0, c1) of a product whose right operand is stored
// transposed.
func dots(p *matrix.Product, c0, c1 int) {
	for i := range p.M {
		row := p.C[i*p.CStep:][:p.N]
		for j := c0; j < c1; j++ {
			v := vector.Dot(p.A[i*p.AStep:][:p.K], p.B[j*p.K:][:p.K])
			switch {
			case p.D != nil:
				v += p.D[i*p.DStep+j]
			case p.Row != nil:
				v += p.Row[j]
			case p.Column != nil:
				v += p.Column[i]
			}
			row[j] = min(max(v, p.Low), p.High)
		}
	}
}

// finish does what follows to rows and columns of a product, whose first element
// is element at of the result.
func (t *multiplicationTask) finish(at, r0, r1, c0, c1 int) {
	w := t.w
	if c1-c0 == w.n { // whole rows lie one behind the other
		from := at + r0*w.n
		w.after.apply(t.c[from:at+r1*w.n], from, &t.others)
		return
	}
	for i := r0; i < r1; i++ {
		from := at + i*w.n + c0
		w.after.apply(t.c[from:from+c1-c0], from, &t.others)
	}
}

// addBias makes a product start from the bias.
func (t *multiplicationTask) addBias(p *matrix.Product) {
	switch {
	case t.bias == nil:
	case t.w.bias == columnBias:
		p.Column = t.bias
	case t.w.bias == fullBias:
		p.D, p.DStep = t.bias, t.w.n
	default:
		p.Row = t.bias
	}
}

// productTask computes one product.
type productTask struct {
	matrix.Product
	gridRows, gridColumns, columns int
}

// multiply computes the task's product, in pieces if that is worth while.
func (d *Device) multiply(ctx context.Context, t *productTask) error {
	t.gridRows, t.gridColumns = matrix.Grid(t.M, t.N, t.K, d.threads)
	r, c := matrix.Tiles(t.M, t.N)
	t.columns = (c + t.gridColumns - 1) / t.gridColumns
	return d.divide(ctx, (r+t.gridRows-1)/t.gridRows*t.columns, t)
}

// Do implements parallel.Task.
func (t *productTask) Do(_, piece int) {
	r, c := piece/t.columns*t.gridRows, piece%t.columns*t.gridColumns
	rows, columns := matrix.Tiles(t.M, t.N)
	t.Rectangle(r, min(r+t.gridRows, rows), c, min(c+t.gridColumns, columns))
}
