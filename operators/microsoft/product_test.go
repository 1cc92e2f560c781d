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

func TestFusedMatMul(t *testing.T) {
	a, b := tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3), tensor.Of([]float32{1, 0, 0, 1, 1, 1}, 3, 2)
	product := tensor.Of([]float32{4, 5, 10, 11}, 2, 2)
	at, bt := tensor.Of([]float32{1, 4, 2, 5, 3, 6}, 3, 2), tensor.Of([]float32{1, 0, 1, 0, 1, 1}, 2, 3)
	flag := func(names ...string) []graph.Attribute {
		var list []graph.Attribute
		for _, name := range names {
			list = append(list, graph.A(name, int64(1)))
		}
		return list
	}
	hold(t, []expectation{
		{use{op: "FusedMatMul", in: []*tensor.Tensor{a, b}}, []*tensor.Tensor{product}},
		{use{op: "FusedMatMul", name: "alpha", in: []*tensor.Tensor{a, b}, attrs: attrs(graph.A("alpha", float32(0.5)))}, []*tensor.Tensor{tensor.Of([]float32{2, 2.5, 5, 5.5}, 2, 2)}},
		{use{op: "FusedMatMul", name: "transposed", in: []*tensor.Tensor{at, bt}, attrs: flag("transA", "transB")}, []*tensor.Tensor{product}},
		{use{op: "TransposeMatMul", in: []*tensor.Tensor{at, b}, attrs: flag("transA")}, []*tensor.Tensor{product}},
		{use{op: "FusedMatMul", name: "a vector has nothing to transpose", in: []*tensor.Tensor{tensor.Of([]float32{1, 2, 3}), b}, attrs: flag("transA")},
			[]*tensor.Tensor{tensor.Of([]float32{4, 5})}},
		// Rows lie on axis 0, the batch behind it: row r of sample n is a[r][n].
		{use{op: "FusedMatMul", name: "batch behind rows", in: []*tensor.Tensor{tensor.Of([]float32{1, 2, 3, 4}, 2, 2, 1), tensor.Of([]float32{1, 10}, 2, 1, 1)}, attrs: flag("transBatchA")},
			[]*tensor.Tensor{tensor.Of([]float32{1, 3, 20, 40}, 2, 2, 1)}},
		{use{op: "FusedMatMul", name: "both", in: []*tensor.Tensor{tensor.Of([]float32{1, 2, 3, 4}, 2, 2, 1), tensor.Of([]float32{1, 1, 10, 10}, 2, 2, 1)}, attrs: flag("transBatchA", "transA")},
			[]*tensor.Tensor{tensor.Of([]float32{4, 60}, 2, 1, 1)}},
	})
}

func TestFusedActivations(t *testing.T) {
	one := tensor.Of([]float32{1}, 1, 1)
	x := tensor.Of([]float32{-2, 3}, 2, 1)
	gemm := func(name string, want []float32, more ...graph.Attribute) expectation {
		return expectation{use{op: "FusedGemm", name: name, in: []*tensor.Tensor{x, one}, attrs: append(more, graph.A("activation", name))}, []*tensor.Tensor{tensor.Of(want, 2, 1)}}
	}
	image := tensor.Of([]float32{-2, 3}, 1, 1, 2)
	kernel := tensor.Of([]float32{2}, 1, 1, 1)
	conv := func(name string, in []*tensor.Tensor, want []float32, more ...graph.Attribute) expectation {
		return expectation{use{op: "FusedConv", name: name, in: in, attrs: append(more, graph.A("kernel_shape", []int64{1}))}, []*tensor.Tensor{tensor.Of(want, 1, 1, 2)}}
	}
	hold(t, []expectation{
		gemm("Relu", []float32{0, 3}, graph.A("activation_alpha", float32(0.5))), // has no parameter
		gemm("LeakyRelu", []float32{-1, 3}, graph.A("activation_alpha", float32(0.5))),
		gemm("LeakyRelu", []float32{-0.02, 3}),
		gemm("HardSigmoid", []float32{0, 1}, graph.A("activation_alpha", float32(0.5)), graph.A("activation_beta", float32(0))),
		gemm("Clip", []float32{-1, 2}, graph.A("activation_alpha", float32(-1)), graph.A("activation_beta", float32(2))),
		{use{op: "FusedGemm", name: "plain", in: []*tensor.Tensor{x, one, tensor.Of([]float32{1})}, attrs: attrs(graph.A("beta", float32(2)))}, []*tensor.Tensor{tensor.Of([]float32{0, 5}, 2, 1)}},
		conv("plain", []*tensor.Tensor{image, kernel}, []float32{-4, 6}),
		conv("sum", []*tensor.Tensor{image, kernel, tensor.Of([]float32{1}), tensor.Of([]float32{1, 2}, 1, 1, 2)}, []float32{0, 9}, graph.A("activation", "Relu")),
		conv("no bias", []*tensor.Tensor{image, kernel, nil, tensor.Of([]float32{1, 2}, 1, 1, 2)}, []float32{-0.3, 8}, graph.A("activation", "LeakyRelu"), graph.A("activation_params", []float32{0.1})),
	})
	for name, more := range map[string][]graph.Attribute{
		`activation "Cosine"`:     attrs(graph.A("activation", "Cosine")),
		"has 1 parameters, 2 are": attrs(graph.A("activation", "Elu"), graph.A("activation_params", []float32{1, 2})),
	} {
		n, given := use{op: "FusedConv", in: []*tensor.Tensor{image, kernel}, attrs: more}.node()
		_, err := decomposed(t, n, given)
		assert.ErrorContains(t, err, name)
	}
}

