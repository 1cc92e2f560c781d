// Package trial runs a model on a device and observes all that can be seen of
// it: what the device said it would do, the outputs, whether they are the same
// when asked for again, what was done to memory, what was left behind, and how it
// ended. It judges nothing, and knows no expected values.
package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/guard"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/witness"
)

// Open returns a device for one trial, which closes it.
type Open func(ctx context.Context) (driver.Device, error)

// Trial is a model and the sets of inputs to run it on, in the order of the
// model's inputs; a nil input has a default.
type Trial struct {
	Model []byte // of the .onnx file, or
	Path  string // where that is
	Sets  [][]tensor.Value

	// Neighbour, if set, is another model, which is loaded and run on
	// NeighbourSet before this one on the same device, and closed after it.
	Neighbour    []byte
	NeighbourSet []tensor.Value

	Framework Framework // through which the model is run; nil: midplane itself

	Random      bool          // outputs may differ when asked for again
	Guarded     bool          // run the first set once more, on a device whose memory is watched
	Concurrent  bool          // run the sets more often, and side by side
	Unoptimized bool          // leave out the passes of package optimize, and kernels for several nodes
	Limit       time.Duration // after which the device counts as hung; 0: none
}

// End says how a trial ended.
type End string

// The ends of trials.
const (
	Done        End = "done"
	Unsupported End = "unsupported" // the device lacks something
	Failed      End = "failed"      // an error
	Crashed     End = "crashed"     // a panic, or the end of the process
	Hung        End = "hung"
	Unopened    End = "unopened" // there was no device to try
)

// Observation is what was seen in a trial.
type Observation struct {
	End      End
	Text     string // of the error
	Panicked bool   // it is a panic, and says nothing of operands
	Declared bool   // before it ran, the device said that it supports the model

	Route   string   // "kernel", "decomposed+kernel", …; "constant" where no node is left to run
	Kernels []string // as the device names them, sorted
	Helped  []string // kernels in which midplane's own means computed, and which: "mine: reference"

	Outputs  [][]tensor.Value // of each set, in the order of the model's outputs
	Watched  []tensor.Value   // of the first set, with memory watched
	Unstable string           // how outputs differed when asked for again
	Faults   []string         // what was done to memory
	Leak     string           // what was left behind

	Runs    int           // of kernels of the device, in the watched run
	In, Out int64         // bytes copied to the device and back, in the watched run
	Took    time.Duration // of all runs
	CPU     time.Duration // that the process spent on them, where it did nothing else
}

// grace is how long a device has to notice that its context has ended.
const grace = 5 * time.Second

// Run makes a trial. Nothing that the device does panics out of it; a device
// that hangs is left behind.
func Run(ctx context.Context, open Open, t *Trial) *Observation {
	ctx = witness.Watch(ctx, nil)
	late := make(chan struct{})
	a := &attempt{open: open, trial: t, o: &Observation{End: Done}, leave: sync.OnceFunc(func() { close(late) })}
	done := make(chan *Observation, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				a.o.End, a.o.Text = Crashed, fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
			}
			a.turn.give()
			done <- a.o
		}()
		a.all(ctx)
	}()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, a.leave) })()
	select {
	case o := <-done:
		return o
	case <-late:
		a.turn.lose()
		return &Observation{End: Hung, Text: fmt.Sprintf("not done after %v, and not to be stopped", t.Limit)}
	}
}

// attempt is a trial under way.
type attempt struct {
	open  Open
	trial *Trial
	o     *Observation
	turn  turn
	leave func() // gives the trial up
	host  bool   // no node is on the device
}

