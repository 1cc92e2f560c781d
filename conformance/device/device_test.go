package device_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/driver/spec"
	_ "example.com/midplane/backends/cpu"
	"example.com/midplane/backends/emu"
	"example.com/midplane/conformance/device"
	"example.com/midplane/conformance/result"
)

// on returns a target by the device's name.
func on(name string) device.Target {
	d, _ := adapter.DriverOf(name)
	return device.Target{Driver: d, Open: func(ctx context.Context) (driver.Device, error) {
		return adapter.OpenDriver(ctx, name, nil)
	}}
}

// made returns a target of emulated devices of their own.
func made(o *emu.Options) device.Target {
	return device.Target{Driver: emu.Driver{}, Open: func(context.Context) (driver.Device, error) { return emu.New(o), nil }}
}

// Required functions pass on every device, optional ones on those that declare
// them: the emulated ones declare all.
func TestCells(t *testing.T) {
	for _, name := range []string{"cpu:0", "emu:0", "emu:1"} {
		for _, c := range device.All() {
			if c.Long {
				continue
			}
			t.Run(name+"/"+c.ID(), func(t *testing.T) {
				outcome, reason := c.Run(t.Context(), on(name))
				if outcome == result.UnsupportedDeclared {
					assert.NotEmpty(t, reason)
					assert.False(t, c.Function.Interface.Required && c.Aspect == "works", reason)
					assert.Equal(t, "cpu:0", name, reason)
					return
				}
				assert.Equal(t, result.Passed, outcome.Status(), "%s: %s", outcome, reason)
			})
		}
	}
}

// A function that the emulated device cannot have: its driver is never unloaded.
func TestEveryFunctionHasCells(t *testing.T) {
	seen := make(map[string]bool)
	aspects := make(map[string][]string)
	for _, c := range device.All() {
		assert.False(t, seen[c.ID()], "%s is there twice", c.ID())
		seen[c.ID()] = true
		parts := strings.Split(c.ID(), "/")
		require.Len(t, parts, 4, c.ID())
		assert.Equal(t, "device", parts[0])
		assert.NotContains(t, c.ID(), " ")
		aspects[c.Function.ID()] = append(aspects[c.Function.ID()], c.Aspect)
	}
	for _, f := range spec.Functions() {
		has := aspects[f.ID()]
		assert.NotEmpty(t, has, "%s has no cell", f.ID())
		if f.ID() != "Unloader.Unload" { // it ends the driver for every other cell
			assert.Contains(t, has, "works", f.ID())
		}
	}
	for _, i := range spec.Capabilities() {
		assert.Contains(t, aspects[i.Functions[0].ID()], "truth", i.Name)
		assert.True(t, device.There(i.Name), i.Name)
	}
}

// harmless are functions whose arguments cannot be wrong, or that say so
// otherwise.
var harmless = map[string]string{
	"HostImporter.Import": "any bytes can be imported", "Sizer.ValueSize": "any shape has a size", "PriorityStreamer.NewPriorityStream": "the nearest priority is taken",
	"Timeliner.NewTimeline": "any value can be the first", "Randomizer.NewGenerator": "any number is a seed", "Generator.SetState": "a generator can stand anywhere",
	"PeerCopier.PeerPath": "any device is near, far or out of reach", "Timeline.Await": "any value can be waited for",
	"Device.Synchronize": "it takes a context only", "Stream.Synchronize": "it takes a context only", "Event.Synchronize": "it takes a context only",
	"Driver.Probe": "it takes a context only", "DriverWatcher.WatchDevices": "any function can be told", "Watcher.Watch": "any function can be told",
}

// unreachable are functions that programs call under another name, or whose own
// cells close them.
var unreachable = map[string]string{
	"Driver.Name": "opened by name", "Driver.Probe": "opened by name", "Driver.Open": "opened by name", "Versioner.InterfaceVersion": "opened by name",
	"DriverWatcher.WatchDevices": "of no device", "Unloader.Unload": "of no device", "Device.Close": "closing again does nothing",
	"Buffer.Free": "refuses", "Stream.Close": "works", "Event.Close": "works", "Timeline.Close": "works", "Graph.Close": "works", "Generator.Close": "works",
	"Comm.Close": "works", "Profiler.StopProfile": "Device.Profile begins and ends",
}

