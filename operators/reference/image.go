package reference

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/reference/jpeg"
)

// imageFamily holds ImageDecoder.
var imageFamily = family{
	"ImageDecoder": imageDecoder,
}

// imageSignatures are the first bytes of the formats that ImageDecoder knows of;
// "?" stands for any byte.
var imageSignatures = []struct{ format, first string }{
	{"JPEG", "\xff\xd8\xff"},
	{"PNG", "\x89PNG\r\n\x1a\n"},
	{"PNM", "P1"}, {"PNM", "P2"}, {"PNM", "P3"}, {"PNM", "P4"}, {"PNM", "P5"}, {"PNM", "P6"},
	{"BMP", "BM"},
	{"TIFF", "II*\x00"}, {"TIFF", "MM\x00*"},
	{"WebP", "RIFF????WEBPVP8"},
	{"JPEG 2000", "\x00\x00\x00\x0cjP  \r\n\x87\n"}, {"JPEG 2000", "\xff\x4f\xff\x51"},
}

// imageFormat decodes one format, with memory in proportion to the pixels and the
// data. Config may be nil where there are at most 8 pixels to a byte of data.
type imageFormat struct {
	decode func(io.Reader) (image.Image, error)
	config func(io.Reader) (image.Config, error)
}

var imageFormats = map[string]imageFormat{
	"JPEG": {jpeg.Decode, jpeg.DecodeConfig},
	"PNG":  {png.Decode, png.DecodeConfig},
	"PNM":  {decodePNM, nil},
}

// RegisterImageDecoder adds a format to those that ImageDecoder decodes: "BMP",
// "TIFF", "WebP" or "JPEG 2000". Decode gives the pixels and config, which may
// be nil, the size alone. It is to be called from init functions; package
// imagedec does so.
func RegisterImageDecoder(format string, decode func(io.Reader) (image.Image, error), config func(io.Reader) (image.Config, error)) {
	imageFormats[format] = imageFormat{decode, config}
}

// maxPixels is the size of the largest image that is decoded, that of a WebP
// image of 16384 × 16384.
const maxPixels = 1 << 28

// imageDecoder gives the pixels of an encoded image, of shape [height, width,
// channels]. As the specification has it, data that cannot be decoded gives an
// image without pixels. A format that nothing here decodes is an error.
func imageDecoder(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	if x.Rank() != 1 {
		return nil, fmt.Errorf("encoded stream of shape %v, but it must have rank 1", x.Shape())
	}
	order := c.Node.Text("pixel_format", "RGB")
	if order != "RGB" && order != "BGR" && order != "Grayscale" {
		return nil, fmt.Errorf("pixel_format %q is none of RGB, BGR, Grayscale", order)
	}
	name := imageFormatOf(x.Bytes())
	format, ok := imageFormats[name]
	if !ok && name == "JPEG 2000" {
		return nil, driver.Errorf(driver.Unsupported, "ImageDecoder", "JPEG 2000 images")
	}
	if !ok && name != "" {
		return nil, driver.Errorf(driver.Unsupported, "ImageDecoder", "no decoder of %s images is linked: import example.com/midplane/operators/reference/imagedec", name)
	}
	img, err := format.pixels(c, x.Bytes(), imageChannels(order))
	if err != nil {
		return nil, err
	}
	return one(imagePixels(img, order))
}

// imageChannels returns how many numbers a pixel has.
func imageChannels(order string) int {
	if order == "Grayscale" {
		return 1
	}
	return 3
}

// imageFormatOf tells a format by its signature, "" if there is none.
func imageFormatOf(data []byte) string {
next:
	for _, s := range imageSignatures {
		if len(data) < len(s.first) {
			continue
		}
		for i := range s.first {
			if s.first[i] != '?' && s.first[i] != data[i] {
				continue next
			}
		}
		return s.format
	}
	return ""
}

// pixels decodes an image. What cannot be decoded, and what is larger than
// maxPixels, is an image of size 0; it is an error if there is no memory for as
// many pixels as the data's header names.
func (f imageFormat) pixels(c *Call, data []byte, channels int) (image.Image, error) {
	nothing := image.NewGray(image.Rectangle{})
	if f.config != nil {
		size, err := f.config(bytes.NewReader(data))
		if err != nil || size.Width < 0 || size.Height < 0 || size.Height > 0 && size.Width > maxPixels/size.Height {
			return nothing, nil
		}
		if err := c.makeRoom(0, tensor.Uint8, tensor.Shape{size.Height, size.Width, channels}); err != nil {
			return nil, fmt.Errorf("an image of %d × %d pixels: %w", size.Width, size.Height, err)
		}
	}
	if f.decode == nil {
		return nothing, nil
	}
	img, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return nothing, nil
	}
	return img, nil
}

// imagePixels returns an image as a tensor of shape [height, width, channels].
// Colours become grey by the luma of ITU-R BT.601, in fixed point with 16 bits
// behind the point.
func imagePixels(img image.Image, order string) *tensor.Tensor {
	size, channels := img.Bounds().Size(), imageChannels(order)
	t := tensor.Zeros(tensor.Uint8, tensor.Shape{size.Y, size.X, channels})
	out, at := t.Bytes(), colorsOf(img)
	for i := range size.X * size.Y {
		r, g, b := at(i%size.X, i/size.X)
		switch order {
		case "RGB":
			copy(out[3*i:], []uint8{r, g, b})
		case "BGR":
			copy(out[3*i:], []uint8{b, g, r})
		default:
			out[i] = uint8((19595*int(r) + 38470*int(g) + 7471*int(b) + 1<<15) >> 16)
		}
	}
	return t
}

// colorsOf returns a function that gives the colour of a pixel, counted from the
// upper left corner, without its opacity. Of 16 bits the upper 8 count.
func colorsOf(img image.Image) func(x, y int) (r, g, b uint8) {
	corner := img.Bounds().Min
	four := func(pix []uint8, stride, bytes int) func(x, y int) (r, g, b uint8) {
		return func(x, y int) (r, g, b uint8) {
			p := pix[y*stride+x*4*bytes:]
			return p[0], p[bytes], p[2*bytes]
		}
	}
	gray := func(pix []uint8, stride, bytes int) func(x, y int) (r, g, b uint8) {
		return func(x, y int) (r, g, b uint8) {
			v := pix[y*stride+x*bytes]
			return v, v, v
		}
	}
	switch img := img.(type) {
	case *image.Gray:
		return gray(img.Pix, img.Stride, 1)
	case *image.Gray16:
		return gray(img.Pix, img.Stride, 2)
	case *image.RGBA:
		return four(img.Pix, img.Stride, 1)
	case *image.NRGBA:
		return four(img.Pix, img.Stride, 1)
	case *image.RGBA64:
		return four(img.Pix, img.Stride, 2)
	case *image.NRGBA64:
		return four(img.Pix, img.Stride, 2)
	}
	return func(x, y int) (r, g, b uint8) {
		c := color.NRGBAModel.Convert(img.At(corner.X+x, corner.Y+y)).(color.NRGBA)
		return c.R, c.G, c.B
	}
}
