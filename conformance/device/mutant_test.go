package device_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/emu"
	"example.com/midplane/conformance/device"
	"example.com/midplane/conformance/result"
)

// Devices that do one function wrong, in a way that a driver might. The method
// that a type has is the function that it does wrong.
type (
	forgetsLastByte    struct{ *emu.Device } // CopyIn
	readsFromZero      struct{ *emu.Device } // CopyOut
	copiesBackwards    struct{ *emu.Device } // Copy
	fillsOneByte       struct{ *emu.Device } // Fill
	keepsPattern       struct{ *emu.Device } // Fill, which looks at the pattern later
	ignoresPitch       struct{ *emu.Device } // CopyRect
	declinesAll        struct{ *emu.Device } // Copy
	copiesTooLate      struct{ *emu.Device } // CopyInAsync
	saysPinned         struct{ *emu.Device } // Alloc
	countsNothing      struct{ *emu.Device } // Stats
	mapsElsewhere      struct{ *emu.Device } // HostBytes
	importsCopy        struct{ *emu.Device } // Import
	sizesTooSmall      struct{ *emu.Device } // ValueSize
	alignsOddly        struct{ *emu.Device } // Alignment
	hasNoHeap          struct{ *emu.Device } // Heaps
	allCompatible      struct{ *emu.Device } // Compatible
	misaligns          struct{ *emu.Device } // Granularity
	neverFrees         struct{ *emu.Device } // FreeOn
	ignoresLimit       struct{ *emu.Device } // SetMemoryLimit
	sharesNothing      struct{ *emu.Device } // ImportExternal
	linksTwice         struct{ *emu.Device } // Links
	upsideDown         struct{ *emu.Device } // Priorities
	callsAtOnce        struct{ *emu.Device } // CallHost
	ignoresInitial     struct{ *emu.Device } // NewTimeline
	goesOn             struct{ *emu.Device } // BeginCapture
	ignoresSeed        struct{ *emu.Device } // NewGenerator
	anyDeterminism     struct{ *emu.Device } // SetDeterminism
	oneCommunicator    struct{ *emu.Device } // NewCommID
	saysNothing        struct{ *emu.Device } // Watch
	runsHot            struct{ *emu.Device } // Telemetry
	profilesNothing    struct{ *emu.Device } // StopProfile
	givesAllToEveryone struct{ *emu.Device } // Partition
	doesNotWait        struct{ *emu.Device } // Synchronize
	changesItsMind     struct{ *emu.Device } // Info
)

func (d forgetsLastByte) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	dst.Size--
	return d.Device.CopyIn(ctx, dst, src[:len(src)-1])
}

func (d readsFromZero) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	src.Offset = 0
	return d.Device.CopyOut(ctx, dst, src)
}

func (d copiesBackwards) Copy(s driver.Stream, dst, src driver.Region) error {
	return d.Device.Copy(s, src, dst)
}

func (d fillsOneByte) Fill(s driver.Stream, dst driver.Region, pattern []byte) error {
	return d.Device.Fill(s, dst, pattern[:1])
}

func (d keepsPattern) Fill(s driver.Stream, dst driver.Region, pattern []byte) error {
	if s == nil {
		return d.Device.Fill(s, dst, pattern)
	}
	return d.CallHost(s, func(error) {
		time.Sleep(time.Millisecond)
		_ = d.Device.Fill(nil, dst, pattern)
	})
}

func (d ignoresPitch) CopyRect(s driver.Stream, dst driver.Region, _ int64, src driver.Region, srcPitch, width, rows int64) error {
	return d.Device.CopyRect(s, dst, width, src, srcPitch, width, rows)
}

func (declinesAll) Copy(driver.Stream, driver.Region, driver.Region) error { return driver.ErrSkip }

func (d copiesTooLate) CopyInAsync(s driver.Stream, dst driver.Region, src []byte) error {
	go func() {
		time.Sleep(5 * time.Millisecond)
		_ = d.CopyIn(context.Background(), dst, src)
	}()
	return nil
}

