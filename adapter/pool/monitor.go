package pool

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// Snapshot is how a pool is at a time: its cards, instances and tasks.
type Snapshot struct {
	Time   time.Time
	Cards  []CardState
	Leases []LeaseState // by number
	Queue  []QueueState // in the order in which they are tried
	Counts Counts
	Waits  Waits
}

// CardState is how a card is.
type CardState struct {
	Name      string
	Class     driver.Class
	Status    adapter.Status
	Unfit     string // why it cannot be divided, "" if it can
	Health    string // the last thing that it told of itself, "" for normal
	Instances int
	Made      int64 // instances ever
	Failed    int64 // instances that it did not give

	Memory          int64   // bytes that instances can have
	MemoryHeld      int64   // bytes that they have
	MemoryPromised  int64   // bytes for requests that wait for leases to end
	MemoryInUse     int64   // bytes in buffers of the instances
	ComputeHeld     float64 // share of the compute units that instances have
	ComputePromised float64

	// The means of MemoryHeld/Memory and of ComputeHeld since the card was added.
	MemoryUtilization, ComputeUtilization float64

	Telemetry *driver.Telemetry // nil where the card measures nothing of itself
}

// LeaseState is how a task is that has what it asked for.
type LeaseState struct {
	Task      uint64
	Request   Request
	Granted   time.Time
	Waited    time.Duration
	Deadline  time.Time // of a lease that was told to end, else zero
	Instances []InstanceState
}

// InstanceState is how an instance is.
type InstanceState struct {
	Name    string // of its device: "emu:2/7"
	Card    string
	Status  adapter.Status
	Memory  int64   // quota in bytes
	Compute float64 // share of the card's units
	Stats   driver.Stats
}

// QueueState is how a task is that waits.
type QueueState struct {
	Task      uint64
	Request   Request
	Submitted time.Time
	Waiting   time.Duration
	Promised  bool // its place, by leases that were told to end
}

// Counts count what has happened since the pool was made.
type Counts struct {
	Requests  int64 // that made sense, those made again included
	Restarted int64 // of these, made again
	Granted   int64 // requests that got a lease
	Instances int64 // in these
	Released  int64 // leases, by their holders
	Cancelled int64 // requests, by the end of their context
	Refused   int64 // requests that could not be satisfied, or not any more
	Preempted int64 // leases that were told to end
	Failures  int64 // instances that a card did not give though it had room
	Lost      int64 // cards
}

// Waits says how long requests waited that got a lease: of all of them the mean
// and the most, of the last 1024 the quantiles.
type Waits struct {
	Mean, Max, P50, P99 time.Duration
}

// waits is where they are counted.
type waits struct {
	n        int64
	sum, max time.Duration
	last     [1024]time.Duration
}

func (w *waits) add(d time.Duration) {
	w.last[w.n%int64(len(w.last))] = d
	w.n++
	w.sum += d
	w.max = max(w.max, d)
}

func (w *waits) state() Waits {
	if w.n == 0 {
		return Waits{}
	}
	last := slices.Clone(w.last[:min(w.n, int64(len(w.last)))])
	slices.Sort(last)
	at := func(q int) time.Duration { return last[(len(last)-1)*q/100] }
	return Waits{Mean: w.sum / time.Duration(w.n), Max: w.max, P50: at(50), P99: at(99)}
}

// Snapshot returns how the pool is now. What cards and instances tell of
// themselves is asked of them after the books were read.
func (p *Pool) Snapshot() *Snapshot {
	p.mu.Lock()
	now := p.clock.Now()
	s := &Snapshot{Time: now, Counts: p.counts, Waits: p.waits.state()}
	devices := make([]*adapter.Device, len(p.cards))
	for i, c := range p.cards {
		s.Cards, devices[i] = append(s.Cards, p.stateOf(c, now)), c.device
	}
	var instances [][]*Instance
	for _, l := range p.leases {
		s.Leases = append(s.Leases, LeaseState{Task: l.id, Request: l.task.request, Granted: l.granted, Waited: l.Waited(), Deadline: l.deadline})
		instances = append(instances, l.instances)
	}
	for _, t := range p.queue {
		s.Queue = append(s.Queue, QueueState{Task: t.id, Request: t.request, Submitted: t.submitted, Waiting: now.Sub(t.submitted), Promised: t.promise != nil})
	}
	p.mu.Unlock()

	for i := range s.Cards {
		if t, err := devices[i].Telemetry(); err == nil {
			s.Cards[i].Telemetry = &t
		}
		s.Cards[i].Status = devices[i].Status()
	}
	for i, list := range instances {
		for _, in := range list {
			state := in.state()
			s.Leases[i].Instances = append(s.Leases[i].Instances, state)
			if n := slices.IndexFunc(s.Cards, func(c CardState) bool { return c.Name == state.Card }); n >= 0 {
				s.Cards[n].MemoryInUse += state.Stats.InUse
			}
		}
	}
	slices.SortFunc(s.Leases, func(a, b LeaseState) int { return cmp.Compare(a.Task, b.Task) })
	return s
}

