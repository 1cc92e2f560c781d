package adapter

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/collective"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Comm is a rank's end of a communicator; see [driver.Comm] for what its
// operations do. Every rank enqueues the same operations in the same order. A
// nil stream means at once. Where devices have no collectives in common, the
// ranks meet in host memory, and streams are synchronised.
type Comm struct {
	dev        *Device
	drv        driver.Comm      // nil where the ranks meet on the host
	host       *collective.Rank // there
	rank, size int
	closed     atomic.Bool

	mu      sync.Mutex
	depth   int         // of groups, on the host
	pending []operation // of the group
}

// hostPrefix begins the names of communicators whose ranks meet on the host.
const hostPrefix = "midplane host\x00"

// NewCommID returns a name for a communicator of the given devices, one per
// rank. Their own collectives are used where all have them and are of one
// driver, else the ranks meet in host memory.
func NewCommID(devices ...*Device) (driver.CommID, error) {
	for _, d := range devices {
		if err := d.call("NewCommID", func() error { return nil }); err != nil {
			return driver.CommID{}, err
		}
	}
	for i, d := range devices {
		base, _, _ := strings.Cut(d.name, ":")
		first, _, _ := strings.Cut(devices[0].name, ":")
		native, ok := As[driver.Collective](d)
		if !ok || base != first {
			break
		}
		if i == len(devices)-1 {
			var id driver.CommID
			err := d.call("NewCommID", func() (err error) {
				id, err = native.NewCommID()
				return err
			})
			return id, err
		}
	}
	id := collective.NewID()
	copy(id[:], hostPrefix)
	return id, nil
}

// JoinComm becomes a rank of the communicator of that name, of size ranks, and
// waits until all have joined.
func (d *Device) JoinComm(ctx context.Context, id driver.CommID, rank, size int) (*Comm, error) {
	const op = "JoinComm"
	if err := d.enterCtx(ctx, op); err != nil {
		return nil, err
	}
	defer d.leave()
	if size < 1 || rank < 0 || rank >= size {
		return nil, d.refuse(op, "rank %d of %d", rank, size)
	}
	ctx, stop := d.while(ctx)
	defer stop()
	c := &Comm{dev: d, rank: rank, size: size}
	var err error
	switch native, ok := As[driver.Collective](d); {
	case strings.HasPrefix(string(id[:]), hostPrefix):
		c.host, err = collective.Join(ctx, id, rank, size)
	case ok:
		c.drv, err = native.JoinComm(ctx, id, rank, size)
	default:
		return nil, d.lacks(op, "Collective, which the communicator's name asks for")
	}
	if err != nil {
		return nil, d.named(op, err)
	}
	return c, nil
}

// while returns a context that ends too when the device is lost or closed.
func (d *Device) while(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-d.lost:
			cancel(d.lostWhy)
		case <-d.closing.Done():
			cancel(driver.Errorf(Closed, "", "the device is being closed"))
		case <-ctx.Done():
		case <-done:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		close(done)
		cancel(nil)
	})
}

// Rank returns the rank's number.
func (c *Comm) Rank() int { return c.rank }

// Size returns the number of ranks.
func (c *Comm) Size() int { return c.size }

// operation is one of the host's.
type operation struct {
	*collective.Operation
	on       *Stream
	dst, src driver.Region
}

// ends are the regions of an operation that a rank has: where it receives, and
// what it gives.
type ends struct{ dst, src *driver.Region }

