package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

func TestNormalizedExponentials(t *testing.T) {
	inf := float32(math.Inf(1))
	ln := func(v float64) float32 { return float32(math.Log(v)) }
	thirds := tensor.Of([]float32{ln(1), ln(2), ln(5), ln(5)}, 2, 2)
	for _, e := range []struct {
		name, op string
		axis     int64
		in, want *tensor.Tensor
	}{
		{"rows", "Softmax", -1, thirds, tensor.Of([]float32{1. / 3, 2. / 3, 0.5, 0.5}, 2, 2)},
		{"columns", "Softmax", 0, thirds, tensor.Of([]float32{1. / 6, 2. / 7, 5. / 6, 5. / 7}, 2, 2)},
		{"large", "Softmax", 0, row(10000, 10000, -10000), row(0.5, 0.5, 0)},
		{"-Inf", "Softmax", 0, row(-inf, 3), row(0, 1)},
		{"only -Inf", "Softmax", 0, row(-inf, -inf), row(nan32, nan32)},
		{"NaN", "Softmax", 0, row(nan32, 1), row(nan32, nan32)},
		{"nothing", "Softmax", 0, nothing(0, 2), nothing(0, 2)},
		{"rows", "LogSoftmax", 1, thirds, tensor.Of([]float32{ln(1. / 3), ln(2. / 3), ln(0.5), ln(0.5)}, 2, 2)},
		{"large", "LogSoftmax", -1, row(10000, 0), row(0, -10000)},
		{"first of two", "Hardmax", -1, row(1, 3, 3), row(0, 1, 0)},
		{"columns", "Hardmax", 0, thirds, tensor.Of([]float32{0, 0, 1, 1}, 2, 2)},
		{"-Inf", "Hardmax", -1, row(-inf, -inf), row(1, 0)},
		{"nothing", "Hardmax", -1, nothing(2, 0), nothing(2, 0)},
	} {
		t.Run(e.op+" "+e.name, func(t *testing.T) {
			got, err := operate(e.op, 1, attrs(axis(e.axis)), e.in)
			require.NoError(t, err)
			sameTensor(t, e.want, got[0])
		})
	}
	meet(t, []expectation{
		{name: "float16", op: "Softmax", in: list(tensor.FromFloat64s(tensor.Float16, tensor.Shape{2}, []float64{1, 1})), want: list(tensor.FromFloat64s(tensor.Float16, tensor.Shape{2}, []float64{0.5, 0.5}))},
		{name: "axis", op: "Softmax", attrs: attrs(axis(1)), in: list(row(1)), err: "axis 1 is outside [-1, 1)"},
		{name: "integers", op: "Softmax", in: list(i64(1)), err: "the input is int64; it takes a floating-point type"},
	})
}
