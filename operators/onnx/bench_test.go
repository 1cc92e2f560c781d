package onnx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// BenchmarkLoadWeights loads models of 100 MiB. Bytes are mapped and not
// touched; floats too where they lie at multiples of 4, else they are copied.
func BenchmarkLoadWeights(b *testing.B) {
	b.Run("int8", func(b *testing.B) { loadWeights(b, tensor.Int8, 1<<20) })
	b.Run("float32", func(b *testing.B) { loadWeights(b, tensor.Float32, 1<<18) })
}

func loadWeights(b *testing.B, d tensor.DType, n int) {
	g := &graph.Graph{}
	for i := range 100 {
		g.Initializers = append(g.Initializers, &graph.Value{Name: fmt.Sprint("weight", i), Const: tensor.Zeros(d, tensor.Shape{n})})
	}
	path := filepath.Join(b.TempDir(), "model.onnx")
	file, err := os.Create(path)
	require.NoError(b, err)
	require.NoError(b, onnx.Write(file, &graph.Model{Graph: g}))
	require.NoError(b, file.Close())
	for b.Loop() {
		loaded, err := onnx.Load(path, nil)
		require.NoError(b, err)
		require.NoError(b, loaded.Close())
	}
}

// BenchmarkDecodeNodes decodes a chain of 50,000 nodes, each with a constant
// and three attributes.
func BenchmarkDecodeNodes(b *testing.B) {
	x := &graph.Value{Name: "x"}
	g := &graph.Graph{Inputs: []*graph.Value{x}}
	for i := range 50_000 {
		c := &graph.Value{Name: fmt.Sprint("layer/constant", i), Const: tensor.Scalar(float32(i))}
		n := op("Conv", fmt.Sprint("layer/output", i), 20, x, c)
		n.Name = fmt.Sprint("layer/node", i)
		n.Attributes = []graph.Attribute{graph.A("group", int64(1)), graph.A("pads", []int64{0, 0, 1, 1}), graph.A("auto_pad", "NOTSET")}
		g.Nodes, g.Initializers = append(g.Nodes, n), append(g.Initializers, c)
		x = n.Outputs[0]
	}
	data, err := onnx.Encode(&graph.Model{Graph: g})
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := onnx.Decode(data, nil, nil)
		require.NoError(b, err)
	}
}