func TestMatMulNBits(t *testing.T) {
	d := newDice()
	of := func(name string, bits, k, n, block int, in []*tensor.Tensor) use {
		return use{name: name, op: "MatMulNBits", in: in, constant: []int{1, 3}, attrs: attrs(
			graph.A("K", int64(k)), graph.A("N", int64(n)), graph.A("bits", int64(bits)), graph.A("block_size", int64(block)))}
	}
	b := func(shape ...int) *tensor.Tensor { return ints[uint8](d, 0, 255, shape...) }
	prove(t, []use{
		of("4 bits", 4, 40, 3, 16, []*tensor.Tensor{d.floats(2, 5, 40), b(3, 3, 8), d.floats(3, 3)}),
		of("4 bits, zero points", 4, 40, 3, 16, []*tensor.Tensor{d.floats(5, 40), b(3, 3, 8), d.floats(9), b(3, 2)}),
		of("8 bits", 8, 32, 2, 32, []*tensor.Tensor{d.floats(1, 32), b(2, 1, 32), d.floats(2, 1), b(2, 1), nil, d.floats(2)}),
		of("2 bits", 2, 20, 3, 16, []*tensor.Tensor{d.floats(4, 20), b(3, 2, 4), d.floats(3, 2), b(3, 1)}),
		of("3 bits", 3, 20, 3, 16, []*tensor.Tensor{d.floats(4, 20), b(3, 2, 6), d.floats(3, 2)}),
		of("no rows", 4, 16, 2, 16, []*tensor.Tensor{d.floats(0, 16), b(2, 1, 8), d.floats(2, 1)}),
	})
}

// The elements of one column count up: bits say where each begins.
func TestMatMulNBitsByHand(t *testing.T) {
	for name, c := range map[string]struct {
		bits   int64
		packed []uint8
		want   float32
		in     []*tensor.Tensor
	}{
		"4 bits":                 {4, []uint8{0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe}, 2 * (1 - 8), nil}, // element 1 is 1, the zero point 8
		"8 bits":                 {8, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 2 * (1 - 128), nil},
		"3 bits":                 {3, []uint8{0b10_001_000, 0b1_100_011_0, 0b111_110_10, 0, 0, 0}, 2 * (1 - 4), nil},
		"zero points as numbers": {8, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 2 * (1 - 0.5), []*tensor.Tensor{tensor.Of([]float32{0.5}, 1, 1)}},
		"groups":                 {8, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 2 * (1 - 128), []*tensor.Tensor{nil, tensor.Of(make([]int32, 16))}},
	} {
		x := make([]float32, 16)
		x[1] = 1
		n, given := use{op: "MatMulNBits", attrs: attrs(graph.A("K", int64(16)), graph.A("N", int64(1)), graph.A("block_size", int64(16)), graph.A("bits", c.bits)),
			in: append([]*tensor.Tensor{tensor.Of(x, 1, 16), tensor.Of(c.packed, 1, 1, len(c.packed)), tensor.Of([]float32{2}, 1, 1)}, c.in...)}.node()
		out, err := reference.Run(context.Background(), n, given, nil)
		require.NoError(t, err, name)
		assert.Equal(t, []float32{c.want}, tensor.Slice[float32](out[0].(*tensor.Tensor)), name)
	}
}

