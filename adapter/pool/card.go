package pool

import (
	"fmt"
	"math"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// card is a device of the pool with its books. The pool's lock guards it.
//
// Memory is counted in bytes, the compute units in parts of which a share is a
// whole number: threads of a processor, or anyUnits where any share will do.
type card struct {
	name    string
	device  *adapter.Device
	class   driver.Class
	owned   bool   // by the pool, which opened it by name and closes it
	unfit   string // why it cannot be divided, "" if it can
	step    int64  // bytes in which memory comes
	plans   []driver.PartitionPlan
	total   amount
	scale   [2]float64 // 1 / total
	lost    error      // nil while it is there
	health  string     // the last thing it told of itself, "" for nothing but normal
	failed  int64      // instances that could not be made
	changes int64      // how often something was given back

	want  amount // by an instance of the request that is being placed
	room  amount // for these
	trial int    // and how many there are so far
	gain  amount // from the leases that would have to end for it
	fits  int    // and how many there could be then

	held     amount // by leases, those that are being made or ended included
	ending   amount // of that, by leases that have been told to end
	promised amount // to requests that wait for leases to end
	leases   map[*Lease]int
	made     int64 // instances ever

	added    time.Time
	since    time.Time // when held last changed
	heldTime [2]float64
}

// anyUnits is how finely units are shared where any share will do. It is
// divisible by the numbers to 16 and by 1000, so that equal shares add up.
const anyUnits = 720720000

// amount is memory and compute.
type amount struct {
	memory int64 // bytes
	units  int64
}

func (a amount) plus(b amount) amount  { return amount{a.memory + b.memory, a.units + b.units} }
func (a amount) minus(b amount) amount { return amount{a.memory - b.memory, a.units - b.units} }
func (a amount) times(n int) amount    { return amount{a.memory * int64(n), a.units * int64(n)} }

// holds is how many of need are in a.
func (a amount) holds(need amount) int {
	return int(max(min(a.memory/need.memory, a.units/need.units, MaxCount), 0))
}

// newCard looks at what a device can be divided into. What is in use now stays
// out of it.
func newCard(name string, d *adapter.Device, owned bool, now time.Time) *card {
	c := &card{name: name, device: d, class: d.Info().Class, owned: owned, leases: make(map[*Lease]int), added: now, since: now}
	step, err := d.PartitionGranule()
	if err != nil {
		c.unfit = err.Error()
		return c
	}
	c.step, c.total.units = step.Memory, anyUnits
	if step.Compute > 0 {
		c.total.units = int64(math.Round(1 / step.Compute))
	}
	c.plans = d.PartitionPlans()
	stats := d.Stats()
	limit := stats.Limit
	if limit <= 0 {
		limit = d.Info().Memory
	}
	c.total.memory = max(limit-stats.InUse, 0) / c.step * c.step
	if c.total.memory == 0 {
		c.unfit = fmt.Sprintf("no memory is known to be free: %d bytes in use of %d", stats.InUse, limit)
	}
	c.scale = [2]float64{1 / float64(c.total.memory), 1 / float64(c.total.units)}
	return c
}

// need is what one instance of a request takes of the card: the smallest plan
// that has it, or what was asked for in whole steps.
func (c *card) need(r *Request) (need amount, ok bool) {
	if len(c.plans) > 0 {
		for _, p := range c.plans {
			if p.Memory < r.Memory || p.Compute < r.Compute {
				continue
			}
			n := amount{p.Memory, c.unitsOf(p.Compute)}
			if !ok || n.memory < need.memory || n.memory == need.memory && n.units < need.units {
				need, ok = n, true
			}
		}
		return need, ok
	}
	if r.Memory > c.total.memory {
		return need, false
	}
	return amount{(r.Memory + c.step - 1) / c.step * c.step, c.unitsOf(r.Compute)}, true
}

// unitsOf is a share in units, rounded up.
func (c *card) unitsOf(share float64) int64 {
	const rounding = 1e-6 // of shares that are not exact
	return max(int64(math.Ceil(share*float64(c.total.units)-rounding)), 1)
}

// spec is what a partition is made with for a need.
func (c *card) spec(need amount) driver.PartitionSpec {
	return driver.PartitionSpec{Memory: need.memory, Compute: float64(need.units) / float64(c.total.units)}
}

// free is what nobody has or is promised; it can be less than nothing.
func (c *card) free() amount { return c.total.minus(c.held).minus(c.promised) }

// coming is free, and what those have who have been told to end.
func (c *card) coming() amount { return c.free().plus(c.ending) }

// suits reports whether the card is of a request's kind, and there.
func (c *card) suits(r *Request) bool {
	return c.unfit == "" && c.lost == nil && (r.Kind == "" || r.Kind == c.class)
}

// why says why the card alone cannot satisfy a request, even when it is empty.
func (c *card) why(r *Request) string {
	switch {
	case r.Kind != "" && r.Kind != c.class:
		return fmt.Sprintf("it is of kind %s, not %s", c.class, r.Kind)
	case c.unfit != "":
		return c.unfit
	case c.lost != nil:
		return "it is lost: " + c.lost.Error()
	}
	need, ok := c.need(r)
	switch {
	case !ok && len(c.plans) > 0:
		return fmt.Sprintf("none of its %d plans has %d bytes and a share of %g", len(c.plans), r.Memory, r.Compute)
	case !ok:
		return fmt.Sprintf("it has %d bytes, not %d", c.total.memory, r.Memory)
	}
	return fmt.Sprintf("it holds %d such instances, and %d are wanted", c.total.holds(need), r.least())
}

// filled is the share of the card that is taken with one more instance of the
// request that is being placed: of memory or of compute, whichever is more (the
// dominant share of Ghodsi et al., Dominant Resource Fairness, 2011).
func (c *card) filled() float64 {
	used := c.total.minus(c.room).plus(c.want)
	return max(float64(used.memory)*c.scale[0], float64(used.units)*c.scale[1])
}

// take books what a lease has, with less than nothing to give it back.
func (c *card) take(a amount, now time.Time) {
	c.account(now)
	c.held = c.held.plus(a)
}

// account adds up what was held how long.
func (c *card) account(now time.Time) {
	seconds := max(now.Sub(c.since).Seconds(), 0)
	c.since = now
	if c.total.memory > 0 {
		c.heldTime[0] += seconds * float64(c.held.memory) * c.scale[0]
		c.heldTime[1] += seconds * float64(c.held.units) * c.scale[1]
	}
}
