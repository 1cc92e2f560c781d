package peak_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/backends/cpu/internal/isa"
	"example.com/midplane/backends/cpu/internal/peak"
)

// What is measured depends on the machine; that it is a rate of this century does
// not.
func TestMeasure(t *testing.T) {
	for name, r := range map[string]peak.Rate{"floats": peak.Floats, "bytes": peak.Bytes} {
		for _, threads := range []int{1, 2} {
			got, err := r.Measure(t.Context(), threads)
			require.NoError(t, err)
			assert.Greater(t, got, 1e5, "%s, %d threads, %v", name, threads, isa.Best)
			assert.Less(t, got, 1e15, "%s, %d threads, %v", name, threads, isa.Best)
		}
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := peak.Floats.Measure(ctx, 1)
	assert.ErrorIs(t, err, context.Canceled)
}
