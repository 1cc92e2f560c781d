package indicator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

// bench is a card and what is needed to measure it.
type bench struct {
	options *Options
	card    *adapter.Device
	step    driver.PartitionSpec // in which memory and compute come
	memory  int64                // bytes that instances can have together
	packed  *packing             // once it was found out
}

func newBench(ctx context.Context, o *Options) (*bench, error) {
	card, err := o.Open(ctx)
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, card: card}
	if b.step, err = card.PartitionGranule(); err != nil {
		return nil, errors.Join(err, card.Close())
	}
	stats := card.Stats()
	b.memory = stats.Limit - stats.InUse
	if b.memory < 64*b.step.Memory {
		return nil, errors.Join(fmt.Errorf("indicator: %s has %d bytes to divide; 64 steps of %d are wanted", card.Name(), b.memory, b.step.Memory), card.Close())
	}
	return b, nil
}

func (b *bench) close() { _ = b.card.Close() }

// quota is memory for an instance: a part of the card's, of at most 8 MiB, in
// whole steps.
func (b *bench) quota() int64 {
	return max(min(b.memory/8, 8<<20)/b.step.Memory, 1) * b.step.Memory
}

// pool returns a pool of the card alone.
func (b *bench) pool() (*pool.Pool, error) { return pool.New([]*adapter.Device{b.card}, nil) }

// request asks for an instance with a share of the card.
func (b *bench) request(compute float64) pool.Request {
	return pool.Request{Memory: b.quota(), Compute: max(compute, b.step.Compute)}
}

// instances gets instances of the card, one for each share, for f.
func (b *bench) instances(ctx context.Context, f func(got ...*pool.Instance) error, shares ...float64) error {
	p, err := b.pool()
	if err != nil {
		return err
	}
	var got []*pool.Instance
	for _, share := range shares {
		l, err := p.Acquire(ctx, b.request(share))
		if err != nil {
			return errors.Join(err, p.Close())
		}
		got = append(got, l.Instances()...)
	}
	return errors.Join(f(got...), p.Close())
}

// indivisible is the reading of what takes several shares of a card that cannot
// be shared.
func (b *bench) indivisible(parts int) (Reading, bool) {
	if b.step.Compute*float64(parts) > 1+1e-9 {
		return unknown("its compute units come in steps of %.3g, and %d parts are wanted", b.step.Compute, parts), true
	}
	return Reading{}, false
}

// work prepares the work on a device.
func (b *bench) work(ctx context.Context, d *adapter.Device) (func(context.Context) error, func() error, error) {
	if b.options.Work != nil {
		return b.options.Work(ctx, d)
	}
	return fills(b.quota())(ctx, d)
}

// warm is work that has been done once: the first time takes longer.
func (b *bench) warm(ctx context.Context, d *adapter.Device) (func(context.Context) error, func() error, error) {
	step, done, err := b.work(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	if err := step(ctx); err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return step, done, nil
}

// fills is work that any device does: it fills size bytes, at most a mebibyte,
// again and again.
func fills(size int64) Work {
	return func(ctx context.Context, d *adapter.Device) (func(context.Context) error, func() error, error) {
		buffer, err := d.Alloc(min(size, 1<<20)&^15, driver.DeviceMemory)
		if err != nil {
			return nil, nil, err
		}
		step := func(ctx context.Context) error {
			for range 16 {
				if err := d.Fill(ctx, buffer.All(), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}); err != nil {
					return err
				}
			}
			return nil
		}
		return step, buffer.Free, nil
	}
}

// window is how long a rate is measured at a time, rounds how often.
const (
	window = 50 * time.Millisecond
	rounds = 9
)

// rate returns how many steps of work are done in a second, over one window.
func rate(ctx context.Context, step func(context.Context) error) (float64, error) {
	start := time.Now()
	for n := 1; ; n++ {
		if err := step(ctx); err != nil {
			return 0, err
		}
		if took := time.Since(start); took >= window {
			return float64(n) / took.Seconds(), nil
		}
	}
}

// ratio measures two rates in turn, and returns the median of the second over the
// first: what else the machine does meanwhile slows down both.
func ratio(first, second func() (float64, error)) (float64, error) {
	var ratios []float64
	for range rounds {
		a, err := first()
		if err != nil {
			return 0, err
		}
		b, err := second()
		if err != nil {
			return 0, err
		}
		ratios = append(ratios, b/a)
	}
	slices.Sort(ratios)
	return ratios[rounds/2], nil
}

// against returns the rate of work on a device over that on the bare card.
func (b *bench) against(ctx context.Context, d *adapter.Device) (float64, error) {
	card, cardDone, err := b.warm(ctx, b.card)
	if err != nil {
		return 0, err
	}
	defer func() { _ = cardDone() }()
	own, ownDone, err := b.warm(ctx, d)
	if err != nil {
		return 0, err
	}
	defer func() { _ = ownDone() }()
	return ratio(func() (float64, error) { return rate(ctx, card) }, func() (float64, error) { return rate(ctx, own) })
}

// median returns the middle of some times, and the 99th hundredth, in units.
func median(times []time.Duration, unit time.Duration) (middle, high float64) {
	slices.Sort(times)
	in := func(d time.Duration) float64 { return float64(d) / float64(unit) }
	return in(times[len(times)/2]), in(times[int(math.Ceil(float64(len(times))*0.99))-1])
}
