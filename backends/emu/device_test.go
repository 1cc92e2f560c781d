package emu_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/emu"
)

var ctx = context.Background()

// opened are the tests that have opened a device.
var opened sync.Map

// open makes a device that is closed at the end of the test, when no memory of
// it may be left, and no goroutine of any.
func open(t *testing.T, o *emu.Options) (*emu.Device, *adapter.Device) {
	t.Helper()
	if _, again := opened.LoadOrStore(t, true); !again {
		before := goroutines()
		t.Cleanup(func() {
			assertGoroutines(t, before)
			opened.Delete(t)
		})
	}
	drv := emu.New(o)
	d := adapter.New("emu", drv)
	t.Cleanup(func() {
		assert.NoError(t, d.Close())
		assert.Zero(t, drv.Stats().InUse, "bytes left after Close")
	})
	return drv, d
}

// goroutines returns how many streams are at work.
func goroutines() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return bytes.Count(stacks, []byte("emu.(*stream).work("))
}

// buffer allocates.
func buffer(t *testing.T, d *adapter.Device, size int64) *adapter.Buffer {
	t.Helper()
	b, err := d.Alloc(size, driver.DeviceMemory)
	require.NoError(t, err)
	return b
}

func stream(t *testing.T, d *adapter.Device) *adapter.Stream {
	t.Helper()
	s, err := d.NewStream()
	require.NoError(t, err)
	return s
}

func event(t *testing.T, d *adapter.Device) *adapter.Event {
	t.Helper()
	e, err := d.NewEvent()
	require.NoError(t, err)
	return e
}

// read copies a buffer to the host, at once.
func read(t *testing.T, d *adapter.Device, b *adapter.Buffer) []byte {
	t.Helper()
	host := make([]byte, b.Size())
	require.NoError(t, d.CopyOut(ctx, host, b.All()))
	return host
}

// gate stops an operation of a device until it is opened.
type gate struct {
	op      string
	opened  chan struct{}
	reached chan struct{} // one for each time
}

func newGate(op string) *gate {
	return &gate{op, make(chan struct{}), make(chan struct{}, 100)}
}

func (g *gate) fault(op string) error {
	if op == g.op {
		g.reached <- struct{}{}
		<-g.opened
	}
	return nil
}

// assertGoroutines lets those that are ending end.
func assertGoroutines(t *testing.T, want int) {
	t.Helper()
	for range 1000 {
		if goroutines() <= want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	assert.Equal(t, want, goroutines(), "goroutines left after Close")
}

func TestDriver(t *testing.T) {
	found := make(map[string]driver.Info)
	for _, f := range adapter.Devices(ctx) {
		require.NoError(t, f.Err)
		found[f.Name] = f.Info
	}
	require.Contains(t, found, "emu:0")
	require.Contains(t, found, "emu:1")
	for name, info := range found {
		assert.Equal(t, driver.Accelerator, info.Class)
		assert.Empty(t, info.Unusable)
		d, err := adapter.Open(ctx, name, &adapter.Options{MemoryLimit: 1 << 20})
		require.NoError(t, err)
		assert.EqualValues(t, 1<<20, d.Stats().Limit)
		assert.Equal(t, info.Description, d.Info().Description)
		assert.Equal(t, info.Index, d.Info().Index)
		assert.Equal(t, info.Caps, d.Info().Caps)
		_, maps := d.HostBytes(buffer(t, d, 8).All())
		assert.False(t, maps, "device memory is out of the host's reach")
		require.NoError(t, d.Close())
	}
	d, err := adapter.Open(ctx, "emu:1", &adapter.Options{MemoryLimit: 1 << 60})
	require.NoError(t, err)
	assert.Equal(t, found["emu:1"].Memory, d.Stats().Limit, "a limit beyond the device's memory adds none")
	require.NoError(t, d.Close())

	_, err = adapter.Open(ctx, "emu:2", nil)
	assert.ErrorIs(t, err, adapter.NotFound)
	_, err = emu.Driver{}.Open(ctx, 2, &driver.Options{})
	assert.ErrorIs(t, err, adapter.NotFound)
	_, err = emu.Driver{}.Open(ctx, -1, &driver.Options{})
	assert.ErrorIs(t, err, adapter.NotFound)
}

func TestUploadDownload(t *testing.T) {
	_, d := open(t, nil)
	for _, host := range []*tensor.Tensor{
		tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3),
		tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-8, 7, 1}),
		tensor.Zeros(tensor.Float64, tensor.Shape{3, 0}),
	} {
		on, err := d.Upload(ctx, host)
		require.NoError(t, err)
		back, err := on.Download(ctx)
		require.NoError(t, err)
		assert.Equal(t, host.Bytes(), back.Bytes())
	}
}

func TestCopyInside(t *testing.T) {
	drv, d := open(t, nil)
	b := buffer(t, d, 6)
	require.NoError(t, d.CopyIn(ctx, b.All(), []byte{1, 2, 3, 4, 5, 6}))
	low, _ := b.Slice(0, 3)
	high, _ := b.Slice(3, 3)
	require.NoError(t, drv.Copy(nil, high, low), "a nil stream means at once")
	assert.Equal(t, []byte{1, 2, 3, 1, 2, 3}, read(t, d, b))

	middle, _ := b.Slice(1, 3)
	assert.ErrorIs(t, drv.Copy(nil, middle, low), driver.InvalidArgument, "overlapping")
	assert.ErrorIs(t, drv.Copy(nil, high, b.All()), driver.InvalidArgument, "of different sizes")
}

