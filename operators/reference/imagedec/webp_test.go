package imagedec

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The files in testdata were encoded by libwebp 1.2.4 and decoded by it.
func TestDecodeWebPAsLibwebp(t *testing.T) {
	files, err := filepath.Glob("testdata/*.webp")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			want, err := os.ReadFile(strings.TrimSuffix(file, ".webp") + ".ppm")
			require.NoError(t, err)
			img, err := decodeWebP(bytes.NewReader(data))
			require.NoError(t, err)
			size := img.Bounds().Size()
			got := fmt.Appendf(nil, "P6\n%d %d\n255\n", size.X, size.Y)
			for y := range size.Y {
				for x := range size.X {
					c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
					got = append(got, c.R, c.G, c.B)
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

// A chunk that is longer than the file is refused before there is room for it.
func TestDecodeWebPOfWrongLength(t *testing.T) {
	data, err := os.ReadFile("testdata/even.webp")
	require.NoError(t, err)
	_, err = decodeWebP(bytes.NewReader(data[:len(data)-1]))
	assert.ErrorContains(t, err, "at byte 12")
	long := bytes.Clone(data)
	long[18] = 0xFF
	_, err = decodeWebP(bytes.NewReader(long))
	assert.ErrorContains(t, err, fmt.Sprintf("behind which there are %d", len(data)-20))
}

// Chroma samples 16, 48 above 80, 240: where all four bear on a pixel, it is
// (9a+3b+3c+d)/16, rounded.
func TestChroma(t *testing.T) {
	src := &image.YCbCr{Y: make([]uint8, 16), YStride: 4, Cb: []uint8{16, 48, 80, 240}, CStride: 2, Rect: image.Rect(0, 0, 4, 4)}
	for _, c := range []struct{ x, y, want int }{
		{0, 0, 16}, {3, 0, 48}, {0, 3, 80}, {3, 3, 240}, // corners
		{0, 1, 32}, {0, 2, 64}, {1, 0, 24}, {2, 0, 40}, // edges
		{1, 1, 48}, {2, 2, 160}, // (144+144+240+240)/16; (2160+240+144+16)/16
	} {
		assert.Equal(t, c.want, chroma(src, c.x, c.y)(src.Cb), "%d,%d", c.x, c.y)
	}
}

func TestRGB(t *testing.T) {
	for _, c := range []struct {
		y, u, v int
		want    [3]uint8
	}{
		{16, 128, 128, [3]uint8{0, 0, 0}},
		{235, 128, 128, [3]uint8{255, 255, 255}},
		{0, 0, 0, [3]uint8{0, 136, 0}}, // 8708 / 64 = 136.06
		{81, 90, 240, [3]uint8{254, 0, 0}},
	} {
		r, g, b := rgb(c.y, c.u, c.v)
		assert.Equal(t, c.want, [3]uint8{r, g, b})
	}
}