// stateOf is what the books say of a card.
func (p *Pool) stateOf(c *card, now time.Time) CardState {
	c.account(now)
	state := CardState{
		Name: c.name, Class: c.class, Unfit: c.unfit, Health: c.health, Made: c.made, Failed: c.failed,
		Memory: c.total.memory, MemoryHeld: c.held.memory, MemoryPromised: c.promised.memory,
	}
	if c.total.units > 0 {
		state.ComputeHeld = float64(c.held.units) / float64(c.total.units)
		state.ComputePromised = float64(c.promised.units) / float64(c.total.units)
	}
	if since := now.Sub(c.added).Seconds(); since > 0 {
		state.MemoryUtilization, state.ComputeUtilization = c.heldTime[0]/since, c.heldTime[1]/since
	}
	for _, n := range c.leases {
		state.Instances += n
	}
	return state
}

func (i *Instance) state() InstanceState {
	return InstanceState{
		Name: i.device.Name(), Card: i.card.name, Status: i.device.Status(),
		Memory: i.Memory(), Compute: i.Compute(), Stats: i.device.Stats(),
	}
}

// EventKind says what happened.
type EventKind string

// What can happen.
const (
	Queued        EventKind = "queued"
	Granted       EventKind = "granted"
	Refused       EventKind = "refused"   // it can never be satisfied, or not any more
	Cancelled     EventKind = "cancelled" // the request's context has ended
	Failed        EventKind = "failed"    // a card did not give an instance; another is tried
	Noticed       EventKind = "noticed"   // a lease is to be preempted
	LeaseEnded    EventKind = "ended"     // otherwise than by its holder
	LeaseReleased EventKind = "released"
	CardAdded     EventKind = "card added"
	CardHealth    EventKind = "card health" // the text says how it is
	CardGone      EventKind = "card lost"
	Closed        EventKind = "closed" // the pool is
)

// Event is something that happened in a pool. Fields that do not go with its kind
// are empty.
type Event struct {
	Kind    EventKind
	Time    time.Time
	Task    uint64
	Request *Request // not to be changed
	Card    string
	Cards   []string // of a lease that was granted
	Waited  time.Duration
	Text    string

	Queue   int   // requests that wait
	Dropped int64 // events before this one that the watcher was too slow for
}

// watcher is somebody who wants to know what happens.
type watcher struct {
	mu      sync.Mutex
	events  []Event
	dropped int64
	over    bool
	more    chan struct{} // has room for one
}

// backlog is how many events are kept for a watcher.
const backlog = 4096

// Watch returns a channel of what happens from now on, which is closed when the
// context ends or the pool is closed. A watcher who falls 4096 events behind
// misses some; the next one says how many.
func (p *Pool) Watch(ctx context.Context) <-chan Event {
	w := &watcher{more: make(chan struct{}, 1)}
	p.mu.Lock()
	if w.over = p.closed; !w.over {
		p.watchers[w] = struct{}{}
	}
	p.mu.Unlock()
	events := make(chan Event)
	go func() {
		defer close(events)
		defer func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.watchers, w)
		}()
		for {
			list, over := w.take()
			for _, e := range list {
				select {
				case events <- e:
				case <-ctx.Done():
					return
				}
			}
			if over {
				return
			}
			select {
			case <-w.more:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// emit tells everyone who watches. The pool's lock is held.
func (p *Pool) emit(e Event) {
	if len(p.watchers) == 0 {
		return
	}
	e.Time, e.Queue = p.clock.Now(), len(p.queue)
	for w := range p.watchers {
		w.put(e)
	}
}

func (w *watcher) put(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) == backlog {
		w.dropped++
		return
	}
	e.Dropped, w.dropped = w.dropped, 0
	w.events = append(w.events, e)
	w.wake()
}

func (w *watcher) wake() {
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// take returns the events that have not been reported, and whether there will be
// no more.
func (w *watcher) take() ([]Event, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.events
	w.events = nil
	return list, w.over
}

// finish says that there will be no more.
func (w *watcher) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.wake()
}
