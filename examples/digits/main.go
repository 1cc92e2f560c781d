// Command digits trains a small convolutional network on rendered pictures of
// digits and writes it as an ONNX model, along with a sample picture of each
// digit.
package main

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Streams of random numbers of a seed: each use of randomness has its own, so
// the held-out and sample pictures are none of the training pictures.
const (
	trainStream uint64 = iota
	heldOutStream
	sampleStream
	networkStream
)

const (
	batchSize = 50   // pictures in a training step
	heldOut   = 2000 // pictures the trained network is measured on
)

// options are the settings of a run.
type options struct {
	out     string // directory to write to
	seed    uint64
	epochs  int
	samples int // training pictures
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", "model", "`directory` to write digits.onnx and samples to")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the pictures, the initial weights and the order of training")
	flag.IntVar(&o.epochs, "epochs", 8, "number of passes over the training pictures")
	flag.IntVar(&o.samples, "samples", 8000, fmt.Sprintf("number of training pictures, a multiple of %d", batchSize))
	flag.Parse()
	if err := run(o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "digits:", err)
		os.Exit(1)
	}
}

// run trains a network, measures it on held-out pictures and writes it.
func run(o options, stdout, stderr io.Writer) error {
	network, err := train(o, stderr)
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	accuracy, err := measure(network, o.seed)
	if err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	fmt.Fprintf(stdout, "held-out accuracy %.2f%% (%d pictures)\n", 100*accuracy, heldOut)
	return write(network, o)
}

// write writes the network and the sample pictures.
func write(network *Network, o options) error {
	samples := filepath.Join(o.out, "samples")
	if err := os.MkdirAll(samples, 0o777); err != nil {
		return err
	}
	model, err := ExportONNX(network)
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	if err := os.WriteFile(filepath.Join(o.out, "digits.onnx"), model, 0o666); err != nil {
		return err
	}
	return writeSamples(samples, o.seed)
}

// train fits a new network to rendered pictures, reporting each epoch.
func train(o options, log io.Writer) (_ *Network, err error) {
	renderer, err := NewRenderer(o.seed, trainStream)
	if err != nil {
		return nil, err
	}
	data := NewDataset(renderer, o.samples)
	random := rand.New(rand.NewPCG(o.seed, networkStream))
	network := NewNetwork(random)
	trainer, err := NewTrainer(network, batchSize)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, trainer.Close()) }()
	for epoch := range o.epochs {
		data.Shuffle(random)
		loss, accuracy, err := trainer.Epoch(data)
		if err != nil {
			return nil, fmt.Errorf("epoch %d: %w", epoch+1, err)
		}
		fmt.Fprintf(log, "epoch %d: loss %.4f, accuracy %.2f%%\n", epoch+1, loss, 100*accuracy)
	}
	return network, nil
}

// measure returns the accuracy of a network on held-out pictures.
func measure(network *Network, seed uint64) (accuracy float64, err error) {
	renderer, err := NewRenderer(seed, heldOutStream)
	if err != nil {
		return 0, err
	}
	predictor, err := NewPredictor(network, batchSize)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, predictor.Close()) }()
	return predictor.Accuracy(NewDataset(renderer, heldOut))
}

// writeSamples writes a picture of each digit to dir as sample_<digit>.png.
func writeSamples(dir string, seed uint64) error {
	renderer, err := NewRenderer(seed, sampleStream)
	if err != nil {
		return err
	}
	for digit := range digits {
		path := filepath.Join(dir, fmt.Sprintf("sample_%d.png", digit))
		if err := writePNG(path, renderer.Render(digit)); err != nil {
			return err
		}
	}
	return nil
}

// writePNG writes a picture to a file.
func writePNG(path string, img image.Image) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return png.Encode(f, img)
}
