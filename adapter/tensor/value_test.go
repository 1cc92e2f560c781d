package tensor_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
)

func TestMapItems(t *testing.T) {
	keys := tensor.Of([]int64{7, 5, 6})
	tests := map[string]struct {
		values tensor.Value
		want   []tensor.Value
	}{
		"floats":  {tensor.Of([]float64{1, 2, 3}), []tensor.Value{tensor.Scalar(1.0), tensor.Scalar(2.0), tensor.Scalar(3.0)}},
		"strings": {tensor.Of([]string{"a", "", "c"}), []tensor.Value{tensor.Scalar("a"), tensor.Scalar(""), tensor.Scalar("c")}},
		"packed": {
			tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-8, 7, -1}),
			[]tensor.Value{
				tensor.FromInt64s(tensor.Int4, tensor.Shape{}, []int64{-8}),
				tensor.FromInt64s(tensor.Int4, tensor.Shape{}, []int64{7}),
				tensor.FromInt64s(tensor.Int4, tensor.Shape{}, []int64{-1}),
			},
		},
		"sequence": {
			&tensor.Sequence{Items: []tensor.Value{keys, keys, keys}},
			[]tensor.Value{keys, keys, keys},
		},
	}
	for name, c := range tests {
		m := &tensor.Map{Keys: keys, Values: c.values}
		assert.Equal(t, c.want, m.Items(), name)
	}
}
