package imagedec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// decodeWebP decodes a WebP image to the bits that the library libwebp gives
// with its default settings. Lossless images have one meaning; in lossy ones it
// interpolates the halved chroma and converts in fixed point.
func decodeWebP(r io.Reader) (image.Image, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if err := wholeChunks(data); err != nil {
		return nil, err
	}
	img, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	switch img := img.(type) {
	case *image.YCbCr:
		return colors(img), nil
	case *image.NYCbCrA: // opacity does not bear on the colours
		return colors(&img.YCbCr), nil
	}
	return img, nil
}

// wholeChunks checks that the chunks of a RIFF file are no longer than the file:
// package webp takes their lengths for true and makes room.
func wholeChunks(data []byte) error {
	const header, form = 8, 12 // bytes before a chunk's data, and before the first chunk
	if len(data) < form {
		return fmt.Errorf("webp: only %d bytes", len(data))
	}
	end := min(int64(binary.LittleEndian.Uint32(data[4:]))+header, int64(len(data)-header+1)) // chunks begin before
	for at := form; int64(at) < end; {
		size := int64(binary.LittleEndian.Uint32(data[at+4:]))
		if rest := int64(len(data) - at - header); size > rest {
			return fmt.Errorf("webp: a chunk of %d bytes at byte %d, behind which there are %d", size, at, rest)
		}
		at += header + int(size+size%2)
	}
	return nil
}

// colors converts an image whose chroma has half its width and height.
func colors(src *image.YCbCr) *image.RGBA {
	size := src.Rect.Size()
	out := image.NewRGBA(image.Rect(0, 0, size.X, size.Y))
	for y := range size.Y {
		for x := range size.X {
			near := chroma(src, x, y)
			r, g, b := rgb(int(src.Y[y*src.YStride+x]), near(src.Cb), near(src.Cr))
			copy(out.Pix[y*out.Stride+4*x:], []uint8{r, g, b, 255})
		}
	}
	return out
}

// chroma returns a function that interpolates a plane of chroma at a pixel, from
// the sample there and its neighbours across, down and diagonally, with the
// weights 9, 3, 3 and 1, of which neighbours beyond the edge are the sample next
// to it. libwebp computes (9a+3b+3c+d)/16 in two steps that round down: first
// the mean of one half of the sample and an eighth of all.
func chroma(src *image.YCbCr, x, y int) func(plane []uint8) int {
	size := src.Rect.Size()
	i, j := x/2, y/2
	across := max(0, min(i-1+x%2*2, (size.X+1)/2-1))
	down := max(0, min(j-1+y%2*2, (size.Y+1)/2-1))
	return func(plane []uint8) int {
		at := func(i, j int) int { return int(plane[j*src.CStride+i]) }
		a, b, c, d := at(i, j), at(across, j), at(i, down), at(across, down)
		if across == i { // at the left or right edge there is no second step
			return (3*a + c + 2) >> 2
		}
		diagonal := (a + b + c + d + 8 + 2*(b+c)) >> 3
		return (a + diagonal) >> 1
	}
}

// rgb converts from YCbCr in the range of video (ITU-R BT.601), with the factors
// in 14 bits behind the point and sums in 6.
func rgb(y, u, v int) (r, g, b uint8) {
	part := func(value, factor int) int { return value * factor >> 8 }
	l := part(y, 19077)
	return clamp(l + part(v, 26149) - 14234), clamp(l - part(u, 6419) - part(v, 13320) + 8708), clamp(l + part(u, 33050) - 17685)
}

func clamp(v int) uint8 { return uint8(max(0, min(v>>6, 255))) }
