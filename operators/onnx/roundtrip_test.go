package onnx_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
)

// What is encoded decodes to the same model, and is encoded to the same bytes
// again.
func requireRoundTrip(t *testing.T, path string) {
	file, err := onnx.Load(path, nil)
	require.NoError(t, err)
	defer file.Close()
	b, err := onnx.Encode(file.Model)
	require.NoError(t, err, path)
	again, err := onnx.Decode(b, nil, nil)
	require.NoError(t, err, path)
	require.True(t, assert.ObjectsAreEqual(file.Model, again), path)
	twice, err := onnx.Encode(again)
	require.NoError(t, err, path)
	require.Equal(t, b, twice, path)
}

func TestRoundTripOfOfficialModels(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skip(onnxtest.Testdata + " is not set: no official model was read")
	}
	count := 0
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".onnx" {
			requireRoundTrip(t, path)
			count++
		}
		return err
	})
	require.NoError(t, err)
	require.Positive(t, count)
}

func TestRoundTripOfModels(t *testing.T) {
	dir := os.Getenv("MIDPLANE_MODELS")
	if dir == "" {
		t.Skip("MIDPLANE_MODELS is not set: no model was read")
	}
	models, err := filepath.Glob(filepath.Join(dir, "*", "model.onnx"))
	require.NoError(t, err)
	require.NotEmpty(t, models)
	for _, path := range models {
		requireRoundTrip(t, path)
	}
}
