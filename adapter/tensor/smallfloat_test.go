package tensor_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
)

// Every code of every narrow format decodes to a value that encodes to the same
// code: the two directions are inverse wherever a value has one code.
func TestNarrowFloatsRoundTrip(t *testing.T) {
	widths := map[tensor.DType]int{
		tensor.Float16: 16, tensor.BFloat16: 16, tensor.Float8E4M3FN: 8, tensor.Float8E4M3FNUZ: 8,
		tensor.Float8E5M2: 8, tensor.Float8E5M2FNUZ: 8, tensor.Float4E2M1: 4, tensor.Float8E8M0: 8,
	}
	for d, bits := range widths {
		for code := range 1 << bits {
			v := tensor.DecodeFloat(d, code)
			if math.IsNaN(v) {
				assert.True(t, math.IsNaN(tensor.DecodeFloat(d, tensor.EncodeFloat(d, v, false))), "%v code %#x", d, code)
				continue
			}
			if got := tensor.EncodeFloat(d, v, false); got != code {
				t.Fatalf("%v: code %#x is %v, which encodes to %#x", d, code, v, got)
			}
		}
	}
}

func TestNarrowFloatsRound(t *testing.T) {
	inf := math.Inf(1)
	tests := []struct {
		d        tensor.DType
		v        float64
		saturate bool
		want     float64
	}{
		{tensor.Float16, 65519, false, 65504},
		{tensor.Float16, 65520, false, inf}, // ties to even, which would be 2^16
		{tensor.Float16, 1 + 1.0/2048, false, 1},
		{tensor.Float16, 1 + 3.0/2048, false, 1 + 2.0/1024},
		{tensor.Float16, math.Ldexp(1, -25), false, 0}, // half the smallest subnormal
		{tensor.Float16, math.Ldexp(1.5, -25), false, math.Ldexp(1, -24)},
		{tensor.BFloat16, 1 + 1.0/256, false, 1},
		{tensor.Float8E4M3FN, 448, true, 448},
		{tensor.Float8E4M3FN, 464, false, 448},
		{tensor.Float8E4M3FN, 465, true, 448},
		{tensor.Float8E4M3FN, 1e9, false, math.NaN()},
		{tensor.Float8E4M3FN, inf, true, 448},
		{tensor.Float8E4M3FNUZ, 1e9, true, 240},
		{tensor.Float8E4M3FNUZ, -0.0, true, 0},
		{tensor.Float8E5M2, 1e9, true, 57344},
		{tensor.Float8E5M2, 1e9, false, inf},
		{tensor.Float8E5M2FNUZ, inf, false, math.NaN()},
		{tensor.Float4E2M1, 100, false, 6},
		{tensor.Float4E2M1, 2.5, false, 2},
		{tensor.Float4E2M1, -0.25, false, 0},
		{tensor.Float4E2M1, math.NaN(), false, 0},
		{tensor.Float8E8M0, 3, true, 4},
	}
	for _, c := range tests {
		got := tensor.DecodeFloat(c.d, tensor.EncodeFloat(c.d, c.v, c.saturate))
		if math.IsNaN(c.want) {
			assert.True(t, math.IsNaN(got), "%v of %v", c.d, c.v)
			continue
		}
		assert.Equal(t, c.want, got, "%v of %v", c.d, c.v)
	}
}
