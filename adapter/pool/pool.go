// Package pool divides cards into instances and gives them to those who ask:
// one interface over partitions of processors, GPUs, FPGAs and NPUs.
//
// A [Pool] is made of opened devices ([New]) or of the registry's ([Open]). A
// [Request] says how much is wanted; [Pool.Acquire] waits until it can be had
// and returns a [Lease], whose instances are devices like any other, with memory
// and a share of the compute units that nobody else has:
//
//	p, err := pool.Open(ctx, nil, nil) // every usable device
//	l, err := p.Acquire(ctx, pool.Request{Kind: driver.GPU, Memory: 2 << 30, Compute: 0.25})
//	s, err := models.Load(l.Context(), "model.onnx", &models.Options{Opened: l.Devices()})
//	…
//	s.Close()
//	l.Release()
//
// Nothing here knows of operators.
//
// # Order
//
// Requests wait in one queue. A request's rank is the time of its submission,
// less [Options].Aging for every step of priority, plus [Options].Turn times the
// part of the pool that its owner has or awaits already; ranks never change, so
// that whoever waits long enough comes first, whatever its priority. Whatever
// fits is placed, in order of rank, past those that do not fit; but a request
// that has waited for [Options].Patience is overtaken no more on cards of its
// kind.
//
// # Preemption
//
// A request that does not fit takes the place of leases of strictly lower
// priority: of the lowest, the youngest of these first, and of no more than it
// needs. Their holders are told ([Lease.Notice]) and have [Options].Grace to
// release them; then they end with [Preempted].
//
// # Loss
//
// A card that is lost ends the leases that have a part of it, all of their
// instances, with [CardLost]. Where the request asked for it ([Restart]) it
// is made again, with its old rank; [Lease.Next] waits for what comes of that.
//
// # Determinism
//
// Decisions follow from the order of calls and from the clock alone: see
// [Options].Clock and [Manual].
package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// Options say how a pool decides. Nil and zero values are defaults.
type Options struct {
	Clock    Clock         // where the time comes from; default: the system
	Aging    time.Duration // how much waiting weighs as much as one step of priority; default: a minute
	Turn     time.Duration // how far a request comes behind for all of the pool that its owner has or awaits; default: a minute
	Patience time.Duration // how long a request may be overtaken; default: ten seconds
	Grace    time.Duration // how long the holder of a preempted lease has; default: five seconds
	Reopen   time.Duration // how often a lost card of [Open] is looked for; default: a second, negative: never

	NoPreemption bool // priority decides the order alone
}

// withDefaults returns options of which none is zero.
func (o *Options) withDefaults() Options {
	var full Options
	if o != nil {
		full = *o
	}
	if full.Clock == nil {
		full.Clock = systemClock{}
	}
	for _, d := range []struct {
		value   *time.Duration
		initial time.Duration
	}{{&full.Aging, time.Minute}, {&full.Turn, time.Minute}, {&full.Patience, 10 * time.Second}, {&full.Grace, 5 * time.Second}, {&full.Reopen, time.Second}} {
		if *d.value == 0 {
			*d.value = d.initial
		}
	}
	return full
}

// Pool is cards and those who have or await parts of them. It is safe for
// concurrent use.
type Pool struct {
	options Options
	clock   Clock
	life    context.Context // ends when the pool is closed
	end     context.CancelFunc
	work    sync.WaitGroup // instances being made, leases being ended, watchers

	mu      sync.Mutex
	closed  bool
	cards   []*card // lost ones included
	queue   []*task // by rank
	leases  map[uint64]*Lease
	classes map[shape]*class
	owners  map[string]*owner
	live    [2*MaxPriority + 1]int // leases not told to end, by priority
	last    uint64                 // number of the last task
	making  int                    // tasks that are placed and have no lease yet
	epoch   int64                  // how often the cards have changed
	freed   []*card                // with something given back since the queue was gone through
	full    bool                   // the queue has to be held against all cards
	stamp   int64                  // of the last time that the queue was gone through

	lowest   int   // index of the first in live that is not 0, when stamp was
	lowestAt int64 // this

	counts   Counts
	waits    waits
	watchers map[*watcher]struct{}
	started  time.Time
}

