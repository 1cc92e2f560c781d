package measure_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/conformance/measure"
)

func TestRoundTrip(t *testing.T) {
	got, err := measure.RoundTrip(t.Context())
	require.NoError(t, err)
	if runtime.GOMAXPROCS(0) == 1 {
		assert.Zero(t, got, "there is no other thread")
		return
	}
	assert.Positive(t, got)
	assert.Less(t, got, 100*time.Millisecond, "of one trip")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = measure.RoundTrip(ctx)
	assert.ErrorIs(t, err, context.Canceled)
}
