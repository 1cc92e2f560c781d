package adapter_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/random"
	"example.com/midplane/adapter/tensor"
)

// device returns a device without any capability, with a buffer.
func device(t *testing.T, size int64) (*adapter.Device, *adapter.Buffer) {
	t.Helper()
	d := adapter.New("plain", &plain{})
	b, err := d.Alloc(size, driver.DeviceMemory)
	require.NoError(t, err)
	return d, b
}

func read(t *testing.T, d *adapter.Device, r driver.Region) []byte {
	t.Helper()
	host := make([]byte, r.Size)
	require.NoError(t, d.CopyOut(ctx, host, r))
	return host
}

func TestFillOnTheHost(t *testing.T) {
	for _, size := range []int64{16, 48, 4<<20 + 16} {
		d, b := device(t, size)
		for _, pattern := range []string{"a", "ab", "abcd", "abcdefgh", "abcdefghijklmnop"} {
			require.NoError(t, d.Fill(ctx, b.All(), []byte(pattern)))
			assert.Equal(t, bytes.Repeat([]byte(pattern), int(size)/len(pattern)), read(t, d, b.All()))
		}
		middle, err := b.Slice(3, 4)
		require.NoError(t, err)
		require.NoError(t, d.Fill(ctx, middle, []byte("XY")))
		assert.Equal(t, "abcXYXYh", string(read(t, d, b.All())[:8]))
	}
	d, b := device(t, 12)
	for _, pattern := range []string{"", "abc", "abcdefgh", "abcdefghijklmnopq"} {
		assert.ErrorIs(t, d.Fill(ctx, b.All(), []byte(pattern)), adapter.InvalidArgument, "%q into 12 bytes", pattern)
	}
	assert.ErrorIs(t, d.Fill(ctx, driver.Region{Size: 4}, []byte("a")), adapter.InvalidArgument)
	assert.NoError(t, d.Fill(ctx, driver.Region{Buffer: b.All().Buffer}, []byte("a")), "nothing to fill")
}

func TestCopyRectOnTheHost(t *testing.T) {
	d, from := device(t, 12)
	require.NoError(t, d.CopyIn(ctx, from.All(), []byte("abcdefghijkl")))
	s, err := d.NewStream()
	require.NoError(t, err)
	to, err := d.Alloc(6, driver.DeviceMemory)
	require.NoError(t, err)
	require.NoError(t, s.CopyRect(ctx, to.All(), 2, from.All(), 4, 2, 3))
	assert.Equal(t, "abefij", string(read(t, d, to.All())))
	require.NoError(t, s.CopyRect(ctx, to.All(), 5, from.All(), 7, 1, 2), "rows end before the last pitch does")
	assert.Equal(t, "abefih", string(read(t, d, to.All())))
	require.NoError(t, s.CopyRect(ctx, to.All(), 0, from.All(), 0, 0, 100), "no width")
	for _, c := range []struct{ dstPitch, srcPitch, width, rows int64 }{
		{1, 4, 2, 1}, {4, 1, 2, 1}, {2, 4, 2, 4}, {2, 6, 2, 3}, {-2, 4, -2, 1}, {2, 4, 2, -1}, {7, 7, 7, 1},
		{math.MaxInt64, math.MaxInt64, 2, 3}, {2, 2, 2, math.MaxInt64}, {math.MaxInt64, math.MaxInt64, math.MaxInt64, 1},
	} {
		err := s.CopyRect(ctx, to.All(), c.dstPitch, from.All(), c.srcPitch, c.width, c.rows)
		assert.ErrorIs(t, err, adapter.InvalidArgument, "%+v", c)
	}
}

