package operators

import (
	"context"
	"fmt"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Backend is implemented by a driver's device that runs operators, besides the
// device interface of package driver. It is found with adapter.As.
type Backend interface {
	// Supports says whether the device has a kernel for a node, of whose inputs
	// and outputs the types are known as far as they can be. It is cheap and
	// pure, and exact for what is known: after Native, Build may not fail as
	// unsupported.
	Supports(n *graph.Node) Verdict

	// Build makes the kernel of a node for which Supports said Native or
	// Conditional. Attributes are read and constant inputs (Value.Const) packed
	// here, once.
	Build(n *graph.Node) (Kernel, error)
}

// Kernel computes one node on one device. It is safe for concurrent use: runs
// of a session share it, each with a call and a stream of its own. One that is
// an io.Closer is closed after the last of them.
type Kernel interface {
	// Run enqueues the work on call.Stream, and does not wait for it; where the
	// stream is nil the work is done when Run returns. Outputs of a shape that
	// was known are there to be written; others are made with call.NewOutput.
	// Run must not keep call after the work is done.
	Run(ctx context.Context, call *Call) error
}

// Call is one run of a kernel.
type Call struct {
	Stream  driver.Stream // nil on a synchronous device
	Inputs  []Operand     // one per input of the node; not Present where absent
	Outputs []Operand     // one per output of the node; not Present where left out or not yet made

	// HostOutputs are the indexes of the outputs that are to be left on the
	// host, as Operand.Host, because the backend's HostOperands said so.
	HostOutputs []int

	// Allocate makes memory for an output; kernels call NewOutput.
	Allocate func(i int, d tensor.DType, shape tensor.Shape) (Operand, error)
}

// Operand is a value that a kernel reads or writes: a tensor in a region of
// device memory, or a value on the host.
type Operand struct {
	DType  tensor.DType
	Shape  tensor.Shape
	Region driver.Region // where the elements lie on the device
	Host   tensor.Value  // the value itself where it lives on the host, else nil
}

// Present reports whether there is a value.
func (o Operand) Present() bool { return o.Host != nil || o.Region.Buffer != nil }

// NewOutput makes output i, whose shape the kernel has just found, or checks
// the shape of one that was there before. It may be called while the work is
// being done; the plan then waits for the work before it reads the shape.
func (c *Call) NewOutput(i int, d tensor.DType, shape tensor.Shape) (Operand, error) {
	if o := c.Outputs[i]; o.Present() {
		if o.DType != d || !o.Shape.Equal(shape) {
			return o, fmt.Errorf("output %d came out as %v%v where inference found %v%v", i, d, shape, o.DType, o.Shape)
		}
		return o, nil
	}
	o, err := c.Allocate(i, d, shape)
	if err == nil {
		c.Outputs[i] = o
	}
	return o, err
}

// SetHost stores output i, which the device leaves on the host.
func (c *Call) SetHost(i int, t *tensor.Tensor) {
	c.Outputs[i] = Operand{DType: t.DType(), Shape: t.Shape(), Host: t}
}

// HostOperands is implemented by a Backend whose kernels want some operands of
// a node in host memory: inputs that carry shapes, outputs that do.
//
// Absent: every tensor but strings lies on the device.
type HostOperands interface {
	// HostInputs returns the indexes of the inputs that must be on the host.
	HostInputs(n *graph.Node) []int
	// HostOutputs returns the indexes of the outputs that come out on the host.
	HostOutputs(n *graph.Node) []int
}

// Viewer is implemented by a Backend on whose device some nodes need no kernel:
// their outputs are an input's elements, or some of them, where they lie.
//
// Absent: such nodes have kernels, which copy.
type Viewer interface {
	// View returns, for a node of whose values the types are known, the input in
	// whose memory the outputs lie, and at which of its bytes each begins. An
	// output has its elements there in its own order and layout.
	View(n *graph.Node) (input int, offsets []int64, ok bool)
}

// Joiner is implemented by a Backend on whose device some nodes only lay their
// inputs side by side: with the inputs made at the right place, they need no
// kernel.
//
// Absent: such nodes have kernels, which copy.
type Joiner interface {
	// Join returns, for a node of whose values the types are known, at which byte
	// of its only output each input has its place. An input has its elements there
	// in its own order and layout, and all places together are the output.
	Join(n *graph.Node) (offsets []int64, ok bool)
}

// InPlacer is implemented by a Backend whose kernels can write an output where
// an input lies.
//
// Absent: outputs have memory of their own.
type InPlacer interface {
	// InPlace returns the inputs, best first, whose memory the first output may
	// take if it has as many elements of the same size and nothing needs the
	// input any more. Other inputs may lie in the same memory only if they are the same value. For a group
	// (see Fuser) the answer for the first node counts, if there is one for each; what
	// the others read too stays.
	InPlace(n *graph.Node) []int
}

// Reshapes reports whether a node gives its first input another shape and
// nothing else, which makes it a view on every device that keeps tensors dense
// and row-major.
func Reshapes(n *graph.Node) bool {
	if n.Domain != "" {
		return false
	}
	switch n.Op {
	case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity":
		return true
	}
	return false
}

// Level says how far a device supports a node.
type Level uint8

// The levels of support. The zero value is Unsupported.
const (
	Unsupported Level = iota
	Conditional       // if what is not yet known turns out as Verdict.Detail says
	Native
)

var levelNames = [...]string{"unsupported", "conditional", "native"}

// String returns the level's name.
func (l Level) String() string { return levelNames[l] }

// Reason says why a node is not supported.
type Reason uint8

// The reasons. NoReason goes with support.
const (
	NoReason       Reason = iota
	NoKernel              // the device has nothing for this operator
	WrongType             // not for these element types
	WrongAttribute        // not for this value of an attribute
	WrongShape            // not for this rank or these extents
	WrongVersion          // not for this version of the operator
	NoMemory              // too large for the device
	HostValue             // a value that lives on the host only
	NoOperators           // the device runs no operators at all
)

var reasonNames = [...]string{"", "no kernel", "element type", "attribute", "shape", "version", "memory", "host-only value", "runs no operators"}

// String returns the reason in words.
func (r Reason) String() string { return reasonNames[r] }

// Verdict is a device's answer about one node.
type Verdict struct {
	Level  Level
	Reason Reason // why not
	Detail string // which type, attribute or shape; for Conditional, the condition
	Kernel string // the kernel's name, for people: "conv/direct", "reference"

	// LastResort says of a kernel that it is slow: where the device has better
	// kernels for all that the node consists of, it runs decomposed.
	LastResort bool

	// Narrow says of a kernel that it rounds to few bits: a node is not decomposed
	// into such kernels, between which too much would be lost, where one of last
	// resort computes it in one piece.
	Narrow bool
}

// String returns for example "unsupported: element type: float64".
func (v Verdict) String() string {
	s := v.Level.String()
	if v.Reason != NoReason {
		s += ": " + v.Reason.String()
	}
	if v.Detail != "" {
		s += ": " + v.Detail
	}
	return s
}