// all makes the runs, until one does not end well.
func (a *attempt) all(ctx context.Context) {
	before := slices.Clone(a.trial.Model)
	a.alone(ctx, exclusive.RLocker(), func(ctx context.Context) {
		start, cpu := time.Now(), cpuTime()
		a.plain(ctx)
		a.o.Took, a.o.CPU = time.Since(start), cpuTime()-cpu
	})
	if a.o.End == Done && !slices.Equal(before, a.trial.Model) {
		a.o.Faults = append(a.o.Faults, "the bytes of the model were changed")
	}
	if (a.o.End == Done || a.o.End == Failed && a.o.Declared) && a.trial.Guarded && !a.host { // who refused is seen, too
		a.alone(ctx, &exclusive, a.watched)
	}
}

// alone calls f when it is the trial's turn, within the time limit: waiting does
// not count.
func (a *attempt) alone(ctx context.Context, side sync.Locker, f func(ctx context.Context)) {
	a.turn.take(side)
	defer a.turn.give()
	limited := ctx
	if a.trial.Limit > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, a.trial.Limit)
		defer cancel()
		defer time.AfterFunc(a.trial.Limit+grace, a.leave).Stop()
	}
	f(limited)
	if a.o.End == Failed && limited.Err() != nil && ctx.Err() == nil {
		a.o.End = Hung
	}
}

// fail notes how the trial ended.
func (a *attempt) fail(end End, err error) {
	a.o.End, a.o.Text = end, err.Error()
	var panicked *driver.PanicError
	a.o.Panicked = errors.As(err, &panicked)
	if errors.Is(err, adapter.Unsupported) {
		a.o.End = Unsupported
	}
}

// plain runs every set on the device as it is, and the first one again at the
// end.
func (a *attempt) plain(ctx context.Context) {
	drv, err := a.open(ctx)
	if err != nil {
		a.fail(Unopened, err)
		return
	}
	dev := adapter.New("device", drv)
	defer dev.Close()
	rest := dev.Stats().InUse
	if a.trial.Neighbour != nil {
		before, err := a.neighbour(ctx, dev)
		if err != nil {
			a.fail(Failed, fmt.Errorf("another model before: %w", err))
			return
		}
		defer before.Close()
	}
	s, err := a.load(ctx, dev)
	if err != nil {
		a.fail(Failed, err)
		return
	}
	a.place(s)
	err = a.sets(ctx, s)
	if a.o.Route == "" {
		a.place(s)
	}
	if closing := s.Close(); err == nil {
		err = closing
	}
	if err != nil {
		a.fail(Failed, err)
		return
	}
	if left := dev.Stats().InUse - rest; left > 0 && a.trial.Neighbour == nil {
		a.o.Leak = fmt.Sprintf("%d bytes of the device are in use after the session was closed", left)
	}
}

// neighbour loads and runs the other model.
func (a *attempt) neighbour(ctx context.Context, dev *adapter.Device) (Session, error) {
	s, err := a.through(ctx, a.trial.Neighbour, a.options(dev))
	if err == nil {
		_, err = s.Run(ctx, a.trial.NeighbourSet)
	}
	return s, err
}

func (a *attempt) options(dev *adapter.Device) *models.Options {
	return &models.Options{Opened: []*adapter.Device{dev}, Fallback: models.FallbackNever, Unoptimized: a.trial.Unoptimized}
}

// load loads the model, which midplane reads from its file.
func (a *attempt) load(ctx context.Context, dev *adapter.Device) (Session, error) {
	o, model := a.options(dev), a.trial.Model
	if a.trial.Path == "" {
		return a.through(ctx, model, o)
	}
	if a.trial.Framework == nil {
		s, err := models.Load(ctx, a.trial.Path, o)
		return direct{s}, err
	}
	model, err := os.ReadFile(a.trial.Path)
	if err != nil {
		return nil, err
	}
	return a.through(ctx, model, o)
}

// through loads a model through the framework.
func (a *attempt) through(ctx context.Context, model []byte, o *models.Options) (Session, error) {
	if a.trial.Framework != nil {
		return a.trial.Framework.Load(ctx, model, o)
	}
	s, err := models.LoadBytes(ctx, model, o)
	return direct{s}, err
}

