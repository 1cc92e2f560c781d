package pool_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

func TestInstancesHaveTheirQuotas(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	l := r.take("kind=gpu,memory=30B,compute=0.25,count=2")
	require.Len(t, l.Instances(), 2)
	for _, i := range l.Instances() {
		assert.EqualValues(t, 30, i.Memory())
		assert.Equal(t, 0.25, i.Compute())
		assert.Equal(t, "c0", i.Card())
		assert.EqualValues(t, 30, i.Device().Info().Memory)
		assert.Same(t, r.devices[0], i.Device().Parent())
	}
	assert.NoError(t, l.Err())
	assert.NoError(t, l.Context().Err())
	require.NoError(t, l.Release())
	require.NoError(t, l.Release(), "twice does nothing")
	require.ErrorIs(t, l.Err(), pool.Released)
	assert.ErrorIs(t, context.Cause(l.Context()), pool.Released)
	_, err := l.Devices()[0].Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, adapter.Closed)
	s := r.Snapshot()
	assert.Equal(t, pool.Counts{Requests: 1, Granted: 1, Instances: 2, Released: 1}, s.Counts)
	assert.Zero(t, s.Cards[0].MemoryHeld)
}

func TestEqualSharesAddUp(t *testing.T) {
	for n := 1; n <= 16; n++ {
		r := newRack(t, nil, &fake{class: driver.GPU, memory: 1000})
		for range n {
			l, err := r.Acquire(ctx, pool.Request{Memory: 1, Compute: 1 / float64(n)})
			require.NoError(t, err)
			assert.InEpsilon(t, 1/float64(n), l.Instances()[0].Compute(), 1e-8)
		}
		assert.Equal(t, 1.0, r.Snapshot().Cards[0].ComputeHeld, "%d shares", n)
	}
}

func TestPolicies(t *testing.T) {
	for _, c := range []struct{ request, want string }{
		{"memory=20B,compute=0.1", "c1"},                             // fullest with room
		{"memory=60B,compute=0.1", "c0"},                             // which has just that much left
		{"memory=20B,compute=0.1,policy=spread", "c2"},               // emptiest
		{"memory=20B,compute=0.1,policy=spread,count=4", "c0c1c2c2"}, // each card once, then the emptiest
		{"memory=20B,compute=0.1,count=3", "c0c1c1"},                 // as full as can be
		{"memory=1B,compute=0.8", "c2"},                              // by compute, of which c0 has half
		{"memory=80B,compute=0.1,count=2,gang=true", ""},             // no two such holes
		{"memory=45B,compute=0.1,count=4,gang=true", "c0c1c2c2"},     // wherever they are
		{"memory=45B,compute=0.1,count=5,gang=false", "c0c1c2c2"},    // what there is
	} {
		r := newRack(t, nil, gpus(3)...)
		r.take("memory=40B,compute=0.5,policy=spread")  // c0
		r.take("memory=50B,compute=0.25,policy=spread") // c1
		p := r.ask(c.request)
		if c.want == "" {
			assert.True(t, p.waits(), c.request)
			continue
		}
		got := ""
		for _, name := range cardsOf(p.got(t)) {
			got += name
		}
		assert.Equal(t, c.want, got, c.request)
	}
}

func TestWhatCanNeverBeIsRefusedWithReasons(t *testing.T) {
	r := newRack(t, nil, gpus(1)[0], &fake{class: driver.NPU, memory: 50},
		&fake{class: driver.GPU, memory: 1000, plans: []driver.PartitionPlan{{Name: "half", PartitionSpec: driver.PartitionSpec{Memory: 400, Compute: 0.5}, Max: 2}}},
		&fake{class: driver.GPU})
	err := r.ask("kind=gpu,memory=401B,compute=0.5").failed(t)
	var refusal *pool.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.ErrorIs(t, err, driver.Unsupported)
	assert.Equal(t, []pool.Reason{
		{"c0", "it has 100 bytes, not 401"},
		{"c1", "it is of kind npu, not gpu"},
		{"c2", "none of its 1 plans has 401 bytes and a share of 0.5"},
		{"c3", "no memory is known to be free: 0 bytes in use of 0"},
	}, refusal.Reasons)
	assert.ErrorContains(t, err, "the pool can never give name=r0,kind=gpu,memory=401B,compute=0.5; c0: it has 100 bytes, not 401; c1:")

	err = r.ask("kind=npu,memory=20B,compute=0.1,count=3,gang=true").failed(t)
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, "it holds 2 such instances, and 3 are wanted", refusal.Reasons[1].Text)
	assert.EqualValues(t, 2, r.Snapshot().Counts.Refused)
	err = r.ask("kind=npu,memory=20B,compute=0.1,count=3,gang=true").failed(t)
	assert.ErrorContains(t, err, "name=r2,", "everyone gets a refusal of their own")

	empty := newRack(t, nil)
	assert.ErrorContains(t, empty.ask("memory=1B,compute=1").failed(t), "it has no cards")
}

