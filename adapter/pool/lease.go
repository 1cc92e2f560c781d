package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// Lease is what a request was given, until it is released or ends otherwise.
type Lease struct {
	pool      *Pool
	task      *task
	id        uint64
	instances []*Instance
	ctx       context.Context
	cancel    context.CancelCauseFunc
	notice    chan struct{} // closed when the lease is to be preempted
	closed    chan struct{} // closed when everything has been given back

	// Guarded by the pool's lock.
	state     leaseState
	granted   time.Time
	deadline  time.Time   // after notice
	preempted *Ended      // likewise: how it will end
	stopGrace func() bool // nil without
	ended     *Ended
	failure   error // of closing the instances, valid once closed
	successor *successor
}

type leaseState uint8

const (
	live   leaseState = iota
	warned            // told to end, and can still be used
	closing
	over
)

// Instance is one part of a card.
type Instance struct {
	lease  *Lease
	card   *card
	device *adapter.Device
	need   amount
}

// successor is the request that is made again after a lease has ended.
type successor struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the rest is valid
	lease  *Lease
	err    error
	taken  bool // by Next; guarded by the pool's lock
}

// grant turns a task whose instances are made into a lease.
func (p *Pool) grant(l *Lease) {
	t := l.task
	l.granted = p.clock.Now()
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	p.leases[l.id] = l
	p.live[t.request.Priority+MaxPriority]++
	for _, s := range t.placement {
		s.card.leases[l] = s.n
		s.card.made += int64(s.n)
	}
	waited := l.granted.Sub(t.submitted)
	p.waits.add(waited)
	p.counts.Granted++
	p.counts.Instances += int64(len(l.instances))
	p.emit(Event{Kind: Granted, Task: t.id, Request: &t.request, Waited: waited, Cards: cardsOf(t.placement)})
	for _, i := range l.instances {
		go i.follow()
	}
}

func cardsOf(shares []share) []string {
	names := make([]string, len(shares))
	for i, s := range shares {
		names[i] = s.card.name
	}
	return names
}

// follow ends the lease when the instance is lost.
func (i *Instance) follow() {
	l := i.lease
	select {
	case <-i.device.Lost():
	case <-l.ctx.Done():
		return
	}
	if i.card.device.Status() == adapter.StatusLost {
		l.pool.lose(i.card, i.card.device.Hold("Partition"))
		return
	}
	l.finish(&Ended{Lease: l.id, Cause: InstanceLost, Text: i.device.Name()})
}

// ID is the number of the lease, which events and snapshots have as the task's.
func (l *Lease) ID() uint64 { return l.id }

// Request returns what was asked for.
func (l *Lease) Request() Request { return l.task.request }

// Instances returns the parts of cards.
func (l *Lease) Instances() []*Instance { return slices.Clone(l.instances) }

// Devices returns the instances' devices. They must not be closed: Release does.
func (l *Lease) Devices() []*adapter.Device {
	devices := make([]*adapter.Device, len(l.instances))
	for i, instance := range l.instances {
		devices[i] = instance.device
	}
	return devices
}

// Device returns the instance as a device. It must not be closed: Release of the
// lease does.
func (i *Instance) Device() *adapter.Device { return i.device }

// Card returns the name of the card.
func (i *Instance) Card() string { return i.card.name }

// Memory returns the instance's quota in bytes: what was asked for, in the steps
// of the card.
func (i *Instance) Memory() int64 { return i.need.memory }

// Compute returns the instance's share of the card's compute units: what was
// asked for, in the steps of the card.
func (i *Instance) Compute() float64 { return float64(i.need.units) / float64(i.card.total.units) }

// Waited returns how long the request waited, since it was made first.
func (l *Lease) Waited() time.Duration { return l.granted.Sub(l.task.submitted) }

// Context returns a context that ends with the lease, with [Lease.Err] as its
// cause. Runs under it stop soon.
func (l *Lease) Context() context.Context { return l.ctx }

// Notice returns a channel that is closed when the lease is to be preempted: it
// ends at [Lease.Deadline] unless it is released before.
func (l *Lease) Notice() <-chan struct{} { return l.notice }

// Deadline returns when the lease will end, and whether it was told to.
func (l *Lease) Deadline() (time.Time, bool) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	return l.deadline, !l.deadline.IsZero()
}

// Err returns why the lease has ended, an [*Ended], nil as long as it has not.
// From then on calls on its devices fail with that, or with the device's own
// report of a loss.
func (l *Lease) Err() error {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if l.ended == nil {
		return nil
	}
	return l.ended
}

// Release gives the instances back, and withdraws the request if it is being made
// again. It waits for calls under way on the devices. Releasing twice does
// nothing.
func (l *Lease) Release() error {
	l.finish(&Ended{Lease: l.id, Cause: Released})
	<-l.closed
	p := l.pool
	p.mu.Lock()
	s := l.successor
	withdrawn := s != nil && !s.taken
	if withdrawn {
		s.taken = true
	}
	p.mu.Unlock()
	if withdrawn {
		s.cancel()
		<-s.done
		if s.lease != nil {
			return errors.Join(l.failure, s.lease.Release())
		}
	}
	return l.failure
}

