package main

import (
	"cmp"
	"context"
	"image"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// Differentiable binarization (Liao et al., "Real-time Scene Text Detection with
// Differentiable Binarization", 2020) trains a detector whose map tells of every
// pixel how likely it lies in the shrunken middle of a line of text.
const (
	threshold  = 0.3 // a pixel above it belongs to a line
	lineScore  = 0.6 // the least mean of a line's pixels
	unclip     = 1.5 // r' in the paper's D' = A'·r'/L', by which a line is widened
	longest    = 960 // pixels: larger pictures are scaled down
	stride     = 32  // pixels: the detector takes multiples of it
	leastSides = 3   // pixels: smaller specks are no text
)

// detect returns boxes around upright lines of text, from the top down.
func (r *reader) detect(ctx context.Context, picture image.Image) ([]image.Rectangle, error) {
	size := picture.Bounds().Size()
	width, height := detectorSize(size)
	x := pictureTensor(picture, picture.Bounds(), width, height, imageNet)
	out, err := r.detector.Run(ctx, map[string]tensor.Value{r.detector.Inputs()[0].Name: x})
	if err != nil {
		return nil, err
	}
	likely := out[r.detector.Outputs()[0].Name].(*tensor.Tensor) // [1, 1, height, width]
	var boxes []image.Rectangle
	for _, c := range components(tensor.Slice[float32](likely), width) {
		if c.score() < lineScore || min(c.box.Dx(), c.box.Dy()) < leastSides {
			continue
		}
		box := scale(widen(c.box), size, image.Pt(width, height)).Add(picture.Bounds().Min)
		boxes = append(boxes, box.Intersect(picture.Bounds()))
	}
	slices.SortStableFunc(boxes, func(a, b image.Rectangle) int {
		return cmp.Or(cmp.Compare(a.Min.Y, b.Min.Y), cmp.Compare(a.Min.X, b.Min.X))
	})
	return boxes, nil
}

// detectorSize returns the size to which the detector gets a picture scaled.
func detectorSize(size image.Point) (width, height int) {
	ratio := min(1, longest/float64(max(size.X, size.Y)))
	multiple := func(n int) int { return max(1, int(math.Round(float64(n)*ratio/stride))) * stride }
	return multiple(size.X), multiple(size.Y)
}

// component is a set of pixels above the threshold that touch one another.
type component struct {
	box    image.Rectangle
	pixels int
	sum    float64 // of their values
}

func (c component) score() float64 { return c.sum / float64(c.pixels) }

// components finds the connected components of a map, diagonals included.
func components(likely []float32, width int) []component {
	seen := make([]bool, len(likely))
	height := len(likely) / width
	bounds := image.Rect(0, 0, width, height)
	var list []component
	var stack []image.Point
	visit := func(p image.Point) {
		if i := p.Y*width + p.X; p.In(bounds) && !seen[i] && likely[i] > threshold {
			seen[i] = true
			stack = append(stack, p)
		}
	}
	for i := range likely {
		visit(image.Pt(i%width, i/width))
		if len(stack) == 0 {
			continue
		}
		var c component
		for len(stack) > 0 {
			p := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			c.pixels++
			c.sum += float64(likely[p.Y*width+p.X])
			c.box = c.box.Union(image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))})
			for k := range 9 {
				visit(p.Add(image.Pt(k%3-1, k/3-1)))
			}
		}
		list = append(list, c)
	}
	return list
}

// widen undoes the shrinking of training on each side.
func widen(b image.Rectangle) image.Rectangle {
	area, perimeter := float64(b.Dx()*b.Dy()), float64(2*(b.Dx()+b.Dy()))
	return b.Inset(-int(math.Round(area * unclip / perimeter)))
}

// scale takes a box in a picture of the size from to one of the size to.
func scale(b image.Rectangle, to, from image.Point) image.Rectangle {
	return image.Rect(b.Min.X*to.X/from.X, b.Min.Y*to.Y/from.Y, b.Max.X*to.X/from.X, b.Max.Y*to.Y/from.Y)
}
