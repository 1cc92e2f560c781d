package onnxruntime_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/onnxruntime"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
)

// outcome is what became of one official case.
type outcome struct {
	outputs [][]tensor.Value // of each data set
	err     error            // it did not run
	passed  bool             // by ONNX's rule
	whole   bool             // the device took the model as a whole
}

// judge holds the outputs of a case against those expected.
func (o *outcome) judge(sets []onnxtest.DataSet) {
	o.passed = o.err == nil
	for i, outputs := range o.outputs {
		for k, want := range sets[i].Outputs {
			if want != nil && onnxtest.Compare(outputs[k], want, 1e-3, 1e-7) != nil {
				o.passed = false
			}
		}
	}
}

// bare runs a case on ONNX Runtime alone.
func bare(t *testing.T, d driver.Device, c onnxtest.Case, g *graph.Graph, sets []onnxtest.DataSet) outcome {
	var o outcome
	for _, set := range sets {
		outputs, err := onnxruntime.Bare(t.Context(), d, c.ModelPath, g, set.Inputs)
		if err != nil {
			return outcome{err: err}
		}
		o.outputs = append(o.outputs, outputs)
	}
	o.judge(sets)
	return o
}

// through runs a case on the device as any program does.
func through(t *testing.T, dev *adapter.Device, c onnxtest.Case, sets []onnxtest.DataSet) outcome {
	s, err := models.Load(t.Context(), c.ModelPath, &models.Options{Opened: []*adapter.Device{dev}})
	if err != nil {
		return outcome{err: err}
	}
	defer s.Close()
	o := outcome{whole: slices.ContainsFunc(s.Placement().Nodes, func(a partition.Assignment) bool { return a.Route == partition.Graph })}
	for _, set := range sets {
		inputs := make(map[string]tensor.Value)
		for i, v := range set.Inputs {
			if v != nil {
				inputs[s.Inputs()[i].Name] = v
			}
		}
		named, err := s.Run(t.Context(), inputs)
		if err != nil {
			return outcome{err: err}
		}
		var outputs []tensor.Value
		for _, out := range s.Outputs() {
			outputs = append(outputs, named[out.Name])
		}
		o.outputs = append(o.outputs, outputs)
	}
	o.judge(sets)
	return o
}

// Whatever ONNX Runtime runs by itself it runs through midplane too, with the
// same bits. What midplane passes beyond that is counted.
func TestOfficialCasesAsOnBareONNXRuntime(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skipf("%s is not set: no official case was run on ONNX Runtime", onnxtest.Testdata)
	}
	drv := open(t, nil)
	dev := adapter.New("onnxruntime:0", drv)
	total, alone, passed, more := 0, 0, 0, 0
	for _, group := range []string{"node", "simple", "pytorch-operator", "pytorch-converted", "light"} {
		cases, err := onnxtest.Cases(filepath.Join(dir, group))
		require.NoError(t, err)
		for i, c := range cases {
			if testing.Short() && i%16 != 0 {
				continue
			}
			total++
			file, err := onnx.Load(c.ModelPath, nil)
			require.NoError(t, err)
			sets, err := c.Read(file.Model.Graph)
			require.NoError(t, err)
			want, got := bare(t, drv, c, file.Model.Graph, sets), through(t, dev, c, sets)
			random := slices.ContainsFunc(file.Model.Graph.Nodes, infer.Volatile)
			require.NoError(t, file.Close())
			switch {
			case want.err == nil && !got.whole:
				t.Errorf("%s: ONNX Runtime runs it by itself, midplane does not leave it the whole model: %v", c.ID, got.err)
			case want.err == nil && got.err != nil:
				t.Errorf("%s: ONNX Runtime runs it by itself: %v", c.ID, got.err)
			case want.err == nil && !random:
				assert.Equal(t, want.outputs, got.outputs, c.ID)
			}
			if want.passed {
				alone++
			}
			if got.passed {
				passed++
			}
			if got.passed && !want.passed && !random {
				more++
				assert.False(t, got.whole, "%s passes through midplane only, though ONNX Runtime took all of it", c.ID)
			}
		}
	}
	t.Logf("%d cases: ONNX Runtime passes %d by itself; through midplane %d pass, of which %d where it declines the model (ALLOW_RELEASED_ONNX_OPSET_ONLY=%q)",
		total, alone, passed, more, os.Getenv("ALLOW_RELEASED_ONNX_OPSET_ONLY"))
}