func TestPlansAreTheSizesThereAre(t *testing.T) {
	r := newRack(t, nil, &fake{class: driver.GPU, memory: 1000, plans: []driver.PartitionPlan{
		{Name: "half", PartitionSpec: driver.PartitionSpec{Memory: 500, Compute: 0.5}},
		{Name: "seventh", PartitionSpec: driver.PartitionSpec{Memory: 125, Compute: 1.0 / 7}},
		{Name: "fat", PartitionSpec: driver.PartitionSpec{Memory: 250, Compute: 1.0 / 7}},
	}})
	small := r.take("memory=100B,compute=0.1").Instances()[0]
	assert.EqualValues(t, 125, small.Memory())
	assert.InDelta(t, 1.0/7, small.Compute(), 1e-8)
	assert.EqualValues(t, 250, r.take("memory=126B,compute=0.1").Instances()[0].Memory())
	assert.Equal(t, 0.5, r.take("memory=1B,compute=0.15").Instances()[0].Compute())
	assert.EqualValues(t, 875, r.Snapshot().Cards[0].MemoryHeld)
}

func TestRequestsWaitForRoomInOrder(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	first := r.take("memory=60B,compute=0.5")
	big := r.ask("memory=80B,compute=0.5")
	same := r.ask("memory=60B,compute=0.5")
	small := r.take("memory=40B,compute=0.5")
	assert.True(t, big.waits())
	assert.True(t, same.waits())
	r.clock.Advance(3 * time.Second)
	require.NoError(t, first.Release())
	r.Settle(r.asked)
	assert.True(t, big.waits(), "40 bytes are still taken")
	second := same.got(t)
	assert.Equal(t, 3*time.Second, second.Waited())
	require.NoError(t, second.Release())
	require.NoError(t, small.Release())
	require.NoError(t, big.got(t).Release())
	w := r.Snapshot().Waits
	assert.Equal(t, pool.Waits{Mean: 1500 * time.Millisecond, Max: 3 * time.Second, P50: 0, P99: 3 * time.Second}, w)
}

func TestPatienceEndsOvertaking(t *testing.T) {
	r := newRack(t, &pool.Options{Patience: 10 * time.Second}, &fake{class: driver.GPU, memory: 100}, &fake{class: driver.NPU, memory: 100})
	held := r.take("kind=gpu,memory=60B,compute=0.1")
	big := r.ask("kind=gpu,memory=80B,compute=0.1")
	r.clock.Advance(9 * time.Second)
	overtakes := r.take("kind=gpu,memory=20B,compute=0.1")
	r.clock.Advance(time.Second)
	late := r.ask("kind=gpu,memory=20B,compute=0.1")
	assert.True(t, late.waits(), "though there is room")
	assert.Equal(t, []string{"c1"}, cardsOf(r.take("kind=npu,memory=20B,compute=0.1")), "another kind is free")
	assert.Equal(t, []string{"c1"}, cardsOf(r.take("memory=20B,compute=0.1")), "whoever takes any kind takes that")
	require.NoError(t, held.Release())
	lease := big.got(t)
	r.Settle(r.asked)
	assert.True(t, late.waits())
	require.NoError(t, overtakes.Release())
	require.NoError(t, late.got(t).Release())
	require.NoError(t, lease.Release())
}

// A step of priority weighs as much as a minute of waiting.
func TestPriorityAndAging(t *testing.T) {
	r := newRack(t, &pool.Options{NoPreemption: true}, gpus(1)...)
	whole := "memory=100B,compute=1"
	held := r.take(whole + ",owner=a")
	low := r.ask(whole + ",owner=b")
	r.clock.Advance(30 * time.Second)
	high := r.ask(whole + ",owner=c,priority=1")
	r.clock.Advance(31 * time.Second)
	late := r.ask(whole + ",owner=d,priority=1")
	require.NoError(t, held.Release())
	l := high.got(t)
	assert.True(t, low.waits())
	require.NoError(t, l.Release())
	l = low.got(t)
	assert.True(t, late.waits(), "it came more than a minute after")
	require.NoError(t, l.Release())
	late.got(t)
}

// An owner who asks for much comes behind one who asks for little.
func TestOwnersTakeTurns(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	held := r.take("memory=100B,compute=1,owner=greedy")
	flood := []*pending{r.ask("memory=100B,compute=1,owner=greedy"), r.ask("memory=100B,compute=1,owner=greedy")}
	modest := r.ask("memory=100B,compute=1,owner=modest")
	require.NoError(t, held.Release())
	l := modest.got(t)
	require.NoError(t, l.Release())
	l = flood[0].got(t)
	assert.True(t, flood[1].waits(), "one owner's requests stay in order")
	require.NoError(t, l.Release())
	flood[1].got(t)
}

