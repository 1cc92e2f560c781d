package conformance_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/backends/emu"
	"example.com/midplane/conformance"
	"example.com/midplane/conformance/result"
)

func scorePool(t *testing.T, p conformance.Profile, match string, open conformance.Open) map[string]conformance.Result {
	t.Helper()
	report, err := conformance.Score(t.Context(), open, &conformance.Options{Profile: p, Match: regexp.MustCompile(match)})
	require.NoError(t, err)
	results := make(map[string]conformance.Result)
	for _, c := range report.Cases {
		results[strings.TrimPrefix(c.ID, "pool/")] = c
	}
	return results
}

func emulated(context.Context) (driver.Device, error) { return emu.New(nil), nil }

func TestPoolCases(t *testing.T) {
	got := scorePool(t, conformance.Smoke, "^pool/", emulated)
	assert.Len(t, got, 7, "what takes time is in the larger profiles")
	for name, r := range got {
		assert.Equal(t, result.Pass, r.Outcome, "%s: %s", name, r.Reason)
		assert.Equal(t, "device", r.Route)
	}
	if !testing.Short() {
		got = scorePool(t, conformance.Core, "^pool/(create|recovery)$", emulated)
		assert.Len(t, got, 2)
		for name, r := range got {
			assert.Equal(t, result.Pass, r.Outcome, "%s: %s", name, r.Reason)
		}
	}
}

func TestPoolCasesOfDevicesThatAreNotToBeDivided(t *testing.T) {
	whole := func(context.Context) (driver.Device, error) { return cpu.New(nil), nil }
	for name, r := range scorePool(t, conformance.Core, "^pool/", whole) {
		assert.Equal(t, result.UnsupportedDeclared, r.Outcome, name)
	}
	liar := func(context.Context) (driver.Device, error) {
		return emu.New(&emu.Options{Lies: driver.CapPartitioner}), nil
	}
	for name, r := range scorePool(t, conformance.Smoke, "^pool/memory", liar) {
		assert.Equal(t, conformance.Failed, r.Status, "%s: %s", name, r.Reason)
	}
	none := func(context.Context) (driver.Device, error) { return nil, driver.NotFound }
	for name, r := range scorePool(t, conformance.Smoke, "^pool/memory", none) {
		assert.NotEqual(t, conformance.Passed, r.Status, name)
	}
}

// MatMulWork is done by the device's own kernels.
func TestMatMulWork(t *testing.T) {
	d := adapter.New("emu", emu.New(nil))
	defer d.Close()
	step, done, err := conformance.MatMulWork(t.Context(), d)
	require.NoError(t, err)
	require.NoError(t, step(t.Context()))
	assert.Positive(t, d.Stats().Allocs)
	require.NoError(t, done())
	assert.Zero(t, d.Stats().InUse)
}
