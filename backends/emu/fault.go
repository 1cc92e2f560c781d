package emu

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/midplane/adapter/driver"
)

// Fault is something that goes wrong at certain times. Every operation is
// counted when the device begins it, from 1 on, by its name and among all; for
// the names see [Options].Fault. Reordering is counted when work is enqueued.
type Fault struct {
	Op     string // whose count it goes by; "" is all operations
	At     int    // at which one; 0 is the first
	Every  int    // and at every so many after it; 0 is never again
	Kind   FaultKind
	Delay  time.Duration // of Delay and Hang; 0 hangs for ever
	Factor float64       // of Throttle: how many times slower; 1 restores
}

// FaultKind says what goes wrong.
type FaultKind string

// The kinds of faults. A hang ends with the device, and a call that hangs with its
// context.
const (
	Fail     FaultKind = "fail"     // the operation fails: internal error, retryable
	OOM      FaultKind = "oom"      // the operation fails: out of memory, retryable
	Memory   FaultKind = "ecc"      // the operation fails: data loss; a memory error is reported
	Lost     FaultKind = "lost"     // the device is lost
	Hang     FaultKind = "hang"     // the operation does not end, until the device is closed or lost
	Delay    FaultKind = "delay"    // the operation begins later
	Reorder  FaultKind = "reorder"  // the work is done before what was enqueued before it
	BitFlip  FaultKind = "bitflip"  // one bit of what the operation wrote is wrong, in silence
	Throttle FaultKind = "throttle" // the device becomes slower, and says so
)

// ParseFaults reads a schedule: faults, separated by semicolons, of the form
// op@at+every=kind:argument. The op "*" is all operations; "@at" may be left out
// for the first time, "+every" for never again, and the argument where a kind has
// none. For example:
//
//	Alloc@5=oom; CopyOut@2+10=bitflip; MatMul=delay:5ms; *@100=lost; CopyIn@7=hang; *@20=throttle:4
func ParseFaults(schedule string) ([]Fault, error) {
	var faults []Fault
	for _, item := range strings.Split(schedule, ";") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		f, err := parseFault(item)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w; want op@at+every=kind:argument", item, err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

func parseFault(item string) (Fault, error) {
	when, what, ok := strings.Cut(item, "=")
	if !ok {
		return Fault{}, fmt.Errorf("no kind")
	}
	op, times, timed := strings.Cut(when, "@")
	f := Fault{Op: op, At: 1}
	if op == "*" {
		f.Op = ""
	}
	var err error
	if timed {
		at, every, again := strings.Cut(times, "+")
		if f.At, err = strconv.Atoi(at); err == nil && again {
			f.Every, err = strconv.Atoi(every)
		}
		if err != nil || f.At < 1 || f.Every < 0 || again && f.Every == 0 {
			return Fault{}, fmt.Errorf("%q is no time", times)
		}
	}
	kind, argument, has := strings.Cut(what, ":")
	f.Kind = FaultKind(kind)
	switch f.Kind {
	case Delay, Hang:
		if has {
			f.Delay, err = time.ParseDuration(argument)
		}
		if err != nil || f.Delay < 0 || f.Kind == Delay && f.Delay == 0 {
			return Fault{}, fmt.Errorf("%q is no duration", argument)
		}
		return f, nil
	case Throttle:
		if f.Factor, err = strconv.ParseFloat(argument, 64); err != nil || !(f.Factor >= 1 && f.Factor <= 1e6) {
			return Fault{}, fmt.Errorf("%q is no factor of 1 to a million", argument)
		}
		return f, nil
	case Fail, OOM, Memory, Lost, Reorder, BitFlip:
		if has {
			return Fault{}, fmt.Errorf("%s takes no argument", kind)
		}
		return f, nil
	}
	return Fault{}, fmt.Errorf("%q is no kind of fault", kind)
}

// injector makes the faults of a schedule happen.
type injector struct {
	faults atomic.Pointer[[]Fault]
	errors atomic.Int64 // memory errors

	mu       sync.Mutex
	begun    map[string]int // operations by name, "" for all
	enqueued map[string]int
	random   *rand.Rand
}

func newInjector(faults []Fault, seed uint64) *injector {
	j := &injector{random: rand.New(rand.NewPCG(seed, 0))}
	j.set(faults)
	return j
}

// set begins a schedule, with all counts at 0.
func (j *injector) set(faults []Fault) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begun, j.enqueued = make(map[string]int), make(map[string]int)
	j.faults.Store(&faults)
}

// none reports whether there is no schedule.
func (j *injector) none() bool { return len(*j.faults.Load()) == 0 }

// InjectFaults makes other faults happen from now on than those that the device
// was opened with; operations are counted anew. For the schedule see
// [ParseFaults].
func (d *Device) InjectFaults(schedule string) error {
	faults, err := ParseFaults(schedule)
	if err != nil {
		return driver.Errorf(driver.InvalidArgument, "InjectFaults", "%v", err)
	}
	d.faults.set(faults)
	return nil
}

// due counts an operation and returns the faults that it has.
func (j *injector) due(enqueued bool, op string, counted func(FaultKind) bool) []Fault {
	j.mu.Lock()
	defer j.mu.Unlock()
	counts := j.begun
	if enqueued {
		counts = j.enqueued
	}
	counts[op]++
	counts[""]++
	var now []Fault
	for _, f := range *j.faults.Load() {
		n, at := counts[f.Op], max(f.At, 1)
		if counted(f.Kind) && (f.Op == "" || f.Op == op) && (n == at || n > at && f.Every > 0 && (n-at)%f.Every == 0) {
			now = append(now, f)
		}
	}
	return now
}

// reorders says whether work about to be enqueued is to be done early.
func (j *injector) reorders(op string) bool {
	if j.none() {
		return false
	}
	return len(j.due(true, op, func(k FaultKind) bool { return k == Reorder })) > 0
}

// strike makes the faults of an operation happen that is about to begin.
func (j *injector) strike(ctx context.Context, d *Device, op string) (flip bool, err error) {
	if j.none() {
		return false, nil
	}
	for _, f := range j.due(false, op, func(k FaultKind) bool { return k != Reorder }) {
		switch f.Kind {
		case Fail:
			return false, &driver.Error{Code: driver.Internal, Retryable: true, Op: op, Text: "a fault was injected"}
		case OOM:
			return false, &driver.Error{Code: driver.OutOfMemory, Retryable: true, Op: op, Text: "a fault was injected"}
		case Memory:
			j.errors.Add(1)
			d.happen(driver.HealthMemoryError, op)
			return false, &driver.Error{Code: driver.DataLoss, Retryable: true, Op: op, Text: "a fault was injected"}
		case Lost:
			return false, &driver.Error{Code: driver.DeviceLost, Op: op, Text: "a fault was injected"}
		case Hang, Delay:
			if err := d.stall(ctx, f.Delay); err != nil {
				return false, err
			}
		case BitFlip:
			flip = true
		case Throttle:
			d.Throttle(f.Factor)
		}
	}
	return flip, nil
}

// stall waits so long, 0 for ever, unless the device is lost or closed before. It
// fails where the context ends first.
func (d *Device) stall(ctx context.Context, t time.Duration) error {
	var over <-chan time.Time // never
	if t > 0 {
		timer := time.NewTimer(t)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-d.life.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// flip turns over a random bit.
func (j *injector) flip(b []byte) {
	if len(b) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	b[j.random.IntN(len(b))] ^= 1 << j.random.IntN(8)
}
