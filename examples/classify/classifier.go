package main

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"slices"

	"golang.org/x/image/draw"

	"example.com/midplane/adapter/tensor"
	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/models"
)

// classifier is an image classifier that is ready to run. It is safe for
// concurrent use.
type classifier struct {
	session                 *models.Session
	input, output           string
	channels, height, width int
	mean, std               []float32 // one for each channel
}

// class is how much a picture looks like one of the model's classes.
type class struct {
	index int
	score float32
}

// newClassifier loads a model whose first input is float32 of shape
// [batch, channels, height, width].
func newClassifier(ctx context.Context, o options) (*classifier, error) {
	load := &models.Options{Devices: []string{o.device}}
	var s *models.Session
	var err error
	if o.model == "" {
		s, err = models.LoadBytes(ctx, digits.ONNX, load)
	} else {
		s, err = models.Load(ctx, o.model, load)
	}
	if err != nil {
		return nil, err
	}
	in, out := s.Inputs()[0], s.Outputs()[0]
	c := &classifier{session: s, input: in.Name, output: out.Name}
	if err := c.fit(in, o); err != nil {
		s.Close()
		return nil, err
	}
	return c, nil
}

// fit reads the size of pictures off the model's input and holds mean and std
// against it.
func (c *classifier) fit(in models.ValueInfo, o options) error {
	if in.DType != tensor.Float32 || len(in.Shape) != 4 || !in.Shape[1].IsKnown() || !in.Shape[2].IsKnown() || !in.Shape[3].IsKnown() {
		return fmt.Errorf("input %q is %v: a picture is float32[batch,channels,height,width] with known extents", in.Name, in.Type)
	}
	c.channels, c.height, c.width = in.Shape[1].Size, in.Shape[2].Size, in.Shape[3].Size
	if c.channels != 1 && c.channels != 3 {
		return fmt.Errorf("input %q takes %d channels: pictures have 1 (gray) or 3 (red, green, blue)", in.Name, c.channels)
	}
	var err error
	if c.mean, err = perChannel("mean", o.mean, c.channels); err != nil {
		return err
	}
	c.std, err = perChannel("std", o.std, c.channels)
	return err
}

// perChannel returns one value for each channel, of which one may stand for all.
func perChannel(name string, v []float32, channels int) ([]float32, error) {
	switch len(v) {
	case channels:
		return v, nil
	case 1:
		return slices.Repeat(v, channels), nil
	}
	return nil, fmt.Errorf("-%s has %d values, the model takes %d channels", name, len(v), channels)
}

func (c *classifier) close() error { return c.session.Close() }

// classify returns every class, the best first.
func (c *classifier) classify(ctx context.Context, img image.Image) ([]class, error) {
	out, err := c.session.Run(ctx, map[string]tensor.Value{c.input: c.tensor(img)})
	if err != nil {
		return nil, err
	}
	scores, ok := out[c.output].(*tensor.Tensor)
	if !ok || scores.DType() != tensor.Float32 {
		return nil, fmt.Errorf("output %q is %v: scores are float32", c.output, out[c.output].Type())
	}
	classes := make([]class, scores.Len())
	for i, v := range tensor.Slice[float32](scores) {
		classes[i] = class{i, v}
	}
	slices.SortStableFunc(classes, func(a, b class) int { return cmp.Compare(b.score, a.score) })
	return classes, nil
}

// tensor turns a picture into what the model takes, [1, channels, height,
// width]: (channel/255 - mean) / std of the largest part from the middle of the
// picture that has the model's proportions.
func (c *classifier) tensor(img image.Image) *tensor.Tensor {
	scaled := image.NewNRGBA(image.Rect(0, 0, c.width, c.height))
	draw.BiLinear.Scale(scaled, scaled.Bounds(), img, middle(img.Bounds(), c.width, c.height), draw.Src, nil)
	plane := c.width * c.height
	values := make([]float32, c.channels*plane)
	for i := range plane {
		p := scaled.NRGBAAt(i%c.width, i/c.width)
		levels := [3]uint8{p.R, p.G, p.B}
		if c.channels == 1 {
			levels[0] = color.GrayModel.Convert(p).(color.Gray).Y
		}
		for k := range c.channels {
			values[k*plane+i] = (float32(levels[k])/255 - c.mean[k]) / c.std[k]
		}
	}
	return tensor.Of(values, 1, c.channels, c.height, c.width)
}

// middle returns the largest rectangle in the middle of b whose sides are as
// width to height.
func middle(b image.Rectangle, width, height int) image.Rectangle {
	w, h := b.Dx(), b.Dx()*height/width
	if h > b.Dy() {
		w, h = b.Dy()*width/height, b.Dy()
	}
	corner := b.Min.Add(image.Pt((b.Dx()-w)/2, (b.Dy()-h)/2))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(w, h))}
}
