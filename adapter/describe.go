package adapter

import (
	"math/bits"

	"example.com/midplane/adapter/driver"
)

// defaultAlignment is what every buffer is aligned to at least, in bytes.
const defaultAlignment = 64

// Heaps lists the device's memories.
func (d *Device) Heaps() []driver.Heap {
	if describer, ok := As[driver.MemoryDescriber](d); ok && d.enter("Heaps") == nil {
		defer d.leave()
		return describer.Heaps()
	}
	return []driver.Heap{{Kind: driver.DeviceMemory, Bytes: d.info.Memory, Mapped: d.mapper != nil, Coheres: d.mapper != nil}}
}

// Granularity says in what pieces memory of a kind is given.
func (d *Device) Granularity(kind driver.MemoryKind) (driver.Granularity, error) {
	const op = "Granularity"
	if kind > driver.UnifiedMemory {
		return driver.Granularity{}, d.refuse(op, "%v memory cannot be allocated", kind)
	}
	describer, ok := As[driver.MemoryDescriber](d)
	g := driver.Granularity{Min: 1, Align: defaultAlignment, Max: d.info.Memory}
	err := d.call(op, func() (err error) {
		if ok {
			g, err = describer.Granularity(kind)
		}
		return err
	})
	return g, err
}

// Compatible says whether a buffer can be had, however much memory is in use.
func (d *Device) Compatible(spec driver.MemorySpec) driver.Compatibility {
	if err := d.checkSpec("Compatible", spec); err != nil {
		return driver.Compatibility{Reason: err.Error()}
	}
	if describer, ok := As[driver.MemoryDescriber](d); ok {
		if err := d.enter("Compatible"); err != nil {
			return driver.Compatibility{Reason: err.Error()}
		}
		defer d.leave()
		return describer.Compatible(spec)
	}
	switch _, shares := As[driver.Sharer](d); {
	case d.info.Memory > 0 && spec.Size > d.info.Memory:
		return driver.Compatibility{Reason: "larger than the device's memory"}
	case spec.Align > defaultAlignment:
		return driver.Compatibility{Reason: "the device aligns buffers to 64 bytes"}
	case spec.Usage == driver.SharedUsage && !shares:
		return driver.Compatibility{Reason: "the device shares no memory"}
	}
	return driver.Compatibility{OK: true, Size: spec.Size}
}

// AllocSpec is [Device.Alloc] for memory that is described more closely.
func (d *Device) AllocSpec(spec driver.MemorySpec) (*Buffer, error) {
	const op = "AllocSpec"
	if err := d.checkSpec(op, spec); err != nil {
		return nil, err
	}
	if allocator, ok := As[driver.SpecAllocator](d); ok {
		return d.alloc(op, spec.Size, spec.Kind, func(size int64) (driver.Buffer, error) {
			spec.Size = size
			return allocator.AllocSpec(spec)
		})
	}
	if spec.Usage == driver.SharedUsage {
		return nil, d.lacks(op, "SpecAllocator, which memory to be shared takes")
	}
	g, err := d.Granularity(spec.Kind)
	if err != nil {
		return nil, err
	}
	if spec.Align > g.Align {
		return nil, d.named(op, driver.Errorf(Unsupported, op, "an alignment of %d bytes; the device aligns to %d", spec.Align, g.Align))
	}
	return d.Alloc(spec.Size, spec.Kind)
}

func (d *Device) checkSpec(op string, spec driver.MemorySpec) error {
	switch {
	case spec.Size < 0:
		return d.refuse(op, "%d bytes", spec.Size)
	case spec.Kind > driver.UnifiedMemory:
		return d.refuse(op, "%v memory cannot be allocated", spec.Kind)
	case spec.Usage > driver.SharedUsage:
		return d.refuse(op, "usage %d", spec.Usage)
	case spec.Align < 0 || bits.OnesCount64(uint64(spec.Align)) > 1:
		return d.refuse(op, "an alignment of %d bytes, which is no power of two", spec.Align)
	}
	return nil
}

// Stats says how the device's memory is used: by the driver's own count where
// it keeps one, else by what went through this Device. Partitions' memory is in
// use.
func (d *Device) Stats() driver.Stats {
	a := &d.memory
	stats := driver.Stats{
		InUse: a.inUse.Load(), Peak: a.peak.Load(), Allocs: a.allocs.Load(), Frees: a.frees.Load(), Limit: d.info.Memory,
		Known: driver.StatLargestAlloc | driver.StatFailed, LargestAlloc: a.largest.Load(), Failed: a.failed.Load(),
	}
	if own := a.limit.Load(); own > 0 {
		stats.Limit = own
	}
	if d.statter != nil && d.enter("Stats") == nil {
		defer d.leave()
		stats = d.statter.Stats()
	}
	if reserved := a.reserved.Load(); reserved > 0 {
		stats.InUse += reserved
		stats.Peak = max(stats.Peak, stats.InUse)
	}
	return stats
}

// Trim gives back memory that the device holds in reserve, and says how much.
func (d *Device) Trim() (freed int64, err error) {
	trimmer, ok := As[driver.Trimmer](d)
	err = d.call("Trim", func() (err error) {
		if ok {
			freed, err = trimmer.Trim()
		}
		return err
	})
	return freed, err
}

// SetMemoryLimit bounds the bytes in buffers; 0 means no limit but the device's
// own. Buffers that there are stay.
func (d *Device) SetMemoryLimit(bytes int64) error {
	const op = "SetMemoryLimit"
	if bytes < 0 {
		return d.refuse(op, "%d bytes", bytes)
	}
	trimmer, ok := As[driver.Trimmer](d)
	return d.call(op, func() error {
		if ok {
			return trimmer.SetMemoryLimit(bytes)
		}
		d.memory.limit.Store(bytes)
		return nil
	})
}
