package indicator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

// cycles is how often things are done whose time is measured.
const cycles = 50

func instances(ctx context.Context, b *bench) (Reading, error) {
	const most = 64
	if r, no := b.indivisible(2); no {
		return r, nil
	}
	p, err := b.pool()
	if err != nil {
		return Reading{}, err
	}
	l, err := p.Acquire(ctx, pool.Request{Memory: 1, Compute: 1e-6, Count: most})
	if err != nil {
		return Reading{}, errors.Join(err, p.Close())
	}
	n := len(l.Instances())
	for _, d := range l.Devices() {
		buffer, err := d.Alloc(1, driver.DeviceMemory)
		if err != nil {
			return Reading{}, errors.Join(err, p.Close())
		}
		if err := buffer.Free(); err != nil {
			return Reading{}, errors.Join(err, p.Close())
		}
	}
	return read(float64(n), "each of %d bytes, %.3g of the units", l.Instances()[0].Memory(), l.Instances()[0].Compute()), p.Close()
}

func create(ctx context.Context, b *bench) (Reading, error)  { return b.lifetime(ctx, 0) }
func destroy(ctx context.Context, b *bench) (Reading, error) { return b.lifetime(ctx, 1) }

// lifetime measures making (0) or closing (1) an instance.
func (b *bench) lifetime(ctx context.Context, which int) (Reading, error) {
	var took [2][]time.Duration
	spec := driver.PartitionSpec{Memory: b.quota(), Compute: max(0.125, b.step.Compute)}
	for range cycles {
		start := time.Now()
		d, err := b.card.Partition(ctx, spec)
		if err != nil {
			return Reading{}, err
		}
		made := time.Now()
		if err := d.Close(); err != nil {
			return Reading{}, err
		}
		took[0], took[1] = append(took[0], made.Sub(start)), append(took[1], time.Since(made))
	}
	middle, high := median(took[which], time.Millisecond)
	return read(middle, "p99 %s ms, of %d", format(high), cycles), nil
}

func memoryAccuracy(ctx context.Context, b *bench) (r Reading, err error) {
	err = b.instances(ctx, func(in ...*pool.Instance) error {
		quota := in[0].Memory()
		got, err := allocatable(in[0].Device(), quota, b.step.Memory)
		if err != nil {
			return err
		}
		r = read(math.Abs(float64(got-quota))/float64(b.step.Memory), "%d bytes of a quota of %d, in steps of %d", got, quota, b.step.Memory)
		return nil
	}, 0.5)
	return r, err
}

// allocatable returns how many bytes can be allocated at once, in pieces, with a
// little more than the quota being tried.
func allocatable(d *adapter.Device, quota, step int64) (got int64, err error) {
	var buffers []*adapter.Buffer
	for size := quota; size >= 1 && got < 2*quota; {
		buffer, err := d.Alloc(size, driver.DeviceMemory)
		switch {
		case err == nil:
			buffers = append(buffers, buffer)
			got += size
		case !errors.Is(err, driver.OutOfMemory):
			return 0, err
		case size > step:
			size = max(size/2/step*step, step)
		default:
			size /= 2
		}
	}
	for _, buffer := range buffers {
		err = errors.Join(err, buffer.Free())
	}
	return got, err
}

func computeAccuracy(ctx context.Context, b *bench) (Reading, error) {
	worst := 0.0
	var note []string
	for _, share := range []float64{0.5, 0.25} {
		if share < b.step.Compute-1e-9 {
			continue
		}
		err := b.instances(ctx, func(in ...*pool.Instance) error {
			got, err := b.against(ctx, in[0].Device())
			if err != nil {
				return err
			}
			note = append(note, fmt.Sprintf("%.3g for %.3g", got, in[0].Compute()))
			worst = max(worst, math.Abs(got-in[0].Compute()))
			return nil
		}, share)
		if err != nil {
			return Reading{}, err
		}
	}
	if note == nil {
		r, _ := b.indivisible(2)
		return r, nil
	}
	r := read(worst, "%s", strings.Join(note, ", "))
	r.limit = max(0.15, b.step.Compute)
	return r, nil
}

func interference(ctx context.Context, b *bench) (r Reading, err error) {
	if r, no := b.indivisible(2); no {
		return r, nil
	}
	err = b.instances(ctx, func(in ...*pool.Instance) error {
		step, done, err := b.warm(ctx, in[0].Device())
		if err != nil {
			return err
		}
		defer func() { _ = done() }()
		other, otherDone, err := b.warm(ctx, in[1].Device())
		if err != nil {
			return err
		}
		defer func() { _ = otherDone() }()
		kept, err := ratio(func() (float64, error) { return rate(ctx, step) }, func() (float64, error) { return rateBeside(ctx, step, other) })
		r = read(1-kept, "of two halves")
		return err
	}, 0.5, 0.5)
	return r, err
}

// rateBeside is the rate of step while other is done again and again.
func rateBeside(ctx context.Context, step, other func(context.Context) error) (float64, error) {
	var neighbour sync.WaitGroup
	stop := make(chan struct{})
	began := make(chan struct{})
	var failure error
	neighbour.Go(func() {
		close(began)
		for failure == nil {
			select {
			case <-stop:
				return
			default:
				failure = other(ctx)
			}
		}
	})
	<-began
	r, err := rate(ctx, step)
	close(stop)
	neighbour.Wait()
	return r, errors.Join(err, failure)
}

func overhead(ctx context.Context, b *bench) (r Reading, err error) {
	err = b.instances(ctx, func(in ...*pool.Instance) error {
		got, err := b.against(ctx, in[0].Device())
		r = read(1/got-1, "with %d rounds of %v each", rounds, window)
		return err
	}, 1)
	return r, err
}
