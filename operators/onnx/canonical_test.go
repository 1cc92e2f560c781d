package onnx_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
)

// A canonical graph survives a file: what is decoded is canonical already, so
// that lifting it again changes none of its nodes.
func TestRoundTripOfCanonicalGraphs(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skip(onnxtest.Testdata + " is not set: no official model was lifted")
	}
	lifted := 0
	for _, suite := range []string{"node", "simple", "pytorch-operator", "pytorch-converted"} {
		cases, err := onnxtest.Cases(filepath.Join(dir, suite))
		require.NoError(t, err)
		for _, c := range cases {
			file, err := onnx.Load(c.ModelPath, nil)
			require.NoError(t, err)
			want, err := opset.Lift(context.Background(), file.Model)
			if err != nil {
				continue
			}
			lifted++
			b, err := onnx.Encode(&graph.Model{Opsets: file.Model.Opsets, Graph: want})
			require.NoError(t, err, c.ID)
			m, err := onnx.Decode(b, nil, nil)
			require.NoError(t, err, c.ID)
			got, err := opset.Lift(context.Background(), m)
			if assert.NoError(t, err, c.ID) {
				assert.Equal(t, forms(want), forms(got), c.ID)
			}
			require.NoError(t, file.Close())
		}
	}
	require.Positive(t, lifted)
}

// forms describes each node by its operator, version and attributes.
func forms(g *graph.Graph) []string {
	var list []string
	for n := range g.All {
		form := fmt.Sprint(n.Operator(), " since ", n.Version)
		for _, a := range n.Attributes {
			form += " " + a.String()
		}
		list = append(list, form)
	}
	return list
}
