package conformance_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance"
	"example.com/midplane/operators/onnx/onnxtest"
	_ "example.com/midplane/operators/reference/imagedec"
)

var groups = []string{"node", "simple", "pytorch-operator", "pytorch-converted", "light"}

func TestOfficialOnCPU(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skipf("%s is not set: ONNX's backend tests were not run", onnxtest.Testdata)
	}
	var dirs []string
	for _, g := range groups {
		dirs = append(dirs, filepath.Join(dir, g))
	}
	open := func(context.Context) (driver.Device, error) { return cpu.New(nil), nil }
	report, err := conformance.Score(t.Context(), open, &conformance.Options{ONNX: dirs})
	require.NoError(t, err)
	for _, c := range report.Cases {
		if c.Status == conformance.Failed {
			t.Errorf("%s: %s", c.ID, c.Reason)
		}
	}
	t.Log(report.Summary)
}
