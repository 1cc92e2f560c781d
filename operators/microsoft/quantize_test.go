package microsoft_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// Scales are powers of 2, so that float32 and float64 round alike.
func TestOperatorsOnQuantizedNumbers(t *testing.T) {
	d := newDice()
	signed := func(shape ...int) *tensor.Tensor { return ints[int8](d, -128, 127, shape...) }
	unsigned := func(shape ...int) *tensor.Tensor { return ints[uint8](d, 0, 255, shape...) }
	half, quarter, eighth := scalar(float32(0.5)), scalar(float32(0.25)), tensor.Of([]float32{0.125})
	s3, u9 := scalar(int8(3)), scalar(uint8(9))
	fine := scalar(float32(1.0 / 64))
	prove(t, []use{
		{name: "int8", op: "QLinearAdd", in: []*tensor.Tensor{signed(2, 3), half, s3, signed(3), quarter, s3, eighth, s3}, exact: true},
		{name: "no zero points", op: "QLinearAdd", in: []*tensor.Tensor{signed(2, 3), half, nil, signed(2, 1), quarter, nil, half}, exact: true},
		{name: "uint8", op: "QLinearMul", in: []*tensor.Tensor{unsigned(2, 3), half, u9, unsigned(3), quarter, u9, half, u9}, exact: true},
		{name: "scalar", op: "QLinearMul", in: []*tensor.Tensor{unsigned(2, 3), half, nil, unsigned(), quarter, nil, half}, exact: true},
		{name: "uint8", op: "QLinearSigmoid", in: []*tensor.Tensor{unsigned(4, 4), fine, u9, fine, u9}},
		{name: "int8", op: "QLinearLeakyRelu", in: []*tensor.Tensor{signed(4, 4), half, s3, quarter, s3}, attrs: attrs(graph.A("alpha", float32(0.5))), exact: true},
		{name: "alpha", op: "QLinearLeakyRelu", in: []*tensor.Tensor{signed(4, 4), half, nil, quarter}},
		{name: "axis 1", op: "QLinearConcat", attrs: attrs(graph.A("axis", int64(1))), exact: true,
			in: []*tensor.Tensor{half, u9, unsigned(2, 3), quarter, u9, unsigned(2, 1), half, u9, unsigned(2, 0), half, u9}},
		{name: "int8", op: "QLinearWhere", in: []*tensor.Tensor{tensor.Of([]bool{true, false, true}), signed(2, 3), half, s3, signed(3), quarter, s3, half, s3}, exact: true},
		{name: "last axis", op: "QLinearSoftmax", in: []*tensor.Tensor{unsigned(2, 3, 4), fine, u9, fine, u9}, attrs: attrs(graph.A("opset", int64(11)), graph.A("axis", int64(2)))},
		{name: "axis 1", op: "QLinearSoftmax", in: []*tensor.Tensor{unsigned(2, 3, 4), fine, nil, fine, u9}, attrs: attrs(graph.A("opset", int64(13)), graph.A("axis", int64(1)))},
		{name: "planes", op: "QLinearGlobalAveragePool", in: []*tensor.Tensor{unsigned(2, 3, 4, 2), half, u9, quarter, u9}, exact: true},
		{name: "channels last", op: "QLinearGlobalAveragePool", in: []*tensor.Tensor{unsigned(2, 4, 2, 3), half, u9, quarter, u9}, attrs: attrs(graph.A("channels_last", int64(1))), exact: true},
		{name: "pads", op: "QLinearAveragePool", in: []*tensor.Tensor{unsigned(1, 2, 4, 4), half, u9, quarter, u9}, exact: true,
			attrs: attrs(graph.A("kernel_shape", []int64{2, 2}), graph.A("pads", []int64{1, 1, 0, 0}), graph.A("count_include_pad", int64(1)))},
	})
}

func TestOperatorsOnQuantizedNumbersByHand(t *testing.T) {
	run := func(u use) []int64 {
		n, given := u.node()
		out, err := reference.Run(context.Background(), n, given, nil)
		require.NoError(t, err)
		return out[0].(*tensor.Tensor).Int64s()
	}
	half, one := scalar(float32(0.5)), scalar(float32(1))
	// (10-2)/2 + (4-0) = 8, (250-2)/2 + 4 = 128 → with scale 0.5 and zero point 1: 17 and 257, which is 255 at most.
	assert.Equal(t, []int64{17, 255}, run(use{op: "QLinearAdd", in: []*tensor.Tensor{
		tensor.Of([]uint8{10, 250}), half, scalar(uint8(2)), tensor.Of([]uint8{4}), one, nil, half, scalar(uint8(1)),
	}}))
	// 3/2 × 1 = 1.5 and 5/2 = 2.5, both tied to 2; -300/2 is -128 at least.
	assert.Equal(t, []int64{2, 2, -128}, run(use{op: "QLinearMul", in: []*tensor.Tensor{
		tensor.Of([]int8{3, 5, -128}), half, nil, tensor.Of([]int8{1, 1, 3}), one, nil, one,
	}}))
	// 1/(1+e^0) = 0.5 → 128 of 256.
	assert.Equal(t, []int64{128}, run(use{op: "QLinearSigmoid", in: []*tensor.Tensor{tensor.Of([]uint8{7}), one, scalar(uint8(7)), scalar(float32(1.0 / 256))}}))
	assert.Equal(t, []int64{-4, 6}, run(use{op: "QLinearLeakyRelu", in: []*tensor.Tensor{tensor.Of([]int8{-8, 6}), one, nil, one}, attrs: attrs(graph.A("alpha", float32(0.5)))}))
}

