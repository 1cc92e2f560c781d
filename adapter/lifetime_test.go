package adapter_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// versioned is a driver made for some version of the interface.
type versioned struct {
	fakeDriver
	version  driver.Version
	unloaded int
}

func (v *versioned) InterfaceVersion() driver.Version { return v.version }

func (v *versioned) Unload(context.Context) error { v.unloaded++; return nil }

func TestOpenNegotiates(t *testing.T) {
	adapter.EmptyRegistry(t)
	everything := ^driver.Caps(0)
	v := &versioned{fakeDriver: fakeDriver{name: "old", infos: []driver.Info{{}}, dev: &rich{plain{caps: everything}}}, version: driver.Version{Major: 1}}
	adapter.Register(v)
	d, err := adapter.Open(ctx, "old", nil)
	require.NoError(t, err)
	assert.Equal(t, driver.CapsOf(v.version), d.Info().Caps, "bits that the driver cannot have known mean nothing")
	_, ok := adapter.As[driver.Copier](d)
	assert.True(t, ok)

	v.version = driver.Version{Major: 1, Minor: 99}
	d, err = adapter.Open(ctx, "old", nil)
	require.NoError(t, err)
	assert.Equal(t, driver.CapsOf(driver.Interface), d.Info().Caps)

	v.version = driver.Version{Major: 2}
	_, err = adapter.Open(ctx, "old", nil)
	require.ErrorIs(t, err, adapter.Incompatible)
	assert.ErrorContains(t, err, "2.0")
	_, err = adapter.OpenDriver(ctx, "old", nil)
	assert.ErrorIs(t, err, adapter.Incompatible)
}

func TestOpenRefusesNegativeOptions(t *testing.T) {
	adapter.EmptyRegistry(t)
	adapter.Register(&fakeDriver{name: "gpu", infos: []driver.Info{{}}, dev: &plain{}})
	for _, o := range []adapter.Options{{Threads: -1}, {MemoryLimit: -1}} {
		_, err := adapter.Open(ctx, "gpu", &o)
		assert.ErrorIs(t, err, adapter.InvalidArgument)
	}
}

func TestUnregister(t *testing.T) {
	adapter.EmptyRegistry(t)
	v := &versioned{fakeDriver: fakeDriver{name: "npu", infos: []driver.Info{{}}, dev: &plain{}}, version: driver.Interface}
	adapter.Register(v)
	assert.ErrorIs(t, adapter.Unregister(ctx, "gpu"), adapter.NotFound)
	d, err := adapter.Open(ctx, "npu", nil)
	require.NoError(t, err)
	err = adapter.Unregister(ctx, "npu")
	require.ErrorIs(t, err, adapter.Unavailable)
	assert.ErrorContains(t, err, "1 of its devices")
	_, err = d.Alloc(1, driver.DeviceMemory)
	require.NoError(t, err, "it goes on working")
	require.NoError(t, d.Close())
	require.NoError(t, d.Close(), "which counts once")
	require.NoError(t, adapter.Unregister(ctx, "npu"))
	assert.Equal(t, 1, v.unloaded)
	_, err = adapter.Open(ctx, "npu", nil)
	assert.ErrorIs(t, err, adapter.NotFound)
	adapter.Register(v)
	v.fakeDriver.open = errBroken
	_, err = adapter.Open(ctx, "npu", nil)
	require.ErrorIs(t, err, errBroken)
	assert.NoError(t, adapter.Unregister(ctx, "npu"), "what failed to open is not open")
}

