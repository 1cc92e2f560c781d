// Package model holds a trained digit classifier and pictures to try it on.
//
// The model takes the input "image", float32 of shape (batch, 1, 28, 28): gray
// levels from 0 (black) to 1 (white), the digit in white ink on black. Its
// output "probabilities", float32 of shape (batch, 10), holds the probability
// of each digit.
package model

import "embed"

//go:generate go run .. -out .

// ONNX is the digit classifier in the ONNX format.
//
//go:embed digits.onnx
var ONNX []byte

// Samples holds a picture of each digit d that the model was not trained on,
// as samples/sample_d.png: 28×28 pixels, 8-bit gray, white ink on black.
//
//go:embed samples/*.png
var Samples embed.FS
