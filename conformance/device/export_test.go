package device

import (
	"context"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/driver/spec"
	"example.com/midplane/conformance/result"
)

// Force runs the cell whether the device declares the function or not.
func (c Cell) Force(ctx context.Context, t Target) (result.Outcome, string) {
	v := c.run(ctx, t, func(caps driver.Caps) driver.Caps { return caps })
	return v.outcome, v.reason
}

// Absent reports whether nothing stands in where a device lacks the function.
func Absent(f *spec.Function, caps driver.Caps) bool {
	c := bit(f)
	return needed.Has(c) && c != 0 && !caps.Has(c)
}

// Called reports whether the function is among the calls that every handle and
// device is closed and lost for.
func Called(id string) (called, takesContext bool) {
	for _, c := range calls {
		if c.id == id {
			return true, c.takes
		}
	}
	return false, false
}

// There are the capabilities that truth knows to look for.
func There(capability string) bool { return there[capability] != nil }
