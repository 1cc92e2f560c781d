package conform_test

import (
	"context"
	"testing"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance"
)

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("with -short: a profile takes a minute")
	}
	open := func(context.Context) (driver.Device, error) { return cpu.New(nil), nil }
	conformance.Run(t, open, &conformance.Options{Profile: conformance.Smoke, Isolate: true})
}
