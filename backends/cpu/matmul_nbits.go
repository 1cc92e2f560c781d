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
	blocks               int // of a column
	columnBytes, zeroRow int // bytes of a column, and of its zero points
	pieces, size         int // of columns
	own                  int // elements of a worker's room
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
		w.m = a[:len(a)-1].Size()
		w.shape = a.Clone()
		w.shape[len(a)-1] = w.n
		if elements, err := w.shape.Elements(); err != nil || elements == 0 {
			return nil, nil
		}
		w.divide()
		if !roomFits(a.Size()+w.shape.Size()+w.n*w.columnBytes, w.own, d.threads) {
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
		w.own = padded
		w.pieces, w.size = share(w.n, w.k*(w.m+4), w.device.threads)
		return
	}
	w.size = min(matrix.TileWidth(), w.n)
	w.own = 2 * padded * w.size
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
	room, err := w.device.scratch.take(w.device.threads * w.own * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	t.rooms = floats(room, w.device.threads*w.own)
	return w.device.divide(ctx, w.pieces, t)
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
	padded, count := w.blocks*w.block, end-first
	turned := room[padded*w.size:]
	for i := range count {
		t.column(room[i*padded:][:padded], first+i)
	}
	vector.Turn(turned, room, w.k, count, count, padded)
	p := matrix.Product{
		M: w.m, N: count, K: w.k, A: t.a, AStep: w.k, B: turned, BStep: count, C: t.dst[first:], CStep: w.n,
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
		t.column(room, column)
		for row := range w.m {
			sum := vector.Dot(room[:w.k], t.a[row*w.k:][:w.k])
			if t.bias != nil {
				sum += t.bias[column]
			}
			t.dst[row*w.n+column] = sum
		}
	}
}

// column makes numbers of a column of weights.
func (t *bitsTask) column(dst []float32, column int) {
	w := t.w
	bytes := w.block / 8 * w.bits
	for i := range w.blocks {
		at := column*w.blocks + i
		zero := float32(int(1) << (w.bits - 1))
		switch {
		case t.floatZeros != nil:
			zero = t.floatZeros[at]
		case t.zeros != nil && w.bits == 4:
			zero = float32(t.zeros[column*w.zeroRow+i/2] >> (i % 2 * 4) & 15)
		case t.zeros != nil:
			zero = float32(t.zeros[column*w.zeroRow+i])
		}
		block, from := dst[i*w.block:][:w.block], t.b[at*bytes:][:bytes]
		if w.bits == 4 {
			nibbles(block, from, zero)
		} else {
			for k, q := range from {
				block[k] = float32(q) - zero
			}
		}
		vector.MulFloat32.Right(block, block, t.scales[at])
	}
}

// pairsOfNibbles are the two numbers in each byte, the low bits first.
var pairsOfNibbles = func() (table [256][2]float32) {
	for b := range table {
		table[b] = [2]float32{float32(b & 15), float32(b >> 4)}
	}
	return table
}()

// nibbles makes numbers of the two halves of each byte, and subtracts zero.
func nibbles(dst []float32, from []uint8, zero float32) {
	dst = dst[:2*len(from)]
	for i, b := range from {
		pair := &pairsOfNibbles[b]
		dst[2*i], dst[2*i+1] = pair[0]-zero, pair[1]-zero
	}
}
