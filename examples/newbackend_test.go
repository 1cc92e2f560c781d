package examples_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// offline runs a command with the modules that there are, fetching none.
func offline(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), append(env, "GOPROXY=off", "GOWORK=off", "GOFLAGS=")...)
	out, err := c.CombinedOutput()
	if strings.Contains(string(out), "GOPROXY=off") {
		t.Skipf("modules are missing, and this test fetches none: %s", out)
	}
	require.NoError(t, err, "%s", out)
	return string(out)
}

// The template is no part of this module: it is a module by itself, whose go.mod
// names midplane and leaves what midplane needs to go mod tidy.
func TestNewBackendIsAModuleByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("builds another module")
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "./...").Output()
	require.NoError(t, err)
	assert.NotContains(t, string(out), "newbackend")
	modfile := filepath.Join(t.TempDir(), "go.mod")
	text, err := os.ReadFile("newbackend/go.mod")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(modfile, text, 0o644))
	offline(t, "newbackend", nil, "go", "mod", "tidy", "-modfile="+modfile)
	offline(t, "newbackend", nil, "go", "vet", "-modfile="+modfile, "./...")
}

// The page's commands lead from an empty folder to tests that pass and a score
// without failures.
func TestNewBackendFromAnEmptyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("builds another module, and runs the conformance suite's smoke profile")
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("the page's commands are for a shell")
	}
	page, err := os.ReadFile("newbackend/README.md")
	require.NoError(t, err)
	script := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, script)
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	out := offline(t, t.TempDir(), []string{"MIDPLANE=" + root}, "sh", "-e", "-c", string(script[1]))
	assert.Contains(t, out, "mycard:0")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	assert.Regexp(t, `^\d+ passed, 0 failed, \d+ unsupported$`, lines[len(lines)-1])
}

// The page says how many functions the template has, and how many midplane calls.
func TestNewBackendCountsItsFunctions(t *testing.T) {
	page, err := os.ReadFile("newbackend/README.md")
	require.NoError(t, err)
	said := regexp.MustCompile(`(\d+) functions, (\d+) of which midplane calls`).FindSubmatch(page)
	require.NotNil(t, said)
	called := map[string]bool{ // of driver.Driver, Device and Buffer, and operators.Kernel
		"Name": true, "Probe": true, "Open": true, "Info": true, "Alloc": true, "CopyIn": true, "CopyOut": true, "Synchronize": true, "Close": true,
		"Size": true, "Free": true, "Run": true,
	}
	all, ours := 0, 0
	files, err := filepath.Glob("newbackend/*.go")
	require.NoError(t, err)
	for _, name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		if strings.HasSuffix(name, "_test.go") {
			assert.LessOrEqual(t, strings.Count(string(source), "\n"), 25, "the conformance test is short")
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				all++
				if f.Recv != nil && called[f.Name.Name] {
					ours++
				}
			}
		}
	}
	assert.Equal(t, strconv.Itoa(all), string(said[1]), "functions in the template")
	assert.Equal(t, strconv.Itoa(ours), string(said[2]), "functions of midplane's interfaces")
}
