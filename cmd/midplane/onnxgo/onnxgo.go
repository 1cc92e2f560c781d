//go:build !riscv64

// Package onnxgo lets midplane conform score devices as they are reached through
// onnx-go: a main that imports it has --framework onnx-go. What onnx-go needs does
// not compile for riscv64.
package onnxgo

import (
	"context"
	"errors"
	"sync"

	"github.com/owulveryck/onnx-go"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/cmd/midplane/command"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/frameworks/gorgonia"
	"example.com/midplane/frameworks/onnxgo"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
)

func init() { command.Frameworks["onnx-go"] = framework{} }

// framework runs what onnx-go decodes on a device of midplane.
type framework struct{}

// Name implements [trial.Framework].
func (framework) Name() string { return "onnx-go" }

// Load implements [trial.Framework]. onnx-go loads a model onto a device in
// its first run.
func (framework) Load(_ context.Context, model []byte, o *models.Options) (trial.Session, error) {
	s := &session{backend: &onnxgo.Backend{Options: *o}}
	s.model = onnx.NewModel(s.backend)
	if err := s.model.UnmarshalBinary(model); err != nil {
		return nil, driver.Errorf(driver.Unsupported, "onnx-go", "decoding the model: %v", err)
	}
	return s, nil
}

// session serves one run at a time: onnx-go's models hold their inputs.
type session struct {
	mu      sync.Mutex
	backend *onnxgo.Backend
	model   *onnx.Model
}

// Run implements [trial.Session].
func (s *session) Run(ctx context.Context, inputs []tensor.Value) ([]tensor.Value, error) {
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
func (s *session) Placement() *partition.Placement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.backend.Placement()
}

// Close implements [trial.Session].
func (s *session) Close() error { return s.backend.Close() }
