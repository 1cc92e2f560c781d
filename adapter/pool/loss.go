package pool

import (
	"cmp"
	"slices"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// follow watches a card until it is lost or the pool is closed.
func (p *Pool) follow(c *card) {
	defer p.work.Done()
	if why := p.watchCard(c); why != nil {
		p.lose(c, why)
	}
}

// watchCard returns why a card is lost, nil when the pool is closed.
func (p *Pool) watchCard(c *card) error {
	events, err := c.device.Watch(p.life)
	if err != nil && p.life.Err() == nil {
		return err
	}
	for {
		select {
		case <-p.life.Done():
			return nil
		case <-c.device.Lost():
			return c.device.Hold("Watch")
		case e, open := <-events:
			switch {
			case open && e.Kind == driver.HealthLost:
				return driver.Errorf(driver.DeviceLost, "Watch", "%s", e.Text)
			case open:
				p.tell(c, e)
			case c.device.Status() == adapter.StatusClosed:
				return driver.Errorf(driver.Closed, "Watch", "somebody else closed the device")
			default:
				events = nil
			}
		}
	}
}

// tell notes what a card tells of itself.
func (p *Pool) tell(c *card, e driver.HealthEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := c.health
	if c.health = ""; e.Kind != driver.HealthNormal {
		c.health = e.Kind.String()
	}
	if before != c.health {
		p.emit(Event{Kind: CardHealth, Card: c.name, Text: e.Kind.String()})
	}
}

// lose ends what there is on a card that is lost, and looks for it from now on if
// it can be opened again.
func (p *Pool) lose(c *card, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || c.lost != nil {
		return
	}
	c.lost = why
	c.device.Revoke(why)
	p.epoch++
	p.counts.Lost++
	p.emit(Event{Kind: CardGone, Card: c.name, Text: why.Error()})
	for _, t := range p.queue {
		if slices.ContainsFunc(t.promise, func(s share) bool { return s.card == c }) {
			p.breakPromise(t)
		}
	}
	for _, l := range c.holders() {
		if p.retire(l, &Ended{Lease: l.id, Cause: CardLost, Text: c.name + ": " + why.Error()}) {
			go p.reclaim(l)
		}
	}
	p.refuseHopeless()
	p.full = true
	p.schedule()
	if p.returns(c) {
		p.clock.AfterFunc(p.options.Reopen, func() { p.reopen(c) })
	}
}

// holders lists the leases that have a part of the card, by number.
func (c *card) holders() []*Lease {
	list := make([]*Lease, 0, len(c.leases))
	for l := range c.leases {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *Lease) int { return cmp.Compare(a.id, b.id) })
	return list
}

// refuseHopeless ends the requests that wait for what there will never be.
func (p *Pool) refuseHopeless() {
	p.queue = slices.DeleteFunc(p.queue, func(t *task) bool {
		err := p.hopeless(t)
		if err == nil {
			return false
		}
		p.breakPromise(t)
		t.fail(err)
		p.forget(t)
		p.counts.Refused++
		p.emit(Event{Kind: Refused, Task: t.id, Request: &t.request, Text: err.Error()})
		return true
	})
}

// returns reports whether a card is lost and looked for.
func (p *Pool) returns(c *card) bool {
	return c.lost != nil && c.owned && p.options.Reopen > 0
}

// reopen looks for a lost card once, and again later if it is not there.
func (p *Pool) reopen(c *card) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.work.Add(1)
	p.mu.Unlock()
	defer p.work.Done()
	_ = c.device.Close() // its failure is that it is lost
	d, err := adapter.Open(p.life, c.name, nil)
	if err == nil {
		if err = p.add(c.name, d, true); err == nil {
			return
		}
		_ = d.Close() // the pool was closed
		return
	}
	p.clock.AfterFunc(p.options.Reopen, func() { p.reopen(c) })
}
