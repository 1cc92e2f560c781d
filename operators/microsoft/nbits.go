package microsoft

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// packing is how MatMulNBits stores a matrix of K rows and N columns: column by
// column, in blocks of elements that share a scale and a zero point, each
// element a number of bits, the first one in the low bits.
type packing struct {
	k, n, block, bits int
	blocks            int // of a column
}

// packingOf reads the attributes of a node.
func packingOf(n *graph.Node) (packing, error) {
	k, columns, block, bits := n.Int("K", 0), n.Int("N", 0), n.Int("block_size", 0), n.Int("bits", 4)
	const most = 1 << 30
	switch {
	case k < 1 || columns < 1 || k > most || columns > most:
		return packing{}, fmt.Errorf("K is %d and N is %d, they must be in [1, 2^30]", k, columns)
	case block < 16 || block > most || block&(block-1) != 0:
		return packing{}, fmt.Errorf("block_size is %d, it must be a power of 2 and at least 16", block)
	case bits < 2 || bits > 8:
		return packing{}, fmt.Errorf("bits is %d, it must be in [2, 8]", bits)
	case n.Int("weight_prepacked", 0) != 0:
		return packing{}, fmt.Errorf("weight_prepacked is %d: weights in the layout of one execution provider are not read", n.Int("weight_prepacked", 0))
	}
	_, err := tensor.Shape{int(columns), int(k + block)}.Elements()
	return packing{int(k), int(columns), int(block), int(bits), int((k + block - 1) / block)}, err
}

// element returns the i-th element of a row of packed ones.
func (p packing) element(row []byte, i int) uint8 {
	at, shift := i*p.bits/8, i*p.bits%8
	v := uint(row[at]) >> shift
	if shift+p.bits > 8 {
		v |= uint(row[at+1]) << (8 - shift)
	}
	return uint8(v & (1<<p.bits - 1))
}

// weights returns the elements of B, (N, K), from the bytes of input 1.
func (p packing) weights(b *tensor.Tensor) ([]uint8, error) {
	blob := p.block * p.bits / 8
	if want := p.n * p.blocks * blob; b.Len() != want {
		return nil, unequal("B", b.Shape(), tensor.Shape{p.n, p.blocks, blob})
	}
	data := b.Bytes()
	out := make([]uint8, 0, p.n*p.k)
	for column := range p.n {
		for i := range p.k {
			out = append(out, p.element(data[(column*p.blocks+i/p.block)*blob:][:blob], i%p.block))
		}
	}
	return out, nil
}

// zeros returns the zero points, (N, blocks), from packed ones.
func (p packing) zeros(z *tensor.Tensor) ([]uint8, error) {
	row := (p.blocks*p.bits + 7) / 8
	if z.Len() != p.n*row {
		return nil, unequal("zero_points", z.Shape(), tensor.Shape{p.n, row})
	}
	data := z.Bytes()
	out := make([]uint8, 0, p.n*p.blocks)
	for column := range p.n {
		for i := range p.blocks {
			out = append(out, p.element(data[column*row:][:row], i))
		}
	}
	return out, nil
}

// inferMatMulNBits replaces the last extent of A, which is K, by N.
func inferMatMulNBits(c *infer.Call) error {
	p, err := packingOf(c.Node)
	if err != nil {
		return err
	}
	a := c.Dims(0).Clone()
	if !a.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	last := len(a) - 1
	if last < 0 || a[last].IsKnown() && a[last].Size != p.k {
		return fmt.Errorf("A has the shape %v, its last extent must be K, %d", a, p.k)
	}
	a[last] = tensor.Known(p.n)
	c.Set(0, c.DType(0), a)
	return nil
}

// matMulNBits dequantizes the matrix block by block and multiplies. Weights and
// zero points must be constants: they are unpacked once.
func matMulNBits(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	p, err := packingOf(n)
	if err != nil {
		return nil, err
	}
	zero := e.in(3)
	switch {
	case e.in(1).Const == nil || zero != nil && zero.Const == nil:
		return nil, fmt.Errorf("weights and zero points must be constants")
	case zero != nil && zero.Const.DType() != tensor.Uint8:
		return nil, fmt.Errorf("zero points of type %v are none of quantized numbers", zero.Const.DType())
	case e.in(4) != nil:
		return nil, fmt.Errorf("g_idx orders the scales")
	}
	d := tensor.Uint8
	if p.bits <= 4 {
		d = tensor.Uint4
	}
	weights, err := p.weights(e.in(1).Const)
	if err != nil {
		return nil, err
	}
	zeros := make([]uint8, p.n*p.blocks)
	for i := range zeros {
		zeros[i] = 1 << (p.bits - 1)
	}
	if zero != nil {
		if zeros, err = p.zeros(zero.Const); err != nil {
			return nil, err
		}
	}
	matrix := e.Op("DequantizeLinear", []*graph.Value{
		e.Const(narrow(d, weights, p.n, p.k)),
		e.do("Reshape", e.in(2), e.Ints(int64(p.n), int64(p.blocks))),
		e.Const(narrow(d, zeros, p.n, p.blocks)),
	}, graph.A("axis", int64(1)), graph.A("block_size", int64(p.block)))
	y := e.do("MatMul", e.in(0), e.transpose(matrix, 1, 0))
	return []*graph.Value{e.plus(y, e.in(5))}, nil
}

