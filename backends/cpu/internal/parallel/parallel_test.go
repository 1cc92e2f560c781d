package parallel_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu/internal/parallel"
)

// counts notes how often each piece was computed, and by which workers.
type counts struct {
	pieces  []atomic.Int32
	inside  []atomic.Int32 // by worker
	clashes atomic.Int32
	do      func(piece int)
}

func newCounts(pieces, workers int) *counts {
	return &counts{pieces: make([]atomic.Int32, pieces), inside: make([]atomic.Int32, workers)}
}

func (c *counts) Do(worker, piece int) {
	if c.inside[worker].Add(1) != 1 {
		c.clashes.Add(1)
	}
	c.pieces[piece].Add(1)
	if c.do != nil {
		c.do(piece)
	}
	c.inside[worker].Add(-1)
}

func TestRunComputesEveryPieceOnce(t *testing.T) {
	parallel.Retain()
	defer parallel.Release()
	for _, threads := range []int{0, 1, 2, 3, 8} {
		for _, pieces := range []int{0, 1, 2, 3, 7, 100, 1000} {
			c := newCounts(pieces, max(threads, 1))
			require.NoError(t, parallel.Run(t.Context(), threads, pieces, c))
			for i := range c.pieces {
				assert.EqualValues(t, 1, c.pieces[i].Load(), "%d threads, piece %d of %d", threads, i, pieces)
			}
			assert.Zero(t, c.clashes.Load(), "two calls of one worker ran at once")
		}
	}
}

func TestRunFromManyGoroutines(t *testing.T) {
	parallel.Retain()
	defer parallel.Release()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				c := newCounts(5, 4)
				assert.NoError(t, parallel.Run(t.Context(), 4, 5, c))
				for i := range c.pieces {
					assert.EqualValues(t, 1, c.pieces[i].Load())
				}
				assert.Zero(t, c.clashes.Load())
			}
		})
	}
	group.Wait()
}

// A piece may divide its own work.
func TestRunInsideRun(t *testing.T) {
	parallel.Retain()
	defer parallel.Release()
	var inner atomic.Int32
	c := newCounts(6, 4)
	c.do = func(int) {
		within := newCounts(3, 4)
		within.do = func(int) { inner.Add(1) }
		assert.NoError(t, parallel.Run(t.Context(), 4, 3, within))
	}
	require.NoError(t, parallel.Run(t.Context(), 4, 6, c))
	assert.EqualValues(t, 18, inner.Load())
}

func TestRunStopsWhenTheContextEnds(t *testing.T) {
	parallel.Retain()
	defer parallel.Release()
	for _, threads := range []int{1, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		c := newCounts(1000, 2)
		var done atomic.Int32
		c.do = func(int) {
			if done.Add(1) >= 3 {
				cancel()
				<-ctx.Done()
			}
		}
		assert.ErrorIs(t, parallel.Run(ctx, threads, 1000, c), context.Canceled)
		assert.Less(t, done.Load(), int32(10), "pieces were begun after the end")
		assert.ErrorIs(t, parallel.Run(ctx, threads, 0, c), context.Canceled)
	}
}

func TestRunReturnsPanics(t *testing.T) {
	parallel.Retain()
	defer parallel.Release()
	for _, threads := range []int{1, 2} {
		c := newCounts(50, 2)
		c.do = func(piece int) {
			if piece == 7 {
				panic("seven")
			}
			time.Sleep(time.Microsecond)
		}
		var p *driver.PanicError
		require.ErrorAs(t, parallel.Run(t.Context(), threads, 50, c), &p)
		assert.Equal(t, "seven", p.Value)
		assert.Contains(t, p.Error(), "parallel_test.go")
	}
}

// After a pause the helpers sleep, and work must wake them or do without.
func TestRunAfterAPause(t *testing.T) {
	parallel.Retain()
	defer parallel.Release()
	for range 20 {
		time.Sleep(time.Millisecond)
		c := newCounts(64, 2)
		require.NoError(t, parallel.Run(t.Context(), 2, 64, c))
		for i := range c.pieces {
			assert.EqualValues(t, 1, c.pieces[i].Load())
		}
	}
}

func TestRunWithoutHelpers(t *testing.T) {
	c := newCounts(10, 1)
	require.NoError(t, parallel.Run(t.Context(), 4, 10, c))
	for i := range c.pieces {
		assert.EqualValues(t, 1, c.pieces[i].Load())
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	parallel.Retain()
	defer parallel.Release()
	c := newCounts(16, 2)
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = parallel.Run(context.Background(), 2, 16, c) }))
}

func BenchmarkRun(b *testing.B) {
	parallel.Retain()
	defer parallel.Release()
	c := newCounts(2, 2)
	for b.Loop() {
		_ = parallel.Run(context.Background(), 2, 2, c)
	}
}

// halves notes the first piece of the second worker, for which the first one waits.
type halves struct {
	came  chan struct{}
	first atomic.Int32
}

func (h *halves) Do(worker, piece int) {
	if worker == 1 && h.first.CompareAndSwap(-1, int32(piece)) {
		close(h.came)
	}
	<-h.came
}

// Workers begin with ranges of their own.
func TestWorkersBeginApart(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor")
	}
	parallel.Retain()
	defer parallel.Release()
	for range 20 {
		h := &halves{came: make(chan struct{})}
		h.first.Store(-1)
		require.NoError(t, parallel.Run(t.Context(), 2, 100, h))
		assert.EqualValues(t, 50, h.first.Load())
	}
}
