package indicator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

func latency(ctx context.Context, b *bench) (Reading, error) {
	p, err := b.pool()
	if err != nil {
		return Reading{}, err
	}
	var took []time.Duration
	for range cycles {
		start := time.Now()
		l, err := p.Acquire(ctx, b.request(0.125))
		if err != nil {
			return Reading{}, errors.Join(err, p.Close())
		}
		took = append(took, time.Since(start))
		if err := l.Release(); err != nil {
			return Reading{}, errors.Join(err, p.Close())
		}
	}
	middle, high := median(took, time.Microsecond)
	return read(middle, "p99 %s µs, of %d", format(high), cycles), p.Close()
}

// rack is a pool of several cards.
type rack struct {
	*pool.Pool
	cards []*adapter.Device
}

// open returns a pool of so many cards like the one measured.
func (b *bench) open(ctx context.Context, cards int, o *pool.Options) (*rack, error) {
	p, err := pool.New(nil, o)
	if err != nil {
		return nil, err
	}
	r := &rack{Pool: p}
	for i := range cards {
		d, err := b.options.Open(ctx)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.cards = append(r.cards, d)
		if err := p.AddAs(fmt.Sprintf("card %d", i), d); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

func (r *rack) close() error {
	err := r.Pool.Close()
	for _, d := range r.cards {
		err = errors.Join(err, d.Close())
	}
	return err
}

// job is a request of a simulation, and for how long it holds what it gets.
type job struct {
	pool.Request
	lasts time.Duration
}

// running is a job that has what it asked for.
type running struct {
	lease *pool.Lease
	owner string
	ends  time.Time
}

// simulation runs jobs that are all submitted at once, in simulated time.
type simulation struct {
	rack    *rack
	clock   *pool.Manual
	granted chan running
	err     chan error
	now     []running
	observe func(s *pool.Snapshot, lasted time.Duration) (more bool) // between two changes
}

// simulate runs jobs until none waits, or observe has seen enough.
func (b *bench) simulate(ctx context.Context, jobs []job, observe func(*pool.Snapshot, time.Duration) bool) (err error) {
	const cards = 4
	clock := pool.NewManual(time.Unix(0, 0))
	r, err := b.open(ctx, cards, &pool.Options{Clock: clock})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		err = errors.Join(err, r.close())
	}()
	s := &simulation{rack: r, clock: clock, granted: make(chan running, len(jobs)), err: make(chan error, len(jobs)), observe: observe}
	for i, j := range jobs {
		if err := s.submit(ctx, j, int64(i+1)); err != nil {
			return err
		}
	}
	for {
		more, err := s.advance(ctx)
		if !more || err != nil {
			return err
		}
	}
}

// submit makes the n-th request, and waits until it has what it asked for or is
// in the queue.
func (s *simulation) submit(ctx context.Context, j job, n int64) error {
	before := len(s.rack.Snapshot().Queue)
	go func() {
		l, err := s.rack.Acquire(ctx, j.Request)
		if err != nil {
			s.err <- err
			return
		}
		s.granted <- running{l, j.Owner, s.clock.Now().Add(j.lasts)}
	}()
	for {
		snapshot := s.rack.Snapshot()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case snapshot.Counts.Requests < n:
			runtime.Gosched()
		case len(snapshot.Queue) > before:
			return nil
		default:
			return s.collect(ctx, 1)
		}
	}
}

// collect waits for so many jobs to get what they asked for.
func (s *simulation) collect(ctx context.Context, n int) error {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for n > 0 {
		select {
		case r := <-s.granted:
			s.now = append(s.now, r)
			n--
		case err := <-s.err:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			if failures := s.rack.Snapshot().Counts.Failures; failures > 0 {
				return fmt.Errorf("the cards did not give %d instances for which there was room", failures)
			}
		}
	}
	slices.SortFunc(s.now, func(a, b running) int { return int(a.lease.ID()) - int(b.lease.ID()) })
	return nil
}

// advance moves to the next end of a job. It reports whether there is more to
// observe.
func (s *simulation) advance(ctx context.Context) (more bool, err error) {
	snapshot := s.rack.Snapshot()
	if len(snapshot.Queue) == 0 || len(s.now) == 0 {
		return false, nil
	}
	next := 0
	for i, r := range s.now {
		if r.ends.Before(s.now[next].ends) {
			next = i
		}
	}
	r := s.now[next]
	lasted := r.ends.Sub(snapshot.Time)
	if !s.observe(snapshot, lasted) {
		return false, nil
	}
	s.now = slices.Delete(s.now, next, next+1)
	s.clock.Advance(lasted)
	before := len(s.rack.Snapshot().Queue) // some may have got in by the time alone
	if err := s.collect(ctx, len(snapshot.Queue)-before); err != nil {
		return false, err
	}
	if err := r.lease.Release(); err != nil {
		return false, err
	}
	return true, s.collect(ctx, before-len(s.rack.Snapshot().Queue))
}

