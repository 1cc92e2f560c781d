// Command classify tells what pictures show, by any image classifier in a .onnx
// file.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg" // the decoders of pictures
	_ "image/png"
	"io"
	"os"
	"strconv"
	"strings"

	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
)

// options are the settings of a run.
type options struct {
	model     string // file of the classifier; "" is the embedded one
	labels    string // file with the name of a class a line, or ""
	mean, std values // of the channels the classifier was trained on
	device    string
	top       int // classes to print
}

// values is a flag that holds numbers between commas.
type values []float32

func (v *values) String() string { return strings.Trim(fmt.Sprint(*v), "[]") }

func (v *values) Set(text string) error {
	*v = nil
	for part := range strings.SplitSeq(text, ",") {
		f, err := strconv.ParseFloat(part, 32)
		if err != nil {
			return err
		}
		*v = append(*v, float32(f))
	}
	return nil
}

func main() {
	o := options{mean: values{0}, std: values{1}}
	flag.StringVar(&o.model, "model", "", "`file` of the classifier (default: the digits model of this repository)")
	flag.StringVar(&o.labels, "labels", "", "`file` with the name of a class a line")
	flag.Var(&o.mean, "mean", "`R,G,B` to subtract from the channels, which go from 0 to 1")
	flag.Var(&o.std, "std", "`R,G,B` to divide the channels by then")
	flag.StringVar(&o.device, "device", "cpu", "device to run on")
	flag.IntVar(&o.top, "top", 5, "classes to print for each picture")
	flag.Parse()
	if err := run(context.Background(), o, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "classify:", err)
		os.Exit(1)
	}
}

// run prints the best classes of each picture.
func run(ctx context.Context, o options, pictures []string, w io.Writer) (err error) {
	if len(pictures) == 0 {
		return errors.New("name a picture: a .png or .jpg file")
	}
	labels, err := readLabels(o.labels)
	if err != nil {
		return err
	}
	c, err := newClassifier(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for _, name := range pictures {
		img, err := readPicture(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		classes, err := c.classify(ctx, img)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintln(w, name)
		for _, class := range classes[:min(max(o.top, 0), len(classes))] {
			fmt.Fprintf(w, "  %.4f  %s\n", class.score, label(labels, class.index))
		}
	}
	return nil
}

func readPicture(name string) (image.Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	return img, err
}

// readLabels reads a file of lines, none if it has no name.
func readLabels(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var labels []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		labels = append(labels, lines.Text())
	}
	return labels, lines.Err()
}

// label is the name of a class, or its number.
func label(labels []string, index int) string {
	if index < len(labels) {
		return labels[index]
	}
	return fmt.Sprintf("class %d", index)
}
