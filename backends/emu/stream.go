package emu

import (
	"context"
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
	dev   *Device
	delay func() time.Duration
	ended chan struct{} // closed when the goroutine is gone

	mu       sync.Mutex
	changed  *sync.Cond // of everything below
	queue    []task
	enqueued uint64
	done     uint64
	failed   error // first failure not yet reported
	closed   bool
}

// task does one entry of a queue; failed is why the entries before it have
// failed.
type task func(failed error) error

// NewStream implements driver.Streamer.
func (d *Device) NewStream() (driver.Stream, error) {
	if err := d.ready("NewStream"); err != nil {
		return nil, failure("NewStream", driver.ScopeCall, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	s := &stream{dev: d, delay: d.delays(d.opened), ended: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	d.streams[s] = struct{}{}
	go s.work()
	return s, nil
}

// delays returns the random delays of one stream.
func (d *Device) delays(number uint64) func() time.Duration {
	longest := d.options.MaxDelay
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

func (s *stream) enqueue(t task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return driver.Errorf(driver.Closed, "", "the stream was closed before")
	}
	s.queue = append(s.queue, t)
	s.enqueued++
	s.changed.Broadcast()
	return nil
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
			time.Sleep(s.delay())
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

// Record implements driver.Stream.
func (s *stream) Record(e driver.Event) error {
	own, err := s.dev.event(e)
	if err != nil {
		return failure("Record", driver.ScopeCall, err)
	}
	p := &point{happened: make(chan struct{})}
	own.mu.Lock()
	defer own.mu.Unlock()
	err = s.enqueue(func(failed error) error {
		p.at, p.failed = time.Now(), failed
		close(p.happened)
		return nil
	})
	if err != nil {
		return failure("Record", driver.ScopeCall, err)
	}
	own.last = p
	return nil
}

// Wait implements driver.Stream. Where the work before the event has failed, the
// work after Wait fails too.
func (s *stream) Wait(e driver.Event) error {
	own, err := s.dev.event(e)
	if err == nil {
		p := own.point()
		err = s.enqueue(func(error) error {
			<-p.happened
			return p.failed
		})
	}
	return failure("Wait", driver.ScopeCall, err)
}

// Query implements driver.Stream.
func (s *stream) Query() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done == s.enqueued, s.failed
}

// Synchronize implements driver.Stream. A wait that the context ends leaves the
// failure of the work to the next one.
func (s *stream) Synchronize(ctx context.Context) error {
	if err := s.await(ctx); err != nil {
		return failure("Synchronize", driver.ScopeCall, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.failed
	s.failed = nil
	return err
}

// Close implements driver.Stream. It returns the failure that Synchronize has
// not reported.
func (s *stream) Close() error {
	if !s.end() {
		return driver.Errorf(driver.Closed, "Close", "the stream was closed before")
	}
	return s.failed
}

// end lets the goroutine finish and waits for it. It reports whether this is the
// first time.
func (s *stream) end() bool {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.changed.Broadcast()
	s.mu.Unlock()
	<-s.ended
	s.dev.mu.Lock()
	defer s.dev.mu.Unlock()
	delete(s.dev.streams, s)
	return first
}
