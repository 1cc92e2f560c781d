package pages_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/backends/cpu/internal/pages"
)

func TestMake(t *testing.T) {
	for _, n := range []int{0, 1, 1<<15 - 1, 1 << 15, 3<<19 + 5} {
		v := pages.Make[float32](n)
		assert.Len(t, v, n)
		for i := range v {
			if v[i] != 0 {
				t.Fatalf("element %d of %d is %v", i, n, v[i])
			}
			v[i] = 1
		}
	}
}
