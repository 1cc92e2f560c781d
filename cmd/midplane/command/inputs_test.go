package command_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/onnx"
)

// npy returns an array as numpy.save writes it, in version 1 of the format.
func npy(descr string, fortran bool, shape string, elements any) []byte {
	order := "False"
	if fortran {
		order = "True"
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", descr, order, shape)
	for (10+len(header))%64 != 63 {
		header += " "
	}
	header += "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	b = append(b, header...)
	bytes := binary.Append
	endian := binary.ByteOrder(binary.LittleEndian)
	if descr[0] == '>' {
		endian = binary.BigEndian
	}
	b, err := bytes(b, endian, elements)
	if err != nil {
		panic(err)
	}
	return b
}

// picture is 2 wide and 1 high: orange, then transparent black.
func picture() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	m.SetNRGBA(0, 0, color.NRGBA{255, 102, 0, 255})
	return m
}

// white is one white pixel.
func white() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, 1, 1))
	m.Pix[0] = 255
	return m
}

func asPNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

func asJPEG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}))
	return b.Bytes()
}

func known(extents ...int) []tensor.Dim { return tensor.KnownDims(extents) }

// Each kind of file becomes the tensor that the model takes.
func TestInputFiles(t *testing.T) {
	pb, err := onnx.EncodeTensor(tensor.Of([]int64{7, -7}))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		d     tensor.DType
		dims  []tensor.Dim
		file  string
		data  []byte
		flags []string
		shape []int
		want  any // JSON data
	}{
		"pb":                 {tensor.Int64, known(2), "x.pb", pb, nil, []int{2}, []any{7.0, -7.0}},
		"npy float32":        {tensor.Float32, known(2, 1), "x.npy", npy("<f4", false, "2, 1", []float32{1.5, -2}), nil, []int{2, 1}, []any{1.5, -2.0}},
		"npy vector":         {tensor.Int16, []tensor.Dim{open}, "x.npy", npy("<i2", false, "3,", []int16{1, 2, -3}), nil, []int{3}, []any{1.0, 2.0, -3.0}},
		"npy scalar":         {tensor.Uint8, nil, "x.npy", npy("|u1", false, "", uint8(200)), nil, []int{}, []any{200.0}},
		"npy empty":          {tensor.Float64, []tensor.Dim{open, open}, "x.npy", npy("<f8", false, "0, 4", []float64{}), nil, []int{0, 4}, []any{}},
		"npy big-endian":     {tensor.Int32, known(2), "x.npy", npy(">i4", false, "2,", []int32{1, -2}), nil, []int{2}, []any{1.0, -2.0}},
		"npy bool":           {tensor.Bool, known(3), "x.npy", npy("|b1", false, "3,", []byte{0, 1, 2}), nil, []int{3}, []any{false, true, true}},
		"json nested":        {tensor.Float32, known(2, 2), "x.json", []byte("[[1, 2.5], [-3e1, 0]]"), nil, []int{2, 2}, []any{1.0, 2.5, -30.0, 0.0}},
		"json object":        {tensor.Int8, known(1, 2), "x.json", []byte(`{"shape": [1, 2], "data": [-128, 127]}`), nil, []int{1, 2}, []any{-128.0, 127.0}},
		"json scalar":        {tensor.Float64, nil, "x.json", []byte("3"), nil, []int{}, []any{3.0}},
		"json not finite":    {tensor.Float32, known(3), "x.json", []byte(`["NaN", "-Inf", "+Inf"]`), nil, []int{3}, []any{"NaN", "-Inf", "+Inf"}},
		"json strings":       {tensor.String, known(2), "x.json", []byte(`["a", "ä"]`), nil, []int{2}, []any{"a", "ä"}},
		"json bools":         {tensor.Bool, known(2), "x.json", []byte(`[true, 0]`), nil, []int{2}, []any{true, false}},
		"json large uint64":  {tensor.Uint64, known(1), "x.json", []byte(`[18446744073709551615]`), nil, []int{1}, []any{18446744073709551615.0}},
		"json empty":         {tensor.Float32, []tensor.Dim{open}, "x.json", []byte(`[]`), nil, []int{0}, []any{}},
		"png channels first": {tensor.Float32, known(1, 3, 1, 2), "x.png", asPNG(t, picture()), nil, []int{1, 3, 1, 2}, []any{1.0, 0.0, 0.4, 0.0, 0.0, 0.0}},
		"png channels last":  {tensor.Uint8, []tensor.Dim{open, open, open, tensor.Known(3)}, "x.PNG", asPNG(t, picture()), nil, []int{1, 1, 2, 3}, []any{255.0, 102.0, 0.0, 0.0, 0.0, 0.0}},
		"png with alpha":     {tensor.Uint8, known(4, 1, 2), "x.png", asPNG(t, picture()), nil, []int{4, 1, 2}, []any{255.0, 0.0, 102.0, 0.0, 0.0, 0.0, 255.0, 0.0}},
		"png bgr":            {tensor.Uint8, []tensor.Dim{open, open, tensor.Known(3)}, "x.png", asPNG(t, picture()), []string{"--bgr"}, []int{1, 2, 3}, []any{0.0, 102.0, 255.0, 0.0, 0.0, 0.0}},
		"png mean and std":   {tensor.Float32, known(3, 1, 1), "x.png", asPNG(t, white()), []string{"--mean", "0.5", "--std", "0.5,0.25,2"}, []int{3, 1, 1}, []any{1.0, 2.0, 0.25}},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, t.TempDir(), c.file, c.data)
			got := decoded[ran](t, append([]string{"run", identity(t, c.d, c.dims...), "--input", file}, c.flags...)...)
			y := got.Outputs["y"]
			assert.Equal(t, c.d.String(), y.DType)
			assert.Equal(t, c.shape, y.Shape)
			if c.d.IsFloat() && c.file[2] == 'p' {
				assert.InDeltaSlice(t, c.want, y.Data, 1e-6)
				return
			}
			assert.Equal(t, c.want, y.Data)
		})
	}
}