func TestLossIsNoticedAndStays(t *testing.T) {
	r := &rich{plain{caps: allCaps}}
	d := adapter.New("npu:1", r)
	b, err := d.Alloc(8, driver.DeviceMemory)
	require.NoError(t, err)
	s, err := d.NewStream()
	require.NoError(t, err)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	events, err := d.Watch(watching)
	require.NoError(t, err)
	assert.Equal(t, driver.HealthNormal, (<-events).Kind)
	assert.Equal(t, adapter.StatusReady, d.Status())

	r.fail = driver.Errorf(driver.DeviceLost, "", "fell off the bus")
	require.ErrorIs(t, d.CopyIn(ctx, b.All(), make([]byte, 8)), adapter.DeviceLost)
	r.fail = nil
	select {
	case e := <-events:
		assert.Equal(t, driver.HealthLost, e.Kind)
		assert.Contains(t, e.Text, "fell off the bus")
	case <-time.After(driver.LossBound):
		t.Fatal("the loss was not reported")
	}
	_, open := <-events
	assert.False(t, open, "nothing can happen to it any more")
	calls := len(r.calls)
	_, err = d.Alloc(1, driver.DeviceMemory)
	var e *adapter.Error
	require.ErrorAs(t, err, &e)
	assert.EqualError(t, e, "npu:1: Alloc: device lost: fell off the bus")
	assert.Equal(t, driver.ScopeDevice, e.Scope)
	assert.True(t, e.Sticky)
	assert.Len(t, r.calls, calls, "the driver is left alone")
	assert.Equal(t, adapter.StatusLost, d.Status())
	_, err = d.Watch(ctx)
	assert.ErrorIs(t, err, adapter.DeviceLost)

	assert.NoError(t, b.Free())
	assert.NoError(t, s.Close())
	assert.Contains(t, r.calls, "Stream.Close", "handles give back what they hold on the host")
	assert.NoError(t, d.Close())
	assert.Equal(t, adapter.StatusClosed, d.Status())
}

func TestWatchEndsWithTheDevice(t *testing.T) {
	before := runtime.NumGoroutine()
	d := adapter.New("plain", &plain{})
	events, err := d.Watch(ctx)
	require.NoError(t, err)
	assert.Equal(t, driver.HealthNormal, (<-events).Kind)
	require.NoError(t, d.Close())
	_, open := <-events
	assert.False(t, open)
	for end := time.Now().Add(time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), before)
}

func TestWatchAsksDriversThatDoNotWatch(t *testing.T) {
	adapter.EmptyRegistry(t)
	plugged := make(chan []driver.Info, 1)
	plugged <- []driver.Info{{Index: 0, Description: "first"}, {Index: 1, Unusable: "busy"}}
	adapter.Register(hotplug{plugged})
	watching, stop := context.WithCancel(ctx)
	changes := adapter.Watch(watching, time.Millisecond)
	first := <-changes
	assert.Equal(t, "usb:0", first.Name)
	assert.Equal(t, driver.HealthAdded, first.Kind)
	<-plugged
	plugged <- []driver.Info{{Index: 1}, {Index: 2, Unusable: "broken"}}
	got := map[string]driver.HealthKind{}
	for range 2 {
		c := <-changes
		got[c.Name] = c.Kind
	}
	assert.Equal(t, map[string]driver.HealthKind{"usb:0": driver.HealthRemoved, "usb:1": driver.HealthAdded}, got)
	stop()
	for range changes {
		t.Error("nothing else happened")
	}
}

// hotplug finds what was plugged in last.
type hotplug struct{ plugged chan []driver.Info }

func (h hotplug) Name() string { return "usb" }

func (h hotplug) Probe(context.Context) ([]driver.Info, error) {
	infos := <-h.plugged
	h.plugged <- infos
	return infos, nil
}

func (h hotplug) Open(context.Context, int, *driver.Options) (driver.Device, error) {
	return &plain{}, nil
}

