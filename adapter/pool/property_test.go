package pool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

var kinds = []driver.Class{driver.CPU, driver.GPU, driver.NPU, driver.FPGA}

// randomRequest is a request of which cards of 100 bytes hold a few.
func randomRequest(random *rand.Rand) pool.Request {
	return pool.Request{
		Kind: append(kinds, "")[random.IntN(len(kinds)+1)], Memory: 1 + random.Int64N(60), Compute: float64(1+random.IntN(20)) / 20,
		Count: random.IntN(4), Gang: random.IntN(2) == 0, Policy: pool.Policy(random.IntN(2)), Priority: random.IntN(3) - 1,
		Restart: pool.Restart(random.IntN(4)), Owner: fmt.Sprint(random.IntN(3)),
	}
}

// audit holds the books against what the cards have given, and against what the
// pool has promised its users.
func (r *rack) audit() {
	r.t.Helper()
	s := r.Snapshot()
	type use struct {
		memory  int64
		compute float64
		parts   int
	}
	used := make(map[string]use)
	for _, l := range s.Leases {
		want := max(l.Request.Count, 1)
		if l.Request.Gang {
			require.Len(r.t, l.Instances, want, "a gang is whole")
		}
		require.NotEmpty(r.t, l.Instances)
		require.LessOrEqual(r.t, len(l.Instances), want)
		for _, i := range l.Instances {
			require.GreaterOrEqual(r.t, i.Memory, l.Request.Memory)
			require.GreaterOrEqual(r.t, i.Compute, l.Request.Compute-1e-8)
			u := used[i.Card]
			used[i.Card] = use{u.memory + i.Memory, u.compute + i.Compute, u.parts + 1}
		}
	}
	for i, c := range s.Cards {
		u := used[c.Name]
		require.LessOrEqual(r.t, u.memory, c.Memory, "%s is over-committed", c.Name)
		require.LessOrEqual(r.t, u.compute, 1+1e-6, "%s is over-committed", c.Name)
		require.Equal(r.t, u.memory, c.MemoryHeld)
		require.InDelta(r.t, u.compute, c.ComputeHeld, 1e-6)
		require.Equal(r.t, u.parts, r.cards[i].openParts(), "parts of %s", c.Name)
		require.Equal(r.t, u.parts, c.Instances)
	}
	require.Zero(r.t, s.Counts.Failures, "the cards never disagree with the books")
}

// Whatever is asked, released, cancelled, preempted and lost, no card is ever
// over-committed, gangs are whole, and in the end nothing is left.
func TestBooksAgreeWithTheCards(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 1))
		cards := make([]*fake, 8)
		for i := range cards {
			cards[i] = &fake{class: kinds[i%len(kinds)], memory: 100}
		}
		r := newRack(t, &pool.Options{Grace: 3 * time.Second, Patience: 5 * time.Second}, cards...)
		var asked []*pending
		for step := range 150 {
			switch n := random.IntN(20); {
			case n < 9:
				asked = append(asked, r.request(randomRequest(random)))
			case n < 14 && len(asked) > 0:
				if p := asked[random.IntN(len(asked))]; !p.waits() && p.lease != nil {
					require.NoError(t, p.lease.Release())
				}
			case n < 16 && len(asked) > 0:
				p := asked[random.IntN(len(asked))]
				p.cancel()
				<-p.done
			case n == 16 && step > 75:
				if card := random.IntN(len(cards)); r.devices[card].Status() == adapter.StatusReady {
					r.unplug(card)
				}
			default:
				r.clock.Advance(time.Duration(random.IntN(2000)) * time.Millisecond)
			}
			r.Settle(r.asked)
			r.audit()
		}
		for _, p := range asked {
			p.cancel()
			if <-p.done; p.lease != nil {
				require.NoError(t, p.lease.Release())
			}
		}
		r.Settle(r.asked)
		s := r.Snapshot()
		require.Empty(t, s.Leases)
		require.Empty(t, s.Queue)
		require.Zero(t, r.Outstanding(), "owners have nothing left")
		for _, c := range s.Cards {
			assert.Zero(t, c.MemoryHeld+c.MemoryPromised+int64(c.Instances), "%s has something left", c.Name)
			assert.Zero(t, c.ComputeHeld+c.ComputePromised, c.Name)
		}
	}
}

