package adapter_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

func TestAsHonoursCapabilityBits(t *testing.T) {
	quiet := adapter.New("quiet", &rich{})
	_, ok := adapter.As[driver.Copier](quiet)
	assert.False(t, ok, "implemented, not declared")
	loud := adapter.New("loud", &rich{plain{caps: driver.CapCopier}})
	_, ok = adapter.As[driver.Copier](loud)
	assert.True(t, ok)
	_, ok = adapter.As[driver.Streamer](loud)
	assert.False(t, ok, "declared one, not the other")
	boast := adapter.New("boast", &plain{caps: driver.CapCopier})
	_, ok = adapter.As[driver.Copier](boast)
	assert.False(t, ok, "declared, not implemented")
	_, ok = adapter.As[interface{ called(string) error }](boast)
	assert.True(t, ok, "an interface without a bit needs none")
}

func TestErrorsNameTheDevice(t *testing.T) {
	vendor := &driver.Error{Code: driver.OutOfMemory, Scope: driver.ScopeDevice, Retryable: true, VendorCode: 2, VendorText: "ENOMEM", Text: "9 bytes"}
	for _, c := range []struct {
		fail error
		code driver.Code
		text string
	}{
		{vendor, adapter.OutOfMemory, "npu:1: Alloc: out of memory: 9 bytes (vendor: 2 ENOMEM)"},
		{fmt.Errorf("bank 3: %w", vendor), adapter.OutOfMemory, "npu:1: Alloc: out of memory (vendor: 2 ENOMEM): bank 3: out of memory: 9 bytes (vendor: 2 ENOMEM)"},
		{errBroken, adapter.Internal, "npu:1: Alloc: internal error: the cable is broken"},
		{context.DeadlineExceeded, adapter.Canceled, "npu:1: Alloc: canceled: context deadline exceeded"},
		{fmt.Errorf("waiting: %w", context.Canceled), adapter.Canceled, "npu:1: Alloc: canceled: waiting: context canceled"},
	} {
		_, err := adapter.New("npu:1", &plain{fail: c.fail}).Alloc(4, driver.DeviceMemory)
		var e *adapter.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "npu:1", e.Device)
		assert.ErrorIs(t, err, c.code)
		assert.EqualError(t, err, c.text)
	}
	assert.Empty(t, vendor.Device, "the driver's own error must not be changed")

	_, err := adapter.New("npu:1", &plain{fail: fmt.Errorf("bank 3: %w", vendor)}).Alloc(4, driver.DeviceMemory)
	var e *adapter.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, driver.ScopeDevice, e.Scope)
	assert.True(t, e.Retryable)
	assert.ErrorIs(t, err, vendor)
}

func TestEveryCallNamesItsFailure(t *testing.T) {
	r := &rich{plain{caps: allCaps}}
	d := adapter.New("npu:1", r)
	b, err := d.Alloc(8, driver.DeviceMemory)
	require.NoError(t, err)
	s, err := d.NewStream()
	require.NoError(t, err)
	e, err := d.NewEvent()
	require.NoError(t, err)
	at, host := b.All(), make([]byte, 8)
	half := driver.Region{Buffer: at.Buffer, Offset: 4, Size: 4}
	quarter := driver.Region{Buffer: at.Buffer, Size: 4}
	r.fail = driver.Errorf(driver.DeviceLost, "", "gone")
	for name, call := range map[string]func() error{
		"Alloc":             func() error { _, err := d.Alloc(1, driver.PinnedMemory); return err },
		"Import":            func() error { _, err := d.Import(ctx, host); return err },
		"CopyIn":            func() error { return d.CopyIn(ctx, at, host) },
		"CopyOut":           func() error { return d.CopyOut(ctx, host, at) },
		"NewStream":         func() error { _, err := d.NewStream(); return err },
		"NewEvent":          func() error { _, err := d.NewEvent(); return err },
		"CopyInAsync":       func() error { return s.CopyIn(ctx, at, host) },
		"CopyOutAsync":      func() error { return s.CopyOut(ctx, host, at) },
		"Copy":              func() error { return s.Copy(ctx, half, quarter) },
		"Record":            func() error { return s.Record(e) },
		"Wait":              func() error { return s.Wait(ctx, e) },
		"Since":             func() error { _, err := e.Since(e); return err },
		"Synchronize":       func() error { return s.Synchronize(ctx) },
		"Synchronize event": func() error { return e.Synchronize(ctx) },
	} {
		err := call()
		require.ErrorIs(t, err, adapter.DeviceLost, name)
		op, _, _ := strings.Cut(name, " ")
		assert.ErrorContains(t, err, "npu:1: "+op+": device lost: gone")
	}
}

func TestUnimplementedIsATypedError(t *testing.T) {
	d := adapter.New("bare", struct{ driver.Unimplemented }{})
	_, err := d.Alloc(1, driver.DeviceMemory)
	require.ErrorIs(t, err, adapter.Unsupported)
	assert.EqualError(t, err, "bare: Alloc: unsupported: the driver does not implement it")
	assert.NoError(t, d.Synchronize(ctx))
	assert.NoError(t, d.Close())
}

func TestStatsAreCountedWhereTheDriverDoesNot(t *testing.T) {
	d := adapter.New("plain", &plain{})
	a, err := d.Alloc(100, driver.DeviceMemory)
	require.NoError(t, err)
	b, err := d.Alloc(50, driver.DeviceMemory)
	require.NoError(t, err)
	require.NoError(t, a.Free())
	known := driver.StatLargestAlloc | driver.StatFailed
	assert.Equal(t, driver.Stats{InUse: 50, Peak: 150, Allocs: 2, Frees: 1, Limit: 1000, Known: known, LargestAlloc: 100}, d.Stats())
	require.NoError(t, b.Free())
	assert.Equal(t, driver.Stats{Peak: 150, Allocs: 2, Frees: 2, Limit: 1000, Known: known, LargestAlloc: 100}, d.Stats())

	own := adapter.New("rich", &rich{plain{caps: driver.CapStatter}})
	assert.Equal(t, driver.Stats{InUse: 11, Limit: 22}, own.Stats())
}

