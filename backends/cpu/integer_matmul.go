package cpu

import (
	"context"
	"unsafe"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// integerMatmul holds MatMulInteger.
var integerMatmul = family{
	{op: "MatMulInteger", kernel: "gemm/integer", inputs: [][]tensor.DType{bytes8}, build: matMulInteger},
}

// integerMultiplication is a batch of matrix products (m, k) × (k, n) of integers
// of 8 bits, of which zero points are subtracted. With a and b the elements as
// they are stored in words, and z and y their zero points, shifted alike,
//
//	Σ (a - z) (b - y) = Σ a b - z Σ b - y Σ a + k z y
type integerMultiplication struct {
	device                  *Device
	shape                   tensor.Shape // of the result
	m, k, n, words          int
	batch                   layout // steps through the operands, in matrices
	batches                 int
	leftSigned, rightSigned bool
	right                   *packedIntegers // the right operand, where it is a constant

	gridRows, gridColumns int // of tiles in a piece
	rows, columns         int // pieces that a product has
	tasks                 tasks[integerTask]
	arrangements          tasks[arrangeTask]
}

// packedIntegers is a right operand with the sums of its columns.
type packedIntegers struct {
	columns *matrix.Columns
	sums    []int32
}

// packedIntegersForm is how a right operand of integers was packed.
type packedIntegersForm struct{}

func matMulInteger(d *Device, n *graph.Node) (planner, error) {
	constant := n.Inputs[1].Const
	return func(c *operators.Call) (work, error) {
		a, b := c.Inputs[0].Shape, c.Inputs[1].Shape
		if len(a) < 2 || len(b) < 2 {
			return nil, nil
		}
		la, lb := len(a)-2, len(b)-2
		w := &integerMultiplication{device: d, m: a[la], k: a[la+1], n: b[lb+1], leftSigned: c.Inputs[0].DType == tensor.Int8, rightSigned: c.Inputs[1].DType == tensor.Int8}
		batch, ok := broadcastShape(a[:la], b[:lb])
		if !ok || w.k != b[lb] {
			return nil, nil
		}
		w.shape = append(batch.Clone(), w.m, w.n)
		if w.shape.Size() == 0 || w.k == 0 || !zerosFit(c, 2, w.m, la == 0) || !zerosFit(c, 3, w.n, lb == 0) {
			return nil, nil
		}
		w.words = matrix.IntegerWords(w.k)
		if lb == 0 {
			if constant != nil {
				var err error
				if w.right, err = d.packIntegers(constant, w.rightSigned); err != nil {
					return nil, err
				}
			}
			if !has(c, 2) || c.Inputs[2].Shape.Size() == 1 { // all left operands are rows of one matrix
				w.m *= batch.Size()
				batch, la = tensor.Shape{}, 0
			}
		}
		if w.batch, ok = broadcastLayout(batch, a[:la], b[:lb]); !ok {
			return nil, nil
		}
		w.batches = batch.Size()
		w.gridRows, w.gridColumns = matrix.IntegerGrid(w.m, w.n, w.words, d.threads)
		r, cs := matrix.IntegerTiles(w.m, w.n)
		w.rows, w.columns = (r+w.gridRows-1)/w.gridRows, (cs+w.gridColumns-1)/w.gridColumns
		return w, nil
	}, nil
}

// zerosFit reports whether zero points are absent, one for all, or one for each of
// n rows or columns.
func zerosFit(c *operators.Call, i, n int, perLine bool) bool {
	if !has(c, i) {
		return true
	}
	s := c.Inputs[i].Shape
	return s.Size() == 1 && len(s) < 2 || perLine && s.Equal(tensor.Shape{n})
}

func (d *Device) packIntegers(t *tensor.Tensor, signed bool) (*packedIntegers, error) {
	s := t.Shape()
	return packedAs(&d.packed, t, packedIntegersForm{}, matrix.IntegerColumnsBytes(s[0], s[1]), func() *packedIntegers {
		columns, sums := matrix.PackIntegers(t.Bytes(), s[0], s[1], s[1], 1, signed)
		return &packedIntegers{columns, sums}
	})
}

func (w *integerMultiplication) run(ctx context.Context, c *operators.Call) error {
	a, err := view[byte](bytesOperand(c.Inputs[0]))
	if err != nil {
		return err
	}
	b, err := view[byte](bytesOperand(c.Inputs[1]))
	if err != nil {
		return err
	}
	dst, err := output[int32](c, 0, tensor.Int32, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	s := &w.device.scratch
	lines, err := s.take((w.m + 2*w.n) * 4)
	if err != nil {
		return err
	}
	defer s.give(lines)
	room := as[int32](lines)
	if t.leftZeros, err = shiftedZeros(c, 2, room[:w.m], matrix.IntegerShift(matrix.Left, w.leftSigned)); err != nil {
		return err
	}
	if t.rightZeros, err = shiftedZeros(c, 3, room[w.m:w.m+w.n], matrix.IntegerShift(matrix.Right, w.rightSigned)); err != nil {
		return err
	}
	var words []byte
	if !matrix.Direct(matrix.Left, w.leftSigned, w.k) {
		if words, err = s.take(w.m * w.words * 4); err != nil {
			return err
		}
		defer s.give(words)
	}
	for i := range w.batches {
		var at cursor
		w.batch.seek(&at, i/w.batch.inner)
		within := i % w.batch.inner
		left := a[(at.offset[0]+within*w.batch.step(0))*w.m*w.k:][:w.m*w.k]
		if t.right = w.right; t.right == nil {
			from := (at.offset[1] + within*w.batch.step(1)) * w.k * w.n
			columns, sums := matrix.PackIntegers(b[from:][:w.k*w.n], w.k, w.n, w.n, 1, w.rightSigned)
			t.right = &packedIntegers{columns, sums}
		}
		if t.left = as[float32](left); words != nil {
			t.left = floats(words, w.m*w.words)
			if err := w.arrange(ctx, t.left, left); err != nil {
				return err
			}
		}
		t.c = dst[i*w.m*w.n:][:w.m*w.n]
		t.begin(room[w.m+w.n:][:w.n], left)
		if err := w.device.divide(ctx, w.rows*w.columns, t); err != nil {
			return err
		}
	}
	return nil
}

// shiftedZeros returns the zero points of an operand, as many as there are lines,
// one if they are all the same.
func shiftedZeros(c *operators.Call, i int, room []int32, shift int32) ([]int32, error) {
	if !has(c, i) {
		room[0] = shift
		return room[:1], nil
	}
	v, err := view[byte](bytesOperand(c.Inputs[i]))
	if err != nil {
		return nil, err
	}
	for k, z := range v {
		if room[k] = int32(z) + shift; c.Inputs[i].DType == tensor.Int8 {
			room[k] = int32(int8(z)) + shift
		}
	}
	return room[:len(v)], nil
}

// arrange puts the rows of the left operand into words.
func (w *integerMultiplication) arrange(ctx context.Context, words []float32, a []byte) error {
	t := w.arrangements.get()
	defer w.arrangements.put(t)
	pieces, size := share(w.m, w.k, w.device.threads)
	*t = arrangeTask{w, words, a, size}
	return w.device.divide(ctx, pieces, t)
}

// arrangeTask puts rows into words.
type arrangeTask struct {
	w     *integerMultiplication
	words []float32
	a     []byte
	size  int // rows of a piece
}

// Do implements parallel.Task.
func (t *arrangeTask) Do(_, piece int) {
	w := t.w
	for i := piece * t.size; i < min((piece+1)*t.size, w.m); i++ {
		matrix.Arrange(t.words[i*w.words:][:w.words], t.a[i*w.k:][:w.k], matrix.Left, w.leftSigned)
	}
}

// integerTask is one product.
type integerTask struct {
	w                     *integerMultiplication
	left                  []float32 // words
	right                 *packedIntegers
	c                     []int32
	leftZeros, rightZeros []int32
	row                   []int32 // what sums start from, the same for all rows; nil: from C
}

// begin finds what the sums start from: what zero points make of the sums of rows
// and columns.
func (t *integerTask) begin(row []int32, a []byte) {
	w := t.w
	simple := len(t.leftZeros) == 1
	for _, y := range t.rightZeros {
		simple = simple && y == 0
	}
	if t.row = nil; simple {
		for j, sum := range t.right.sums {
			row[j] = -t.leftZeros[0] * sum
		}
		t.row = row
		return
	}
	shift := matrix.IntegerShift(matrix.Left, w.leftSigned)
	for i := range w.m {
		sum := int32(w.k) * shift
		for _, v := range a[i*w.k:][:w.k] {
			if w.leftSigned {
				sum += int32(int8(v))
			} else {
				sum += int32(v)
			}
		}
		z := t.leftZeros[min(i, len(t.leftZeros)-1)]
		for j, column := range t.right.sums {
			y := t.rightZeros[min(j, len(t.rightZeros)-1)]
			t.c[i*w.n+j] = int32(w.k)*z*y - z*column - y*sum
		}
	}
}

// Do implements parallel.Task.
func (t *integerTask) Do(_, piece int) {
	w := t.w
	p := matrix.Product{
		M: w.m, N: w.n, K: w.words, A: t.left, AStep: w.words, PackedB: t.right.columns,
		C: wordsOf(t.c), CStep: w.n, Integers: true,
	}
	if p.Row = wordsOf(t.row); t.row == nil {
		p.D, p.DStep = p.C, w.n
	}
	r, c := piece/w.columns*w.gridRows, piece%w.columns*w.gridColumns
	tileRows, tileColumns := matrix.IntegerTiles(w.m, w.n)
	p.Rectangle(r, min(r+w.gridRows, tileRows), c, min(c+w.gridColumns, tileColumns))
}

// wordsOf views integers as words of 32 bits.
func wordsOf(v []int32) []float32 {
	if v == nil {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}
