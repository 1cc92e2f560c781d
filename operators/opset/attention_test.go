package opset

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

// One query that is 0 attends to every key that it may attend to alike: it gets
// the mean of their values. A mask of one column allows all keys in version 23
// and the first one alone in version 24.
func TestMaskOfOneColumn(t *testing.T) {
	q, k := floats(tensor.Shape{1, 1, 1, 1}, 0), floats(tensor.Shape{1, 1, 2, 1}, 1, 1)
	v := floats(tensor.Shape{1, 1, 2, 1}, 3, 5)
	column, row := floats(tensor.Shape{1, 1}, 7), floats(tensor.Shape{1, 2}, 7, 7)
	for _, c := range []struct {
		version int
		mask    *tensor.Tensor
		want    float64
	}{{23, column, 4}, {24, column, 3}, {23, row, 4}, {24, row, 4}} {
		out := lifted(t, c.version, "Attention", 1, []*tensor.Tensor{q, k, v, c.mask})
		assert.Equal(t, []float64{c.want}, out[0].Float64s(), "version %d", c.version)
	}
	past := []*tensor.Tensor{floats(tensor.Shape{1, 1, 1, 1}, 1), floats(tensor.Shape{1, 1, 1, 1}, 10)}
	out := lifted(t, 23, "Attention", 1, append([]*tensor.Tensor{q, k, v, column}, past...))
	assert.Equal(t, []float64{6}, out[0].Float64s())
	g, err := liftNode(23, "Attention", 1, []*tensor.Tensor{q, k, v, row})
	require.NoError(t, err)
	assert.Equal(t, []string{"Attention"}, operatorsOf(g), "a whole mask stays as it is")
}
