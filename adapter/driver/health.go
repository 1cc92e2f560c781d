package driver

import (
	"context"
	"time"
)

// LossBound is how long work under way may take to end once a device is lost.
const LossBound = 2 * time.Second

// Watcher is implemented by a device that reports on its health.
//
// Absent: the portable side reports a loss when a call fails with it.
type Watcher interface {
	// Watch calls report first with how the device is, HealthNormal,
	// HealthThrottled or HealthLost, and then for everything that happens, one
	// call at a time, until the context ends or the device is lost or closed,
	// and returns nil then. Loss is reported within LossBound.
	Watch(ctx context.Context, report func(HealthEvent)) error
}

// DriverWatcher is implemented by a [Driver] that notices devices come and go.
//
// Absent: the portable side asks Probe now and then.
type DriverWatcher interface {
	// WatchDevices calls report, one call at a time, with HealthAdded for every
	// device that can be opened and then for those that are added or removed,
	// until the context ends, and returns nil then.
	WatchDevices(ctx context.Context, report func(HealthEvent)) error
}

// HealthEvent is something that happened to a device.
type HealthEvent struct {
	Kind  HealthKind
	Index int // the device's Info.Index
	Time  time.Time
	Text  string
}

// HealthKind says what happened.
type HealthKind uint8

// What can happen to a device.
const (
	HealthAdded       HealthKind = iota + 1 // it can be opened
	HealthRemoved                           // it can no longer be opened
	HealthLost                              // this handle is of no more use
	HealthThrottled                         // it has become slower, for heat or power
	HealthNormal                            // it is as it should be, now or again
	HealthMemoryError                       // its memory had an error, corrected or not
)

var healthNames = [...]string{"", "added", "removed", "lost", "throttled", "normal", "memory error"}

// String returns what happened in a word or two.
func (k HealthKind) String() string { return nameOf(healthNames[:], "health event", k) }

// Sensor is implemented by a device that measures itself.
//
// Absent: unsupported; nothing is known.
type Sensor interface {
	Telemetry() (Telemetry, error)
}

// Telemetry is what a device measures of itself. Known says which fields are.
type Telemetry struct {
	Known         TelemetryFields
	Power         float64 // watts
	Temperature   float64 // degrees Celsius, at the hottest place
	Clock         float64 // hertz, of the compute units now
	MaxClock      float64 // and at most
	Utilization   float64 // share of the time since the last reading in which units were at work, 0 to 1
	Throttled     bool    // slower than it could be, for heat or power
	Corrected     int64   // memory errors corrected since the device was opened
	Uncorrected   int64   // and those that were not
	LinkBandwidth float64 // bytes per second to and from the host since the last reading
}

// TelemetryFields are fields of [Telemetry].
type TelemetryFields uint32

// The fields, named after those of Telemetry.
const (
	KnownPower TelemetryFields = 1 << iota
	KnownTemperature
	KnownClock
	KnownMaxClock
	KnownUtilization
	KnownThrottled
	KnownCorrected
	KnownUncorrected
	KnownLinkBandwidth
)

// Has reports whether all of the fields are known.
func (f TelemetryFields) Has(want TelemetryFields) bool { return f&want == want }

// Profiler is implemented by a device that records when it did what.
//
// Absent: unsupported; NodeEvents of a session have the host's times.
type Profiler interface {
	// StartProfile begins a recording, of which a device has one at a time.
	StartProfile() error
	// StopProfile waits for work under way, ends the recording and returns it.
	StopProfile(ctx context.Context) (Profile, error)
}

// Profile is a recording of a device's work.
type Profile struct {
	Epoch   time.Time // the host's time at the device's time 0
	Records []ProfileRecord
	Dropped int64 // records for which there was no room
}

// ProfileRecord is one piece of work.
type ProfileRecord struct {
	Name        string        // an operator, "CopyIn", …
	Stream      uint64        // which stream, 0 for work done at once
	Correlation uint64        // a number that goes up with every piece of work enqueued
	Start       time.Duration // by the device's clock
	Duration    time.Duration
	Bytes       int64 // copied, 0 where that has no meaning
}
