package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../../.."

func TestGeneratedFilesAreCurrent(t *testing.T) {
	for _, f := range files() {
		have, err := os.ReadFile(filepath.Join(root, f.name))
		require.NoError(t, err)
		assert.Equal(t, f.text, string(have), "%s is not what the table says: run make generate", f.name)
	}
}

func TestTheInterfaceOnlyGrows(t *testing.T) {
	before := "0 1.0 a;\n1 1.0 b;\n"
	assert.NoError(t, grows("", before))
	assert.NoError(t, grows(before, before))
	assert.NoError(t, grows(before, before+"2 1.1 c;\n"))
	assert.ErrorContains(t, grows(before, "0 1.0 a;\n"), "has gone")
	assert.ErrorContains(t, grows(before, "0 1.0 b;\n1 1.0 a;\n"), "in the place of")
	assert.ErrorContains(t, grows(before, "0 1.0 a;\n1 1.0 b2;\n"), "only added")
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, run(dir))
	require.NoError(t, run(dir), "again")
	name := filepath.Join(dir, abiFile)
	require.NoError(t, os.WriteFile(name, []byte("0 1.0 something else;\n"), 0o644))
	assert.ErrorContains(t, run(dir), "something else")
}
