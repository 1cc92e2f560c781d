package main

import (
	"fmt"
	"image"
	"image/draw"
	"math"
	"math/rand/v2"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/gofont/gosmallcaps"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

const (
	side   = 28          // width and height of a picture in pixels
	pixels = side * side // pixels in a picture
	digits = 10          // number of classes
)

// typefaces are the fonts the digits are drawn with.
var typefaces = [][]byte{
	goregular.TTF, gobold.TTF, goitalic.TTF, gobolditalic.TTF,
	gomedium.TTF, gomediumitalic.TTF, gosmallcaps.TTF,
	gomono.TTF, gomonobold.TTF, gomonoitalic.TTF, gomonobolditalic.TTF,
}

// Renderer draws randomly distorted pictures of digits, white ink on black.
// Its pictures depend on the seed and stream alone.
type Renderer struct {
	outlines [digits][]sfnt.Segments // the shapes of each digit
	random   *rand.Rand
}

// NewRenderer returns a renderer drawing its random numbers from the given
// stream of a seed. Different streams of one seed are independent.
func NewRenderer(seed, stream uint64) (*Renderer, error) {
	r := &Renderer{random: rand.New(rand.NewPCG(seed, stream))}
	for i, ttf := range typefaces {
		font, err := opentype.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("parsing typeface %d: %w", i, err)
		}
		if err := r.addOutlines(font); err != nil {
			return nil, fmt.Errorf("typeface %d: %w", i, err)
		}
	}
	return r, nil
}

// addOutlines adds the shapes of the ten digits of a font. The zeros of the Go
// fonts are slashed; the letter O, made as narrow, serves as a plain zero.
func (r *Renderer) addOutlines(font *sfnt.Font) error {
	for d := range digits {
		outline, err := loadOutline(font, rune('0'+d))
		if err != nil {
			return err
		}
		r.outlines[d] = append(r.outlines[d], outline)
	}
	o, err := loadOutline(font, 'O')
	if err != nil {
		return err
	}
	slashed := r.outlines[0][len(r.outlines[0])-1].Bounds()
	r.outlines[0] = append(r.outlines[0], narrow(o, slashed.Max.X-slashed.Min.X))
	return nil
}

// loadOutline returns the outline of a character.
func loadOutline(font *sfnt.Font, char rune) (sfnt.Segments, error) {
	var buf sfnt.Buffer // backs the segments, so each outline needs its own
	glyph, err := font.GlyphIndex(&buf, char)
	if err != nil {
		return nil, fmt.Errorf("looking up %q: %w", char, err)
	}
	outline, err := font.LoadGlyph(&buf, glyph, fixed.I(256), nil)
	if err != nil {
		return nil, fmt.Errorf("loading %q: %w", char, err)
	}
	return outline, nil
}

// narrow scales an outline horizontally, in place, to the given width.
func narrow(outline sfnt.Segments, width fixed.Int26_6) sfnt.Segments {
	bounds := outline.Bounds()
	scale := float64(width) / float64(bounds.Max.X-bounds.Min.X)
	for i := range outline {
		for j := range outline[i].Args {
			x := &outline[i].Args[j].X
			*x = fixed.Int26_6(math.Round(float64(*x) * scale))
		}
	}
	return outline
}

// Render draws the given digit in a random typeface with random distortion.
func (r *Renderer) Render(digit int) *image.Gray {
	shapes := r.outlines[digit]
	ink := r.fill(shapes[r.random.IntN(len(shapes))])
	ink = thicken(ink, max(0, r.between(-0.5, 0.6)))
	ink = blur(ink, r.between(0, 0.45))
	return r.develop(ink)
}

// between returns a random number in [lo, hi).
func (r *Renderer) between(lo, hi float64) float64 {
	return lo + (hi-lo)*r.random.Float64()
}

// fill rasterizes an outline at a random size, position, angle and slant; the
// result is the coverage of each pixel, 0 to 1.
func (r *Renderer) fill(outline sfnt.Segments) []float64 {
	place := r.placement(outline.Bounds())
	raster := vector.NewRasterizer(side, side)
	raster.DrawOp = draw.Src
	for _, s := range outline {
		ax, ay := place(s.Args[0])
		bx, by := place(s.Args[1])
		cx, cy := place(s.Args[2])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			raster.ClosePath()
			raster.MoveTo(ax, ay)
		case sfnt.SegmentOpLineTo:
			raster.LineTo(ax, ay)
		case sfnt.SegmentOpQuadTo:
			raster.QuadTo(ax, ay, bx, by)
		case sfnt.SegmentOpCubeTo:
			raster.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	raster.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, side, side))
	raster.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	ink := make([]float64, pixels)
	for i, a := range mask.Pix {
		ink[i] = float64(a) / 255
	}
	return ink
}

// placement returns a random affine map from glyph to picture coordinates that
// keeps the glyph of the given bounds about the middle of the picture.
func (r *Renderer) placement(b fixed.Rectangle26_6) func(fixed.Point26_6) (x, y float32) {
	scaleY := r.between(15, 23) / float64(b.Max.Y-b.Min.Y)
	scaleX := scaleY * r.between(0.8, 1.2)
	sin, cos := math.Sincos(r.between(-0.25, 0.25))
	shear := r.between(-0.25, 0.25)
	shiftX, shiftY := side/2+r.between(-2.5, 2.5), side/2+r.between(-2.5, 2.5)
	midX, midY := float64(b.Min.X+b.Max.X)/2, float64(b.Min.Y+b.Max.Y)/2
	return func(p fixed.Point26_6) (float32, float32) {
		x, y := (float64(p.X)-midX)*scaleX, (float64(p.Y)-midY)*scaleY
		x -= shear * y
		return float32(cos*x - sin*y + shiftX), float32(sin*x + cos*y + shiftY)
	}
}

// thicken spreads ink to the four neighbours of each pixel with the given
// strength, 0 to 1.
func thicken(ink []float64, strength float64) []float64 {
	out := make([]float64, pixels)
	for i, v := range ink {
		up, down, left, right := neighbours(ink, i)
		out[i] = max(v, strength*max(up, down, left, right))
	}
	return out
}

// blur mixes each pixel with its four neighbours, each of the given weight
// relative to the pixel's own.
func blur(ink []float64, weight float64) []float64 {
	out := make([]float64, pixels)
	for i, v := range ink {
		up, down, left, right := neighbours(ink, i)
		out[i] = (v + weight*(up+down+left+right)) / (1 + 4*weight)
	}
	return out
}

// neighbours returns the ink around pixel i; there is none outside the picture.
func neighbours(ink []float64, i int) (up, down, left, right float64) {
	x, y := i%side, i/side
	if y > 0 {
		up = ink[i-side]
	}
	if y < side-1 {
		down = ink[i+side]
	}
	if x > 0 {
		left = ink[i-1]
	}
	if x < side-1 {
		right = ink[i+1]
	}
	return
}

// develop turns ink into a grayscale picture of random contrast and noise.
func (r *Renderer) develop(ink []float64) *image.Gray {
	black, white := max(0, r.between(-0.1, 0.2)), r.between(0.55, 1)
	noise := max(0, r.between(-0.04, 0.08))
	img := image.NewGray(image.Rect(0, 0, side, side))
	for i, v := range ink {
		v = black + (white-black)*v + noise*r.random.NormFloat64()
		img.Pix[i] = uint8(math.Round(255 * min(max(v, 0), 1)))
	}
	return img
}
