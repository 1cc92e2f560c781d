package conformance_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// braggart declares every operator; what it builds is up to build.
type braggart struct {
	*cpu.Device
	build func(d *cpu.Device, n *graph.Node) operators.Kernel
}

func (b braggart) Supports(n *graph.Node) operators.Verdict {
	v := b.Device.Supports(n)
	if v.Level != operators.Unsupported {
		v = operators.Verdict{Level: operators.Native, Kernel: "own"}
	}
	return v
}

func (b braggart) Build(n *graph.Node) (operators.Kernel, error) { return b.build(b.Device, n), nil }

// score runs the smoke profile's cells, laws and conditions.
func score(t *testing.T, build func(d *cpu.Device, n *graph.Node) operators.Kernel) *conformance.Report {
	open := func(context.Context) (driver.Device, error) { return braggart{cpu.New(nil), build}, nil }
	o := &conformance.Options{Profile: conformance.Smoke, Match: regexp.MustCompile("^(op|law|status)/"), Seed: 3}
	if testing.Short() {
		o.Shard, o.Shards = 0, 10
	}
	report, err := conformance.Score(t.Context(), open, o)
	require.NoError(t, err)
	return report
}

// A backend that declares everything and implements nothing scores 0.
func TestNothingScoresNothing(t *testing.T) {
	report := score(t, func(*cpu.Device, *graph.Node) operators.Kernel { return idle{} })
	for _, s := range report.Scores {
		assert.Zero(t, s.Verified(), s.Group)
		assert.Zero(t, s.Honesty(), s.Group)
		assert.Zero(t, s.Faults, s.Group)
	}
	for _, r := range report.Cases {
		assert.NotContains(t, []string{"pass", "pass-decomposed"}, string(r.Outcome), "%s", r.ID)
	}
}

// inSilence runs the reference under a context of its own.
type inSilence struct{ beyond }

func (k inSilence) Run(_ context.Context, c *operators.Call) error {
	return reference.Apply(context.Background(), k.node, c, k.device.HostBytes)
}

// A backend that falls back in silence through midplane scores 0.
func TestSilentFallbackScoresNothing(t *testing.T) {
	report := score(t, func(d *cpu.Device, n *graph.Node) operators.Kernel { return inSilence{beyond{d, n}} })
	fallbacks := 0
	for _, s := range report.Scores {
		assert.Zero(t, s.Verified(), s.Group)
		fallbacks += s.Fallback
	}
	assert.Greater(t, fallbacks, 100)
}

// Two runs with the same seed give the same verdicts.
func TestEqualSeedsEqualVerdicts(t *testing.T) {
	open := func(context.Context) (driver.Device, error) { return cpu.New(nil), nil }
	o := &conformance.Options{Profile: conformance.Smoke, Seed: 11}
	if testing.Short() {
		o.Shard, o.Shards = 3, 20
	}
	one, err := conformance.Score(t.Context(), open, o)
	require.NoError(t, err)
	two, err := conformance.Score(t.Context(), open, o)
	require.NoError(t, err)
	require.Len(t, two.Cases, len(one.Cases))
	for i, r := range one.Cases {
		a := [...]any{r.ID, r.Outcome, r.Reason, r.Class, r.MaxULP, r.P99ULP, r.NMSE, r.Route, r.Kernels}
		s := two.Cases[i]
		b := [...]any{s.ID, s.Outcome, s.Reason, s.Class, s.MaxULP, s.P99ULP, s.NMSE, s.Route, s.Kernels}
		assert.Equal(t, a, b)
	}
	assert.Zero(t, one.Summary.Failed)
	assert.Zero(t, one.Summary.Faults)
}