// Next waits for the lease to end, and then for the one that its request is
// given when it is made again (see [Restart]). Where it is not, it returns the
// lease's own end. A lease that is to be preempted ends at once: its holder needs
// it no more. What Next has returned is for the caller to release.
func (l *Lease) Next(ctx context.Context) (*Lease, error) {
	l.pool.mu.Lock()
	leaving := l.preempted
	l.pool.mu.Unlock()
	if leaving != nil {
		l.finish(leaving)
	}
	select {
	case <-l.closed:
	case <-ctx.Done():
		return nil, driver.AsError("Next", context.Cause(ctx))
	}
	l.pool.mu.Lock()
	s := l.successor
	l.pool.mu.Unlock()
	if s == nil {
		return nil, l.Err()
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		return nil, driver.AsError("Next", context.Cause(ctx))
	}
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if s.taken && s.lease != nil {
		return nil, driver.Errorf(driver.InvalidArgument, "Next", "the successor of lease %d was taken before", l.id)
	}
	s.taken = true
	return s.lease, s.err
}

// finish ends a lease, unless it has ended, and gives its instances back.
func (l *Lease) finish(why *Ended) {
	p := l.pool
	p.mu.Lock()
	ends := p.retire(l, why)
	p.mu.Unlock()
	if ends {
		p.reclaim(l)
	}
}

// warn tells a holder that the lease will end.
func (p *Pool) warn(l *Lease, by *task) {
	p.leaves(l)
	l.state = warned
	l.deadline = p.clock.Now().Add(p.options.Grace)
	close(l.notice)
	why := &Ended{Lease: l.id, Cause: Preempted, Text: fmt.Sprintf("by request %d of priority %d", by.id, by.request.Priority)}
	l.preempted = why
	l.stopGrace = p.clock.AfterFunc(p.options.Grace, func() { l.finish(why) })
	p.counts.Preempted++
	p.emit(Event{Kind: Noticed, Task: l.id, Request: &l.task.request, Text: why.Text})
}

// leaves counts what a lease has as about to be given back.
func (p *Pool) leaves(l *Lease) {
	if l.state != live {
		return
	}
	for _, s := range l.task.placement {
		s.card.ending = s.card.ending.plus(s.amount())
	}
}

// retire ends a lease as far as its holder is concerned, and makes its request
// again if that was asked for. It reports whether the lease had not ended before;
// then the caller has to reclaim it.
func (p *Pool) retire(l *Lease, why *Ended) bool {
	if l.state > warned {
		return false
	}
	p.leaves(l)
	l.state, l.ended = closing, why
	p.work.Add(1)
	if l.stopGrace != nil {
		l.stopGrace()
	}
	l.cancel(why)
	if why.Cause != Released {
		for _, i := range l.instances {
			i.device.Revoke(why)
		}
		p.emit(Event{Kind: LeaseEnded, Task: l.id, Request: &l.task.request, Text: why.Error()})
	}
	r := &l.task.request
	lost := why.Cause == CardLost || why.Cause == InstanceLost
	if !p.closed && (lost && r.Restart&OnLoss != 0 || why.Cause == Preempted && r.Restart&OnPreemption != 0) {
		p.restart(l)
	}
	return true
}

// restart makes the request of an ended lease again.
func (p *Pool) restart(l *Lease) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &successor{cancel: cancel, done: make(chan struct{})}
	l.successor = s
	t, err := p.submit(l.task.request, l.task)
	if err != nil {
		s.err = err
		close(s.done)
		return
	}
	go func() {
		defer close(s.done)
		s.lease, s.err = p.await(ctx, t)
	}()
}

// reclaim closes the instances of a retired lease and gives back what it had.
func (p *Pool) reclaim(l *Lease) {
	defer p.work.Done()
	l.closeAll()
	p.mu.Lock()
	defer p.mu.Unlock()
	l.state = over
	for _, s := range l.task.placement {
		s.card.ending = s.card.ending.minus(s.amount())
		delete(s.card.leases, l)
	}
	p.unplace(l.task)
	p.live[l.task.request.Priority+MaxPriority]--
	delete(p.leases, l.id)
	p.forget(l.task)
	if l.ended.Cause == Released {
		p.counts.Released++
		p.emit(Event{Kind: LeaseReleased, Task: l.id, Request: &l.task.request})
	}
	close(l.closed)
	p.schedule()
}

// closeAll closes the devices.
func (l *Lease) closeAll() {
	var errs []error
	for _, i := range l.instances {
		errs = append(errs, i.device.Close())
	}
	l.failure = errors.Join(errs...)
}

// liveLeases lists the leases that have not ended, by number.
func (p *Pool) liveLeases() []*Lease {
	var list []*Lease
	for _, l := range p.leases {
		if l.state <= warned {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b *Lease) int { return cmp.Compare(a.id, b.id) })
	return list
}
