package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/cmd/midplane/command"
)

// The page of operators says what the devices of this tree do.
func TestOperatorsPageIsCurrent(t *testing.T) {
	var page, problems bytes.Buffer
	require.Zero(t, command.Main([]string{"ops", "--markdown", "--device", "cpu", "--device", "emu:1"}, &page, &problems), problems.String())
	committed, err := os.ReadFile("../../docs/operators.md")
	require.NoError(t, err)
	assert.True(t, bytes.Equal(committed, page.Bytes()), "docs/operators.md is stale: make generate writes it anew")
}
