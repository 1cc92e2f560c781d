package trial

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
)

// Framework is a front end through which a model reaches a device.
type Framework interface {
	// Name is what reports call it: "onnx-go".
	Name() string

	// Load loads the bytes of a .onnx file. The options name the device, and
	// forbid fallback. An error that is adapter.Unsupported says that the framework
	// or the device lacks something.
	Load(ctx context.Context, model []byte, o *models.Options) (Session, error)
}

// Session is a model on a device. It has to be safe for concurrent use.
type Session interface {
	// Run runs it on inputs in the order of the model's, nil for those that are
	// left to their defaults, and returns outputs in the order of the model's.
	Run(ctx context.Context, inputs []tensor.Value) ([]tensor.Value, error)

	// Placement says where nodes run, nil while that is not known: before the
	// first run, perhaps.
	Placement() *partition.Placement

	Close() error
}

// direct is midplane itself as a framework.
type direct struct{ *models.Session }

// Run implements [Session].
func (d direct) Run(ctx context.Context, set []tensor.Value) ([]tensor.Value, error) {
	inputs := make(map[string]tensor.Value)
	for i, in := range d.Inputs() {
		if i < len(set) && set[i] != nil {
			inputs[in.Name] = set[i]
		}
	}
	named, err := d.Session.Run(ctx, inputs)
	if err != nil {
		return nil, err
	}
	var out []tensor.Value
	for _, o := range d.Outputs() {
		out = append(out, named[o.Name])
	}
	return out, nil
}
