package cpu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/operators/microsoft"
)

// productCase is the shape of a product, the types of its operands, and their
// zero points.
type productCase struct {
	a, b         tensor.Shape
	left, right  tensor.DType
	aZero, bZero *tensor.Tensor
}

func (c productCase) String() string {
	return fmt.Sprintf("%v%v × %v%v, zero points %v %v", c.left, c.a, c.right, c.b, c.aZero, c.bZero)
}

// productCases are products of all types and sorts of zero points.
func productCases() (list []productCase) {
	bytes := []tensor.DType{tensor.Uint8, tensor.Int8}
	for _, s := range [][2]tensor.Shape{
		{{3, 5}, {5, 4}}, {{1, 7}, {7, 1}}, {{40, 64}, {64, 70}}, {{2, 3, 20, 33}, {33, 17}}, {{2, 1, 4, 9}, {3, 9, 5}}, {{3, 0}, {0, 2}}, {{0, 3}, {3, 2}},
	} {
		for _, left := range bytes {
			for _, right := range bytes {
				one := func(d tensor.DType, v float64) *tensor.Tensor {
					return tensor.FromFloat64s(d, tensor.Shape{}, []float64{v})
				}
				rows, columns := randomBytes(left, s[0][len(s[0])-2]), randomBytes(right, s[1][len(s[1])-1])
				for _, zeros := range [][2]*tensor.Tensor{
					{one(left, 0), one(right, 0)}, {one(left, 127), one(right, 127)}, {one(left, 3), columns}, {rows, one(right, 100)}, {rows, columns},
				} {
					list = append(list, productCase{s[0], s[1], left, right, zeros[0], zeros[1]})
				}
			}
		}
	}
	return list
}

func TestQLinearMatMul(t *testing.T) {
	for i, c := range productCases() {
		t.Run(c.String(), func(t *testing.T) {
			scale := tensor.Scalar(float32(0.03))
			bScale := tensor.Scalar(float32(0.5))
			if n := c.b[len(c.b)-1]; i%3 == 1 {
				bScale = random(uint64(i), tensor.Float32, n)
			}
			yScale, yZero := tensor.Scalar(float32(3)), tensor.Scalar(uint8(128))
			if i%2 == 1 {
				yScale, yZero = tensor.Scalar(float32(0.75)), tensor.Scalar(int8(-5)) // many results saturate
			}
			g := agreement{op: "QLinearMatMul", kernel: "gemm/quantized", inputs: tensors(randomBytes(c.left, c.a...), scale, c.aZero, randomBytes(c.right, c.b...), bScale, c.bZero, yScale, yZero)}
			g.check(t)
			g.constants = []int{1, 2, 3, 4, 5, 6, 7}
			g.check(t)
		})
	}
}

func TestQLinearMatMulOfExtremes(t *testing.T) {
	const k = 3000
	a, b := tensor.Zeros(tensor.Uint8, tensor.Shape{2, k}), tensor.Zeros(tensor.Int8, tensor.Shape{k, 3})
	for i := range tensor.Slice[uint8](a) {
		tensor.Slice[uint8](a)[i] = 255
	}
	for i := range tensor.Slice[int8](b) {
		tensor.Slice[int8](b)[i] = []int8{-128, 127, -127}[i%3]
	}
	one := tensor.Scalar(float32(1))
	agreement{op: "QLinearMatMul", kernel: "gemm/quantized", inputs: tensors(a, one, tensor.Scalar(uint8(0)), b, one, tensor.Scalar(int8(0)), tensor.Scalar(float32(1e6)), tensor.Scalar(uint8(100)))}.check(t)
}

func TestMatMulIntegerToFloat(t *testing.T) {
	for i, c := range productCases() {
		if c.aZero.Len() != 1 || len(c.a) != 2 || len(c.b) != 2 || c.a.Size() == 0 {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			n := c.b[1]
			g := agreement{op: "com.microsoft.MatMulIntegerToFloat", kernel: "gemm/quantized", tolerance: 1e-6,
				inputs: tensors(randomBytes(c.left, c.a...), randomBytes(c.right, c.b...), tensor.Scalar(float32(0.02)), random(uint64(i), tensor.Float32, n), c.aZero, c.bZero, random(uint64(i)+1, tensor.Float32, n))}
			if i%2 == 0 {
				g.inputs[3], g.inputs[6] = tensor.Scalar(float32(0.7)), nil
			}
			g.check(t)
		})
	}
	assert.NotEmpty(t, productCases())
}

func TestMatMulInteger(t *testing.T) {
	for _, left := range []tensor.DType{tensor.Uint8, tensor.Int8} {
		for _, right := range []tensor.DType{tensor.Uint8, tensor.Int8} {
			for _, s := range [][2]tensor.Shape{
				{{3, 5}, {5, 4}}, {{1, 7}, {7, 1}}, {{40, 64}, {64, 70}}, {{2, 3, 20, 33}, {33, 17}}, {{2, 1, 4, 9}, {3, 9, 5}}, {{3, 0}, {0, 2}}, {{0, 3}, {3, 2}}, {{2, 3}, {2, 3}},
			} {
				a, b := randomBytes(left, s[0]...), randomBytes(right, s[1]...)
				for _, zeros := range [][]*tensor.Tensor{
					{}, {tensor.FromFloat64s(left, tensor.Shape{}, []float64{100})},
					{tensor.FromFloat64s(left, tensor.Shape{1}, []float64{3}), tensor.FromFloat64s(right, tensor.Shape{}, []float64{7})},
					{nil, randomBytes(right, s[1][len(s[1])-1])},
					{randomBytes(left, s[0][len(s[0])-2]), randomBytes(right, s[1][len(s[1])-1])},
				} {
					g := agreement{op: "MatMulInteger", kernel: "gemm/integer", inputs: append([]*tensor.Tensor{a, b}, zeros...)}
					g.check(t)
					g.constants = []int{1}
					g.check(t)
				}
			}
		}
	}
}
