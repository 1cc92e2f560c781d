package emu_test

import (
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/emu"
)

func TestFreshMemoryIsPoison(t *testing.T) {
	_, d := open(t, nil)
	for _, size := range []int64{1, 7, 4096, 10001} {
		want := strings.Repeat(emu.Poison, int(size/2+1))[:size]
		assert.Equal(t, want, string(read(t, d, buffer(t, d, size))))
	}
	for _, dtype := range []tensor.DType{tensor.Float16, tensor.BFloat16, tensor.Float32, tensor.Float64} {
		on, err := d.NewTensor(dtype, tensor.Shape{5})
		require.NoError(t, err)
		host, err := on.Download(ctx)
		require.NoError(t, err)
		for _, v := range host.Float64s() {
			assert.True(t, math.IsNaN(v), "%v poison reads as %v", dtype, v)
		}
	}
}

// faults reports whether f touches memory that it must not.
func faults(f func()) (fault bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			_, fault = recover().(interface{ Addr() uintptr })
		}()
		f()
	}()
	<-done
	return fault
}

var sink byte

func TestHostCannotTouchBuffers(t *testing.T) {
	requireProtection(t)
	drv, d := open(t, nil)
	b := buffer(t, d, 5000)
	pages := emu.Pages(b.All().Buffer)
	for _, i := range []int{0, 4999} {
		assert.True(t, faults(func() { sink = pages[i] }), "reading byte %d", i)
		assert.True(t, faults(func() { pages[i] = 1 }), "writing byte %d", i)
	}

	view, done, err := emu.View(drv, b.All())
	require.NoError(t, err)
	assert.False(t, faults(func() { view[4999] = 1 }), "the device works on it")
	again, doneAgain, err := emu.View(drv, b.All())
	require.NoError(t, err)
	require.NoError(t, done())
	assert.False(t, faults(func() { sink = again[4999] }), "another piece of work still does")
	assert.EqualValues(t, 1, sink)
	require.NoError(t, doneAgain())
	assert.True(t, faults(func() { sink = view[4999] }), "nobody does")
}

func requireProtection(t *testing.T) {
	if !emu.Protected {
		t.Skip("this platform does not protect pages")
	}
}

func TestOutOfMemory(t *testing.T) {
	drv, d := open(t, &emu.Options{Memory: 1 << 20})
	b := buffer(t, d, 1<<19+1)
	var e *adapter.Error
	_, err := d.Alloc(1<<19, driver.DeviceMemory)
	require.ErrorAs(t, err, &e)
	assert.Equal(t, adapter.OutOfMemory, e.Code)
	assert.True(t, e.Retryable, "freeing helps")
	assert.ErrorContains(t, err, "524288 bytes")
	require.NoError(t, b.Free())
	require.NoError(t, buffer(t, d, 1<<20).Free())

	for _, size := range []int64{1<<20 + 1, 1 << 40, math.MaxInt64} {
		_, err = d.Alloc(size, driver.DeviceMemory)
		require.ErrorAs(t, err, &e)
		assert.Equal(t, adapter.OutOfMemory, e.Code)
		assert.False(t, e.Retryable, "%d never fit", size)
	}
	_, err = drv.Alloc(0, driver.DeviceMemory)
	assert.ErrorIs(t, err, driver.InvalidArgument)
	_, err = drv.Alloc(math.MinInt64, driver.DeviceMemory)
	assert.ErrorIs(t, err, driver.InvalidArgument)
}

func TestStats(t *testing.T) {
	drv, d := open(t, &emu.Options{Memory: 1 << 20})
	a, b := buffer(t, d, 1), buffer(t, d, 1)
	page := drv.Stats().InUse / 2
	assert.Positive(t, page)
	c := buffer(t, d, page+1)
	known := driver.StatLargestAlloc | driver.StatLargestFree | driver.StatReserved | driver.StatFailed
	assert.Equal(t, driver.Stats{
		InUse: 4 * page, Peak: 4 * page, Allocs: 3, Limit: 1 << 20, Known: known, LargestAlloc: page + 1, LargestFree: 1<<20 - 4*page,
	}, d.Stats(), "in whole pages")
	for _, b := range []*adapter.Buffer{a, b, c} {
		require.NoError(t, b.Free())
	}
	assert.Equal(t, driver.Stats{
		Peak: 4 * page, Allocs: 3, Frees: 3, Limit: 1 << 20, Known: known, LargestAlloc: page + 1, LargestFree: 1 << 20,
	}, d.Stats())
}

