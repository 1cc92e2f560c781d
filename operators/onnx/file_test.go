package onnx_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/onnx"
)

// external makes a model whose initializer w, float32[2], lies in another file,
// as entries of external_data say, keys and values in turn.
func external(entries ...string) message {
	w := tensorOf(1, 2).text(8, "w").int(14, 1)
	for i := 0; i < len(entries); i += 2 {
		w = w.bytes(13, entry(entries[i], entries[i+1]))
	}
	return model(message{}.text(2, "g").bytes(5, w))
}

// folder writes files, by their slash-separated names, and returns where.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, b, 0o666))
	}
	return dir
}

// weights is a page of other data, and then the bytes of 1 and 2.
var weights = append(make([]byte, 4096), 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40)

func TestLoad(t *testing.T) {
	sources := map[string][]byte{
		"m/model.onnx":    external("location", "data/w.bin", "offset", "4096", "length", "8", "checksum", "ignored"),
		"m/data/w.bin":    weights,
		"m/exact.onnx":    external("location", "./exact.bin"),
		"m/exact.bin":     weights[4096:],
		"m/internal.onnx": model(message{}.bytes(5, floats("w", 1, 2))),
	}
	fsys := make(fstest.MapFS)
	for name, b := range sources {
		fsys[name] = &fstest.MapFile{Data: b}
	}
	dir := folder(t, sources)
	for _, name := range []string{"m/model.onnx", "m/exact.onnx", "m/internal.onnx"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		loads := map[string]func() (*onnx.File, error){
			"mapped":  func() (*onnx.File, error) { return onnx.Load(path, nil) },
			"copied":  func() (*onnx.File, error) { return onnx.Load(path, &onnx.Options{Copy: true}) },
			"fs":      func() (*onnx.File, error) { return onnx.LoadFS(fsys, name, nil) },
			"dir fs":  func() (*onnx.File, error) { return onnx.LoadFS(os.DirFS(dir), name, nil) },
			"fs copy": func() (*onnx.File, error) { return onnx.LoadFS(fsys, name, &onnx.Options{Copy: true}) },
		}
		for how, load := range loads {
			file, err := load()
			if !assert.NoError(t, err, name, how) {
				continue
			}
			assert.Equal(t, []float32{1, 2}, tensor.Slice[float32](file.Model.Graph.Initializers[0].Const), "%s %s", name, how)
			assert.NoError(t, file.Close())
			assert.NoError(t, file.Close(), "closing again is harmless")
		}
	}
}

// With Copy a model outlives its files.
func TestLoadCopy(t *testing.T) {
	dir := folder(t, map[string][]byte{"model.onnx": external("location", "w.bin", "offset", "4096"), "w.bin": weights})
	file, err := onnx.Load(filepath.Join(dir, "model.onnx"), &onnx.Options{Copy: true})
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(dir, "w.bin"), 0))
	require.NoError(t, file.Close())
	assert.Equal(t, []float32{1, 2}, tensor.Slice[float32](file.Model.Graph.Initializers[0].Const))
}

func TestExternalDataErrors(t *testing.T) {
	outside := folder(t, map[string][]byte{"secret": weights})
	tests := map[string]struct {
		entries []string
		kind    error
		reason  string
	}{
		"no location":     {nil, onnx.ErrExternalData, "without a location"},
		"missing":         {[]string{"location", "nowhere"}, fs.ErrNotExist, "nowhere"},
		"parent":          {[]string{"location", "../secret"}, fs.ErrPermission, "outside the model's folder"},
		"hidden parent":   {[]string{"location", "data/../../secret"}, fs.ErrPermission, "outside the model's folder"},
		"backslashes":     {[]string{"location", `data\..\..\secret`}, fs.ErrPermission, "outside the model's folder"},
		"absolute":        {[]string{"location", filepath.Join(outside, "secret")}, fs.ErrPermission, "outside the model's folder"},
		"folder":          {[]string{"location", "data"}, onnx.ErrExternalData, "no regular file"},
		"the folder":      {[]string{"location", "."}, onnx.ErrExternalData, "no regular file"},
		"behind the end":  {[]string{"location", "w.bin", "offset", "4097"}, onnx.ErrExternalData, "8 bytes from byte 4097 on lie outside the file of 4104 bytes"},
		"far behind":      {[]string{"location", "w.bin", "offset", "9223372036854775807"}, onnx.ErrExternalData, "outside the file"},
		"negative offset": {[]string{"location", "w.bin", "offset", "-1"}, onnx.ErrExternalData, "offset of external data"},
		"odd offset":      {[]string{"location", "w.bin", "offset", "page 1"}, onnx.ErrExternalData, "should be a number of bytes"},
		"other length":    {[]string{"location", "w.bin", "length", "4"}, onnx.ErrInvalid, "float32[2] takes 8 bytes of external data, length says 4"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string][]byte{"model.onnx": external(c.entries...), "w.bin": weights, "data/x": nil})
			path := filepath.Join(dir, "model.onnx")
			_, err := onnx.Load(path, nil)
			require.ErrorIs(t, err, c.kind)
			var e *onnx.Error
			require.True(t, errors.As(err, &e))
			assert.Equal(t, path, e.File)
			assert.Equal(t, `graph "g" initializer 0 "w"`, e.Path)
			assert.ErrorContains(t, err, c.reason)
			_, err = onnx.LoadFS(os.DirFS(dir), "model.onnx", nil)
			assert.ErrorIs(t, err, c.kind)
		})
	}
	whole := external("location", "w.bin")
	for _, load := range []func() (*onnx.File, error){
		func() (*onnx.File, error) { return onnx.LoadBytes(whole, nil) },
		func() (*onnx.File, error) { return onnx.LoadReader(bytes.NewReader(whole), nil) },
	} {
		_, err := load()
		requireError(t, err, onnx.ErrExternalData, `graph "g" initializer 0 "w"`, "without its folder")
	}
}

