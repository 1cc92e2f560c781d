package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/owulveryck/onnx-go"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/frameworks/gorgonia"
	"example.com/midplane/frameworks/onnxgo"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
)

// frameworks are the front ends that a device can be scored with, by the names
// that --framework has for them. Midplane itself is nil.
var frameworks = map[string]conformance.Framework{"midplane": nil, "onnx-go": viaOnnxGo{}}

// parseFramework returns the front end of a name.
func parseFramework(name string) (conformance.Framework, error) {
	f, ok := frameworks[name]
	if !ok {
		return nil, fmt.Errorf("--framework %q: it is one of %s", name, strings.Join(slices.Sorted(maps.Keys(frameworks)), ", "))
	}
	return f, nil
}

// viaOnnxGo runs what onnx-go decodes on a device of midplane.
type viaOnnxGo struct{}

// Name implements [conformance.Framework].
func (viaOnnxGo) Name() string { return "onnx-go" }

// Load implements [conformance.Framework]. onnx-go loads a model onto a device in
// its first run.
func (viaOnnxGo) Load(_ context.Context, model []byte, o *models.Options) (trial.Session, error) {
	s := &onnxGoSession{backend: &onnxgo.Backend{Options: *o}}
	s.model = onnx.NewModel(s.backend)
	if err := s.model.UnmarshalBinary(model); err != nil {
		return nil, driver.Errorf(driver.Unsupported, "onnx-go", "decoding the model: %v", err)
	}
	return s, nil
}

// onnxGoSession serves one run at a time: onnx-go's models hold their inputs.
type onnxGoSession struct {
	mu      sync.Mutex
	backend *onnxgo.Backend
	model   *onnx.Model
}

// Run implements [trial.Session].
func (s *onnxGoSession) Run(ctx context.Context, inputs []tensor.Value) ([]tensor.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, v := range inputs {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return nil, driver.Errorf(driver.Unsupported, "onnx-go", "input %d is no tensor", i)
		}
		dense, err := gorgonia.Dense(t)
		if err != nil {
			return nil, driver.Errorf(driver.Unsupported, "onnx-go", "input %d: %v", i, err)
		}
		if err := s.model.SetInput(i, dense); err != nil {
			return nil, err
		}
	}
	if err := s.backend.RunContext(ctx); err != nil {
		if lost := (*onnxgo.LossError)(nil); errors.As(err, &lost) || errors.Is(err, errors.ErrUnsupported) {
			return nil, driver.Errorf(driver.Unsupported, "onnx-go", "%v", err)
		}
		return nil, err
	}
	results, err := s.model.GetOutputTensors()
	if err != nil {
		return nil, err
	}
	outputs := make([]tensor.Value, len(results))
	for i, r := range results {
		if outputs[i], err = gorgonia.Tensor(r); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

// Placement implements [trial.Session].
func (s *onnxGoSession) Placement() *partition.Placement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.backend.Placement()
}

// Close implements [trial.Session].
func (s *onnxGoSession) Close() error { return s.backend.Close() }
