package onnxtest_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators/onnx/onnxtest"
)

// Every case of the official data decodes, with inputs and outputs that equal
// themselves.
func TestOfficialDataDecodes(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skip(onnxtest.Testdata + " is not set: no official case was read")
	}
	for _, suite := range []string{"node", "simple", "pytorch-operator", "pytorch-converted", "light"} {
		cases, err := onnxtest.Cases(filepath.Join(dir, suite))
		require.NoError(t, err)
		for _, c := range cases {
			sets, err := c.DataSets()
			if !assert.NoError(t, err, c.ID) {
				continue
			}
			assert.NotEmpty(t, sets, c.ID)
			for _, set := range sets {
				for _, out := range set.Outputs {
					assert.NoError(t, onnxtest.Compare(out, out, 0, 0), c.ID)
				}
			}
		}
	}
}
