package emu_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/random"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/emu"
)

func TestMemoryKinds(t *testing.T) {
	_, d := open(t, nil)
	for _, kind := range []driver.MemoryKind{driver.PinnedMemory, driver.UnifiedMemory} {
		b, err := d.Alloc(16, kind)
		require.NoError(t, err)
		host, ok := d.HostBytes(b.All())
		require.True(t, ok, kind)
		copy(host, "written by hosts")
		assert.Equal(t, "written by hosts", string(read(t, d, b)))
	}
	assert.Len(t, d.Heaps(), 3)
	g, err := d.Granularity(driver.DeviceMemory)
	require.NoError(t, err)
	assert.EqualValues(t, os.Getpagesize(), g.Min)
	answer := d.Compatible(driver.MemorySpec{Size: g.Min + 1, Align: g.Align})
	assert.True(t, answer.OK, answer.Reason)
	assert.Equal(t, 2*g.Min, answer.Size)
	b, err := d.AllocSpec(driver.MemorySpec{Size: 10, Align: g.Align, Usage: driver.WeightUsage})
	require.NoError(t, err)
	assert.Zero(t, uintptr(unsafe.Pointer(unsafe.SliceData(emu.Pages(b.All().Buffer))))%uintptr(g.Align))
	_, err = d.AllocSpec(driver.MemorySpec{Size: 10, Align: 2 * g.Align})
	assert.ErrorIs(t, err, adapter.Unsupported)
	assert.False(t, d.Compatible(driver.MemorySpec{Size: 10, Align: 2 * g.Align}).OK)
	assert.False(t, d.Compatible(driver.MemorySpec{Size: 1 << 40}).OK)
}

func TestImportedPages(t *testing.T) {
	_, d := open(t, nil)
	page := os.Getpagesize()
	raw := make([]byte, 3*page)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (page - 1)
	host := raw[skip : skip+page+10]
	b, err := d.Import(ctx, host)
	require.NoError(t, err)
	assert.Equal(t, driver.ImportedMemory, b.Kind())
	assert.Zero(t, d.Stats().InUse)
	require.NoError(t, d.Fill(ctx, b.All(), []byte{7}))
	assert.Equal(t, bytes.Repeat([]byte{7}, page+10), host, "it works where the memory lies")
	require.NoError(t, b.Free())
	odd, err := d.Import(ctx, host[1:])
	require.NoError(t, err)
	assert.Equal(t, driver.DeviceMemory, odd.Kind(), "what does not begin with a page is copied")
}

func TestMemoryLimitOfTheDriver(t *testing.T) {
	_, d := open(t, nil)
	page := int64(os.Getpagesize())
	require.NoError(t, d.SetMemoryLimit(2*page))
	one := buffer(t, d, page)
	buffer(t, d, page)
	_, err := d.Alloc(1, driver.DeviceMemory)
	var e *adapter.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, adapter.OutOfMemory, e.Code)
	assert.EqualValues(t, 1, e.Wanted)
	assert.Zero(t, e.Available)
	require.NoError(t, one.Free())
	buffer(t, d, page)
	assert.EqualValues(t, 2*page, d.Stats().Limit)
	require.NoError(t, d.SetMemoryLimit(0))
	buffer(t, d, page)
}

func TestStreamOrderedMemory(t *testing.T) {
	g := newGate("CopyIn")
	drv, d := open(t, &emu.Options{Fault: g.fault})
	s := stream(t, d)
	b, err := s.AllocOn(4, driver.DeviceMemory)
	require.NoError(t, err)
	got := make([]byte, 4)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1, 2, 3, 4}))
	require.NoError(t, s.CopyOut(ctx, got, b.All()))
	stale := b.All()
	require.NoError(t, s.FreeOn(b))
	assert.ErrorIs(t, s.FreeOn(b), adapter.Closed)
	assert.ErrorIs(t, d.CopyOut(ctx, got, stale), adapter.Closed, "the handle is freed at once")
	assert.Positive(t, drv.Stats().InUse, "the memory is not")
	close(g.opened)
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, []byte{1, 2, 3, 4}, got)
	assert.Zero(t, drv.Stats().InUse)
}

