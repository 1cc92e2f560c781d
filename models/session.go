package models

import (
	"errors"
	"log/slog"
	"sync"

	"example.com/midplane/adapter"
	"example.com/midplane/models/partition"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// Session is a loaded model on its devices.
type Session struct {
	file    string
	options Options
	log     *slog.Logger

	source    *onnx.File
	whole     operators.Executable // of the first device, where that took the model as a whole; else:
	declined  error                // why it did not, if it was asked
	lifted    *graph.Graph         // in newest form
	main      *variant             // for runs that override no default
	devices   []*adapter.Device
	owned     []*adapter.Device // those that the session opened
	places    []partition.Device
	placement *partition.Placement

	memory plan.Memory

	inputs, outputs []ValueInfo
	index           map[string]int // of inputs by name

	use    sync.RWMutex // held shared by runs, exclusively by Close
	closed bool

	calls sync.Pool // idle ones

	mu       sync.Mutex
	variants map[string]*variant // by the defaults that runs override
}

// Inputs describes what a run takes, in the order of the file.
func (s *Session) Inputs() []ValueInfo { return s.inputs }

// Outputs describes what a run returns, in the order of the file.
func (s *Session) Outputs() []ValueInfo { return s.outputs }

// Placement says where every node runs. It must not be changed.
func (s *Session) Placement() *partition.Placement { return s.placement }

// Model returns what the file says beside its graph: versions, metadata,
// functions. It must not be changed.
func (s *Session) Model() *graph.Model { return s.source.Model }

// Devices returns the session's devices in order of preference. Those that it
// opened itself are closed with it. Tensors made on them can be given to runs.
func (s *Session) Devices() []*adapter.Device { return s.devices }

// MemoryInUse returns the bytes that the session's copied weights, arenas and
// pools hold on its devices now.
func (s *Session) MemoryInUse() int64 { return s.memory.InUse() }

// enter notes a call under way, or fails if the session is closed.
func (s *Session) enter() error {
	s.use.RLock()
	if s.closed {
		s.use.RUnlock()
		return &Error{File: s.file, Stage: "run", Kind: ErrClosed, Err: ErrClosed}
	}
	return nil
}

// Close waits for runs under way and gives memory, devices and the file back.
// Closing twice does nothing.
func (s *Session) Close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, v := range s.variants {
		errs = append(errs, v.close())
	}
	s.variants = nil
	if s.whole != nil {
		errs = append(errs, s.whole.Close())
	}
	for _, d := range s.owned {
		errs = append(errs, d.Close())
	}
	if s.source != nil {
		errs = append(errs, s.source.Close())
	}
	return errors.Join(errs...)
}
