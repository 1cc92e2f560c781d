package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func number(v int64) infer.Fact { return infer.Of(tensor.Scalar(v)) }

func TestSignal(t *testing.T) {
	onesided, inverse := graph.A("onesided", int64(1)), graph.A("inverse", int64(1))
	for _, c := range []struct {
		name  string
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  string
	}{
		{"whole", "DFT", nil, []infer.Fact{f32("b", "n", 1)}, "float32[b,n,2]"},
		{"one side", "DFT", with(onesided), []infer.Fact{f32("b", 9, 1)}, "float32[b,5,2]"},
		{"one side of a length", "DFT", with(onesided), []infer.Fact{f32("b", "n", 1), number(8)}, "float32[b,5,2]"},
		{"inverse of one side", "DFT", with(onesided, inverse), []infer.Fact{f32("b", 5, 2)}, "float32[b,8,1]"},
		{"axis", "DFT", nil, []infer.Fact{f32("b", 5, 2), number(3), number(0)}, "float32[3,5,2]"},
		{"unknown axis", "DFT", nil, []infer.Fact{f32("b", 5, 2), absent, typed(tensor.Int64)}, "float32[b,5,2]"},
		{"unknown axis and length", "DFT", nil, []infer.Fact{f32("b", 5, 2), number(3), typed(tensor.Int64)}, "float32[?,?,2]"},
		{"unknown rank", "DFT", nil, []infer.Fact{unranked(tensor.Float16)}, "float16[...]"},
		{"frames", "STFT", nil, []infer.Fact{f32("b", 10, 1), number(2), absent, number(4)}, "float32[b,4,3,2]"},
		{"frames by the window", "STFT", with(graph.A("onesided", int64(0))), []infer.Fact{f32("b", "n", 1), number(2), f32(4)}, "float32[b,?,4,2]"},
		{"frame length unknown", "STFT", nil, []infer.Fact{f32("b", 10, 1), number(2), absent, typed(tensor.Int64)}, "float32[b,?,?,2]"},
		{"window", "HannWindow", nil, []infer.Fact{number(5000)}, "float32[5000]"},
		{"window unknown", "HammingWindow", with(graph.A("output_datatype", int64(tensor.Float64))), []infer.Fact{typed(tensor.Int32)}, "float64[?]"},
		{"mel", "MelWeightMatrix", nil, []infer.Fact{number(80), number(512), typed(tensor.Int64), f32(), f32()}, "float32[257,80]"},
	} {
		got, err := inferred(c.op, 1, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, []string{c.want}, got, c.name)
	}
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  string
	}{
		{"DFT", nil, []infer.Fact{f32(4)}, "rank must be 2 or more"},
		{"DFT", nil, []infer.Fact{f32(4, 3)}, "extent 3"},
		{"DFT", with(onesided), []infer.Fact{f32(4, 2)}, "needs real input"},
		{"DFT", nil, []infer.Fact{f32(4, 2), absent, number(-1)}, "axis -1 is the last"},
		{"DFT", with(onesided, inverse), []infer.Fact{f32(1, 2)}, "length of the transform is 0"},
		{"STFT", nil, []infer.Fact{f32(1, 9, 1), number(1), f32(4), number(5)}, "extents 5 and 4 differ"},
		{"STFT", nil, []infer.Fact{f32(1, 9, 1), number(0)}, "frame_step is 0"},
		{"HannWindow", nil, []infer.Fact{number(-1)}, "the size is -1"},
	} {
		_, err := inferred(c.op, 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want, c.op)
	}
}
