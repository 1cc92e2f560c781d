//go:build !linux

package parallel

// sleeper is where a helper sleeps.
type sleeper struct{ signal chan struct{} }

func (s *sleeper) init() { s.signal = make(chan struct{}, 1) }

// sleep returns when wake is called, or at once where ready says that there is
// no reason to sleep.
func (s *sleeper) sleep(ready func() bool) {
	for !ready() {
		<-s.signal
	}
}

// wake ends a sleep.
func (s *sleeper) wake() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}