func TestPriorities(t *testing.T) {
	_, d := open(t, &emu.Options{MaxDelay: 20 * time.Millisecond, Seed: 3})
	least, greatest := d.Priorities()
	assert.Less(t, least, 0)
	assert.Greater(t, greatest, 0)
	urgent, err := d.NewPriorityStream(99)
	require.NoError(t, err)
	patient, err := d.NewPriorityStream(-99)
	require.NoError(t, err)
	took := func(s *adapter.Stream) time.Duration {
		b := buffer(t, d, 1)
		start := time.Now()
		for range 20 {
			require.NoError(t, s.Fill(ctx, b.All(), []byte{1}))
		}
		require.NoError(t, s.Synchronize(ctx))
		return time.Since(start)
	}
	soonest := took(urgent)
	for range 4 { // other programs share the machine
		soonest = min(soonest, took(urgent))
	}
	assert.Less(t, soonest, took(patient)/4)
}

func TestHostCallbacks(t *testing.T) {
	_, d := open(t, &emu.Options{Fault: failNth(2, errBurnt)})
	b, s := buffer(t, d, 1), stream(t, d)
	var mu sync.Mutex
	var order []string
	note := func(what string) func(error) {
		return func(err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				what += " failed"
			}
			order = append(order, what)
		}
	}
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, s.CallHost(ctx, note("first")))
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, s.CallHost(ctx, note("second")))
	require.ErrorIs(t, s.Synchronize(ctx), errBurnt)
	assert.Equal(t, []string{"first", "second failed"}, order)
	require.NoError(t, s.CallHost(ctx, func(error) { panic("oh") }))
	assert.ErrorIs(t, s.Synchronize(ctx), adapter.Internal)
}

func TestTimelines(t *testing.T) {
	g := newGate("CopyIn")
	drv, d := open(t, &emu.Options{Fault: g.fault})
	b, writer, reader := buffer(t, d, 1), stream(t, d), stream(t, d)
	line, err := d.NewTimeline(0)
	require.NoError(t, err)
	got := make([]byte, 1)
	require.NoError(t, reader.Wait(ctx, event(t, d)))
	require.NoError(t, line.Wait(ctx, reader, 2))
	require.NoError(t, reader.CopyOut(ctx, got, b.All()))
	require.NoError(t, writer.CopyIn(ctx, b.All(), []byte{5}))
	require.NoError(t, line.Signal(ctx, writer, 2))
	value, err := line.Value()
	require.NoError(t, err)
	assert.Zero(t, value)
	close(g.opened)
	require.NoError(t, line.Await(ctx, 2))
	require.NoError(t, reader.Synchronize(ctx))
	assert.Equal(t, []byte{5}, got)

	require.NoError(t, line.Wait(ctx, reader, 3))
	require.NoError(t, line.Fail(errBurnt))
	assert.ErrorIs(t, reader.Synchronize(ctx), errBurnt)
	require.NoError(t, line.Close())

	line, err = d.NewTimeline(0)
	require.NoError(t, err)
	require.NoError(t, line.Wait(ctx, reader, 1))
	drv.Lose("gone")
	assert.ErrorIs(t, reader.Synchronize(ctx), adapter.DeviceLost)
}

func TestCaptureAndReplay(t *testing.T) {
	_, d := open(t, nil)
	b, s := buffer(t, d, 4), stream(t, d)
	gen, err := d.NewGenerator(5)
	require.NoError(t, err)
	host := []byte{1, 1, 1, 1}
	require.NoError(t, s.BeginCapture())
	assert.ErrorIs(t, s.BeginCapture(), adapter.InvalidArgument)
	require.NoError(t, s.CopyIn(ctx, b.All(), host))
	half, _ := b.Slice(0, 2)
	require.NoError(t, s.Fill(ctx, half, []byte{9}))
	e := event(t, d)
	require.NoError(t, s.Record(e))
	assert.ErrorIs(t, s.Synchronize(ctx), adapter.InvalidArgument, "nothing is being done")
	_, err = s.Query()
	assert.ErrorIs(t, err, adapter.InvalidArgument)
	graph, err := s.EndCapture()
	require.NoError(t, err)
	_, err = s.EndCapture()
	assert.ErrorIs(t, err, adapter.InvalidArgument)
	assert.Equal(t, emu.Poison+emu.Poison, string(read(t, d, b)), "it was recorded, not done")

	for i := range byte(3) {
		host[3] = i
		require.NoError(t, graph.Launch(s))
		require.NoError(t, s.Synchronize(ctx))
		assert.Equal(t, []byte{9, 9, 1, i}, read(t, d, b), "launched, it reads what is there now")
	}
	require.NoError(t, e.Synchronize(ctx))
	require.NoError(t, b.Free())
	assert.ErrorIs(t, graph.Launch(s), adapter.Closed, "its buffer is gone")
	require.NoError(t, graph.Close())
	assert.ErrorIs(t, graph.Launch(s), adapter.Closed)

	words := buffer(t, d, 8)
	require.NoError(t, s.BeginCapture())
	require.NoError(t, gen.Bits(ctx, s, words.All()))
	graph, err = s.EndCapture()
	require.NoError(t, err)
	for i := range uint64(2) {
		require.NoError(t, graph.Launch(s))
		require.NoError(t, s.Synchronize(ctx))
		want := make([]byte, 8)
		require.NoError(t, random.Bits.Draw(want, tensor.Uint32, driver.GeneratorState{Seed: 5, Offset: 2 * i}))
		assert.Equal(t, want, read(t, d, words), "each launch draws anew")
	}
}

