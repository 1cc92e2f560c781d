// Package jpeg decodes JPEG images to the very bits that the widespread library
// libjpeg gives with its default settings, which ONNX's ImageDecoder asks for:
// the accurate integer inverse DCT, chroma upsampled by triangle filters, and
// YCbCr converted in 16-bit fixed point. (The standard library's image/jpeg
// differs in all three.)
//
// It reads baseline, extended sequential and progressive images with Huffman
// coding and 8 bits per sample. References to T.81 are to ITU-T Recommendation
// T.81 | ISO/IEC 10918-1, the JPEG standard.
//
// # Errors
//
// Decode returns an error for data that ends early, contradicts itself or uses
// what is not supported. Nothing is repaired.
package jpeg

import (
	"fmt"
	"image"
	"image/color"
	"io"
)

// Decode decodes an image, an *[image.Gray] of one component or an opaque
// *[image.RGBA] of more.
func Decode(r io.Reader) (image.Image, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	d := &decoder{data: data}
	if err := d.segments(); err != nil {
		return nil, fmt.Errorf("jpeg: at byte %d of %d: %w", min(d.at, len(data)), len(data), err)
	}
	return d.image()
}

// DecodeConfig returns the size of an image, for which it reads the data up to
// where that stands.
func DecodeConfig(r io.Reader) (image.Config, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return image.Config{}, err
	}
	d := &decoder{data: data, sizeOnly: true}
	if err := d.segments(); err != nil {
		return image.Config{}, fmt.Errorf("jpeg: at byte %d of %d: %w", min(d.at, len(data)), len(data), err)
	}
	if d.components == nil {
		return image.Config{}, fmt.Errorf("jpeg: the image has no frame")
	}
	model := color.RGBAModel
	if len(d.components) == 1 {
		model = color.GrayModel
	}
	return image.Config{ColorModel: model, Width: d.width, Height: d.height}, nil
}

// decoder holds what the segments read so far have said.
type decoder struct {
	data     []byte
	at       int  // of the next segment
	sizeOnly bool // nothing behind the frame's header is wanted

	quant   [4]*[64]int32 // quantization tables in natural order
	huffman [2][4]*huffman
	restart int // MCUs between restart markers, 0 if there are none

	jfif      bool
	adobe     bool
	transform uint8 // of the Adobe segment

	progressive   bool
	width, height int
	hMax, vMax    int // largest sampling factors
	components    []*component
	scans         int
}

// component is one of the colours of the frame, a plane of samples.
type component struct {
	id            uint8
	h, v          int // sampling factors
	table         uint8
	quant         *[64]int32 // as it was when the component's first scan began
	width, height int        // in samples
	wide, high    int        // in blocks, full MCUs
	coefficients  []int16    // wide × high blocks of 64, in natural order
}

// block returns the coefficients of a block.
func (c *component) block(x, y int) []int16 {
	i := (y*c.wide + x) * 64
	return c.coefficients[i : i+64]
}

// image turns the coefficients into pixels.
func (d *decoder) image() (image.Image, error) {
	if d.scans == 0 {
		return nil, fmt.Errorf("jpeg: the image has no scan")
	}
	planes := make([][]uint8, len(d.components))
	for i, c := range d.components {
		if c.quant == nil {
			return nil, fmt.Errorf("jpeg: component %d is in no scan", c.id)
		}
		plane, err := d.upsample(c.samples())
		if err != nil {
			return nil, err
		}
		planes[i] = plane
	}
	return d.convert(planes), nil
}
