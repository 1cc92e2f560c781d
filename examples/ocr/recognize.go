package main

import (
	"context"
	"image"

	"example.com/midplane/adapter/tensor"
)

// lineHeight is the height in pixels at which the recogniser takes a line.
const lineHeight = 48

// recognize reads the line of text in a box, and says how sure it is.
func (r *reader) recognize(ctx context.Context, picture image.Image, box image.Rectangle) (string, float32, error) {
	width := max(lineHeight, (box.Dx()*lineHeight+box.Dy()-1)/max(box.Dy(), 1))
	x := pictureTensor(picture, box, width, lineHeight, symmetric)
	out, err := r.recognizer.Run(ctx, map[string]tensor.Value{r.recognizer.Inputs()[0].Name: x})
	if err != nil {
		return "", 0, err
	}
	probabilities := out[r.recognizer.Outputs()[0].Name].(*tensor.Tensor) // [1, steps, classes]
	text, confidence := r.alphabet.decode(tensor.Slice[float32](probabilities))
	return text, confidence, nil
}

// decode reads the probabilities of every class at every step from left to
// right, greedily, as connectionist temporal classification has it (Graves et
// al., 2006): the best class of each step, runs of one class once, blanks left
// out. It returns the mean probability of the characters beside the text.
func (a alphabet) decode(probabilities []float32) (text string, confidence float32) {
	last, count := blank, 0
	for ; len(probabilities) >= len(a); probabilities = probabilities[len(a):] {
		best := 0
		for class, p := range probabilities[:len(a)] {
			if p > probabilities[best] {
				best = class
			}
		}
		if best != blank && best != last {
			text += a[best]
			confidence += probabilities[best]
			count++
		}
		last = best
	}
	return text, confidence / float32(max(count, 1))
}
