package conformance_test

import (
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance"
	"example.com/midplane/conformance/result"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// broken is the processor with one thing wrong about its kernels.
type broken struct {
	*cpu.Device
	name   string // of its kernels; "": as they are
	before func(d *cpu.Device, c *operators.Call) error
	after  func(d *cpu.Device, c *operators.Call) error
	build  func(d *cpu.Device, n *graph.Node) (operators.Kernel, error)
}

func (b broken) Supports(n *graph.Node) operators.Verdict {
	v := b.Device.Supports(n)
	if b.name != "" {
		v.Kernel, v.LastResort = b.name, false
	}
	return v
}

// Groups: every node has a kernel of its own, which Build makes.
func (broken) Groups(*graph.Graph) []operators.Group { return nil }

// InPlace: outputs lie over no inputs, so that a changed input is one.
func (broken) InPlace(*graph.Node) []int { return nil }

func (b broken) Build(n *graph.Node) (operators.Kernel, error) {
	if b.build != nil {
		return b.build(b.Device, n)
	}
	k, err := b.Device.Build(n)
	return brokenKernel{b, k}, err
}

type brokenKernel struct {
	broken
	inner operators.Kernel
}

func (k brokenKernel) Run(ctx context.Context, c *operators.Call) error {
	if k.before != nil {
		if err := k.before(k.Device, c); err != nil {
			return err
		}
	}
	if err := k.inner.Run(ctx, c); err != nil || k.after == nil {
		return err
	}
	return k.after(k.Device, c)
}

// output returns the bytes of a call's first output.
func output(d *cpu.Device, c *operators.Call) []byte {
	r := c.Outputs[0].Region
	r.Size = int64(c.Outputs[0].DType.Bytes(c.Outputs[0].Shape.Size()))
	b, err := d.HostBytes(r)
	if err != nil || r.Buffer == nil {
		return nil
	}
	return b
}

// beyond is a kernel that runs the reference under another name.
type beyond struct {
	device *cpu.Device
	node   *graph.Node
}

func (k beyond) Run(ctx context.Context, c *operators.Call) error {
	return reference.Apply(ctx, k.node, c, k.device.HostBytes)
}

// Each way of being wrong has its verdict, and what is right passes.
func TestVerdicts(t *testing.T) {
	turns := 0
	var first []byte
	for name, c := range map[string]struct {
		device broken
		want   result.Outcome
	}{
		"right": {broken{}, result.Pass},
		"wrong": {broken{after: func(d *cpu.Device, c *operators.Call) error {
			if b := output(d, c); len(b) > 0 {
				b[len(b)-1] ^= 0x40
			}
			return nil
		}}, result.FailNumeric},
		"panic": {broken{before: func(*cpu.Device, *operators.Call) error { panic("short circuit") }}, result.FailStatus},
		"hang":  {broken{before: func(*cpu.Device, *operators.Call) error { select {} }}, result.FailHang},
		"leak": {broken{before: func(d *cpu.Device, _ *operators.Call) error {
			_, err := d.Alloc(64, driver.DeviceMemory)
			return err
		}}, result.FailLeak},
		"nothing written": {broken{name: "none", build: func(*cpu.Device, *graph.Node) (operators.Kernel, error) { return idle{}, nil }}, result.FailNumeric},
		"input changed": {broken{after: func(d *cpu.Device, c *operators.Call) error {
			b, err := d.HostBytes(c.Inputs[0].Region)
			if len(b) > 0 {
				b[0]++
			}
			return err
		}}, result.FailMemory},
		"refuses late": {broken{build: func(*cpu.Device, *graph.Node) (operators.Kernel, error) {
			return nil, driver.Errorf(driver.Unsupported, "Build", "after all")
		}}, result.UnsupportedUndeclared},
		"same bits never": {broken{after: func(d *cpu.Device, c *operators.Call) error {
			b := output(d, c)
			if turns++; turns == 1 {
				first = append(first, b...)
			}
			if len(b) > 0 && turns == 8 { // the first set again, behind seven sets
				b[0] ^= 1
			}
			return nil
		}}, result.FailNondeterministic},
		"midplane's reference under another name": {broken{name: "mine", build: func(d *cpu.Device, n *graph.Node) (operators.Kernel, error) { return beyond{d, n}, nil }}, result.PassSelf},
	} {
		open := func(context.Context) (driver.Device, error) {
			c.device.Device = cpu.New(nil)
			return c.device, nil
		}
		report, err := conformance.Score(t.Context(), open, &conformance.Options{
			Profile: conformance.Smoke, Match: regexp.MustCompile("^op/Mul/14/float32/default/rank3$"), Seed: 1, Limit: 300 * time.Millisecond, Workers: 1,
		})
		require.NoError(t, err, name)
		require.Len(t, report.Cases, 1)
		assert.Equal(t, c.want, report.Cases[0].Outcome, "%s: %s", name, report.Cases[0].Reason)
		assert.Equal(t, c.want.Status(), report.Cases[0].Status, name)
	}
}

// A panic on operands that an operator has to refuse is no refusal; an error is.
func TestRefusals(t *testing.T) {
	refuse := func(*cpu.Device, *operators.Call) error {
		return driver.Errorf(driver.InvalidArgument, "Run", "index 3 of 3")
	}
	for name, c := range map[string]struct {
		device broken
		want   result.Outcome
	}{
		"an error": {broken{name: "mine", before: refuse}, result.Pass},
		"a panic":  {broken{name: "mine", before: func(*cpu.Device, *operators.Call) error { panic("index 3 of 3") }}, result.FailStatus},
		"nothing":  {broken{name: "mine", build: func(*cpu.Device, *graph.Node) (operators.Kernel, error) { return idle{}, nil }}, result.FailStatus},
	} {
		open := func(context.Context) (driver.Device, error) {
			c.device.Device = cpu.New(nil)
			return c.device, nil
		}
		report, err := conformance.Score(t.Context(), open, &conformance.Options{Profile: conformance.Smoke, Match: regexp.MustCompile("^status/Gather/index-beyond$"), Workers: 1})
		require.NoError(t, err, name)
		require.Len(t, report.Cases, 1)
		assert.Equal(t, c.want, report.Cases[0].Outcome, "%s: %s", name, report.Cases[0].Reason)
	}
}

// idle computes nothing.
type idle struct{}

func (idle) Run(context.Context, *operators.Call) error { return nil }

// A package is refused with any byte changed, and taken up where a run ended.
func TestPackage(t *testing.T) {
	dir := t.TempDir()
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	open := func(context.Context) (driver.Device, error) { return cpu.New(nil), nil }
	o := &conformance.Options{Profile: conformance.Smoke, Match: regexp.MustCompile("^op/Relu/"), Seed: 7, Dir: dir, Key: key}
	report, err := conformance.Score(t.Context(), open, o)
	require.NoError(t, err)
	p, err := result.Read(dir)
	require.NoError(t, err)
	assert.True(t, p.Signed)
	assert.Equal(t, report.Summary, p.Report().Summary)
	assert.EqualValues(t, 7, p.Manifest.Seed)
	outputs, err := p.Outputs()
	require.NoError(t, err)
	assert.Len(t, outputs, len(report.Cases))
	for _, name := range []string{result.ManifestFile, result.SignatureFile, result.CellsFile, result.OutputsFile, result.EnvironmentFile, result.WaiversFile, result.ReportFile, result.LogFile} {
		file := filepath.Join(dir, name)
		whole, err := os.ReadFile(file)
		require.NoError(t, err)
		changed := append([]byte{}, whole...)
		changed[len(changed)/2] ^= 1
		require.NoError(t, os.WriteFile(file, changed, 0o644))
		_, err = result.Read(dir)
		assert.Error(t, err, name)
		require.NoError(t, os.WriteFile(file, whole, 0o644))
	}
	again, err := conformance.Score(t.Context(), open, &conformance.Options{Profile: o.Profile, Match: o.Match, Seed: 7})
	require.NoError(t, err)
	for i, r := range again.Cases {
		assert.Equal(t, report.Cases[i].Outcome, r.Outcome, "equal seeds, equal verdicts")
	}
}

func TestAnInterruptedRunGoesOn(t *testing.T) {
	dir := t.TempDir()
	open := func(context.Context) (driver.Device, error) { return cpu.New(nil), nil }
	ran := 0
	ctx, stop := context.WithCancel(t.Context())
	o := &conformance.Options{Profile: conformance.Smoke, Match: regexp.MustCompile("^op/Relu/"), Dir: dir, Workers: 1,
		Progress: func(done, _ int, _ conformance.Result) {
			if ran++; done == 5 {
				stop()
			}
		}}
	_, err := conformance.Score(ctx, open, o)
	require.ErrorIs(t, err, context.Canceled)
	before := ran
	report, err := conformance.Score(t.Context(), open, o)
	require.NoError(t, err)
	assert.Equal(t, len(report.Cases), ran, "no case was run twice")
	assert.GreaterOrEqual(t, before, 5)
	p, err := result.Read(dir)
	require.NoError(t, err)
	assert.Equal(t, report.Summary, p.Report().Summary)
}

func TestWaiversExpire(t *testing.T) {
	day := func(s string) result.Day {
		d, err := result.ParseDay(s)
		require.NoError(t, err)
		return d
	}
	w := result.Waiver{ID: "W1", Cases: "op/Mul/...", Reason: "known", Expires: day("2030-05-01")}
	for at, want := range map[string]result.Outcome{"2030-05-01": result.WaivedFailure, "2030-05-02": result.FailNumeric} {
		r := result.Result{ID: "op/Mul/14/float32/default/rank3"}
		r.As(result.FailNumeric, "off")
		result.Waive(&r, []result.Waiver{w}, day(at).Time)
		assert.Equal(t, want, r.Outcome, at)
	}
	assert.False(t, w.Covers("op/Add/14/float32/default/rank3"))
	assert.False(t, w.Covers("op"))
}

func TestSeedOfAChallenge(t *testing.T) {
	a, b := []result.File{{Name: "x", SHA256: "1"}}, []result.File{{Name: "x", SHA256: "2"}}
	assert.Equal(t, conformance.SeedOf("c", a), conformance.SeedOf("c", a))
	assert.NotEqual(t, conformance.SeedOf("c", a), conformance.SeedOf("d", a))
	assert.NotEqual(t, conformance.SeedOf("c", a), conformance.SeedOf("c", b))
}
