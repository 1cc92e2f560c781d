//go:build !unix

package emu

// protected says that a stray access to a buffer faults. Here it sees what the
// device has there, or poison.
const protected = false

func mapPages(size int) ([]byte, error) { return make([]byte, size), nil }

func protect([]byte, bool) error { return nil }

func unmapPages(pages []byte) error {
	poison(pages)
	return nil
}
