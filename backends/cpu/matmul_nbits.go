package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// matMulNBits holds MatMulNBits of com.microsoft.
var matMulNBits = family{{op: microsoft + "MatMulNBits", kernel: "gemm/nbits", build: multiplicationOfBits, accept: fewBits, inputs: [][]tensor.DType{
	{tensor.Float32}, {tensor.Uint8}, {tensor.Float32}, {tensor.Uint8, tensor.Float32}, {tensor.Int32}, {tensor.Float32},
}}}

// fewBits takes weights that lie as the specification says.
func fewBits(n *graph.Node) operators.Verdict {
	switch bits := n.Int("bits", 4); {
	case bits < 2 || bits > 8:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "bits"}
	case n.Int("weight_prepacked", 0) != 0:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "weight_prepacked"}
	}
	return native
}

// bitsProduct is the product of rows (m, k) with a matrix whose n columns are
// stored as integers, in blocks that share a scale and a zero point. Columns become
// numbers just before they are multiplied.
type bitsProduct struct {
	device               *Device
	shape                tensor.Shape // of the result
	m, k, n              int
	bits, block          int
	blocks               int       // of a column
	columnBytes, zeroRow int       // bytes of a column, and of its zero points
	inner                int       // elements of a column that are multiplied
	spans                bool      // in the order of vector.Nibbles, rows too
	ordered              bool      // an input says which block an element of a column belongs to
	middle               []float32 // the zero points where none are given
	pieces, size         int       // of columns
	own                  int       // elements of a worker's room
	tasks                tasks[bitsTask]
}

func multiplicationOfBits(d *Device, n *graph.Node) (planner, error) {
	k, columns, block, bits := n.Int("K", 0), n.Int("N", 0), n.Int("block_size", 0), int(n.Int("bits", 4))
	return func(c *operators.Call) (work, error) {
		if min(k, columns) < 1 || max(k, columns, block, k+block) > limit || block < 16 || block&(block-1) != 0 {
			return nil, nil
		}
		w := &bitsProduct{device: d, k: int(k), n: int(columns), bits: bits, block: int(block)}
		w.blocks = (w.k + w.block - 1) / w.block
		w.columnBytes, w.zeroRow = w.blocks*(w.block/8*bits), (w.blocks*bits+7)/8
		a := c.Inputs[0].Shape
		if len(a) < 1 || a[len(a)-1] != w.k || !w.fits(c) {
			return nil, nil
		}
		w.ordered = has(c, 4)
		w.m, w.inner, w.spans = a[:len(a)-1].Size(), w.k, bits == 4 && w.block%vector.NibbleSpan == 0 && !w.ordered
		if w.spans {
			w.inner = w.blocks * w.block
		}
		w.middle = make([]float32, w.blocks)
		vector.Fill(w.middle, float32(int(1)<<(bits-1)))
		w.shape = a.Clone()
		w.shape[len(a)-1] = w.n
		if elements, err := w.shape.Elements(); err != nil || elements == 0 {
			return nil, nil
		}
		w.divide()
		if !roomFits(a.Size()+w.shape.Size()+w.n*w.columnBytes, w.own, d.threads) || !roomFits(a.Size(), w.m, w.inner) {
			return nil, nil
		}
		return w, nil
	}, nil
}

// fits reports whether weights, scales, zero points and bias have as many elements
// as there must be.
func (w *bitsProduct) fits(c *operators.Call) bool {
	bytes := c.Inputs[1].Shape.Size()
	if bytes%w.n != 0 || bytes/w.n != w.columnBytes || c.Inputs[2].Shape.Size() != w.n*w.blocks {
		return false
	}
	if has(c, 3) {
		zeros := w.n * w.blocks
		if c.Inputs[3].DType == tensor.Uint8 {
			zeros = w.n * w.zeroRow
		}
		if c.Inputs[3].Shape.Size() != zeros {
			return false
		}
	}
	return (!has(c, 4) || c.Inputs[4].Shape.Size() >= w.k) && (!has(c, 5) || c.Inputs[5].Shape.Size() == w.n)
}