func TestPartitionByOpeningAgain(t *testing.T) {
	adapter.EmptyRegistry(t)
	f := &fakeDriver{name: "cpu", infos: []driver.Info{{}}, dev: &plain{}} // of 1000 bytes
	adapter.Register(f)
	d, err := adapter.Open(ctx, "cpu", &adapter.Options{Threads: 8})
	require.NoError(t, err)
	assert.Nil(t, d.Parent())

	half, err := d.Partition(ctx, driver.PartitionSpec{Memory: 600, Compute: 0.5})
	require.NoError(t, err)
	assert.Equal(t, &driver.Options{Threads: 4, MemoryLimit: 600}, f.asked)
	assert.Equal(t, "cpu:0/1", half.Name())
	assert.EqualValues(t, 600, half.Info().Memory)
	assert.Same(t, d, half.Parent())
	_, err = d.Partition(ctx, driver.PartitionSpec{Memory: 500, Compute: 0.1})
	require.ErrorIs(t, err, adapter.OutOfMemory, "quotas add up to what there is")
	_, err = d.Partition(ctx, driver.PartitionSpec{Memory: 100, Compute: 0.6})
	require.ErrorIs(t, err, adapter.Unavailable)
	small, err := d.Partition(ctx, driver.PartitionSpec{Memory: 400, Compute: 0.01})
	require.NoError(t, err)
	assert.Equal(t, 1, f.asked.Threads, "one thread at least")
	require.NoError(t, half.Close())
	again, err := d.Partition(ctx, driver.PartitionSpec{Memory: 600, Compute: 0.99})
	require.NoError(t, err)
	assert.Equal(t, "cpu:0/3", again.Name())

	require.ErrorIs(t, adapter.Unregister(ctx, "cpu"), adapter.Unavailable)
	require.NoError(t, d.Close())
	assert.Equal(t, adapter.StatusClosed, small.Status(), "closing a device closes its partitions")
	assert.Equal(t, adapter.StatusClosed, again.Status())
	assert.NoError(t, adapter.Unregister(ctx, "cpu"))

	d, err = adapter.Open(ctx, "cpu", nil)
	require.ErrorIs(t, err, adapter.NotFound)
	assert.Nil(t, d)
}

func TestPartitionSpecs(t *testing.T) {
	adapter.EmptyRegistry(t)
	f := &fakeDriver{name: "cpu", infos: []driver.Info{{}}, dev: &plain{}}
	adapter.Register(f)
	d, err := adapter.Open(ctx, "cpu", nil)
	require.NoError(t, err)
	zero := 0.0
	for _, spec := range []driver.PartitionSpec{
		{}, {Memory: -1, Compute: 0.5}, {Memory: 1}, {Memory: 1, Compute: -0.5}, {Memory: 1, Compute: 1.01}, {Memory: 1, Compute: zero / zero},
	} {
		_, err := d.Partition(ctx, spec)
		assert.ErrorIs(t, err, adapter.InvalidArgument, "%+v", spec)
	}
	f.open = errBroken
	_, err = d.Partition(ctx, driver.PartitionSpec{Memory: 1000, Compute: 1})
	require.ErrorIs(t, err, errBroken)
	f.open = nil
	whole, err := d.Partition(ctx, driver.PartitionSpec{Memory: 1000, Compute: 1})
	require.NoError(t, err, "what failed takes nothing")
	assert.Equal(t, "cpu:0/2", whole.Name())
}

func TestLossOfTheParentIsThePartitions(t *testing.T) {
	adapter.EmptyRegistry(t)
	p := &plain{}
	adapter.Register(&fakeDriver{name: "cpu", infos: []driver.Info{{}}, dev: p})
	d, err := adapter.Open(ctx, "cpu", nil)
	require.NoError(t, err)
	part, err := d.Partition(ctx, driver.PartitionSpec{Memory: 10, Compute: 0.5})
	require.NoError(t, err)
	p.fail = driver.DeviceLost
	_, err = d.Alloc(1, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.DeviceLost)
	p.fail = nil
	require.Eventually(t, func() bool { return part.Status() == adapter.StatusLost }, driver.LossBound, time.Millisecond)
	_, err = part.Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, adapter.DeviceLost)
	assert.ErrorContains(t, err, "cpu:0 is lost")
}