func TestCopyFromAnotherDevice(t *testing.T) {
	a, from := device(t, 8)
	b, to := device(t, 8)
	require.NoError(t, a.CopyIn(ctx, from.All(), []byte("12345678")))
	assert.Equal(t, driver.PathStaged, b.CanCopy(a))
	assert.Empty(t, b.Links())
	require.NoError(t, b.CopyFrom(ctx, to.All(), a, from.All()))
	assert.Equal(t, "12345678", string(read(t, b, to.All())))
	require.NoError(t, b.CopyFrom(ctx, driver.Region{Buffer: to.All().Buffer, Size: 2}, b, driver.Region{Buffer: to.All().Buffer, Offset: 4, Size: 2}))
	assert.Equal(t, "56345678", string(read(t, b, to.All())))

	assert.ErrorIs(t, b.CopyFrom(ctx, to.All(), a, driver.Region{Buffer: from.All().Buffer, Size: 7}), adapter.InvalidArgument)
	assert.ErrorIs(t, b.CopyFrom(ctx, to.All(), a, driver.Region{Buffer: from.All().Buffer, Offset: 4, Size: 8}), adapter.InvalidArgument)
	assert.ErrorIs(t, b.CopyFrom(ctx, to.All(), nil, from.All()), adapter.InvalidArgument)
	require.NoError(t, a.Close())
	assert.ErrorIs(t, b.CopyFrom(ctx, to.All(), a, from.All()), adapter.Closed)
}

func TestTimelineOnTheHost(t *testing.T) {
	d, _ := device(t, 1)
	s, err := d.NewStream()
	require.NoError(t, err)
	line, err := d.NewTimeline(3)
	require.NoError(t, err)
	require.NoError(t, line.Await(ctx, 2))
	reached := make(chan error)
	go func() { reached <- line.Wait(ctx, s, 7) }()
	require.NoError(t, line.Signal(ctx, s, 5))
	assert.ErrorIs(t, line.Signal(ctx, nil, 5), adapter.InvalidArgument, "values grow")
	value, err := line.Value()
	require.NoError(t, err)
	assert.EqualValues(t, 5, value)
	require.NoError(t, line.Signal(ctx, nil, 9))
	require.NoError(t, <-reached)

	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, line.Await(short, 10), adapter.Canceled)
	go func() { reached <- line.Await(ctx, 10) }()
	assert.ErrorIs(t, line.Fail(nil), adapter.InvalidArgument)
	require.NoError(t, line.Fail(errBroken))
	require.NoError(t, line.Fail(errors.New("too late")))
	assert.ErrorIs(t, <-reached, errBroken)
	assert.ErrorIs(t, line.Signal(ctx, nil, 11), errBroken)
	_, err = line.Value()
	assert.ErrorIs(t, err, errBroken)
	require.NoError(t, line.Close())
	assert.ErrorIs(t, line.Close(), adapter.Closed)
	assert.ErrorIs(t, line.Await(ctx, 1), adapter.Closed)

	line, err = d.NewTimeline(0)
	require.NoError(t, err)
	go func() { reached <- line.Await(ctx, 1) }()
	time.Sleep(time.Millisecond)
	require.NoError(t, d.Close())
	assert.ErrorIs(t, <-reached, adapter.Closed, "closing the device ends the wait")
}

