package pool_test

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
	_ "example.com/midplane/backends/cpu"
	"example.com/midplane/backends/emu"
)

func TestMain(m *testing.M) {
	os.Setenv(emu.Devices, "gpu*2:16M,npu:8M,fpga:8M") // emu:2 and emu:3, emu:4, emu:5
	os.Exit(m.Run())
}

// openRack is a rack of real devices.
func openRack(t *testing.T, names ...string) *rack {
	t.Helper()
	r := &rack{t: t, clock: pool.NewManual(epoch)}
	var err error
	r.Pool, err = pool.Open(ctx, names, &pool.Options{Clock: r.clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func TestEveryKindThroughOneInterface(t *testing.T) {
	r := openRack(t)
	for _, kind := range []driver.Class{driver.CPU, driver.GPU, driver.NPU, driver.FPGA} {
		if kind == driver.CPU && runtime.GOMAXPROCS(0) < 2 {
			continue // one thread is not divided
		}
		l := r.take("kind=" + string(kind) + ",memory=1MiB,compute=0.25,count=2")
		first, second := l.Devices()[0], l.Devices()[1]
		assert.Equal(t, kind, first.Info().Class)
		b, err := first.Alloc(1<<20, driver.DeviceMemory)
		require.NoError(t, err)
		_, err = first.Alloc(1, driver.DeviceMemory)
		assert.ErrorIs(t, err, adapter.OutOfMemory, "%s keeps the quota", kind)
		own, err := second.Alloc(1<<20, driver.DeviceMemory)
		require.NoError(t, err, "which is nobody else's")
		require.NoError(t, first.Fill(ctx, b.All(), []byte{7}))
		got := make([]byte, 16)
		require.NoError(t, first.CopyOut(ctx, got, driver.Region{Buffer: b.All().Buffer, Size: 16}))
		assert.EqualValues(t, 7, got[15])
		require.NoError(t, second.Fill(ctx, own.All(), []byte{9}))
		require.NoError(t, l.Release())
	}
	for _, c := range r.Snapshot().Cards {
		assert.Zero(t, c.MemoryHeld)
	}
}

// A processor's units are its threads: nobody gets less than was asked for, and
// no thread is given twice.
func TestProcessorIsDividedByThreads(t *testing.T) {
	r := openRack(t, "cpu")
	threads := runtime.GOMAXPROCS(0)
	var leases []*pool.Lease
	for range threads {
		leases = append(leases, r.take("kind=cpu,memory=1MiB,compute=0.0001"))
	}
	for _, l := range leases {
		assert.InDelta(t, 1/float64(threads), l.Instances()[0].Compute(), 1e-9)
	}
	more := r.ask("kind=cpu,memory=1MiB,compute=0.0001")
	assert.True(t, more.waits())
	require.NoError(t, leases[0].Release())
	more.got(t)
}

// A device that is opened again with less memory cannot share its units: they go
// to one instance.
func TestUnitsThatCannotBeShared(t *testing.T) {
	adapter.Register(plainDriver{})
	defer func() { require.NoError(t, adapter.Unregister(ctx, "plainfpga")) }()
	r := openRack(t, "plainfpga")
	l := r.take("kind=fpga,memory=10B,compute=0.1")
	assert.Equal(t, 1.0, l.Instances()[0].Compute())
	assert.EqualValues(t, 10, l.Instances()[0].Memory())
	assert.True(t, r.ask("kind=fpga,memory=10B,compute=0.1").waits())
	require.NoError(t, r.Close())
}

// plainDriver has a device that cannot be divided.
type plainDriver struct{}

func (plainDriver) Name() string { return "plainfpga" }

func (plainDriver) Probe(context.Context) ([]driver.Info, error) { return []driver.Info{{}}, nil }

func (plainDriver) Open(context.Context, int, *driver.Options) (driver.Device, error) {
	return plainDevice{}, nil
}

type plainDevice struct{ driver.Unimplemented }

func (plainDevice) Info() driver.Info { return driver.Info{Class: driver.FPGA, Memory: 100} }

func TestUnpluggedCardComesBack(t *testing.T) {
	r := openRack(t, "emu:2", "emu:3")
	l := r.take("kind=gpu,memory=1MiB,compute=1,restart=loss")
	require.Equal(t, []string{"emu:2"}, cardsOf(l))
	waits := r.ask("kind=gpu,memory=1MiB,compute=1,count=2,gang=true")
	require.NoError(t, emu.Unplug(2, "a test"))
	next, err := l.Next(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"emu:3"}, cardsOf(next))
	require.ErrorIs(t, l.Err(), pool.CardLost)
	_, err = l.Devices()[0].Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, driver.DeviceLost)
	r.Settle(r.asked)
	assert.True(t, waits.waits(), "the pool looks for the card, so that there is hope")
	require.NoError(t, next.Release())

	r.clock.Advance(10 * time.Second)
	assert.True(t, waits.waits())
	require.NoError(t, r.take("kind=gpu,memory=1MiB,compute=1").Release(), "whoever waits for a lost card keeps nothing free")
	require.NoError(t, emu.Plug(2))
	r.clock.Advance(time.Second)
	gang := waits.got(t)
	assert.Equal(t, []string{"emu:2", "emu:3"}, cardsOf(gang))
	assert.Equal(t, adapter.StatusReady, r.Snapshot().Cards[0].Status)
	assert.EqualValues(t, 1, r.Snapshot().Counts.Lost)
}

func TestFaultsOfAnInstanceAreItsOwn(t *testing.T) {
	r := openRack(t, "emu:4")
	a, b := r.take("kind=npu,memory=1MiB,compute=0.5,restart=loss"), r.take("kind=npu,memory=1MiB,compute=0.5")
	breaks, ok := adapter.As[interface{ Lose(why string) }](a.Devices()[0])
	require.True(t, ok)
	breaks.Lose("a cosmic ray")
	_, err := a.Devices()[0].Alloc(1, driver.DeviceMemory)
	require.ErrorIs(t, err, driver.DeviceLost)
	next, err := a.Next(ctx)
	require.NoError(t, err)
	require.ErrorIs(t, a.Err(), pool.InstanceLost)
	_, err = next.Devices()[0].Alloc(1, driver.DeviceMemory)
	assert.NoError(t, err)
	_, err = b.Devices()[0].Alloc(1, driver.DeviceMemory)
	assert.NoError(t, err, "the neighbour goes on")
}

func TestTelemetryAndHealthOfCards(t *testing.T) {
	r := openRack(t, "emu:5")
	s := r.Snapshot()
	require.NotNil(t, s.Cards[0].Telemetry)
	assert.Positive(t, s.Cards[0].Telemetry.Power)
	l := r.take("memory=1MiB,compute=1")
	_, err := l.Devices()[0].Alloc(int64(os.Getpagesize()), driver.DeviceMemory)
	require.NoError(t, err)
	r.clock.Advance(time.Second)
	s = r.Snapshot()
	assert.EqualValues(t, os.Getpagesize(), s.Cards[0].MemoryInUse)
	assert.EqualValues(t, 1<<20, s.Cards[0].MemoryHeld)
	assert.Equal(t, 1.0, s.Cards[0].ComputeHeld)
	assert.Equal(t, 1.0, s.Cards[0].ComputeUtilization)
	assert.Equal(t, 0.125, s.Cards[0].MemoryUtilization, "1 of 8 MiB all the time")
	require.Len(t, s.Leases, 1)
	assert.Equal(t, "r0", s.Leases[0].Request.Name)
	assert.EqualValues(t, 1, s.Leases[0].Instances[0].Stats.Allocs)
	assert.Equal(t, "emu:5/1", s.Leases[0].Instances[0].Name)
}