// What partitions have is not the whole device's to allocate, nor the other way
// round.
func TestPartitionsAndBuffersShareTheMemory(t *testing.T) {
	adapter.EmptyRegistry(t)
	adapter.Register(&fakeDriver{name: "cpu", infos: []driver.Info{{}}, dev: &plain{}}) // of 1000 bytes
	d, err := adapter.Open(ctx, "cpu", nil)
	require.NoError(t, err)
	b, err := d.Alloc(300, driver.DeviceMemory)
	require.NoError(t, err)
	_, err = d.Partition(ctx, driver.PartitionSpec{Memory: 701, Compute: 0.5})
	require.ErrorIs(t, err, adapter.OutOfMemory)
	part, err := d.Partition(ctx, driver.PartitionSpec{Memory: 600, Compute: 0.5})
	require.NoError(t, err)
	assert.EqualValues(t, 900, d.Stats().InUse)
	_, err = d.Alloc(101, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.OutOfMemory)
	assert.ErrorContains(t, err, "of 1000 bytes, 300 are in use and 600 are partitions'")
	rest, err := d.Alloc(100, driver.DeviceMemory)
	require.NoError(t, err)
	require.NoError(t, rest.Free())

	_, err = part.Alloc(601, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.OutOfMemory, "its quota holds even where the driver does not heed it")
	require.NoError(t, part.SetMemoryLimit(0))
	_, err = part.Alloc(601, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.OutOfMemory, "and cannot be lifted from inside")
	_, err = part.Alloc(600, driver.DeviceMemory)
	require.NoError(t, err)

	require.NoError(t, part.Close())
	assert.EqualValues(t, 300, d.Stats().InUse)
	require.NoError(t, b.Free())
	all, err := d.Alloc(1000, driver.DeviceMemory)
	require.NoError(t, err)
	require.NoError(t, all.Free())
}

func TestPartitionGranule(t *testing.T) {
	adapter.EmptyRegistry(t)
	p := &plain{}
	adapter.Register(&fakeDriver{name: "cpu", infos: []driver.Info{{}}, dev: p})
	d, err := adapter.Open(ctx, "cpu", &adapter.Options{Threads: 4})
	require.NoError(t, err)
	step, err := d.PartitionGranule()
	require.NoError(t, err)
	assert.Equal(t, driver.PartitionSpec{Memory: 1, Compute: 1}, step, "threads are no units of a device that is no processor")
	p.class = driver.CPU
	d, err = adapter.Open(ctx, "cpu", &adapter.Options{Threads: 4})
	require.NoError(t, err)
	step, err = d.PartitionGranule()
	require.NoError(t, err)
	assert.Equal(t, driver.PartitionSpec{Memory: 1, Compute: 0.25}, step)
	_, err = adapter.New("own", p).PartitionGranule()
	assert.ErrorIs(t, err, adapter.Unsupported)
}

func TestRevoke(t *testing.T) {
	p := &plain{}
	d := adapter.New("card", p)
	b, err := d.Alloc(10, driver.DeviceMemory)
	require.NoError(t, err)
	require.NoError(t, d.Hold("Run"))
	d.Revoke(fmt.Errorf("somebody needs it more: %w", errBroken))
	<-d.Lost()
	_, err = d.Alloc(1, driver.DeviceMemory)
	require.ErrorIs(t, err, errBroken)
	assert.ErrorContains(t, err, "card: Alloc: internal error: somebody needs it more")
	assert.ErrorIs(t, d.Hold("Run"), errBroken)
	assert.NoError(t, b.Free())

	closed := make(chan error)
	go func() { closed <- d.Close() }()
	select {
	case <-closed:
		t.Fatal("Close does not wait for those who hold the device")
	case <-time.After(5 * time.Millisecond):
	}
	assert.NotContains(t, p.calls, "Close")
	d.Unhold()
	require.NoError(t, <-closed)
	assert.ErrorIs(t, d.Hold("Run"), errBroken, "why it ended stays known")
	d.Revoke(adapter.Canceled)
	assert.ErrorIs(t, d.Hold("Run"), errBroken, "the first reason counts")

	other := adapter.New("card", p)
	other.Revoke(nil)
	assert.ErrorIs(t, other.Hold("Run"), adapter.Unavailable)
}
