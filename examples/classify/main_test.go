package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// standard are the options that flags have by default.
func standard() options {
	return options{mean: values{0}, std: values{1}, device: "cpu", top: 5}
}

func TestClassifiesDigits(t *testing.T) {
	for _, device := range []string{"cpu", "emu"} {
		o := standard()
		o.device = device
		o.labels = filepath.Join(t.TempDir(), "labels.txt")
		require.NoError(t, os.WriteFile(o.labels, []byte("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"), 0o644))
		var out strings.Builder
		var pictures []string
		for digit := range 10 {
			pictures = append(pictures, fmt.Sprintf("../digits/model/samples/sample_%d.png", digit))
		}
		require.NoError(t, run(context.Background(), o, pictures, &out))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 60, "a picture and five classes each")
		for digit, name := range []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "class 9"} {
			assert.Equal(t, pictures[digit], lines[6*digit])
			assert.Regexp(t, `^  (0\.9\d{3}|1\.0000)  `+name+`$`, lines[6*digit+1])
		}
	}
}

// A picture is cut to the model's proportions, scaled and normalised.
func TestTensor(t *testing.T) {
	wide := image.NewNRGBA(image.Rect(10, 20, 14, 22)) // 4×2: white, with a red left and a blue right edge
	draw.Draw(wide, wide.Bounds(), image.White, image.Point{}, draw.Src)
	for y := 20; y < 22; y++ {
		wide.SetNRGBA(10, y, color.NRGBA{255, 0, 0, 255})
		wide.SetNRGBA(13, y, color.NRGBA{0, 0, 255, 255})
	}
	wide.SetNRGBA(11, 20, color.NRGBA{0, 51, 255, 255})
	c := &classifier{channels: 3, height: 2, width: 2, mean: values{0, 0.2, 0.5}, std: values{1, 0.5, 0.25}}
	x := c.tensor(wide)
	assert.Equal(t, tensor.Shape{1, 3, 2, 2}, x.Shape())
	want := []float32{
		0, 1, 1, 1, // red as it is
		0, 1.6, 1.6, 1.6, // (0.2 - 0.2) / 0.5, (1 - 0.2) / 0.5
		2, 2, 2, 2, // (1 - 0.5) / 0.25
	}
	assert.InDeltaSlice(t, want, tensor.Slice[float32](x), 1e-6)

	gray := &classifier{channels: 1, height: 1, width: 1, mean: values{0}, std: values{1}}
	one := image.NewGray(image.Rect(0, 0, 1, 1))
	one.Pix[0] = 51
	assert.InDeltaSlice(t, []float32{0.2}, tensor.Slice[float32](gray.tensor(one)), 1e-6)
}

func TestMiddle(t *testing.T) {
	for _, c := range []struct {
		b             image.Rectangle
		width, height int
		want          image.Rectangle
	}{
		{image.Rect(0, 0, 6, 4), 2, 2, image.Rect(1, 0, 5, 4)},
		{image.Rect(0, 0, 4, 8), 3, 3, image.Rect(0, 2, 4, 6)},
		{image.Rect(5, 5, 9, 7), 8, 4, image.Rect(5, 5, 9, 7)},
	} {
		assert.Equal(t, c.want, middle(c.b, c.width, c.height))
	}
}

// A classifier of 1000 classes: what it says of a picture is what the model
// says of the tensor that is worked out by hand.
func TestClassifiesWithSqueezeNet(t *testing.T) {
	dir := os.Getenv("MIDPLANE_MODELS")
	if dir == "" {
		t.Skip("MIDPLANE_MODELS is not set: rand_squeezenet was not run")
	}
	o := standard()
	o.model = filepath.Join(dir, "rand_squeezenet", "model.onnx")
	if _, err := os.Stat(o.model); err != nil {
		t.Skipf("the model is not there: %v", err)
	}
	o.mean, o.std = values{0.485, 0.456, 0.406}, values{0.229, 0.224, 0.225}
	ctx := context.Background()
	c, err := newClassifier(ctx, o)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.close()) }()
	picture := image.NewNRGBA(image.Rect(0, 0, 300, 260))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(color.NRGBA{255, 0, 51, 255}), image.Point{}, draw.Src)
	classes, err := c.classify(ctx, picture)
	require.NoError(t, err)
	require.Len(t, classes, 1000)

	x := tensor.Zeros(tensor.Float32, tensor.Shape{1, 3, 224, 224})
	for i := range tensor.Slice[float32](x) {
		tensor.Slice[float32](x)[i] = [...]float32{(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225}[i/(224*224)]
	}
	s, err := models.Load(ctx, o.model, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	out, err := s.Run(ctx, map[string]tensor.Value{"data_0": x})
	require.NoError(t, err)
	want := tensor.Slice[float32](out["softmaxout_1"].(*tensor.Tensor))
	sum := 0.0
	for i, class := range classes {
		assert.InDelta(t, want[class.index], class.score, 1e-5)
		sum += float64(class.score)
		if i > 0 {
			require.LessOrEqual(t, class.score, classes[i-1].score)
		}
	}
	assert.InDelta(t, 1, sum, 1e-3)
}

func TestErrors(t *testing.T) {
	sample := "../digits/model/samples/sample_1.png"
	for name, c := range map[string]struct {
		change   func(*options)
		pictures []string
		want     string
	}{
		"no picture":     {func(*options) {}, nil, "name a picture"},
		"missing":        {func(*options) {}, []string{"nowhere.png"}, "nowhere.png"},
		"not a picture":  {func(*options) {}, []string{"main_test.go"}, "main_test.go: image: unknown format"},
		"missing labels": {func(o *options) { o.labels = "nowhere.txt" }, []string{sample}, "nowhere.txt"},
		"missing model":  {func(o *options) { o.model = "nowhere.onnx" }, []string{sample}, "nowhere.onnx"},
		"device":         {func(o *options) { o.device = "warp" }, []string{sample}, "warp"},
		"mean":           {func(o *options) { o.mean = values{1, 2, 3} }, []string{sample}, "-mean has 3 values, the model takes 1 channels"},
		"std":            {func(o *options) { o.std = values{} }, []string{sample}, "-std has 0 values"},
	} {
		t.Run(name, func(t *testing.T) {
			o := standard()
			c.change(&o)
			assert.ErrorContains(t, run(context.Background(), o, c.pictures, &strings.Builder{}), c.want)
		})
	}
}

func TestValues(t *testing.T) {
	var v values
	require.NoError(t, v.Set("0.5,1,-2e1"))
	assert.Equal(t, values{0.5, 1, -20}, v)
	assert.Equal(t, "0.5 1 -20", v.String())
	assert.Error(t, v.Set("0.5;1"))
}