func TestLinksDoNotLeadOutOfTheFolder(t *testing.T) {
	outside := folder(t, map[string][]byte{"secret": weights[4096:]})
	dir := folder(t, map[string][]byte{"model.onnx": external("location", "link"), "inside": weights[4096:]})
	link := filepath.Join(dir, "link")
	if err := os.Symlink("inside", link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	file, err := onnx.Load(filepath.Join(dir, "model.onnx"), nil)
	require.NoError(t, err, "a link inside the folder is fine")
	require.NoError(t, file.Close())

	require.NoError(t, os.Remove(link))
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret"), link))
	_, err = onnx.Load(filepath.Join(dir, "model.onnx"), nil)
	assert.ErrorIs(t, err, onnx.ErrExternalData)
}

func TestExternalLimit(t *testing.T) {
	dir := folder(t, map[string][]byte{"model.onnx": external("location", "w.bin"), "w.bin": weights})
	path := filepath.Join(dir, "model.onnx")
	file, err := onnx.Load(path, &onnx.Options{MaxExternal: int64(len(weights))})
	require.NoError(t, err)
	require.NoError(t, file.Close())
	_, err = onnx.Load(path, &onnx.Options{MaxExternal: int64(len(weights)) - 1})
	assert.ErrorIs(t, err, onnx.ErrLimit)
	assert.ErrorIs(t, err, onnx.ErrExternalData)
}

// Tensors may share external data; what has to be copied is copied once, and
// not more of it than there is.
func TestSharedExternalData(t *testing.T) {
	const size = 4 << 10
	two := func(first, second string) message {
		var g message
		for name, offset := range map[string]string{"a": first, "b": second} {
			w := tensorOf(1, size/4-2).text(8, name).int(14, 1)
			g = g.bytes(5, w.bytes(13, entry("location", "w.bin")).bytes(13, entry("offset", offset)))
		}
		return model(g)
	}
	dir := folder(t, map[string][]byte{
		"same.onnx": two("1", "1"), "aligned.onnx": two("0", "4"), "w.bin": make([]byte, size),
	})
	for _, name := range []string{"same.onnx", "aligned.onnx"} {
		file, err := onnx.Load(filepath.Join(dir, name), nil)
		require.NoError(t, err, name)
		require.NoError(t, file.Close())
	}
	_, err := onnx.Load(filepath.Join(dir, "same.onnx"), &onnx.Options{Copy: true})
	require.NoError(t, err)
	_, err = onnx.Decode(two("1", "2"), func(_ string, offset, length int64) ([]byte, error) {
		return make([]byte, size)[offset : offset+length], nil
	}, &onnx.Options{Copy: true})
	assert.ErrorIs(t, err, onnx.ErrLimit)
	assert.ErrorContains(t, err, "tensors overlap in file \"w.bin\"")
}

func TestUnreadableFiles(t *testing.T) {
	dir := folder(t, map[string][]byte{"model.onnx": model(relu()), "empty.onnx": nil})
	_, err := onnx.Load(filepath.Join(dir, "none.onnx"), nil)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = onnx.LoadFS(fstest.MapFS{}, "none.onnx", nil)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = onnx.Load(dir, nil)
	assert.ErrorContains(t, err, "it is a folder")
	_, err = onnx.Load(filepath.Join(dir, "empty.onnx"), nil)
	assert.ErrorIs(t, err, onnx.ErrNotModel)
	_, err = onnx.Load(filepath.Join(dir, "model.onnx"), &onnx.Options{MaxBytes: 10})
	assert.ErrorIs(t, err, onnx.ErrLimit)
	if runtime.GOOS != "windows" {
		_, err = onnx.Load(os.DevNull, nil)
		assert.ErrorContains(t, err, "it is a device")
	}
}

// forever is a reader without an end.
type forever struct{}

func (forever) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestLoadReader(t *testing.T) {
	file, err := onnx.LoadReader(iotest.OneByteReader(bytes.NewReader(model(relu()))), nil)
	require.NoError(t, err)
	assert.Len(t, file.Model.Graph.Nodes, 1)
	assert.NoError(t, file.Close())
	_, err = onnx.LoadReader(forever{}, &onnx.Options{MaxBytes: 1 << 16})
	assert.ErrorIs(t, err, onnx.ErrLimit)
	_, err = onnx.LoadReader(iotest.ErrReader(io.ErrClosedPipe), nil)
	assert.ErrorIs(t, err, io.ErrClosedPipe)
	_, err = onnx.LoadReader(bytes.NewReader(nil), nil)
	assert.ErrorIs(t, err, onnx.ErrNotModel)
}
