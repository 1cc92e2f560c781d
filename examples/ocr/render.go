package main

import (
	"errors"
	"image"
	"strings"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// render draws lines of text, black on white, in the Go font of a size in
// pixels, with a margin and some space between lines.
func render(text string, size float64) (_ image.Image, err error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, face.Close()) }()
	lines := strings.Split(text, "\n")
	margin, advance := int(size), int(2*size)
	width := 0
	for _, s := range lines {
		width = max(width, font.MeasureString(face, s).Ceil())
	}
	picture := image.NewGray(image.Rect(0, 0, width+2*margin, len(lines)*advance+margin))
	draw.Draw(picture, picture.Rect, image.White, image.Point{}, draw.Src)
	d := font.Drawer{Dst: picture, Src: image.Black, Face: face}
	for i, s := range lines {
		d.Dot = fixed.P(margin, margin+i*advance+face.Metrics().Ascent.Ceil())
		d.DrawString(s)
	}
	return picture, nil
}
