//go:build !riscv64

package command_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	_ "example.com/midplane/cmd/midplane/onnxgo"
)

// A score is of a framework and a device together: what onnx-go has no form for
// is unsupported, what it has runs on the device.
func TestConformThroughOnnxGo(t *testing.T) {
	for _, more := range [][]string{nil, {"--isolate"}} {
		dir := filepath.Join(t.TempDir(), "package")
		args := []string{"conform", "--profile", "smoke", "--framework", "onnx-go", "--run", "^op/(Gemm/.*/float32/default/rank2$|SequenceEmpty/.*/float32/)", "--out", dir, "--json"}
		got := decoded[scored](t, append(args, more...)...)
		require.NotEmpty(t, got.Cases)
		seen := make(map[string]int)
		for _, c := range got.Cases {
			switch {
			case c.Status == "unsupported":
				assert.Contains(t, c.Reason, "onnx-go has no form for it")
				assert.Contains(t, c.ID, "SequenceEmpty")
			default:
				assert.Equal(t, "passed", c.Status, c.Reason)
				assert.Equal(t, "kernel", c.Route)
			}
			seen[c.Status]++
		}
		assert.Len(t, seen, 2)
		assert.Contains(t, good(t, "report", "verify", dir), "onnx-go on cpu, unsigned")
		assert.Contains(t, good(t, "report", "verify", dir, "--replay", "2", "--device", "cpu", "--framework", "onnx-go"), "2 with the same verdict")
		r := midplane("report", "verify", dir, "--replay", "4", "--device", "cpu")
		assert.Equal(t, 2, r.status)
		assert.Contains(t, r.stderr, "the package is about onnx-go, and cases would be replayed through midplane")
	}
	assert.Equal(t, 2, midplane("conform", "--framework", "paddle").status)
}
