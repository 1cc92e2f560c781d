package emu

import (
	"context"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
)

// watchers are those who want to know what happens.
type watchers struct {
	mu   sync.Mutex
	each map[*watcher]struct{}
}

// watcher is one of them: what has happened and has not been reported.
type watcher struct {
	mu     sync.Mutex
	events []driver.HealthEvent
	more   chan struct{} // has room for one
}

// tell tells everyone who watches now.
func (w *watchers) tell(e driver.HealthEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.each {
		one.mu.Lock()
		one.events = append(one.events, e)
		one.mu.Unlock()
		select {
		case one.more <- struct{}{}:
		default:
		}
	}
}

// watch reports until the context ends or over is closed, and what happened
// before that in any case. It begins with what now returns, which misses nothing
// that is told afterwards.
func (w *watchers) watch(ctx context.Context, over <-chan struct{}, now func() []driver.HealthEvent, report func(driver.HealthEvent)) {
	own := &watcher{more: make(chan struct{}, 1)}
	w.mu.Lock()
	own.events = now()
	if w.each == nil {
		w.each = make(map[*watcher]struct{})
	}
	w.each[own] = struct{}{}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.each, own)
		w.mu.Unlock()
		own.report(report)
	}()
	for {
		own.report(report)
		select {
		case <-own.more:
		case <-over:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (w *watcher) report(report func(driver.HealthEvent)) {
	w.mu.Lock()
	events := w.events
	w.events = nil
	w.mu.Unlock()
	for _, e := range events {
		report(e)
	}
}

// Watch implements driver.Watcher.
func (d *Device) Watch(ctx context.Context, report func(driver.HealthEvent)) error {
	if err := d.able(driver.CapWatcher, "Watch"); err != nil {
		return err
	}
	d.watchers.watch(ctx, d.life.Done(), func() []driver.HealthEvent {
		switch {
		case d.lost.Load() != nil:
			return nil // told below
		case d.pace.factor() > 1:
			return []driver.HealthEvent{d.now(driver.HealthThrottled, "the emulated clock is low")}
		}
		return []driver.HealthEvent{d.now(driver.HealthNormal, "")}
	}, report)
	if lost := d.lost.Load(); lost != nil && ctx.Err() == nil {
		report(d.now(driver.HealthLost, lost.Error()))
	}
	return nil
}

func (d *Device) now(kind driver.HealthKind, text string) driver.HealthEvent {
	return driver.HealthEvent{Kind: kind, Index: d.info.Index, Time: time.Now(), Text: text}
}

// happen tells those who watch the device.
func (d *Device) happen(kind driver.HealthKind, text string) {
	d.watchers.tell(d.now(kind, text))
}

// Lose makes the device as good as gone, as when it falls off its bus: work
// under way and everything later fails as lost.
func (d *Device) Lose(why string) { d.lose(driver.Errorf(driver.DeviceLost, "", "%s", why)) }

// lose notes why the device is lost, once, and returns that. Partitions go with
// it.
func (d *Device) lose(why *driver.Error) *driver.Error {
	why.Scope, why.Sticky = driver.ScopeDevice, true
	if !d.lost.CompareAndSwap(nil, why) {
		return d.lost.Load()
	}
	d.die(why)
	d.mu.Lock()
	parts := make([]*Device, 0, len(d.parts))
	for p := range d.parts {
		parts = append(parts, p)
	}
	d.mu.Unlock()
	for _, p := range parts {
		p.Lose("the device that it is a part of is lost: " + why.Text)
	}
	return why
}
