// Package reference holds one obvious implementation of every operator: the
// oracle that other implementations are held against.
//
// Each function computes one node in the newest form of its operator, on host
// tensors, from the operator's specification and for every type that this
// allows. It is written to be read: real arithmetic is done in float64 and
// rounded once, integers wrap as their type does, nothing is parallel. Older
// forms are lifted to the newest by package opset before they come here.
//
// Functions of one family lie in one file, in a table named after it; [table.go]
// gathers the tables.
//
// # Concurrency
//
// All functions are pure but for random operators without a seed, and safe for
// concurrent use.
package reference

import (
	"context"
	"fmt"
	"runtime"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/witness"
)

// Func computes one node. It returns as many values as the node has outputs;
// one for an output that the node leaves out may be nil. Inputs must not be
// changed, but an output may share an input's memory.
type Func func(c *Call) ([]tensor.Value, error)

// family is the table of one file: implementations by operator name, which is
// preceded by the domain and a dot outside ai.onnx.
type family map[string]Func

// Call is what a Func gets.
type Call struct {
	Context context.Context
	Node    *graph.Node
	Inputs  []tensor.Value // nil where an optional input is absent

	// Body runs one of the node's graphs. What the graph captures is bound.
	Body func(body *graph.Graph, inputs []tensor.Value) ([]tensor.Value, error)

	room   func(output int, d tensor.DType, shape tensor.Shape) error // of the device, nil on the host
	passed int                                                        // checkpoints so far
}

// ended is the panic by which checkpoint leaves a call.
type ended struct{ error }

// cooperative says that nothing interrupts a goroutine, so that deadlines pass
// only when it yields.
const cooperative = runtime.GOARCH == "wasm"

// checkpoint ends the call if its context has ended: [Run] then returns the
// context's error. Loops come by it whose work grows faster than the inputs and
// outputs.
func (c *Call) checkpoint() {
	if c.passed++; cooperative && c.passed%64 == 0 {
		runtime.Gosched()
	}
	if err := c.Context.Err(); err != nil {
		panic(ended{err})
	}
}

// makeRoom fails if there is no memory for an output. Functions call it that read
// the output's size out of an input's elements, before they take memory of their
// own in proportion.
func (c *Call) makeRoom(output int, d tensor.DType, shape tensor.Shape) error {
	if err := tensor.Fits(d, shape); err != nil || c.room == nil {
		return err
	}
	return c.room(output, d, shape)
}

// Has reports whether input i is present.
func (c *Call) Has(i int) bool { return i < len(c.Inputs) && c.Inputs[i] != nil }

// Tensor returns input i, or nil if it is absent or no tensor.
func (c *Call) Tensor(i int) *tensor.Tensor {
	if !c.Has(i) {
		return nil
	}
	t, _ := c.Inputs[i].(*tensor.Tensor)
	return t
}

// Ints returns the elements of an integer tensor input, nil if it is absent.
func (c *Call) Ints(i int) []int64 {
	if t := c.Tensor(i); t != nil {
		return t.Int64s()
	}
	return nil
}

// number returns the only element of real input i.
func (c *Call) number(i int) (float64, error) {
	t := c.Tensor(i)
	if t == nil || t.Len() != 1 {
		return 0, fmt.Errorf("input %d must be one number, it is %v", i, c.describe(i))
	}
	return t.Float64s()[0], nil
}

// integer returns the only element of integer input i.
func (c *Call) integer(i int) (int64, error) {
	t := c.Tensor(i)
	if t == nil || t.Len() != 1 {
		return 0, fmt.Errorf("input %d must be one integer, it is %v", i, c.describe(i))
	}
	return t.Int64s()[0], nil
}

// describe returns the type of input i for people.
func (c *Call) describe(i int) string {
	if !c.Has(i) {
		return "absent"
	}
	return c.Inputs[i].Type().String()
}

// Lookup returns the implementation of an operator: "Conv",
// "ai.onnx.ml.Scaler".
func Lookup(operator string) (Func, bool) {
	for _, f := range families {
		if fn, ok := f[operator]; ok {
			return fn, true
		}
	}
	return nil, false
}

// Operators returns the names of all operators implemented, in no order.
func Operators() []string {
	var names []string
	for _, f := range families {
		for name := range f {
			names = append(names, name)
		}
	}
	return names
}

// Run computes one node in the newest form of its operator. The node's bodies,
// if it has any, are evaluated by this package; captured gives the values of
// surrounding graphs that they read and may be nil. What an implementation
// rejects, and what would have crashed it, comes back as an error that names
// the node.
func Run(ctx context.Context, n *graph.Node, inputs []tensor.Value, captured func(*graph.Value) tensor.Value) ([]tensor.Value, error) {
	return run(&Call{Context: ctx, Node: n, Inputs: inputs}, captured)
}

func run(call *Call, captured func(*graph.Value) tensor.Value) (out []tensor.Value, err error) {
	ctx, n := call.Context, call.Node
	fn, ok := Lookup(n.Operator())
	if !ok {
		return nil, fmt.Errorf("node %s: the reference has no operator %s", n.Label(), n.Operator())
	}
	witness.Note(ctx, witness.Reference, n.Op)
	defer func() {
		r := recover()
		if e, ok := r.(ended); ok {
			out, err = nil, fmt.Errorf("node %s: %w", n.Label(), e.error)
		} else if r != nil {
			out, err = nil, fmt.Errorf("node %s: inputs that the operator cannot take: %v", n.Label(), r)
		}
	}()
	call.Body = func(body *graph.Graph, in []tensor.Value) ([]tensor.Value, error) {
		return evaluate(ctx, body, in, captured)
	}
	out, err = fn(call)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Label(), err)
	}
	if len(out) < len(n.Outputs) {
		return nil, fmt.Errorf("node %s: the operator gives %d outputs, the node names %d", n.Label(), len(out), len(n.Outputs))
	}
	return out, nil
}

// one returns a single output.
func one(t *tensor.Tensor) ([]tensor.Value, error) { return []tensor.Value{t}, nil }
