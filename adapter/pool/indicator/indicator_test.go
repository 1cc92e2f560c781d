package indicator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/pool/indicator"
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
)

func open(name string) func(context.Context) (*adapter.Device, error) {
	return func(ctx context.Context) (*adapter.Device, error) { return adapter.Open(ctx, name, nil) }
}

// measure returns the readings by name.
func measure(t *testing.T, o *indicator.Options) map[string]indicator.Reading {
	t.Helper()
	report, err := indicator.Measure(t.Context(), o)
	require.NoError(t, err)
	readings := make(map[string]indicator.Reading)
	for _, r := range report.Readings {
		readings[r.Name] = r
	}
	return readings
}

// What does not depend on the machine's speed is the same everywhere.
func TestIndicatorsThatTakeNoTime(t *testing.T) {
	got := measure(t, &indicator.Options{Open: open("emu"), Only: []string{
		indicator.Instances, indicator.MemoryAccuracy, indicator.MemoryIsolation, indicator.FaultIsolation,
		indicator.Utilization, indicator.Fragmentation, indicator.Fairness,
	}})
	for name, want := range map[string]float64{
		indicator.Instances: 64, indicator.MemoryAccuracy: 0, indicator.MemoryIsolation: 1, indicator.FaultIsolation: 1,
		indicator.Utilization: 0.816, indicator.Fragmentation: 0.300, indicator.Fairness: 0.963,
	} {
		r := got[name]
		require.NotNil(t, r.Value, "%s: %s", name, r.Note)
		assert.InDelta(t, want, *r.Value, 5e-4, "%s: %s", name, r.Note)
		assert.True(t, r.Passed, name)
	}
	assert.Len(t, got, 7)
}

func TestIndicatorsOfTheProcessor(t *testing.T) {
	got := measure(t, &indicator.Options{Open: open("cpu"), Only: []string{
		indicator.Instances, indicator.MemoryAccuracy, indicator.MemoryIsolation, indicator.FaultIsolation}})
	assert.Zero(t, *got[indicator.MemoryAccuracy].Value)
	if threads := runtime.GOMAXPROCS(0); threads > 1 {
		assert.EqualValues(t, min(threads, 64), *got[indicator.Instances].Value)
		assert.EqualValues(t, 1, *got[indicator.MemoryIsolation].Value, got[indicator.MemoryIsolation].Note)
		assert.EqualValues(t, 1, *got[indicator.FaultIsolation].Value, got[indicator.FaultIsolation].Note)
	} else {
		assert.Contains(t, got[indicator.Instances].Note, "steps of 1")
	}
}

// Rates and times are measured; what they are depends on the machine.
func TestIndicatorsThatTakeTime(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for some seconds")
	}
	names := []string{indicator.Create, indicator.Destroy, indicator.Interference, indicator.Overhead, indicator.Latency, indicator.Recovery}
	got := measure(t, &indicator.Options{Open: open("emu"), Only: names})
	for _, name := range names {
		r := got[name]
		if r.Value == nil {
			assert.Contains(t, r.Note, "the machine is busy", name)
			continue
		}
		t.Logf("%s: %.3g %s, %s; %s", name, *r.Value, r.Unit, r.Bound, r.Note)
	}
	assert.True(t, got[indicator.Recovery].Passed, got[indicator.Recovery].Note)
	assert.True(t, got[indicator.Create].Passed, got[indicator.Create].Note)
}

// A card that keeps nothing apart is found out.
func TestCardThatKeepsNothingApart(t *testing.T) {
	got := measure(t, &indicator.Options{Open: openLeaky(), Only: []string{indicator.MemoryAccuracy, indicator.MemoryIsolation, indicator.FaultIsolation}})
	accuracy := got[indicator.MemoryAccuracy]
	assert.False(t, accuracy.Passed)
	assert.Greater(t, *accuracy.Value, 1.0, "it gives more than the quota")
	isolation := got[indicator.MemoryIsolation]
	assert.False(t, isolation.Passed)
	for _, fault := range []string{
		"reading a neighbour's buffer: it was not refused", "writing a neighbour's buffer: it was not refused", "filling a neighbour's buffer: it was not refused",
		"allocating beyond the quota: it was not refused", "the neighbour's bytes: its bytes have changed", "memory that another had before: tenant 1 finds",
	} {
		assert.Contains(t, isolation.Note, fault)
	}
	assert.NotContains(t, isolation.Note, "beyond a buffer", "the device-management layer sees to that")
	faults := got[indicator.FaultIsolation]
	assert.False(t, faults.Passed)
	assert.Contains(t, faults.Note, "loss of the instance: ")
}

