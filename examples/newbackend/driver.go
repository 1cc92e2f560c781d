// Package newbackend is a backend for a card that does not exist: start yours
// from a copy. It has what every device must have, and four operators.
//
// Importing it registers the driver "newbackend".
package newbackend

import (
	"context"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

func init() { adapter.Register(Driver{}) }

// Driver finds and opens the cards.
type Driver struct{}

// Name implements driver.Driver: devices are called "newbackend:0", ….
func (Driver) Name() string { return "newbackend" }

// Probe implements driver.Driver. A card that is there and cannot be used is
// listed too, with the reason in Unusable.
func (Driver) Probe(context.Context) ([]driver.Info, error) {
	return []driver.Info{{
		Class:       driver.NPU,
		Description: "a card that does not exist",
		Vendor:      "nobody",
		Memory:      memory,
		DTypes:      []tensor.DType{tensor.Float32},
	}}, nil
}

// Open implements driver.Driver.
func (d Driver) Open(ctx context.Context, index int, o *driver.Options) (driver.Device, error) {
	infos, err := d.Probe(ctx)
	if err != nil {
		return nil, err
	}
	limit := infos[index].Memory
	if o.MemoryLimit > 0 {
		limit = min(limit, o.MemoryLimit)
	}
	device := &Device{info: infos[index], limit: limit}
	device.Registry = device.kernels()
	return device, nil
}
