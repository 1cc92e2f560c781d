//go:build unix

package models_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// external is a model whose weight of two numbers lies in another file.
func external(location string) message {
	entry := func(key, value string) message { return message{}.text(1, key).text(2, value) }
	w := bigTensor("w", 2).bytes(13, entry("location", location)).bytes(13, entry("length", "8")).int(14, 1)
	return model(between(node("Add", []string{"x", "w"}, []string{"y"})).bytes(5, w))
}

// External data is read from the model's folder and below, from regular files
// only, whatever lies there and wherever links point.
func TestHostileExternalData(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	require.NoError(t, os.WriteFile(secret, make([]byte, 8), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "below"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "below", "weights"), make([]byte, 8), 0o600))
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "folder")))
	require.NoError(t, os.Symlink("below/weights", filepath.Join(dir, "inside")))
	require.NoError(t, os.Symlink("circle", filepath.Join(dir, "circle")))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "short"), make([]byte, 7), 0o600))
	up, err := filepath.Rel(dir, secret)
	require.NoError(t, err)
	refusals := map[string]string{
		"above":              up,
		"above by backslash": `..\..\secret`,
		"through a folder":   "below/../../" + filepath.Base(outside) + "/secret",
		"absolute":           secret,
		"a link out":         "link",
		"through a link out": "folder/secret",
		"a link to itself":   "circle",
		"a device":           "/dev/zero",
		"a link to a device": "zero",
		"a pipe":             "pipe",
		"a folder":           "below",
		"a short file":       "short",
		"nothing":            "none",
		"no name":            "",
		"a NUL":              "a\x00b",
	}
	x := values{"x": tensor.Of([]float32{1, 2})}
	path := filepath.Join(dir, "model.onnx")
	for name, location := range refusals {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, external(location), 0o600))
			within(t, bound{2 * time.Second, 16 << 20}, func() {
				_, err := models.Load(t.Context(), path, one("cpu"))
				require.ErrorIs(t, err, models.ErrModel)
				assert.ErrorContains(t, err, path)
				assert.ErrorContains(t, err, `"w"`)
			})
		})
	}
	for _, location := range []string{"below/weights", "./below/weights", "inside", "below/../below/weights"} {
		require.NoError(t, os.WriteFile(path, external(location), 0o600))
		s, err := models.Load(t.Context(), path, one("cpu"))
		require.NoError(t, err, location)
		out, err := s.Run(t.Context(), x)
		require.NoError(t, err)
		assert.Equal(t, []float32{1, 2}, floats(t, out["y"]))
		require.NoError(t, s.Close())
	}
}

// What is named as the model itself may be no endless file, and no folder.
func TestHostilePaths(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"/dev/zero", "/dev/null", dir, filepath.Join(dir, "none")} {
		within(t, bound{5 * time.Second, 16 << 20}, func() {
			_, err := models.Load(t.Context(), path, one("cpu"))
			require.ErrorIs(t, err, models.ErrModel, path)
			assert.ErrorContains(t, err, path)
		})
	}
}