// do is one operation, by the driver or by the host, where announce takes its
// place in the order.
func (c *Comm) do(ctx context.Context, op string, s *Stream, e ends, native func(driver.Stream) error, announce func() (*collective.Operation, error)) error {
	d := c.dev
	if c.closed.Load() {
		return closedBefore(d, op, "communicator")
	}
	if s != nil && s.dev != d {
		return d.refuse(op, "the stream is of %s", s.dev.name)
	}
	s = d.on(s)
	if err := s.enterCtx(ctx, op); err != nil {
		return err
	}
	defer d.leave()
	o := operation{on: s}
	for _, end := range []struct{ kept, given *driver.Region }{{&o.dst, e.dst}, {&o.src, e.src}} {
		if end.given == nil {
			continue
		}
		if err := d.checkCopy(op, 0, 0, *end.given); err != nil {
			return err
		}
		*end.kept = *end.given
	}
	if c.drv != nil {
		return c.interruptible(ctx, op, func() error { return native(s.drv) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	announced, err := announce()
	if err != nil {
		return d.named(op, err)
	}
	o.Operation = announced
	if c.depth > 0 {
		c.pending = append(c.pending, o)
		return nil
	}
	return c.meet(ctx, o)
}

// interruptible is a call of the driver that may wait for other ranks. One that
// the end of the context cuts short ends the communicator for all.
func (c *Comm) interruptible(ctx context.Context, op string, f func() error) error {
	stop := context.AfterFunc(ctx, func() { c.drv.Abort() })
	err := f()
	if !stop() && err != nil {
		err = ctx.Err()
	}
	return c.dev.named(op, err)
}

// meet does an operation of the host.
func (c *Comm) meet(ctx context.Context, o operation) error {
	if err := o.on.Synchronize(ctx); err != nil {
		return err
	}
	src := make([]byte, o.Input())
	if len(src) > 0 {
		if err := c.dev.CopyOut(ctx, src, o.src); err != nil {
			return err
		}
	}
	waiting, stop := c.dev.while(ctx)
	defer stop()
	got, err := o.Run(waiting, src)
	if err != nil || o.Output() == 0 {
		return c.dev.named(o.Name(), err)
	}
	return c.dev.CopyIn(ctx, o.dst, got)
}

// AllReduce leaves in every dst what op makes of all src. dst may be src.
func (c *Comm) AllReduce(ctx context.Context, s *Stream, dst, src driver.Region, t tensor.DType, op driver.ReduceOp) error {
	return c.do(ctx, "AllReduce", s, ends{&dst, &src},
		func(s driver.Stream) error { return c.drv.AllReduce(s, dst, src, t, op) },
		func() (*collective.Operation, error) { return c.host.AllReduce(dst.Size, src.Size, t, op) })
}

// Broadcast leaves root's bytes in everyone's region.
func (c *Comm) Broadcast(ctx context.Context, s *Stream, region driver.Region, root int) error {
	return c.do(ctx, "Broadcast", s, ends{&region, &region},
		func(s driver.Stream) error { return c.drv.Broadcast(s, region, root) },
		func() (*collective.Operation, error) { return c.host.Broadcast(region.Size, root) })
}

// Reduce leaves in root's dst what op makes of all src. Other ranks' dst is not
// looked at.
func (c *Comm) Reduce(ctx context.Context, s *Stream, dst, src driver.Region, t tensor.DType, op driver.ReduceOp, root int) error {
	e := ends{&dst, &src}
	if c.rank != root {
		dst, e.dst = driver.Region{}, nil
	}
	return c.do(ctx, "Reduce", s, e,
		func(s driver.Stream) error { return c.drv.Reduce(s, dst, src, t, op, root) },
		func() (*collective.Operation, error) { return c.host.Reduce(dst.Size, src.Size, t, op, root) })
}

// AllGather leaves all src, in the order of ranks, in every dst.
func (c *Comm) AllGather(ctx context.Context, s *Stream, dst, src driver.Region) error {
	return c.do(ctx, "AllGather", s, ends{&dst, &src},
		func(s driver.Stream) error { return c.drv.AllGather(s, dst, src) },
		func() (*collective.Operation, error) { return c.host.AllGather(dst.Size, src.Size) })
}

// ReduceScatter leaves the rank's part of the reduction in dst.
func (c *Comm) ReduceScatter(ctx context.Context, s *Stream, dst, src driver.Region, t tensor.DType, op driver.ReduceOp) error {
	return c.do(ctx, "ReduceScatter", s, ends{&dst, &src},
		func(s driver.Stream) error { return c.drv.ReduceScatter(s, dst, src, t, op) },
		func() (*collective.Operation, error) { return c.host.ReduceScatter(dst.Size, src.Size, t, op) })
}

// AllToAll sends the i-th part of src to rank i, and leaves what rank i sent in
// the i-th part of dst.
func (c *Comm) AllToAll(ctx context.Context, s *Stream, dst, src driver.Region) error {
	return c.do(ctx, "AllToAll", s, ends{&dst, &src},
		func(s driver.Stream) error { return c.drv.AllToAll(s, dst, src) },
		func() (*collective.Operation, error) { return c.host.AllToAll(dst.Size, src.Size) })
}

// Send sends to one rank.
func (c *Comm) Send(ctx context.Context, s *Stream, src driver.Region, to int) error {
	return c.do(ctx, "Send", s, ends{nil, &src},
		func(s driver.Stream) error { return c.drv.Send(s, src, to) },
		func() (*collective.Operation, error) { return c.host.Send(src.Size, to) })
}

// Recv receives from one rank, in the order in which it sends.
func (c *Comm) Recv(ctx context.Context, s *Stream, dst driver.Region, from int) error {
	return c.do(ctx, "Recv", s, ends{&dst, nil},
		func(s driver.Stream) error { return c.drv.Recv(s, dst, from) },
		func() (*collective.Operation, error) { return c.host.Recv(dst.Size, from) })
}

// GroupStart begins operations that are enqueued together by GroupEnd. Groups
// nest.
func (c *Comm) GroupStart() error {
	return c.control(context.Background(), "GroupStart", driver.Comm.GroupStart, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.depth++
		return nil
	})
}

// GroupEnd enqueues the operations of the group.
func (c *Comm) GroupEnd(ctx context.Context) error {
	return c.control(ctx, "GroupEnd", driver.Comm.GroupEnd, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.depth == 0 {
			return driver.Errorf(InvalidArgument, "GroupEnd", "no group was started")
		}
		if c.depth--; c.depth > 0 {
			return nil
		}
		todo := c.pending
		c.pending = nil
		slices.SortStableFunc(todo, func(a, b operation) int {
			switch {
			case a.Sends() == b.Sends():
				return 0
			case a.Sends():
				return -1
			}
			return 1
		})
		var errs []error
		for _, o := range todo {
			errs = append(errs, c.meet(ctx, o))
		}
		return errors.Join(errs...)
	})
}

// Abort makes this and every rank's operations end as Aborted.
func (c *Comm) Abort() error {
	return c.control(context.Background(), "Abort", driver.Comm.Abort, func() error {
		c.host.Abort()
		return nil
	})
}

func (c *Comm) control(ctx context.Context, op string, native func(driver.Comm) error, host func() error) error {
	if c.closed.Load() {
		return closedBefore(c.dev, op, "communicator")
	}
	if err := c.dev.enterCtx(ctx, op); err != nil {
		return err
	}
	defer c.dev.leave()
	if c.drv != nil {
		return c.interruptible(ctx, op, func() error { return native(c.drv) })
	}
	return c.dev.named(op, host())
}

// Close leaves the communicator. A second Close is an error.
func (c *Comm) Close() error {
	err := closeHandle(c.dev, "communicator", &c.closed, c.drv)
	if c.host != nil {
		c.host.Leave()
	}
	return err
}