// place notes where the nodes run.
func (a *attempt) place(s Session) {
	p := s.Placement()
	if p == nil {
		return
	}
	var routes, kernels []string
	a.o.Declared, a.host = true, true
	for _, n := range p.Nodes {
		routes = append(routes, n.Route.String())
		if n.Route != partition.OnHost && n.Route != partition.Control {
			a.host = false
		}
		if n.Kernel != "" {
			kernels = append(kernels, n.Kernel)
		}
	}
	slices.Sort(routes)
	slices.Sort(kernels)
	a.o.Route, a.o.Kernels = strings.Join(slices.Compact(routes), "+"), slices.Compact(kernels)
	if a.o.Route == "" {
		a.o.Route = "constant"
	}
}

// sets runs the sets one after the other, then as often as is needed to see
// whether outputs are the same again.
func (a *attempt) sets(ctx context.Context, s Session) error {
	for _, set := range a.trial.Sets {
		out, err := s.Run(ctx, set)
		if err != nil {
			return err
		}
		a.o.Outputs = append(a.o.Outputs, out)
	}
	if a.trial.Random || len(a.trial.Sets) == 0 {
		return nil
	}
	again, err := s.Run(ctx, a.trial.Sets[0])
	if err != nil {
		return err
	}
	a.compare(0, again, "when it was run again")
	if !a.trial.Concurrent {
		return nil
	}
	for range repeats {
		again, err := s.Run(ctx, a.trial.Sets[0])
		if err != nil {
			return err
		}
		a.compare(0, again, "when it was run often")
	}
	return a.concurrently(ctx, s)
}

// repeats is how often the first set is run again where sets are run often.
const repeats = 16

// concurrently runs all sets at the same time.
func (a *attempt) concurrently(ctx context.Context, s Session) error {
	outputs, errs := make([][]tensor.Value, len(a.trial.Sets)), make([]error, len(a.trial.Sets))
	var wait sync.WaitGroup
	for i, set := range a.trial.Sets {
		wait.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					errs[i] = fmt.Errorf("panic: %v", r)
				}
			}()
			outputs[i], errs[i] = s.Run(ctx, set)
		})
	}
	wait.Wait()
	for i := range outputs {
		a.compare(i, outputs[i], "when the sets were run at the same time")
	}
	return errors.Join(errs...)
}

func (a *attempt) compare(set int, again []tensor.Value, when string) {
	for i, v := range a.o.Outputs[set] {
		if again != nil && a.o.Unstable == "" && !Same(v, again[i]) {
			a.o.Unstable = fmt.Sprintf("output %d of set %d had other bits %s", i, set, when)
		}
	}
}

// watched runs the first set on a guarded device.
func (a *attempt) watched(ctx context.Context) {
	drv, err := a.open(ctx)
	if err != nil {
		a.fail(Unopened, err)
		return
	}
	g := guard.New(drv)
	dev := adapter.New("device", g)
	unwatched := witness.Unwatched()
	s, err := a.load(ctx, dev)
	if err == nil && len(a.trial.Sets) > 0 {
		a.o.Watched, err = s.Run(ctx, a.trial.Sets[0])
		err = errors.Join(err, s.Close())
	}
	if err != nil && a.o.End == Done {
		a.fail(Failed, fmt.Errorf("with memory watched: %w", err))
	}
	if n := witness.Unwatched() - unwatched; n > 0 {
		a.o.Helped = append(a.o.Helped, fmt.Sprintf("under no context: %d times", n))
	}
	_ = dev.Close() // a failure to close is seen in the plain run
	a.o.Faults = append(a.o.Faults, g.Faults()...)
	for kernel, means := range g.Helped() {
		a.o.Helped = append(a.o.Helped, kernel+": "+string(means))
	}
	slices.Sort(a.o.Helped)
	a.o.Runs = g.Runs()
	a.o.In, a.o.Out = g.Moved()
}