func TestQuantizedRefuses(t *testing.T) {
	one, x := scalar(float32(1)), tensor.Of([]uint8{1, 2}, 1, 2)
	for says, u := range map[string]use{
		"triples": {op: "QLinearConcat", in: []*tensor.Tensor{one, scalar(uint8(0)), x, one}, attrs: attrs(graph.A("axis", int64(0)))},
		"operator set version 11": {op: "QLinearSoftmax", in: []*tensor.Tensor{tensor.Of([]uint8{1, 2}, 1, 1, 2), one, nil, one, scalar(uint8(0))},
			attrs: attrs(graph.A("opset", int64(11)), graph.A("axis", int64(1)))},
	} {
		n, given := u.node()
		_, err := reference.Run(context.Background(), n, given, nil)
		assert.ErrorContains(t, err, says)
		_, err = decomposed(t, n, given)
		assert.ErrorContains(t, err, says)
	}
	n, given := use{op: "QLinearSigmoid", in: []*tensor.Tensor{x, tensor.Of([]float32{1, 2}), nil, one}}.node()
	_, err := reference.Run(context.Background(), n, given, nil)
	assert.ErrorContains(t, err, "it must be one number")
}

func TestProductsOfQuantizedNumbers(t *testing.T) {
	a, b := tensor.Of([]uint8{1, 2, 3, 4}, 2, 2), tensor.Of([]int8{1, -1, 2, 0}, 2, 2)
	half := scalar(float32(0.5))
	columns := tensor.Of([]float32{1, 2})
	hold(t, []expectation{
		// (A - 1) = 0 1 2 3, times B: 2 0 8 -2, times 0.5 × (1, 2).
		{use{op: "MatMulIntegerToFloat", in: []*tensor.Tensor{a, b, half, columns, scalar(uint8(1))}}, []*tensor.Tensor{tensor.Of([]float32{1, 0, 4, -2}, 2, 2)}},
		{use{op: "MatMulIntegerToFloat", name: "bias", in: []*tensor.Tensor{a, b, half, half, nil, tensor.Of([]int8{1, 0}), tensor.Of([]float32{10, 20})}},
			// B - (1, 0) = 0 -1 1 0: A × that: 2 -1 4 -3, times 0.25.
			[]*tensor.Tensor{tensor.Of([]float32{10.5, 19.75, 11, 19.25}, 2, 2)}},
		// A × (1, 2) = 1 4 3 8, times B: 9 -1 19 -3.
		{use{op: "MatMulIntegerToFloat", name: "a scale for each column", in: []*tensor.Tensor{a, b, columns, scalar(float32(1))}}, []*tensor.Tensor{tensor.Of([]float32{9, -1, 19, -3}, 2, 2)}},
		// 255 steps of 1/255 reach from 0 to 1: A is exact.
		{use{op: "DynamicQuantizeMatMul", in: []*tensor.Tensor{tensor.Of([]float32{1, 0, 0, 1}, 2, 2), b, columns, nil, tensor.Of([]float32{5, 6})}},
			[]*tensor.Tensor{tensor.Of([]float32{6, 4, 7, 6}, 2, 2)}},
		{use{op: "QGemm", in: []*tensor.Tensor{a, half, scalar(uint8(1)), b, scalar(float32(1)), scalar(int8(0)), tensor.Of([]int32{0, 4}), half, scalar(int8(1))}},
			// 2 0 8 -2 + (0, 4) = 2 4 8 2, times 0.5, in steps of 0.5 from 1.
			[]*tensor.Tensor{tensor.Of([]int8{3, 5, 9, 3}, 2, 2)}},
		{use{op: "QGemm", name: "float, transposed", in: []*tensor.Tensor{a, half, scalar(uint8(1)), b, scalar(float32(1)), scalar(int8(0))},
			attrs: attrs(graph.A("transB", int64(1)), graph.A("alpha", float32(2)))},
			// (0 1; 2 3) × (1 2; -1 0) = -1 0 -1 4, times 2 × 0.5.
			[]*tensor.Tensor{tensor.Of([]float32{-1, 0, -1, 4}, 2, 2)}},
		{use{op: "QuantizeLinear", in: []*tensor.Tensor{tensor.Of([]float32{1, -1, 400}), half, scalar(int16(3))}}, []*tensor.Tensor{tensor.Of([]int16{5, 1, 803})}},
		{use{op: "QuantizeLinear", name: "uint8 without zero point", in: []*tensor.Tensor{tensor.Of([]float32{1, -1, 400}), half}}, []*tensor.Tensor{tensor.Of([]uint8{2, 0, 255})}},
		{use{op: "DequantizeLinear", name: "axis", in: []*tensor.Tensor{a, columns, tensor.Of([]uint8{0, 1})}, attrs: attrs(graph.A("axis", int64(0)))},
			[]*tensor.Tensor{tensor.Of([]float32{1, 2, 4, 6}, 2, 2)}},
	})
}
