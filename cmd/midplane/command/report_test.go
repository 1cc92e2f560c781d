package command_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyPair writes an ed25519 key as PEM and returns the files of both halves.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	pub, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	b, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private = write(t, dir, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
	b, err = x509.MarshalPKIXPublicKey(pub)
	require.NoError(t, err)
	return private, write(t, dir, "key.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

// cells matches the few cells that these tests need.
const cells = "^op/(Relu|Gemm)/.*/default/rank2$"

func scoredPackage(t *testing.T, more ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "package")
	good(t, append([]string{"conform", "--profile", "smoke", "--run", cells, "--out", dir}, more...)...)
	return dir
}

func TestReportVerify(t *testing.T) {
	maker, laboratory := keyPair(t)
	witness, known := keyPair(t)
	dir := scoredPackage(t, "--key", maker, "--challenge", "a tester's text")
	out := good(t, "report", "verify", dir)
	assert.Contains(t, out, "grade: self-declared\n")
	assert.Regexp(t, `\n\d+ verdicts follow again from what the package holds, 0 only a device can show\n`, out)
	assert.Contains(t, good(t, "report", "verify", dir, "--laboratory", laboratory), "grade: laboratory\n")

	out = good(t, "report", "verify", dir, "--replay", "3", "--device", "cpu", "--key", witness)
	assert.Regexp(t, `3 cases were run again, as \d+ fell: 3 with the same verdict, 3 with the same bits`, out)
	assert.Contains(t, out, "grade: self-declared\n", "nobody knows the witness")
	assert.Contains(t, good(t, "report", "verify", dir, "--witness", known), "grade: witnessed\n")
	assert.Contains(t, good(t, "report", "verify", dir, "--witness", laboratory), "grade: self-declared\n", "the maker is no witness")

	r := midplane("report", "verify", dir, "--replay", "1", "--device", "cpu", "--key", maker)
	assert.Equal(t, 2, r.status)
	assert.Contains(t, r.stderr, "the key is that of the package's maker")
	assert.Equal(t, 2, midplane("report", "verify", dir, "--replay", "1").status, "on which device?")
	assert.Equal(t, 2, midplane("report", "verify", t.TempDir()).status, "no package")
}

// No byte of a package can be changed, signed or not.
func TestReportVerifyRefusesOneChangedByte(t *testing.T) {
	maker, _ := keyPair(t)
	for _, flags := range [][]string{nil, {"--key", maker}} {
		dir := scoredPackage(t, flags...)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 8)
		for _, e := range entries {
			file := filepath.Join(dir, e.Name())
			whole, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, at := range []int{0, len(whole) / 2, len(whole) - 1} {
				changed := append([]byte{}, whole...)
				changed[at] ^= 0x20
				require.NoError(t, os.WriteFile(file, changed, 0o644))
				r := midplane("report", "verify", dir)
				assert.Equal(t, 1, r.status, "%s, byte %d", e.Name(), at)
				assert.Contains(t, r.stdout, "is refused")
			}
			require.NoError(t, os.WriteFile(file, whole, 0o644))
		}
		good(t, "report", "verify", dir)
	}
}

func TestReportMergeIsTheWhole(t *testing.T) {
	whole := scoredPackage(t)
	var shards []string
	for i := range 3 {
		t.Setenv("JOB_COMPLETION_INDEX", []string{"0", "1", "2"}[i])
		shards = append(shards, scoredPackage(t, "--shard", "/3"))
	}
	merged := filepath.Join(t.TempDir(), "merged")
	summary := good(t, "report", "merge", "--out", merged, shards[2], shards[0], shards[1])
	assert.Equal(t, good(t, "report", "show", whole), good(t, "report", "show", merged))
	assert.True(t, strings.HasSuffix(good(t, "report", "show", whole), summary))
	assert.Contains(t, good(t, "report", "diff", whole, merged), "no case changed")
	good(t, "report", "verify", merged)
	good(t, "report", "compare", whole, merged)
	outputs := func(dir string) string {
		b, err := os.ReadFile(filepath.Join(dir, "outputs.bin"))
		require.NoError(t, err)
		return string(b)
	}
	assert.True(t, outputs(whole) == outputs(merged), "the same bits in the same order")

	for want, dirs := range map[string][]string{
		"shard 1 of 3 is missing":     {shards[0], shards[2]},
		"are both shard 0":            {shards[0], shards[0], shards[1], shards[2]},
		"are not of the same run":     {shards[0], whole},
		"is shard 0 of 0":             {whole},
		"is no complete package":      {t.TempDir()},
		"holds a package already":     append([]string{"--out", whole}, shards...),
		"requires at least 1 arg(s)":  {},
		"their manifests are {\"form": {shards[0], scoredPackage(t, "--shard", "1/3", "--seed", "9"), shards[2]},
	} {
		r := midplane(append([]string{"report", "merge", "--out", filepath.Join(t.TempDir(), "new")}, dirs...)...)
		assert.Equal(t, 2, r.status, want)
		assert.Contains(t, r.stderr, want)
	}
}

