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
var matMulNBits = family{{op: microsoft + "MatMulNBits", kernel: "gemm/nbits", build: multiplicationOfBits, accept: bytesOfBits, inputs: [][]tensor.DType{
	{tensor.Float32}, {tensor.Uint8}, {tensor.Float32}, {tensor.Uint8, tensor.Float32}, {tensor.Int32}, {tensor.Float32},
}}}

// bytesOfBits takes weights of which one or two are in a byte, in the blocks that
// their places say.
func bytesOfBits(n *graph.Node) operators.Verdict {
	switch bits := n.Int("bits", 4); {
	case bits != 4 && bits != 8:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "bits"}
	case n.Int("weight_prepacked", 0) != 0:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "weight_prepacked"}
	case n.Input(4) != nil:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "g_idx"}
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
		w.m, w.inner, w.spans = a[:len(a)-1].Size(), w.k, bits == 4 && w.block%vector.NibbleSpan == 0
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
	return !has(c, 5) || c.Inputs[5].Shape.Size() == w.n
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
	if has(c, 5) {
		if t.bias, err = input[float32](c, 5); err != nil {
			return err
		}
	}
	if t.dst, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	own := w.device.threads * w.own
	room, err := w.device.scratch.take((own + w.m*w.inner) * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	t.rooms = floats(room, own+w.m*w.inner)
	if w.spans {
		from, to := t.a, t.rooms[own:]
		t.a = to
		if err := w.device.each(ctx, w.m, w.inner, func(first, end int) {
			for i := first; i < end; i++ {
				inSpans(to[i*w.inner:][:w.inner], from[i*w.k:][:w.k])
			}
		}); err != nil {
			return err
		}
	}
	return w.device.divide(ctx, w.pieces, t)
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
	bias       []float32
	rooms      []float32
}

// Do implements parallel.Task.
func (t *bitsTask) Do(worker, piece int) {
	w := t.w
	room := t.rooms[worker*w.own:][:w.own]
	first, end := piece*w.size, min((piece+1)*w.size, w.n)
	if w.m <= mostDots {
		t.dots(room, first, end)
		return
	}
	zeros, panel := room[:w.blocks], room[w.blocks:]
	padded, count := w.blocks*w.block, end-first
	turned := panel[padded*w.size:]
	for i := range count {
		t.column(panel[i*padded:][:padded], zeros, first+i)
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
func (t *bitsTask) dots(room []float32, first, end int) {
	w := t.w
	for column := first; column < end; column++ {
		if column%256 == 0 && t.ctx.Err() != nil {
			return
		}
		zeros, numbers := t.zerosOf(room[:w.blocks], column), room[w.blocks:]
		scales, bytes := t.scales[column*w.blocks:][:w.blocks], t.b[column*w.columnBytes:][:w.columnBytes]
		if !w.spans {
			t.column(numbers, room[:w.blocks], column)
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
	packed := t.zeros[column*w.zeroRow:][:w.zeroRow]
	for i := range room {
		if w.bits == 4 {
			room[i] = float32(packed[i/2] >> (i % 2 * 4) & 15)
		} else {
			room[i] = float32(packed[i])
		}
	}
	return room
}

// column makes numbers of a column of weights; zeros is room for its zero points.
func (t *bitsTask) column(dst, zeros []float32, column int) {
	w := t.w
	zeros = t.zerosOf(zeros, column)
	scales, from := t.scales[column*w.blocks:][:w.blocks], t.b[column*w.columnBytes:][:w.columnBytes]
	if w.spans {
		vector.Nibbles(dst, from, scales, zeros)
		return
	}
	bytes := w.block / 8 * w.bits
	for i, scale := range scales {
		block, from := dst[i*w.block:][:w.block], from[i*bytes:][:bytes]
		for k, q := range from {
			if w.bits == 4 {
				block[2*k], block[2*k+1] = float32(q&15)-zeros[i], float32(q>>4)-zeros[i]
			} else {
				block[k] = float32(q) - zeros[i]
			}
		}
		vector.MulFloat32.Right(block, block, scale)
	}
}
