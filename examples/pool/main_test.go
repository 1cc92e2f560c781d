package main

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// On a card of any shares the urgent task takes the place of the younger of two.
func TestTwoModelsShareACardUntilAnUrgentOneComes(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), "emu", &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		"digits has 32 MiB and 0.25 of emu:0",
		"tagger has 64 MiB and 0.50 of emu:0",
		"card emu:0: 2 instances with 96 MiB and 0.75 of its units",
		"urgent asks for 0.75",
		"tagger makes room",
		"card emu:0: 2 instances with 64 MiB and 1.00 of its units",
		"urgent is done",
		"tagger has 64 MiB and 0.50 of emu:0",
	}
	assert.Equal(t, want, lines)
}

// On a processor of two threads it takes both places.
func TestOnTheProcessor(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one thread is not divided")
	}
	var out strings.Builder
	require.NoError(t, run(t.Context(), "cpu", &out))
	assert.Contains(t, out.String(), "tagger makes room\n")
	assert.Equal(t, 1, strings.Count(out.String(), "urgent is done\n"))
}

func TestUnknownCard(t *testing.T) {
	assert.ErrorContains(t, run(t.Context(), "abacus", io.Discard), "abacus")
}
