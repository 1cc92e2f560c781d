package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/pool"
	"example.com/midplane/adapter/tensor"
	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/models"
)

// A task that takes no notice of being told to make room loses its instance under
// its runs, which say why; its session still closes, and the urgent task runs.
func TestTaskThatTakesNoNotice(t *testing.T) {
	image := map[string]tensor.Value{"image": tensor.Zeros(tensor.Float32, tensor.Shape{1, 1, 28, 28})}
	for _, card := range []string{"emu", "cpu"} {
		p, err := pool.Open(t.Context(), []string{card}, &pool.Options{Grace: 20 * time.Millisecond})
		require.NoError(t, err)
		l, err := p.Acquire(t.Context(), pool.Request{Memory: 32 << 20, Compute: 1})
		require.NoError(t, err)
		s, err := models.LoadBytes(t.Context(), digits.ONNX, &models.Options{Opened: l.Devices()})
		require.NoError(t, err)
		ended := make(chan error)
		go func() {
			for {
				if _, err := s.Run(t.Context(), image); err != nil {
					ended <- err
					return
				}
			}
		}()
		high, err := p.Acquire(t.Context(), pool.Request{Memory: 32 << 20, Compute: 1, Priority: 1})
		require.NoError(t, err)
		err = <-ended
		require.ErrorIs(t, err, pool.Preempted, card)
		assert.ErrorIs(t, err, adapter.Unavailable)
		require.ErrorIs(t, l.Err(), pool.Preempted)
		_, err = s.Run(t.Context(), image)
		require.ErrorIs(t, err, pool.Preempted, "%s: later runs say why", card)
		assert.NoError(t, s.Close())
		assert.ErrorIs(t, context.Cause(l.Context()), pool.Preempted)

		again, err := models.LoadBytes(high.Context(), digits.ONNX, &models.Options{Opened: high.Devices()})
		require.NoError(t, err)
		_, err = again.Run(high.Context(), image)
		assert.NoError(t, err)
		require.NoError(t, again.Close())
		require.NoError(t, high.Release())
		require.NoError(t, p.Close())
	}
}
