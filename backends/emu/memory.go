package emu

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"

	"example.com/midplane/adapter/driver"
)

// Poison is the pattern that fresh memory is filled with. Read as floats of two
// bytes or more it is NaN; read as integers it is far from the usual.
const Poison = "\xf5\xff"

// memory is the device's memory: it counts what buffers take.
//
// Every buffer has pages of its own, because pages are what can be made
// inaccessible: a buffer of one byte takes a page of the limit. The system joins
// neighbouring mappings, so that many small buffers need few of these; only tens
// of thousands of them freed in patches can reach the system's limit of mappings
// (65530 on Linux), which is an OutOfMemory.
type memory struct {
	limit   int64
	mu      sync.Mutex
	stats   driver.Stats
	lower   int64                // limit that was set, 0 for none
	buffers map[*buffer]struct{} // those whose pages exist
}

// Alloc implements driver.Device. The host can address pinned and unified
// memory; all kinds count towards the device's.
func (d *Device) Alloc(size int64, kind driver.MemoryKind) (driver.Buffer, error) {
	return d.alloc("Alloc", driver.MemorySpec{Size: size, Kind: kind})
}

func (d *Device) alloc(op string, spec driver.MemorySpec) (driver.Buffer, error) {
	if err := d.ready(op); err != nil {
		if errors.Is(err, driver.OutOfMemory) {
			d.memory.failed()
		}
		return nil, err
	}
	if spec.Size < 1 || spec.Kind > driver.UnifiedMemory {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%d bytes of %v memory", spec.Size, spec.Kind)
	}
	taken, err := d.memory.reserve(spec.Size)
	if err == nil && taken > math.MaxInt {
		d.memory.giveBack(taken)
		err = &driver.Error{Code: driver.OutOfMemory, Op: op, Wanted: spec.Size, Text: fmt.Sprintf("%d bytes are more than this processor can address", spec.Size)}
	}
	if err != nil {
		return nil, failure(op, driver.ScopeCall, err)
	}
	b := &buffer{memory: &d.memory, size: spec.Size, kind: spec.Kind, taken: taken, holds: 1, unmap: unmapPages, file: noFile}
	if spec.Usage == driver.SharedUsage {
		b.pages, b.file, err = mapShared(int(taken))
	} else {
		b.pages, err = mapPages(int(taken))
	}
	if err == nil {
		poison(b.pages)
		err = b.protect(false)
	}
	if err != nil {
		d.memory.giveBack(taken)
		return nil, &driver.Error{Code: driver.OutOfMemory, Retryable: true, Op: op, Text: "the system gives no pages", Err: err}
	}
	d.memory.add(b)
	return b, nil
}

// reserve counts a buffer and returns the size of its pages.
func (m *memory) reserve(size int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	page := int64(os.Getpagesize())
	left := max(m.most()-m.stats.InUse, 0)
	if size > left || (size+page-1)/page*page > left {
		m.stats.Failed++
		return 0, &driver.Error{Code: driver.OutOfMemory, Retryable: size <= m.limit, Wanted: size, Available: left,
			Text: fmt.Sprintf("%d bytes in pages of %d, with %d of %d in use", size, page, m.stats.InUse, m.most())}
	}
	taken := (size + page - 1) / page * page
	m.stats.InUse += taken
	m.stats.Peak = max(m.stats.Peak, m.stats.InUse)
	return taken, nil
}

// most is the limit that holds now. The lock is held.
func (m *memory) most() int64 {
	if m.lower > 0 {
		return min(m.lower, m.limit)
	}
	return m.limit
}

// add notes a buffer that has been made. One of other people's memory takes
// nothing and does not count.
func (m *memory) add(b *buffer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buffers[b] = struct{}{}
	if b.taken > 0 {
		m.stats.Allocs++
		m.stats.LargestAlloc = max(m.stats.LargestAlloc, b.size)
	}
}

func (m *memory) failed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Failed++
}

func (m *memory) giveBack(taken int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.InUse -= taken
}

// Stats implements driver.Statter. InUse counts pages, and those of a freed
// buffer until the work enqueued before is done.
func (d *Device) Stats() driver.Stats {
	if d.options.Lies.Has(driver.CapStatter) {
		return driver.Stats{}
	}
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	stats := d.memory.stats
	stats.Limit = d.memory.most()
	stats.Known = driver.StatLargestAlloc | driver.StatLargestFree | driver.StatReserved | driver.StatFailed
	stats.LargestFree = max(stats.Limit-stats.InUse, 0)
	return stats
}

// Trim implements driver.Trimmer: freed pages are given back at once.
func (d *Device) Trim() (int64, error) {
	if err := d.able(driver.CapTrimmer, "Trim"); err != nil {
		return 0, err
	}
	return 0, d.ready("Trim")
}

// SetMemoryLimit implements driver.Trimmer.
func (d *Device) SetMemoryLimit(bytes int64) error {
	const op = "SetMemoryLimit"
	if err := d.able(driver.CapTrimmer, op); err != nil {
		return err
	}
	if bytes < 0 {
		return driver.Errorf(driver.InvalidArgument, op, "%d bytes", bytes)
	}
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	d.memory.lower = bytes
	return nil
}

// close frees every buffer that is left. No work is under way.
func (m *memory) close() error {
	m.mu.Lock()
	left := m.buffers
	m.buffers = make(map[*buffer]struct{})
	m.mu.Unlock()
	var errs []error
	for b := range left {
		if err := b.Free(); !errors.Is(err, driver.Closed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// overlap reports whether two regions share bytes.
func overlap(a, b driver.Region) bool {
	return a.Buffer == b.Buffer && a.Size > 0 && b.Size > 0 && a.Offset < b.Offset+b.Size && b.Offset < a.Offset+a.Size
}

// poison fills memory with the pattern.
func poison(b []byte) { repeat(b, []byte(Poison)) }
