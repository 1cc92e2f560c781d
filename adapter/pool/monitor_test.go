package pool_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
	"example.com/midplane/backends/emu"
)

// untilClosed collects the kinds of events until the pool's end.
func untilClosed(events <-chan pool.Event) (kinds []pool.EventKind, all []pool.Event) {
	for e := range events {
		kinds = append(kinds, e.Kind)
		all = append(all, e)
	}
	return kinds, all
}

func TestEventsTellTheStory(t *testing.T) {
	r := newRack(t, nil, gpus(2)...)
	events := r.Watch(ctx)
	low := r.take("memory=100B,compute=1,count=2,gang=true")
	high := r.ask("memory=10B,compute=0.1,priority=1")
	r.clock.Advance(5 * time.Second)
	l := high.got(t)
	require.NoError(t, l.Release())
	r.ask("memory=1000B,compute=1").failed(t)
	waits := r.ask("memory=100B,compute=1,count=2,gang=true")
	other := r.ask("memory=100B,compute=1")
	other.cancel()
	other.failed(t)
	r.unplug(1)
	require.ErrorIs(t, waits.got(t).Err(), pool.CardLost)
	require.NoError(t, low.Release())
	require.NoError(t, r.Close())

	kinds, all := untilClosed(events)
	assert.Equal(t, []pool.EventKind{
		pool.Queued, pool.Granted, // low
		pool.Queued, pool.Noticed, pool.LeaseEnded, pool.Granted, pool.LeaseReleased, // high
		pool.Refused,
		pool.Queued, pool.Granted, // the gang again
		pool.Queued, pool.Cancelled, // the other
		pool.CardGone, pool.LeaseEnded, pool.Closed,
	}, kinds)
	assert.Equal(t, []string{"c0", "c1"}, all[1].Cards)
	assert.Equal(t, epoch, all[1].Time)
	assert.Equal(t, 5*time.Second, all[5].Waited)
	assert.Equal(t, all[0].Task, all[3].Task, "the lease that is to end")
	assert.Equal(t, 1, all[3].Queue)
	assert.Contains(t, all[7].Text, "not 1000")
	assert.Equal(t, "c1", all[12].Card)
}

// A watcher that does not read holds nobody up, and learns what it missed.
func TestSlowWatcher(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	watched, stop := context.WithCancel(ctx)
	defer stop()
	events := r.Watch(watched)
	for range 2000 { // three events each
		require.NoError(t, r.take("memory=1B,compute=0.1").Release())
	}
	first := <-events
	assert.Equal(t, pool.Queued, first.Kind)
	read, dropped := 1, int64(0)
	for dropped == 0 {
		select {
		case e := <-events:
			read++
			dropped = e.Dropped
		case <-time.After(10 * time.Millisecond): // it has all that was kept
			require.NoError(t, r.take("memory=1B,compute=0.1").Release())
		}
	}
	assert.InDelta(t, 6000, float64(read)+float64(dropped), 100, "%d read, %d dropped", read, dropped)
	stop()
	for range events {
	}
}

func TestCardsTellHowTheyAre(t *testing.T) {
	card := emu.New(nil)
	device := adapter.New("hot", card)
	p, err := pool.New([]*adapter.Device{device}, nil)
	require.NoError(t, err)
	defer p.Close()
	events := p.Watch(ctx)
	card.Throttle(3)
	e := <-events
	assert.Equal(t, pool.CardHealth, e.Kind)
	assert.Equal(t, "throttled", e.Text)
	assert.Equal(t, "throttled", p.Snapshot().Cards[0].Health)
	card.Throttle(1)
	e = <-events
	assert.Equal(t, "normal", e.Text)
	assert.Empty(t, p.Snapshot().Cards[0].Health)
}

// Nothing runs on when a pool has been closed.
func TestNothingIsLeftRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		p, err := pool.New([]*adapter.Device{adapter.New("a", gpus(1)[0]), adapter.New("b", emu.New(nil))}, nil)
		require.NoError(t, err)
		watched, stop := context.WithCancel(ctx)
		p.Watch(watched)
		for range 3 {
			_, err := p.Acquire(ctx, pool.Request{Memory: 10, Compute: 0.25, Restart: pool.Always, Kind: driver.GPU})
			require.NoError(t, err)
		}
		require.NoError(t, p.Close())
		stop()
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 5*time.Second, time.Millisecond)
}

func TestManualClock(t *testing.T) {
	c := pool.NewManual(epoch)
	var log []string
	note := func(name string) func() {
		return func() { log = append(log, name+c.Now().Sub(epoch).String()) }
	}
	c.AfterFunc(3*time.Second, note("c"))
	c.AfterFunc(time.Second, note("a"))
	c.AfterFunc(time.Second, func() {
		note("b")()
		c.AfterFunc(time.Second, note("again"))
	})
	stop := c.AfterFunc(time.Second, note("never"))
	assert.True(t, stop())
	assert.False(t, stop())
	c.Advance(2 * time.Second)
	assert.Equal(t, []string{"a1s", "b1s", "again2s"}, log)
	c.Advance(10 * time.Second)
	assert.Equal(t, "c3s", log[3])
	assert.Equal(t, epoch.Add(12*time.Second), c.Now())
}
