//go:build !unix

package emu

// Without page protection a stray access does not fault; it sees poison.

func mapPages(size int) ([]byte, error) { return make([]byte, size), nil }

func protect([]byte, bool) error { return nil }

func unmapPages(pages []byte) error {
	poison(pages)
	return nil
}
