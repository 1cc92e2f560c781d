package cpu

import (
	"math/bits"
	"sync"
	"unsafe"
)

// scratch is memory to work in, kept for reuse.
type scratch struct {
	mu   sync.Mutex
	idle [bits.UintSize][][]byte // by size class: 1<<class bytes
}

// take returns at least n bytes with undefined contents, aligned to cache lines.
func (s *scratch) take(n int) []byte {
	class := bits.Len(uint(max(n, 4096) - 1))
	s.mu.Lock()
	defer s.mu.Unlock()
	if idle := s.idle[class]; len(idle) > 0 {
		b := idle[len(idle)-1]
		s.idle[class] = idle[:len(idle)-1]
		return b
	}
	const line = 64
	raw := make([]byte, 1<<class+line)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (line - 1)
	return raw[skip:][: 1<<class : 1<<class]
}

// give takes back what take returned.
func (s *scratch) give(b []byte) {
	if b == nil {
		return
	}
	class := bits.Len(uint(cap(b) - 1))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle[class] = append(s.idle[class], b[:cap(b)])
}

// floats returns memory of scratch as n numbers.
func floats(b []byte, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)[:n:n]
}
