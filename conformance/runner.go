package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance/isolate"
	"example.com/midplane/conformance/oracle"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
)

// runner is what cases have in common.
type runner struct {
	open      Open
	options   *Options
	behaviour oracle.Behaviour
	class     oracle.Class // that the device declares
	info      driver.Info
	limit     time.Duration
	children  *isolate.Pool // nil: trials are made in this process
}

// childVariable tells a process that it is a child.
const childVariable = "MIDPLANE_CONFORMANCE_CHILD"

// runner returns what cases have in common, without what the device declares.
func (o *Options) runner(open Open) (*runner, error) {
	r := &runner{open: open, options: o, limit: o.Limit}
	if r.limit <= 0 {
		r.limit = time.Minute
	}
	if o.Isolate {
		if len(o.Child) == 0 {
			return nil, errors.New("conformance: Isolate needs the command of a child process that calls Serve")
		}
		r.children = isolate.New(o.Child, []string{childVariable + "=1"})
	}
	return r, nil
}

// newRunner asks a device what it declares.
func newRunner(ctx context.Context, open Open, o *Options) (*runner, error) {
	r, err := o.runner(open)
	if err != nil {
		return nil, err
	}
	r.info, _ = r.describe(ctx) // where there is no device, each case says so
	r.behaviour = oracle.Declared(r.info.Properties)
	var ok bool
	if r.class, ok = oracle.ParseClass(r.info.Properties[oracle.AccuracyProperty]); !ok {
		r.close()
		return nil, fmt.Errorf("conformance: the device declares the accuracy class %q; there are A, B and C", r.info.Properties[oracle.AccuracyProperty])
	}
	return r, nil
}

func (r *runner) close() {
	if r.children != nil {
		r.children.Close()
	}
}

// try makes a trial.
func (r *runner) try(ctx context.Context, t *trial.Trial) *trial.Observation {
	t.Framework, t.Limit = r.options.Framework, r.limit
	if r.children == nil {
		return trial.Run(ctx, r.open, t)
	}
	o, err := r.children.Run(ctx, t)
	if err != nil {
		return &trial.Observation{End: trial.Unopened, Text: err.Error()}
	}
	return o
}

// end turns the end of a trial that gave no outputs into a result; ok says that
// there are outputs.
func end(r *Result, o *trial.Observation) (ok bool) {
	switch o.End {
	case trial.Done:
		return true
	case trial.Unopened:
		r.As(result.FailStatus, "the device cannot be opened: "+o.Text)
	case trial.Unsupported:
		if o.Declared {
			r.As(result.UnsupportedUndeclared, o.Text)
		} else {
			r.As(result.UnsupportedDeclared, o.Text)
		}
	case trial.Crashed:
		r.As(result.FailCrash, o.Text)
	case trial.Hung:
		r.As(result.FailHang, o.Text)
	default:
		r.As(result.FailStatus, o.Text)
	}
	return false
}
