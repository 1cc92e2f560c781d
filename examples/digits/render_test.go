package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// render returns n pictures of a seed's stream.
func render(t *testing.T, seed, stream uint64, n int) *Dataset {
	t.Helper()
	r, err := NewRenderer(seed, stream)
	require.NoError(t, err)
	return NewDataset(r, n)
}

func TestRenderRepeatsForASeed(t *testing.T) {
	assert.Equal(t, render(t, 7, trainStream, 50), render(t, 7, trainStream, 50))
}

func TestRenderDiffersBetweenPictures(t *testing.T) {
	sets := []*Dataset{
		render(t, 7, trainStream, 50), render(t, 7, heldOutStream, 50), render(t, 8, trainStream, 50),
	}
	seen := map[string]bool{}
	for _, set := range sets {
		for i := range set.Len() {
			var key []byte
			for _, v := range set.Image(i) {
				key = append(key, byte(v*255+0.5))
			}
			assert.False(t, seen[string(key)], "picture %d repeats another", i)
			seen[string(key)] = true
		}
	}
}

func TestRenderDrawsWhiteInkOnBlack(t *testing.T) {
	set := render(t, 3, trainStream, 200)
	for i := range set.Len() {
		img := set.Image(i)
		border := slices.Concat(img[:2*side], img[pixels-2*side:])
		slices.Sort(border)
		assert.Less(t, border[len(border)/2], float32(0.3), "picture %d has a bright border", i)
		assert.Greater(t, slices.Max(img), float32(0.4), "picture %d has no ink", i)
	}
}

func TestRenderDrawsEveryDigitInManyShapes(t *testing.T) {
	r, err := NewRenderer(1, trainStream)
	require.NoError(t, err)
	for d, shapes := range r.outlines {
		assert.GreaterOrEqual(t, len(shapes), len(typefaces), "shapes of %d", d)
		for _, shape := range shapes {
			assert.NotEmpty(t, shape)
		}
	}
}
