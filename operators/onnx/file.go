package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"

	"example.com/midplane/operators/graph"
)

// File is a model together with the files that its tensors lie in.
type File struct {
	Model *graph.Model
	Path  string // the model's file, for the operating system; "" where it is none of its files
	Bytes []byte // the model's own, until Close; nil where tensors lie in other files, or the caller may change them

	unmap []func() error
}

// Close gives the mapped memory back; the model's tensors must not be used
// afterwards. It may be called more than once.
func (f *File) Close() error {
	var errs []error
	for _, unmap := range f.unmap {
		errs = append(errs, unmap())
	}
	f.unmap, f.Bytes = nil, nil
	return errors.Join(errs...)
}

// Load reads the model in a file. External data is read from files in the
// file's folder and below, never from elsewhere, whatever links lie there.
// Files are mapped into memory where the system can.
func Load(name string, o *Options) (*File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer file.Close()
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer root.Close()
	f, err := load(file, root.FS(), name, o)
	if err != nil {
		return nil, err
	}
	f.Path = name
	return f, nil
}

// LoadFS reads the model in a file of fsys. External data is read from files in
// its folder and below.
func LoadFS(fsys fs.FS, name string, o *Options) (*File, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer file.Close()
	folder, err := fs.Sub(fsys, path.Dir(name))
	if err != nil {
		return nil, unreadable(name, err)
	}
	return load(file, folder, name, o)
}

// LoadReader reads a model from r to its end. It cannot have external data.
func LoadReader(r io.Reader, o *Options) (*File, error) {
	own := o.withDefaults()
	data, err := readAll(r, 0, own.MaxBytes)
	if err != nil {
		return nil, unreadable("", err)
	}
	own.Copy = false // nobody else has these bytes
	m, err := Decode(data, nil, &own)
	if err != nil {
		return nil, err
	}
	return &File{Model: m, Bytes: data}, nil
}

// LoadBytes reads a model, whose tensors alias b unless o says Copy. It cannot
// have external data.
func LoadBytes(b []byte, o *Options) (*File, error) {
	m, err := Decode(b, nil, o)
	if err != nil {
		return nil, err
	}
	f := &File{Model: m}
	if o == nil || !o.Copy {
		f.Bytes = b
	}
	return f, nil
}

func load(file fs.File, folder fs.FS, name string, o *Options) (*File, error) {
	f := &files{folder: folder, open: make(map[string][]byte), Options: o.withDefaults()}
	data, err := f.contents(file, f.MaxBytes)
	if err != nil {
		return nil, unreadable(name, err)
	}
	own := f.Options
	own.Copy = false // f has copied already
	m, err := Decode(data, f.external, &own)
	loaded := &File{Model: m, unmap: f.unmap}
	if err == nil {
		if len(f.open) == 0 {
			loaded.Bytes = data
		}
		return loaded, nil
	}
	var e *Error
	if errors.As(err, &e) {
		e.File = name
	}
	if closeErr := loaded.Close(); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	return nil, err
}

// files holds the contents of a model's files: each is mapped, or read, once.
type files struct {
	Options
	folder fs.FS
	open   map[string][]byte // files of external data by name
	unmap  []func() error
}

// external is an [External].
func (f *files) external(name string, offset, length int64) ([]byte, error) {
	data, err := f.file(name)
	if err != nil {
		return nil, err
	}
	size := int64(len(data))
	if length < 0 {
		length = max(size-offset, 0)
	}
	if offset > size || length > size-offset {
		return nil, fmt.Errorf("%d bytes from byte %d on lie outside the file of %d bytes", length, offset, size)
	}
	return data[offset : offset+length : offset+length], nil
}

// file returns the contents of a file of external data.
func (f *files) file(location string) ([]byte, error) {
	name := path.Clean(strings.ReplaceAll(location, `\`, "/"))
	if !fs.ValidPath(name) || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("it lies outside the model's folder: %w", fs.ErrPermission)
	}
	if data, ok := f.open[name]; ok {
		return data, nil
	}
	info, err := fs.Stat(f.folder, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is no regular file but %v", info.Mode().Type())
	}
	file, err := f.folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := f.contents(file, f.MaxExternal)
	if err != nil {
		return nil, err
	}
	f.MaxExternal -= int64(len(data))
	f.open[name] = data
	return data, nil
}

// contents maps a file, or reads it where it cannot be mapped.
func (f *files) contents(file fs.File, limit int64) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return nil, errors.New("it is a folder")
	case mode&fs.ModeDevice != 0:
		return nil, errors.New("it is a device")
	}
	size := info.Size()
	if size > limit {
		return nil, fmt.Errorf("it is %w: %d bytes, %d are allowed", ErrLimit, size, limit)
	}
	if osFile, ok := file.(*os.File); ok && !f.Copy && info.Mode().IsRegular() && size > 0 && size <= math.MaxInt {
		data, unmap, err := mapFile(osFile, int(size))
		if err == nil {
			f.unmap = append(f.unmap, unmap)
			return data, nil
		}
	}
	return readAll(file, size, limit)
}

// readAll reads to the end, which must come within limit bytes and may be
// expected after size bytes.
func readAll(r io.Reader, size, limit int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(size, 0), limit, math.MaxInt-bytes.MinRead)) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(r, min(limit, math.MaxInt64-1)+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("it is %w: more than %d bytes", ErrLimit, limit)
	}
	return b.Bytes(), nil
}
