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
	buffers map[*buffer]struct{} // those whose pages exist
}

// Alloc implements driver.Device. All kinds of memory are the same.
func (d *Device) Alloc(size int64, _ driver.MemoryKind) (driver.Buffer, error) {
	if err := d.ready("Alloc"); err != nil {
		return nil, failure("Alloc", driver.ScopeCall, err)
	}
	if size < 1 {
		return nil, driver.Errorf(driver.InvalidArgument, "Alloc", "%d bytes", size)
	}
	taken, err := d.memory.reserve(size)
	if err != nil {
		return nil, err
	}
	b := &buffer{memory: &d.memory, size: size, holds: 1}
	if b.pages, err = mapPages(int(taken)); err == nil {
		poison(b.pages)
		err = protect(b.pages, false)
	}
	if err != nil {
		d.memory.giveBack(taken)
		return nil, &driver.Error{Code: driver.OutOfMemory, Retryable: true, Op: "Alloc", Text: "the system gives no pages", Err: err}
	}
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	d.memory.stats.Allocs++
	d.memory.buffers[b] = struct{}{}
	return b, nil
}

// reserve counts a buffer and returns the size of its pages.
func (m *memory) reserve(size int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	page := int64(os.Getpagesize())
	left := m.limit - m.stats.InUse
	if size > left || (size+page-1)/page*page > min(left, math.MaxInt) {
		return 0, &driver.Error{Code: driver.OutOfMemory, Retryable: size <= m.limit, Op: "Alloc",
			Text: fmt.Sprintf("%d bytes in pages of %d, with %d of %d in use", size, page, m.stats.InUse, m.limit)}
	}
	taken := (size + page - 1) / page * page
	m.stats.InUse += taken
	m.stats.Peak = max(m.stats.Peak, m.stats.InUse)
	return taken, nil
}

func (m *memory) giveBack(taken int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.InUse -= taken
}

// Stats implements driver.Statter. InUse counts pages, and those of a freed
// buffer until the work enqueued before is done.
func (d *Device) Stats() driver.Stats {
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	stats := d.memory.stats
	stats.Limit = d.memory.limit
	return stats
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

// buffer is memory of the device. Its pages exist until it has been freed and no
// work needs it any more, and are accessible while work is done on them.
type buffer struct {
	memory *memory
	size   int64

	mu    sync.Mutex
	pages []byte // nil once given back
	freed bool
	holds int // pieces of work that need the buffer, and one until it is freed
	users int // pieces of work that have the pages open
}

// Size implements driver.Buffer.
func (b *buffer) Size() int64 { return b.size }

// Free implements driver.Buffer.
func (b *buffer) Free() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed {
		return errFreed("Free")
	}
	b.freed = true
	b.memory.mu.Lock()
	b.memory.stats.Frees++
	b.memory.mu.Unlock()
	return b.release()
}

func errFreed(op string) error {
	return driver.Errorf(driver.Closed, op, "the buffer was freed before")
}

// hold keeps the pages until release.
func (b *buffer) hold() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed {
		return errFreed("")
	}
	b.holds++
	return nil
}

// release lets go of the buffer, and of its pages if nobody else needs them. The
// lock is held.
func (b *buffer) release() error {
	if b.holds--; b.holds > 0 {
		return nil
	}
	taken := int64(len(b.pages))
	err := unmapPages(b.pages)
	b.pages = nil
	b.memory.giveBack(taken)
	b.memory.mu.Lock()
	delete(b.memory.buffers, b)
	b.memory.mu.Unlock()
	return err
}

// open makes the pages accessible until shut.
func (b *buffer) open() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pages == nil {
		return errFreed("")
	}
	if b.users == 0 {
		if err := protect(b.pages, true); err != nil {
			return &driver.Error{Code: driver.OutOfMemory, Retryable: true, Text: "the system does not open pages", Err: err}
		}
	}
	b.users++
	b.holds++
	return nil
}

func (b *buffer) shut() (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users--; b.users == 0 {
		err = protect(b.pages, false)
	}
	return also(err, b.release())
}

// access is what one piece of work may do to memory: it keeps buffers from when
// the work is enqueued, and their pages open while it is done.
type access struct {
	dev          *Device
	held, opened []*buffer
}

// hold keeps the buffers of regions until end, all or none.
func (a *access) hold(regions ...driver.Region) error {
	for _, r := range regions {
		b, err := a.dev.buffer(r)
		if err == nil {
			err = b.hold()
		}
		if err != nil {
			return also(err, a.end())
		}
		a.held = append(a.held, b)
	}
	return nil
}

// buffer returns the buffer of a region, which must be one of the device's and
// hold the region.
func (d *Device) buffer(r driver.Region) (*buffer, error) {
	b, ok := r.Buffer.(*buffer)
	if !ok || b.memory != &d.memory {
		return nil, driver.Errorf(driver.InvalidArgument, "", "a buffer that is not this device's (%T)", r.Buffer)
	}
	if r.Offset < 0 || r.Size < 0 || r.Offset > b.size-r.Size {
		return nil, driver.Errorf(driver.InvalidArgument, "", "%d bytes from %d on in a buffer of %d", r.Size, r.Offset, b.size)
	}
	return b, nil
}

// view returns the bytes of a region, until end.
func (a *access) view(r driver.Region) ([]byte, error) {
	b, err := a.dev.buffer(r)
	if err != nil {
		return nil, err
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	a.opened = append(a.opened, b)
	return b.pages[r.Offset : r.Offset+r.Size : r.Offset+r.Size], nil
}

// end closes and releases everything.
func (a *access) end() error {
	var errs []error
	for _, b := range a.opened {
		errs = append(errs, b.shut())
	}
	for _, b := range a.held {
		b.mu.Lock()
		errs = append(errs, b.release())
		b.mu.Unlock()
	}
	a.held, a.opened = nil, nil
	return errors.Join(errs...)
}

// overlap reports whether two regions share bytes.
func overlap(a, b driver.Region) bool {
	return a.Buffer == b.Buffer && a.Size > 0 && b.Size > 0 && a.Offset < b.Offset+b.Size && b.Offset < a.Offset+a.Size
}

// poison fills memory with the pattern.
func poison(b []byte) {
	for n := copy(b, Poison); n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}
