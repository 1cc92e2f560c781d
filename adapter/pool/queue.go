package pool

import (
	"cmp"
	"math"
	"slices"
	"time"

	"example.com/midplane/adapter/driver"
)

// task is a request on its way to a lease. The pool's lock guards it.
type task struct {
	id        uint64
	request   Request
	class     *class
	submitted time.Time // when it was made first
	patient   int64     // until when it may be overtaken, in nanoseconds
	rank      int64     // nanoseconds; the lowest comes first
	cost      int64     // millionths of the pool that it counts for with its owner
	state     state
	placement []share // while it is placed, and what its lease has
	promise   []share // of leases that have been told to end, nil for none
	avoid     map[*card]*avoided
	wake      chan struct{} // has room for one: the state has changed
	err       error         // of a failed one
}

type state uint8

const (
	waiting state = iota
	placed        // its instances are being made, or there
	failed        // there will be no lease
)

// share is a part of a card: n instances of equal need.
type share struct {
	card *card
	need amount
	n    int
}

func (s share) amount() amount { return s.need.times(s.n) }

// avoided is why a task avoids a card.
type avoided struct {
	err     error
	changes int64 // as long as the card's are as many, or
	always  bool
}

// shape is what decides where a request fits.
type shape struct {
	kind         driver.Class
	memory       int64
	compute      float64
	count, least int
	policy       Policy
	priority     int
}

// class is the requests of one shape.
type class struct {
	epoch   int64 // of the cards, at which the following was found out
	refusal *Refusal
	present bool  // the cards that are there suffice, without those that are looked for
	cost    int64 // millionths of the pool that a request takes, 1 at least

	stamp     int64 // of the last time that the queue was gone through in which none fitted
	claimless int64 // and in which none could take the place of others
}

// owner is somebody for whom requests are made.
type owner struct {
	has   int64 // millionths of the pool, had or awaited
	tasks int
	last  int64 // the greatest rank, without priority
}

const maxClasses = 4096

// classOf returns the class of a request, with what is known of it for the
// cards that there are.
func (p *Pool) classOf(r *Request) *class {
	key := shape{r.Kind, r.Memory, r.Compute, r.count(), r.least(), r.Policy, r.Priority}
	k := p.classes[key]
	if k == nil {
		if len(p.classes) >= maxClasses {
			clear(p.classes)
		}
		k = &class{epoch: -1}
		p.classes[key] = k
	}
	if k.epoch != p.epoch {
		k.epoch = p.epoch
		p.survey(r, k)
	}
	return k
}

// survey finds out why the requests of a class can never be satisfied, and what
// part of the cards of its kind one takes. Cards that are lost and looked for
// count.
func (p *Pool) survey(r *Request, k *class) {
	var all, present int
	var memory, units float64
	for _, c := range p.cards {
		need, ok := c.need(r)
		if !ok || !c.suits(r) && !(p.returns(c) && c.unfit == "" && (r.Kind == "" || r.Kind == c.class)) {
			continue
		}
		n := c.total.holds(need)
		if all = min(all+n, MaxCount); c.lost == nil {
			present = min(present+n, MaxCount)
		}
		memory += float64(c.total.memory) / float64(need.memory)
		units += float64(c.total.units) / float64(need.units)
	}
	k.refusal, k.present, k.cost = nil, present >= r.least(), 1
	if all < r.least() {
		k.refusal = &Refusal{Reasons: make([]Reason, len(p.cards))}
		for i, c := range p.cards {
			k.refusal.Reasons[i] = Reason{c.name, c.why(r)}
		}
		return
	}
	k.cost = max(int64(1e6*float64(r.count())/min(memory, units)), 1)
}

// refuse returns the refusal of a request of the class, nil for none.
func (k *class) refuse(r *Request) error {
	if k.refusal == nil {
		return nil
	}
	return &Refusal{Request: *r, Reasons: k.refusal.Reasons}
}

