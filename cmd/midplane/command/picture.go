package command

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the decoders of --input
	_ "image/png"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/image/draw"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// preprocess says how pictures become tensors: (value/255 - mean) / std per
// channel, for floats; integers take the values from 0 to 255 as they are.
type preprocess struct {
	mean, std []float64
	bgr       bool
}

func (p *preprocess) register(c *cobra.Command) {
	c.Flags().Float64SliceVar(&p.mean, "mean", nil, "subtracted from a picture's channels, which go from 0 to 1: `R,G,B`")
	c.Flags().Float64SliceVar(&p.std, "std", nil, "then divides a picture's channels: `R,G,B`")
	c.Flags().BoolVar(&p.bgr, "bgr", false, "give the model blue before green before red")
}

// check holds mean and std against a picture's number of channels.
func (p preprocess) check(channels int) error {
	for name, list := range map[string][]float64{"--mean": p.mean, "--std": p.std} {
		if n := len(list); n > 1 && n != channels {
			return fmt.Errorf("%s has %d values: the model takes %d channels, so one or %d are needed", name, n, channels, channels)
		}
	}
	if slices.Contains(p.std, 0) {
		return errors.New("--std has a 0, by which no channel can be divided")
	}
	return nil
}

// decodeImage turns a picture into what an input of rank 4 or 3 takes. The
// layout, [N,C,H,W] or [N,H,W,C], is that in which the extent of the channels
// is 1, 3 or 4; the picture is scaled to the input's height and width, where
// these are known.
func decodeImage(b []byte, in models.ValueInfo, p preprocess) (*tensor.Tensor, error) {
	l, err := layoutOf(in)
	if err != nil {
		return nil, err
	}
	if err := p.check(l.channels); err != nil {
		return nil, err
	}
	img, err := readImage(b)
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	if l.height > 0 {
		size.Y = l.height
	}
	if l.width > 0 {
		size.X = l.width
	}
	scaled := image.NewNRGBA(image.Rectangle{Max: size})
	if size == img.Bounds().Size() {
		draw.Draw(scaled, scaled.Bounds(), img, img.Bounds().Min, draw.Src)
	} else {
		draw.BiLinear.Scale(scaled, scaled.Bounds(), img, img.Bounds(), draw.Src, nil)
	}
	values := make([]float64, size.X*size.Y*l.channels)
	for y := range size.Y {
		for x := range size.X {
			for c, v := range p.channels(scaled.NRGBAAt(x, y), l.channels, in.DType) {
				at := (y*size.X+x)*l.channels + c
				if l.first {
					at = (c*size.Y+y)*size.X + x
				}
				values[at] = v
			}
		}
	}
	shape := tensor.Shape{size.Y, size.X, l.channels}
	if l.first {
		shape = tensor.Shape{l.channels, size.Y, size.X}
	}
	if len(in.Shape) == 4 {
		shape = append(tensor.Shape{1}, shape...)
	}
	return tensor.FromFloat64s(in.DType, shape, values), nil
}

// mostPixels is how many pixels a picture may have: a small file may say that
// it holds many.
const mostPixels = 1 << 27

// readImage decodes a PNG or JPEG picture.
func readImage(b []byte) (image.Image, error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if config.Width > mostPixels/max(config.Height, 1) {
		return nil, fmt.Errorf("the picture has %d×%d pixels, at most %d are read", config.Width, config.Height, mostPixels)
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	return img, err
}

// layout is how an input holds a picture; an extent of 0 is open.
type layout struct {
	channels, height, width int
	first                   bool // channels before rows
}

func layoutOf(in models.ValueInfo) (layout, error) {
	d := in.Shape
	if len(d) == 4 {
		d = d[1:]
	}
	if len(d) != 3 || !in.DType.IsFloat() && !in.DType.IsInteger() {
		return layout{}, fmt.Errorf("a picture does not fit %v", in.Type)
	}
	channels := func(n int) bool { return n == 1 || n == 3 || n == 4 }
	switch {
	case channels(d[0].Size):
		return layout{d[0].Size, max(d[1].Size, 0), max(d[2].Size, 0), true}, nil
	case channels(d[2].Size):
		return layout{d[2].Size, max(d[0].Size, 0), max(d[1].Size, 0), false}, nil
	}
	return layout{}, fmt.Errorf("neither first nor last extent of %v is a number of channels (1, 3 or 4)", in.Type)
}

// channels returns a pixel as the model takes it.
func (p preprocess) channels(c color.NRGBA, n int, d tensor.DType) []float64 {
	v := []float64{float64(c.R), float64(c.G), float64(c.B), float64(c.A)}[:n:n]
	if n == 1 {
		v[0] = float64(color.GrayModel.Convert(c).(color.Gray).Y)
	}
	if p.bgr && n >= 3 {
		v[0], v[2] = v[2], v[0]
	}
	for i := range v {
		if d.IsFloat() {
			v[i] /= 255
		}
		if len(p.mean) > 0 {
			v[i] -= p.mean[i%len(p.mean)]
		}
		if len(p.std) > 0 {
			v[i] /= p.std[i%len(p.std)]
		}
	}
	return v
}
