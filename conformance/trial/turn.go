package trial

import "sync"

// exclusive is held shared by runs as they are, and alone by watched ones, so
// that means of midplane that are used under no watcher can be told to be
// theirs.
var exclusive sync.RWMutex

// turn is a trial's hold of [exclusive]. A trial that is left behind loses it, so
// that a device that hangs holds up no other trial.
type turn struct {
	mu      sync.Mutex
	release func() // nil: nothing is held
	lost    bool
}

// take waits for a side of [exclusive].
func (t *turn) take(side sync.Locker) {
	side.Lock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lost {
		side.Unlock()
		return
	}
	t.release = side.Unlock
}

// give gives back what is held.
func (t *turn) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.release != nil {
		t.release()
		t.release = nil
	}
}

// lose gives back what is held, and whatever is taken later.
func (t *turn) lose() {
	t.mu.Lock()
	t.lost = true
	t.mu.Unlock()
	t.give()
}