// New returns a pool of opened devices, which the caller closes after the pool.
// A device that cannot be divided is a card that suits no request.
func New(devices []*adapter.Device, o *Options) (*Pool, error) {
	p := newPool(o)
	for _, d := range devices {
		if err := p.Add(d); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

func newPool(o *Options) *Pool {
	p := &Pool{options: o.withDefaults(), leases: make(map[uint64]*Lease), classes: make(map[shape]*class),
		owners: make(map[string]*owner), watchers: make(map[*watcher]struct{})}
	p.clock = p.options.Clock
	p.started = p.clock.Now()
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// Open returns a pool of devices that it opens by name, and closes; without
// names, of every device that can be used.
func Open(ctx context.Context, names []string, o *Options) (*Pool, error) {
	if len(names) == 0 {
		for _, found := range adapter.Devices(ctx) {
			if found.Err == nil && found.Info.Unusable == "" {
				names = append(names, found.Name)
			}
		}
	}
	p := newPool(o)
	for _, name := range names {
		d, err := adapter.Open(ctx, name, nil)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		if err := p.add(d.Name(), d, true); err != nil {
			return nil, errors.Join(err, d.Close(), p.Close())
		}
	}
	return p, nil
}

// Add makes a device a card of the pool. It may have the name of a card that was
// lost, whose place it takes.
func (p *Pool) Add(d *adapter.Device) error {
	if d == nil {
		return driver.Errorf(driver.InvalidArgument, "Add", "no device")
	}
	return p.AddAs(d.Name(), d)
}

// AddAs is [Pool.Add] under another name, for devices that share theirs.
func (p *Pool) AddAs(name string, d *adapter.Device) error {
	if d == nil || name == "" {
		return driver.Errorf(driver.InvalidArgument, "AddAs", "no device, or no name")
	}
	return p.add(name, d, false)
}

func (p *Pool) add(name string, d *adapter.Device, owned bool) error {
	c := newCard(name, d, owned, p.clock.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errPoolClosed("Add")
	}
	i := slices.IndexFunc(p.cards, func(other *card) bool { return other.name == c.name })
	switch {
	case i < 0:
		p.cards = append(p.cards, c)
	case p.cards[i].lost == nil:
		return driver.Errorf(driver.InvalidArgument, "Add", "the pool has a card %s", c.name)
	default:
		p.cards[i] = c
	}
	p.epoch++
	p.emit(Event{Kind: CardAdded, Card: c.name})
	p.work.Add(1)
	go p.follow(c)
	p.refuseHopeless() // it may be smaller than the one whose place it takes
	p.giveBack(c)
	p.full = true
	p.schedule()
	return nil
}

func errPoolClosed(op string) error {
	return &driver.Error{Code: driver.Closed, Op: op, Sticky: true, Text: "the pool was closed before"}
}

// Acquire waits until the request can be satisfied and returns the lease. It
// fails with a [*Refusal] at once, or when a card is lost, where the pool can
// never satisfy it; with [driver.InvalidArgument] for a request that makes no
// sense; with [driver.Canceled] when the context ends; and with [driver.Closed]
// when the pool is closed.
func (p *Pool) Acquire(ctx context.Context, r Request) (*Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, driver.AsError("Acquire", err)
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	t, err := p.submit(r, nil)
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return p.await(ctx, t)
}

// await waits for a task's turn and makes its instances.
func (p *Pool) await(ctx context.Context, t *task) (*Lease, error) {
	for {
		select {
		case <-t.wake:
		case <-ctx.Done():
			p.withdraw(t)
			return nil, driver.AsError("Acquire", context.Cause(ctx))
		}
		p.mu.Lock()
		state, err := t.state, t.err
		p.mu.Unlock()
		if state == failed {
			return nil, err
		}
		if l, err := p.make(ctx, t); l != nil || err != nil {
			return l, err
		}
	}
}

// withdraw takes back a request whose holder waits no more.
func (p *Pool) withdraw(t *task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch t.state {
	case failed:
		return
	case waiting:
		p.dequeue(t)
		p.breakPromise(t)
	case placed:
		p.unplace(t)
		p.making--
		p.work.Done()
	}
	t.state = failed
	p.forget(t)
	p.counts.Cancelled++
	p.emit(Event{Kind: Cancelled, Task: t.id, Request: &t.request})
	p.schedule()
}

// make makes the instances of a task that was placed. It returns nil and nil
// where a card failed and the task is back in the queue.
func (p *Pool) make(ctx context.Context, t *task) (*Lease, error) {
	defer p.work.Done()
	l := &Lease{pool: p, task: t, id: t.id, notice: make(chan struct{}), closed: make(chan struct{})}
	for _, s := range t.placement {
		for range s.n {
			d, err := s.card.device.Partition(ctx, s.card.spec(s.need))
			if err != nil {
				l.closeAll()
				return nil, p.unmade(ctx, t, s.card, err)
			}
			l.instances = append(l.instances, &Instance{lease: l, card: s.card, device: d, need: s.need})
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	gone := slices.ContainsFunc(t.placement, func(s share) bool { return s.card.lost != nil })
	if !gone && !p.closed {
		p.making--
		p.grant(l)
		return l, nil
	}
	p.mu.Unlock()
	l.closeAll()
	p.mu.Lock()
	p.making--
	p.unplace(t)
	if p.closed {
		p.forget(t)
		return nil, errPoolClosed("Acquire")
	}
	return nil, p.again(t)
}

// unmade notes that a card did not give an instance, and sends the task back to
// the queue if it can be satisfied otherwise.
func (p *Pool) unmade(ctx context.Context, t *task, c *card, err error) error {
	if c.device.Status() == adapter.StatusLost {
		p.lose(c, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.making--
	p.unplace(t)
	switch {
	case p.closed:
		p.forget(t)
		return errPoolClosed("Acquire")
	case ctx.Err() != nil:
		p.forget(t)
		p.counts.Cancelled++
		p.emit(Event{Kind: Cancelled, Task: t.id, Request: &t.request})
		p.schedule()
		return driver.AsError("Acquire", err)
	case c.lost == nil:
		c.failed++
		p.counts.Failures++
		p.emit(Event{Kind: Failed, Task: t.id, Card: c.name, Request: &t.request, Text: err.Error()})
		t.avoids(c, err)
	}
	return p.again(t)
}

// Close ends every lease and every request that waits, with [PoolClosed], and
// gives the cards back. Closing twice does nothing.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.work.Wait()
		return nil
	}
	p.closed = true
	p.end()
	for _, t := range p.queue {
		t.fail(errPoolClosed("Acquire"))
	}
	p.queue = nil
	for _, l := range p.liveLeases() {
		p.retire(l, &Ended{Lease: l.id, Cause: PoolClosed})
		go p.reclaim(l)
	}
	cards := p.cards
	p.mu.Unlock()
	p.work.Wait()
	var errs []error
	for _, c := range cards {
		if c.owned {
			errs = append(errs, c.device.Close())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.emit(Event{Kind: Closed})
	for w := range p.watchers {
		w.finish()
	}
	return errors.Join(errs...)
}

// String says how many cards and leases there are.
func (p *Pool) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("pool of %d cards with %d leases and %d requests waiting", len(p.cards), len(p.leases), len(p.queue))
}
