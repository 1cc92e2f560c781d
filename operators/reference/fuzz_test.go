package reference_test

import (
	"bytes"
	"context"
	"image"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// decodeWithin runs ImageDecoder on a device of so many bytes.
func decodeWithin(data []byte, limit int) (*tensor.Tensor, error) {
	n := &graph.Node{Name: "test", Op: "ImageDecoder", Outputs: []*graph.Value{{Name: "pixels"}}}
	var memory []byte
	call := &operators.Call{
		Inputs:  []operators.Operand{{DType: tensor.Uint8, Shape: tensor.Shape{len(data)}, Host: tensor.Of(data)}},
		Outputs: make([]operators.Operand, 1),
		Allocate: func(_ int, d tensor.DType, shape tensor.Shape) (operators.Operand, error) {
			size, err := shape.Elements()
			if err == nil && size > limit {
				err = driver.Errorf(driver.OutOfMemory, "Alloc", "%d bytes", size)
			}
			if err != nil {
				return operators.Operand{}, err
			}
			memory = make([]byte, size)
			return operators.Operand{DType: d, Shape: shape, Region: driver.Region{Buffer: somewhere{}, Size: int64(size)}}, nil
		},
	}
	view := func(r driver.Region) ([]byte, error) { return memory[:r.Size], nil }
	if err := reference.Apply(context.Background(), n, call, view); err != nil {
		return nil, err
	}
	return tensor.FromBytes(tensor.Uint8, call.Outputs[0].Shape, memory)
}

type somewhere struct{ driver.Buffer }

// A header of a few bytes is refused before its pixels are made.
func TestImageDecoderAsksForMemoryFirst(t *testing.T) {
	whole := encoded(t, image.NewGray(image.Rect(0, 0, 3, 2)), asPNG)
	got, err := decodeWithin([]byte(whole), 18)
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{2, 3, 3}, got.Shape())
	assert.Equal(t, make([]byte, 18), got.Bytes())
	_, err = decodeWithin([]byte(whole), 17)
	require.ErrorIs(t, err, driver.OutOfMemory)
	assert.ErrorContains(t, err, "an image of 3 × 2 pixels")

	half, err := decodeWithin([]byte(whole[:len(whole)-20]), 18)
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{0, 0, 3}, half.Shape(), "what was asked for is not what came")

	for name, header := range hugeImages {
		before := allocated()
		_, err = decodeWithin([]byte(header), 1<<20)
		require.ErrorIs(t, err, driver.OutOfMemory, name)
		assert.ErrorContains(t, err, "an image of 4096 × 4096 pixels", name)
		assert.Less(t, allocated()-before, int64(1<<20), name)
	}
}

// hugeImages are headers of images of 4096 × 4096 pixels.
var hugeImages = map[string]string{
	"PNG":  "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + "\x00\x00\x10\x00\x00\x00\x10\x00\x10\x06\x00\x00\x00" + "\xa2\x33\xf8\x54",
	"JPEG": "\xff\xd8\xff\xc0\x00\x0b\x08\x10\x00\x10\x00\x01\x01\x11\x00",
	"WebP": "RIFF\x16\x00\x00\x00WEBPVP8L\x05\x00\x00\x00\x2f\xff\xcf\xff\x03\x00",
}

// FuzzImage decodes any bytes as an image, with memory in proportion to their
// number and to that of the pixels that there is room for.
func FuzzImage(f *testing.F) {
	const limit = 1 << 16
	tiny := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	var b bytes.Buffer
	require.NoError(f, bmp.Encode(&b, tiny))
	f.Add(bytes.Clone(b.Bytes()))
	b.Reset()
	require.NoError(f, tiff.Encode(&b, tiny, &tiff.Options{Compression: tiff.Deflate}))
	f.Add(bytes.Clone(b.Bytes()))
	b.Reset()
	require.NoError(f, asPNG(&b, tiny))
	f.Add(bytes.Clone(b.Bytes()))
	f.Add([]byte("P6 1 1 255 \x01\x02\x03"))
	f.Add([]byte("P1 2 1 0 1"))
	for _, header := range hugeImages {
		f.Add([]byte(header))
	}
	for _, pattern := range []string{"jpeg/testdata/*.jpg", "imagedec/testdata/*.webp"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, name := range files {
			data, err := os.ReadFile(name)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		got, err := decodeWithin(data, limit)
		require.Less(t, allocated()-before, int64(64*limit+512*len(data)+1<<20))
		if err != nil {
			require.NotContains(t, err.Error(), "cannot take")
			return
		}
		require.Equal(t, 3, got.Shape()[2])
	})
}

// allocated returns the bytes allocated since the start.
func allocated() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
