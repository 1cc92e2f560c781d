package emu_test

import (
	"bytes"
	"context"
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/emu"
)

func TestParseFaults(t *testing.T) {
	got, err := emu.ParseFaults(" Alloc@5=oom; CopyOut@2+10=bitflip;MatMul=delay:5ms ;*@100=lost;CopyIn@7=hang;Copy@3=hang:1s;*@20=throttle:4;Fill=ecc;;Add@1+1=reorder;Add=fail ")
	require.NoError(t, err)
	assert.Equal(t, []emu.Fault{
		{Op: "Alloc", At: 5, Kind: emu.OOM},
		{Op: "CopyOut", At: 2, Every: 10, Kind: emu.BitFlip},
		{Op: "MatMul", At: 1, Kind: emu.Delay, Delay: 5 * time.Millisecond},
		{At: 100, Kind: emu.Lost},
		{Op: "CopyIn", At: 7, Kind: emu.Hang},
		{Op: "Copy", At: 3, Kind: emu.Hang, Delay: time.Second},
		{At: 20, Kind: emu.Throttle, Factor: 4},
		{Op: "Fill", At: 1, Kind: emu.Memory},
		{Op: "Add", At: 1, Every: 1, Kind: emu.Reorder},
		{Op: "Add", At: 1, Kind: emu.Fail},
	}, got)
	for _, bad := range []string{
		"Alloc", "Alloc=", "Alloc=melt", "Alloc@0=oom", "Alloc@-1=oom", "Alloc@x=oom", "Alloc@1+0=oom", "Alloc@1+x=oom", "Alloc=oom:3",
		"Alloc=delay", "Alloc=delay:0s", "Alloc=delay:-1s", "Alloc=delay:soon", "Alloc=hang:-1s", "Alloc=throttle", "Alloc=throttle:0.5", "Alloc=throttle:nan",
	} {
		_, err := emu.ParseFaults(bad)
		require.Error(t, err, bad)
		assert.ErrorContains(t, err, bad)
	}
	none, err := emu.ParseFaults("")
	require.NoError(t, err)
	assert.Empty(t, none)
}

func schedule(t *testing.T, text string) []emu.Fault {
	t.Helper()
	faults, err := emu.ParseFaults(text)
	require.NoError(t, err)
	return faults
}

func TestFaultsComeWhenTheyAreDue(t *testing.T) {
	_, d := open(t, &emu.Options{Faults: schedule(t, "Alloc@2+3=oom; CopyIn@3=fail; CopyOut@1=ecc")})
	var failed []int
	var kept *adapter.Buffer
	for i := 1; i <= 8; i++ {
		b, err := d.Alloc(4, driver.DeviceMemory)
		if err == nil {
			kept = b
			continue
		}
		require.ErrorIs(t, err, adapter.OutOfMemory)
		var e *adapter.Error
		require.ErrorAs(t, err, &e)
		assert.True(t, e.Retryable)
		failed = append(failed, i)
	}
	assert.Equal(t, []int{2, 5, 8}, failed)
	assert.EqualValues(t, 3, d.Stats().Failed)
	s := stream(t, d)
	for range 3 {
		require.NoError(t, s.CopyIn(ctx, kept.All(), []byte{1, 2, 3, 4}))
	}
	err := s.Synchronize(ctx)
	var e *adapter.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, adapter.Internal, e.Code)
	assert.Equal(t, driver.ScopeStream, e.Scope)

	events, err := d.Watch(ctx)
	require.NoError(t, err)
	assert.Equal(t, driver.HealthNormal, (<-events).Kind)
	require.ErrorIs(t, d.CopyOut(ctx, make([]byte, 4), kept.All()), adapter.DataLoss)
	assert.Equal(t, driver.HealthMemoryError, (<-events).Kind)
	measured, err := d.Telemetry()
	require.NoError(t, err)
	assert.EqualValues(t, 1, measured.Uncorrected)
}

func TestBitsFlipInSilence(t *testing.T) {
	for op, copies := range map[string]func(d *adapter.Device, b *adapter.Buffer, host []byte) error{
		"CopyIn": func(d *adapter.Device, b *adapter.Buffer, host []byte) error {
			if err := d.CopyIn(ctx, b.All(), make([]byte, 16)); err != nil {
				return err
			}
			return d.CopyOut(ctx, host, b.All())
		},
		"CopyOut": func(d *adapter.Device, b *adapter.Buffer, host []byte) error {
			if err := d.CopyIn(ctx, b.All(), make([]byte, 16)); err != nil {
				return err
			}
			return d.CopyOut(ctx, host, b.All())
		},
		"Fill": func(d *adapter.Device, b *adapter.Buffer, host []byte) error {
			if err := d.Fill(ctx, b.All(), []byte{0}); err != nil {
				return err
			}
			return d.CopyOut(ctx, host, b.All())
		},
	} {
		_, d := open(t, &emu.Options{Faults: []emu.Fault{{Op: op, Kind: emu.BitFlip}}})
		host := make([]byte, 16)
		require.NoError(t, copies(d, buffer(t, d, 16), host), op)
		flipped := 0
		for _, b := range host {
			flipped += bits.OnesCount8(b)
		}
		assert.Equal(t, 1, flipped, op)
	}
}

func TestReorderedWork(t *testing.T) {
	g := newGate("CopyOut")
	_, d := open(t, &emu.Options{Fault: g.fault, Faults: schedule(t, "Fill@2=reorder")})
	b, s := buffer(t, d, 2), stream(t, d)
	require.NoError(t, s.CopyOut(ctx, make([]byte, 2), b.All())) // holds the stream up
	<-g.reached
	require.NoError(t, s.Fill(ctx, b.All(), []byte{1}))
	require.NoError(t, s.Fill(ctx, b.All(), []byte{2}))
	close(g.opened)
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, []byte{1, 1}, read(t, d, b), "the second fill was done first")
}