func TestEveryFunctionMeetsBadInput(t *testing.T) {
	aspects := make(map[string][]string)
	for _, c := range device.All() {
		aspects[c.Function.ID()] = append(aspects[c.Function.ID()], c.Aspect)
	}
	for _, f := range spec.Functions() {
		called, _ := device.Called(f.ID())
		assert.NotEqual(t, called, unreachable[f.ID()] != "", "%s is called on closed and lost handles, or there is a reason why not", f.ID())
		refuses := slices.Contains(aspects[f.ID()], "refuses")
		if len(f.In) > 0 {
			assert.NotEqual(t, refuses, harmless[f.ID()] != "", "%s is given bad arguments, or there is a reason why not", f.ID())
		}
	}
}

// What a device lacks refuses bad input all the same, by the portable side.
func TestBadInputOfWhatIsAbsent(t *testing.T) {
	targets := map[string]device.Target{
		"cpu": on("cpu"), "emu without anything": made(&emu.Options{Hidden: ^driver.Caps(0)}), "emu with streams only": made(&emu.Options{Hidden: ^driver.CapStreamer}),
	}
	for name, target := range targets {
		dev, err := target.Open(t.Context())
		require.NoError(t, err)
		caps := dev.Info().Caps
		require.NoError(t, dev.Close())
		for _, c := range device.All() {
			if !slices.Contains([]string{"refuses", "closed", "canceled"}, c.Aspect) || device.Absent(c.Function, caps) {
				continue
			}
			t.Run(name+"/"+c.ID(), func(t *testing.T) {
				outcome, reason := c.Force(t.Context(), target)
				if reason == "Unloader is absent: There is nothing to give back." || strings.HasPrefix(reason, "Versioner is absent") {
					return
				}
				assert.Equal(t, result.Pass, outcome, reason)
			})
		}
	}
}

// What nothing stands in for is unsupported, with any input.
func TestWhatNothingStandsInFor(t *testing.T) {
	for _, c := range device.All() {
		if c.Aspect == "works" && device.Absent(c.Function, 0) && c.Function.ID() != "Partitioner.PartitionPlans" {
			outcome, reason := c.Force(t.Context(), made(&emu.Options{Hidden: ^driver.Caps(0)}))
			assert.Equal(t, result.UnsupportedUndeclared, outcome, "%s: %s", c.ID(), reason)
		}
	}
}

func truthOf(t *testing.T, capability string) device.Cell {
	for _, c := range device.All() {
		if c.Aspect == "truth" && c.Function.Interface.Name == capability {
			return c
		}
	}
	t.Fatalf("no truth cell for %s", capability)
	return device.Cell{}
}

// Lies and modesty are told from the truth, for every capability.
func TestTruth(t *testing.T) {
	for _, i := range spec.Capabilities() {
		c, bit := truthOf(t, i.Name), driver.Caps(1)<<i.Bit
		if !emu.New(nil).Info().Caps.Has(bit) {
			continue // this system has not what it takes
		}
		outcome, reason := c.Run(t.Context(), made(nil))
		assert.Equal(t, result.Pass, outcome, "%s: %s", i.Name, reason)
		outcome, reason = c.Run(t.Context(), made(&emu.Options{Lies: bit}))
		assert.Equal(t, result.FailStatus, outcome, "a device that lies about %s: %s", i.Name, reason)
		assert.Contains(t, reason, "declares "+i.Name)
		outcome, reason = c.Run(t.Context(), made(&emu.Options{Hidden: bit}))
		assert.Equal(t, result.FailStatus, outcome, "a device that hides %s: %s", i.Name, reason)
		assert.Contains(t, reason, "not declared")
		outcome, reason = c.Run(t.Context(), made(&emu.Options{Hidden: bit, Lies: bit}))
		assert.Equal(t, result.PassHost, outcome, "a device that has not %s, and says so: %s", i.Name, reason)
		outcome, reason = c.Run(t.Context(), boasting(bit))
		assert.Equal(t, result.FailStatus, outcome, "a device that declares %s only: %s", i.Name, reason)
		assert.Contains(t, reason, "does not implement")
	}
}

