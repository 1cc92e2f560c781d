package pool

import (
	"slices"

	"example.com/midplane/adapter/driver"
)

// bars are the kinds of cards that requests must leave alone, because one before
// them has waited too long.
type bars struct {
	all   bool
	kinds []driver.Class
}

func (b *bars) any() bool { return b.all || len(b.kinds) > 0 }

func (b *bars) has(kind driver.Class) bool { return b.all || slices.Contains(b.kinds, kind) }

// bar adds the kind of a task that is overtaken no more. One that was promised
// its place needs no bar, and one that waits for a lost card keeps nothing free.
func (p *Pool) bar(b *bars, t *task, now int64) {
	kind := t.request.Kind
	if now < t.patient || t.promise != nil || !t.class.present || b.has(kind) {
		return
	}
	if kind == "" {
		b.all = true
	}
	b.kinds = append(b.kinds, kind)
}

// schedule goes through the queue after something was given back.
func (p *Pool) schedule() {
	if p.closed || len(p.freed) == 0 && !p.full {
		return
	}
	cards, now := p.freed, p.clock.Now().UnixNano()
	if p.full {
		cards = p.cards
	}
	p.full = false
	p.stamp++
	var b bars
	most := mostFree(cards)
	keep := p.queue[:0]
	for _, t := range p.queue {
		r := &t.request
		switch {
		case t.class.stamp == p.stamp && t.class.claimless == p.stamp && t.avoid == nil && t.promise == nil:
			p.bar(&b, t, now) // like one before it
		case t.promise != nil:
			if p.redeem(t) {
				continue
			}
		case r.Memory <= most.Memory && r.Compute <= most.Compute && p.fit(t, cards, &b):
			most = mostFree(cards)
			continue
		case !p.claim(t, &b):
			p.bar(&b, t, now)
		}
		keep = append(keep, t)
	}
	clear(p.queue[len(keep):])
	p.queue = keep
	p.full = b.any() && len(p.queue) > 0
	p.freed = p.freed[:0]
}

// mostFree returns the most memory and the largest share that are free on any of
// the cards: what takes more fits on none.
func mostFree(cards []*card) (most driver.PartitionSpec) {
	const rounding = 1e-6
	for _, c := range cards {
		if c.unfit == "" && c.lost == nil {
			free := c.free()
			most.Memory = max(most.Memory, free.memory)
			most.Compute = max(most.Compute, float64(free.units)/float64(c.total.units)+rounding)
		}
	}
	return most
}

// giveBack notes that a card has more room than before.
func (p *Pool) giveBack(c *card) {
	c.changes++
	if !slices.Contains(p.freed, c) {
		p.freed = append(p.freed, c)
	}
}

// fit places a task if it fits on some of the cards; on all others it does not
// fit, unless it is a gang, whose instances may be anywhere.
func (p *Pool) fit(t *task, cards []*card, b *bars) bool {
	r := &t.request
	if t.class.stamp == p.stamp && t.avoid == nil || b.has(r.Kind) {
		return false
	}
	if len(cards) < len(p.cards) && r.least() > 1 {
		if !slices.ContainsFunc(cards, func(c *card) bool {
			need, ok := c.need(r)
			return ok && c.suits(r) && c.free().holds(need) > 0
		}) {
			return false
		}
		cards = p.cards
	}
	shares := p.assign(t, cards, b, r.count(), (*card).free)
	if shares == nil {
		t.class.stamp = p.stamp
		return false
	}
	p.place(t, shares)
	return true
}

// assign chooses cards for most instances of a task, or as many as there is room
// for; nil if that is not enough.
func (p *Pool) assign(t *task, cards []*card, b *bars, most int, room func(*card) amount) []share {
	r := &t.request
	if most == 1 {
		return p.assignOne(t, cards, b, room)
	}
	var fitting []*card
	all := 0
	for _, c := range cards {
		if n := p.roomFor(t, c, b, room); n > 0 {
			fitting = append(fitting, c)
			all += n
		}
	}
	if all < r.least() {
		return nil
	}
	for range min(most, all) {
		var best *card
		for _, c := range fitting {
			if c.room.holds(c.want) > 0 && (best == nil || r.prefers(c, best)) {
				best = c
			}
		}
		best.room = best.room.minus(best.want)
		best.trial++
	}
	var shares []share
	for _, c := range fitting {
		if c.trial > 0 {
			shares = append(shares, share{c, c.want, c.trial})
		}
	}
	return shares
}

// assignOne is assign for one instance.
func (p *Pool) assignOne(t *task, cards []*card, b *bars, room func(*card) amount) []share {
	var best *card
	for _, c := range cards {
		if p.roomFor(t, c, b, room) > 0 && (best == nil || t.request.prefers(c, best)) {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	return []share{{best, best.want, 1}}
}

// roomFor sets a card's room and what it wants for an instance of a task, and
// returns how many of these it has room for.
func (p *Pool) roomFor(t *task, c *card, b *bars, room func(*card) amount) int {
	c.trial = 0
	if !c.suits(&t.request) || b.has(c.class) || t.avoid != nil && t.shuns(c) {
		return 0
	}
	var ok bool
	if c.want, ok = c.need(&t.request); !ok {
		return 0
	}
	c.room = room(c)
	return c.room.holds(c.want)
}

// prefers reports whether card a is better than b, by the request's policy. Of
// equals the earlier in the pool is better.
func (r *Request) prefers(a, b *card) bool {
	if r.Policy == Binpack {
		return a.filled() > b.filled()
	}
	if a.trial != b.trial {
		return a.trial < b.trial
	}
	return a.filled() < b.filled()
}

// place books what a task gets, and wakes whoever waits for it.
func (p *Pool) place(t *task, shares []share) {
	now := p.clock.Now()
	for _, s := range shares {
		s.card.take(s.amount(), now)
	}
	t.state, t.placement = placed, shares
	p.making++
	p.work.Add(1)
	t.wake <- struct{}{}
}

// unplace gives back what a task got.
func (p *Pool) unplace(t *task) {
	now := p.clock.Now()
	for _, s := range t.placement {
		s.card.take(amount{}.minus(s.amount()), now)
		p.giveBack(s.card)
	}
	t.placement = nil
}

// pledge promises a task what leases have that are about to end.
func (p *Pool) pledge(t *task, shares []share) {
	t.promise = shares
	for _, s := range shares {
		s.card.promised = s.card.promised.plus(s.amount())
	}
}

// redeem places a task that was promised its place, once that is free.
func (p *Pool) redeem(t *task) bool {
	for _, s := range t.promise {
		if s.card.total.minus(s.card.held).holds(s.need) < s.n {
			return false
		}
	}
	shares := t.promise
	p.breakPromise(t)
	p.place(t, shares)
	return true
}

// breakPromise takes a promise back.
func (p *Pool) breakPromise(t *task) {
	for _, s := range t.promise {
		s.card.promised = s.card.promised.minus(s.amount())
		p.giveBack(s.card)
	}
	t.promise = nil
}