func (d saysPinned) Alloc(size int64, kind driver.MemoryKind) (driver.Buffer, error) {
	if kind == driver.PinnedMemory {
		return nil, driver.Errorf(driver.Unsupported, "Alloc", "no pinned memory")
	}
	return d.Device.Alloc(size, kind)
}

func (d countsNothing) Stats() driver.Stats { return driver.Stats{Limit: 1 << 30} }

func (d mapsElsewhere) HostBytes(r driver.Region) ([]byte, error) {
	r.Offset = 0
	return d.Device.HostBytes(r)
}

func (d importsCopy) Import([]byte) (driver.Buffer, error) { return d.Alloc(4096, driver.DeviceMemory) }

func (sizesTooSmall) ValueSize(tensor.DType, tensor.Shape) int64 { return 1 }

func (alignsOddly) Alignment() int64 { return 48 }

func (hasNoHeap) Heaps() []driver.Heap { return []driver.Heap{{Kind: driver.PinnedMemory, Bytes: 1}} }

func (allCompatible) Compatible(spec driver.MemorySpec) driver.Compatibility {
	return driver.Compatibility{OK: true, Size: spec.Size}
}

func (misaligns) Granularity(driver.MemoryKind) (driver.Granularity, error) {
	return driver.Granularity{Min: 1, Align: 8}, nil
}

func (neverFrees) FreeOn(driver.Stream, driver.Buffer) error {
	return nil
}

func (ignoresLimit) SetMemoryLimit(int64) error { return nil }

func (d sharesNothing) ImportExternal(e driver.External) (driver.Buffer, error) {
	return d.Alloc(e.Size, driver.DeviceMemory)
}

func (d linksTwice) Links() []driver.Link { return append(d.Device.Links(), d.Device.Links()...) }

func (upsideDown) Priorities() (least, greatest int) { return 1, -1 }

func (callsAtOnce) CallHost(_ driver.Stream, f func(error)) error {
	f(nil)
	return nil
}

func (d ignoresInitial) NewTimeline(uint64) (driver.Timeline, error) { return d.Device.NewTimeline(0) }

func (goesOn) BeginCapture(driver.Stream) error { return nil }

func (d ignoresSeed) NewGenerator(uint64) (driver.Generator, error) { return d.Device.NewGenerator(1) }

func (anyDeterminism) SetDeterminism(driver.Determinism) error {
	return driver.Errorf(driver.Internal, "SetDeterminism", "not now")
}

func (oneCommunicator) NewCommID() (driver.CommID, error) { return driver.CommID{1}, nil }

func (saysNothing) Watch(ctx context.Context, _ func(driver.HealthEvent)) error {
	<-ctx.Done()
	return nil
}

func (runsHot) Telemetry() (driver.Telemetry, error) {
	return driver.Telemetry{Known: driver.KnownUtilization, Utilization: 70}, nil
}

func (d profilesNothing) StopProfile(ctx context.Context) (driver.Profile, error) {
	p, err := d.Device.StopProfile(ctx)
	p.Records = nil
	return p, err
}

func (d givesAllToEveryone) Partition(_ context.Context, _ driver.PartitionSpec) (driver.Device, error) {
	return emu.New(nil), nil
}

func (doesNotWait) Synchronize(context.Context) error { return nil }

func (d changesItsMind) Info() driver.Info {
	i := d.Device.Info()
	i.Units = int(time.Now().UnixNano() & 0xffff)
	return i
}