func TestMatMulNBitsRefuses(t *testing.T) {
	d := newDice()
	a, b, s := d.floats(1, 16), tensor.Of(make([]uint8, 8), 1, 1, 8), d.floats(1, 1)
	for says, c := range map[string]struct {
		attrs []graph.Attribute
		in    []*tensor.Tensor
	}{
		"block_size is 24":         {attrs(graph.A("K", int64(16)), graph.A("block_size", int64(24))), []*tensor.Tensor{a, b, s}},
		"K is -1":                  {attrs(graph.A("K", int64(-1)), graph.A("block_size", int64(16))), []*tensor.Tensor{a, b, s}},
		"bits is 9":                {attrs(graph.A("K", int64(16)), graph.A("block_size", int64(16)), graph.A("bits", int64(9))), []*tensor.Tensor{a, b, s}},
		"weight_prepacked":         {attrs(graph.A("K", int64(16)), graph.A("block_size", int64(16)), graph.A("weight_prepacked", int64(1))), []*tensor.Tensor{a, b, s}},
		"last extent must be K, 4": {attrs(graph.A("K", int64(4)), graph.A("block_size", int64(16))), []*tensor.Tensor{a, b, s}},
		"it must be [1,2,8]":       {attrs(graph.A("K", int64(32)), graph.A("block_size", int64(16))), []*tensor.Tensor{d.floats(1, 32), b, s}},
		"scales has the shape [2]": {attrs(graph.A("K", int64(16)), graph.A("block_size", int64(16))), []*tensor.Tensor{a, b, d.floats(2)}},
	} {
		n, given := use{op: "MatMulNBits", attrs: append(c.attrs, graph.A("N", int64(1))), in: c.in}.node()
		_, err := reference.Run(context.Background(), n, given, nil)
		assert.ErrorContains(t, err, says)
	}
}

func TestInverse(t *testing.T) {
	n, given := use{op: "Inverse", in: []*tensor.Tensor{tensor.Of([]float32{0, 2, 1, 0, 4, 7, 2, 6}, 2, 2, 2)}}.node()
	out, err := reference.Run(context.Background(), n, given, nil)
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float32{0, 1, 0.5, 0, 0.6, -0.7, -0.2, 0.4}, tensor.Slice[float32](out[0].(*tensor.Tensor)), 1e-6)
	for says, x := range map[string]*tensor.Tensor{
		"matrix 0 is not invertible": tensor.Of([]float32{1, 2, 2, 4}, 2, 2),
		"square matrices":            tensor.Of([]float32{1, 2}, 1, 2),
	} {
		n, given := use{op: "Inverse", in: []*tensor.Tensor{x}}.node()
		_, err := reference.Run(context.Background(), n, given, nil)
		assert.ErrorContains(t, err, says)
	}
}

func TestMovements(t *testing.T) {
	x := tensor.Of([]float32{1, 2, 3, 4}, 2, 2)
	image := tensor.Of([]uint8{1, 10, 2, 20, 3, 30, 4, 40}, 1, 2, 2, 2) // 2 × 2 pixels of 2 channels
	hold(t, []expectation{
		{use{op: "Trilu", in: []*tensor.Tensor{x}}, []*tensor.Tensor{tensor.Of([]float32{1, 2, 0, 4}, 2, 2)}},
		{use{op: "Trilu", name: "lower", in: []*tensor.Tensor{x, scalar(int64(-1))}, attrs: attrs(graph.A("upper", int64(0)))}, []*tensor.Tensor{tensor.Of([]float32{0, 0, 3, 0}, 2, 2)}},
		{use{op: "NhwcMaxPool", in: []*tensor.Tensor{image}, attrs: attrs(graph.A("kernel_shape", []int64{2, 2}))}, []*tensor.Tensor{tensor.Of([]uint8{4, 40}, 1, 1, 1, 2)}},
		{use{op: "NhwcMaxPool", name: "rows", in: []*tensor.Tensor{image}, attrs: attrs(graph.A("kernel_shape", []int64{1, 2}))}, []*tensor.Tensor{tensor.Of([]uint8{2, 20, 4, 40}, 1, 2, 1, 2)}},
	})
}
