package model_test

import (
	"fmt"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/examples/digits/model"
)

func TestONNXIsSmall(t *testing.T) {
	assert.NotEmpty(t, model.ONNX)
	assert.Less(t, len(model.ONNX), 100_000)
}

func TestSamplesAreGrayPictures(t *testing.T) {
	for digit := range 10 {
		f, err := model.Samples.Open(fmt.Sprintf("samples/sample_%d.png", digit))
		require.NoError(t, err)
		img, err := png.Decode(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.IsType(t, &image.Gray{}, img)
		assert.Equal(t, image.Rect(0, 0, 28, 28), img.Bounds())
	}
}
