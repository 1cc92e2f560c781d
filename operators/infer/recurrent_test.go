package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestRecurrent(t *testing.T) {
	both, batchFirst := graph.A("direction", "bidirectional"), graph.A("layout", int64(1))
	for _, c := range []struct {
		name    string
		op      string
		outputs int
		attrs   []graph.Attribute
		in      []infer.Fact
		want    []string
	}{
		{"RNN", "RNN", 2, nil, []infer.Fact{f32("seq", "batch", 3), f32(1, 4, 3), f32(1, 4, 4)},
			[]string{"float32[seq,1,batch,4]", "float32[1,batch,4]"}},
		{"LSTM both ways, batch first", "LSTM", 3, with(both, batchFirst), []infer.Fact{f32("batch", "seq", 3), f32(2, 16, 3), f32(2, 16, 4)},
			[]string{"float32[batch,seq,2,4]", "float32[batch,2,4]", "float32[batch,2,4]"}},
		{"hidden size by attribute", "GRU", 1, with(graph.A("hidden_size", int64(4))),
			[]infer.Fact{unranked(tensor.Float16), unranked(tensor.Float16), unranked(tensor.Float16)}, []string{"float16[?,1,?,4]"}},
		{"hidden size by W", "GRU", 1, nil, []infer.Fact{f32("seq", "batch", 3), f32(1, 12, 3), unranked(tensor.Float32)},
			[]string{"float32[seq,1,batch,4]"}},
		{"batch by initial_h", "GRU", 2, nil, []infer.Fact{f32("seq", "?", 3), f32(1, 12, 3), f32(1, 12, 4), absent, absent, f32(1, 7, 4)},
			[]string{"float32[seq,1,7,4]", "float32[1,7,4]"}},
	} {
		got, err := inferred(c.op, c.outputs, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
	}
	for _, c := range []struct {
		attrs []graph.Attribute
		in    []infer.Fact
		want  string
	}{
		{nil, []infer.Fact{f32(2, 3), f32(1, 4, 3), f32(1, 4, 4)}, "X has the shape [2,3], its rank must be 3"},
		{nil, []infer.Fact{f32(5, 2, 3), f32(1, 4, 2), f32(1, 4, 4)}, "axis 2 of W of shape [1,4,2]: extents 3 and 2 differ"},
		{with(both), []infer.Fact{f32(5, 2, 3), f32(1, 4, 3), f32(1, 4, 4)}, "extents 2 and 1 differ"},
		{nil, []infer.Fact{f32(5, 2, 3), f32(1, 5, 3), f32(1, 5, 4)}, "R: extents 5 and 4 differ"},
		{nil, []infer.Fact{f32(5, 2, 3), f32(1, 4, 3), f32(1, 4, 4), f32(1, 9)}, "axis 1 of B"},
		{with(graph.A("direction", "sideways")), []infer.Fact{f32(5, 2, 3), f32(1, 4, 3), f32(1, 4, 4)}, `direction "sideways"`},
	} {
		_, err := inferred("RNN", 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}
