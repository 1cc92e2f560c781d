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
	Kind   error  // one of the errors above, or nil where it is all Err
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

// Unwrap returns Kind and Err, those that there are.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
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

// unreadable makes an error of what kept a file from being read.
func unreadable(file string, err error) error {
	return &Error{File: file, Offset: -1, Reason: "the file cannot be read", Err: err}
}

// name quotes a name for an error, cut to a length that fits on a line.
func name(s string) string { return fmt.Sprintf("%.80q", s) }
