package newbackend

import (
	"context"
	"sync"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators"
)

// memory is how much the card has, in bytes.
const memory = 1 << 30

// Device is an opened card. The portable side has checked sizes and regions
// before it calls.
type Device struct {
	driver.Unimplemented // Synchronize and Close, which have nothing to do here, and whatever is added later
	*operators.Registry  // the kernels
	info                 driver.Info

	mu          sync.Mutex
	limit, used int64
}

// buffer is memory of the card. A real one holds an address.
type buffer struct {
	dev   *Device
	bytes []byte // nil once freed
	size  int64
}

// Info implements driver.Device.
func (d *Device) Info() driver.Info { return d.info }

// Alloc implements driver.Device. The card has one kind of memory, and gives it
// for all.
func (d *Device) Alloc(size int64, _ driver.MemoryKind) (driver.Buffer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if size > d.limit-d.used {
		return nil, driver.Errorf(driver.OutOfMemory, "Alloc", "%d bytes, with %d of %d in use", size, d.used, d.limit)
	}
	d.used += size
	return &buffer{d, make([]byte, size), size}, nil
}

// Size implements driver.Buffer.
func (b *buffer) Size() int64 { return b.size }

// Free implements driver.Buffer.
func (b *buffer) Free() error {
	b.dev.mu.Lock()
	defer b.dev.mu.Unlock()
	b.dev.used -= int64(len(b.bytes))
	b.bytes = nil
	return nil
}

// at returns the card's bytes of a region.
func (d *Device) at(r driver.Region) ([]byte, error) {
	b, ok := r.Buffer.(*buffer)
	if !ok || b.dev != d {
		return nil, driver.Errorf(driver.InvalidArgument, "", "a buffer of another device")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.bytes == nil {
		return nil, driver.Errorf(driver.Closed, "", "the buffer was freed before")
	}
	return b.bytes[r.Offset : r.Offset+r.Size], nil
}

// CopyIn implements driver.Device.
func (d *Device) CopyIn(_ context.Context, dst driver.Region, src []byte) error {
	to, err := d.at(dst)
	copy(to, src)
	return err
}

// CopyOut implements driver.Device.
func (d *Device) CopyOut(_ context.Context, dst []byte, src driver.Region) error {
	from, err := d.at(src)
	copy(dst, from)
	return err
}
