package emu

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"example.com/midplane/adapter/collective"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// comm is a rank of emulated devices of this process, which meet while their
// streams work.
type comm struct {
	dev  *Device
	rank *collective.Rank
	busy sync.WaitGroup // operations enqueued

	mu      sync.Mutex
	closed  bool
	depth   int // of groups
	pending []enqueued
}

// enqueued is an operation of a group that has not ended.
type enqueued struct {
	stream driver.Stream
	work   *work
	sends  bool
}

// NewCommID implements driver.Collective.
func (d *Device) NewCommID() (driver.CommID, error) {
	if err := d.able(driver.CapCollective, "NewCommID"); err != nil {
		return driver.CommID{}, err
	}
	return collective.NewID(), d.ready("NewCommID")
}

// JoinComm implements driver.Collective.
func (d *Device) JoinComm(ctx context.Context, id driver.CommID, rank, size int) (driver.Comm, error) {
	const op = "JoinComm"
	if err := d.able(driver.CapCollective, op); err != nil {
		return nil, err
	}
	if err := d.readyFor(ctx, op); err != nil {
		return nil, err
	}
	ctx, stop := d.until(ctx)
	defer stop()
	r, err := collective.Join(ctx, id, rank, size)
	if err != nil {
		return nil, failure(op, driver.ScopeCall, err)
	}
	return &comm{dev: d, rank: r}, nil
}

// until returns a context that ends too when the device is lost or closed.
func (d *Device) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(d.life, func() { cancel(context.Cause(d.life)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// enqueue submits an operation that was announced, or keeps it for the end of
// the group.
func (c *comm) enqueue(s driver.Stream, dst, src driver.Region, announce func() (*collective.Operation, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errCommClosed("")
	}
	if on, ok := s.(*stream); ok && on.capturing() {
		return driver.Errorf(driver.Unsupported, "", "collective operations cannot be captured")
	}
	o, err := announce()
	if err != nil {
		return err
	}
	w := &work{op: o.Name(), bytes: max(o.Input(), o.Output()), undone: c.rank.Abort, run: func(mem *access) error {
		own := []byte{}
		if o.Input() > 0 {
			from, err := mem.view(src)
			if err != nil {
				return err
			}
			own = bytes.Clone(from)
		}
		got, err := o.Run(c.dev.life, own)
		if err != nil || o.Output() == 0 {
			return err
		}
		to, err := mem.write(dst)
		copy(to, got)
		return err
	}}
	for _, r := range []driver.Region{dst, src} {
		if r.Buffer != nil {
			w.regions = append(w.regions, r)
		}
	}
	if c.depth > 0 {
		c.pending = append(c.pending, enqueued{s, w, o.Sends()})
		return nil
	}
	return c.submit(s, w)
}

func errCommClosed(op string) error {
	return driver.Errorf(driver.Closed, op, "the communicator was closed before")
}

func (c *comm) submit(s driver.Stream, w *work) error {
	if err := c.dev.submit(s, w); err != nil {
		c.rank.Abort() // the others would wait for it
		return err
	}
	if on, ok := s.(*stream); ok {
		c.busy.Add(1)
		if err := on.enqueue(func(error) error { c.busy.Done(); return nil }, false); err != nil {
			c.busy.Done()
		}
	}
	return nil
}

// AllReduce implements driver.Comm.
func (c *comm) AllReduce(s driver.Stream, dst, src driver.Region, d tensor.DType, op driver.ReduceOp) error {
	return c.enqueue(s, dst, src, func() (*collective.Operation, error) { return c.rank.AllReduce(dst.Size, src.Size, d, op) })
}

// Broadcast implements driver.Comm.
func (c *comm) Broadcast(s driver.Stream, region driver.Region, root int) error {
	return c.enqueue(s, region, region, func() (*collective.Operation, error) { return c.rank.Broadcast(region.Size, root) })
}

// Reduce implements driver.Comm.
func (c *comm) Reduce(s driver.Stream, dst, src driver.Region, d tensor.DType, op driver.ReduceOp, root int) error {
	if c.rank.Rank() != root {
		dst = driver.Region{}
	}
	return c.enqueue(s, dst, src, func() (*collective.Operation, error) { return c.rank.Reduce(dst.Size, src.Size, d, op, root) })
}

// AllGather implements driver.Comm.
func (c *comm) AllGather(s driver.Stream, dst, src driver.Region) error {
	return c.enqueue(s, dst, src, func() (*collective.Operation, error) { return c.rank.AllGather(dst.Size, src.Size) })
}

// ReduceScatter implements driver.Comm.
func (c *comm) ReduceScatter(s driver.Stream, dst, src driver.Region, d tensor.DType, op driver.ReduceOp) error {
	return c.enqueue(s, dst, src, func() (*collective.Operation, error) { return c.rank.ReduceScatter(dst.Size, src.Size, d, op) })
}

// AllToAll implements driver.Comm.
func (c *comm) AllToAll(s driver.Stream, dst, src driver.Region) error {
	return c.enqueue(s, dst, src, func() (*collective.Operation, error) { return c.rank.AllToAll(dst.Size, src.Size) })
}

// Send implements driver.Comm.
func (c *comm) Send(s driver.Stream, src driver.Region, to int) error {
	return c.enqueue(s, driver.Region{}, src, func() (*collective.Operation, error) { return c.rank.Send(src.Size, to) })
}

// Recv implements driver.Comm.
func (c *comm) Recv(s driver.Stream, dst driver.Region, from int) error {
	return c.enqueue(s, dst, driver.Region{}, func() (*collective.Operation, error) { return c.rank.Recv(dst.Size, from) })
}

// GroupStart implements driver.Comm.
func (c *comm) GroupStart() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errCommClosed("GroupStart")
	}
	c.depth++
	return nil
}

// GroupEnd implements driver.Comm. Messages are sent first, so that no rank
// waits for one that waits for it.
func (c *comm) GroupEnd() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return errCommClosed("GroupEnd")
	case c.depth == 0:
		return driver.Errorf(driver.InvalidArgument, "GroupEnd", "no group was started")
	}
	if c.depth--; c.depth > 0 {
		return nil
	}
	todo := c.pending
	c.pending = nil
	slices.SortStableFunc(todo, func(a, b enqueued) int {
		order := map[bool]int{true: 0, false: 1}
		return order[a.sends] - order[b.sends]
	})
	var errs []error
	for _, e := range todo {
		errs = append(errs, c.submit(e.stream, e.work))
	}
	return errors.Join(errs...)
}

// Abort implements driver.Comm.
func (c *comm) Abort() error {
	c.rank.Abort()
	return nil
}

// Close implements driver.Comm.
func (c *comm) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return errCommClosed("Close")
	}
	c.busy.Wait()
	c.rank.Leave()
	return nil
}