// boast declares what it has not.
type boast struct {
	driver.Device
	caps driver.Caps
}

func (b boast) Info() driver.Info {
	i := b.Device.Info()
	i.Caps = b.caps
	return i
}

func boasting(c driver.Caps) device.Target {
	return device.Target{Open: func(context.Context) (driver.Device, error) { return boast{emu.New(nil), c}, nil }}
}

// Without a name there is no driver to hold against the table.
func TestTheDriverIsFoundByName(t *testing.T) {
	target := on("emu")
	target.Driver = nil
	for _, c := range device.All() {
		if c.Function.ID() == "Driver.Probe" {
			outcome, reason := c.Run(t.Context(), target)
			assert.Equal(t, result.UnsupportedDeclared, outcome)
			assert.Contains(t, reason, "name")
		}
	}
}

// broken is a device that does one thing wrong.
type broken struct {
	driver.Device
	alloc func(size int64) (driver.Buffer, error)
	in    func(dst driver.Region, src []byte) error
	sync  func(ctx context.Context) error
	shut  func() error
}

func (b *broken) Info() driver.Info {
	i := b.Device.Info()
	i.Caps = 0
	return i
}

func (b *broken) Alloc(size int64, kind driver.MemoryKind) (driver.Buffer, error) {
	if b.alloc != nil {
		return b.alloc(size)
	}
	return b.Device.Alloc(size, kind)
}

func (b *broken) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	if b.in != nil {
		return b.in(dst, src)
	}
	return b.Device.CopyIn(ctx, dst, src)
}

func (b *broken) Synchronize(ctx context.Context) error {
	if b.sync != nil {
		return b.sync(ctx)
	}
	return b.Device.Synchronize(ctx)
}

func (b *broken) Close() error {
	if b.shut != nil {
		return b.shut()
	}
	return b.Device.Close()
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name, id string
		breaks   func(b *broken)
		want     result.Outcome
	}{
		{"whole", "device/memory/Device.Alloc/works", func(*broken) {}, result.Pass},
		{"panics", "device/memory/Device.Alloc/works", func(b *broken) { b.alloc = func(int64) (driver.Buffer, error) { panic("oops") } }, result.FailCrash},
		{"panics in Close", "device/memory/Device.Alloc/works", func(b *broken) { b.shut = func() error { panic("oops") } }, result.FailStatus},
		{"hangs", "device/lifetime/Device.Synchronize/works", func(b *broken) {
			b.sync = func(ctx context.Context) error { <-ctx.Done(); select {} }
		}, result.FailHang},
		{"writes elsewhere", "device/copies/Device.CopyIn/works", func(b *broken) {
			b.in = func(dst driver.Region, src []byte) error {
				dst.Offset = 0
				return b.Device.CopyIn(context.Background(), dst, src)
			}
		}, result.FailMemory},
		{"one buffer for all", "device/memory/Device.Alloc/works", func(b *broken) {
			var one driver.Buffer
			b.alloc = func(size int64) (driver.Buffer, error) {
				if one == nil {
					one, _ = b.Device.Alloc(1<<20, driver.DeviceMemory)
				}
				return one, nil
			}
		}, result.FailMemory},
		{"leaves goroutines", "device/lifetime/Device.Close/reopened", func(b *broken) {
			b.shut = func() error { go func() { <-t.Context().Done() }(); return b.Device.Close() }
		}, result.FailLeak},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, one := range device.All() {
				if one.ID() != c.id {
					continue
				}
				limit := time.Duration(0)
				if c.want == result.FailHang {
					limit = 100 * time.Millisecond
				}
				outcome, reason := one.Run(t.Context(), device.Target{Limit: limit, Open: func(context.Context) (driver.Device, error) {
					b := &broken{Device: emu.New(&emu.Options{MaxDelay: -1})}
					c.breaks(b)
					return b, nil
				}})
				assert.Equal(t, c.want, outcome, reason)
				return
			}
			t.Fatalf("no cell %s", c.id)
		})
	}
}
