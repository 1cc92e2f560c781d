package driver

import (
	"context"
	"errors"
	"fmt"
)

// ErrSkip is returned by a method of an optional interface to decline one call;
// the portable side then takes its own path.
var ErrSkip = errors.New("driver: declined, take the portable path")

// Code says what kind of failure an [Error] is. A Code is itself an error, so
// that errors.Is(err, driver.OutOfMemory) works on anything that wraps one.
type Code uint8

// The codes of failures.
const (
	Internal        Code = iota + 1 // the device or its driver broke a promise
	InvalidArgument                 // a size, a region, a handle that cannot be
	Unsupported                     // the device cannot do this, ever
	OutOfMemory                     // no room; freeing some may help
	NotFound                        // no such device
	Unavailable                     // there, but not usable; the text says why
	Closed                          // a handle used after Close or Free
	Canceled                        // the context ended
	DeviceLost                      // the device is gone or must be reset
	Incompatible                    // made for another version of the device interface
	Aborted                         // another rank of the communicator failed or gave up
	DataLoss                        // memory of the device had an error that was not corrected
)

var codeNames = [...]string{
	Internal: "internal error", InvalidArgument: "invalid argument", Unsupported: "unsupported",
	OutOfMemory: "out of memory", NotFound: "not found", Unavailable: "unavailable", Closed: "closed",
	Canceled: "canceled", DeviceLost: "device lost", Incompatible: "incompatible version", Aborted: "aborted", DataLoss: "data loss",
}

// Error implements error.
func (c Code) Error() string {
	if int(c) < len(codeNames) && c > 0 {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Scope says how far a failure reaches.
type Scope uint8

// The scopes of failures. The zero value is ScopeCall.
const (
	ScopeCall    Scope = iota // only this call failed
	ScopeStream               // the stream's pending work is lost
	ScopeDevice               // the device handle is of no more use
	ScopeProcess              // the process should end
)

var scopeNames = [...]string{"call", "stream", "device", "process"}

// String returns the scope's name.
func (s Scope) String() string { return nameOf(scopeNames[:], "scope", s) }

// Error is a failure of a device.
type Error struct {
	Code       Code
	Scope      Scope
	Retryable  bool   // the same call may succeed later
	Sticky     bool   // the same handle fails from now on
	Device     string // filled in by the portable side: "emu:0"
	Op         string // what was called: "Alloc"
	Text       string // what was wrong, with numbers
	Wanted     int64  // of OutOfMemory: the bytes that were asked for, 0 where unknown
	Available  int64  // and the most that there were
	VendorCode int64  // the vendor's own code, 0 if there is none
	VendorText string // and its text
	Err        error  // the cause, if there is one
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Code.Error()
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Device != "" {
		s = e.Device + ": " + s
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.VendorCode != 0 || e.VendorText != "" {
		s += fmt.Sprintf(" (vendor: %d %s)", e.VendorCode, e.VendorText)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap makes errors.Is find the code, and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// PanicError is what a panic becomes: a mistake of a device's, or of what drives it,
// and never one of the caller's.
type PanicError struct {
	Value any
	Stack []byte // where it was, if that is known
}

// Error implements error.
func (e *PanicError) Error() string {
	if len(e.Stack) == 0 {
		return fmt.Sprintf("panic: %v", e.Value)
	}
	return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack)
}

// Errorf returns an Error of a code, for one call.
func Errorf(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, Text: fmt.Sprintf(format, args...)}
}

// AsError returns err as an Error of its own, which the caller may change: a
// copy where err is one, else an Error around err with the code and scope of the
// one that err wraps, with the [Code] that err is or wraps, with [Canceled] for
// the end of a context and [Internal] for anything else. Op is filled in where it
// is empty. Err must not be nil.
func AsError(op string, err error) *Error {
	e := &Error{Code: Internal, Err: err}
	var inner *Error
	var code Code
	switch {
	case errors.As(err, &inner) && error(inner) == err:
		copied := *inner
		e = &copied
	case inner != nil:
		e.Code, e.Scope, e.Retryable, e.Sticky = inner.Code, inner.Scope, inner.Retryable, inner.Sticky
		e.VendorCode, e.VendorText = inner.VendorCode, inner.VendorText
		e.Wanted, e.Available = inner.Wanted, inner.Available
	case errors.As(err, &code):
		e.Code = code
		if error(code) == err {
			e.Err = nil
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Code = Canceled
	}
	if e.Op == "" {
		e.Op = op
	}
	return e
}
