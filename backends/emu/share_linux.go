package emu

import (
	"os"

	"golang.org/x/sys/unix"

	"example.com/midplane/adapter/driver"
)

// sharing are the capabilities that shared pages give.
const sharing = driver.CapSharer

// noFile says that there is no descriptor.
const noFile = -1

// mapShared returns accessible pages that others can map too, and the descriptor
// behind them.
func mapShared(size int) ([]byte, int, error) {
	file, err := unix.MemfdCreate("midplane-emu", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, noFile, err
	}
	err = unix.Ftruncate(file, int64(size))
	var pages []byte
	if err == nil {
		pages, err = unix.Mmap(file, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		return nil, noFile, also(err, unix.Close(file))
	}
	return pages, file, nil
}

func closeFile(file int) error {
	if file == noFile {
		return nil
	}
	return unix.Close(file)
}

// Export implements driver.Sharer. The caller closes the descriptor.
func (d *Device) Export(b driver.Buffer, kind driver.ExternalKind) (driver.External, error) {
	const op = "Export"
	if err := d.able(driver.CapSharer, op); err != nil {
		return driver.External{}, err
	}
	if err := d.ready(op); err != nil {
		return driver.External{}, err
	}
	own, err := d.buffer(driver.Region{Buffer: b})
	if err != nil {
		return driver.External{}, failure(op, driver.ScopeCall, err)
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	switch {
	case own.freed:
		return driver.External{}, errFreed(op)
	case kind != driver.ExternalFD:
		return driver.External{}, driver.Errorf(driver.Unsupported, op, "as a %v; only file descriptors are", kind)
	case own.file == noFile:
		return driver.External{}, driver.Errorf(driver.InvalidArgument, op, "the buffer was not made for shared usage")
	}
	file, err := unix.FcntlInt(uintptr(own.file), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return driver.External{}, failure(op, driver.ScopeCall, err)
	}
	return driver.External{Kind: kind, Handle: uint64(file), Size: own.size}, nil
}

// ImportExternal implements driver.Sharer.
func (d *Device) ImportExternal(e driver.External) (driver.Buffer, error) {
	const op = "ImportExternal"
	if err := d.able(driver.CapSharer, op); err != nil {
		return nil, err
	}
	if err := d.ready(op); err != nil {
		return nil, err
	}
	if e.Kind != driver.ExternalFD {
		return nil, driver.Errorf(driver.Unsupported, op, "a %v; only file descriptors are imported", e.Kind)
	}
	var stat unix.Stat_t
	if e.Handle > 1<<31-1 {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%d is no file descriptor", e.Handle)
	}
	if err := unix.Fstat(int(e.Handle), &stat); err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "descriptor %d: %v", e.Handle, err)
	}
	page := int64(os.Getpagesize())
	if e.Size < 1 || e.Size > (stat.Size+page-1)/page*page {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%d bytes of memory of %d", e.Size, stat.Size)
	}
	pages, err := unix.Mmap(int(e.Handle), 0, int((e.Size+page-1)/page*page), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, failure(op, driver.ScopeCall, err)
	}
	b := &buffer{memory: &d.memory, size: e.Size, kind: driver.ImportedMemory, pages: pages, unmap: unmapPages, holds: 1, file: noFile}
	d.memory.add(b)
	return b, nil
}