func TestPeerCopies(t *testing.T) {
	_, a := open(t, nil)
	drv, b := open(t, nil)
	from, to, s := buffer(t, a, 4), buffer(t, b, 4), stream(t, b)
	require.NoError(t, a.CopyIn(ctx, from.All(), []byte{1, 2, 3, 4}))
	assert.Equal(t, driver.PathDirect, b.CanCopy(a))
	assert.Equal(t, driver.PathDirect, b.CanCopy(b))
	require.NoError(t, s.CopyFrom(ctx, to.All(), a, from.All()))
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, []byte{1, 2, 3, 4}, read(t, b, to))
	assert.Equal(t, driver.PathStaged, b.CanCopy(adapter.New("other", struct{ driver.Unimplemented }{})))

	g := newGate("CopyIn")
	_, c := open(t, &emu.Options{Fault: g.fault})
	drvA, lost := open(t, nil)
	held, src := buffer(t, c, 4), buffer(t, lost, 4)
	s = stream(t, c)
	require.NoError(t, s.CopyIn(ctx, held.All(), []byte{0, 0, 0, 0}))
	require.NoError(t, s.CopyFrom(ctx, held.All(), lost, src.All()))
	drvA.Lose("gone")
	close(g.opened)
	assert.ErrorIs(t, s.Synchronize(ctx), adapter.Unavailable, "the other device's loss is not this one's")
	assert.Equal(t, adapter.StatusReady, c.Status())
	assert.ErrorIs(t, drv.CopyPeer(nil, to.All(), drv, to.All()), driver.InvalidArgument)
}

func TestRectangles(t *testing.T) {
	drv, d := open(t, nil)
	from, to, s := buffer(t, d, 12), buffer(t, d, 6), stream(t, d)
	require.NoError(t, d.CopyIn(ctx, from.All(), []byte("abcdefghijkl")))
	require.NoError(t, s.CopyRect(ctx, to.All(), 2, from.All(), 4, 2, 3))
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, "abefij", string(read(t, d, to)))
	assert.ErrorIs(t, drv.CopyRect(nil, to.All(), 2, from.All(), 4, 2, 4), driver.InvalidArgument)
	assert.ErrorIs(t, drv.CopyRect(nil, from.All(), 4, from.All(), 4, 2, 3), driver.InvalidArgument, "onto itself")
}

func TestProfile(t *testing.T) {
	_, d := open(t, nil)
	b, s := buffer(t, d, 8), stream(t, d)
	before := time.Now()
	p, err := d.Profile(ctx, func() error {
		_, err := d.Profile(ctx, func() error { return nil })
		assert.ErrorIs(t, err, adapter.InvalidArgument, "one at a time")
		return errors.Join(s.Fill(ctx, b.All(), []byte{1}), s.CopyOut(ctx, make([]byte, 8), b.All()), d.CopyIn(ctx, b.All(), make([]byte, 8)))
	})
	require.NoError(t, err)
	names := map[string]driver.ProfileRecord{}
	for _, r := range p.Records {
		names[r.Name] = r
	}
	require.Len(t, names, 3)
	assert.Equal(t, names["Fill"].Stream, names["CopyOut"].Stream)
	assert.Less(t, names["Fill"].Correlation, names["CopyOut"].Correlation)
	assert.LessOrEqual(t, names["Fill"].Start+names["Fill"].Duration, names["CopyOut"].Start, "in order")
	assert.Zero(t, names["CopyIn"].Stream)
	assert.EqualValues(t, 8, names["CopyIn"].Bytes)
	assert.WithinRange(t, p.Epoch, before, time.Now())
	var out bytes.Buffer
	require.NoError(t, adapter.WriteTrace(&out, "emu", p))
	assert.Contains(t, out.String(), `"name":"Fill","ph":"X"`)
}

