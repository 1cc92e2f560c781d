// Package adapter is the device-management layer: one interface through which
// programs find, open and use any device, whoever made it.
//
// Drivers register themselves when they are linked in, and are found by name:
//
//	import _ "example.com/midplane/backends/cpu"
//
//	dev, err := adapter.Open(ctx, "cpu", nil)
//
// A [Device] checks what callers give it, so that drivers need not; it supplies
// a portable path for every optional capability that a driver lacks, where
// there is one, and else says [Unsupported]; and it turns every failure into an
// [*Error] that names the device. Nothing here knows of operators: those are
// the subject of package operators, which finds what it needs with [As].
//
// There is no current device and no other process-wide state but the list of
// registered drivers, whose use is optional: see [New].
//
// # Concurrency
//
// Everything may be called from any goroutine. Close of a device waits for calls
// under way; calls after it fail with [Closed].
//
// # Loss
//
// A device that is unplugged, or must be reset, is lost: calls and work under
// way end with [DeviceLost] within [driver.LossBound], later calls do so at
// once. Handles stay safe: freeing and closing them works, using them is an
// error. When the device is back, [Open] opens it anew. [Device.Watch] and
// [Watch] tell of it as it happens.
package adapter

import "example.com/midplane/adapter/driver"

// Error is a failure of a device; see [driver.Error].
type Error = driver.Error

// The codes of failures, for errors.Is.
const (
	Internal        = driver.Internal
	InvalidArgument = driver.InvalidArgument
	Unsupported     = driver.Unsupported
	OutOfMemory     = driver.OutOfMemory
	NotFound        = driver.NotFound
	Unavailable     = driver.Unavailable
	Closed          = driver.Closed
	Canceled        = driver.Canceled
	DeviceLost      = driver.DeviceLost
	Incompatible    = driver.Incompatible
	Aborted         = driver.Aborted
	DataLoss        = driver.DataLoss
)

// Options are what a device is opened with; see [driver.Options].
type Options = driver.Options
