package opset_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
)

// TestOfficialModelsLift lifts every model of ONNX's backend tests.
func TestOfficialModelsLift(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skipf("%s does not say where ONNX's backend tests lie", onnxtest.Testdata)
	}
	folders, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, folder := range folders {
		cases, err := onnxtest.Cases(folder)
		if err != nil {
			continue
		}
		for _, c := range cases {
			f, err := onnx.Load(c.ModelPath, nil)
			if !assert.NoError(t, err, c.ID) {
				continue
			}
			_, err = opset.Lift(context.Background(), f.Model)
			assert.NoError(t, err, c.ID)
			require.NoError(t, f.Close())
		}
	}
}
