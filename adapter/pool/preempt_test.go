package pool_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

// told reports whether the lease was told to end.
func told(l *pool.Lease) bool {
	select {
	case <-l.Notice():
		return true
	default:
		return false
	}
}

func TestPreemption(t *testing.T) {
	r := newRack(t, &pool.Options{Grace: 5 * time.Second}, gpus(1)...)
	low := r.take("memory=60B,compute=0.5,name=low")
	high := r.ask("memory=80B,compute=0.5,priority=1")
	assert.True(t, told(low))
	deadline, ok := low.Deadline()
	assert.True(t, ok)
	assert.Equal(t, epoch.Add(5*time.Second), deadline)
	assert.True(t, high.waits())
	assert.NoError(t, low.Err())
	_, err := low.Devices()[0].Alloc(1, driver.DeviceMemory)
	assert.NoError(t, err, "it works until the time is over")
	assert.True(t, r.ask("memory=30B,compute=0.1").waits(), "what was promised is nobody else's")
	assert.True(t, r.Snapshot().Queue[0].Promised)
	assert.EqualValues(t, 80, r.Snapshot().Cards[0].MemoryPromised)

	r.clock.Advance(5 * time.Second)
	l := high.got(t)
	assert.Equal(t, 5*time.Second, l.Waited())
	require.ErrorIs(t, low.Err(), pool.Preempted)
	assert.ErrorIs(t, low.Err(), driver.Unavailable)
	assert.ErrorContains(t, low.Err(), "lease 1 has ended: preempted: by request 2 of priority 1")
	var ended *pool.Ended
	_, err = low.Devices()[0].Alloc(1, driver.DeviceMemory)
	require.ErrorAs(t, err, &ended, "calls say why")
	assert.Equal(t, pool.Preempted, ended.Cause)
	assert.ErrorIs(t, err, adapter.Unavailable)
	assert.ErrorIs(t, context.Cause(low.Context()), pool.Preempted)
	require.NoError(t, low.Release())
	assert.ErrorIs(t, low.Err(), pool.Preempted, "Release changes nothing about that")
	_, err = low.Next(ctx)
	assert.ErrorIs(t, err, pool.Preempted)
	assert.Zero(t, r.Snapshot().Cards[0].MemoryPromised)
}

func TestHolderWhoReleasesInTimeIsNotEnded(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	low := r.take("memory=60B,compute=0.5")
	high := r.ask("memory=80B,compute=0.5,priority=1")
	require.NoError(t, low.Release())
	high.got(t)
	assert.ErrorIs(t, low.Err(), pool.Released)
	r.clock.Advance(time.Hour)
	assert.ErrorIs(t, low.Err(), pool.Released)
}

func TestOnlyTheLowerArePreempted(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	held := r.take("memory=60B,compute=0.5,priority=5")
	equal := r.ask("memory=80B,compute=0.5,priority=5")
	assert.False(t, told(held))
	lower := r.ask("memory=80B,compute=0.5,priority=4")
	assert.False(t, told(held))
	r.clock.Advance(10 * time.Hour)
	older := r.ask("memory=80B,compute=0.5,priority=-100")
	assert.False(t, told(held), "age does not preempt")
	assert.True(t, equal.waits() && lower.waits() && older.waits())

	without := newRack(t, &pool.Options{NoPreemption: true}, gpus(1)...)
	held = without.take("memory=60B,compute=0.5")
	without.ask("memory=80B,compute=0.5,priority=9")
	assert.False(t, told(held))
}

func TestAsFewAsPossibleArePreempted(t *testing.T) {
	r := newRack(t, nil, gpus(2)...)
	middle := r.take("memory=50B,compute=0.1,priority=2,policy=spread") // c0
	old := r.take("memory=50B,compute=0.1,priority=1,policy=spread")    // c1
	r.clock.Advance(time.Second)
	small := r.take("memory=10B,compute=0.1,priority=1") // c0
	young := r.take("memory=40B,compute=0.1,priority=1") // c0, which is full now
	require.Equal(t, "c0", young.Instances()[0].Card())
	r.ask("memory=50B,compute=0.1,priority=3")
	r.Settle(r.asked)
	assert.False(t, told(old), "c1 has room")
	r.ask("memory=45B,compute=0.1,priority=3")
	assert.True(t, told(young), "the youngest of the lowest")
	assert.True(t, told(small), "and the other that is needed beside it")
	assert.False(t, told(old))
	assert.False(t, told(middle))
}

