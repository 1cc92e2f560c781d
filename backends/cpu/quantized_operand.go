package cpu

import (
	"context"
	"encoding/binary"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

// rowsOf returns the elements of an operand of rows of k integers, unsigned
// and in whole quads, and how far apart the rows lie. Signed elements have 128
// added.
func (t *unsignedTask) rowsOf(ctx context.Context, d *Device, r *room, o operators.Operand, k int) ([]byte, int, error) {
	a, err := elementBytes(o)
	if err != nil || o.DType == tensor.Uint8 && k%4 == 0 {
		return a, k, err
	}
	step := (k + 3) &^ 3
	*t = unsignedTask{a: a, k: k, step: step, flip: o.DType == tensor.Int8, rows: len(a) / k}
	if t.dst, err = take[byte](r, t.rows*step); err != nil {
		return nil, 0, err
	}
	var pieces int
	pieces, t.size = share(t.rows, step/4, d.threads)
	return t.dst, step, d.divide(ctx, pieces, t)
}

// unsignedTask copies rows.
type unsignedTask struct {
	dst, a        []byte
	k, step, rows int
	size          int // rows of a piece
	flip          bool
}

// Do implements parallel.Task.
func (t *unsignedTask) Do(_, piece int) {
	for i := piece * t.size; i < min((piece+1)*t.size, t.rows); i++ {
		to := t.dst[i*t.step:][:t.step]
		copyFlipped(to, t.a[i*t.k:][:t.k], t.flip)
		clear(to[t.k:])
	}
}

// copyFlipped copies bytes, and adds 128 to each if flip is set.
func copyFlipped(dst, src []byte, flip bool) {
	copy(dst, src)
	if !flip {
		return
	}
	dst = dst[:len(src)]
	for len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)^0x8080808080808080)
		dst = dst[8:]
	}
	for i := range dst {
		dst[i] ^= 0x80
	}
}

// zeroPoints returns the zero points in input i, which may be absent; flipped
// ones are of elements to which shift is added.
func zeroPoints(c *operators.Call, r *room, i int, flipped bool, shift int32) ([]int32, error) {
	if !flipped {
		shift = 0
	}
	if !has(c, i) {
		list, err := take[int32](r, 1)
		if err == nil {
			list[0] = shift
		}
		return list, err
	}
	v, err := elementBytes(c.Inputs[i])
	if err != nil {
		return nil, err
	}
	list, err := take[int32](r, len(v))
	if err != nil {
		return nil, err
	}
	for k, z := range v {
		if list[k] = int32(z) + shift; c.Inputs[i].DType == tensor.Int8 {
			list[k] = int32(int8(z)) + shift
		}
	}
	return list, nil
}

// requantization returns by what sums of each of n columns are multiplied: the
// product of the scales of the operands over that of the result.
func requantization(c *operators.Call, r *room, n, aScale, bScale, yScale int) ([]float64, error) {
	var scales [3][]float32
	for k, i := range []int{aScale, bScale, yScale} {
		var err error
		if scales[k], err = input[float32](c, i); err != nil {
			return nil, err
		}
	}
	list, err := take[float64](r, n)
	for j := range list {
		list[j] = float64(scales[0][0]) * float64(scales[1][min(j, len(scales[1])-1)]) / float64(scales[2][0])
	}
	return list, err
}

// target returns the zero point of a result and the bounds of its type.
func target(c *operators.Call, i int, d tensor.DType) (zero, low, high int32, err error) {
	l, h := limitsOf(d)
	low, high = int32(l), int32(h)
	if !has(c, i) {
		return 0, low, high, nil
	}
	v, err := elementBytes(c.Inputs[i])
	if err != nil {
		return 0, 0, 0, err
	}
	if zero = int32(v[0]); d == tensor.Int8 {
		zero = int32(int8(v[0]))
	}
	return zero, low, high, nil
}

// quantizedOutput makes output 0, of 8 bits, and returns its bytes.
func quantizedOutput(c *operators.Call, d tensor.DType, shape tensor.Shape) ([]byte, error) {
	o, err := c.NewOutput(0, d, shape)
	if err != nil {
		return nil, err
	}
	return elementBytes(o)
}
