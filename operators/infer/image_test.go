package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestImageDecoder(t *testing.T) {
	for format, want := range map[string]string{"RGB": "uint8[?,?,3]", "BGR": "uint8[?,?,3]", "Grayscale": "uint8[?,?,1]"} {
		got, err := inferred("ImageDecoder", 1, with(graph.A("pixel_format", format)), typed(tensor.Uint8, "n"))
		require.NoError(t, err)
		assert.Equal(t, []string{want}, got)
	}
	_, err := inferred("ImageDecoder", 1, nil, []infer.Fact{typed(tensor.Uint8, 1, "n")}...)
	assert.ErrorContains(t, err, "must have rank 1")
}
