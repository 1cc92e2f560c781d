package jpeg_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators/reference/jpeg"
)

// asPNM writes an image as Netpbm's binary grey map or pixel map.
func asPNM(img image.Image) []byte {
	size := img.Bounds().Size()
	if g, ok := img.(*image.Gray); ok {
		return append(fmt.Appendf(nil, "P5\n%d %d\n255\n", size.X, size.Y), g.Pix...)
	}
	out := fmt.Appendf(nil, "P6\n%d %d\n255\n", size.X, size.Y)
	for pix := img.(*image.RGBA).Pix; len(pix) > 0; pix = pix[4:] {
		out = append(out, pix[:3]...)
	}
	return out
}

// The files in testdata were encoded by libjpeg-turbo 2.1.5 and decoded by it.
func TestDecodeAsLibjpeg(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jpg")
	require.NoError(t, err)
	require.Len(t, files, 7)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			want, err := os.ReadFile(strings.TrimSuffix(file, ".jpg") + ".pnm")
			require.NoError(t, err)
			img, err := jpeg.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			assert.Equal(t, want, asPNM(img))
			config, err := jpeg.DecodeConfig(bytes.NewReader(data))
			require.NoError(t, err)
			assert.Equal(t, image.Config{ColorModel: img.ColorModel(), Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}, config)
		})
	}
}

// A grey image of one block: its DC coefficient is -64 × 2, eight times the
// distance of every sample from 128.
func TestDecodeByHand(t *testing.T) {
	quant := "\xff\xdb\x00\x43\x00" + strings.Repeat("\x02", 64)
	frame := "\xff\xc0\x00\x0b\x08\x00\x03\x00\x02\x01\x01\x11\x00" // 2 wide, 3 high
	// DC: code 0 means 7 bits; AC: code 0 means the block ends.
	tables := "\xff\xc4\x00\x14\x00\x01" + strings.Repeat("\x00", 15) + "\x07" +
		"\xff\xc4\x00\x14\x10\x01" + strings.Repeat("\x00", 15) + "\x00"
	scan := "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
	// 0, 0111111 (-64), 0, filled up with ones.
	img, err := jpeg.Decode(strings.NewReader("\xff\xd8" + quant + frame + tables + scan + "\x3f\x7f" + "\xff\xd9"))
	require.NoError(t, err)
	assert.Equal(t, &image.Gray{Pix: bytes.Repeat([]byte{112}, 6), Stride: 2, Rect: image.Rect(0, 0, 2, 3)}, img)

	for name, data := range map[string]string{
		"does not begin as a JPEG image":    "GIF89a",
		"ends in the middle of a segment":   "\xff\xd8" + quant[:20],
		"has no scan":                       "\xff\xd8" + quant + frame + "\xff\xd9",
		"a scan comes before the frame":     "\xff\xd8" + quant + tables + scan + "\x3f\x7f",
		"Huffman table that is not there":   "\xff\xd8" + quant + frame + scan + "\x3f\x7f",
		"quantization table 0, which is":    "\xff\xd8" + frame + tables + scan + "\x3f\x7f",
		"entropy-coded data ends early":     "\xff\xd8" + quant + frame + tables + scan + "\x3f\xff\xd9",
		"a code that its Huffman table has": "\xff\xd8" + quant + frame + tables + scan + "\xfe\x7f\xff\xd9",
		"are too few for":                   "\xff\xd8" + quant + strings.Replace(frame, "\x00\x03\x00\x02", "\xff\xff\xff\xff", 1) + tables + scan,
		"SOF9":                              "\xff\xd8" + strings.Replace(frame, "\xff\xc0", "\xff\xc9", 1),
		"12 bits per sample":                "\xff\xd8" + strings.Replace(frame, "\x0b\x08", "\x0b\x0c", 1),
		"there is a second frame":           "\xff\xd8" + frame + frame,
		"with 2 components":                 "\xff\xd8\xff\xc0\x00\x0e\x08\x00\x03\x00\x02\x02\x01\x11\x00\x02\x11\x00",
	} {
		_, err := jpeg.Decode(strings.NewReader(data))
		assert.ErrorContains(t, err, name)
	}
}

// Whatever a single changed or missing byte does, it is no crash.
func TestDecodeDamagedFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jpg")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for i := range data {
			_, err := jpeg.Decode(bytes.NewReader(data[:i]))
			if i < len(data)-2 {
				assert.Error(t, err, "%s cut to %d bytes", file, i)
			}
			for _, flip := range []byte{0xFF, 0x01, 0x10} {
				damaged := bytes.Clone(data)
				damaged[i] ^= flip
				assert.NotPanics(t, func() { _, _ = jpeg.Decode(bytes.NewReader(damaged)) }, "%s with byte %d xor %#x", file, i, flip)
			}
		}
	}
}
