package emu

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"example.com/midplane/adapter/driver"
)

// work is a piece of what the device does.
type work struct {
	op      string // for errors and faults
	node    string // of a kernel, for errors
	dev     *Device
	peer    *Device // whose memory it reads, nil for most
	regions []driver.Region
	run     func(mem *access) error
	bytes   int64           // copied, for profiles
	undone  func()          // called where run is not, nil for nothing to do then
	ctx     context.Context // whose end ends a call, nil where none does

	mem    access // what it touches
	number uint64 // among all work of the device
	stream uint64 // 0 for at once
}

// hold keeps the buffers that the work touches, until its memory goes.
func (w *work) hold() error {
	w.mem = access{dev: w.dev, peer: w.peer}
	err := w.mem.hold(w.regions...)
	if err != nil && w.node != "" {
		err = fmt.Errorf("node %s: %w", w.node, err)
	}
	return failure(w.op, driver.ScopeCall, err)
}

// submit does a piece of work: at once where s is nil, else when the stream gets
// there.
func (d *Device) submit(s driver.Stream, w *work) error {
	w.dev = d
	if err := w.hold(); err != nil {
		return err
	}
	w.number = d.enqueued.Add(1)
	if s == nil {
		return failure(w.op, driver.ScopeCall, w.do())
	}
	on, err := d.stream(s)
	if err == nil {
		again := &work{op: w.op, node: w.node, peer: w.peer, regions: w.regions, run: w.run, bytes: w.bytes}
		if on.captures(func(on *stream) error {
			copied := *again
			return d.submit(on, &copied)
		}) {
			return w.mem.end()
		}
		w.stream = on.number
		err = on.enqueue(func(failed error) error {
			if failed != nil {
				w.skip()
				return w.mem.end()
			}
			return failure(w.op, driver.ScopeStream, w.do())
		}, d.faults.reorders(w.op))
	}
	if err != nil {
		return failure(w.op, driver.ScopeCall, also(err, w.mem.end()))
	}
	return nil
}

func (w *work) skip() {
	if w.undone != nil {
		w.undone()
	}
}

// do does the work and lets its memory go. Nothing panics out of it. What a
// device has done that is lost by then does not count.
func (w *work) do() (err error) {
	d := w.dev
	start := time.Now()
	var flip bool
	ctx := w.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	err = safely(func() (err error) {
		flip, err = d.begin(ctx, w.op)
		return err
	})
	if err != nil {
		w.skip()
		return also(err, w.mem.end())
	}
	began := time.Now()
	err = safely(func() error { return w.run(&w.mem) })
	if err == nil && flip {
		d.faults.flip(w.mem.written)
	}
	err = also(err, w.mem.end())
	d.pace.owe(d, time.Since(began))
	if lost := d.lost.Load(); lost != nil {
		return lost
	}
	if err == nil {
		d.record(w, start)
	}
	return err
}

// safely turns a panic into an error.
func safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &driver.PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	return f()
}