func TestCanceledCopies(t *testing.T) {
	_, d := open(t, nil)
	b := buffer(t, d, 1)
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range []error{d.CopyIn(canceled, b.All(), []byte{1}), d.CopyOut(canceled, []byte{1}, b.All())} {
		require.ErrorIs(t, err, adapter.Canceled)
		assert.ErrorIs(t, err, context.Canceled)
	}
}

func TestFaultsAreInjected(t *testing.T) {
	flaw := errors.New("bit rot")
	failing := ""
	_, d := open(t, &emu.Options{Fault: func(op string) error {
		if op == failing {
			return flaw
		}
		return nil
	}})
	b := buffer(t, d, 4)
	host := make([]byte, 2)
	low, _ := b.Slice(0, 2)
	high, _ := b.Slice(2, 2)
	s := stream(t, d)
	for op, call := range map[string]func() error{
		"Alloc":     func() error { _, err := d.Alloc(1, driver.DeviceMemory); return err },
		"NewStream": func() error { _, err := d.NewStream(); return err },
		"NewEvent":  func() error { _, err := d.NewEvent(); return err },
		"CopyIn":    func() error { return d.CopyIn(ctx, low, host) },
		"CopyOut":   func() error { return d.CopyOut(ctx, host, low) },
		"Copy":      func() error { return errors.Join(s.Copy(ctx, high, low), s.Synchronize(ctx)) },
	} {
		failing = op
		err := call()
		require.ErrorIs(t, err, flaw, op)
		assert.ErrorContains(t, err, "emu: "+op)
		failing = ""
		assert.NoError(t, call(), "%s works again", op)
	}
}

func TestLostDevice(t *testing.T) {
	lose := false
	_, d := open(t, &emu.Options{Fault: func(string) error {
		if lose {
			return driver.DeviceLost
		}
		return nil
	}})
	b, s := buffer(t, d, 1), stream(t, d)
	lose = true
	require.ErrorIs(t, d.CopyIn(ctx, b.All(), []byte{1}), adapter.DeviceLost)
	lose = false
	var e *adapter.Error
	require.ErrorAs(t, d.CopyIn(ctx, b.All(), []byte{1}), &e, "it stays lost")
	assert.Equal(t, adapter.DeviceLost, e.Code)
	assert.Equal(t, driver.ScopeDevice, e.Scope)
	assert.True(t, e.Sticky)
	_, err := d.Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, adapter.DeviceLost)
	assert.ErrorIs(t, s.CopyIn(ctx, b.All(), []byte{1}), adapter.DeviceLost)
	assert.ErrorIs(t, s.Synchronize(ctx), adapter.DeviceLost)
	assert.NoError(t, b.Free(), "handles give back what they hold")
}

func TestPanicsDoNotEscape(t *testing.T) {
	_, d := open(t, &emu.Options{Fault: func(op string) error {
		if op == "CopyIn" {
			panic("short circuit")
		}
		return nil
	}})
	b, s := buffer(t, d, 1), stream(t, d)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	err := s.Synchronize(ctx)
	require.ErrorIs(t, err, adapter.Internal)
	assert.ErrorContains(t, err, "short circuit")
}

func TestCloseDropsWhatIsEnqueued(t *testing.T) {
	g := newGate("CopyIn")
	drv, d := open(t, &emu.Options{Fault: g.fault})
	b, s := buffer(t, d, 1), stream(t, d)
	out := make([]byte, 1)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, s.CopyOut(ctx, out, b.All()))
	<-g.reached
	closed := make(chan error)
	go func() { closed <- d.Close() }()
	require.Eventually(t, func() bool { return drv.Synchronize(canceledContext()) != nil }, time.Second, time.Millisecond)
	select {
	case <-closed:
		t.Fatal("Close did not wait for the copy under way")
	case <-time.After(5 * time.Millisecond):
	}
	close(g.opened)
	require.NoError(t, <-closed)
	assert.Equal(t, []byte{0}, out, "the copy that was enqueued has been dropped")
	assert.ErrorIs(t, drv.CopyOutAsync(nil, out, b.All()), driver.Closed)
}

func canceledContext() context.Context {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c
}

func TestOpenCloseManyTimes(t *testing.T) {
	before, mappings := goroutines(), countMappings(t)
	for range 1000 {
		d, err := adapter.Open(ctx, "emu:1", nil)
		require.NoError(t, err)
		buffer(t, d, 100)
		b, s := buffer(t, d, 10000), stream(t, d)
		require.NoError(t, s.CopyIn(ctx, b.All(), make([]byte, 10000)))
		require.NoError(t, s.Record(event(t, d)))
		require.NoError(t, d.Close())
	}
	assertGoroutines(t, before)
	assert.Less(t, countMappings(t), mappings+50, "mappings")
}

// countMappings returns how many mappings the process has, 0 where the system
// does not say; in Node they would be Node's.
func countMappings(t *testing.T) int {
	t.Helper()
	if runtime.GOOS == "js" {
		return 0
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(t, err)
	return strings.Count(string(maps), "\n")
}

func TestManyStreamsInOneBuffer(t *testing.T) {
	_, d := open(t, nil)
	const streams, rounds, part = 8, 20, 1000
	arena := buffer(t, d, streams*part)
	var work sync.WaitGroup
	for i := range int64(streams) {
		s := stream(t, d)
		work.Go(func() {
			region, err := arena.Slice(i*part, part)
			assert.NoError(t, err)
			for round := range byte(rounds) {
				sent, got := make([]byte, part), make([]byte, part)
				for k := range sent {
					sent[k] = byte(i) ^ round ^ byte(k)
				}
				assert.NoError(t, s.CopyIn(ctx, region, sent))
				assert.NoError(t, s.CopyOut(ctx, got, region))
				assert.NoError(t, s.Synchronize(ctx))
				assert.Equal(t, sent, got)
			}
		})
	}
	work.Wait()
}