// Every mutant is caught by a cell of the interface that it does wrong.
func TestMutants(t *testing.T) {
	mutants := map[string]func(d *emu.Device) driver.Device{
		"Device.CopyIn: forgets the last byte":        func(d *emu.Device) driver.Device { return forgetsLastByte{d} },
		"Device.CopyOut: reads from the beginning":    func(d *emu.Device) driver.Device { return readsFromZero{d} },
		"Copier.Copy: copies backwards":               func(d *emu.Device) driver.Device { return copiesBackwards{d} },
		"Filler.Fill: the first byte only":            func(d *emu.Device) driver.Device { return fillsOneByte{d} },
		"Filler.Fill: looks at the pattern later":     func(d *emu.Device) driver.Device { return keepsPattern{d} },
		"RectCopier.CopyRect: ignores a pitch":        func(d *emu.Device) driver.Device { return ignoresPitch{d} },
		"Copier.Copy: declines every call":            func(d *emu.Device) driver.Device { return declinesAll{d} },
		"AsyncCopier.CopyInAsync: behind the stream":  func(d *emu.Device) driver.Device { return copiesTooLate{d} },
		"Device.Alloc: a kind fails":                  func(d *emu.Device) driver.Device { return saysPinned{d} },
		"Statter.Stats: counts nothing":               func(d *emu.Device) driver.Device { return countsNothing{d} },
		"HostMapper.HostBytes: of another place":      func(d *emu.Device) driver.Device { return mapsElsewhere{d} },
		"HostImporter.Import: other bytes":            func(d *emu.Device) driver.Device { return importsCopy{d} },
		"Sizer.ValueSize: too small":                  func(d *emu.Device) driver.Device { return sizesTooSmall{d} },
		"Sizer.Alignment: no power of two":            func(d *emu.Device) driver.Device { return alignsOddly{d} },
		"MemoryDescriber.Heaps: no device memory":     func(d *emu.Device) driver.Device { return hasNoHeap{d} },
		"MemoryDescriber.Compatible: with everything": func(d *emu.Device) driver.Device { return allCompatible{d} },
		"MemoryDescriber.Granularity: too fine":       func(d *emu.Device) driver.Device { return misaligns{d} },
		"StreamAllocator.FreeOn: never":               func(d *emu.Device) driver.Device { return neverFrees{d} },
		"Trimmer.SetMemoryLimit: ignored":             func(d *emu.Device) driver.Device { return ignoresLimit{d} },
		"Sharer.ImportExternal: memory of its own":    func(d *emu.Device) driver.Device { return sharesNothing{d} },
		"Linker.Links: twice":                         func(d *emu.Device) driver.Device { return linksTwice{d} },
		"PriorityStreamer.Priorities: upside down":    func(d *emu.Device) driver.Device { return upsideDown{d} },
		"HostCaller.CallHost: at once":                func(d *emu.Device) driver.Device { return callsAtOnce{d} },
		"Timeliner.NewTimeline: from 0":               func(d *emu.Device) driver.Device { return ignoresInitial{d} },
		"Capturer.BeginCapture: work goes on":         func(d *emu.Device) driver.Device { return goesOn{d} },
		"Randomizer.NewGenerator: one seed":           func(d *emu.Device) driver.Device { return ignoresSeed{d} },
		"DeterminismSetter.SetDeterminism: fails":     func(d *emu.Device) driver.Device { return anyDeterminism{d} },
		"Collective.NewCommID: always the same":       func(d *emu.Device) driver.Device { return oneCommunicator{d} },
		"Watcher.Watch: says nothing":                 func(d *emu.Device) driver.Device { return saysNothing{d} },
		"Sensor.Telemetry: more than all of the time": func(d *emu.Device) driver.Device { return runsHot{d} },
		"Profiler.StopProfile: no records":            func(d *emu.Device) driver.Device { return profilesNothing{d} },
		"Partitioner.Partition: no quota":             func(d *emu.Device) driver.Device { return givesAllToEveryone{d} },
		"Device.Synchronize: does not wait":           func(d *emu.Device) driver.Device { return doesNotWait{d} },
		"Device.Info: changes":                        func(d *emu.Device) driver.Device { return changesItsMind{d} },
	}
	for name, make := range mutants {
		t.Run(name, func(t *testing.T) {
			if raced && name == "HostCaller.CallHost: at once" {
				t.Skip("the race detector catches it first")
			}
			id, _, _ := strings.Cut(name, ":")
			target := device.Target{Driver: emu.Driver{}, Limit: 2 * time.Second, Open: func(context.Context) (driver.Device, error) {
				return make(emu.New(nil)), nil
			}}
			for _, c := range device.All() {
				if c.Function.ID() != id || c.Aspect == "truth" || c.Long {
					continue
				}
				if outcome, _ := c.Run(t.Context(), target); outcome.Status() != result.Passed {
					return
				}
			}
			t.Errorf("no cell of %s notices", id)
		})
	}
}
