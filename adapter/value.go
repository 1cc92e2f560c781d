package adapter

import (
	"context"
	"errors"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Tensor is a tensor that lies on a device. It is a tensor.Value, so it can be
// given to a run and receive a run's output without passing through the host.
type Tensor struct {
	dtype  tensor.DType
	shape  tensor.Shape
	buffer *Buffer
}

// NewTensor allocates a tensor of undefined contents. Strings cannot lie on a
// device.
func (d *Device) NewTensor(t tensor.DType, shape tensor.Shape) (*Tensor, error) {
	if !t.Valid() || t == tensor.String {
		return nil, d.named("NewTensor", driver.Errorf(Unsupported, "NewTensor", "%v elements cannot lie on a device", t))
	}
	if _, err := shape.Elements(); err != nil {
		return nil, d.refuse("NewTensor", "%v", err)
	}
	b, err := d.Alloc(d.ValueSize(t, shape), driver.DeviceMemory)
	if err != nil {
		return nil, err
	}
	return &Tensor{dtype: t, shape: shape.Clone(), buffer: b}, nil
}

// Upload returns a copy of a host tensor on the device.
func (d *Device) Upload(ctx context.Context, t *tensor.Tensor) (*Tensor, error) {
	on, err := d.NewTensor(t.DType(), t.Shape())
	if err != nil {
		return nil, err
	}
	if err := on.Write(ctx, t); err != nil {
		return nil, errors.Join(err, on.Free())
	}
	return on, nil
}

// Write replaces the elements by those of a host tensor of the same type and
// shape.
func (t *Tensor) Write(ctx context.Context, from *tensor.Tensor) error {
	if from.DType() != t.dtype || !from.Shape().Equal(t.shape) {
		return t.Device().refuse("Write", "%v%v into %v%v", from.DType(), from.Shape(), t.dtype, t.shape)
	}
	to, err := t.packed()
	if err != nil {
		return err
	}
	return t.Device().CopyIn(ctx, to, from.Bytes())
}

// Type implements tensor.Value.
func (t *Tensor) Type() tensor.Type { return tensor.TensorType(t.dtype, tensor.KnownDims(t.shape)) }

// DType returns the type of the elements.
func (t *Tensor) DType() tensor.DType { return t.dtype }

// Shape returns the extents. The caller must not change them.
func (t *Tensor) Shape() tensor.Shape { return t.shape }

// Device returns the device on which the tensor lies.
func (t *Tensor) Device() *Device { return t.buffer.dev }

// Region returns where the elements lie.
func (t *Tensor) Region() driver.Region { return t.buffer.All() }

// packed is the part of the region that holds elements as the host packs them;
// a device may round a value's size up.
func (t *Tensor) packed() (driver.Region, error) {
	return t.buffer.Slice(0, int64(t.dtype.Bytes(t.shape.Size())))
}

// Download returns a copy on the host.
func (t *Tensor) Download(ctx context.Context) (*tensor.Tensor, error) {
	from, err := t.packed()
	if err != nil {
		return nil, err
	}
	host, err := tensor.New(t.dtype, t.shape)
	if err != nil {
		return nil, err
	}
	if err := t.Device().CopyOut(ctx, host.Bytes(), from); err != nil {
		return nil, err
	}
	return host, nil
}

// Free gives the memory back.
func (t *Tensor) Free() error { return t.buffer.Free() }
