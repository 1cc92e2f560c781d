//go:build unix

package emu

import "golang.org/x/sys/unix"

// protected says that a stray access to a buffer faults.
const protected = true

// mapPages returns accessible memory of whole pages outside Go's heap.
func mapPages(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// protect makes pages accessible, or lets every access fault.
func protect(pages []byte, accessible bool) error {
	if accessible {
		return unix.Mprotect(pages, unix.PROT_READ|unix.PROT_WRITE)
	}
	return unix.Mprotect(pages, unix.PROT_NONE)
}

// unmapPages gives pages back; an access afterwards faults, until the system
// uses the addresses again.
func unmapPages(pages []byte) error { return unix.Munmap(pages) }