func TestAlignment(t *testing.T) {
	_, d := open(t, nil)
	for _, size := range []int64{1, 100, 5000} {
		assert.Zero(t, uintptr(unsafe.Pointer(unsafe.SliceData(emu.Pages(buffer(t, d, size).All().Buffer))))%64)
	}
}

func TestManySmallBuffers(t *testing.T) {
	_, d := open(t, nil)
	before := countMappings(t)
	buffers := make([]*adapter.Buffer, 20000*4096/os.Getpagesize())
	for i := range buffers {
		buffers[i] = buffer(t, d, 8)
	}
	assert.Less(t, countMappings(t), before+100, "the system joins their mappings")
	require.NoError(t, d.CopyIn(ctx, buffers[len(buffers)/2].All(), make([]byte, 8)))
	for i := 0; i < len(buffers); i += 2 {
		require.NoError(t, buffers[i].Free())
	}
}

func TestBuffersAreChecked(t *testing.T) {
	drv, d := open(t, nil)
	other := emu.New(nil)
	defer other.Close()
	foreign, err := other.Alloc(8, driver.DeviceMemory)
	require.NoError(t, err)
	b := buffer(t, d, 8).All()
	freed := buffer(t, d, 8)
	stale := freed.All()
	require.NoError(t, freed.Free())
	s := stream(t, d).Driver()
	host := make([]byte, 8)
	for name, c := range map[string]struct {
		region driver.Region
		code   driver.Code
	}{
		"freed":     {stale, driver.Closed},
		"foreign":   {driver.Region{Buffer: foreign, Size: 8}, driver.InvalidArgument},
		"none":      {driver.Region{Size: 8}, driver.InvalidArgument},
		"outside":   {driver.Region{Buffer: b.Buffer, Offset: 1, Size: 8}, driver.InvalidArgument},
		"before":    {driver.Region{Buffer: b.Buffer, Offset: -1, Size: 8}, driver.InvalidArgument},
		"far":       {driver.Region{Buffer: b.Buffer, Offset: math.MaxInt64, Size: 8}, driver.InvalidArgument},
		"too small": {driver.Region{Buffer: b.Buffer, Size: 7}, driver.InvalidArgument},
	} {
		for _, err := range []error{
			drv.CopyIn(ctx, c.region, host), drv.CopyOut(ctx, host, c.region),
			drv.CopyInAsync(s, c.region, host), drv.CopyOutAsync(s, host, c.region),
			drv.Copy(s, c.region, b), drv.Copy(nil, b, c.region),
		} {
			require.ErrorIs(t, err, c.code, name)
			var e *driver.Error
			require.ErrorAs(t, err, &e, name)
			assert.NotEmpty(t, e.Op, name)
		}
	}
	assert.ErrorIs(t, stale.Buffer.Free(), driver.Closed, "freed twice")
	assert.NoError(t, drv.Synchronize(ctx), "nothing of that was enqueued")
}

func TestFreeWaitsForWorkEnqueuedBefore(t *testing.T) {
	g := newGate("CopyIn")
	drv, d := open(t, &emu.Options{Fault: g.fault})
	b, s := buffer(t, d, 4), stream(t, d)
	got := make([]byte, 4)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1, 2, 3, 4}))
	require.NoError(t, s.CopyOut(ctx, got, b.All()))
	stale := b.All()
	require.NoError(t, b.Free())
	assert.EqualValues(t, 1, drv.Stats().Frees)
	assert.Positive(t, drv.Stats().InUse, "the pages are still needed")
	assert.ErrorIs(t, s.CopyOut(ctx, got, stale), adapter.Closed, "nothing new may use it")
	close(g.opened)
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, []byte{1, 2, 3, 4}, got)
	assert.Zero(t, drv.Stats().InUse)
}
