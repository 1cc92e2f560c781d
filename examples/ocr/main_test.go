package main

import (
	"context"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

// modelOptions names the two models, or skips the test.
func modelOptions(t *testing.T) options {
	t.Helper()
	dir := os.Getenv("MIDPLANE_MODELS")
	if dir == "" {
		t.Skip("MIDPLANE_MODELS is not set: no text was read by the PP-OCR models")
	}
	o := options{
		detector:   filepath.Join(dir, "ppocrv4_det_ch", "model.onnx"),
		recognizer: filepath.Join(dir, "ppocrv4_rec_ch", "model.onnx"),
		device:     "cpu",
	}
	for _, file := range []string{o.detector, o.recognizer} {
		if _, err := os.Stat(file); err != nil {
			t.Skipf("a PP-OCR model is not there: %v", err)
		}
	}
	return o
}

func TestReadsRenderedText(t *testing.T) {
	o := modelOptions(t)
	o.text = "0123456789\nAny (device)!"
	var out strings.Builder
	require.NoError(t, run(context.Background(), o, "", &out))
	assert.Regexp(t, `^\(\d+,\d+\)-\(\d+,\d+\)  (0\.9|1\.0)\d\d  0123456789\n\(\d+,\d+\)-\(\d+,\d+\)  (0\.9|1\.0)\d\d  Any \(device\)!\n$`, out.String())
}

func TestReadsPictureFiles(t *testing.T) {
	o := modelOptions(t)
	picture, err := render("File 42", 20)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "text.png")
	f, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, picture))
	require.NoError(t, f.Close())
	var out strings.Builder
	require.NoError(t, run(context.Background(), o, file, &out))
	assert.Regexp(t, `  File 42\n$`, out.String())
}

func TestReadsNothingWhereNothingIs(t *testing.T) {
	o := modelOptions(t)
	o.text = " "
	var out strings.Builder
	require.NoError(t, run(context.Background(), o, "", &out))
	assert.Empty(t, out.String())
}

// The dictionary that belongs to the models has the ASCII characters where the
// program knows them.
func TestDictionaryHasASCII(t *testing.T) {
	o := modelOptions(t)
	file := filepath.Join(filepath.Dir(o.recognizer), "ppocr_keys_v1.txt")
	if _, err := os.Stat(file); err != nil {
		t.Skip("ppocr_keys_v1.txt is not beside the recogniser: the dictionary was not read")
	}
	whole, err := newAlphabet(file, 6625)
	require.NoError(t, err)
	ascii, err := newAlphabet("", 6625)
	require.NoError(t, err)
	for class, s := range ascii {
		if s != "\uFFFD" {
			assert.Equal(t, s, whole[class], "class %d", class)
		}
	}
}

func TestASCIIAlphabet(t *testing.T) {
	a, err := newAlphabet("", 6625)
	require.NoError(t, err)
	classes := make(map[string]int)
	for _, s := range a {
		if s != "" && s != "\uFFFD" {
			classes[s]++
		}
	}
	assert.Len(t, classes, 95)
	for c := ' '; c <= '~'; c++ {
		assert.Equal(t, 1, classes[string(c)], "%q", c)
	}
	assert.Empty(t, a[blank])
	_, err = newAlphabet("", 97)
	assert.ErrorContains(t, err, "the recogniser has 97 classes")
}

func TestAlphabetFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.txt")
	require.NoError(t, os.WriteFile(file, []byte("a\r\nß\r\n字\n"), 0o644))
	a, err := newAlphabet(file, 5)
	require.NoError(t, err)
	assert.Equal(t, alphabet{"", "a", "ß", "字", " "}, a)
	_, err = newAlphabet(file, 6)
	assert.ErrorContains(t, err, "has 3 lines: the recogniser has 6 classes")
	_, err = newAlphabet("nowhere.txt", 5)
	assert.ErrorContains(t, err, "nowhere.txt")
}

