package pool

import (
	"slices"
	"sync"
	"time"
)

// Clock is where a pool gets the time from.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once that much time has passed, unless stop is called
	// before, which then returns true.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// systemClock is the real one.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

// Manual is a clock that goes only when it is told to, for tests and
// simulations.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer // by time, then in the order in which they were made
}

type timer struct {
	at time.Time
	f  func()
}

// NewManual returns a clock that stands at a time.
func NewManual(at time.Time) *Manual { return &Manual{now: at} }

// Now implements [Clock].
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// AfterFunc implements [Clock].
func (m *Manual) AfterFunc(d time.Duration, f func()) func() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &timer{m.now.Add(d), f}
	i := slices.IndexFunc(m.timers, func(other *timer) bool { return other.at.After(t.at) })
	if i < 0 {
		i = len(m.timers)
	}
	m.timers = slices.Insert(m.timers, i, t)
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		before := len(m.timers)
		m.timers = slices.DeleteFunc(m.timers, func(other *timer) bool { return other == t })
		return len(m.timers) < before
	}
}

// Advance moves the clock on. What is due meanwhile is called on the way, at its
// time and by the caller's goroutine.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	end := m.now.Add(d)
	for len(m.timers) > 0 && !m.timers[0].at.After(end) {
		t := m.timers[0]
		m.timers = m.timers[1:]
		if t.at.After(m.now) {
			m.now = t.at
		}
		m.mu.Unlock()
		t.f()
		m.mu.Lock()
	}
	m.now = end
	m.mu.Unlock()
}
