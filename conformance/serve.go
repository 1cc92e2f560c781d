package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance/device"
	"example.com/midplane/conformance/isolate"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators/witness"
)

// Serve makes the trials that a suite in another process asks for, on standard
// input and output, until it ends. It is what a child process of
// [Options].Child does, with the suite's Framework. What else is printed meanwhile
// goes to standard error, and interrupts are left to the suite.
func Serve(ctx context.Context, open Open, f Framework) error {
	signal.Ignore(os.Interrupt)
	answers := os.Stdout
	os.Stdout = os.Stderr
	defer func() { os.Stdout = answers }()
	s := &isolate.Service{Open: open, Framework: f, Errand: func(ctx context.Context, b []byte) ([]byte, error) { return serve(ctx, open, b) }}
	return s.Serve(witness.Watch(ctx, nil), os.Stdin, answers)
}

// errand is what a child is asked that is no trial: to run a case that is not
// judged by trials, or where that is "", to describe the device.
type errand struct {
	Case  string
	Name  string // of the device
	Limit time.Duration
}

// serve does an errand.
func serve(ctx context.Context, open Open, b []byte) ([]byte, error) {
	var e errand
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, err
	}
	info, err := infoOf(ctx, open)
	if e.Case == "" {
		if err != nil {
			return nil, err
		}
		return json.Marshal(info)
	}
	for _, c := range append(devices(Full), pools(Full)...) {
		if c.id() == e.Case {
			r := &runner{open: open, options: &Options{Name: e.Name}, info: info, limit: e.Limit}
			return json.Marshal(c.run(ctx, r).Result)
		}
	}
	return nil, fmt.Errorf("conformance: this child knows no case %s", e.Case)
}

// describe asks a device for its description, in a child if cases are isolated:
// it is not opened beside what is expected of it.
func (r *runner) describe(ctx context.Context) (driver.Info, error) {
	if r.children == nil {
		return infoOf(ctx, r.open)
	}
	var info driver.Info
	reply, o, err := r.errand(ctx, errand{}, r.limit)
	if err != nil {
		return info, err
	}
	if o.End != trial.Done {
		return info, errors.New(o.Text)
	}
	return info, json.Unmarshal(reply, &info)
}

func (r *runner) errand(ctx context.Context, e errand, limit time.Duration) ([]byte, *trial.Observation, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, nil, err
	}
	return r.children.Errand(ctx, b, limit)
}

// remotely runs a case in a child that is not judged by trials.
func (r *runner) remotely(ctx context.Context, c testcase) outcome {
	const overhead = 15 * time.Second // the case itself has a limit
	out, limit := outcome{Result: Result{ID: c.id()}}, r.limit
	if d, ok := c.(deviceCase); ok && d.Long {
		limit = max(limit, device.LongLimit)
	}
	reply, o, err := r.errand(ctx, errand{c.id(), r.options.Name, r.limit}, limit+overhead)
	switch {
	case err != nil:
		out.As(result.FailStatus, "the device cannot be opened: "+err.Error())
	case !end(&out.Result, o):
	default:
		if err := json.Unmarshal(reply, &out.Result); err != nil {
			out.As(result.Fault, err.Error())
		}
	}
	return out
}

// Describe opens a device, in a child process if the options say that cases are
// isolated, and returns its description.
func Describe(ctx context.Context, open Open, o *Options) (driver.Info, error) {
	if o == nil {
		o = &Options{}
	}
	r, err := o.runner(open)
	if err != nil {
		return driver.Info{}, err
	}
	defer r.close()
	return r.describe(ctx)
}

// infoOf asks a device for its description.
func infoOf(ctx context.Context, open Open) (driver.Info, error) {
	dev, err := open(ctx)
	if err != nil {
		return driver.Info{}, err
	}
	return dev.Info(), dev.Close()
}
