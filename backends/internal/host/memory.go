// Package host is the memory of devices that work synchronously in the memory
// of this process. Such a device embeds a [Memory].
package host

import (
	"context"
	"fmt"
	"sync/atomic"
	"unsafe"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Caps are the capabilities that a [Memory] gives a device.
const Caps = driver.CapCopier | driver.CapStatter | driver.CapHostMapper | driver.CapHostImporter

// Alignment of every buffer in bytes: a cache line, and a vector register.
const Alignment = 64

// Memory implements the part of driver.Device that is about memory, and the
// interfaces that [Caps] names. Its buffers are Go memory; host memory is
// imported where it lies.
type Memory struct {
	// Reclaim, if set, is called where the limit would be passed: it gives back
	// with Release what is kept for reuse.
	Reclaim func()

	limit  int64
	taken  atomic.Int64 // in buffers and reserved
	inUse  atomic.Int64 // in buffers
	peak   atomic.Int64
	allocs atomic.Int64
	frees  atomic.Int64
}

// NewMemory returns memory of which limit bytes may be in use at a time; by
// default, where limit is not positive, half of what the process may use: the
// other half is for what kernels need uncounted while they run.
func NewMemory(limit int64) *Memory {
	if limit <= 0 {
		limit = tensor.HostMemory() / 2
	}
	return &Memory{limit: limit}
}

// buffer is memory of this process.
type buffer struct {
	bytes    []byte
	of       *Memory
	imported bool // and not counted
	freed    atomic.Bool
}

// Size implements driver.Buffer.
func (b *buffer) Size() int64 { return int64(len(b.bytes)) }

// Free implements driver.Buffer.
func (b *buffer) Free() error {
	if b.freed.CompareAndSwap(false, true) && !b.imported {
		b.of.inUse.Add(-b.Size())
		b.of.taken.Add(-b.Size())
		b.of.frees.Add(1)
	}
	return nil
}

// Alloc implements driver.Device.
func (m *Memory) Alloc(size int64, _ driver.MemoryKind) (driver.Buffer, error) {
	if size < 0 {
		return nil, driver.Errorf(driver.InvalidArgument, "Alloc", "%d bytes", size)
	}
	if err := m.reserve("Alloc", size); err != nil {
		return nil, err
	}
	now := m.inUse.Add(size)
	for peak := m.peak.Load(); now > peak && !m.peak.CompareAndSwap(peak, now); peak = m.peak.Load() {
	}
	m.allocs.Add(1)
	return &buffer{bytes: aligned(int(size)), of: m}, nil
}

// Reserve counts memory beside the buffers towards the limit, such as packed
// weights and scratch. It fails with driver.OutOfMemory where it would pass it.
func (m *Memory) Reserve(size int64) error { return m.reserve("Reserve", size) }

// Release gives back what was reserved.
func (m *Memory) Release(size int64) { m.taken.Add(-size) }

func (m *Memory) reserve(op string, size int64) error {
	now, ok := m.count(size)
	if !ok && m.Reclaim != nil {
		m.Reclaim()
		now, ok = m.count(size)
	}
	if !ok {
		return &driver.Error{Code: driver.OutOfMemory, Retryable: size <= m.limit, Op: op, Wanted: size, Available: max(m.limit-now, 0),
			Text: fmt.Sprintf("%d bytes more than the %d in use would pass the limit of %d", size, now, m.limit)}
	}
	return nil
}

// count counts size bytes more if they fit; if not, it returns how many were
// counted before.
func (m *Memory) count(size int64) (before int64, ok bool) {
	now := m.taken.Add(size)
	if now > m.limit || now < size || size > int64(^uint(0)>>1)-Alignment {
		m.taken.Add(-size)
		return now - size, false
	}
	return now - size, true
}

// aligned returns zeroed memory at a multiple of Alignment.
func aligned(size int) []byte {
	raw := make([]byte, size+Alignment)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (Alignment - 1)
	return raw[skip : skip+size : skip+size]
}

// Import implements driver.HostImporter.
func (m *Memory) Import(host []byte) (driver.Buffer, error) {
	return &buffer{bytes: host, of: m, imported: true}, nil
}

// HostBytes implements driver.HostMapper.
func (m *Memory) HostBytes(r driver.Region) ([]byte, error) { return m.bytes(r) }

// bytes is Bytes of the memory's own buffers.
func (m *Memory) bytes(r driver.Region) ([]byte, error) {
	if b, ok := r.Buffer.(*buffer); ok && b.of != m {
		return nil, driver.Errorf(driver.InvalidArgument, "", "a buffer of another device of the same driver")
	}
	return Bytes(r)
}

// Bytes returns the bytes of a region of a buffer that some Memory made.
func Bytes(r driver.Region) ([]byte, error) {
	b, ok := r.Buffer.(*buffer)
	if !ok {
		return nil, driver.Errorf(driver.InvalidArgument, "", "a buffer of another device (%T)", r.Buffer)
	}
	if b.freed.Load() {
		return nil, driver.Errorf(driver.Closed, "", "the buffer was freed before")
	}
	if r.Offset < 0 || r.Size < 0 || r.Offset > b.Size()-r.Size {
		return nil, driver.Errorf(driver.InvalidArgument, "", "%d bytes from %d on in a buffer of %d", r.Size, r.Offset, b.Size())
	}
	return b.bytes[r.Offset : r.Offset+r.Size : r.Offset+r.Size], nil
}

// CopyIn implements driver.Device.
func (m *Memory) CopyIn(_ context.Context, dst driver.Region, src []byte) error {
	b, err := m.bytes(dst)
	copy(b, src)
	return err
}

// CopyOut implements driver.Device.
func (m *Memory) CopyOut(_ context.Context, dst []byte, src driver.Region) error {
	b, err := m.bytes(src)
	copy(dst, b)
	return err
}

// Copy implements driver.Copier.
func (m *Memory) Copy(_ driver.Stream, dst, src driver.Region) error {
	from, err := m.bytes(src)
	if err != nil {
		return err
	}
	to, err := m.bytes(dst)
	copy(to, from)
	return err
}

// Synchronize implements driver.Device: nothing is ever under way.
func (m *Memory) Synchronize(context.Context) error { return nil }

// Close implements driver.Device. The garbage collector takes the buffers.
func (m *Memory) Close() error { return nil }

// Stats implements driver.Statter.
func (m *Memory) Stats() driver.Stats {
	return driver.Stats{InUse: m.inUse.Load(), Peak: m.peak.Load(), Allocs: m.allocs.Load(), Frees: m.frees.Load(), Limit: m.limit}
}
