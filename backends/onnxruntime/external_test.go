package onnxruntime_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// text and number are fields of a message.
func text(num protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), s)
}

func number(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

// withWeightsElsewhere encodes y = x + w, whose initializer w lies in w.bin.
func withWeightsElsewhere(t *testing.T) []byte {
	t.Helper()
	m := model(14, &graph.Node{Op: "Add"}, []*graph.Value{value("x", tensor.Float32, 2), value("w", tensor.Float32, 2)}, value("y", tensor.Float32, 2))
	whole, err := onnx.Encode(m)
	require.NoError(t, err)
	entry := string(append(text(1, "location"), text(2, "w.bin")...))
	w := string(append(append(append(append(number(1, 2), number(2, 1)...), text(8, "w")...), text(13, entry)...), number(14, 1)...))
	var out []byte
	for len(whole) > 0 {
		num, typ, n := protowire.ConsumeTag(whole)
		require.Positive(t, n)
		size := protowire.ConsumeFieldValue(num, typ, whole[n:])
		require.GreaterOrEqual(t, size, 0)
		field := whole[:n+size]
		if num == 7 { // the graph
			inner, _ := protowire.ConsumeBytes(whole[n:])
			field = text(7, string(inner)+string(text(5, w)))
		}
		out, whole = append(out, field...), whole[n+size:]
	}
	return out
}

// Tensors in other files are found from a path, and from a file system, whose
// names mean nothing to ONNX Runtime.
func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.onnx"), withWeightsElsewhere(t), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "w.bin"), tensor.Of([]float32{10, 20}).Bytes(), 0o644))
	dev := adapter.New("onnxruntime:0", open(t, nil))
	o := &models.Options{Opened: []*adapter.Device{dev}}
	for name, load := range map[string]func() (*models.Session, error){
		"path":        func() (*models.Session, error) { return models.Load(t.Context(), filepath.Join(dir, "model.onnx"), o) },
		"file system": func() (*models.Session, error) { return models.LoadFS(t.Context(), os.DirFS(dir), "model.onnx", o) },
	} {
		s, err := load()
		require.NoError(t, err, name)
		assert.Equal(t, partition.Graph, s.Placement().Nodes[0].Route, name)
		out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of([]float32{1, 2})})
		require.NoError(t, err, name)
		assert.Equal(t, []float32{11, 22}, tensor.Slice[float32](out["y"].(*tensor.Tensor)), name)
		require.NoError(t, s.Close())
	}
}
