package parallel

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// The operations of futex(2), private to the process.
const (
	futexWait = 0 | 128
	futexWake = 1 | 128
)

// sleeper is where a helper sleeps: in a futex, which wakes it within
// microseconds, where the Go scheduler takes tens of them to start a goroutine
// on an idle thread.
type sleeper struct {
	asleep atomic.Uint32 // 1 while the helper sleeps or is about to
}

func (s *sleeper) init() {}

// sleep returns when wake is called, or at once where ready says that there is
// no reason to sleep.
func (s *sleeper) sleep(ready func() bool) {
	s.asleep.Store(1)
	for s.asleep.Load() == 1 && !ready() {
		s.futex(futexWait, 1)
	}
	s.asleep.Store(0)
}

// wake ends a sleep.
func (s *sleeper) wake() {
	if s.asleep.Load() == 1 && s.asleep.Swap(0) == 1 {
		s.futex(futexWake, 1)
	}
}

// futex waits while the word is value, or wakes as many waiters. Errors
// (interrupted, changed meanwhile) make the caller look again.
func (s *sleeper) futex(operation, value uintptr) {
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&s.asleep)), operation, value, 0, 0, 0)
}
