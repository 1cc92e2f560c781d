// Command ocr reads printed text in pictures with two models of PP-OCR: one
// that finds lines of text, and one that reads a line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg" // the decoders of pictures
	_ "image/png"
	"io"
	"os"
	"path/filepath"

	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	"example.com/midplane/models"
)

// options are the settings of a run.
type options struct {
	detector   string // file of the model that finds text
	recognizer string // file of the model that reads it
	keys       string // file with the recogniser's characters, "" for those of ASCII
	device     string
	text       string // to render and read, where there is no picture
}

func main() {
	var o options
	dir := os.Getenv("MIDPLANE_MODELS")
	flag.StringVar(&o.detector, "det", filepath.Join(dir, "ppocrv4_det_ch", "model.onnx"), "`file` of the model that finds lines of text")
	flag.StringVar(&o.recognizer, "rec", filepath.Join(dir, "ppocrv4_rec_ch", "model.onnx"), "`file` of the model that reads a line")
	flag.StringVar(&o.keys, "keys", "", "`file` with the reader's characters, one a line (default: those of ASCII)")
	flag.StringVar(&o.device, "device", "cpu", "device to run on")
	flag.StringVar(&o.text, "text", "Plug hardware\nunder any framework, 2026.", "text to render and read where no picture is named")
	flag.Parse()
	if err := run(context.Background(), o, flag.Arg(0), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ocr:", err)
		os.Exit(1)
	}
}

// run prints the lines of text in a picture, or in a rendered one.
func run(ctx context.Context, o options, name string, w io.Writer) (err error) {
	picture, err := o.picture(name)
	if err != nil {
		return err
	}
	r, err := newReader(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	lines, err := r.read(ctx, picture)
	if err != nil {
		return err
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%v  %.3f  %s\n", line.box, line.confidence, line.text)
	}
	return nil
}

// picture returns the named picture, or renders the text.
func (o options) picture(name string) (image.Image, error) {
	if name == "" {
		return render(o.text, 28)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return img, nil
}

// line is a line of text in a picture.
type line struct {
	box        image.Rectangle
	text       string
	confidence float32 // mean probability of the characters
}

// reader reads text in pictures. It is safe for concurrent use.
type reader struct {
	detector, recognizer *models.Session
	alphabet             alphabet
}

func newReader(ctx context.Context, o options) (_ *reader, err error) {
	r := &reader{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	load := &models.Options{Devices: []string{o.device}}
	if r.detector, err = models.Load(ctx, o.detector, load); err != nil {
		return nil, err
	}
	if r.recognizer, err = models.Load(ctx, o.recognizer, load); err != nil {
		return nil, err
	}
	dims := r.recognizer.Outputs()[0].Shape
	if len(dims) != 3 || !dims[2].IsKnown() {
		return nil, fmt.Errorf("%s gives %v: the probabilities of characters are [batch,steps,classes]", o.recognizer, dims)
	}
	r.alphabet, err = newAlphabet(o.keys, dims[2].Size)
	return r, err
}

func (r *reader) close() error {
	var errs []error
	for _, s := range []*models.Session{r.detector, r.recognizer} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// read returns the lines of text, from the top down.
func (r *reader) read(ctx context.Context, picture image.Image) ([]line, error) {
	boxes, err := r.detect(ctx, picture)
	if err != nil {
		return nil, fmt.Errorf("finding text: %w", err)
	}
	var lines []line
	for _, box := range boxes {
		text, confidence, err := r.recognize(ctx, picture, box)
		if err != nil {
			return nil, fmt.Errorf("reading text in %v: %w", box, err)
		}
		if text != "" {
			lines = append(lines, line{box, text, confidence})
		}
	}
	return lines, nil
}
