package isa

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMasked(t *testing.T) {
	for _, c := range []struct {
		has  Level
		name string
		want Level
	}{
		{AVX512, "", AVX512},
		{AVX512, "avx512", AVX512},
		{AMX, "", AMX},
		{AMX, "amx", AMX},
		{AMX, "avx512", AVX512},
		{AVX512, "amx", AVX512},
		{AVX512, "avx2", AVX2},
		{AVX512, "generic", Generic},
		{AVX2, "avx512", AVX2}, // a mask adds nothing
		{Generic, "avx2", Generic},
	} {
		got, err := masked(c.has, c.name)
		assert.NoError(t, err)
		assert.Equal(t, c.want, got, "%v masked by %q", c.has, c.name)
	}
	got, err := masked(AVX2, "sse9")
	assert.Equal(t, AVX2, got)
	assert.EqualError(t, err, `the environment variable MIDPLANE_CPU is "sse9"; it takes amx, avx512, avx2 or generic`)
}

func TestAvailable(t *testing.T) {
	levels := Available()
	assert.Equal(t, Generic, levels[0])
	assert.Equal(t, Best, levels[len(levels)-1])
	assert.Len(t, levels, int(Best)+1)
}
