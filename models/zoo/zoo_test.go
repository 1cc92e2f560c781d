package zoo_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	"example.com/midplane/models"
	"example.com/midplane/models/zoo"
	"example.com/midplane/operators/onnx"
)

// A model has as many parameters as are published for the one that it is named
// after.
func TestParameters(t *testing.T) {
	for name, want := range map[string]int{
		"resnet50": 25557032, "mobilenet_v2": 3504872 - 17056, "densenet121": 7978856, "inception_v1": 6998552,
		"squeezenet1_1": 1235496, "minilm_l6": 22713216, "minilm_l6_dynamic": 22713216, "smollm_135m": 134515008,
		"unet": 7763041 - 2944, "resnet50_folded": 25557032 - 26560, "resnet50_qdq": 25557032 - 26560, "mobilenet_v2_qdq": 3504872 - 17056,
	} {
		m, err := zoo.Find(name)
		require.NoError(t, err)
		assert.Equal(t, want, m.Parameters(), name)
	}
}

// heavy are models that take seconds to build and to run.
var heavy = map[string]bool{"smollm_135m": true, "densenet121": true, "resnet50": true, "resnet50_folded": true, "resnet50_qdq": true, "unet": true}

// Every model runs from what it is written to, and its outputs are finite, of the
// right shapes, and neither all alike nor beyond all measure.
func TestModelsRun(t *testing.T) {
	shapes := map[string]tensor.Shape{"logits": {1, 1000}, "probabilities": {1, 1000}, "mask": {1, 1, 256, 256}, "last_hidden_state": {1, 128, 384}, "tags": {50, 1, 17}}
	for _, m := range zoo.All() {
		t.Run(m.Name, func(t *testing.T) {
			if heavy[m.Name] && os.Getenv("MIDPLANE_LONG") == "" {
				t.Skip("takes seconds: set MIDPLANE_LONG=1")
			}
			dir := t.TempDir()
			require.NoError(t, m.Write(dir))
			s, err := models.Load(t.Context(), filepath.Join(dir, "model.onnx"), nil)
			require.NoError(t, err)
			defer func() { assert.NoError(t, s.Close()) }()
			inputs := make(map[string]tensor.Value)
			for i, in := range m.Inputs(m.Graph().Graph) {
				inputs[s.Inputs()[i].Name] = in
			}
			outputs, err := s.Run(context.Background(), inputs)
			require.NoError(t, err)
			for name, want := range shapes {
				if m.Name == "smollm_135m" {
					want = tensor.Shape{1, 1, 49152}
				}
				if v, ok := outputs[name].(*tensor.Tensor); ok {
					assert.Equal(t, want, v.Shape(), name)
					sane(t, v)
				}
			}
		})
	}
}

// sane holds the numbers of a tensor to be of ordinary size and to vary.
func sane(t *testing.T, v *tensor.Tensor) {
	t.Helper()
	most, sum, square := 0.0, 0.0, 0.0
	for _, x := range v.Float64s() {
		require.False(t, math.IsNaN(x) || math.IsInf(x, 0))
		most = math.Max(most, math.Abs(x))
		sum, square = sum+x, square+x*x
	}
	n := float64(v.Len())
	deviation := math.Sqrt(square/n - sum/n*sum/n)
	assert.Less(t, most, 100.0)
	assert.Greater(t, deviation, 0.01*most, "the numbers hardly differ")
}

// The same bits are written every time.
func TestModelsAreTheSameEveryTime(t *testing.T) {
	m, err := zoo.Find("gru_tagger")
	require.NoError(t, err)
	a, err := onnx.Encode(m.Graph())
	require.NoError(t, err)
	b, err := onnx.Encode(m.Graph())
	require.NoError(t, err)
	assert.Equal(t, a, b)
	_, err = zoo.Find("resnet51")
	assert.ErrorContains(t, err, `"resnet51"`)
}
