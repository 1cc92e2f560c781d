package command_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func lines(t *testing.T, file string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	return bytes.Count(b, []byte("\n"))
}

// A run that is interrupted goes on where it ended, whether cases are run in
// children or not, and no case is judged that was cut off.
func TestConformGoesOnAfterAnInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOARCH == "wasm" {
		t.Skip("there are no interrupts on " + runtime.GOOS)
	}
	for _, more := range [][]string{nil, {"--isolate"}} {
		dir := filepath.Join(t.TempDir(), "package")
		args := append([]string{"conform", "--profile", "smoke", "--run", "^op/(A[b-r]|C)", "--workers", "1", "--out", dir}, more...)
		var stderr strings.Builder
		first := exec.CommandContext(t.Context(), os.Args[0], args...)
		first.Stderr = &stderr
		require.NoError(t, first.Start())
		results := filepath.Join(dir, "cells.jsonl")
		require.Eventually(t, func() bool { return lines(t, results) > 20 }, time.Minute, time.Millisecond)
		require.NoError(t, first.Process.Signal(os.Interrupt))
		require.Error(t, first.Wait())
		assert.Equal(t, 2, first.ProcessState.ExitCode())
		assert.Contains(t, stderr.String(), "interrupted: the same command goes on where it ended")
		assert.NoFileExists(t, filepath.Join(dir, "manifest.json"))
		before := lines(t, results)

		second := exec.CommandContext(t.Context(), os.Args[0], args...)
		out, err := second.Output()
		require.NoError(t, err, "%s", out)
		assert.Regexp(t, `\n\d+ passed, 0 failed, 0 unsupported\n$`, string(out))
		assert.Less(t, before, lines(t, results))
		log, err := os.ReadFile(filepath.Join(dir, "log.txt"))
		require.NoError(t, err)
		assert.Regexp(t, `^\S+ begun, with 0 results from before\n\S+ begun, with \d\d+ results from before\n\S+ ended: `, string(log))
		assert.Contains(t, good(t, "report", "verify", dir), "grade: self-declared")
	}
}

func TestConformInChildren(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("there are no processes on WebAssembly")
	}
	alone, within := scoredPackage(t), scoredPackage(t, "--isolate")
	assert.Contains(t, good(t, "report", "diff", alone, within), "no case changed")
	assert.Contains(t, good(t, "report", "show", within, "--format", "markdown"), "| isolated | true |")
}
