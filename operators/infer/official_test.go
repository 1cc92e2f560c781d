package infer_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
)

// TestOfficial infers the types of the official cases from those of their
// inputs, once with and once without their extents, and holds them against the
// outputs: what is inferred may be less than the truth but not different.
func TestOfficial(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skip(onnxtest.Testdata + " is not set: 0 official cases were run")
	}
	for _, suite := range []string{"node", "simple", "pytorch-operator", "pytorch-converted"} {
		cases, err := onnxtest.Cases(filepath.Join(dir, suite))
		require.NoError(t, err)
		t.Logf("%d official cases found in %s", len(cases), suite)
		for _, c := range cases {
			t.Run(suite+"/"+c.ID, func(t *testing.T) { inferOfficial(t, c) })
		}
	}
}

func inferOfficial(t *testing.T, c onnxtest.Case) {
	file, err := onnx.Load(c.ModelPath, nil)
	require.NoError(t, err)
	defer file.Close()
	sets, err := c.Read(file.Model.Graph)
	require.NoError(t, err)
	g, err := opset.Lift(context.Background(), file.Model)
	if err != nil {
		t.Skip("cannot be lifted: ", err)
	}
	for _, extents := range []bool{true, false} {
		given := make(infer.Facts)
		for _, v := range g.Inputs {
			if f := (infer.Fact{Type: v.Type}); !extents && f.Type.IsTensor() {
				f.Type.Dims = tensor.UnknownDims(len(f.Type.Dims))
				given[v] = f
			}
		}
		facts, err := infer.Run(context.Background(), g, given)
		require.NoError(t, err)
		for _, set := range sets {
			for i, want := range set.Outputs {
				inferred := facts[g.Outputs[i]].Type
				x, ok := want.(*tensor.Tensor)
				if !ok || inferred.Kind == tensor.KindUnknown {
					continue
				}
				assert.True(t, inferred.DType == tensor.Undefined || inferred.DType == x.DType(), "output %d is %v, inferred as %v", i, x.Type(), inferred)
				assert.True(t, inferred.Dims.Accepts(x.Shape()), "output %d is %v, inferred as %v", i, x.Type(), inferred)
			}
		}
	}
}
