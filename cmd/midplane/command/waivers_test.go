package command_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A waiver excuses a failure until its day, in the run's report and in the
// package's, and nowhere else.
func TestConformWaivers(t *testing.T) {
	waiver := func(day time.Time) string {
		return write(t, t.TempDir(), "waivers.json", []byte(`[{"id": "W-1", "cases": "wr*", "reason": "off by two", "expires": "`+day.Format(time.DateOnly)+`"}]`))
	}
	tests := suite(t, true)
	dir := filepath.Join(t.TempDir(), "package")
	r := midplane("conform", "--onnx", tests, "--waivers", waiver(time.Now().UTC()), "--out", dir)
	assert.Zero(t, r.status, "the last day counts: %s", r.stderr)
	assert.Regexp(t, `(?m)^waived +wrong: fail-numeric, waived by W-1 until `, r.stdout)
	assert.Contains(t, r.stdout, "\n1 waived, 0 faults of the suite\n1 passed, 0 failed, 1 unsupported\n")
	assert.Equal(t, r.stdout, good(t, "report", "show", dir))
	assert.Contains(t, good(t, "report", "verify", dir, "--onnx", tests), "grade: self-declared")

	accept := func(text string) string { return write(t, t.TempDir(), "acceptance.json", []byte(text)) }
	r = midplane("report", "check", dir, "--unverified", "--require", accept(`{"waived": 0, "require": [{"cases": "wrong", "failed": 0}]}`))
	assert.Equal(t, 1, r.status)
	assert.Equal(t, "not met: 1 waived failures, more than 0\nnot met: wrong: 1 failed, more than 0\nNOT ACCEPTED\n", r.stdout)

	r = midplane("conform", "--onnx", tests, "--waivers", waiver(time.Now().UTC().AddDate(0, 0, -1)))
	assert.Equal(t, 1, r.status, "it has expired")
	for _, text := range []string{"{", `[{"id": "W-1", "cases": "x", "reason": "none"}]`, `[{"id": "W-1", "cases": "[", "reason": "r", "expires": "2030-01-01"}]`} {
		assert.Equal(t, 2, midplane("conform", "--onnx", tests, "--waivers", write(t, t.TempDir(), "w.json", []byte(text))).status, text)
	}
}
