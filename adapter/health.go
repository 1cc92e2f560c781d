package adapter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
)

// lose notes that the device is gone. Calls fail with what the first one to
// notice was told.
func (d *Device) lose(why *Error) {
	d.loss.Do(func() {
		kept := *why
		d.lostWhy = &kept
		close(d.lost)
	})
}

// Lost returns a channel that is closed when the device is lost or taken back.
func (d *Device) Lost() <-chan struct{} { return d.lost }

// Revoke takes the device back from those who use it. Calls from now on fail with
// an [*Error] around why, which has the code that why is or wraps; handles are
// still freed, and Close waits for calls under way, as with a device that is
// lost.
func (d *Device) Revoke(why error) {
	if why == nil {
		why = Unavailable
	}
	e := driver.AsError("Revoke", why)
	e.Device, e.Scope, e.Sticky = d.name, driver.ScopeDevice, true
	d.lose(e)
}

func (d *Device) isLost() bool {
	select {
	case <-d.lost:
		return true
	default:
		return false
	}
}

// Watch returns a channel that tells first how the device is, and then what
// happens to it: loss, throttling, recovery, memory errors. It is closed when the
// context ends or the device is lost or closed. Where the driver does not watch,
// a loss is reported that a call has failed with.
func (d *Device) Watch(ctx context.Context) (<-chan driver.HealthEvent, error) {
	if err := d.enterCtx(ctx, "Watch"); err != nil {
		return nil, err
	}
	events := make(chan driver.HealthEvent, 16)
	began := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.closing, cancel)
	begin := sync.OnceFunc(func() { close(began) })
	report := func(e driver.HealthEvent) {
		select {
		case events <- e:
		case <-ctx.Done():
		}
		begin()
	}
	go func() {
		defer d.leave()
		defer close(events)
		defer stop()
		defer cancel()
		defer begin()
		if w, ok := As[driver.Watcher](d); !ok || w.Watch(ctx, report) != nil {
			d.watchCalls(ctx, report)
		}
	}()
	<-began
	return events, nil
}

// watchCalls reports what calls have noticed.
func (d *Device) watchCalls(ctx context.Context, report func(driver.HealthEvent)) {
	report(driver.HealthEvent{Kind: driver.HealthNormal, Index: d.info.Index, Time: time.Now()})
	select {
	case <-d.lost:
		report(driver.HealthEvent{Kind: driver.HealthLost, Index: d.info.Index, Time: time.Now(), Text: d.lostWhy.Error()})
	case <-ctx.Done():
	}
}

// Change is a device that came or went.
type Change struct {
	Name string // "emu:1"
	driver.HealthEvent
}

// Watch returns a channel of devices that are added and removed, of every
// registered driver: those that there are are added first. It is closed when the
// context ends. Drivers that do not watch are asked every interval.
func Watch(ctx context.Context, interval time.Duration) <-chan Change {
	changes := make(chan Change, 16)
	var drivers sync.WaitGroup
	for _, name := range Drivers() {
		d := lookup(name)
		report := func(e driver.HealthEvent) {
			select {
			case changes <- Change{fmt.Sprintf("%s:%d", name, e.Index), e}:
			case <-ctx.Done():
			}
		}
		drivers.Go(func() {
			if w, ok := d.(driver.DriverWatcher); ok {
				if w.WatchDevices(ctx, report) == nil {
					return
				}
			}
			poll(ctx, d, max(interval, time.Millisecond), report)
		})
	}
	go func() {
		drivers.Wait()
		close(changes)
	}()
	return changes
}

// poll reports the differences between what Probe says now and then.
func poll(ctx context.Context, d driver.Driver, interval time.Duration, report func(driver.HealthEvent)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	before := make(map[int]string)
	for ; ; wait(ctx, tick.C) {
		now := usable(ctx, d)
		switch {
		case ctx.Err() != nil:
			return
		case now == nil:
			continue // the driver could not look; this says nothing of its devices
		}
		for index := range now {
			if _, had := before[index]; !had {
				report(driver.HealthEvent{Kind: driver.HealthAdded, Index: index, Time: time.Now(), Text: now[index]})
			}
		}
		for index := range before {
			if _, has := now[index]; !has {
				report(driver.HealthEvent{Kind: driver.HealthRemoved, Index: index, Time: time.Now(), Text: before[index]})
			}
		}
		before = now
	}
}

func wait(ctx context.Context, tick <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-tick:
	}
}

// usable returns the descriptions of the devices that can be opened, nil where
// the driver cannot look.
func usable(ctx context.Context, d driver.Driver) map[int]string {
	infos, err := d.Probe(ctx)
	if err != nil {
		return nil
	}
	found := make(map[int]string)
	for _, info := range infos {
		if info.Unusable == "" {
			found[info.Index] = info.Description
		}
	}
	return found
}
