package device

import (
	"context"
	"errors"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func healthCells() []Cell {
	return []Cell{
		works("Watcher.Watch", func(p *probe) {
			ctx, cancel := context.WithCancel(p.ctx)
			defer cancel()
			events, err := p.d.Watch(ctx)
			p.must(err, "watching")
			e := p.next(events, soon, "how the device is")
			p.expect(e.Kind == driver.HealthNormal || e.Kind == driver.HealthThrottled, "the first report of a device that works is %v", e.Kind)
			p.expect(e.Index == p.d.Info().Index, "a report of device %d, not %d", e.Index, p.d.Info().Index)
			if p.has(driver.CapWatcher) {
				p.watchesItself()
			}
			cancel()
			p.ends(events, soon, "its context")
		}),
		cell("Watcher.Watch", "close", func(p *probe) {
			events, err := p.d.Watch(p.ctx)
			p.must(err, "watching")
			p.next(events, soon, "how the device is")
			p.must(p.d.Close(), "closing")
			p.ends(events, soon, "the device's being closed")
		}),
		faulty("Watcher.Watch", "loss", func(p *probe) {
			events, err := p.d.Watch(p.ctx)
			p.must(err, "watching")
			p.next(events, soon, "how the device is")
			p.lose()
			e := p.next(events, driver.LossBound, "the loss")
			p.expect(e.Kind == driver.HealthLost, "the device is lost, and the report is %v", e.Kind)
			p.ends(events, driver.LossBound, "the device's loss")
		}),
		faulty("Watcher.Watch", "memory-error", func(p *probe) {
			events, err := p.d.Watch(p.ctx)
			p.must(err, "watching")
			p.next(events, soon, "how the device is")
			p.inject("CopyIn@1=ecc")
			p.failed(p.d.CopyIn(p.ctx, p.alloc(64).All(), pattern(64, 1)), driver.DataLoss, driver.ScopeCall, "a copy into broken memory")
			e := p.next(events, soon, "the error")
			p.expect(e.Kind == driver.HealthMemoryError, "memory had an error, and the report is %v", e.Kind)
		}),
		faulty("Device.Synchronize", "loss", lossWorks),
		faulty("Device.Close", "loss", func(p *probe) {
			p.lose()
			p.within(driver.LossBound, "closing a lost device", func() { _ = p.d.Close() }) // that it is lost may be said once more
			drv, err := p.target.Open(p.ctx)
			p.must(err, "opening the device again")
			again := adapter.New("device again", drv)
			p.others = append(p.others, again)
			p.same(p.bytes(p.uploadTo(again, pattern(64, 1))), pattern(64, 1), "memory of the device that is back")
		}),
		works("Sensor.Telemetry", telemetryWorks),
		works("Profiler.StartProfile", profileWorks),
		refuses("Profiler.StartProfile", func(p *probe) {
			profiler := native[driver.Profiler](p)
			p.must(profiler.StartProfile(), "beginning")
			p.refused(profiler.StartProfile(), driver.InvalidArgument, "beginning twice")
			_, err := profiler.StopProfile(p.ctx)
			p.must(err, "ending")
		}),
		works("Profiler.StopProfile", profileWorks),
		refuses("Profiler.StopProfile", func(p *probe) {
			_, err := native[driver.Profiler](p).StopProfile(p.ctx)
			p.refused(err, driver.InvalidArgument, "ending what was not begun")
		}),
	}
}

// next returns a report.
func (p *probe) next(events <-chan driver.HealthEvent, within time.Duration, what string) driver.HealthEvent {
	select {
	case e, ok := <-events:
		p.expect(ok, "reports have ended before %s", what)
		return e
	case <-time.After(within):
		p.wrong("not reported within %v: %s", within, what)
	}
	return driver.HealthEvent{}
}

// ends waits for the last report.
func (p *probe) ends(events <-chan driver.HealthEvent, within time.Duration, with string) {
	for late := time.After(within); ; {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-late:
			p.wrong("reports do not end within %v of %s", within, with)
		}
	}
}

// watchesItself calls the driver, for whom the portable side would stand in.
func (p *probe) watchesItself() {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	told, ended := make(chan driver.HealthEvent, 100), make(chan error, 1)
	go func() {
		ended <- native[driver.Watcher](p).Watch(ctx, func(e driver.HealthEvent) { told <- e })
	}()
	select {
	case <-told:
	case err := <-ended:
		p.must(err, "the driver's watching")
		p.wrong("the driver's watching ended before its context")
	case <-time.After(soon):
		p.wrong("the driver reports nothing within %v", soon)
	}
	cancel()
	select {
	case err := <-ended:
		p.must(err, "the driver's watching, ended by its context")
	case <-time.After(soon):
		p.wrong("the driver's watching does not end within %v of its context", soon)
	}
}

