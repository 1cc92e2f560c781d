package pool

import (
	"cmp"
	"slices"
)

// claim promises a task the place of leases of lower priority, and tells their
// holders. It reports whether there are enough.
func (p *Pool) claim(t *task, b *bars) bool {
	r := &t.request
	if b.has(r.Kind) || t.class.claimless == p.stamp && t.avoid == nil {
		return false
	}
	var victims []*Lease
	ok := !p.options.NoPreemption && p.lower(r.Priority)
	if ok {
		victims, ok = p.victims(t, b)
	}
	if !ok {
		t.class.claimless = p.stamp
		return false
	}
	for _, c := range p.cards {
		c.gain = amount{}
	}
	for _, l := range victims {
		for _, s := range l.task.placement {
			s.card.gain = s.card.gain.plus(s.amount())
		}
	}
	shares := p.assign(t, p.cards, b, r.least(), (*card).gained)
	p.pledge(t, shares)
	for _, l := range victims {
		p.warn(l, t)
	}
	return true
}

// lower reports whether there are leases, told to end or not, of a lower
// priority.
func (p *Pool) lower(priority int) bool {
	if p.lowestAt != p.stamp {
		p.lowestAt, p.lowest = p.stamp, slices.IndexFunc(p.live[:], func(n int) bool { return n > 0 })
	}
	return p.lowest >= 0 && p.lowest < priority+MaxPriority
}

// gained is what will be free on a card once those have ended who have been told
// to, and those chosen.
func (c *card) gained() amount { return c.coming().plus(c.gain) }

// victims chooses the leases whose end makes room for a task: those of the lowest
// priority, and of these those that have run for the shortest time; no lease that
// could stay.
func (p *Pool) victims(t *task, b *bars) (victims []*Lease, ok bool) {
	r := &t.request
	room := 0
	for _, c := range p.cards {
		c.gain = amount{}
		c.fits = p.roomFor(t, c, b, (*card).gained)
		room += c.fits
	}
	// change adds what a lease has to what its cards will have, or takes it off.
	change := func(l *Lease, sign int) {
		for _, s := range l.task.placement {
			s.card.gain = s.card.gain.plus(s.amount().times(sign))
			room -= s.card.fits
			s.card.fits = p.roomFor(t, s.card, b, (*card).gained)
			room += s.card.fits
		}
	}
	for _, l := range p.candidates(r) {
		if room >= r.least() {
			break
		}
		change(l, 1)
		victims = append(victims, l)
	}
	if room < r.least() {
		return nil, false
	}
	for i := len(victims) - 1; i >= 0; i-- {
		if change(victims[i], -1); room >= r.least() {
			victims = slices.Delete(victims, i, i+1)
		} else {
			change(victims[i], 1)
		}
	}
	return victims, true
}

// candidates lists the leases of lower priority that have a part of a card which
// suits, in the order in which they are to end.
func (p *Pool) candidates(r *Request) []*Lease {
	var list []*Lease
	for _, l := range p.leases {
		if l.state == live && l.task.request.Priority < r.Priority &&
			slices.ContainsFunc(l.task.placement, func(s share) bool { return s.card.suits(r) }) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b *Lease) int {
		return cmp.Or(cmp.Compare(a.task.request.Priority, b.task.request.Priority), b.granted.Compare(a.granted), cmp.Compare(b.id, a.id))
	})
	return list
}
