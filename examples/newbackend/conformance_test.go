package newbackend_test

import (
	"context"
	"testing"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance"
	"example.com/newbackend"
)

func TestConformance(t *testing.T) {
	open := func(ctx context.Context) (driver.Device, error) {
		return newbackend.Driver{}.Open(ctx, 0, &driver.Options{})
	}
	conformance.Run(t, open, &conformance.Options{Name: "newbackend:0", Profile: conformance.Smoke})
}