// The best classes are blank, a, a, blank, a, space, b, b.
func TestDecode(t *testing.T) {
	a := alphabet{"", "a", "b", " "}
	text, confidence := a.decode([]float32{
		0.7, 0.1, 0.1, 0.1,
		0.1, 0.8, 0.0, 0.1,
		0.2, 0.5, 0.2, 0.1,
		0.9, 0.0, 0.1, 0.0,
		0.0, 0.6, 0.2, 0.2,
		0.3, 0.0, 0.0, 0.7,
		0.1, 0.1, 0.5, 0.3,
		0.0, 0.0, 1.0, 0.0,
	})
	assert.Equal(t, "aa b", text)
	assert.InDelta(t, (0.8+0.6+0.7+0.5)/4, confidence, 1e-6)

	text, confidence = a.decode([]float32{1, 0, 0, 0})
	assert.Empty(t, text)
	assert.Zero(t, confidence)
}

func TestComponents(t *testing.T) {
	const o, x = 0.1, 0.9
	list := components([]float32{
		x, o, o, o, o,
		o, x, o, o, 0.5,
		o, o, o, o, 0.7,
		x, x, o, o, o,
	}, 5)
	require.Len(t, list, 3)
	assert.Equal(t, image.Rect(0, 0, 2, 2), list[0].box, "diagonals touch")
	assert.InDelta(t, 0.9, list[0].score(), 1e-6)
	assert.Equal(t, image.Rect(4, 1, 5, 3), list[1].box)
	assert.InDelta(t, 0.6, list[1].score(), 1e-6)
	assert.Equal(t, image.Rect(0, 3, 2, 4), list[2].box)
	assert.Equal(t, 2, list[2].pixels)
	assert.Empty(t, components(make([]float32, 6), 3))
}

// A box of 30×10 is widened by 300·1.5/80 = 5.6 pixels.
func TestBoxes(t *testing.T) {
	assert.Equal(t, image.Rect(14, 4, 56, 26), widen(image.Rect(20, 10, 50, 20)))
	assert.Equal(t, image.Rect(10, 5, 30, 10), scale(image.Rect(20, 20, 60, 40), image.Pt(100, 50), image.Pt(200, 200)))
}

func TestDetectorSize(t *testing.T) {
	for _, c := range []struct{ x, y, width, height int }{
		{320, 64, 320, 64},
		{330, 50, 320, 64},
		{10, 10, 32, 32},
		{1920, 1080, 960, 544},
	} {
		width, height := detectorSize(image.Pt(c.x, c.y))
		assert.Equal(t, [2]int{c.width, c.height}, [2]int{width, height}, "%d×%d", c.x, c.y)
	}
}

func TestPictureTensor(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	copy(m.Pix, []uint8{255, 51, 0, 255, 0, 0, 255, 255})
	x := pictureTensor(m, m.Rect, 2, 1, normalization{mean: [3]float32{0, 0.2, 0.5}, std: [3]float32{1, 1, 0.5}})
	assert.Equal(t, tensor.Shape{1, 3, 1, 2}, x.Shape())
	want := []float32{0, 1, 0, -0.2, 1, -1} // blue; green less 0.2; red less 0.5, doubled
	assert.InDeltaSlice(t, want, tensor.Slice[float32](x), 1e-6)
}

func TestRender(t *testing.T) {
	picture, err := render("Hi\nyou", 20)
	require.NoError(t, err)
	b := picture.Bounds()
	assert.Equal(t, 100, b.Dy(), "two lines of 40 and a margin")
	ink := func(r image.Rectangle) (n int) {
		for i := range r.Dx() * r.Dy() {
			if v, _, _, _ := picture.At(r.Min.X+i%r.Dx(), r.Min.Y+i/r.Dx()).RGBA(); v < 0x8000 {
				n++
			}
		}
		return n
	}
	assert.Positive(t, ink(image.Rect(20, 20, b.Dx()-20, 45)))
	assert.Positive(t, ink(image.Rect(20, 60, b.Dx()-20, 85)))
	assert.Zero(t, ink(image.Rect(0, 0, b.Dx(), 20))+ink(image.Rect(0, 0, 19, 100)), "the margins are white")
}

func TestErrors(t *testing.T) {
	ctx, out := context.Background(), &strings.Builder{}
	assert.ErrorContains(t, run(ctx, options{}, "nowhere.png", out), "nowhere.png")
	assert.ErrorContains(t, run(ctx, options{}, "main_test.go", out), "main_test.go: image: unknown format")
	assert.ErrorContains(t, run(ctx, options{text: "x", detector: "nowhere.onnx", device: "cpu"}, "", out), "nowhere.onnx")
}