// lose makes the device lost.
func (p *probe) lose() {
	p.inject("*@1=lost")
	_, err := p.d.Alloc(8, driver.DeviceMemory)
	p.refused(err, driver.DeviceLost, "a call that finds the device lost")
	p.inject("")
}

// lossWorks loses a device on which work hangs, with every kind of handle open.
func lossWorks(p *probe) {
	s, b, e := p.stream(), p.alloc(64), p.event()
	host := make([]byte, 64)
	p.inject("Fill@1=hang; CopyOut@1=lost")
	p.must(s.Fill(p.ctx, b.All(), []byte{1}), "enqueuing what will hang")
	p.must(s.Record(e), "recording an event behind it")
	waits := make(chan error, 3)
	go func() { waits <- s.Synchronize(p.ctx) }()
	go func() { waits <- e.Synchronize(p.ctx) }()
	go func() { waits <- p.d.Synchronize(p.ctx) }()
	time.Sleep(5 * time.Millisecond) // they wait by then
	start := time.Now()
	p.refused(p.d.CopyOut(p.ctx, host, b.All()), driver.DeviceLost, "the call that loses the device")
	for range cap(waits) {
		select {
		case err := <-waits:
			p.refused(err, driver.DeviceLost, "a wait under way when the device was lost")
			var typed *driver.Error
			p.expect(errors.As(err, &typed) && typed.Scope >= driver.ScopeDevice && typed.Sticky, "loss reaches as far as the device, and stays: %+v", typed)
		case <-time.After(driver.LossBound):
			p.wrong("a wait under way did not end within %v of the device's loss", driver.LossBound)
		}
	}
	p.expect(time.Since(start) < driver.LossBound, "the waits ended %v after the device's loss", time.Since(start))
	p.expect(p.d.Status() == adapter.StatusLost, "a lost device is %s", p.d.Status())
	_, err := p.d.Alloc(8, driver.DeviceMemory)
	p.refused(err, driver.DeviceLost, "a later call")
	p.must(b.Free(), "freeing a buffer of a lost device")
	p.must(e.Close(), "closing an event of a lost device")
	p.within(driver.LossBound, "closing a stream of a lost device", func() { _ = s.Close() }) // that it is lost may be said once more
}

func telemetryWorks(p *probe) {
	t, err := p.d.Telemetry()
	p.must(err, "measuring")
	p.expect(t.Known != 0, "nothing is known")
	all := driver.KnownLinkBandwidth<<1 - 1
	p.expect(t.Known&^all == 0, "fields that there are not: %#x", uint32(t.Known&^all))
	positive := func(field driver.TelemetryFields, v float64, what string) {
		p.expect(!t.Known.Has(field) || v >= 0 && v < 1e15, "%s is %v", what, v)
	}
	positive(driver.KnownPower, t.Power, "power in watts")
	positive(driver.KnownClock, t.Clock, "the clock in hertz")
	positive(driver.KnownMaxClock, t.MaxClock, "the greatest clock in hertz")
	positive(driver.KnownLinkBandwidth, t.LinkBandwidth, "bytes per second")
	positive(driver.KnownUtilization, t.Utilization, "utilisation")
	p.expect(!t.Known.Has(driver.KnownUtilization) || t.Utilization <= 1, "utilisation is %v, a share", t.Utilization)
	p.expect(!t.Known.Has(driver.KnownTemperature) || t.Temperature > -273.15 && t.Temperature < 1000, "%v degrees", t.Temperature)
	p.expect(!t.Known.Has(driver.KnownCorrected|driver.KnownUncorrected) || t.Corrected >= 0 && t.Uncorrected >= 0, "%d and %d memory errors", t.Corrected, t.Uncorrected)
}

func profileWorks(p *probe) {
	s, b := p.stream(), p.alloc(1<<16)
	began := time.Now()
	profile, err := p.d.Profile(p.ctx, func() error {
		for range 5 {
			if err := s.CopyIn(p.ctx, b.All(), pattern(1<<16, 1)); err != nil {
				return err
			}
		}
		return nil
	})
	p.must(err, "profiling")
	p.expect(len(profile.Records)+int(profile.Dropped) >= 5, "%d records of 5 copies", len(profile.Records))
	p.expect(profile.Epoch.After(began.Add(-time.Minute)) && profile.Epoch.Before(time.Now()), "the device's time 0 is %v", profile.Epoch)
	seen := make(map[uint64]bool)
	for _, r := range profile.Records {
		p.expect(r.Name != "" && r.Duration >= 0 && r.Bytes >= 0, "the record %+v", r)
		p.expect(!seen[r.Correlation], "two records have the correlation %d", r.Correlation)
		seen[r.Correlation] = true
	}
	_, err = p.d.Profile(p.ctx, func() error { return nil })
	p.must(err, "profiling again")
}
