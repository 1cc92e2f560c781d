package conform_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vendorTest is the file that a vendor writes.
const vendorTest = "conform_test.go"

func TestTheVendorsTestIsShort(t *testing.T) {
	b, err := os.ReadFile(vendorTest)
	require.NoError(t, err)
	assert.LessOrEqual(t, bytes.Count(b, []byte("\n")), 25)
}

// The vendor's test works in a module of its own, in an empty folder.
func TestOutsideOfTheRepository(t *testing.T) {
	if testing.Short() {
		t.Skip("with -short: it builds a module of its own")
	}
	if runtime.GOARCH == "wasm" {
		t.Skip("there are no processes on WebAssembly")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	copied := func(from, to string) {
		b, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), b, 0o644))
	}
	copied(vendorTest, "chip_test.go")
	copied(filepath.Join(root, "go.sum"), "go.sum") // what go mod tidy would look up
	module := "module vendor.example/chip\n\ngo 1.26\n\nrequire example.com/midplane v0.0.0\n\nreplace example.com/midplane => " + root + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o644))
	c := exec.CommandContext(t.Context(), "go", "test", "-mod=mod", "-count=1", "-v", "-run", "TestConformance/op/^(Relu|Conv|Gemm)$", ".")
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Regexp(t, `op: \d\d+ cells, \d\d+ verified, \d+ self, 0 failed, honesty 1.0000`, string(out))
	assert.Regexp(t, `--- PASS: TestConformance/op/Conv/22/float32/default/rank4 `, string(out))
}

// The pods of the job share the work out between them: as many as there are
// shards.
func TestTheJobHasAPodForEveryShard(t *testing.T) {
	job, err := os.ReadFile("job.yaml")
	require.NoError(t, err)
	field := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindSubmatch(job)
		require.NotNil(t, m, pattern)
		return string(m[1])
	}
	assert.Equal(t, "Indexed", field(`(?m)^  completionMode: (\w+)$`))
	shards := field(`--shard=/(\d+)`)
	assert.Equal(t, shards, field(`(?m)^  completions: (\d+)$`))
	assert.Contains(t, string(job), "--out=/results/$(JOB_COMPLETION_INDEX)")
}