func TestGeneratorOnTheHost(t *testing.T) {
	d, b := device(t, 5<<20) // more than is drawn at a time
	g, err := d.NewGenerator(11)
	require.NoError(t, err)
	want := make([]byte, 5<<20)
	require.NoError(t, random.Bits.Draw(want, tensor.Uint32, driver.GeneratorState{Seed: 11}))
	require.NoError(t, g.Bits(ctx, nil, b.All()))
	assert.True(t, bytes.Equal(want, read(t, d, b.All())))
	state, err := g.State()
	require.NoError(t, err)
	assert.Equal(t, driver.GeneratorState{Seed: 11, Offset: 5 << 18}, state)

	require.NoError(t, g.SetState(driver.GeneratorState{Seed: 11, Offset: 8}))
	few, err := b.Slice(0, 24)
	require.NoError(t, err)
	for _, c := range []struct {
		d    random.Distribution
		call func() error
		t    tensor.DType
	}{
		{random.Uniform, func() error { return g.Uniform(ctx, nil, few, tensor.Float32) }, tensor.Float32},
		{random.Normal, func() error { return g.Normal(ctx, nil, few, tensor.Float64) }, tensor.Float64},
	} {
		at, err := g.State()
		require.NoError(t, err)
		require.NoError(t, c.call())
		want := make([]byte, 24)
		require.NoError(t, c.d.Draw(want, c.t, at))
		assert.Equal(t, want, read(t, d, few))
		words, _ := c.d.Words(24, c.t)
		now, err := g.State()
		require.NoError(t, err)
		assert.Equal(t, at.Offset+words, now.Offset)
	}
	assert.ErrorIs(t, g.Uniform(ctx, nil, few, tensor.Int8), adapter.Unsupported)
	odd, _ := b.Slice(0, 3)
	assert.ErrorIs(t, g.Bits(ctx, nil, odd), adapter.InvalidArgument)
	other, _ := device(t, 1)
	foreign, err := other.NewStream()
	require.NoError(t, err)
	assert.ErrorIs(t, g.Bits(ctx, foreign, few), adapter.InvalidArgument)
	require.NoError(t, g.Close())
	assert.ErrorIs(t, g.Close(), adapter.Closed)
	assert.ErrorIs(t, g.Bits(ctx, nil, few), adapter.Closed)
}

func TestCommOnTheHost(t *testing.T) {
	devices := make([]*adapter.Device, 3)
	buffers := make([]*adapter.Buffer, 3)
	for i := range devices {
		devices[i], buffers[i] = device(t, 12)
		require.NoError(t, devices[i].CopyIn(ctx, buffers[i].All(), tensor.Of([]int32{1, 2, int32(i)}).Bytes()))
	}
	id, err := adapter.NewCommID(devices...)
	require.NoError(t, err)
	errs := make([]error, 3)
	var ranks sync.WaitGroup
	for i, d := range devices {
		ranks.Go(func() {
			all := buffers[i].All()
			c, err := d.JoinComm(ctx, id, i, 3)
			if err != nil {
				errs[i] = err
				return
			}
			err = c.AllReduce(ctx, nil, all, all, tensor.Int32, driver.Sum)
			third := func(n int) driver.Region { return driver.Region{Buffer: all.Buffer, Offset: int64(4 * n), Size: 4} }
			err = errors.Join(err, c.GroupStart(), c.GroupStart(), // a ring that would wait for itself, were it not a group
				c.Recv(ctx, nil, third(0), (i+2)%3), c.Send(ctx, nil, third(2), (i+1)%3), c.GroupEnd(ctx), c.GroupEnd(ctx))
			err = errors.Join(err, c.Reduce(ctx, nil, third(1), third(1), tensor.Int32, driver.Max, 2), c.Broadcast(ctx, nil, third(1), 2))
			assert.ErrorIs(t, c.GroupEnd(ctx), adapter.InvalidArgument)
			assert.ErrorIs(t, c.AllGather(ctx, nil, all, all), adapter.InvalidArgument)
			assert.ErrorIs(t, c.AllToAll(ctx, nil, all, driver.Region{Buffer: all.Buffer, Offset: 8, Size: 8}), adapter.InvalidArgument)
			assert.ErrorIs(t, c.ReduceScatter(ctx, nil, third(0), all, tensor.String, driver.Sum), adapter.Unsupported)
			errs[i] = errors.Join(err, c.Close())
			assert.ErrorIs(t, c.Close(), adapter.Closed)
			assert.ErrorIs(t, c.Abort(), adapter.Closed)
		})
	}
	ranks.Wait()
	for i, d := range devices {
		require.NoError(t, errs[i])
		assert.Equal(t, tensor.Of([]int32{3, 6, 3}).Bytes(), read(t, d, buffers[i].All()), "rank %d", i)
	}
}