// Whoever is told to end has a lower priority than whoever waits.
func TestNoticesComeFromAbove(t *testing.T) {
	notices := 0
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 2))
		r := newRack(t, &pool.Options{Grace: time.Second}, gpus(3)...)
		watched, stop := context.WithCancel(ctx)
		events := r.Watch(watched)
		priorities := make(map[uint64]int)
		var list []pool.Event
		done := make(chan struct{})
		go func() {
			defer close(done)
			for e := range events {
				list = append(list, e)
				if e.Kind == pool.Closed {
					return
				}
			}
		}()
		for range 60 {
			request := randomRequest(random)
			request.Kind, request.Priority = "", random.IntN(5)
			r.request(request)
			r.clock.Advance(time.Duration(random.IntN(900)) * time.Millisecond)
			r.Settle(r.asked)
		}
		require.NoError(t, r.Close())
		<-done
		stop()
		for _, e := range list {
			switch e.Kind {
			case pool.Queued:
				priorities[e.Task] = e.Request.Priority
			case pool.Noticed:
				notices++
				var by uint64
				var priority int
				_, err := fmt.Sscanf(e.Text, "by request %d of priority %d", &by, &priority)
				require.NoError(t, err, e.Text)
				assert.Less(t, e.Request.Priority, priority)
				assert.Equal(t, priorities[by], priority)
			}
		}
	}
	assert.Greater(t, notices, 20)
}

// A gang of all cards is served although small requests, some of higher priority,
// never stop coming: once its age outweighs their priority and its patience is
// over it waits for those that run, and no longer.
func TestNobodyStarves(t *testing.T) {
	r := newRack(t, &pool.Options{Aging: 10 * time.Second, Patience: 5 * time.Second, NoPreemption: true}, gpus(4)...)
	const lifetime = 4 * time.Second
	type run struct {
		lease *pool.Lease
		until time.Time
	}
	var running []run
	var asked []*pending
	small := func() { asked = append(asked, r.ask("kind=gpu,memory=50B,compute=0.5,priority=1,owner=many")) }
	for range 8 {
		small()
	}
	big := r.ask("kind=gpu,memory=100B,compute=1,count=4,gang=true,priority=0,owner=one")
	for range 200 {
		if !big.waits() {
			break
		}
		small()
		r.clock.Advance(500 * time.Millisecond)
		var waiting []*pending
		for _, p := range asked {
			if p.waits() {
				waiting = append(waiting, p)
			} else {
				running = append(running, run{p.got(t), r.clock.Now().Add(lifetime)})
			}
		}
		asked = waiting
		for len(running) > 0 && !running[0].until.After(r.clock.Now()) {
			require.NoError(t, running[0].lease.Release())
			running = running[1:]
		}
		r.Settle(r.asked)
	}
	l := big.got(t)
	assert.LessOrEqual(t, l.Waited(), 10*time.Second+5*time.Second+lifetime, "a step of aging, its patience, and the longest that still ran")
	assert.Greater(t, l.Waited(), 5*time.Second)
}

// The same calls at the same times give the same decisions.
func TestDecisionsRepeat(t *testing.T) {
	history := func() []string {
		random := rand.New(rand.NewPCG(7, 3))
		r := newRack(t, nil, gpus(5)...)
		var log []string
		var asked []*pending
		for range 100 {
			request := randomRequest(random)
			request.Kind = ""
			asked = append(asked, r.request(request))
			for range random.IntN(500) { // what one end makes possible happens before the next
				r.clock.Advance(time.Millisecond)
				r.Settle(r.asked)
			}
			if p := asked[random.IntN(len(asked))]; !p.waits() && p.lease != nil {
				require.NoError(t, p.lease.Release())
			}
			r.Settle(r.asked)
			for _, l := range r.Snapshot().Leases {
				line := fmt.Sprint(l.Task, l.Waited, l.Deadline)
				for _, i := range l.Instances {
					line += " " + i.Card
				}
				log = append(log, line)
			}
		}
		require.NoError(t, r.Close())
		return log
	}
	assert.Equal(t, history(), history())
}

// Everything at once, under the real clock.
func TestConcurrentUse(t *testing.T) {
	cards := gpus(4)
	var devices []*adapter.Device
	for i, c := range cards {
		devices = append(devices, adapter.New(fmt.Sprintf("c%d", i), c))
	}
	p, err := pool.New(devices, &pool.Options{Grace: time.Millisecond, Patience: time.Millisecond})
	require.NoError(t, err)
	watched, stop := context.WithCancel(ctx)
	go func() {
		for range p.Watch(watched) {
		}
	}()
	var users sync.WaitGroup
	for n := range 16 {
		users.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 4))
			for range 60 {
				request := randomRequest(random)
				request.Kind = ""
				c, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(20))*time.Millisecond)
				l, err := p.Acquire(c, request)
				if err == nil {
					b, err := l.Devices()[0].Alloc(request.Memory, driver.DeviceMemory)
					if err == nil {
						_ = b.Free()
					}
					_ = p.Snapshot()
					_ = l.Err()
					l.Deadline()
					if random.IntN(2) == 0 {
						if next, err := l.Next(c); err == nil {
							assert.NoError(t, next.Release())
						}
					}
					assert.NoError(t, l.Release())
				}
				cancel()
			}
		})
	}
	users.Wait()
	stop()
	s := p.Snapshot()
	assert.Empty(t, s.Leases)
	for i, c := range s.Cards {
		assert.Zero(t, c.MemoryHeld)
		assert.Zero(t, cards[i].openParts())
	}
	require.NoError(t, p.Close())
}
