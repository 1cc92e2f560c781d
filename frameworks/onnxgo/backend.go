package onnxgo

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/owulveryck/onnx-go/backend"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/gorgonia"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
)

// Backend gathers the model that onnx-go decodes into it, one only, and runs it.
// The zero Backend is ready. It is not safe for concurrent use.
type Backend struct {
	// Options say on which devices the model runs, and how. They are read when
	// it is loaded, by the first run.
	Options models.Options

	// Opsets are the versions of the operator sets that the file imports, by
	// domain; "" is ai.onnx. onnx-go does not tell them. Of a domain that is left
	// out, the newest version is taken that has all of the model's operators in
	// the form in which they come: attributes, and numbers of inputs and outputs.
	// Where that form means something else in another such version, as that of a
	// Softmax over several axes does below version 13, Run is a [*LossError].
	Opsets map[string]int

	nodes      []*Node
	values     map[string]*value
	pending    []*edge // those set since the last operation
	operations []*operation
	settled    bool

	session *models.Session
	types   map[string]string // of the inputs that the session was loaded for
	guessed map[string]int    // the operator-set versions that Opsets leaves out
}

var _ backend.ComputationBackend = (*Backend)(nil)

// New returns a Backend that runs on the named devices, in order of preference;
// without any on the first usable one, "cpu" before others.
func New(devices ...string) *Backend {
	return &Backend{Options: models.Options{Devices: devices}}
}

// Run is [Backend.RunContext] with a context that never ends.
func (b *Backend) Run() error { return b.RunContext(context.Background()) }

// RunContext runs the model on the tensors that its inputs were set to, and sets
// those of its outputs. The first run, and one after inputs changed their ranks
// or initializers were set, loads the model onto its devices. Input tensors are
// only read, and only until RunContext returns; output tensors are new ones in
// each run.
func (b *Backend) RunContext(ctx context.Context) error {
	b.settle()
	for _, v := range b.values {
		v.result = nil
	}
	inputs, err := b.inputs()
	if err != nil {
		return err
	}
	if err := b.load(ctx, inputs); err != nil {
		return err
	}
	outputs, err := b.session.Run(ctx, inputs)
	if err != nil {
		return b.explain(err)
	}
	for name, out := range outputs {
		t, ok := out.(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("onnxgo: output %q is %v, which is no tensor: onnx-go has no form for it: %w", name, out.Type(), errors.ErrUnsupported)
		}
		d, err := gorgonia.Dense(t)
		if err != nil {
			return fmt.Errorf("onnxgo: output %q: %w", name, err)
		}
		b.values[name].result = d
	}
	return nil
}

// inputs returns the tensors that the inputs were set to.
func (b *Backend) inputs() (map[string]tensor.Value, error) {
	inputs := make(map[string]tensor.Value)
	for i, n := range b.settable() {
		v := n.value
		if v.role != input {
			continue
		}
		if v.given == nil {
			return nil, fmt.Errorf("onnxgo: input %d, %q, is not set (see onnx.Model.SetInput)", i, v.name)
		}
		t, err := gorgonia.Tensor(v.given)
		if err != nil {
			return nil, fmt.Errorf("onnxgo: input %d, %q: %w", i, v.name, err)
		}
		inputs[v.name] = t
	}
	return inputs, nil
}

// load makes the session fit the inputs.
func (b *Backend) load(ctx context.Context, inputs map[string]tensor.Value) error {
	types := make(map[string]string)
	for name := range inputs {
		types[name] = b.values[name].inputType().String()
	}
	if b.session != nil && maps.Equal(types, b.types) {
		return nil
	}
	if err := b.Close(); err != nil {
		return err
	}
	m, err := b.model(ctx)
	if err != nil {
		return err
	}
	s, err := models.LoadModel(ctx, m, &b.Options)
	if err != nil {
		return b.explain(err)
	}
	b.session, b.types = s, types
	return nil
}

// explain adds to an error which versions of operator sets were guessed.
func (b *Backend) explain(err error) error {
	if len(b.guessed) == 0 || errors.Is(err, models.ErrInput) {
		return fmt.Errorf("onnxgo: %w", err)
	}
	return fmt.Errorf("onnxgo: %w (onnx-go drops the versions of operator sets, so these were guessed: %s; see Backend.Opsets)", err, spell(b.guessed))
}

// Model returns the model as it was gathered, its inputs typed as far as they
// are declared and set. It shares its tensors with b.
func (b *Backend) Model(ctx context.Context) (*graph.Model, error) {
	b.settle()
	return b.model(ctx)
}

// Placement says where the nodes of the model run, nil while it is not loaded.
func (b *Backend) Placement() *partition.Placement {
	if b.session == nil {
		return nil
	}
	return b.session.Placement()
}

// Close gives the model's memory and devices back. A run after it loads the
// model again.
func (b *Backend) Close() error {
	s := b.session
	b.session, b.types = nil, nil
	if s == nil {
		return nil
	}
	return s.Close()
}