func TestCommEndsWithItsDevice(t *testing.T) {
	a, b := device(t, 4)
	other, _ := device(t, 4)
	id, err := adapter.NewCommID(a, other)
	require.NoError(t, err)
	got := make(chan error)
	go func() {
		c, err := a.JoinComm(ctx, id, 0, 2)
		if err == nil {
			err = c.Broadcast(ctx, nil, b.All(), 1)
		}
		got <- err
	}()
	_, err = other.JoinComm(ctx, id, 1, 2)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	assert.ErrorIs(t, <-got, adapter.Closed)

	_, err = other.JoinComm(ctx, driver.CommID{1}, 0, 1)
	assert.ErrorIs(t, err, adapter.Unsupported, "the name is of a communicator of devices")
	_, err = other.JoinComm(ctx, id, 2, 2)
	assert.ErrorIs(t, err, adapter.InvalidArgument)
}

func TestWhatNoHostCanDo(t *testing.T) {
	d, b := device(t, 4)
	s, err := d.NewStream()
	require.NoError(t, err)
	for name, err := range map[string]error{
		"Capturer":          s.BeginCapture(),
		"EndCapture":        second(s.EndCapture()),
		"Sharer":            second(b.Export(driver.ExternalFD)),
		"ImportExternal":    second(d.ImportExternal(driver.External{Kind: driver.ExternalFD, Size: 1})),
		"SpecAllocator":     second(d.AllocSpec(driver.MemorySpec{Size: 1, Usage: driver.SharedUsage})),
		"alignment of 4096": second(d.AllocSpec(driver.MemorySpec{Size: 1, Align: 4096})),
		"Sensor":            second(d.Telemetry()),
		"Profiler":          second(d.Profile(ctx, func() error { t.Error("not to be called"); return nil })),
		"Determinism":       d.SetDeterminism(driver.SameDevice),
		"Partitioner":       second(d.Partition(ctx, driver.PartitionSpec{Memory: 1, Compute: 1})),
	} {
		require.ErrorIs(t, err, adapter.Unsupported, name)
		assert.ErrorContains(t, err, name)
	}
	assert.ErrorIs(t, d.SetDeterminism(9), adapter.InvalidArgument)
	assert.Empty(t, d.PartitionPlans())
}

func TestStreamsOfASynchronousDevice(t *testing.T) {
	d, _ := device(t, 1)
	least, greatest := d.Priorities()
	assert.Zero(t, least)
	assert.Zero(t, greatest)
	s, err := d.NewPriorityStream(5)
	require.NoError(t, err)
	done, err := s.Query()
	require.NoError(t, err)
	assert.True(t, done)
	called := false
	require.NoError(t, s.CallHost(ctx, func(err error) { called = err == nil }))
	assert.True(t, called)
	assert.ErrorIs(t, s.CallHost(ctx, nil), adapter.InvalidArgument)
	b, err := s.AllocOn(8, driver.DeviceMemory)
	require.NoError(t, err)
	require.NoError(t, s.FreeOn(b))
	assert.ErrorIs(t, s.FreeOn(b), adapter.Closed)
	assert.ErrorIs(t, s.FreeOn(nil), adapter.InvalidArgument)
	assert.ErrorIs(t, s.Record(nil), adapter.InvalidArgument)
	assert.ErrorIs(t, s.Wait(ctx, nil), adapter.InvalidArgument)
	e, err := d.NewEvent()
	require.NoError(t, err)
	happened, err := e.Query()
	require.NoError(t, err)
	assert.True(t, happened)
	_, err = e.Since(nil)
	assert.ErrorIs(t, err, adapter.InvalidArgument)
}

