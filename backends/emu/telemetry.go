package emu

import (
	"context"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
)

// What the emulated hardware is like when it has nothing to do, and what all its
// work adds.
const (
	idleWatts, busyWatts     = 10, 90
	idleCelsius, busyCelsius = 35, 45
	clockHertz               = 1e9
)

// pace is how fast the device works: a partition has a share of the units, and a
// throttled device a lower clock. Work is done at the processor's speed, and time
// is owed for the difference.
type pace struct {
	mu       sync.Mutex
	slowness float64 // how many times slower than usual it is, 0 for 1
	debt     time.Duration
	busy     time.Duration // at work since the last reading
	moved    int64         // bytes to and from the host since then
	read     time.Time     // the last reading
}

// worthwhile is the shortest wait that timers keep well. Who was made to wait too
// long, because the system is slow to wake, may catch up on no more than credit.
const (
	worthwhile = 200 * time.Microsecond
	credit     = time.Millisecond
)

// owe accounts for work that took so long, and waits for what is owed.
func (p *pace) owe(d *Device, took time.Duration) {
	p.mu.Lock()
	factor := max(p.slowness, 1) / d.share
	p.busy += took
	p.debt += time.Duration(float64(took) * (factor - 1))
	wait := p.debt
	p.mu.Unlock()
	if wait < worthwhile {
		return
	}
	start := time.Now()
	d.pause(wait)
	paid := time.Since(start)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.debt = max(p.debt-paid, -credit)
	p.busy += paid
}

// factor is how many times slower than usual the device is.
func (p *pace) factor() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.slowness, 1)
}

// Throttle makes the device so many times slower, as heat does; 1 restores it.
func (d *Device) Throttle(factor float64) {
	factor = max(factor, 1)
	d.pace.mu.Lock()
	before := max(d.pace.slowness, 1)
	d.pace.slowness = factor
	d.pace.mu.Unlock()
	switch {
	case factor > before:
		d.happen(driver.HealthThrottled, "the emulated clock is lower")
	case factor == 1 && before > 1:
		d.happen(driver.HealthNormal, "the emulated clock is as before")
	}
}

// Telemetry implements driver.Sensor.
func (d *Device) Telemetry() (driver.Telemetry, error) {
	const op = "Telemetry"
	if err := d.able(driver.CapSensor, op); err != nil {
		return driver.Telemetry{}, err
	}
	if err := d.ready(op); err != nil {
		return driver.Telemetry{}, err
	}
	p, now := &d.pace, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	var used, moved float64
	if since := now.Sub(p.read).Seconds(); !p.read.IsZero() && since > 0 {
		used, moved = min(p.busy.Seconds()/since, 1), float64(p.moved)/since
	}
	p.busy, p.moved, p.read = 0, 0, now
	slowness := max(p.slowness, 1)
	return driver.Telemetry{
		Known: driver.KnownPower | driver.KnownTemperature | driver.KnownClock | driver.KnownMaxClock | driver.KnownUtilization |
			driver.KnownThrottled | driver.KnownCorrected | driver.KnownUncorrected | driver.KnownLinkBandwidth,
		Power:         idleWatts + busyWatts*used/slowness,
		Temperature:   idleCelsius + busyCelsius*used,
		Clock:         clockHertz / slowness,
		MaxClock:      clockHertz,
		Utilization:   used,
		Throttled:     slowness > 1,
		Uncorrected:   d.faults.errors.Load(),
		LinkBandwidth: moved,
	}, nil
}

// recording is a profile being made.
type recording struct {
	epoch time.Time

	mu      sync.Mutex
	records []driver.ProfileRecord
	dropped int64
}

// room is how many records a profile holds.
const room = 1 << 20

// record notes work that has been done, for telemetry and for a profile if one
// is being made.
func (d *Device) record(w *work, start time.Time) {
	if w.op == "CopyIn" || w.op == "CopyOut" {
		d.pace.mu.Lock()
		d.pace.moved += w.bytes
		d.pace.mu.Unlock()
	}
	r := d.profile.Load()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) == room {
		r.dropped++
		return
	}
	r.records = append(r.records, driver.ProfileRecord{
		Name: w.op, Stream: w.stream, Correlation: w.number, Start: start.Sub(r.epoch), Duration: time.Since(start), Bytes: w.bytes,
	})
}

// StartProfile implements driver.Profiler.
func (d *Device) StartProfile() error {
	const op = "StartProfile"
	if err := d.able(driver.CapProfiler, op); err != nil {
		return err
	}
	if err := d.ready(op); err != nil {
		return err
	}
	if !d.profile.CompareAndSwap(nil, &recording{epoch: time.Now()}) {
		return driver.Errorf(driver.InvalidArgument, op, "a profile is being made already")
	}
	return nil
}

// StopProfile implements driver.Profiler.
func (d *Device) StopProfile(ctx context.Context) (driver.Profile, error) {
	const op = "StopProfile"
	if err := d.able(driver.CapProfiler, op); err != nil {
		return driver.Profile{}, err
	}
	r := d.profile.Load()
	if r == nil {
		return driver.Profile{}, driver.Errorf(driver.InvalidArgument, op, "no profile is being made")
	}
	for _, s := range d.open() {
		if err := s.await(ctx); err != nil {
			return driver.Profile{}, failure(op, driver.ScopeCall, err)
		}
	}
	d.profile.Store(nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	return driver.Profile{Epoch: r.epoch, Records: r.records, Dropped: r.dropped}, nil
}
