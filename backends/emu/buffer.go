package emu

import (
	"errors"
	"os"
	"sync"
	"unsafe"

	"example.com/midplane/adapter/driver"
)

// buffer is memory of the device. Its pages exist until it has been freed and no
// work needs it any more, and are accessible while work is done on them; those
// that the host can address always are.
type buffer struct {
	memory *memory
	size   int64
	kind   driver.MemoryKind
	taken  int64              // bytes that it counts for, 0 for other people's memory
	unmap  func([]byte) error // gives the pages back, nil for other people's memory
	file   int                // descriptor behind shared pages, noFile for others

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
	if b.taken > 0 {
		b.memory.mu.Lock()
		b.memory.stats.Frees++
		b.memory.mu.Unlock()
	}
	return b.release()
}

func errFreed(op string) error {
	return driver.Errorf(driver.Closed, op, "the buffer was freed before")
}

// protect makes the pages accessible or not, but for those that the host can
// address.
func (b *buffer) protect(accessible bool) error {
	if b.kind != driver.DeviceMemory {
		return nil
	}
	return protect(b.pages, accessible)
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
func (b *buffer) release() (err error) {
	if b.holds--; b.holds > 0 {
		return nil
	}
	if b.unmap != nil {
		err = b.unmap(b.pages)
	}
	err = also(err, closeFile(b.file))
	b.pages = nil
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	b.memory.stats.InUse -= b.taken
	delete(b.memory.buffers, b)
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
		if err := b.protect(true); err != nil {
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
		err = b.protect(false)
	}
	return also(err, b.release())
}

// access is what one piece of work may do to memory: it keeps buffers from when
// the work is enqueued, and their pages open while it is done.
type access struct {
	dev, peer    *Device // whose memory it may touch; peer may be nil
	held, opened []*buffer
	written      []byte // what the work has written last, for bits to flip in
}

// hold keeps the buffers of regions until end, all or none.
func (a *access) hold(regions ...driver.Region) error {
	for _, r := range regions {
		b, err := a.buffer(r)
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

func (a *access) buffer(r driver.Region) (*buffer, error) {
	b, err := a.dev.buffer(r)
	if err != nil && a.peer != nil {
		return a.peer.buffer(r)
	}
	return b, err
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
	b, err := a.buffer(r)
	if err != nil {
		return nil, err
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	a.opened = append(a.opened, b)
	return b.pages[r.Offset : r.Offset+r.Size : r.Offset+r.Size], nil
}

// write is view of what the work writes.
func (a *access) write(r driver.Region) (bytes []byte, err error) {
	bytes, err = a.view(r)
	a.written = bytes
	return bytes, err
}

// pair returns what is written and what is read.
func (a *access) pair(dst, src driver.Region) (to, from []byte, err error) {
	if from, err = a.view(src); err == nil {
		to, err = a.write(dst)
	}
	return to, from, err
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

// HostBytes implements driver.HostMapper: for pinned, unified and imported
// memory.
func (d *Device) HostBytes(r driver.Region) ([]byte, error) {
	const op = "HostBytes"
	if err := d.able(driver.CapHostMapper, op); err != nil {
		return nil, err
	}
	b, err := d.buffer(r)
	if err != nil {
		return nil, failure(op, driver.ScopeCall, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.freed:
		return nil, errFreed(op)
	case b.kind == driver.DeviceMemory:
		return nil, driver.Errorf(driver.Unsupported, op, "the host cannot address device memory")
	}
	return b.pages[r.Offset : r.Offset+r.Size : r.Offset+r.Size], nil
}

// Import implements driver.HostImporter, for whole pages: what else shares them
// is none of the device's business.
func (d *Device) Import(host []byte) (driver.Buffer, error) {
	if err := d.able(driver.CapHostImporter, "Import"); err != nil {
		return nil, err
	}
	if err := d.ready("Import"); err != nil {
		return nil, err
	}
	if page := os.Getpagesize(); len(host) < page || address(host)%uintptr(page) != 0 {
		return nil, driver.ErrSkip
	}
	b := &buffer{memory: &d.memory, size: int64(len(host)), kind: driver.ImportedMemory, pages: host, holds: 1, file: noFile}
	d.memory.add(b)
	return b, nil
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
