package conformance

import (
	"context"

	"example.com/midplane/adapter"
	"example.com/midplane/conformance/device"
	"example.com/midplane/conformance/result"
)

// deviceCase holds the device-management layer against the table.
type deviceCase struct{ device.Cell }

func (c deviceCase) id() string { return c.ID() }

// devices returns the cells of the device interface; those that take minutes are
// in Full only.
func devices(p Profile) []testcase {
	var cases []testcase
	for _, c := range device.All() {
		if !c.Long || p == Full {
			cases = append(cases, deviceCase{c})
		}
	}
	return cases
}

// run runs the cell; what it holds against the device is the interface and no
// model.
func (c deviceCase) run(ctx context.Context, r *runner) outcome {
	out := outcome{Result: Result{ID: c.id()}}
	t := device.Target{Open: r.open, Limit: r.limit}
	if c.Long {
		t.Limit = max(r.limit, device.LongLimit)
	}
	t.Driver, _ = adapter.DriverOf(r.options.Name)
	as, reason := c.Run(ctx, t)
	out.As(as, reason)
	if out.Status == result.Passed {
		out.Route = "device"
	}
	return out
}
