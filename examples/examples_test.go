package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every example has a page with the command, and a test, and is in the list of
// examples.
func TestEveryExampleHasAPageAndATest(t *testing.T) {
	list, err := os.ReadFile("README.md")
	require.NoError(t, err)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	examples := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		examples++
		name := e.Name()
		assert.Contains(t, string(list), "["+name+"]("+name+")", "the list has %s", name)
		page, err := os.ReadFile(filepath.Join(name, "README.md"))
		if assert.NoError(t, err) {
			assert.True(t, strings.HasPrefix(string(page), "# "+name+": "), "the page of %s says what it shows", name)
			assert.Regexp(t, "(?m)^go run \\./(examples/"+name+"|cmd/midplane|midplane)\\b", string(page), "the page of %s has the command", name)
		}
		tests, err := filepath.Glob(filepath.Join(name, "*_test.go"))
		require.NoError(t, err)
		assert.NotEmpty(t, tests, "%s has tests", name)
	}
	assert.NotZero(t, examples)
}
