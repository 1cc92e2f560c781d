package models

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators/onnx"
)

// What an [Error] is about, besides the codes of package adapter.
var (
	ErrModel  = errors.New("invalid model")
	ErrInput  = errors.New("invalid input")
	ErrClosed = errors.New("the session is closed")
)

// Error is a failure to load or run a model. Fields that do not apply are
// empty.
type Error struct {
	File   string // the model, as it was named
	Stage  string // "load", "lift", "infer", "optimize", "place", "plan", "run", …
	Node   string // the node's label: `Conv "conv1"`
	Device string // the device's name
	Input  string // the input's or output's name
	Kind   error  // ErrModel, ErrInput, ErrClosed, adapter.OutOfMemory, adapter.Canceled, or nil
	Err    error  // what was wrong
}

// Error implements error.
func (e *Error) Error() string {
	var parts []string
	if e.File != "" {
		parts = append(parts, e.File)
	}
	if e.Input != "" {
		parts = append(parts, fmt.Sprintf("%q", e.Input))
	}
	parts = append(parts, strings.TrimPrefix(e.Err.Error(), "onnx: "+e.File+": "))
	return strings.Join(parts, ": ")
}

// Unwrap makes errors.Is and errors.As find kind and cause.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

// fail returns err as an Error of a stage.
func (s *Session) fail(stage string, err error) error {
	e := &Error{File: s.file, Stage: stage, Err: err}
	var node *plan.NodeError
	if errors.As(err, &node) {
		e.Node, e.Device = node.Node.Label(), node.Device
	}
	var device *adapter.Error
	if errors.As(err, &device) && e.Device == "" {
		e.Device = device.Device
	}
	var file *onnx.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Kind = adapter.Canceled
	case errors.As(err, &file) || stage == "lift" || stage == "infer":
		e.Kind = ErrModel
	case errors.Is(err, tensor.ErrTooLarge):
		e.Kind = adapter.OutOfMemory
	}
	return e
}

// badInput returns an Error about one input or output of a run.
func (s *Session) badInput(name, format string, args ...any) error {
	return &Error{File: s.file, Stage: "run", Input: name, Kind: ErrInput, Err: fmt.Errorf(format, args...)}
}

// caught makes an error of a panic, which is a mistake of this module or of a
// device's: no model and no input may end the program.
func (s *Session) caught(stage string, err *error) {
	if r := recover(); r != nil {
		s.log.Error("panic", "stage", stage, "value", r, "stack", string(debug.Stack()))
		*err = s.fail(stage, &adapter.Error{Code: adapter.Internal, Op: stage, Err: &driver.PanicError{Value: r}})
	}
}