func TestDelayedWork(t *testing.T) {
	_, d := open(t, &emu.Options{MaxDelay: -1, Faults: schedule(t, "CopyIn=delay:300ms")})
	b, s := buffer(t, d, 1), stream(t, d)
	start := time.Now()
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	assert.Less(t, time.Since(start), 300*time.Millisecond, "the stream is late, not the caller")
	require.NoError(t, s.Synchronize(ctx))
	assert.GreaterOrEqual(t, time.Since(start), 300*time.Millisecond)
}

func TestHangingWorkEndsWithTheDevice(t *testing.T) {
	drv, d := open(t, &emu.Options{Faults: schedule(t, "CopyIn=hang")})
	b, s, other := buffer(t, d, 1), stream(t, d), stream(t, d)
	e := event(t, d)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, s.Record(e))
	require.NoError(t, other.Wait(ctx, e))
	short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	for name, err := range map[string]error{"stream": s.Synchronize(short), "event": e.Synchronize(short), "device": d.Synchronize(short)} {
		assert.ErrorIs(t, err, adapter.Canceled, name)
	}
	waiting := make(chan error, 2)
	for _, s := range []*adapter.Stream{s, other} {
		go func() { waiting <- s.Synchronize(ctx) }()
	}
	start := time.Now()
	drv.Lose("it burns")
	for range 2 {
		assert.ErrorIs(t, <-waiting, adapter.DeviceLost)
	}
	assert.Less(t, time.Since(start), driver.LossBound)
}

func TestHangForAWhile(t *testing.T) {
	_, d := open(t, &emu.Options{Faults: schedule(t, "CopyIn=hang:10ms")})
	start := time.Now()
	require.NoError(t, d.CopyIn(ctx, buffer(t, d, 1).All(), []byte{1}))
	assert.GreaterOrEqual(t, time.Since(start), 10*time.Millisecond)
}

func TestThrottling(t *testing.T) {
	drv, d := open(t, &emu.Options{MaxDelay: -1, Faults: schedule(t, "Fill=throttle:50")})
	events, err := d.Watch(ctx)
	require.NoError(t, err)
	assert.Equal(t, driver.HealthNormal, (<-events).Kind)
	before, err := d.Telemetry()
	require.NoError(t, err)
	b := buffer(t, d, 8<<20)
	start := time.Now()
	require.NoError(t, d.Fill(ctx, b.All(), []byte{1}))
	slow := time.Since(start)
	assert.Equal(t, driver.HealthThrottled, (<-events).Kind)
	hot, err := d.Telemetry()
	require.NoError(t, err)
	assert.True(t, hot.Throttled)
	assert.InDelta(t, before.Clock/50, hot.Clock, 1)
	assert.Greater(t, hot.Utilization, before.Utilization)

	drv.Throttle(1)
	assert.Equal(t, driver.HealthNormal, (<-events).Kind)
	fast := slow
	for range 20 { // other programs share the machine
		start = time.Now()
		require.NoError(t, d.Fill(ctx, b.All(), []byte{1}))
		fast = min(fast, time.Since(start))
	}
	assert.Less(t, fast, slow)
}

func TestLiesAndHiddenCapabilities(t *testing.T) {
	drv, d := open(t, &emu.Options{Lies: driver.CapFiller | driver.CapCollective, Hidden: driver.CapCopier | driver.CapStreamer})
	caps := d.Info().Caps
	assert.True(t, caps.Has(driver.CapFiller))
	assert.False(t, caps.Has(driver.CapCopier))
	b := buffer(t, d, 8)
	assert.ErrorIs(t, d.Fill(ctx, b.All(), []byte{1}), adapter.Unsupported)
	_, err := drv.NewCommID()
	assert.ErrorIs(t, err, driver.Unsupported)
	s := stream(t, d)
	assert.Nil(t, s.Driver(), "to a program it is synchronous")
	_, err = drv.NewStream()
	assert.NoError(t, err, "but it works")
	low, _ := b.Slice(0, 4)
	high, _ := b.Slice(4, 4)
	require.NoError(t, d.CopyIn(ctx, low, []byte{1, 2, 3, 4}))
	require.NoError(t, d.Copy(ctx, high, low), "through the host")
	assert.True(t, bytes.Equal(read(t, d, b)[4:], []byte{1, 2, 3, 4}))
}

func TestFaultsInjectedLater(t *testing.T) {
	drv, d := open(t, &emu.Options{Faults: []emu.Fault{{Op: "Alloc", Kind: emu.OOM, Every: 1}}})
	_, err := d.Alloc(8, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.OutOfMemory)
	require.ErrorIs(t, drv.InjectFaults("Alloc@x=oom"), driver.InvalidArgument)
	_, err = d.Alloc(8, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.OutOfMemory, "a schedule that cannot be read changes nothing")
	require.NoError(t, drv.InjectFaults("CopyIn@2=fail"))
	b := buffer(t, d, 8)
	require.NoError(t, d.CopyIn(ctx, b.All(), make([]byte, 8)))
	require.ErrorIs(t, d.CopyIn(ctx, b.All(), make([]byte, 8)), adapter.Internal, "counted from when it was injected")
	require.NoError(t, drv.InjectFaults(""))
	require.NoError(t, d.CopyIn(ctx, b.All(), make([]byte, 8)))
}
