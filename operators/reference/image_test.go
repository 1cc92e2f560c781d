package reference_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"

	_ "example.com/midplane/operators/reference/imagedec"
)

func decodeImage(t *testing.T, data, format string) *tensor.Tensor {
	t.Helper()
	out, err := operate("ImageDecoder", 1, attrs(graph.A("pixel_format", format)), tensor.Of([]byte(data)))
	require.NoError(t, err)
	return out[0].(*tensor.Tensor)
}

func encoded(t *testing.T, img image.Image, encode func(*bytes.Buffer, image.Image) error) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, encode(&b, img))
	return b.String()
}

func asPNG(b *bytes.Buffer, img image.Image) error { return png.Encode(b, img) }

func TestImageDecoderPixelFormats(t *testing.T) {
	img := image.NewNRGBA(image.Rect(5, 5, 7, 6)) // two pixels, the second half transparent
	img.SetNRGBA(5, 5, color.NRGBA{255, 0, 10, 255})
	img.SetNRGBA(6, 5, color.NRGBA{1, 200, 3, 128})
	for _, encode := range []func(*bytes.Buffer, image.Image) error{
		asPNG,
		func(b *bytes.Buffer, img image.Image) error { return bmp.Encode(b, img) },
		func(b *bytes.Buffer, img image.Image) error { return tiff.Encode(b, img, nil) },
	} {
		data := encoded(t, img, encode)
		sameTensor(t, tensor.Of([]uint8{255, 0, 10, 1, 200, 3}, 1, 2, 3), decodeImage(t, data, "RGB"))
		sameTensor(t, tensor.Of([]uint8{10, 0, 255, 3, 200, 1}, 1, 2, 3), decodeImage(t, data, "BGR"))
		// 0.299·255 + 0.114·10 = 77.4, 0.299 + 0.587·200 + 0.114·3 = 118.0
		sameTensor(t, tensor.Of([]uint8{77, 118}, 1, 2, 1), decodeImage(t, data, "Grayscale"))
	}
}

func TestImageDecoderColorModels(t *testing.T) {
	bounds := image.Rect(0, 0, 1, 2)
	gray16 := image.NewGray16(bounds)
	gray16.SetGray16(0, 1, color.Gray16{0x12FF})
	deep := image.NewNRGBA64(bounds)
	deep.SetNRGBA64(0, 1, color.NRGBA64{0x1234, 0xFFFF, 0x00FF, 0x8000})
	palette := image.NewPaletted(bounds, color.Palette{color.NRGBA{0, 0, 0, 255}, color.NRGBA{9, 8, 7, 100}})
	palette.SetColorIndex(0, 1, 1)
	for _, c := range []struct {
		img  image.Image
		want []uint8 // of the second pixel
	}{
		{gray16, []uint8{0x12, 0x12, 0x12}},
		{deep, []uint8{0x12, 0xFF, 0x00}},
		{palette, []uint8{9, 8, 7}},
	} {
		got := decodeImage(t, encoded(t, c.img, asPNG), "RGB")
		require.Equal(t, tensor.Shape{2, 1, 3}, got.Shape())
		assert.Equal(t, c.want, got.Bytes()[3:], "%T", c.img)
	}
}

func TestImageDecoderPNM(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want *tensor.Tensor
	}{
		"bitmap":           {"P1 # comment\n3 2\n101\n0 1 0", tensor.Of([]uint8{0, 255, 0, 255, 0, 255}, 2, 3, 1)},
		"binary bitmap":    {"P4\n9 2\n\x80\x80\x7F\x00", tensor.Of([]uint8{0, 255, 255, 255, 255, 255, 255, 255, 0, 255, 0, 0, 0, 0, 0, 0, 0, 255}, 2, 9, 1)},
		"grey map":         {"P2\n2 1\n10\n0 5", tensor.Of([]uint8{0, 128}, 1, 2, 1)},
		"binary grey map":  {"P5 2 1 255\n\x00\xFE", tensor.Of([]uint8{0, 254}, 1, 2, 1)},
		"16 bits":          {"P5 2 1 65535\n\xFF\xFF\x80\x00", tensor.Of([]uint8{255, 128}, 1, 2, 1)},
		"pixel map":        {"P3\n1 1\n255\n9 9 9\n", tensor.Of([]uint8{9}, 1, 1, 1)},
		"binary pixel map": {"P6\n#c\n1 1\n255 \x09\x09\x09", tensor.Of([]uint8{9}, 1, 1, 1)},
		"nothing":          {"P5 0 3 255\n", tensor.Of([]uint8{}, 3, 0, 1)},
	} {
		t.Run(name, func(t *testing.T) { sameTensor(t, c.want, decodeImage(t, c.data, "Grayscale")) })
	}
}

// Data that cannot be decoded is an image without pixels.
func TestImageDecoderOfUndecodableData(t *testing.T) {
	whole := encoded(t, image.NewGray(image.Rect(0, 0, 3, 3)), asPNG)
	for name, data := range map[string]string{
		"nothing": "", "text": "hello", "half a PNG": whole[:len(whole)/2], "half a JPEG": "\xff\xd8\xff\xe0\x00\x10JF", "half a TIFF": "II*\x00", "half a BMP": "BM",
		"half a WebP": "RIFF\x00\x00\x00\x00WEBPVP8 ", "half a PNM": "P5 2 2 255\n\x00", "a PNM without size": "P5", "a huge PNM": "P4 999999999 999999999\n",
		"a huge PNG": whole[:16] + "\x7f\xff\xff\xff\x7f\xff\xff\xff" + whole[24:],
	} {
		assert.Equal(t, tensor.Shape{0, 0, 3}, decodeImage(t, data, "BGR").Shape(), name)
	}
	assert.Equal(t, tensor.Shape{0, 0, 1}, decodeImage(t, "", "Grayscale").Shape())
}

func TestImageDecoderRejects(t *testing.T) {
	for _, c := range []struct {
		x      *tensor.Tensor
		format string
		want   string
	}{
		{tensor.Of([]byte("P5 1 1 255\n\x00"), 12, 1), "RGB", "must have rank 1"},
		{tensor.Of([]byte("P5 1 1 255\n\x00")), "RGBA", `pixel_format "RGBA" is none of`},
		{tensor.Of([]byte("\xff\x4f\xff\x51")), "RGB", "unsupported: JPEG 2000 images"},
	} {
		_, err := operate("ImageDecoder", 1, attrs(graph.A("pixel_format", c.format)), c.x)
		assert.ErrorContains(t, err, c.want)
	}
}
