package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block is Go code in a page.
var block = regexp.MustCompile("(?s)\n```go\n(.*?)```")

// link is a link to another file of the repository, code what only looks like
// one.
var (
	link = regexp.MustCompile(`\]\(([^)#:]+)\)`)
	code = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
)

func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "../*.md", "../examples/*.md", "../examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		all = append(all, found...)
	}
	require.NotEmpty(t, all)
	return all
}

// Whole programs in pages compile.
func TestProgramsInPagesCompile(t *testing.T) {
	programs := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, b := range block.FindAllSubmatch(text, -1) {
			if !strings.HasPrefix(string(b[1]), "package main\n") {
				continue
			}
			programs++
			file := filepath.Join(t.TempDir(), "main.go")
			require.NoError(t, os.WriteFile(file, b[1], 0o644))
			out, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput()
			assert.NoError(t, err, "%s: %s", page, out)
		}
	}
	assert.NotZero(t, programs)
}

// Links between pages lead to files that are there.
func TestLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllSubmatch(code.ReplaceAll(text, nil), -1) {
			links++
			_, err := os.Stat(filepath.Join(filepath.Dir(page), string(m[1])))
			assert.NoError(t, err, "in %s", page)
		}
	}
	assert.NotZero(t, links)
}
