package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDevices(t *testing.T) {
	for _, device := range []string{"cpu", "emu"} {
		t.Run(device, func(t *testing.T) {
			var out strings.Builder
			require.NoError(t, run(device, &out))
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Len(t, lines, classes)
			for digit, line := range lines {
				assert.Regexp(t, fmt.Sprintf(`^picture of %d: %[1]d, probability (0\.[5-9]\d|1\.00)$`, digit), line)
			}
		})
	}
}

func TestUnknownDevice(t *testing.T) {
	require.ErrorContains(t, run("abacus", io.Discard), "abacus")
}
