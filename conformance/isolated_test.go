package conformance_test

import (
	"context"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance"
	"example.com/midplane/conformance/result"
	"example.com/midplane/operators"
)

// modeVariable says how the device in a child misbehaves.
const modeVariable = "MIDPLANE_TEST_MODE"

// inChild opens a device that a suite could not survive in its own process.
func inChild(context.Context) (driver.Device, error) {
	b := broken{Device: cpu.New(nil)}
	switch os.Getenv(modeVariable) {
	case "no device":
		return nil, driver.Errorf(driver.NotFound, "Open", "it is not plugged in")
	case "crashes when opened":
		os.Exit(7)
	case "crashes":
		b.before = func(*cpu.Device, *operators.Call) error { os.Exit(3); return nil }
	case "crashes elsewhere":
		b.before = func(*cpu.Device, *operators.Call) error {
			go panic("short circuit")
			select {}
		}
	case "hangs":
		b.before = func(*cpu.Device, *operators.Call) error {
			for { // for good
			}
		}
	case "leaks":
		b.before = func(d *cpu.Device, _ *operators.Call) error {
			_, err := d.Alloc(64, driver.DeviceMemory)
			return err
		}
	}
	return b, nil
}

// The end of a process is a verdict, and no case suffers from another's. The
// test's own program is the child.
func TestIsolatedVerdicts(t *testing.T) {
	if os.Getenv("MIDPLANE_CONFORMANCE_CHILD") != "" {
		require.NoError(t, conformance.Serve(t.Context(), inChild, nil))
		return
	}
	if runtime.GOARCH == "wasm" {
		t.Skip("there are no processes on WebAssembly")
	}
	never := func(context.Context) (driver.Device, error) {
		t.Error("the device was opened in the suite's own process")
		return nil, driver.Errorf(driver.Internal, "Open", "not here")
	}
	for mode, want := range map[string]result.Outcome{
		"right": result.Pass, "crashes": result.FailCrash, "crashes elsewhere": result.FailCrash, "hangs": result.FailHang, "leaks": result.FailLeak,
		"no device": result.FailStatus, "crashes when opened": result.FailCrash,
	} {
		t.Setenv(modeVariable, mode)
		report, err := conformance.Score(t.Context(), never, &conformance.Options{
			Profile: conformance.Smoke, Match: regexp.MustCompile("^op/Mul/14/float32/default/rank[23]$"), Limit: 4 * time.Second,
			Isolate: true, Child: []string{os.Args[0], "-test.run=^TestIsolatedVerdicts$"}, Workers: 2,
		})
		require.NoError(t, err, mode)
		require.Len(t, report.Cases, 2)
		for _, r := range report.Cases {
			assert.Equal(t, want, r.Outcome, "%s: %s", mode, r.Reason)
		}
	}
}
