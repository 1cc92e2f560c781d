package command_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is listed can be written, and what is written runs.
func TestModels(t *testing.T) {
	r := midplane("models", "--json")
	require.Equal(t, 0, r.status)
	var list []struct {
		Name       string
		Parameters int
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &list))
	assert.Greater(t, len(list), 10)

	dir := t.TempDir()
	r = midplane("models", "gru_tagger", "--out", dir)
	require.Equal(t, 0, r.status, r.stderr)
	assert.Equal(t, filepath.Join(dir, "gru_tagger")+"\n", r.stdout)
	r = midplane("run", filepath.Join(dir, "gru_tagger"))
	require.Equal(t, 0, r.status, r.stderr)
	assert.Contains(t, r.stdout, "tags")

	for _, wrong := range [][]string{{"models", "resnet51"}, {"models", "--all", "gru_tagger"}, {"models", "gru_tagger", "--out", filepath.Join(dir, "gru_tagger", "model.onnx")}} {
		r = midplane(wrong...)
		assert.Equal(t, 2, r.status, wrong)
		assert.NotEmpty(t, r.stderr)
	}
}