// divide divides the columns: few rows are multiplied with one after the other, many
// with as many as a tile has.
func (w *bitsProduct) divide() {
	padded := w.blocks * w.block
	if w.m <= mostDots {
		w.own = w.blocks + padded
		w.pieces, w.size = share(w.n, w.k*w.m, w.device.threads)
		return
	}
	w.size = min(matrix.TileWidth(), w.n)
	w.own = w.blocks + 2*padded*w.size
	w.pieces = (w.n + w.size - 1) / w.size
}

func (w *bitsProduct) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.ctx, t.w = ctx, w
	var err error
	if t.a, err = input[float32](c, 0); err != nil {
		return err
	}
	if t.b, err = input[uint8](c, 1); err != nil {
		return err
	}
	if t.scales, err = input[float32](c, 2); err != nil {
		return err
	}
	if has(c, 3) {
		if c.Inputs[3].DType == tensor.Uint8 {
			t.zeros, err = input[uint8](c, 3)
		} else {
			t.floatZeros, err = input[float32](c, 3)
		}
		if err != nil {
			return err
		}
	}
	if w.ordered {
		if t.order, err = t.orderIn(c); err != nil {
			return err
		}
	}
	if has(c, 5) {
		if t.bias, err = input[float32](c, 5); err != nil {
			return err
		}
	}
	if t.dst, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	r := w.device.scratch.room()
	defer r.give()
	if t.rooms, err = take[float32](r, w.device.threads*w.own); err != nil {
		return err
	}
	if !w.spans {
		if t.bytes, err = take[byte](r, w.device.threads*w.blocks*w.block); err != nil {
			return err
		}
		return w.device.divide(ctx, w.pieces, t)
	}
	if t.turned, err = take[float32](r, w.m*w.inner); err != nil {
		return err
	}
	pieces, size := share(w.m, w.inner, w.device.threads)
	t.rows = size
	if err := w.device.divide(ctx, pieces, (*spansTask)(t)); err != nil {
		return err
	}
	t.a = t.turned
	return w.device.divide(ctx, w.pieces, t)
}

// orderIn returns the blocks of a column's elements. It fails with errUnfit where
// there is no such block.
func (t *bitsTask) orderIn(c *operators.Call) ([]int32, error) {
	order, err := input[int32](c, 4)
	if err != nil {
		return nil, err
	}
	order = order[:t.w.k]
	for _, block := range order {
		if block < 0 || int(block) >= t.w.blocks {
			return nil, errUnfit
		}
	}
	return order, nil
}

// spansTask puts rows into the order of vector.Nibbles.
type spansTask bitsTask

// Do implements parallel.Task.
func (t *spansTask) Do(_, piece int) {
	w := t.w
	for i := piece * t.rows; i < min((piece+1)*t.rows, w.m); i++ {
		inSpans(t.turned[i*w.inner:][:w.inner], t.a[i*w.k:][:w.k])
	}
}

// inSpans puts a row into the order of vector.Nibbles, with zeros behind it.
func inSpans(dst, a []float32) {
	const half = vector.NibbleSpan / 2
	for len(dst) > 0 {
		var span [2 * half]float32
		copy(span[:], a)
		for i := range half {
			dst[i], dst[i+half] = span[2*i], span[2*i+1]
		}
		dst, a = dst[2*half:], a[min(2*half, len(a)):]
	}
}

// bitsTask is one run of a bitsProduct.
type bitsTask struct {
	ctx        context.Context
	w          *bitsProduct
	a, dst     []float32
	b          []uint8
	scales     []float32
	zeros      []uint8   // packed as the weights are, or
	floatZeros []float32 // one for each block, or none: the middle of the range
	order      []int32   // the block of each element of a column, where it is not its place
	bias       []float32
	rooms      []float32 // of each worker
	bytes      []byte    // of each worker: weights unpacked; nil for spans
	turned     []float32 // rows in spans
	rows       int       // of a piece of them
}

