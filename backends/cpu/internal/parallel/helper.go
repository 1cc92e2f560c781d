package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// awake is how long a helper waits for more work before it sleeps.
const awake = 150 * time.Microsecond

// crew is everyone's helpers.
var crew team

type team struct {
	mu      sync.Mutex
	users   int
	helpers atomic.Pointer[[]*helper]
}

// Retain lets helpers run until [Release] was called as often.
func Retain() {
	crew.mu.Lock()
	defer crew.mu.Unlock()
	if crew.users++; crew.users > 1 {
		return
	}
	helpers := make([]*helper, runtime.GOMAXPROCS(0)-1)
	for i := range helpers {
		helpers[i] = &helper{}
		helpers[i].sleeper.init()
		go helpers[i].run()
	}
	crew.helpers.Store(&helpers)
}

// Release ends the helpers when nobody needs them any more.
func Release() {
	crew.mu.Lock()
	defer crew.mu.Unlock()
	if crew.users--; crew.users > 0 {
		return
	}
	helpers := crew.helpers.Swap(nil)
	for _, h := range *helpers {
		h.ended.Store(true)
		h.sleeper.wake()
	}
}

func (t *team) any() bool { h := t.helpers.Load(); return h != nil && len(*h) > 0 }

// claim gives a job to at most n idle helpers and appends them to list.
func (t *team) claim(list []*helper, n int, j *job) []*helper {
	helpers := t.helpers.Load()
	if helpers == nil {
		return list
	}
	for _, h := range *helpers {
		if n == 0 {
			break
		}
		if h.job.Load() != nil {
			continue
		}
		j.active.Add(1)
		if !h.job.CompareAndSwap(nil, j) {
			j.active.Add(-1)
			continue
		}
		h.sleeper.wake()
		list = append(list, h)
		n--
	}
	return list
}

// helper is a goroutine that takes part in jobs. Its job is nil while it is
// idle, then the one given by a caller, who may take it back until the helper
// puts busy in its place.
type helper struct {
	job     atomic.Pointer[job]
	ended   atomic.Bool
	sleeper sleeper
	_       [64]byte // keeps helpers' words out of each other's cache lines
}

var busy job

func (h *helper) run() {
	idle := time.Now()
	for spins := 0; ; spins++ {
		if j := h.job.Load(); j != nil {
			if !h.job.CompareAndSwap(j, &busy) {
				continue // taken back
			}
			j.work(int(j.workers.Add(1)))
			h.job.Store(nil)
			j.active.Add(-1)
			idle, spins = time.Now(), 0
			continue
		}
		pause(2)
		if spins%32 != 31 || time.Since(idle) < awake {
			continue
		}
		if h.ended.Load() {
			return
		}
		h.sleeper.sleep(func() bool { return h.job.Load() != nil || h.ended.Load() })
		idle, spins = time.Now(), 0
	}
}
