package models_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// The graph of every stage can be written, read again and run, with the same
// answer; the placed one says where its nodes run.
func TestWriteStage(t *testing.T) {
	s := newSketch("written")
	x := s.input("x", tensor.Float32, "n", 4)
	r := s.Op("Relu", []*graph.Value{x})
	s.output("y", s.Op("Mul", []*graph.Value{s.Op("Cos", []*graph.Value{r}), r})) // emu:1 has no Cos
	session := s.load(t, &models.Options{Devices: []string{"emu:1", "cpu"}})
	in := values{"x": tensor.Of([]float32{-1, 0, 1, 2}, 1, 4)}
	want, err := session.Run(t.Context(), in)
	require.NoError(t, err)
	for _, stage := range models.Stages {
		t.Run(stage, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, session.WriteStage(&b, stage))
			again, err := models.LoadBytes(t.Context(), b.Bytes(), one("cpu"))
			require.NoError(t, err)
			defer again.Close()
			out, err := again.Run(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, floats(t, want["y"]), floats(t, out["y"]))
		})
	}
	var b bytes.Buffer
	require.NoError(t, session.WriteStage(&b, "placed"))
	m, err := onnx.Decode(b.Bytes(), nil, nil)
	require.NoError(t, err)
	devices := make(map[string]string)
	for _, n := range m.Graph.Nodes {
		devices[n.Op] = n.Metadata["midplane.device"] + " " + n.Metadata["midplane.route"] + " " + n.Metadata["midplane.reason"]
	}
	assert.Equal(t, map[string]string{"Relu": "emu:1 kernel ", "Cos": "cpu:0 kernel emu:1: no kernel", "Mul": "emu:1 kernel "}, devices)
	require.Error(t, session.WriteStage(&b, "nowhere"))
}
