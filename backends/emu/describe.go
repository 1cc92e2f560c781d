package emu

import (
	"fmt"
	"os"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Values are padded to whole lines and begin at whole blocks, both in bytes.
const (
	line  = 64
	block = 256
)

// ValueSize implements driver.Sizer: packed elements, padded to whole lines.
func (d *Device) ValueSize(t tensor.DType, shape tensor.Shape) int64 {
	if d.options.Lies.Has(driver.CapSizer) {
		return 0
	}
	return (int64(t.Bytes(shape.Size())) + line - 1) / line * line
}

// Alignment implements driver.Sizer.
func (d *Device) Alignment() int64 {
	if d.options.Lies.Has(driver.CapSizer) {
		return 0
	}
	return block
}

// Heaps implements driver.MemoryDescriber.
func (d *Device) Heaps() []driver.Heap {
	if d.options.Lies.Has(driver.CapMemoryDescriber) {
		return nil
	}
	return []driver.Heap{
		{Kind: driver.DeviceMemory, Bytes: d.memory.limit},
		{Kind: driver.PinnedMemory, Bytes: d.memory.limit, Mapped: true, Coheres: true},
		{Kind: driver.UnifiedMemory, Bytes: d.memory.limit, Mapped: true, Coheres: true},
	}
}

// Granularity implements driver.MemoryDescriber: whole pages of any kind.
func (d *Device) Granularity(kind driver.MemoryKind) (driver.Granularity, error) {
	const op = "Granularity"
	if err := d.able(driver.CapMemoryDescriber, op); err != nil {
		return driver.Granularity{}, err
	}
	if kind > driver.UnifiedMemory {
		return driver.Granularity{}, driver.Errorf(driver.InvalidArgument, op, "%v memory cannot be allocated", kind)
	}
	page := int64(os.Getpagesize())
	return driver.Granularity{Min: page, Align: page, Max: d.memory.limit / page * page}, nil
}

// Compatible implements driver.MemoryDescriber.
func (d *Device) Compatible(spec driver.MemorySpec) driver.Compatibility {
	page := int64(os.Getpagesize())
	switch {
	case d.options.Lies.Has(driver.CapMemoryDescriber):
		return driver.Compatibility{}
	case spec.Size < 1 || spec.Kind > driver.UnifiedMemory || spec.Usage > driver.SharedUsage:
		return driver.Compatibility{Reason: fmt.Sprintf("%d bytes of %v memory for usage %v cannot be", spec.Size, spec.Kind, spec.Usage)}
	case spec.Size > d.memory.limit/page*page:
		return driver.Compatibility{Reason: fmt.Sprintf("%d bytes are more than the %d that there are", spec.Size, d.memory.limit)}
	case spec.Align > page:
		return driver.Compatibility{Reason: fmt.Sprintf("buffers are aligned to %d bytes, not to %d", page, spec.Align)}
	case spec.Usage == driver.SharedUsage && sharing == 0:
		return driver.Compatibility{Reason: "this system shares no pages"}
	}
	return driver.Compatibility{OK: true, Size: (spec.Size + page - 1) / page * page}
}

// AllocSpec implements driver.SpecAllocator.
func (d *Device) AllocSpec(spec driver.MemorySpec) (driver.Buffer, error) {
	const op = "AllocSpec"
	if err := d.able(driver.CapSpecAllocator, op); err != nil {
		return nil, err
	}
	if page := int64(os.Getpagesize()); spec.Align > page {
		return nil, driver.Errorf(driver.Unsupported, op, "an alignment of %d bytes; buffers are aligned to %d", spec.Align, page)
	}
	if spec.Usage == driver.SharedUsage && sharing == 0 {
		return nil, driver.Errorf(driver.Unsupported, op, "this system shares no pages")
	}
	return d.alloc(op, spec)
}

// AllocOn implements driver.StreamAllocator: memory is there at once.
func (d *Device) AllocOn(s driver.Stream, size int64, kind driver.MemoryKind) (driver.Buffer, error) {
	const op = "AllocOn"
	if err := d.able(driver.CapStreamAllocator, op); err != nil {
		return nil, err
	}
	if s != nil {
		if _, err := d.stream(s); err != nil {
			return nil, failure(op, driver.ScopeCall, err)
		}
	}
	return d.alloc(op, driver.MemorySpec{Size: size, Kind: kind})
}

// FreeOn implements driver.StreamAllocator. The pages go when the stream has got
// there, and when all other work that holds them is done.
func (d *Device) FreeOn(s driver.Stream, b driver.Buffer) error {
	const op = "FreeOn"
	if err := d.able(driver.CapStreamAllocator, op); err != nil {
		return err
	}
	own, err := d.buffer(driver.Region{Buffer: b})
	if err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	if s != nil && d.alive(op) == nil {
		nothing := func(*access) error { return nil }
		if err := d.submit(s, &work{op: op, run: nothing, regions: []driver.Region{{Buffer: own}}}); err != nil {
			return err
		}
	}
	return own.Free()
}

// SetDeterminism implements driver.DeterminismSetter: the reference repeats
// itself to the bit.
func (d *Device) SetDeterminism(level driver.Determinism) error {
	const op = "SetDeterminism"
	if err := d.able(driver.CapDeterminismSetter, op); err != nil {
		return err
	}
	if level > driver.SameModel {
		return driver.Errorf(driver.InvalidArgument, op, "level %d", level)
	}
	return nil
}
