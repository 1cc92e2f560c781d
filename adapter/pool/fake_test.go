package pool_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

// fake is a card, or a part of one.
type fake struct {
	driver.Unimplemented
	class  driver.Class
	memory int64
	plans  []driver.PartitionPlan
	parent *fake

	mu     sync.Mutex
	fail   error // of Partition
	made   int
	open   int
	closed bool
}

type fakeBuffer int64

func (b fakeBuffer) Size() int64 { return int64(b) }
func (b fakeBuffer) Free() error { return nil }

func (f *fake) Info() driver.Info {
	return driver.Info{Class: f.class, Memory: f.memory, Caps: driver.CapPartitioner}
}

func (f *fake) Alloc(size int64, _ driver.MemoryKind) (driver.Buffer, error) {
	return fakeBuffer(size), nil
}

func (f *fake) PartitionPlans() []driver.PartitionPlan { return f.plans }

func (f *fake) Partition(_ context.Context, spec driver.PartitionSpec) (driver.Device, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	f.made++
	f.open++
	return &fake{class: f.class, memory: spec.Memory, parent: f}, nil
}

func (f *fake) Close() error {
	if f.parent == nil {
		return nil
	}
	f.parent.mu.Lock()
	defer f.parent.mu.Unlock()
	if !f.closed {
		f.closed = true
		f.parent.open--
	}
	return nil
}

func (f *fake) failWith(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fake) openParts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

var (
	ctx   = context.Background()
	epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
)

// rack is a pool of fake cards under a clock of its own.
type rack struct {
	*pool.Pool
	t       *testing.T
	clock   *pool.Manual
	cards   []*fake
	devices []*adapter.Device
	asked   int64
}

// newRack makes a pool of cards "c0", "c1", …
func newRack(t *testing.T, o *pool.Options, cards ...*fake) *rack {
	t.Helper()
	if o == nil {
		o = &pool.Options{}
	}
	r := &rack{t: t, clock: pool.NewManual(epoch), cards: cards}
	o.Clock = r.clock
	for i, c := range cards {
		r.devices = append(r.devices, adapter.New(fmt.Sprintf("c%d", i), c))
	}
	var err error
	r.Pool, err = pool.New(r.devices, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, r.Close())
		for i, d := range r.devices {
			require.Zero(t, cards[i].openParts(), "c%d has parts left", i)
			require.NoError(t, d.Close())
		}
	})
	return r
}

// gpus returns so many cards of 100 bytes.
func gpus(n int) []*fake {
	cards := make([]*fake, n)
	for i := range cards {
		cards[i] = &fake{class: driver.GPU, memory: 100}
	}
	return cards
}

// pending is a request that may still wait.
type pending struct {
	rack   *rack
	name   string // of the request, which no other has
	done   chan struct{}
	lease  *pool.Lease
	err    error
	cancel context.CancelFunc
}

// ask makes a request and returns when the pool has dealt with it as far as it
// can now.
func (r *rack) ask(text string) *pending {
	r.t.Helper()
	request, err := pool.ParseRequest(text)
	require.NoError(r.t, err)
	return r.request(request)
}

func (r *rack) request(request pool.Request) *pending {
	request.Name = fmt.Sprintf("r%d", r.asked)
	p := &pending{rack: r, name: request.Name, done: make(chan struct{})}
	var c context.Context
	c, p.cancel = context.WithCancel(ctx)
	r.t.Cleanup(p.cancel)
	go func() {
		defer close(p.done)
		p.lease, p.err = r.Acquire(c, request)
	}()
	r.asked++
	r.Settle(r.asked)
	return p
}

// got returns the lease of a request that must have it by now.
func (p *pending) got(t *testing.T) *pool.Lease {
	t.Helper()
	<-p.done
	require.NoError(t, p.err)
	return p.lease
}

// failed returns the error of a request that must have failed by now.
func (p *pending) failed(t *testing.T) error {
	t.Helper()
	<-p.done
	require.Error(t, p.err)
	return p.err
}

// waits reports whether the request still waits.
func (p *pending) waits() bool {
	select {
	case <-p.done:
		return false
	default:
	}
	if slices.ContainsFunc(p.rack.Snapshot().Queue, func(q pool.QueueState) bool { return q.Request.Name == p.name }) {
		return true
	}
	<-p.done
	return false
}

// take makes a request that must be satisfied at once.
func (r *rack) take(text string) *pool.Lease {
	r.t.Helper()
	before := r.queued()
	p := r.ask(text)
	require.LessOrEqual(r.t, r.queued(), before, "%s has to wait", text)
	return p.got(r.t)
}

func (r *rack) queued() int { return len(r.Snapshot().Queue) }

// cardsOf lists the cards that a lease has instances on.
func cardsOf(l *pool.Lease) []string {
	var names []string
	for _, i := range l.Instances() {
		names = append(names, i.Card())
	}
	return names
}