// mixed are the jobs of a usual day: of 1 to 8 sixteenths of a card, for a time
// with an exponential distribution.
func (b *bench) mixed() []job {
	const jobs = 120
	random := rand.New(rand.NewPCG(1, 2))
	list := make([]job, jobs)
	for i := range list {
		list[i] = job{pool.Request{
			Memory: b.memory / 16 * (1 + random.Int64N(8)), Compute: float64(1+random.IntN(8)) / 16,
		}, time.Duration((0.1 + random.ExpFloat64()) * float64(10*time.Second))}
	}
	return list
}

// packing is what a simulation shows of how cards are filled.
type packing struct{ utilization, fragmentation float64 }

// pack simulates the mixed jobs, once.
func (b *bench) pack(ctx context.Context) (*packing, error) {
	if b.packed != nil {
		return b.packed, nil
	}
	smallest := max(1.0/16, b.step.Compute)
	var seconds, held, wasted float64
	err := b.simulate(ctx, b.mixed(), func(s *pool.Snapshot, lasted time.Duration) bool {
		var used, free, usable float64
		for _, c := range s.Cards {
			used += c.ComputeHeld / float64(len(s.Cards))
			free += 1 - c.ComputeHeld
			fit := min(math.Floor((1-c.ComputeHeld)/smallest+1e-9), float64((c.Memory-c.MemoryHeld)/(b.memory/16)))
			usable += fit * smallest
		}
		seconds += lasted.Seconds()
		held += used * lasted.Seconds()
		if free > 1e-9 {
			wasted += (1 - usable/free) * lasted.Seconds()
		}
		return true
	})
	if err == nil && seconds == 0 {
		err = errors.New("no request ever had to wait")
	}
	if err != nil {
		return nil, err
	}
	b.packed = &packing{held / seconds, wasted / seconds}
	return b.packed, nil
}

func utilization(ctx context.Context, b *bench) (Reading, error) {
	p, err := b.pack(ctx)
	if err != nil {
		return Reading{}, err
	}
	return read(p.utilization, "4 cards, 120 requests of 1/16 to 8/16 of a card"), nil
}

func fragmentation(ctx context.Context, b *bench) (Reading, error) {
	p, err := b.pack(ctx)
	if err != nil {
		return Reading{}, err
	}
	return read(p.fragmentation, "the same"), nil
}

func fairness(ctx context.Context, b *bench) (Reading, error) {
	owners := []string{"greedy", "a", "b", "c"}
	const each = 12
	share := max(0.25, b.step.Compute)
	var jobs []job
	add := func(owner string) {
		jobs = append(jobs, job{pool.Request{Owner: owner, Memory: b.quota(), Compute: share}, 10 * time.Second})
	}
	for range 4 * each {
		add(owners[0])
	}
	for range each {
		for _, owner := range owners[1:] {
			add(owner)
		}
	}
	got := make(map[string]float64)
	err := b.simulate(ctx, jobs, func(s *pool.Snapshot, lasted time.Duration) bool {
		for _, l := range s.Leases {
			got[l.Request.Owner] += l.Instances[0].Compute * lasted.Seconds()
		}
		waits := make(map[string]bool)
		for _, q := range s.Queue {
			waits[q.Request.Owner] = true
		}
		return len(waits) == len(owners)
	})
	if err != nil {
		return Reading{}, err
	}
	var note []string
	shares := make([]float64, len(owners))
	for i, owner := range owners {
		shares[i] = got[owner]
		note = append(note, fmt.Sprintf("%s %s", owner, format(got[owner])))
	}
	return read(Jain(shares), "compute × s: %s", strings.Join(note, ", ")), nil
}

// Jain returns the fairness index of what each of several got: (Σx)² / (n·Σx²),
// after Jain, Chiu and Hawe, 1984. It is 1 where all got the same, and 1/n where
// one got everything.
func Jain(got []float64) float64 {
	var sum, squares float64
	for _, x := range got {
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(got)) * squares)
}

func recovery(ctx context.Context, b *bench) (Reading, error) {
	const losses = 5
	var took []time.Duration
	how := "noticed by a call"
	for range losses {
		r, err := b.open(ctx, 2, nil)
		if err != nil {
			return Reading{}, err
		}
		request := b.request(0.125)
		request.Restart = pool.OnLoss
		l, err := r.Acquire(ctx, request)
		if err != nil {
			return Reading{}, errors.Join(err, r.close())
		}
		start := time.Now()
		if breaker, ok := adapter.As[Breaker](r.cards[0]); ok {
			how = "reported by the card"
			breaker.Lose("a fault of the card")
		} else {
			r.cards[0].Revoke(driver.DeviceLost)
		}
		next, err := l.Next(ctx)
		took = append(took, time.Since(start))
		if err == nil && next.Instances()[0].Card() != "card 1" {
			err = fmt.Errorf("the lease is on %s", next.Instances()[0].Card())
		}
		if err = errors.Join(err, r.close()); err != nil {
			return Reading{}, err
		}
	}
	middle, _ := median(took, time.Millisecond)
	return read(middle, "of %d losses, %s", losses, how), nil
}
