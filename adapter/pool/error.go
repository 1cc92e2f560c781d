package pool

import (
	"fmt"
	"strings"

	"example.com/midplane/adapter/driver"
)

// Refusal is the error of a request that the pool can never satisfy, however
// much is given back: errors.Is says [driver.Unsupported].
type Refusal struct {
	Request Request
	Reasons []Reason // one for each card, in the pool's order
}

// Reason says why a card does not suit.
type Reason struct {
	Card string
	Text string
}

// Error implements error.
func (r *Refusal) Error() string {
	const shown = 8
	var b strings.Builder
	fmt.Fprintf(&b, "the pool can never give %v", r.Request)
	if len(r.Reasons) == 0 {
		b.WriteString(": it has no cards")
	}
	for i, reason := range r.Reasons {
		if i == shown {
			fmt.Fprintf(&b, "; and %d more cards", len(r.Reasons)-shown)
			break
		}
		fmt.Fprintf(&b, "; %s: %s", reason.Card, reason.Text)
	}
	return b.String()
}

// Unwrap makes errors.Is find the code.
func (r *Refusal) Unwrap() error { return driver.Unsupported }

// Cause says why a lease has ended. It is itself an error, so that
// errors.Is(err, pool.Preempted) works on anything that wraps one.
type Cause uint8

// The causes.
const (
	Released     Cause = iota + 1 // by its holder
	Preempted                     // by a request of higher priority
	CardLost                      // a card that it had a part of is lost
	InstanceLost                  // one of its instances is lost, the card is not
	PoolClosed
)

var causeNames = [...]string{"", "released", "preempted", "card lost", "instance lost", "pool closed"}

// Error implements error.
func (c Cause) Error() string {
	if int(c) < len(causeNames) && c > 0 {
		return causeNames[c]
	}
	return fmt.Sprintf("cause %d", uint8(c))
}

// code is what devices of an ended lease fail with.
func (c Cause) code() driver.Code {
	switch c {
	case CardLost, InstanceLost:
		return driver.DeviceLost
	case Released, PoolClosed:
		return driver.Closed
	}
	return driver.Unavailable
}

// Ended is why a lease has ended, and what calls on its devices fail with.
// errors.Is finds the cause, and the code of the failure: [driver.DeviceLost]
// after a loss, [driver.Unavailable] after a preemption, [driver.Closed]
// otherwise.
type Ended struct {
	Lease uint64
	Cause Cause
	Text  string
}

// Error implements error.
func (e *Ended) Error() string {
	s := fmt.Sprintf("lease %d has ended: %v", e.Lease, e.Cause)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Unwrap makes errors.Is find the cause and the code.
func (e *Ended) Unwrap() []error { return []error{e.Cause, e.Cause.code()} }