// JPEG loses a little; a picture is scaled to the extents that the model fixes.
func TestJPEGIsScaled(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 32, 32))
	for i := range m.Pix {
		m.Pix[i] = 51
	}
	for _, ext := range []string{".jpg", ".jpeg"} {
		file := write(t, t.TempDir(), "grey"+ext, asJPEG(t, m))
		y := decoded[ran](t, "run", identity(t, tensor.Float32, known(1, 1, 2, 3)...), "--input", file).Outputs["y"]
		assert.Equal(t, []int{1, 1, 2, 3}, y.Shape)
		for _, v := range y.Data.([]any) {
			assert.InDelta(t, 0.2, v, 0.01)
		}
	}
}

// A model that leaves height and width open gets the picture's own.
func TestPictureKeepsItsSize(t *testing.T) {
	file := write(t, t.TempDir(), "x.png", asPNG(t, picture()))
	y := decoded[ran](t, "run", identity(t, tensor.Uint8, open, tensor.Known(3), open, open), "--input", file).Outputs["y"]
	assert.Equal(t, []int{1, 3, 1, 2}, y.Shape)
}

// hugePNG says that it has 16384×8200 pixels, in a few bytes.
func hugePNG(t *testing.T) []byte {
	b := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	header := b[12:29] // IHDR and its 13 bytes, before the checksum
	binary.BigEndian.PutUint32(header[4:], 1<<14)
	binary.BigEndian.PutUint32(header[8:], 8200)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(header))
	return b
}

