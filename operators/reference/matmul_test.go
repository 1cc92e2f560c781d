package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestMatMul(t *testing.T) {
	a, b := shaped(f32s(1, 2, 3, 4), 2, 2), shaped(f32s(5, 6, 7, 8), 2, 2)
	row := f32s(1, 2)
	nan := float32(math.NaN())
	meet(t, []expectation{
		{op: "MatMul", in: list(a, b), want: list(shaped(f32s(19, 22, 43, 50), 2, 2))},
		{name: "row and matrix", op: "MatMul", in: list(row, b), want: list(f32s(19, 22))},
		{name: "matrix and column", op: "MatMul", in: list(a, row), want: list(f32s(5, 11))},
		{name: "row and column", op: "MatMul", in: list(row, row), want: list(tensor.Scalar(float32(5)))},
		{name: "row and batch", op: "MatMul", in: list(row, shaped(f32s(1, 2, 3, 4, 5, 6, 7, 8), 2, 2, 2)), want: list(shaped(f32s(7, 10, 19, 22), 2, 2))},
		{name: "batches broadcast", op: "MatMul", in: list(shaped(f32s(1, 10), 2, 1, 1, 1), shaped(f32s(1, 2, 3), 1, 3, 1, 1)), want: list(shaped(f32s(1, 2, 3, 10, 20, 30), 2, 3, 1, 1))},
		{name: "nothing to sum", op: "MatMul", in: list(nothing(2, 0), nothing(0, 3)), want: list(nothing(2, 3))},
		{name: "no matrix", op: "MatMul", in: list(nothing(0, 2, 3), nothing(3, 4)), want: list(nothing(0, 2, 4))},
		{name: "zero times NaN", op: "MatMul", in: list(f32s(0, 1), f32s(nan, 1)), want: list(tensor.Scalar(nan))},
		{name: "wraps", op: "MatMul", in: list(tensor.Of([]int32{65536, 1}), tensor.Of([]int32{65536, 7})), want: list(tensor.Scalar(int32(7)))},
		{name: "64 bits", op: "MatMul", in: list(tensor.Of([]uint64{1 << 63, 3}), tensor.Of([]uint64{3, 1})), want: list(tensor.Scalar(uint64(1<<63 + 3)))},
		{name: "rounds once", op: "MatMul", in: list(floats(tensor.Float16, 2048, 1, 1), floats(tensor.Float16, 1, 1, 1)), want: list(tensor.FromFloat64s(tensor.Float16, nil, []float64{2050}))},
		{name: "extents", op: "MatMul", in: list(a, f32s(1, 2, 3)), err: "the inner extents 2 and 3 differ"},
		{name: "scalar", op: "MatMul", in: list(a, tensor.Scalar(float32(1))), err: "a scalar is no matrix"},
		{name: "batches", op: "MatMul", in: list(nothing(2, 1, 1), nothing(3, 1, 1)), err: "extents 2 and 3 disagree"},
	})
}

func TestGemm(t *testing.T) {
	a, b := shaped(f32s(1, 2, 3, 4), 2, 2), shaped(f32s(5, 6, 7, 8), 2, 2)
	i := func(v ...int32) *tensor.Tensor { return tensor.Of(v, len(v)/2, 2) }
	meet(t, []expectation{
		{op: "Gemm", in: list(a, b), want: list(shaped(f32s(19, 22, 43, 50), 2, 2))},
		{name: "transposed", op: "Gemm", attrs: attrs(graph.A("transA", int64(1)), graph.A("transB", int64(1))), in: list(a, b), want: list(shaped(f32s(23, 31, 34, 46), 2, 2))},
		{name: "scaled", op: "Gemm", attrs: attrs(graph.A("alpha", float32(0.5)), graph.A("beta", float32(2))), in: list(a, b, f32s(1, 2)), want: list(shaped(f32s(11.5, 15, 23.5, 29), 2, 2))},
		{name: "column", op: "Gemm", in: list(a, b, shaped(f32s(100, 200), 2, 1)), want: list(shaped(f32s(119, 122, 243, 250), 2, 2))},
		{name: "scalar", op: "Gemm", in: list(a, b, tensor.Scalar(float32(1))), want: list(shaped(f32s(20, 23, 44, 51), 2, 2))},
		{name: "integers", op: "Gemm", in: list(i(1, 2, 3, 4), i(5, 6, 7, 8), i(1, 2)), want: list(i(20, 24, 44, 52))},
		{name: "scaled integers", op: "Gemm", attrs: attrs(graph.A("alpha", float32(0.5))), in: list(i(1, 2, 3, 4), i(5, 6, 7, 8)), want: list(i(9, 11, 21, 25))},
		{name: "wide C", op: "Gemm", in: list(a, b, nothing(1, 2, 2)), err: "does not broadcast to that of the product, [2,2]"},
		{name: "vector", op: "Gemm", in: list(a, f32s(1, 2)), err: "both must be matrices"},
	})
}

