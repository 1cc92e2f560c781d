package models_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// A run ends soon after its context, inside a node that takes long too.
func TestCancelInsideANode(t *testing.T) {
	f := func(dims ...int) *tensor.Tensor { return tensor.Zeros(tensor.Float32, dims) }
	ints := func(v ...int64) graph.Attribute { return graph.A("kernel_shape", v) }
	nodes := []struct {
		op     string
		inputs []*tensor.Tensor
		attrs  []graph.Attribute
	}{
		{"MatMul", tensors(f(4000, 4000), f(4000, 4000)), nil},
		{"Gemm", tensors(f(4000, 4000), f(4000, 4000)), []graph.Attribute{graph.A("transB", int64(1))}},
		{"Conv", tensors(f(1, 64, 200, 200), f(128, 64, 9, 9)), nil},
		{"ConvTranspose", tensors(f(1, 64, 200, 200), f(64, 64, 11, 11)), nil},
		{"MaxPool", tensors(f(1, 16, 500, 500)), []graph.Attribute{ints(99, 99)}},
		{"AveragePool", tensors(f(1, 16, 500, 500)), []graph.Attribute{ints(99, 99)}},
		{"Einsum", tensors(f(50, 50), f(50, 50), f(50, 50), f(50, 50)), []graph.Attribute{graph.A("equation", "aa,cd,ef,gh->ah")}},
		{"Resize", tensors(f(1, 4, 200, 200), nil, tensor.Of([]float32{1, 1, 9, 9})), []graph.Attribute{graph.A("mode", "cubic")}},
		{"LSTM", tensors(f(5000, 1, 500), f(1, 2000, 500), f(1, 2000, 500)), []graph.Attribute{graph.A("hidden_size", int64(500))}},
		{"GRU", tensors(f(5000, 1, 500), f(1, 1500, 500), f(1, 1500, 500)), []graph.Attribute{graph.A("hidden_size", int64(500))}},
		{"Attention", tensors(f(1, 1, 3500, 128), f(1, 1, 3500, 128), f(1, 1, 3500, 128)), nil},
		{"DFT", tensors(f(1, 131071, 1)), nil},
		{"Det", tensors(f(3000, 3000)), nil},
		{"LRN", tensors(f(1, 4000, 30, 30)), []graph.Attribute{graph.A("size", int64(4000))}},
		{"RoiAlign", tensors(f(1, 16, 10, 10), f(100, 4), tensor.Zeros(tensor.Int64, tensor.Shape{100})), []graph.Attribute{
			graph.A("output_height", int64(50)), graph.A("output_width", int64(50)), graph.A("sampling_ratio", int64(500))}},
	}
	for _, c := range nodes {
		t.Run(c.op, func(t *testing.T) {
			s, in := newSketch(c.op), values{}
			var operands []*graph.Value
			for i, v := range c.inputs {
				if v == nil {
					operands = append(operands, nil)
					continue
				}
				if c.op == "Det" || c.op == "DFT" {
					for k, x := range tensor.Slice[float32](v) {
						tensor.Slice[float32](v)[k] = x + float32(k%97)
					}
				}
				name := string(rune('a' + i))
				x := s.input(name, v.DType())
				x.Type = v.Type()
				operands, in[name] = append(operands, x), v
			}
			s.output("y", s.Op(c.op, operands, c.attrs...))
			session := s.load(t, one("cpu"))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err := session.Run(ctx, in)
			took := time.Since(start)
			require.ErrorIs(t, err, adapter.Canceled, "after %v", took)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, took, 2*time.Second*slowness)
		})
	}
}

// A context that is over ends every stage with the same kind of error, also those
// that make a plan for new shapes.
func TestCancelEveryStage(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	on(t, func(t *testing.T, device string) {
		_, err := models.LoadBytes(over, busy(t), one(device))
		require.ErrorIs(t, err, adapter.Canceled)
		assert.NotErrorIs(t, err, models.ErrModel)

		s, err := models.LoadBytes(t.Context(), busy(t), one(device))
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		_, err = s.Run(over, pictures()[0])
		require.ErrorIs(t, err, adapter.Canceled)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Warm(over, map[string]tensor.Shape{"x": {3, 2, 12, 12}}), adapter.Canceled)
		_, err = s.Run(t.Context(), pictures()[0])
		require.NoError(t, err)
	})
}

func tensors(v ...*tensor.Tensor) []*tensor.Tensor { return v }
