package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"example.com/midplane/adapter/driver"
)

// Telemetry returns what the device measures of itself. It needs the capability
// Sensor.
func (d *Device) Telemetry() (t driver.Telemetry, err error) {
	sensor, ok := As[driver.Sensor](d)
	if !ok {
		return t, d.lacks("Telemetry", "Sensor")
	}
	err = d.call("Telemetry", func() (err error) {
		t, err = sensor.Telemetry()
		return err
	})
	return t, err
}

// Profile records what the device does while f runs. It needs the capability
// Profiler.
func (d *Device) Profile(ctx context.Context, f func() error) (p driver.Profile, err error) {
	profiler, ok := As[driver.Profiler](d)
	if !ok {
		return p, d.lacks("Profile", "Profiler")
	}
	if err := ctx.Err(); err != nil {
		return p, d.named("Profile", err)
	}
	if err := d.call("StartProfile", profiler.StartProfile); err != nil {
		return p, err
	}
	failed := f()
	err = d.call("StopProfile", func() (err error) {
		p, err = profiler.StopProfile(context.WithoutCancel(ctx))
		return err
	})
	return p, errors.Join(failed, err)
}

// WriteTrace writes a profile in the Trace Event Format, which Chrome's
// about:tracing and Perfetto read: one complete event per record, times in
// microseconds since the profile's epoch, streams as threads.
func WriteTrace(w io.Writer, device string, p driver.Profile) error {
	type event struct {
		Name     string         `json:"name"`
		Phase    string         `json:"ph"`
		Time     float64        `json:"ts"`
		Duration float64        `json:"dur"`
		Process  string         `json:"pid"`
		Thread   uint64         `json:"tid"`
		Args     map[string]any `json:"args"`
	}
	events := make([]event, len(p.Records))
	for i, r := range p.Records {
		args := map[string]any{"correlation": r.Correlation}
		if r.Bytes > 0 {
			args["bytes"] = r.Bytes
		}
		events[i] = event{r.Name, "X", float64(r.Start.Nanoseconds()) / 1e3, float64(r.Duration.Nanoseconds()) / 1e3, device, r.Stream, args}
	}
	return json.NewEncoder(w).Encode(map[string]any{
		"traceEvents": events, "displayTimeUnit": "ns",
		"otherData": map[string]any{"epoch": p.Epoch, "dropped": p.Dropped},
	})
}