func TestContextEndsWaiting(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	held := r.take("memory=100B,compute=1")
	first, second := r.ask("memory=100B,compute=1"), r.ask("memory=100B,compute=1")
	first.cancel()
	err := first.failed(t)
	require.ErrorIs(t, err, driver.Canceled)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, r.queued())
	require.NoError(t, held.Release())
	second.got(t)
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err = r.Acquire(over, pool.Request{Memory: 1, Compute: 1})
	assert.ErrorIs(t, err, driver.Canceled)
	assert.EqualValues(t, 1, r.Snapshot().Counts.Cancelled)
}

func TestCardThatFailsIsAvoided(t *testing.T) {
	cards := gpus(2)
	broken := errors.New("the fan is loose")
	cards[0].fail = broken
	r := newRack(t, nil, cards...)
	l := r.take("memory=50B,compute=0.5")
	assert.Equal(t, []string{"c1"}, cardsOf(l))
	assert.EqualValues(t, 1, r.Snapshot().Counts.Failures)
	assert.EqualValues(t, 1, r.Snapshot().Cards[0].Failed)

	cards[1].failWith(broken)
	p := r.ask("memory=50B,compute=0.5")
	assert.True(t, p.waits(), "c1 is not empty: what is given back may help")
	cards[1].failWith(nil)
	require.NoError(t, l.Release())
	l = p.got(t)
	require.NoError(t, l.Release())

	cards[1].failWith(broken)
	p = r.ask("memory=50B,compute=0.5")
	var refusal *pool.Refusal
	require.ErrorAs(t, p.failed(t), &refusal)
	assert.Contains(t, refusal.Reasons[0].Text, "c0: Partition: internal error: the fan is loose")
	assert.Contains(t, refusal.Reasons[1].Text, "the fan is loose")
}

func TestGangIsMadeAsAWholeOrNotAtAll(t *testing.T) {
	cards := gpus(2)
	r := newRack(t, nil, cards...)
	held := r.take("memory=50B,compute=0.5")
	cards[1].failWith(errors.New("no"))
	r.ask("memory=50B,compute=0.5,count=3,gang=true").failed(t)
	assert.Equal(t, 1, cards[0].openParts(), "what was made is given back")
	cards[1].failWith(nil)
	whole := r.take("memory=50B,compute=0.5,count=3,gang=true")
	assert.Len(t, whole.Instances(), 3)
	require.NoError(t, held.Release())
}

func TestClosingThePool(t *testing.T) {
	cards := gpus(1)
	r := newRack(t, nil, cards...)
	l := r.take("memory=60B,compute=1,restart=always")
	waits := r.ask("memory=60B,compute=1")
	events := r.Watch(ctx)
	require.NoError(t, r.Close())
	require.ErrorIs(t, waits.failed(t), driver.Closed)
	require.ErrorIs(t, l.Err(), pool.PoolClosed)
	_, err := l.Devices()[0].Alloc(1, driver.DeviceMemory)
	require.ErrorIs(t, err, pool.PoolClosed)
	_, err = l.Next(ctx)
	require.ErrorIs(t, err, pool.PoolClosed)
	require.NoError(t, l.Release())
	assert.Zero(t, cards[0].openParts())
	assert.Equal(t, adapter.StatusReady, r.devices[0].Status(), "the device is the caller's")
	_, err = r.Acquire(ctx, pool.Request{Memory: 1, Compute: 1})
	require.ErrorIs(t, err, driver.Closed)
	assert.ErrorIs(t, r.Add(adapter.New("late", gpus(1)[0])), driver.Closed)
	var last pool.Event
	for e := range events {
		last = e
	}
	assert.Equal(t, pool.Closed, last.Kind)
	_, more := <-r.Watch(ctx)
	assert.False(t, more)
	require.NoError(t, r.Close())
}

func TestCardsOfAPool(t *testing.T) {
	r := newRack(t, nil, gpus(1)...)
	assert.ErrorIs(t, r.Add(nil), driver.InvalidArgument)
	assert.ErrorIs(t, r.AddAs("", r.devices[0]), driver.InvalidArgument)
	assert.ErrorContains(t, r.Add(adapter.New("c0", gpus(1)[0])), "the pool has a card c0")
	waits := r.ask("kind=gpu,memory=80B,compute=0.6")
	other := r.ask("kind=gpu,memory=80B,compute=0.6")
	waits.got(t)
	assert.True(t, other.waits())
	require.NoError(t, r.AddAs("second", adapter.New("c0", gpus(1)[0])))
	assert.Equal(t, []string{"second"}, cardsOf(other.got(t)), "a card that is added serves who waits")
	assert.Equal(t, "pool of 2 cards with 2 leases and 0 requests waiting", r.String())
	_, err := pool.New([]*adapter.Device{r.devices[0], r.devices[0]}, nil)
	assert.ErrorIs(t, err, driver.InvalidArgument)
	_, err = pool.Open(ctx, []string{"nothing"}, nil)
	assert.ErrorIs(t, err, driver.NotFound)
}