// submit puts a request into the queue, in the place of an earlier one if it is
// made again, and places it if it fits. The error says why it cannot be.
func (p *Pool) submit(r Request, earlier *task) (*task, error) {
	if p.closed {
		return nil, errPoolClosed("Acquire")
	}
	k := p.classOf(&r)
	p.counts.Requests++
	if earlier != nil {
		p.counts.Restarted++
	}
	if err := k.refuse(&r); err != nil {
		p.counts.Refused++
		p.emit(Event{Kind: Refused, Request: &r, Text: err.Error()})
		return nil, err
	}
	p.last++
	t := &task{id: p.last, request: r, class: k, cost: k.cost, submitted: p.clock.Now(), wake: make(chan struct{}, 1)}
	if o := p.owner(r.Owner); earlier != nil {
		t.submitted, t.rank = earlier.submitted, earlier.rank
		o.add(t)
	} else {
		t.rank = o.rank(p, t)
	}
	t.patient = t.submitted.Add(p.options.Patience).UnixNano()
	p.emit(Event{Kind: Queued, Task: t.id, Request: &t.request})
	p.enqueue(t)
	return t, nil
}

// enqueue puts a task in its place in the queue, and places it if it fits.
func (p *Pool) enqueue(t *task) {
	t.state = waiting
	i, _ := slices.BinarySearchFunc(p.queue, t, byRank)
	p.queue = slices.Insert(p.queue, i, t)
	var b bars
	now := p.clock.Now().UnixNano()
	for _, before := range p.queue[:i] {
		p.bar(&b, before, now)
	}
	p.stamp++
	if p.fit(t, p.cards, &b) {
		p.queue = slices.Delete(p.queue, i, i+1)
		return
	}
	p.full = p.full || b.any()
	p.claim(t, &b)
}

func byRank(a, b *task) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.id, b.id)) }

// again puts a task back whose card failed, unless it cannot be satisfied any
// more.
func (p *Pool) again(t *task) error {
	if err := p.hopeless(t); err != nil {
		t.state = failed
		p.forget(t)
		p.counts.Refused++
		p.emit(Event{Kind: Refused, Task: t.id, Request: &t.request, Text: err.Error()})
		p.schedule()
		return err
	}
	p.enqueue(t)
	p.schedule()
	return nil
}

// hopeless returns why a task cannot be satisfied any more, nil if it can.
func (p *Pool) hopeless(t *task) error {
	t.class = p.classOf(&t.request)
	if err := t.class.refuse(&t.request); err != nil {
		return err
	}
	all := 0
	for _, c := range p.cards {
		need, ok := c.need(&t.request)
		a := t.avoid[c]
		if ok && (c.suits(&t.request) || p.returns(c)) && (a == nil || !a.always) {
			all += c.total.holds(need)
		}
	}
	if all >= t.request.least() {
		return nil
	}
	refusal := &Refusal{Request: t.request, Reasons: make([]Reason, len(p.cards))}
	for i, c := range p.cards {
		refusal.Reasons[i] = Reason{c.name, c.why(&t.request)}
		if a := t.avoid[c]; a != nil {
			refusal.Reasons[i].Text = a.err.Error()
		}
	}
	return refusal
}

// avoids notes that a card did not give the task an instance. If it was empty it
// will never; else it may when something has been given back.
func (t *task) avoids(c *card, err error) {
	if t.avoid == nil {
		t.avoid = make(map[*card]*avoided)
	}
	t.avoid[c] = &avoided{err: err, changes: c.changes, always: c.held == amount{}}
}

// shuns reports whether the task avoids a card now.
func (t *task) shuns(c *card) bool {
	a := t.avoid[c]
	return a != nil && (a.always || a.changes == c.changes)
}

// dequeue takes a task out of the queue.
func (p *Pool) dequeue(t *task) {
	if i, ok := slices.BinarySearchFunc(p.queue, t, byRank); ok {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
}

// fail ends a task that waits.
func (t *task) fail(err error) {
	t.state, t.err = failed, err
	t.wake <- struct{}{}
}

func (p *Pool) owner(name string) *owner {
	o := p.owners[name]
	if o == nil {
		o = &owner{last: math.MinInt64}
		p.owners[name] = o
	}
	return o
}

func (o *owner) add(t *task) {
	o.has += t.cost
	o.tasks++
}

// rank returns the rank of a new task, and counts it.
func (o *owner) rank(p *Pool, t *task) int64 {
	behind := float64(p.options.Turn) * float64(o.has) / 1e6
	o.last = max(t.submitted.UnixNano()+int64(min(behind, 1e17)), o.last)
	o.add(t)
	return o.last - int64(t.request.Priority)*int64(p.options.Aging)
}

// forget counts a task no more that has no lease, or whose lease has ended.
func (p *Pool) forget(t *task) {
	o := p.owners[t.request.Owner]
	o.has -= t.cost
	if o.tasks--; o.tasks == 0 {
		delete(p.owners, t.request.Owner)
	}
}
