package command_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Every model of a folder is run as it is, with and without passes, and node by
// node.
func TestConformModels(t *testing.T) {
	dir := t.TempDir()
	affineCase(t, filepath.Join(dir, "right"), 3, 5, 7)
	affineCase(t, filepath.Join(dir, "wrong"), 3, 5, 7.1)
	affineCase(t, filepath.Join(dir, "rough"), 3, 5, 7.1)
	write(t, filepath.Join(dir, "rough"), "tolerance", []byte("0.02\n"))
	affineCase(t, filepath.Join(dir, "strange"), 3, 5, 7)
	write(t, filepath.Join(dir, "strange"), "tolerance", []byte("wide"))
	out := filepath.Join(t.TempDir(), "package")
	r := midplane("conform", "--models", dir, "--out", out, "--json")
	assert.Equal(t, 1, r.status, r.stderr)
	got := make(map[string]string)
	mined := 0
	for _, c := range decode[scored](t, r.stdout).Cases {
		if filepath.Dir(c.ID) == "model" || filepath.Dir(c.ID) == "law/optimized" {
			got[c.ID] = c.Status
			continue
		}
		assert.Regexp(t, `^mined/(Mul|Add)/14/float32/[0-9a-f]{12}$`, c.ID)
		assert.Equal(t, "passed", c.Status, c.Reason)
		mined++
	}
	assert.Equal(t, map[string]string{
		"model/right": "passed", "model/wrong": "failed", "model/rough": "passed", "model/strange": "failed",
		"law/optimized/right": "passed", "law/optimized/wrong": "passed", "law/optimized/rough": "passed", "law/optimized/strange": "failed",
	}, got)
	assert.Equal(t, 2, mined, "nodes that the models share are run once")

	assert.Contains(t, good(t, "report", "verify", out, "--models", dir), "10 verdicts follow again")
	r = midplane("report", "verify", out)
	assert.Equal(t, 2, r.status)
	assert.Contains(t, r.stderr, "which is not among []")
	r = midplane("conform", "--models", dir, "--run", "right|mined", "--isolate")
	assert.Zero(t, r.status, r.stdout)
	assert.Contains(t, r.stdout, "\n4 passed, 0 failed, 0 unsupported\n")
}
