package main

import (
	"image"

	"golang.org/x/image/draw"

	"example.com/midplane/adapter/tensor"
)

// normalization says what becomes of the channels, which go from 0 to 1, in the
// order in which the models were trained: blue, green, red.
type normalization struct{ mean, std [3]float32 }

// What the two models were trained with.
var (
	imageNet  = normalization{[3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}}
	symmetric = normalization{[3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}}
)

// pictureTensor scales a part of a picture and returns it as float32[1, 3,
// height, width].
func pictureTensor(picture image.Image, part image.Rectangle, width, height int, n normalization) *tensor.Tensor {
	scaled := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.BiLinear.Scale(scaled, scaled.Rect, picture, part, draw.Src, nil)
	plane := width * height
	values := make([]float32, 3*plane)
	for i := range plane {
		for c := range 3 {
			level := float32(scaled.Pix[4*i+2-c]) / 255
			values[c*plane+i] = (level - n.mean[c]) / n.std[c]
		}
	}
	return tensor.Of(values, 1, 3, height, width)
}