func TestWhoeverIsLeavingMakesRoomForSeveral(t *testing.T) {
	r := newRack(t, nil, gpus(2)...)
	a := r.take("memory=100B,compute=1")
	b := r.take("memory=100B,compute=1")
	first := r.ask("memory=40B,compute=0.4,priority=1")
	second := r.ask("memory=60B,compute=0.6,priority=1")
	assert.True(t, told(b), "the youngest")
	assert.False(t, told(a), "one is enough for both")
	r.clock.Advance(time.Minute)
	assert.Equal(t, cardsOf(first.got(t)), cardsOf(second.got(t)))
}

func TestGangsArePreemptedWhole(t *testing.T) {
	r := newRack(t, nil, gpus(3)...)
	gang := r.take("memory=100B,compute=1,count=2,gang=true")
	single := r.take("memory=100B,compute=1,priority=1")
	high := r.ask("memory=100B,compute=1,count=2,gang=true,priority=2")
	assert.True(t, told(gang))
	assert.False(t, told(single))
	assert.Equal(t, 2, len(r.Snapshot().Leases))
	r.clock.Advance(time.Minute)
	assert.Equal(t, []string{"c0", "c1"}, cardsOf(high.got(t)))
	for _, d := range gang.Devices() {
		_, err := d.Alloc(1, driver.DeviceMemory)
		assert.ErrorIs(t, err, pool.Preempted)
	}
}

func TestWithdrawnPreemptionGivesThePromiseBack(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	r.take("memory=60B,compute=0.5")
	high := r.ask("memory=80B,compute=0.5,priority=1")
	waits := r.ask("memory=90B,compute=0.5")
	high.cancel()
	high.failed(t)
	assert.Zero(t, r.Snapshot().Cards[0].MemoryPromised)
	r.clock.Advance(time.Minute)
	waits.got(t)
}

func TestPreemptedRequestIsMadeAgain(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	low := r.take("memory=60B,compute=0.5,restart=preemption")
	high := r.ask("memory=80B,compute=0.5,priority=1")
	r.clock.Advance(5 * time.Second)
	l := high.got(t)
	r.Settle(r.asked)
	require.Equal(t, 1, r.queued())
	r.clock.Advance(time.Second)
	require.NoError(t, l.Release())
	again, err := low.Next(ctx)
	require.NoError(t, err)
	assert.Equal(t, low.Request(), again.Request())
	assert.Equal(t, 6*time.Second, again.Waited(), "since it was made first")
	_, err = low.Next(ctx)
	assert.ErrorIs(t, err, driver.InvalidArgument, "there is one successor")
	require.NoError(t, low.Release())
	assert.NoError(t, again.Err(), "what Next has returned is the caller's")
	require.NoError(t, again.Release())
}

func TestReleaseWithdrawsWhatIsMadeAgain(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	low := r.take("memory=60B,compute=0.5,restart=always")
	high := r.ask("memory=80B,compute=0.5,priority=1")
	r.clock.Advance(5 * time.Second)
	l := high.got(t)
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := low.Next(over)
	assert.ErrorIs(t, err, driver.Canceled)
	require.NoError(t, low.Release())
	assert.Zero(t, r.queued())
	require.NoError(t, l.Release())
	assert.Zero(t, r.Snapshot().Cards[0].MemoryHeld)
}

func TestNextGivesWayAtOnce(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	low := r.take("memory=60B,compute=0.5,restart=preemption")
	high := r.ask("memory=80B,compute=0.5,priority=1")
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := low.Next(over)
	assert.ErrorIs(t, err, driver.Canceled)
	require.NoError(t, high.got(t).Release(), "without the time that it was given")
	again, err := low.Next(ctx)
	require.NoError(t, err)
	assert.ErrorIs(t, low.Err(), pool.Preempted)
	require.NoError(t, again.Release())
}
