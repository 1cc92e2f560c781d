// Package models runs ONNX models on any device: [Load] one, [Session.Run] it.
//
//	s, err := models.Load(ctx, "model.onnx", nil)
//	defer s.Close()
//	out, err := s.Run(ctx, map[string]tensor.Value{"image": picture})
//
// A device has to be linked into the program, by an import for its side effect:
//
//	import _ "example.com/midplane/backends/cpu"
//
// # Stages
//
// A model goes through one function per stage, each of whose results can be
// looked at ([Session.Stage]): onnx.Decode, opset.Lift, infer.Run,
// optimize.Run, partition.Assign, plan.Make, and then Run. A device that takes
// whole models is offered the decoded one first. Where every node runs, and why there, is in [Session.Placement]; nothing falls back to another
// device unless [Options] allow it.
//
// # Concurrency
//
// A Session is safe for concurrent use. Runs at the same time share weights and
// have streams and working memory of their own. What runs have left is kept for
// later ones, as often as runtime.GOMAXPROCS says, or until memory runs out.
// Close waits for runs under way.
//
// # Errors
//
// Every error is an [*Error] that names the file, and the node, operator, input
// or device where there is one. errors.Is works with [ErrModel], [ErrInput],
// [ErrClosed] and with the codes of package adapter (adapter.Unsupported,
// adapter.OutOfMemory, adapter.Canceled …), errors.As with the errors of the
// stages, such as *partition.UnsupportedError.
//
// # Memory
//
// Weights stay where the file was mapped, if the device can work on them there:
// a file must not be changed while it is in use (Options.Copy avoids that).
// Outputs of runs belong to the caller.
//
// # Models that cannot be trusted
//
// Whatever the bytes of a model and the inputs of a run, there is an error or a
// result. With a limit ([Options].MemoryLimit) the heap grows by no more than 64
// times the limit and 512 times the size of the model, and 64 MiB; loading and
// running end within a second of their context. External data is read from
// regular files in the model's folder and below only.
package models

import (
	"log/slog"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/models/plan"
)

// Options say how a model is loaded and run. Nil and zero values are defaults.
type Options struct {
	// Devices are the names of the devices that work together, in order of
	// preference. Default: the first usable one linked in, "cpu" before others.
	Devices []string

	// Opened are devices that the caller has opened and closes after the
	// session. They come before Devices in order of preference.
	Opened []*adapter.Device

	// Fallback says which devices may take nodes that the first one lacks.
	// Default: those in Devices.
	Fallback Policy

	// Threads is how many host threads kernels may use; 0: as many as the
	// process may use.
	Threads int

	// MemoryLimit bounds the bytes that a session takes on its devices: copied
	// weights, arenas and pools, and on each device that it opens also what the
	// kernels keep, such as packed weights and scratch. 0: no limit.
	MemoryLimit int64

	// Logger gets one record per stage (Debug) and one per node that did not go
	// to the first device (Warn). Default: none.
	Logger *slog.Logger

	// Copy reads the file into memory instead of mapping it.
	Copy bool

	// Unoptimized leaves the graph as the model has it: no pass of package
	// optimize is applied, every node has a kernel of its own, and every value
	// memory of its own.
	Unoptimized bool

	// Hook is called after each node has run, from the goroutine that runs it;
	// where one kernel computes several nodes, after the kernel for each of them.
	// With a hook a device's work is waited for after each node, which costs
	// time. A model that a device took as a whole runs without events.
	Hook func(NodeEvent)
}

// Policy says which devices may take nodes that the first one lacks.
type Policy = partition.Policy

// The fallback policies.
const (
	FallbackListed = partition.Listed // the devices in Options.Devices
	FallbackNever  = partition.Never  // none
	FallbackAny    = partition.Any    // any usable device that is linked in
)

// NodeEvent tells of one node that has run.
type NodeEvent = plan.NodeEvent

// ValueInfo describes an input or an output of a model.
type ValueInfo struct {
	Name     string
	Type     tensor.Type
	DType    tensor.DType // of a tensor's elements
	Shape    tensor.Dims  // of a tensor; nil while its rank is unknown
	Optional bool         // an input that has a default in the model
}