func TestValueSizeAndAlignment(t *testing.T) {
	d := adapter.New("plain", &plain{})
	assert.EqualValues(t, 12, d.ValueSize(tensor.Float32, tensor.Shape{3}))
	assert.EqualValues(t, 2, d.ValueSize(tensor.Int4, tensor.Shape{3}), "two int4 in a byte")
	assert.EqualValues(t, 8, d.ValueSize(tensor.Int64, tensor.Shape{}))
	assert.EqualValues(t, 0, d.ValueSize(tensor.Int64, tensor.Shape{4, 0}))
	assert.EqualValues(t, 64, d.Alignment())

	own := adapter.New("rich", &rich{plain{caps: driver.CapSizer}})
	assert.EqualValues(t, 256, own.ValueSize(tensor.Float32, tensor.Shape{3}))
	assert.EqualValues(t, 256, own.Alignment())
}

func TestUseAfterClose(t *testing.T) {
	for name, dev := range map[string]driver.Device{"plain": &plain{}, "rich": &rich{plain{caps: allCaps}}} {
		d := adapter.New(name, dev)
		b, err := d.Alloc(8, driver.DeviceMemory)
		require.NoError(t, err)
		s, err := d.NewStream()
		require.NoError(t, err)
		e, err := d.NewEvent()
		require.NoError(t, err)
		on, err := d.Upload(ctx, tensor.Of([]int8{1}))
		require.NoError(t, err)
		require.NoError(t, d.Close())
		require.NoError(t, d.Close(), "closing twice does nothing")

		at, host := b.All(), make([]byte, 8)
		for call, err := range map[string]error{
			"Alloc":              second(d.Alloc(1, driver.DeviceMemory)),
			"Import":             second(d.Import(ctx, host)),
			"CopyIn":             d.CopyIn(ctx, at, host),
			"CopyIn of nothing":  d.CopyIn(ctx, driver.Region{Buffer: at.Buffer}, nil),
			"CopyOut":            d.CopyOut(ctx, host, at),
			"NewStream":          second(d.NewStream()),
			"NewEvent":           second(d.NewEvent()),
			"NewTensor":          second(d.NewTensor(tensor.Int8, nil)),
			"Download":           second(on.Download(ctx)),
			"Synchronize":        d.Synchronize(ctx),
			"Stream.CopyIn":      s.CopyIn(ctx, at, host),
			"Stream.CopyOut":     s.CopyOut(ctx, host, at),
			"Stream.Copy":        s.Copy(ctx, at, at),
			"Stream.Record":      s.Record(e),
			"Stream.Wait":        s.Wait(ctx, e),
			"Stream.Synchronize": s.Synchronize(ctx),
			"Event.Synchronize":  e.Synchronize(ctx),
			"Event.Since":        second(e.Since(e)),
		} {
			assert.ErrorIs(t, err, adapter.Closed, "%s on %s", call, name)
		}
		_, ok := d.HostBytes(at)
		assert.False(t, ok)
		assert.NoError(t, b.Free(), "closing the device freed it")
		assert.NoError(t, on.Free())
		assert.NoError(t, s.Close())
		assert.NoError(t, e.Close())
		d.Stats()
	}
}

func second[T any](_ T, err error) error { return err }

// busy is a device whose copies take until it is told to go on.
type busy struct {
	plain
	started, release chan struct{}
	closed           bool
	late             bool // a copy ended after Close
}

func (b *busy) CopyIn(context.Context, driver.Region, []byte) error {
	b.started <- struct{}{}
	<-b.release
	b.late = b.closed
	return nil
}

func (b *busy) Close() error { b.closed = true; return nil }

func TestCloseWaitsForCallsUnderWay(t *testing.T) {
	dev := &busy{started: make(chan struct{}), release: make(chan struct{})}
	d := adapter.New("busy", dev)
	b, err := d.Alloc(1, driver.DeviceMemory)
	require.NoError(t, err)
	copied, closed := make(chan error), make(chan error)
	go func() { copied <- d.CopyIn(ctx, b.All(), []byte{1}) }()
	<-dev.started
	go func() { closed <- d.Close() }()

	require.Eventually(t, func() bool { return d.Synchronize(ctx) != nil }, time.Second, time.Millisecond,
		"calls are refused while Close waits, and do not wait for it")
	select {
	case <-closed:
		t.Fatal("Close returned while a copy was under way")
	case <-time.After(5 * time.Millisecond):
	}
	close(dev.release)
	require.NoError(t, <-copied)
	require.NoError(t, <-closed)
	assert.False(t, dev.late)
}

func TestCloseAmongManyCalls(t *testing.T) {
	for range 50 {
		r := &rich{plain{caps: allCaps}}
		d := adapter.New("rich", r)
		var work sync.WaitGroup
		for range 8 {
			work.Go(func() {
				for {
					b, err := d.Alloc(8, driver.DeviceMemory)
					if err != nil {
						assert.ErrorIs(t, err, adapter.Closed)
						return
					}
					b.Free()
				}
			})
		}
		require.NoError(t, d.Close())
		work.Wait()
		assert.Equal(t, "Close", r.calls[len(r.calls)-1], "no call reaches a driver after Close")
	}
}
