package cell_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// What is inferred of a problem holds of what the oracle computes, with the
// extents of its inputs and with their ranks only.
func TestInferenceHolds(t *testing.T) {
	ctx := context.Background()
	for _, c := range stride(t, 401) {
		p, err := cell.Make(c, 2)
		require.NoError(t, err)
		g, err := opset.Lift(ctx, p.Model)
		require.NoError(t, err, c.ID())
		out, err := reference.Evaluate(ctx, g, p.Draws[0].Inputs)
		require.NoError(t, err, c.ID())
		for _, extents := range []bool{true, false} {
			given := make(infer.Facts)
			for _, v := range g.Inputs {
				if v.Type.IsTensor() && !extents {
					given[v] = infer.Fact{Type: tensor.TensorType(v.Type.DType, tensor.UnknownDims(len(v.Type.Dims)))}
				}
			}
			facts, err := infer.Run(ctx, g, given)
			require.NoError(t, err, c.ID())
			for i, v := range g.Outputs {
				x, ok := out[i].(*tensor.Tensor)
				if f := facts[v].Type; ok && f.IsTensor() {
					assert.Contains(t, []tensor.DType{x.DType(), tensor.Undefined}, f.DType, c.ID())
					assert.True(t, f.Dims.Accepts(x.Shape()), "%s: %v is inferred as %v", c.ID(), x.Type(), f)
				}
			}
		}
	}
}