func TestMemoryIsDescribed(t *testing.T) {
	d, _ := device(t, 1)
	assert.Equal(t, []driver.Heap{{Kind: driver.DeviceMemory, Bytes: 1000}}, d.Heaps())
	g, err := d.Granularity(driver.PinnedMemory)
	require.NoError(t, err)
	assert.Equal(t, driver.Granularity{Min: 1, Align: 64, Max: 1000}, g)
	_, err = d.Granularity(driver.ImportedMemory)
	assert.ErrorIs(t, err, adapter.InvalidArgument)
	assert.Equal(t, driver.Compatibility{OK: true, Size: 1000}, d.Compatible(driver.MemorySpec{Size: 1000, Align: 64}))
	for _, spec := range []driver.MemorySpec{
		{Size: 1001}, {Size: -1}, {Size: 1, Align: 3}, {Size: 1, Align: -4}, {Size: 1, Align: 128}, {Size: 1, Align: math.MinInt64},
		{Size: 1, Kind: driver.ImportedMemory}, {Size: 1, Kind: 77}, {Size: 1, Usage: 77}, {Size: 1, Usage: driver.SharedUsage},
	} {
		answer := d.Compatible(spec)
		assert.False(t, answer.OK, "%+v", spec)
		assert.NotEmpty(t, answer.Reason)
		if spec.Size != 1001 {
			_, err = d.AllocSpec(spec)
			assert.Error(t, err, "%+v", spec)
		}
	}
	b, err := d.AllocSpec(driver.MemorySpec{Size: 10, Kind: driver.PinnedMemory, Usage: driver.WeightUsage, Align: 32})
	require.NoError(t, err)
	assert.Equal(t, driver.PinnedMemory, b.Kind())
	assert.EqualValues(t, 10, b.Size())
	_, err = d.Alloc(1, driver.ImportedMemory)
	assert.ErrorIs(t, err, adapter.InvalidArgument)
}

func TestLimitIsKept(t *testing.T) {
	d, b := device(t, 100)
	assert.ErrorIs(t, d.SetMemoryLimit(-1), adapter.InvalidArgument)
	require.NoError(t, d.SetMemoryLimit(150))
	_, err := d.Alloc(51, driver.DeviceMemory)
	var e *adapter.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, adapter.OutOfMemory, e.Code)
	assert.EqualValues(t, 51, e.Wanted)
	assert.EqualValues(t, 50, e.Available)
	assert.True(t, e.Retryable)
	_, err = d.Alloc(math.MaxInt64, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.OutOfMemory, "and does not wrap around")
	assert.EqualValues(t, 100, d.Stats().InUse)
	assert.EqualValues(t, 2, d.Stats().Failed)
	require.NoError(t, b.Free())
	_, err = d.Alloc(150, driver.DeviceMemory)
	require.NoError(t, err)
	assert.EqualValues(t, 150, d.Stats().Limit)
	freed, err := d.Trim()
	require.NoError(t, err)
	assert.Zero(t, freed)
}

func TestCanceledContexts(t *testing.T) {
	d, b := device(t, 4)
	s, err := d.NewStream()
	require.NoError(t, err)
	e, err := d.NewEvent()
	require.NoError(t, err)
	over, cancel := context.WithCancel(ctx)
	cancel()
	host := make([]byte, 4)
	id, err := adapter.NewCommID(d)
	require.NoError(t, err)
	for name, err := range map[string]error{
		"CopyIn": d.CopyIn(over, b.All(), host), "CopyOut": d.CopyOut(over, host, b.All()), "Fill": d.Fill(over, b.All(), host),
		"Copy": d.Copy(over, b.All(), b.All()), "CopyFrom": d.CopyFrom(over, b.All(), adapter.New("x", &plain{}), b.All()),
		"Synchronize": d.Synchronize(over), "Stream.Synchronize": s.Synchronize(over), "Event.Synchronize": e.Synchronize(over),
		"Stream.CopyIn": s.CopyIn(over, b.All(), host), "Wait": s.Wait(over, e), "CallHost": s.CallHost(over, func(error) { t.Error("called") }),
		"JoinComm": second(d.JoinComm(over, id, 0, 1)), "Watch": second(d.Watch(over)), "Partition": second(d.Partition(over, driver.PartitionSpec{})),
		"Open": second(adapter.Open(over, "cpu", nil)),
	} {
		require.ErrorIs(t, err, adapter.Canceled, name)
		assert.ErrorIs(t, err, context.Canceled, name)
	}
	assert.Equal(t, adapter.StatusReady, d.Status())
}