// narrow makes a tensor of uint8 or, two to a byte, of uint4.
func narrow(d tensor.DType, v []uint8, shape ...int) *tensor.Tensor {
	if d == tensor.Uint8 {
		return tensor.Of(v, shape...)
	}
	t := tensor.Zeros(d, shape)
	for i, e := range v {
		t.Bytes()[i/2] |= e << (i % 2 * 4)
	}
	return t
}

// computeMatMulNBits takes the zero points packed or, in the type of A, as they
// are, and lets g_idx say which block each row of the matrix belongs to.
func computeMatMulNBits(c *reference.Call) ([]tensor.Value, error) {
	p, err := packingOf(c.Node)
	if err != nil {
		return nil, err
	}
	a, scales, rank := c.Tensor(0), c.Tensor(2).Float64s(), c.Tensor(0).Rank()
	if rank < 1 || a.Shape()[rank-1] != p.k {
		return nil, fmt.Errorf("A has the shape %v, its last extent must be K, %d", a.Shape(), p.k)
	}
	weights, err := p.weights(c.Tensor(1))
	if err != nil {
		return nil, err
	}
	if len(scales) != p.n*p.blocks {
		return nil, unequal("scales", c.Tensor(2).Shape(), tensor.Shape{p.n, p.blocks})
	}
	zeros, err := p.zeroPoints(c.Tensor(3))
	if err != nil {
		return nil, err
	}
	group, err := p.groups(c)
	if err != nil {
		return nil, err
	}
	bias := make([]float64, p.n)
	if t := c.Tensor(5); t != nil {
		if bias = t.Float64s(); len(bias) != p.n {
			return nil, unequal("bias", t.Shape(), tensor.Shape{p.n})
		}
	}
	shape := a.Shape().Clone()
	shape[rank-1] = p.n
	if _, err := shape.Elements(); err != nil {
		return nil, err
	}
	y := make([]float64, 0, shape.Size())
	rows := a.Float64s()
	for range shape[:rank-1].Size() {
		for column := range p.n {
			sum := bias[column]
			for i, x := range rows[:p.k] {
				at := column*p.blocks + group(i)
				sum += x * (float64(weights[column*p.k+i]) - zeros[at]) * scales[at]
			}
			y = append(y, sum)
		}
		rows = rows[p.k:]
	}
	return []tensor.Value{tensor.FromFloat64s(a.DType(), shape, y)}, nil
}

// zeroPoints returns those of every block: given packed, given as numbers, or
// the middle of the range.
func (p packing) zeroPoints(z *tensor.Tensor) ([]float64, error) {
	out := make([]float64, p.n*p.blocks)
	switch {
	case z == nil:
		for i := range out {
			out[i] = float64(int(1) << (p.bits - 1))
		}
	case z.DType() != tensor.Uint8:
		if z.Len() != len(out) {
			return nil, unequal("zero_points", z.Shape(), tensor.Shape{p.n, p.blocks})
		}
		return z.Float64s(), nil
	default:
		packed, err := p.zeros(z)
		if err != nil {
			return nil, err
		}
		for i, v := range packed {
			out[i] = float64(v)
		}
	}
	return out, nil
}

// groups returns the block whose scale row i of the matrix has.
func (p packing) groups(c *reference.Call) (func(i int) int, error) {
	ids := c.Ints(4)
	if ids == nil {
		return func(i int) int { return i / p.block }, nil
	}
	if len(ids) < p.k {
		return nil, unequal("g_idx", c.Tensor(4).Shape(), tensor.Shape{p.k})
	}
	for _, id := range ids[:p.k] {
		if id < 0 || id >= int64(p.blocks) {
			return nil, fmt.Errorf("g_idx names block %d of %d", id, p.blocks)
		}
	}
	return func(i int) int { return int(ids[i]) }, nil
}
