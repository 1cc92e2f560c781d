package onnxruntime

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"unsafe"

	"example.com/midplane/adapter/driver"
)

// session is an OrtSession with the names that it is run under. It is safe for
// concurrent use.
type session struct {
	lib             *library
	handle          handle
	pinner          runtime.Pinner // holds the names
	inputs, outputs []uintptr      // C strings

	use    sync.RWMutex // held shared by runs, exclusively by close
	closed bool
}

// source is a model: a file, or its bytes where there are any.
type source struct {
	path  string
	bytes []byte
}

// newSession makes a session of a model for inputs and outputs of these names.
func (l *library) newSession(ctx context.Context, m source, set settings, inputs, outputs []string) (*session, error) {
	s := &session{lib: l}
	err := s.names(inputs, outputs)
	if err == nil {
		err = s.open(ctx, m, set)
	}
	if err != nil {
		s.pinner.Unpin()
		return nil, err
	}
	return s, nil
}

func (s *session) names(inputs, outputs []string) (err error) {
	if s.inputs, err = s.pin(inputs); err == nil {
		s.outputs, err = s.pin(outputs)
	}
	return err
}

// pin makes C strings that stay where they are.
func (s *session) pin(names []string) ([]uintptr, error) {
	pinned := make([]uintptr, len(names))
	for i, name := range names {
		c, err := cString(name)
		if err != nil {
			return nil, err
		}
		s.pinner.Pin(&c[0])
		pinned[i] = uintptr(unsafe.Pointer(&c[0]))
	}
	return pinned, nil
}

func (s *session) open(ctx context.Context, m source, set settings) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	options, err := s.lib.sessionOptions(set)
	if err != nil {
		return err
	}
	defer s.lib.call(ortReleaseSessionOptions, options)
	defer s.lib.cancelLoad(ctx, options)()
	if len(m.bytes) > 0 {
		err = s.lib.check(ortCreateSessionFromArray, s.lib.environment, uintptr(unsafe.Pointer(&m.bytes[0])), uintptr(len(m.bytes)), options, uintptr(unsafe.Pointer(&s.handle)))
	} else {
		path := fileName(m.path)
		err = s.lib.check(ortCreateSession, s.lib.environment, uintptr(unsafe.Pointer(&path[0])), options, uintptr(unsafe.Pointer(&s.handle)))
	}
	return ended(ctx, err)
}

// ended returns the context's error where that is why the library gave up.
func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return &driver.Error{Code: driver.Canceled, Op: "Run", Err: ctx.Err()}
}

// run runs the session. Inputs that are 0 are left to their defaults. Outputs
// that are 0 are made by the library and then belong to the caller; the others
// are written to.
func (s *session) run(ctx context.Context, inputs, outputs []handle) error {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.closed {
		return driver.Errorf(driver.Closed, "Run", "the session was closed before")
	}
	options, done, err := s.runOptions(ctx)
	if err != nil {
		return err
	}
	defer done()
	names, values := s.given(inputs)
	err = s.lib.check(ortRun, s.handle, options,
		uintptr(unsafe.Pointer(unsafe.SliceData(names))), uintptr(unsafe.Pointer(unsafe.SliceData(values))), uintptr(len(values)),
		uintptr(unsafe.Pointer(unsafe.SliceData(s.outputs))), uintptr(len(s.outputs)), uintptr(unsafe.Pointer(unsafe.SliceData(outputs))))
	return ended(ctx, err)
}

// given returns the inputs that are there, with their names.
func (s *session) given(inputs []handle) (names []uintptr, values []handle) {
	for i, v := range inputs {
		if v == 0 {
			names, values = append(names, s.inputs[:i]...), append(values, inputs[:i]...)
			for k, w := range inputs[i:] {
				if w != 0 {
					names, values = append(names, s.inputs[i+k]), append(values, w)
				}
			}
			return names, values
		}
	}
	return s.inputs, inputs
}

// runOptions makes an OrtRunOptions by which the end of the context ends a run,
// or none where the context has no end.
func (s *session) runOptions(ctx context.Context) (options handle, done func(), err error) {
	if ctx.Done() == nil {
		return 0, func() {}, nil
	}
	if err := ctx.Err(); err != nil {
		return 0, nil, &driver.Error{Code: driver.Canceled, Op: "Run", Err: err}
	}
	if err := s.lib.check(ortCreateRunOptions, uintptr(unsafe.Pointer(&options))); err != nil {
		return 0, nil, err
	}
	stop := whenDone(ctx, func() { s.lib.ignore(s.lib.call(ortRunOptionsSetTerminate, options)) })
	return options, func() {
		stop()
		s.lib.call(ortReleaseRunOptions, options)
	}, nil
}

// close waits for runs under way and gives the session back.
func (s *session) close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.lib.call(ortReleaseSession, s.handle)
	s.pinner.Unpin()
	return nil
}

// declined says that the library refuses a model, which is no failure of the
// device.
func declined(err error) error {
	var e *driver.Error
	if errors.As(err, &e) && e.Code != driver.Canceled && e.Code != driver.OutOfMemory {
		e.Code = driver.Unsupported
	}
	return err
}
