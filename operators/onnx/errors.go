package onnx

import (
	"errors"
	"fmt"
	"strings"
)

// What an [Error] is about.
var (
	ErrNotModel     = errors.New("not an ONNX model")
	ErrTruncated    = errors.New("cut off")
	ErrInvalid      = errors.New("against the specification")
	ErrCycle        = errors.New("cyclic graph")
	ErrLimit        = errors.New("over a limit")
	ErrExternalData = errors.New("external data cannot be read")
)

// Error says what is wrong with a file, and where.
type Error struct {
	File   string // as it was named, "" for bytes in memory
	Path   string // in the model: `graph "g" node 3 "conv1" attribute "pads"`
	Offset int64  // of the byte in the file, -1 where there is none to tell
	Kind   error  // one of the errors above
	Reason string // what is wrong, and the rule
	Err    error  // what caused it outside this package, or nil
}

// Error returns everything in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("onnx: ")
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Reason)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " (at byte %d)", e.Offset)
	}
	return b.String()
}

// Unwrap returns Kind and Err.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// errorf makes an error that has no byte to point to.
func errorf(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Offset: -1, Reason: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error { return errorf(ErrInvalid, format, args...) }

// within puts a step before the path of an error.
func within(err error, format string, args ...any) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	e.Path = strings.TrimSuffix(fmt.Sprintf(format, args...)+" "+e.Path, " ")
	return err
}

// inFile names the file of an error that has none yet.
func inFile(err error, file string) error {
	var e *Error
	if errors.As(err, &e) && e.File == "" {
		e.File = file
	}
	return err
}

// name quotes a name for an error, cut to a length that fits on a line.
func name(s string) string { return fmt.Sprintf("%.80q", s) }