// A card that gives no instances ends every measurement.
func TestCardThatGivesNothing(t *testing.T) {
	report, err := indicator.Measure(t.Context(), &indicator.Options{Open: func(context.Context) (*adapter.Device, error) {
		card := newLeaky()
		card.stingy = true
		return adapter.New("stingy", card), nil
	}})
	require.NoError(t, err)
	for _, r := range report.Readings {
		assert.Nil(t, r.Value, r.Name)
		assert.Error(t, r.Err, r.Name)
	}
	assert.Len(t, report.Readings, 14)
}

func TestReport(t *testing.T) {
	v, w := 0.25, 3.0
	r := indicator.Report{Device: "emu:0", Description: "emulated", Readings: []indicator.Reading{
		{Name: "overhead", Value: &v, Unit: "share", Bound: "≤ 0.25", Passed: true},
		{Name: "create", Value: &w, Unit: "ms", Bound: "≤ 1", Note: "p99 9 ms"},
		{Name: "recovery", Unit: "ms", Bound: "≤ 2000", Note: "it cannot be lost"},
	}}
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	assert.Equal(t, "emu:0: emulated", lines[0])
	assert.Regexp(t, `^overhead +0\.25 +share +≤ 0\.25`, lines[2])
	assert.Regexp(t, `^create +3 +ms +≤ 1 +outside its bound; p99 9 ms`, lines[3])
	assert.Regexp(t, `^recovery +- +ms +≤ 2000 +it cannot be lost`, lines[4])
	assert.False(t, r.Passed())
	r.Readings[1].Passed = true
	assert.True(t, r.Passed(), "what cannot be measured does not count")
	text, err := json.Marshal(r.Readings[2])
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"recovery","value":null,"unit":"ms","bound":"≤ 2000","passed":false,"note":"it cannot be lost"}`, string(text))
}

func TestWhatCannotBeMeasured(t *testing.T) {
	_, err := indicator.Measure(t.Context(), &indicator.Options{Open: open("emu"), Only: []string{"beauty"}})
	assert.ErrorContains(t, err, `none called "beauty"`)
	_, err = indicator.Measure(t.Context(), &indicator.Options{Open: open("nothing")})
	assert.ErrorIs(t, err, adapter.NotFound)
	_, err = indicator.Measure(t.Context(), &indicator.Options{Open: func(context.Context) (*adapter.Device, error) {
		d, err := adapter.OpenDriver(t.Context(), "cpu", nil)
		return adapter.New("cpu", d), err
	}})
	assert.ErrorIs(t, err, adapter.Unsupported, "it was not opened by name, so that it cannot be opened again")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = indicator.Measure(over, &indicator.Options{Open: func(context.Context) (*adapter.Device, error) { return adapter.New("leaky", newLeaky()), nil }})
	assert.True(t, errors.Is(err, context.Canceled))
}

func TestEveryIndicatorIsDefined(t *testing.T) {
	names := make(map[string]bool)
	for _, i := range indicator.All() {
		assert.False(t, names[i.Name], i.Name)
		names[i.Name] = true
		assert.NotEmpty(t, i.Unit, i.Name)
		assert.Greater(t, len(i.Definition), 20, i.Name)
	}
	assert.Len(t, names, 14)
}

func TestJain(t *testing.T) {
	assert.Equal(t, 1.0, indicator.Jain([]float64{3, 3, 3}))
	assert.InDelta(t, 0.25, indicator.Jain([]float64{0, 8, 0, 0}), 1e-12)
	assert.InDelta(t, 36.0/42, indicator.Jain([]float64{1, 2, 3}), 1e-12)
	assert.Equal(t, 1.0, indicator.Jain(nil))
}