func TestReportCompareSaysWhyNot(t *testing.T) {
	a := scoredPackage(t)
	for want, more := range map[string][]string{
		"the seed differs: 1 and 2":                    {"--seed", "2"},
		"the challenge differs: none and x":            {"--challenge", "x"},
		"the profile differs: smoke and core":          {"--profile", "core"},
		"the choice of cases differs":                  {"--run", "^op/Relu/"},
		"is shard 1 of 2: merge the shards first":      {"--shard", "1/2"},
		"the cases differ: ":                           {"--run", "^op/Relu/"},
		"the choice of ONNX's backend tests differs: ": {"--onnx", suite(t, false)},
	} {
		r := midplane("report", "compare", a, scoredPackage(t, more...))
		assert.Equal(t, 2, r.status, want)
		assert.Contains(t, r.stderr, want)
	}
	out := good(t, "report", "compare", a, scoredPackage(t, "--device", "emu:1"))
	assert.Regexp(t, `(?m)^op +\d+ of \d+, 0, `, out)
	assert.Contains(t, out, "midplane on emu:1")
}

func TestReportCheck(t *testing.T) {
	dir := scoredPackage(t)
	for name, c := range map[string]struct {
		acceptance string
		status     int
		want       string
	}{
		"met":        {`{"require": [{"cases": "op/Relu/...", "honesty": 1, "failed": 0, "class": "A"}]}`, 1, "only the cases that match"},
		"no cell":    {`{"require": [{"cases": "op/Tanh/..."}]}`, 1, "op/Tanh/...: no case is called so"},
		"coverage":   {`{"require": [{"cases": "op/...", "coverage": 1}]}`, 1, "of the cells are verified, less than 1"},
		"unsigned":   {`{"signed": true}`, 1, "the package is unsigned"},
		"grade":      {`{"grade": "witnessed"}`, 1, "the grade is self-declared, not witnessed"},
		"typo":       {`{"requires": []}`, 2, `unknown field "requires"`},
		"no grade":   {`{"grade": "gold"}`, 2, `the grade "gold" is none of`},
		"no pattern": {`{"require": [{"cases": "["}]}`, 2, `"[" is no pattern`},
	} {
		r := midplane("report", "check", dir, "--require", write(t, t.TempDir(), "acceptance.json", []byte(c.acceptance)))
		assert.Equal(t, c.status, r.status, name)
		assert.Contains(t, r.stdout+r.stderr, c.want, name)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	good(t, "conform", "--onnx", suite(t, false), "--out", whole)
	r := midplane("report", "check", whole, "--unverified", "--require", write(t, t.TempDir(), "a.json", []byte(`{"require": [{"cases": "right", "passed": 1}]}`)))
	assert.Zero(t, r.status, r.stdout)
	assert.Equal(t, "accepted, grade self-declared\n", r.stdout)
}

func TestReportFormats(t *testing.T) {
	onnx := suite(t, true)
	text := midplane("conform", "--onnx", onnx)
	markdown := midplane("conform", "--onnx", onnx, "--format", "markdown")
	assert.Equal(t, 1, markdown.status)
	for _, want := range []string{
		"# Conformance of midplane on cpu\n", "1 passed, 1 failed, 1 unsupported.", "There is no overall number", "## Failed\n\n- `wrong`: fail-numeric:",
		"## Unsupported\n\n- 1 cases: unsupported-declared:", "| official | 3 | 1 | 1 |",
	} {
		assert.Contains(t, markdown.stdout, want)
	}
	dir := filepath.Join(t.TempDir(), "package")
	junit := midplane("conform", "--onnx", onnx, "--format", "junit", "--out", dir)
	var suites struct {
		Suites []struct {
			Name                             string `xml:"name,attr"`
			Tests, Failures, Skipped, Errors int    `xml:",attr"`
			Cases                            []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(junit.stdout), &suites))
	require.Len(t, suites.Suites, 1)
	assert.Equal(t, "official", suites.Suites[0].Name)
	require.Len(t, suites.Suites[0].Cases, 3)
	assert.Contains(t, suites.Suites[0].Cases[2].Failure.Message, `output "y"`)
	assert.Equal(t, text.stdout, good(t, "report", "show", dir), "a package says what the run said")
	assert.Equal(t, markdown.stdout[:30], good(t, "report", "show", dir, "--format", "markdown")[:30])
	assert.Equal(t, 2, midplane("conform", "--onnx", onnx, "--format", "pdf").status)
	assert.Equal(t, 2, midplane("report", "show", dir, "--format", "pdf").status)
}
