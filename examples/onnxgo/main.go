// Command onnxgo decodes the digits model with onnx-go and runs it on a midplane
// device.
package main

import (
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"os"

	"github.com/owulveryck/onnx-go"
	"gorgonia.org/tensor"

	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/frameworks/onnxgo"
)

const (
	classes = 10
	side    = 28 // pixels
)

func main() {
	device := flag.String("device", "cpu", "`name` of the device to run on: cpu or emu")
	flag.Parse()
	if err := run(*device, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "onnxgo:", err)
		os.Exit(1)
	}
}

// run classifies the sample picture of each digit.
func run(device string, stdout io.Writer) (err error) {
	backend := onnxgo.New(device)
	defer func() {
		if closing := backend.Close(); err == nil {
			err = closing
		}
	}()
	model := onnx.NewModel(backend)
	if err := model.UnmarshalBinary(digits.ONNX); err != nil {
		return fmt.Errorf("decoding the model: %w", err)
	}
	for digit := range classes {
		picture, err := sample(digit)
		if err != nil {
			return fmt.Errorf("reading the sample of digit %d: %w", digit, err)
		}
		if err := model.SetInput(0, picture); err != nil {
			return err
		}
		if err := backend.Run(); err != nil {
			return err
		}
		outputs, err := model.GetOutputTensors()
		if err != nil {
			return err
		}
		best, probability := likeliest(outputs[0].Data().([]float32))
		fmt.Fprintf(stdout, "picture of %d: %d, probability %.2f\n", digit, best, probability)
	}
	return nil
}

// sample returns the sample picture of a digit as a batch of one: float32 of
// shape (1, 1, 28, 28), 0 black to 1 white.
func sample(digit int) (tensor.Tensor, error) {
	f, err := digits.Samples.Open(fmt.Sprintf("samples/sample_%d.png", digit))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		return nil, err
	}
	pixels := make([]float32, side*side)
	for i := range pixels {
		gray := color.GrayModel.Convert(img.At(i%side, i/side)).(color.Gray)
		pixels[i] = float32(gray.Y) / 255
	}
	return tensor.New(tensor.WithShape(1, 1, side, side), tensor.WithBacking(pixels)), nil
}

// likeliest returns the class of the highest probability, and that.
func likeliest(probabilities []float32) (class int, probability float32) {
	for i, p := range probabilities {
		if p > probability {
			class, probability = i, p
		}
	}
	return class, probability
}