func TestEinsum(t *testing.T) {
	a, b := shaped(f32s(1, 2, 3, 4), 2, 2), shaped(f32s(5, 6, 7, 8), 2, 2)
	v := f32s(1, 2, 3)
	equation := func(s string) []graph.Attribute { return attrs(graph.A("equation", s)) }
	scalar := func(v float32) *tensor.Tensor { return tensor.Scalar(v) }
	meet(t, []expectation{
		{name: "product", op: "Einsum", attrs: equation(" ij , jk -> ik "), in: list(a, b), want: list(shaped(f32s(19, 22, 43, 50), 2, 2))},
		{name: "inner", op: "Einsum", attrs: equation("i,i"), in: list(v, v), want: list(scalar(14))},
		{name: "outer", op: "Einsum", attrs: equation("i,j->ji"), in: list(f32s(1, 2), v), want: list(shaped(f32s(1, 2, 2, 4, 3, 6), 3, 2))},
		{name: "sum", op: "Einsum", attrs: equation("ij->"), in: list(a), want: list(scalar(10))},
		{name: "trace", op: "Einsum", attrs: equation("ii"), in: list(a), want: list(scalar(5))},
		{name: "diagonal", op: "Einsum", attrs: equation("ii->i"), in: list(a), want: list(f32s(1, 4))},
		{name: "implicit order", op: "Einsum", attrs: equation("ba"), in: list(a), want: list(shaped(f32s(1, 3, 2, 4), 2, 2))},
		{name: "capitals first", op: "Einsum", attrs: equation("aB"), in: list(a), want: list(shaped(f32s(1, 3, 2, 4), 2, 2))},
		{name: "ellipsis in front", op: "Einsum", attrs: equation("i...,...->..."), in: list(a, f32s(10, 100)), want: list(f32s(40, 600))},
		{name: "ellipsis of no axis", op: "Einsum", attrs: equation("...i->...i"), in: list(v), want: list(v)},
		{name: "ellipsis broadcasts", op: "Einsum", attrs: equation("...i,...i"), in: list(a, shaped(f32s(1, 1, 2, 2), 2, 1, 2)), want: list(shaped(f32s(3, 7, 6, 14), 2, 2))},
		{name: "three operands", op: "Einsum", attrs: equation("i,ij,j->"), in: list(f32s(1, 10), a, f32s(1, 100)), want: list(scalar(1 + 200 + 30 + 4000))},
		{name: "scalars", op: "Einsum", attrs: equation(",->"), in: list(scalar(3), scalar(4)), want: list(scalar(12))},
		{name: "nothing to sum", op: "Einsum", attrs: equation("ij->j"), in: list(nothing(0, 2)), want: list(f32s(0, 0))},
		{name: "wraps", op: "Einsum", attrs: equation("i,i"), in: list(tensor.Of([]uint8{200, 100}), tensor.Of([]uint8{1, 1})), want: list(tensor.Scalar(uint8(44)))},
		{name: "rank", op: "Einsum", attrs: equation("ijk->"), in: list(a), err: "3 labels for 2 axes"},
		{name: "operands", op: "Einsum", attrs: equation("ij->"), in: list(a, b), err: "1 terms for 2 operands"},
		{name: "extents", op: "Einsum", attrs: equation("i,i"), in: list(f32s(1, 2), v), err: "extents 2 and 3 of one label disagree"},
		{name: "label from nowhere", op: "Einsum", attrs: equation("ij->k"), in: list(a), err: "must be in a term"},
		{name: "label twice in the output", op: "Einsum", attrs: equation("ij->ii"), in: list(a), err: "only once in the output"},
		{name: "no label", op: "Einsum", attrs: equation("i1"), in: list(a), err: "is no label"},
	})
}

func TestDet(t *testing.T) {
	meet(t, []expectation{
		{op: "Det", in: list(shaped(f32s(1, 2, 3, 4), 2, 2)), want: list(tensor.Scalar(float32(-2)))},
		{name: "batched, with row exchange and singular", op: "Det", in: list(shaped(f32s(0, 1, 1, 0, 1, 2, 2, 4), 2, 2, 2)), want: list(f32s(-1, 0))},
		{name: "of three rows", op: "Det", in: list(shaped(f32s(2, 0, 1, 1, 3, 2, 1, 1, 4), 3, 3)), want: list(tensor.Scalar(float32(18)))},
		{name: "of nothing", op: "Det", in: list(nothing(2, 0, 0)), want: list(f32s(1, 1))},
		{name: "no square", op: "Det", in: list(nothing(2, 3)), err: "square matrices (…, M, M) are needed"},
	})
}
