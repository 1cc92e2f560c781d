package emu_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/emu"
)

func TestHotUnplug(t *testing.T) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	changes := adapter.Watch(watching, time.Minute) // the driver watches itself
	for _, name := range []string{"emu:0", "emu:1"} {
		c := <-changes
		assert.Equal(t, name, c.Name)
		assert.Equal(t, driver.HealthAdded, c.Kind)
	}
	d, err := adapter.Open(ctx, "emu:1", nil)
	require.NoError(t, err)
	defer d.Close()
	events, err := d.Watch(ctx)
	require.NoError(t, err)
	assert.Equal(t, driver.HealthNormal, (<-events).Kind)
	b, s := buffer(t, d, 64<<10), stream(t, d)
	for range 200 {
		require.NoError(t, s.CopyIn(ctx, b.All(), make([]byte, 64<<10)))
	}
	inFlight := make(chan error, 1)
	go func() { inFlight <- s.Synchronize(ctx) }()

	start := time.Now()
	require.NoError(t, emu.Unplug(1, "someone pulled it out"))
	defer func() {
		if err := emu.Plug(1); err != nil {
			assert.ErrorIs(t, err, driver.InvalidArgument, "it is back already")
		}
	}()
	err = <-inFlight
	assert.ErrorIs(t, err, adapter.DeviceLost)
	assert.ErrorContains(t, err, "someone pulled it out")
	lost := <-events
	assert.Less(t, time.Since(start), driver.LossBound)
	assert.Equal(t, driver.HealthLost, lost.Kind)
	gone := <-changes
	assert.Equal(t, "emu:1", gone.Name)
	assert.Equal(t, driver.HealthRemoved, gone.Kind)

	// Handles stay safe.
	_, err = d.Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, adapter.DeviceLost)
	assert.ErrorIs(t, s.CopyIn(ctx, b.All(), make([]byte, 64<<10)), adapter.DeviceLost)
	assert.NoError(t, b.Free())
	assert.NoError(t, s.Close(), "its failure was reported")

	// It cannot be opened, and says why, until it is back.
	_, err = adapter.Open(ctx, "emu:1", nil)
	require.ErrorIs(t, err, adapter.Unavailable)
	assert.ErrorContains(t, err, "someone pulled it out")
	infos, err := emu.Driver{}.Probe(ctx)
	require.NoError(t, err)
	assert.Equal(t, driver.CauseRemoved, infos[1].Cause)
	_, err = emu.Driver{}.Open(ctx, 1, &driver.Options{})
	assert.ErrorIs(t, err, driver.Unavailable)
	assert.ErrorIs(t, emu.Unplug(1, "again"), driver.InvalidArgument)

	require.NoError(t, emu.Plug(1))
	assert.Equal(t, driver.HealthAdded, (<-changes).Kind)
	again, err := adapter.Open(ctx, "emu:1", nil)
	require.NoError(t, err)
	require.NoError(t, again.Fill(ctx, buffer(t, again, 8).All(), []byte{1}))
	require.NoError(t, again.Close())

	assert.ErrorIs(t, emu.Plug(1), driver.InvalidArgument)
	assert.ErrorIs(t, emu.Plug(99), driver.NotFound)
	assert.ErrorIs(t, emu.Unplug(-1, ""), driver.NotFound)
}

func TestLossIsToldToThoseWhoComeLate(t *testing.T) {
	drv, _ := open(t, nil)
	drv.Lose("early")
	var got []driver.HealthEvent
	require.NoError(t, drv.Watch(ctx, func(e driver.HealthEvent) { got = append(got, e) }))
	require.Len(t, got, 1)
	assert.Equal(t, driver.HealthLost, got[0].Kind)
	assert.Contains(t, got[0].Text, "early")
}

// The environment is read once in a process, so another one has to be asked.
func TestDevicesOfTheEnvironment(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("there are no child processes")
	}
	if os.Getenv("MIDPLANE_TEST_CHILD") == "" {
		for devices, want := range map[string]string{
			"gpu*2:8G,fpga, npu:512M": "ok", "toaster": "classes are", "gpu*0": "gpu*2:8G", "gpu*65": "at most 64", "gpu:0": "gpu*2:8G", "gpu:99999999999G": "gpu*2:8G",
		} {
			child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDevicesOfTheEnvironment$", "-test.v")
			child.Env = append(os.Environ(), emu.Devices+"="+devices, emu.Faults+"=Alloc@1=oom", "MIDPLANE_TEST_CHILD="+want)
			out, err := child.CombinedOutput()
			if errors.Is(err, syscall.ENOEXEC) {
				t.Skip("the system does not start programs of this processor by itself: it is emulated")
			}
			assert.NoError(t, err, "%s: %s", devices, out)
		}
		return
	}
	infos, err := emu.Driver{}.Probe(ctx)
	if want := os.Getenv("MIDPLANE_TEST_CHILD"); want != "ok" {
		require.ErrorIs(t, err, driver.InvalidArgument)
		assert.ErrorContains(t, err, want)
		return
	}
	require.NoError(t, err)
	require.Len(t, infos, 6)
	for i, want := range []struct {
		class  driver.Class
		memory int64
	}{{driver.Accelerator, 16 << 30}, {driver.Accelerator, 1 << 30}, {driver.GPU, 8 << 30}, {driver.GPU, 8 << 30}, {driver.FPGA, 1 << 30}, {driver.NPU, 512 << 20}} {
		assert.Equal(t, want.class, infos[i].Class, i)
		assert.Equal(t, want.memory, infos[i].Memory, i)
	}
	d, err := adapter.Open(ctx, "emu:5", nil)
	require.NoError(t, err)
	_, err = d.Alloc(1, driver.DeviceMemory)
	assert.ErrorIs(t, err, adapter.OutOfMemory, "as the schedule says")
	links := d.Links()
	assert.Len(t, links, 5)
	require.NoError(t, d.Close())
}

func TestUnload(t *testing.T) {
	d, err := adapter.Open(ctx, "emu", nil)
	require.NoError(t, err)
	require.NoError(t, emu.Unplug(1, "for a test"))
	require.ErrorIs(t, emu.Driver{}.Unload(ctx), driver.Unavailable, "a device is open")
	require.NoError(t, d.Close())
	require.NoError(t, emu.Driver{}.Unload(ctx))
	d, err = adapter.Open(ctx, "emu:1", nil)
	require.NoError(t, err, "used again, the driver begins anew")
	require.NoError(t, d.Close())
}
