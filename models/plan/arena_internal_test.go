package plan

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever the spans, those alive at the same step have bytes of their own, every
// offset is aligned, and the arena is no smaller than what is alive at once and
// no larger than all together.
func TestLayoutOfRandomSpans(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		alignment := int64(1) << r.IntN(9)
		spans := make([]span, 1+r.IntN(60))
		steps := 1 + r.IntN(40)
		var all int64
		alive := make([]int64, steps)
		for i := range spans {
			first := r.IntN(steps)
			last := first + r.IntN(steps-first)
			spans[i] = span{slot: i * 3, size: 1 + r.Int64N(1000), first: first, last: last}
			all += align(spans[i].size, alignment)
			for step := first; step <= last; step++ {
				alive[step] += spans[i].size
			}
		}
		offsets, size, err := layout(t.Context(), spans, alignment)
		require.NoError(t, err)
		require.Len(t, offsets, len(spans))
		for i, a := range spans {
			at := offsets[a.slot]
			require.GreaterOrEqual(t, at, int64(0))
			require.Zero(t, at%alignment)
			require.LessOrEqual(t, at+a.size, size)
			for _, b := range spans[:i] {
				together := a.first <= b.last && b.first <= a.last
				apart := at+a.size <= offsets[b.slot] || offsets[b.slot]+b.size <= at
				require.True(t, apart || !together, "seed %d: %+v at %d, %+v at %d", seed, a, at, b, offsets[b.slot])
			}
		}
		for _, bytes := range alive {
			require.GreaterOrEqual(t, size, bytes)
		}
		require.LessOrEqual(t, size, all)
	}
}

func TestLayoutReusesRoom(t *testing.T) {
	chain := []span{{0, 100, 0, 1}, {1, 100, 1, 2}, {2, 100, 2, 3}, {3, 100, 3, 4}}
	offsets, size, err := layout(t.Context(), chain, 64)
	require.NoError(t, err)
	assert.Equal(t, map[int]int64{0: 0, 1: 128, 2: 0, 3: 128}, offsets)
	assert.EqualValues(t, 228, size)

	_, size, err = layout(t.Context(), nil, 64)
	require.NoError(t, err)
	assert.Zero(t, size)
}

// Sizes that no int64 counts do not wrap, and a context that is over ends the
// search.
func TestLayoutLimits(t *testing.T) {
	huge := []span{{0, math.MaxInt64 / 3, 0, 1}, {1, math.MaxInt64 / 3, 0, 1}, {2, math.MaxInt64 / 3, 1, 1}}
	_, size, err := layout(t.Context(), huge, 64)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, size, int64(tooMuch))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = layout(over, huge, 64)
	assert.ErrorIs(t, err, context.Canceled)
}
