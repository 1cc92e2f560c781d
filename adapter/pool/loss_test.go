package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

var errUnplugged = driver.Errorf(driver.DeviceLost, "", "somebody tripped over the cable")

// unplug makes a card lost and waits until the pool has noticed.
func (r *rack) unplug(card int) {
	r.t.Helper()
	lost := r.Snapshot().Counts.Lost
	r.devices[card].Revoke(errUnplugged)
	for r.Snapshot().Counts.Lost == lost {
		time.Sleep(time.Millisecond) // the pool's watcher is a goroutine
	}
	r.Settle(r.asked)
}

func TestLossOfACardEndsItsLeases(t *testing.T) {
	r := newRack(t, nil, gpus(2)...)
	gang := r.take("memory=60B,compute=0.5,count=2,gang=true")
	other := r.take("memory=30B,compute=0.3,policy=spread,count=2") // both
	single := r.take("memory=10B,compute=0.1,priority=0")           // c0
	require.Equal(t, []string{"c0"}, cardsOf(single))
	waiting := r.ask("memory=60B,compute=0.5,count=2,gang=true")
	r.unplug(1)
	for _, l := range []*pool.Lease{gang, other} {
		require.ErrorIs(t, l.Err(), pool.CardLost)
		assert.ErrorIs(t, l.Err(), driver.DeviceLost)
		assert.ErrorContains(t, l.Err(), "c1: ")
		for _, d := range l.Devices() {
			_, err := d.Alloc(1, driver.DeviceMemory)
			assert.ErrorIs(t, err, adapter.DeviceLost, "of all of the lease")
		}
	}
	assert.NoError(t, single.Err(), "a neighbour stays")
	assert.Equal(t, 1, r.cards[0].openParts())
	err := waiting.failed(t)
	var refusal *pool.Refusal
	require.ErrorAs(t, err, &refusal, "it can no longer be")
	assert.Contains(t, refusal.Reasons[1].Text, "it is lost: ")
	s := r.Snapshot()
	assert.Equal(t, adapter.StatusLost, s.Cards[1].Status)
	assert.EqualValues(t, 10, s.Cards[0].MemoryHeld)
	assert.Zero(t, s.Cards[1].MemoryHeld)

	require.NoError(t, r.Add(adapter.New("c1", gpus(1)[0])), "another takes its place")
	assert.Equal(t, []string{"c1"}, cardsOf(r.take("memory=100B,compute=1")))
}

func TestLostRequestsAreMadeAgainIfAsked(t *testing.T) {
	r := newRack(t, nil, gpus(2)...)
	again := r.take("memory=60B,compute=0.5,restart=loss") // c0
	never := r.take("memory=30B,compute=0.5")              // c0
	blocked := r.take("memory=80B,compute=0.5,restart=always,policy=spread")
	require.Equal(t, []string{"c1"}, cardsOf(blocked))
	r.unplug(0)
	_, err := never.Next(ctx)
	require.ErrorIs(t, err, pool.CardLost)
	require.Equal(t, 1, r.queued(), "60 bytes do not fit beside 80")
	require.NoError(t, blocked.Release())
	l, err := again.Next(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"c1"}, cardsOf(l))
	r.unplug(1)
	last, err := l.Next(ctx)
	assert.Nil(t, last)
	var refusal *pool.Refusal
	assert.ErrorAs(t, err, &refusal, "there is no card left")
	assert.EqualValues(t, 2, r.Snapshot().Counts.Restarted)
	require.NoError(t, l.Release())
}

func TestLossDuringPreemption(t *testing.T) {
	r := newRack(t, nil, gpus(2)...)
	r.take("memory=90B,compute=0.5")
	survivor := r.take("memory=90B,compute=0.5,priority=0")
	require.Equal(t, []string{"c1"}, cardsOf(survivor))
	high := r.ask("memory=60B,compute=0.5,priority=1")
	require.True(t, told(survivor), "the younger")
	r.unplug(1)
	assert.True(t, r.Snapshot().Queue[0].Promised, "now the other's place")
	r.clock.Advance(time.Minute)
	assert.Equal(t, []string{"c0"}, cardsOf(high.got(t)))
}

func TestInstanceThatIsLostAlone(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	l := r.take("memory=60B,compute=0.5,count=1,restart=loss")
	l.Devices()[0].Revoke(errUnplugged)
	next, err := l.Next(ctx)
	require.NoError(t, err)
	require.ErrorIs(t, l.Err(), pool.InstanceLost)
	assert.ErrorIs(t, l.Err(), driver.DeviceLost)
	assert.Equal(t, adapter.StatusReady, r.devices[0].Status())
	require.NoError(t, next.Release())
}

func TestCardFoundLostWhileItIsDivided(t *testing.T) {
	cards := gpus(2)
	cards[0].fail = errUnplugged
	r := newRack(t, nil, cards...)
	assert.Equal(t, []string{"c1"}, cardsOf(r.take("memory=60B,compute=0.5")))
	s := r.Snapshot()
	assert.EqualValues(t, 1, s.Counts.Lost)
	assert.Zero(t, s.Counts.Failures)
	assert.Equal(t, adapter.StatusLost, s.Cards[0].Status)
}

func TestDeviceClosedBySomebodyElse(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	l := r.take("memory=60B,compute=0.5")
	require.NoError(t, r.devices[0].Close())
	<-l.Context().Done()
	require.Error(t, l.Err())
	require.NoError(t, l.Release())
	var refusal *pool.Refusal
	for !errors.As(r.ask("memory=60B,compute=0.5").failed(t), &refusal) {
	}
}
