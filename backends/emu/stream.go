package emu

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
)

// stream is a queue of work that a goroutine of its own does in order.
//
// Work that fails makes the work behind it be skipped, until Synchronize reports
// the failure. Events are recorded and waited for even then.
type stream struct {
	dev    *Device
	number uint64 // among the device's streams, from 1 on
	delay  func() time.Duration
	ended  chan struct{} // closed when the goroutine is gone

	mu       sync.Mutex
	changed  *sync.Cond // of everything below
	queue    []task
	enqueued uint64
	done     uint64
	failed   error // first failure not yet reported
	closed   bool
	capture  *captured // what is recorded instead of done, nil for nothing
}

// task does one entry of a queue; failed is why the entries before it have
// failed.
type task func(failed error) error

// NewStream implements driver.Streamer.
func (d *Device) NewStream() (driver.Stream, error) {
	if err := d.able(driver.CapStreamer, "NewStream"); err != nil {
		return nil, err
	}
	return d.newStream("NewStream", 0)
}

// Priorities implements driver.PriorityStreamer.
func (d *Device) Priorities() (least, greatest int) {
	if d.options.Lies.Has(driver.CapPriorityStreamer) {
		return 0, 0
	}
	return -1, 1
}

// NewPriorityStream implements driver.PriorityStreamer: urgent streams do not
// wait before their work, patient ones wait twice as long as others.
func (d *Device) NewPriorityStream(priority int) (driver.Stream, error) {
	const op = "NewPriorityStream"
	if err := d.able(driver.CapPriorityStreamer, op); err != nil {
		return nil, err
	}
	if priority < -1 || priority > 1 {
		return nil, driver.Errorf(driver.InvalidArgument, op, "priority %d is outside [-1, 1]", priority)
	}
	return d.newStream(op, priority)
}

func (d *Device) newStream(op string, priority int) (driver.Stream, error) {
	if err := d.ready(op); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	s := &stream{dev: d, number: d.opened, delay: d.delays(d.opened, priority), ended: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	d.streams[s] = struct{}{}
	go s.work()
	return s, nil
}

// delays returns the random delays of one stream.
func (d *Device) delays(number uint64, priority int) func() time.Duration {
	longest := d.options.MaxDelay * time.Duration(1-priority)
	random := rand.New(rand.NewPCG(d.options.Seed, number))
	return func() time.Duration {
		if longest <= 0 {
			return 0
		}
		return time.Duration(random.Int64N(int64(longest) + 1))
	}
}

// stream returns a driver's stream as one of this device.
func (d *Device) stream(s driver.Stream) (*stream, error) {
	own, ok := s.(*stream)
	if !ok || own.dev != d {
		return nil, driver.Errorf(driver.InvalidArgument, "", "a stream that is not this device's (%T)", s)
	}
	return own, nil
}

// enqueue puts a task at the end of the queue, or, if it is to be early, before
// the last one that has not begun.
func (s *stream) enqueue(t task, early bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errStreamClosed("")
	}
	s.queue = append(s.queue, t)
	if last := len(s.queue) - 1; early && last > 0 {
		s.queue[last-1], s.queue[last] = s.queue[last], s.queue[last-1]
	}
	s.enqueued++
	s.changed.Broadcast()
	return nil
}

func errStreamClosed(op string) error {
	return driver.Errorf(driver.Closed, op, "the stream was closed before")
}

// work is the stream's goroutine. It ends when the stream is closed and its
// queue empty.
func (s *stream) work() {
	defer close(s.ended)
	for {
		t, failed := s.next()
		if t == nil {
			return
		}
		if failed == nil {
			s.dev.pause(s.delay())
		}
		err := t(failed)
		s.mu.Lock()
		s.done++
		if s.failed == nil {
			s.failed = err
		}
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

// pause waits, unless the device is lost or closed.
func (d *Device) pause(t time.Duration) {
	if t <= 0 {
		return
	}
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.life.Done():
	}
}

// next waits for a task; nil means that there will be none.
func (s *stream) next() (task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 {
		if s.closed {
			return nil, nil
		}
		s.changed.Wait()
	}
	t := s.queue[0]
	s.queue = s.queue[1:]
	return t, s.failed
}

// await waits until what is now enqueued is done. The error is the context's.
func (s *stream) await(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for target := s.enqueued; s.done < target; s.changed.Wait() {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// CallHost implements driver.HostCaller.
func (d *Device) CallHost(s driver.Stream, f func(failed error)) error {
	const op = "CallHost"
	if err := d.able(driver.CapHostCaller, op); err != nil {
		return err
	}
	on, err := d.stream(s)
	if err == nil && on.captures(func(on *stream) error { return d.CallHost(on, f) }) {
		return nil
	}
	if err == nil {
		err = on.enqueue(func(failed error) (err error) {
			defer func() {
				if r := recover(); r != nil {
					err = failure(op, driver.ScopeStream, fmt.Errorf("the function panicked: %v", r))
				}
			}()
			if lost := d.lost.Load(); lost != nil && failed == nil {
				failed = lost
			}
			f(failed)
			return nil
		}, false)
	}
	return failure(op, driver.ScopeCall, err)
}

// Query implements driver.Stream.
func (s *stream) Query() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, errStreamClosed("Query")
	}
	if s.capture != nil {
		return false, errCapturing("Query")
	}
	return s.done == s.enqueued, s.failed
}

// Synchronize implements driver.Stream. A wait that the context ends leaves the
// failure of the work to the next one.
func (s *stream) Synchronize(ctx context.Context) error {
	const op = "Synchronize"
	s.mu.Lock()
	closed, capturing := s.closed, s.capture != nil
	s.mu.Unlock()
	switch {
	case closed:
		return errStreamClosed(op)
	case capturing:
		return errCapturing(op)
	}
	if err := s.await(ctx); err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.failed
	s.failed = nil
	if lost := s.dev.lost.Load(); lost != nil && err == nil {
		return lost // though another wait may have had the failure of the work
	}
	return err
}

// Close implements driver.Stream. It returns the failure that Synchronize has
// not reported.
func (s *stream) Close() error {
	if !s.end() {
		return errStreamClosed("Close")
	}
	return s.failed
}

// end lets the goroutine finish and waits for it. It reports whether this is the
// first time.
func (s *stream) end() bool {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.capture = nil
	s.changed.Broadcast()
	s.mu.Unlock()
	<-s.ended
	s.dev.mu.Lock()
	defer s.dev.mu.Unlock()
	delete(s.dev.streams, s)
	return first
}
