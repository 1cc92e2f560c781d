package conformance_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance"
	"example.com/midplane/conformance/result"
	"example.com/midplane/operators"
)

func processor(context.Context) (driver.Device, error) { return cpu.New(nil), nil }

// wrongEnd is the processor with the last element of float32 results wrong.
func wrongEnd(context.Context) (driver.Device, error) {
	b := broken{Device: cpu.New(nil)}
	b.after = func(d *cpu.Device, c *operators.Call) error {
		if o := output(d, c); len(o) > 0 && c.Outputs[0].DType == tensor.Float32 {
			o[len(o)-1] ^= 0x40
		}
		return nil
	}
	return b, nil
}

// pack scores a device into a package.
func pack(t *testing.T, open conformance.Open, match string) string {
	t.Helper()
	dir := t.TempDir()
	_, err := conformance.Score(t.Context(), open, &conformance.Options{
		Profile: conformance.Smoke, Match: regexp.MustCompile(match), Seed: 3, Dir: dir, Key: newKey(t),
	})
	require.NoError(t, err)
	return dir
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return key
}

func verify(t *testing.T, dir string, o *conformance.VerifyOptions) *conformance.Verification {
	t.Helper()
	p, err := result.Read(dir)
	require.NoError(t, err)
	v, err := conformance.Verify(t.Context(), p, o)
	require.NoError(t, err)
	return v
}

// kinds matches cases of every kind: of digests and of stored outputs, equal and
// not, random, of two trials, refused.
const kinds = "^op/(Relu|Conv|Softmax|RandomNormal|SequenceAt)/|^law/.*/(Conv|Softmax|Relu)/|^status/Gather/"

func TestVerdictsFollowAgain(t *testing.T) {
	for name, open := range map[string]conformance.Open{"right": processor, "wrong": wrongEnd} {
		dir := pack(t, open, kinds)
		v := verify(t, dir, nil)
		assert.Empty(t, v.Problems, name)
		assert.Zero(t, v.Unjudged, name)
		p, err := result.Read(dir)
		require.NoError(t, err)
		assert.Len(t, p.Results, v.Judged, name)
		assert.Equal(t, name == "wrong", p.Report().Summary.Failed > 0, name)
	}
}

func TestReplay(t *testing.T) {
	dir := pack(t, processor, "^op/(Relu|Conv)/.*float32")
	v := verify(t, dir, &conformance.VerifyOptions{Replay: 10, Open: processor, Choice: 5})
	assert.Empty(t, v.Problems)
	assert.Equal(t, []int{10, 10, 10}, []int{v.Replayed, v.Same, v.SameBits})
	v = verify(t, dir, &conformance.VerifyOptions{Replay: 1000, Open: wrongEnd})
	assert.NotEmpty(t, v.Problems, "the device is not the one of the package")
	p, err := result.Read(dir)
	require.NoError(t, err)
	assert.Len(t, p.Results, v.Replayed)
	_, err = conformance.Verify(t.Context(), p, &conformance.VerifyOptions{Replay: 1})
	assert.ErrorContains(t, err, "none is named")
}

// edit changes the text of the results of a package and signs it again, with
// counts, scores and a short report that suit.
func edit(t *testing.T, dir string, change func(string) string) {
	t.Helper()
	p, err := result.Read(dir)
	require.NoError(t, err)
	file := filepath.Join(dir, result.CellsFile)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := change(string(b))
	require.False(t, string(b) == changed, "nothing was edited")
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o644))
	p.Results = nil
	for line := range strings.Lines(changed) {
		var r result.Result
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		p.Results = append(p.Results, r)
	}
	report := p.Report()
	p.Manifest.Summary, p.Manifest.Scores = report.Summary, report.Scores
	b, err = json.Marshal(report.Brief())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, result.ReportFile), b, 0o644))
	require.NoError(t, result.Seal(dir, &p.Manifest, newKey(t)))
}

// A package whose verdicts were edited is refused, whoever signs it again.
func TestEditedVerdictsAreRefused(t *testing.T) {
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	whole := pack(t, wrongEnd, "^op/(Relu|Conv)/.*/float(32|64)/default/rank[34]$")
	for name, c := range map[string]struct {
		change  func(string) string
		problem string
	}{
		"a failure made a pass":   {func(s string) string { return failure.ReplaceAllString(s, `"status":"passed",$2"outcome":"pass"`) }, "from what it holds follows fail-numeric"},
		"self made native":        {replace(`"outcome":"pass-self"`, `"outcome":"pass"`), "the package says pass, but from what it holds follows pass-self"},
		"kernels renamed":         {replace(`"kernels":["reference"]`, `"kernels":["mine"]`), "Kernels is [reference], not [mine]"},
		"a smaller error":         {replace(`"max_ulp":`, `"max_ulp":0,"x":`), "MaxULP is"},
		"another digest":          {replace(`"digest":"`, `"digest":"0`), "digest"},
		"no trials":               {func(s string) string { return trials.ReplaceAllString(s, `"trials":[]`) }, "outputs.bin"},
		"a case left out":         {func(s string) string { return s[strings.Index(s, "\n")+1:] }, "results"},
		"a case under other name": {replace(`"id":"op/Conv/`, `"id":"op/Cove/`), "is of case op/Cove/"},
	} {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(whole)))
		edit(t, dir, c.change)
		v := verify(t, dir, nil)
		assert.Contains(t, strings.Join(v.Problems, "\n"), c.problem, name)
	}
}

var (
	failure = regexp.MustCompile(`"status":"failed",("reason":"(?:[^"\\]|\\.)*",)(.*?)"outcome":"fail-numeric"`)
	trials  = regexp.MustCompile(`"trials":\[.*\]`)
)
