package adapter_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func TestStreamOfASynchronousDevice(t *testing.T) {
	p := &plain{}
	d := adapter.New("plain", p)
	s, err := d.NewStream()
	require.NoError(t, err)
	assert.Nil(t, s.Driver())
	assert.Same(t, d, s.Device())
	b, err := d.Alloc(4, driver.DeviceMemory)
	require.NoError(t, err)
	from, err := b.Slice(0, 2)
	require.NoError(t, err)
	to, err := b.Slice(2, 2)
	require.NoError(t, err)

	require.NoError(t, s.CopyIn(ctx, from, []byte{7, 8}))
	require.NoError(t, s.Copy(ctx, to, from))
	got := make([]byte, 4)
	require.NoError(t, s.CopyOut(ctx, got, b.All()))
	assert.Equal(t, []byte{7, 8, 7, 8}, got, "done when the call returns")
	require.NoError(t, s.Copy(ctx, driver.Region{Buffer: to.Buffer}, driver.Region{Buffer: to.Buffer}), "nothing onto nothing")
	require.NoError(t, s.Synchronize(ctx))
	require.NoError(t, s.Close())
	assert.Equal(t, []string{"Alloc", "CopyIn", "CopyOut", "CopyIn", "CopyOut"}, p.calls)
}

func TestEventsOfASynchronousDevice(t *testing.T) {
	d := adapter.New("plain", &plain{})
	s, err := d.NewStream()
	require.NoError(t, err)
	first, err := d.NewEvent()
	require.NoError(t, err)
	second, err := d.NewEvent()
	require.NoError(t, err)
	_, err = second.Since(first)
	require.ErrorIs(t, err, adapter.InvalidArgument, "never recorded")

	require.NoError(t, s.Record(first))
	_, err = second.Since(first)
	require.ErrorIs(t, err, adapter.InvalidArgument, "one is recorded, the other not")
	_, err = first.Since(second)
	require.ErrorIs(t, err, adapter.InvalidArgument)
	time.Sleep(2 * time.Millisecond)
	require.NoError(t, s.Record(second))
	require.NoError(t, s.Wait(ctx, first))
	require.NoError(t, second.Synchronize(ctx))
	took, err := second.Since(first)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, took, 2*time.Millisecond)
	assert.Less(t, took, 10*time.Second)
}

func TestStreamUsesWhatTheDriverDeclares(t *testing.T) {
	for name, c := range map[string]struct {
		caps driver.Caps
		want []string
	}{
		"nothing": {0,
			[]string{"CopyIn", "CopyOut", "CopyOut", "CopyIn"}},
		"streams without asynchronous copies": {driver.CapStreamer, []string{"NewStream",
			"Stream.Synchronize", "CopyIn", "Stream.Synchronize", "CopyOut",
			"Stream.Synchronize", "CopyOut", "Stream.Synchronize", "CopyIn"}},
		"streams with asynchronous copies": {driver.CapStreamer | driver.CapAsyncCopier, []string{"NewStream",
			"CopyInAsync", "CopyOutAsync", "CopyOutAsync", "Stream.Synchronize", "CopyIn"}},
		"asynchronous copies without streams": {driver.CapAsyncCopier,
			[]string{"CopyIn", "CopyOut", "CopyOut", "CopyIn"}},
		"copies inside the device": {driver.CapCopier,
			[]string{"CopyIn", "CopyOut", "Copy"}},
		"everything": {allCaps,
			[]string{"NewStream", "CopyInAsync", "CopyOutAsync", "Copy"}},
	} {
		r := &rich{plain{caps: c.caps}}
		d := adapter.New("rich", r)
		b, err := d.Alloc(4, driver.DeviceMemory)
		require.NoError(t, err)
		r.calls = nil
		s, err := d.NewStream()
		require.NoError(t, err)
		low, err := b.Slice(0, 2)
		require.NoError(t, err)
		high, err := b.Slice(2, 2)
		require.NoError(t, err)
		got := make([]byte, 2)
		require.NoError(t, s.CopyIn(ctx, low, []byte{1, 2}))
		require.NoError(t, s.CopyOut(ctx, got, low))
		assert.Equal(t, []byte{1, 2}, got, name)
		require.NoError(t, s.Copy(ctx, high, low))
		assert.Equal(t, c.want, r.calls, name)
		assert.Equal(t, []byte{1, 2}, slice(high), name)
	}
}

func TestEventsAcrossDevices(t *testing.T) {
	one, two := &rich{plain{caps: allCaps}}, &rich{plain{caps: allCaps}}
	a, b := adapter.New("a", one), adapter.New("b", two)
	s, err := a.NewStream()
	require.NoError(t, err)
	own, err := a.NewEvent()
	require.NoError(t, err)
	foreign, err := b.NewEvent()
	require.NoError(t, err)
	one.calls, two.calls = nil, nil

	require.NoError(t, s.Wait(ctx, own))
	assert.Equal(t, []string{"Wait"}, one.calls, "on the device")
	require.NoError(t, s.Wait(ctx, foreign))
	assert.Equal(t, []string{"Event.Synchronize"}, two.calls, "by the host")

	err = s.Record(foreign)
	require.ErrorIs(t, err, adapter.InvalidArgument)
	assert.ErrorContains(t, err, "the event is of b")
	_, err = own.Since(foreign)
	require.ErrorIs(t, err, adapter.InvalidArgument)
	assert.ErrorContains(t, err, "the earlier event is of b")
}

func TestStreamsAndEventsAfterClose(t *testing.T) {
	for name, dev := range map[string]driver.Device{"plain": &plain{}, "rich": &rich{plain{caps: allCaps}}} {
		d := adapter.New(name, dev)
		s, err := d.NewStream()
		require.NoError(t, err)
		open, err := d.NewStream()
		require.NoError(t, err)
		e, err := d.NewEvent()
		require.NoError(t, err)
		live, err := d.NewEvent()
		require.NoError(t, err)
		b, err := d.Alloc(1, driver.DeviceMemory)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.NoError(t, e.Close())
		for call, err := range map[string]error{
			"Synchronize": s.Synchronize(ctx), "Close": s.Close(), "Record": s.Record(live), "Wait": s.Wait(ctx, live),
			"CopyIn": s.CopyIn(ctx, b.All(), []byte{1}), "CopyOut": s.CopyOut(ctx, []byte{1}, b.All()), "Copy": s.Copy(ctx, b.All(), b.All()),
			"event's Synchronize": e.Synchronize(ctx), "event's Close": e.Close(), "Since it": second(e.Since(live)), "Since": second(live.Since(e)),
			"Record of it": open.Record(e), "Wait for it": open.Wait(ctx, e),
		} {
			assert.ErrorIs(t, err, adapter.Closed, "%s on %s", call, name)
		}
	}
}