// Each error names the input, the file and what is wrong with it.
func TestBadInputFiles(t *testing.T) {
	float := identity(t, tensor.Float32, open, open)
	pb, err := onnx.EncodeTensor(tensor.Of([]float32{1}))
	require.NoError(t, err)
	good := npy("<f4", false, "1, 1", []float32{1})
	for name, c := range map[string]struct {
		model, file string
		data        []byte
		want        string
		flags       []string
	}{
		"kind of file":          {float, "x.txt", []byte("1"), `".txt" files are not read: .png, .jpg, .npy, .pb and .json are`, nil},
		"no extension":          {float, "x", []byte("1"), `"" files are not read`, nil},
		"pb cut off":            {float, "x.pb", pb[:len(pb)-1], "the bytes end in the middle of field 9", nil},
		"pb other":              {float, "x.pb", []byte("nothing like it"), "onnx", nil},
		"pb rank":               {float, "x.pb", pb, "the model takes shape [?,?], got [1]", nil},
		"npy other":             {float, "x.npy", []byte("nothing like it"), "not a .npy file", nil},
		"npy header":            {float, "x.npy", good[:20], "the .npy header is cut off", nil},
		"npy not understood":    {float, "x.npy", bytes.Replace(good, []byte("descr"), []byte("decor"), 1), "the .npy header is not understood", nil},
		"npy data":              {float, "x.npy", good[:len(good)-1], "takes 4 bytes, got 3", nil},
		"npy more data":         {float, "x.npy", append(bytes.Clone(good), 0), "takes 4 bytes, got 5", nil},
		"npy shape":             {float, "x.npy", npy("<f4", false, "1, x", []float32{1}), "the .npy shape is not understood: (1, x)", nil},
		"npy negative":          {float, "x.npy", npy("<f4", false, "1, -1", []float32{1}), "-1", nil},
		"npy too large":         {float, "x.npy", npy("<f4", false, "1000000000, 1000000000", []float32{1}), "is too large", nil},
		"npy order":             {float, "x.npy", npy("<f4", true, "1, 1", []float32{1}), "arrays in Fortran order are not read", nil},
		"npy type":              {float, "x.npy", npy("<U1", false, "1, 1", []float32{1}), "arrays of U1 are not read", nil},
		"npy other type":        {float, "x.npy", npy("<f8", false, "1, 1", []float64{1}), "the model takes float32[?,?], got float64[1,1]", nil},
		"json":                  {float, "x.json", []byte("[[1, 2"), "not JSON: unexpected EOF", nil},
		"json more":             {float, "x.json", []byte("[[1]] [[2]]"), "more follows after the JSON value", nil},
		"json ragged":           {float, "x.json", []byte("[[1, 2], [3]]"), "lists of 2 and 1 elements at depth 1", nil},
		"json depth":            {float, "x.json", []byte("[[1], 2]"), "not nested to the same depth", nil},
		"json deeper":           {float, "x.json", []byte("[1, [2]]"), "not nested to the same depth", nil},
		"json rank":             {float, "x.json", []byte("[1]"), "the model takes shape [?,?], got [1]", nil},
		"json object":           {float, "x.json", []byte(`{"data": [1]}`), `an object is {"shape": [extents], "data": [elements]}`, nil},
		"json extent":           {float, "x.json", []byte(`{"shape": ["a"], "data": [1]}`), "extent 0 of the shape is a: it is a whole number", nil},
		"json negative":         {float, "x.json", []byte(`{"shape": [-1, -1], "data": [1]}`), "-1", nil},
		"json count":            {float, "x.json", []byte(`{"shape": [2, 2], "data": [1, 2, 3]}`), "shape [2,2] takes 4 elements, the data has 3", nil},
		"json null":             {float, "x.json", []byte("[[null]]"), "element 0, null, is no float32", nil},
		"json text":             {float, "x.json", []byte(`[["one"]]`), `element 0, "one", is no float32`, nil},
		"json range":            {identity(t, tensor.Int8, open), "x.json", []byte("[127, 128]"), "element 1, 128, is no int8", nil},
		"json fraction":         {identity(t, tensor.Int32, open), "x.json", []byte("[1.5]"), "element 0, 1.5, is no int32", nil},
		"json negative uint64":  {identity(t, tensor.Uint64, open), "x.json", []byte("[-1]"), "element 0, -1, is no uint64", nil},
		"json number as string": {identity(t, tensor.String, open), "x.json", []byte("[1]"), "element 0, 1, is no string", nil},
		"json complex":          {identity(t, tensor.Complex64, open), "x.json", []byte("[1]"), "complex64 values cannot be given as JSON", nil},
		"png":                   {identity(t, tensor.Uint8, known(1, 2, 3)...), "x.png", []byte("nothing like it"), "image: unknown format", nil},
		"png cut off":           {identity(t, tensor.Uint8, known(1, 2, 3)...), "x.png", asPNG(t, picture())[:50], "not enough pixel data", nil},
		"png rank":              {float, "x.png", asPNG(t, picture()), "a picture does not fit float32[?,?]", nil},
		"png channels":          {identity(t, tensor.Uint8, known(2, 5, 5)...), "x.png", asPNG(t, picture()), "neither first nor last extent of uint8[2,5,5] is a number of channels (1, 3 or 4)", nil},
		"png of strings":        {identity(t, tensor.String, known(1, 2, 3)...), "x.png", asPNG(t, picture()), "a picture does not fit string[1,2,3]", nil},
		"png huge":              {identity(t, tensor.Uint8, tensor.Known(1), open, open), "x.png", hugePNG(t), "the picture has 16384×8200 pixels, at most 134217728 are read", nil},
		"mean":                  {identity(t, tensor.Float32, known(3, 1, 2)...), "x.png", asPNG(t, picture()), "--mean has 2 values: the model takes 3 channels, so one or 3 are needed", []string{"--mean", "1,2"}},
		"std":                   {identity(t, tensor.Float32, known(3, 1, 2)...), "x.png", asPNG(t, picture()), "--std has a 0", []string{"--std", "1,0,1"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, t.TempDir(), c.file, c.data)
			r := midplane(append([]string{"run", c.model, "--input", "x=" + file}, c.flags...)...)
			assert.Equal(t, 2, r.status)
			assert.Empty(t, r.stdout)
			assert.Contains(t, r.stderr, c.want)
			assert.Contains(t, r.stderr, `"x"`)
			assert.Equal(t, 1, countLines(r.stderr, "^.+$"), r.stderr)
		})
	}
}

func TestNoRandomValues(t *testing.T) {
	for _, d := range []tensor.DType{tensor.String, tensor.Complex64} {
		r := midplane("run", identity(t, d, open), "--random")
		assert.Equal(t, 2, r.status)
		assert.Empty(t, r.stdout)
		assert.Contains(t, r.stderr, `input "x" is `+d.String()+`[?], for which there are no random values: give --input`)
	}
	r := midplane("run", identity(t, tensor.Float32, known(1<<30, 1<<30)...), "--random")
	assert.Equal(t, 2, r.status)
	assert.Contains(t, r.stderr, `input "x"`)
}

func TestRandomValuesOfEveryType(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float16, tensor.BFloat16, tensor.Float8E4M3FN, tensor.Int4, tensor.Uint64, tensor.Bool} {
		y := decoded[ran](t, "run", identity(t, d, tensor.Known(5), open), "--random").Outputs["y"]
		assert.Equal(t, d.String(), y.DType)
		assert.Equal(t, []int{5, 1}, y.Shape)
		assert.Len(t, y.Data, 5)
	}
}