// Do implements parallel.Task.
func (t *bitsTask) Do(worker, piece int) {
	w := t.w
	room := t.rooms[worker*w.own:][:w.own]
	first, end := piece*w.size, min((piece+1)*w.size, w.n)
	if w.m <= mostDots {
		t.dots(worker, room, first, end)
		return
	}
	zeros, panel := room[:w.blocks], room[w.blocks:]
	padded, count := w.blocks*w.block, end-first
	turned := panel[padded*w.size:]
	for i := range count {
		t.column(worker, panel[i*padded:][:padded], zeros, first+i)
	}
	vector.Turn(turned, panel, w.inner, count, count, padded)
	p := matrix.Product{
		M: w.m, N: count, K: w.inner, A: t.a, AStep: w.inner, B: turned, BStep: count, C: t.dst[first:], CStep: w.n,
		Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	if t.bias != nil {
		p.Row = t.bias[first:end]
	}
	rows, columns := matrix.Tiles(w.m, count)
	const near = 64 // row tiles between looks at whether the run is to go on
	for r := 0; r < rows && t.ctx.Err() == nil; r += near {
		p.Rectangle(r, min(r+near, rows), 0, columns)
	}
}

// dots multiplies all rows with columns [first, end).
func (t *bitsTask) dots(worker int, room []float32, first, end int) {
	w := t.w
	for column := first; column < end; column++ {
		if column%256 == 0 && t.ctx.Err() != nil {
			return
		}
		zeros, numbers := t.zerosOf(room[:w.blocks], column), room[w.blocks:]
		scales, bytes := t.scales[column*w.blocks:][:w.blocks], t.b[column*w.columnBytes:][:w.columnBytes]
		if !w.spans {
			t.column(worker, numbers, room[:w.blocks], column)
		}
		for row := range w.m {
			a, sum := t.a[row*w.inner:][:w.inner], float32(0)
			if w.spans {
				sum = vector.NibblesDot(a, bytes, scales, zeros)
			} else {
				sum = vector.Dot(numbers[:w.inner], a)
			}
			if t.bias != nil {
				sum += t.bias[column]
			}
			t.dst[row*w.n+column] = sum
		}
	}
}

// zerosOf returns the zero points of a column's blocks, which may be put into room.
func (t *bitsTask) zerosOf(room []float32, column int) []float32 {
	w := t.w
	switch {
	case t.floatZeros != nil:
		return t.floatZeros[column*w.blocks:][:w.blocks]
	case t.zeros == nil:
		return w.middle
	}
	var unpacked [64]byte
	packed := t.zeros[column*w.zeroRow:][:w.zeroRow]
	for rest := room; len(rest) > 0; { // 64 numbers are whole bytes
		n := min(len(rest), len(unpacked))
		vector.Unpack(unpacked[:n], packed, w.bits)
		for i, q := range unpacked[:n] {
			rest[i] = float32(q)
		}
		rest, packed = rest[n:], packed[min(len(unpacked)/8*w.bits, len(packed)):]
	}
	return room
}

// column makes numbers of a column of weights; zeros is room for its zero points.
func (t *bitsTask) column(worker int, dst, zeros []float32, column int) {
	w := t.w
	zeros = t.zerosOf(zeros, column)
	scales, from := t.scales[column*w.blocks:][:w.blocks], t.b[column*w.columnBytes:][:w.columnBytes]
	if w.spans {
		vector.Nibbles(dst, from, scales, zeros)
		return
	}
	padded := w.blocks * w.block
	bytes := t.bytes[worker*padded:][:padded]
	vector.Unpack(bytes, from, w.bits)
	if w.ordered {
		for i, block := range t.order {
			dst[i] = (float32(bytes[i]) - zeros[block]) * scales[block]
		}
		return
	}
	for i, scale := range scales {
		vector.DequantizeUnsigned(dst[i*w.block:][:w.block], bytes[i*w.block:], scale, zeros[i])
	}
}
