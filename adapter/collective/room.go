package collective

import (
	"context"
	"sync"

	"example.com/midplane/adapter/driver"
)

// room is where the ranks of one communicator meet.
type room struct {
	size    int
	full    chan struct{} // closed when all have joined
	joined  int           // guarded by rooms, like present
	present []bool

	mu      sync.Mutex
	changed chan struct{} // closed and made anew when anything below changes
	failed  error
	left    []bool
	rounds  map[uint64]*round
	letters map[letter][]byte
}

// round is one collective operation.
type round struct {
	kinds []kind // by rank
	parts [][]byte
	came  int
	gone  int
}

// letter names a message: the n-th from one rank to another.
type letter struct {
	from, to int
	n        uint64
}

func newRoom(size int) *room {
	return &room{
		size: size, full: make(chan struct{}), present: make([]bool, size),
		changed: make(chan struct{}), left: make([]bool, size),
		rounds: make(map[uint64]*round), letters: make(map[letter][]byte),
	}
}

// change tells those who wait. The lock is held.
func (r *room) change() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// fail ends the communicator. The first failure counts.
func (r *room) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
		r.change()
	}
}

func (r *room) leave(rank int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left[rank] = true
	r.change()
}

// wait returns with the lock held when ready says so, or without it and with an
// error when the communicator has failed, when missing names a rank that will
// not come, or when the context ends, which ends the communicator.
func (r *room) wait(ctx context.Context, op string, ready func() bool, missing func() int) error {
	for {
		r.mu.Lock()
		changed, failed := r.changed, r.failed
		if failed == nil {
			if ready() {
				return nil
			}
			if rank := missing(); rank >= 0 {
				r.mu.Unlock()
				r.fail(driver.Errorf(driver.Aborted, op, "rank %d has left the communicator", rank))
				continue
			}
		}
		r.mu.Unlock()
		if failed != nil {
			e := driver.AsError(op, failed)
			e.Op, e.Sticky = op, true
			return e
		}
		select {
		case <-changed:
		case <-ctx.Done():
			r.fail(driver.Errorf(driver.Aborted, op, "a rank gave up waiting"))
			return driver.AsError(op, context.Cause(ctx))
		}
	}
}

// meet contributes to the n-th collective operation and returns what every rank
// contributed, which nobody may change.
func (r *room) meet(ctx context.Context, n uint64, rank int, k kind, part []byte) ([][]byte, error) {
	r.mu.Lock()
	now := r.rounds[n]
	if now == nil {
		now = &round{kinds: make([]kind, r.size), parts: make([][]byte, r.size)}
		r.rounds[n] = now
	}
	now.kinds[rank], now.parts[rank] = k, part
	now.came++
	if now.came == r.size {
		r.change()
	}
	r.mu.Unlock()

	err := r.wait(ctx, k.name, func() bool { return now.came == r.size }, func() int {
		for i := range r.size {
			if r.left[i] && now.kinds[i] == (kind{}) {
				return i
			}
		}
		return -1
	})
	if err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	if now.gone++; now.gone == r.size {
		delete(r.rounds, n)
	}
	for i, other := range now.kinds {
		if other != now.kinds[0] {
			return nil, driver.Errorf(driver.InvalidArgument, k.name, "rank 0 announced %v, rank %d %v", now.kinds[0], i, other)
		}
	}
	return now.parts, nil
}

// post leaves a message for another rank.
func (r *room) post(l letter, bytes []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return driver.AsError("Send", r.failed)
	}
	r.letters[l] = bytes
	r.change()
	return nil
}

// take waits for a message.
func (r *room) take(ctx context.Context, l letter) ([]byte, error) {
	var bytes []byte
	err := r.wait(ctx, "Recv", func() (ok bool) {
		bytes, ok = r.letters[l]
		return ok
	}, func() int {
		if r.left[l.from] {
			return l.from
		}
		return -1
	})
	if err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	delete(r.letters, l)
	return bytes, nil
}
