package emu_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/emu"
)

func TestPartitionsAreDevicesOfTheirOwn(t *testing.T) {
	drv, d := open(t, &emu.Options{Memory: 1 << 20})
	a, err := d.Partition(ctx, driver.PartitionSpec{Memory: 1 << 18, Compute: 0.25})
	require.NoError(t, err)
	b, err := d.Partition(ctx, driver.PartitionSpec{Memory: 1 << 18, Compute: 0.5})
	require.NoError(t, err)
	assert.Equal(t, "emu/1", a.Name())
	assert.EqualValues(t, 1<<18, a.Info().Memory)
	assert.EqualValues(t, 1<<19, drv.Stats().InUse, "quotas are taken from the device")

	_, err = a.Alloc(1<<18+1, driver.DeviceMemory)
	assert.ErrorIs(t, err, adapter.OutOfMemory, "its own memory and no more")
	full := buffer(t, a, 1<<18)
	other := buffer(t, b, 1<<18)
	assert.ErrorIs(t, b.CopyIn(ctx, full.All(), make([]byte, 1<<18)), adapter.InvalidArgument, "memory of another partition")
	require.NoError(t, b.CopyFrom(ctx, other.All(), a, full.All()), "but by a peer copy")

	_, err = d.Partition(ctx, driver.PartitionSpec{Memory: 1<<19 + 1, Compute: 0.1})
	assert.ErrorIs(t, err, adapter.OutOfMemory)
	_, err = d.Partition(ctx, driver.PartitionSpec{Memory: 1, Compute: 0.26})
	assert.ErrorIs(t, err, adapter.Unavailable)

	require.NoError(t, a.Close())
	assert.EqualValues(t, 1<<18, drv.Stats().InUse)
	assert.Equal(t, adapter.StatusReady, b.Status(), "a neighbour's end is its own")
	part, err := drv.Partition(ctx, driver.PartitionSpec{Memory: 1, Compute: 0.5})
	require.NoError(t, err)
	_, err = drv.Partition(ctx, driver.PartitionSpec{Memory: 1, Compute: 0.5})
	assert.ErrorIs(t, err, driver.Unavailable, "the driver keeps count itself")
	for _, spec := range []driver.PartitionSpec{{Memory: 0, Compute: 1}, {Memory: 1}, {Memory: 1, Compute: 2}} {
		_, err = drv.Partition(ctx, spec)
		assert.ErrorIs(t, err, driver.InvalidArgument)
	}
	require.NoError(t, part.Close())
}

func TestFaultsOfAPartitionAreItsOwn(t *testing.T) {
	drv, d := open(t, nil)
	a, err := drv.Partition(ctx, driver.PartitionSpec{Memory: 1 << 20, Compute: 0.5})
	require.NoError(t, err)
	b, err := d.Partition(ctx, driver.PartitionSpec{Memory: 1 << 20, Compute: 0.5})
	require.NoError(t, err)
	a.(*emu.Device).Lose("broken")
	_, err = a.Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, driver.DeviceLost)
	_, err = b.Alloc(1, driver.DeviceMemory)
	assert.NoError(t, err)
	_, err = d.Alloc(1, driver.DeviceMemory)
	assert.NoError(t, err)

	drv.Lose("all of it")
	_, err = b.Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, adapter.DeviceLost, "the whole takes its parts with it")
}

func TestComputeQuota(t *testing.T) {
	d := emu.New(&emu.Options{MaxDelay: -1})
	defer d.Close()
	part := func(of driver.Partitioner, compute float64) *emu.Device {
		p, err := of.Partition(ctx, driver.PartitionSpec{Memory: 1 << 20, Compute: compute})
		require.NoError(t, err)
		return p.(*emu.Device)
	}
	quarter := part(d, 0.25)
	defer quarter.Close()
	const took = 5 * time.Millisecond
	start := time.Now()
	quarter.Owe(took)
	assert.GreaterOrEqual(t, time.Since(start), 3*took, "a quarter of the units takes four times as long")
	half := part(quarter, 0.5)
	defer half.Close()
	start = time.Now()
	half.Owe(took)
	assert.GreaterOrEqual(t, time.Since(start), 7*took, "half of a quarter takes eight times as long")
	assert.Zero(t, d.Owed(), "the whole is as fast as it is")
	d.Owe(took)
	assert.Zero(t, d.Owed(), "the whole is as fast as it is")
}

func TestTensorsOnAPartition(t *testing.T) {
	_, d := open(t, nil)
	p, err := d.Partition(ctx, driver.PartitionSpec{Memory: 1 << 20, Compute: 1})
	require.NoError(t, err)
	on, err := p.Upload(ctx, tensor.Of([]float32{1, 2}))
	require.NoError(t, err)
	back, err := on.Download(ctx)
	require.NoError(t, err)
	assert.Equal(t, []float32{1, 2}, tensor.Slice[float32](back))
}
