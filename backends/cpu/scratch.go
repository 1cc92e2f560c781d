package cpu

import (
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"example.com/midplane/backends/internal/host"
)

// scratch is memory to work in, kept for reuse. It counts towards the device's
// limit, busy or idle.
type scratch struct {
	memory *host.Memory

	mu   sync.Mutex
	idle [bits.UintSize][][]byte // by size class: 1<<class bytes

	rooms sync.Pool // of *room, with nothing taken
}

// take returns at least n bytes with undefined contents, aligned to cache lines.
func (s *scratch) take(n int) ([]byte, error) {
	class := bits.Len(uint(max(n, 4096) - 1))
	if b := s.reuse(class); b != nil {
		return b, nil
	}
	if err := s.memory.Reserve(1 << class); err != nil {
		return nil, fmt.Errorf("%d bytes of scratch: %w", n, err)
	}
	const line = 64
	raw := make([]byte, 1<<class+line)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (line - 1)
	return raw[skip:][: 1<<class : 1<<class], nil
}

// reuse returns idle memory of a class, nil if there is none.
func (s *scratch) reuse(class int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.idle[class]
	if len(idle) == 0 {
		return nil
	}
	s.idle[class] = idle[:len(idle)-1]
	return idle[len(idle)-1]
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

// trim leaves what is idle to the garbage collector.
func (s *scratch) trim() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for class, idle := range s.idle {
		s.memory.Release(int64(len(idle)) << class)
		s.idle[class] = nil
	}
}

// room is scratch for one run. Give gives it all back.
type room struct {
	scratch *scratch
	taken   [][]byte
}

// room returns scratch for one run, of which nothing is taken yet.
func (s *scratch) room() *room {
	if r, ok := s.rooms.Get().(*room); ok {
		return r
	}
	return &room{scratch: s}
}

// take returns scratch for n elements of a type.
func take[T any](r *room, n int) ([]T, error) {
	var zero T
	b, err := r.scratch.take(n * int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, err
	}
	r.taken = append(r.taken, b)
	return as[T](b)[:n], nil
}

func (r *room) give() {
	for _, b := range r.taken {
		r.scratch.give(b)
	}
	clear(r.taken)
	r.taken = r.taken[:0]
	r.scratch.rooms.Put(r)
}

// floats returns memory of scratch as n numbers.
func floats(b []byte, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)[:n:n]
}