func TestCollectivesOnStreams(t *testing.T) {
	const size = 3
	var devices [size]*adapter.Device
	for i := range devices {
		_, devices[i] = open(t, nil)
	}
	id, err := adapter.NewCommID(devices[:]...)
	require.NoError(t, err)
	assert.NotContains(t, string(id[:]), "host")
	var ranks sync.WaitGroup
	for i, d := range devices {
		ranks.Go(func() {
			c, err := d.JoinComm(ctx, id, i, size)
			if !assert.NoError(t, err) {
				return
			}
			s := stream(t, d)
			b, whole := buffer(t, d, 4), buffer(t, d, 12)
			assert.NoError(t, d.CopyIn(ctx, b.All(), tensor.Of([]int32{int32(i + 1)}).Bytes()))
			assert.NoError(t, c.AllReduce(ctx, s, b.All(), b.All(), tensor.Int32, driver.Sum))
			assert.NoError(t, c.AllGather(ctx, s, whole.All(), b.All()))
			assert.NoError(t, c.GroupStart())
			assert.NoError(t, c.Recv(ctx, s, b.All(), (i+1)%size))
			part, _ := whole.Slice(4, 4)
			assert.NoError(t, c.Send(ctx, s, part, (i+2)%size))
			assert.NoError(t, c.GroupEnd(ctx))
			assert.NoError(t, s.Synchronize(ctx))
			assert.Equal(t, tensor.Of([]int32{6, 6, 6}).Bytes(), read(t, d, whole))
			assert.Equal(t, tensor.Of([]int32{6}).Bytes(), read(t, d, b))
			assert.NoError(t, c.Close())
		})
	}
	ranks.Wait()
}

func TestLossEndsACommunicator(t *testing.T) {
	drv, a := open(t, nil)
	_, b := open(t, nil)
	id, err := adapter.NewCommID(a, b)
	require.NoError(t, err)
	errs := make(chan error, 2)
	lose := make(chan struct{})
	for i, d := range []*adapter.Device{a, b} {
		go func() {
			c, err := d.JoinComm(ctx, id, i, 2)
			if err != nil {
				errs <- err
				return
			}
			s, x := stream(t, d), buffer(t, d, 4)
			if i == 0 {
				err = c.Recv(ctx, s, x.All(), 1)
				close(lose)
			} else {
				err = c.AllReduce(ctx, s, x.All(), x.All(), tensor.Int32, driver.Sum)
			}
			errs <- errors.Join(err, s.Synchronize(ctx))
		}()
	}
	<-lose
	drv.Lose("gone")
	first, second := <-errs, <-errs
	both := errors.Join(first, second)
	assert.ErrorIs(t, both, adapter.DeviceLost)
	assert.ErrorIs(t, both, adapter.Aborted, "the rank whose device is well does not wait for ever")
}

func TestGeneratorIsEveryones(t *testing.T) {
	_, d := open(t, nil)
	g, err := d.NewGenerator(77)
	require.NoError(t, err)
	s, b := stream(t, d), buffer(t, d, 24)
	require.NoError(t, g.Uniform(ctx, s, b.All(), tensor.Float64))
	state, err := g.State()
	require.NoError(t, err)
	assert.Equal(t, driver.GeneratorState{Seed: 77, Offset: 6}, state, "draws enqueued included")
	require.NoError(t, s.Synchronize(ctx))
	want := make([]byte, 24)
	require.NoError(t, random.Uniform.Draw(want, tensor.Float64, driver.GeneratorState{Seed: 77}))
	assert.Equal(t, want, read(t, d, b))
	require.NoError(t, g.SetState(driver.GeneratorState{Seed: 1, Offset: 3}))
	require.NoError(t, g.Bits(ctx, nil, b.All()))
	require.NoError(t, random.Bits.Draw(want, tensor.Uint32, driver.GeneratorState{Seed: 1, Offset: 3}))
	assert.Equal(t, want, read(t, d, b))
	require.NoError(t, g.Close())
}

func TestDeterminism(t *testing.T) {
	drv, d := open(t, nil)
	assert.NoError(t, d.SetDeterminism(driver.SameModel))
	assert.ErrorIs(t, drv.SetDeterminism(7), driver.InvalidArgument)
	_, err := d.Profile(canceledContext(), nil)
	assert.ErrorIs(t, err, context.Canceled)
}
