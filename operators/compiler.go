package operators

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Compiler is implemented by a Backend that can take a model as a whole, in the
// form in which the file has it, before anything was lifted.
//
// Absent, or where Compile declines: nodes are offered one by one.
type Compiler interface {
	// Compile makes the model ready to run. An error that is
	// driver.Unsupported declines: the model has operators, versions or types
	// that the device lacks, and the error says which.
	Compile(ctx context.Context, m Source) (Executable, error)
}

// Source is a model as it was read.
type Source struct {
	Model *graph.Model
	Path  string // of the file, "" where it did not come from one
	Bytes []byte // of the file; valid until the executable is closed
}

// Executable is a compiled model. It is safe for concurrent use.
type Executable interface {
	// Run computes the outputs, in the order of the graph's outputs. Inputs are
	// in the order of the graph's inputs, nil for one whose default counts; they
	// are only read, and only until Run returns. Outputs belong to the caller.
	Run(ctx context.Context, inputs []tensor.Value) ([]tensor.Value, error)
	// Close waits for runs under way and frees what the executable holds.
	Close() error
}

// Located is implemented by an Executable that can tell what runs which node.
//
// Absent: only the device is known.
type Located interface {
	// Kernel names what runs a node of the model, for people, or says that it
	// cannot be told.
	Kernel(n *graph.Node) string
}
