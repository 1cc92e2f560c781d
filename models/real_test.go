package models_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	"example.com/midplane/models"
	_ "example.com/midplane/operators/microsoft"
	"example.com/midplane/operators/onnx/onnxtest"
)

// tolerances of the real models whose rounding alone makes outputs differ by
// more than 1e-4 of their largest value between two correct runtimes.
var tolerances = map[string]float64{
	"mlsd_320_tiny": 2e-3, "oww_hey_jarvis": 1e-1, "syn_resnet50_qdq": 2e-2, "syn_minilm_l6_int8dyn": 3e-2,
}

// others are further devices that real models are run on, where they are there.
var others []string

// Real models give the outputs that ONNX Runtime gives.
func TestRealModels(t *testing.T) {
	dir := os.Getenv("MIDPLANE_MODELS")
	if dir == "" {
		t.Skip("MIDPLANE_MODELS is not set: no real model was run")
	}
	cases, err := onnxtest.Cases(dir)
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, device := range append(slices.Clone(devices), others...) {
		t.Run(device, func(t *testing.T) {
			dev, err := adapter.Open(t.Context(), device, nil)
			if errors.Is(err, adapter.Unavailable) {
				t.Skipf("no real model was run: %v", err)
			}
			require.NoError(t, err)
			require.NoError(t, dev.Close())
			for _, c := range cases {
				t.Run(filepath.Base(c.Dir), func(t *testing.T) { checkModel(t, c, device) })
			}
		})
	}
}

func checkModel(t *testing.T, c onnxtest.Case, device string) {
	ctx := context.Background()
	s, err := models.Load(ctx, c.ModelPath, &models.Options{Devices: []string{device}})
	if errors.Is(err, adapter.Unsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	sets, err := c.DataSets()
	require.NoError(t, err)
	require.NotEmpty(t, sets)
	tolerance, ok := tolerances[c.ID]
	if !ok {
		tolerance = 1e-4
	}
	for _, set := range sets {
		inputs := make(map[string]tensor.Value)
		for i, v := range set.Inputs {
			if v != nil {
				inputs[s.Inputs()[i].Name] = v
			}
		}
		out, err := s.Run(ctx, inputs)
		require.NoError(t, err)
		compared := 0
		for i, want := range set.Outputs {
			if want == nil {
				continue
			}
			compared++
			name := s.Outputs()[i].Name
			require.NoError(t, onnxtest.CompareScaled(out[name], want, tolerance), "output %q", name)
		}
		require.NotZero(t, compared)
	}
}
