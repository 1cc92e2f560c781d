// Package oracle says what a problem's outputs should be, how far others may be
// from that, and how far they are.
//
// What is expected is computed by operators/reference. How far a result may be
// from it follows from the operator, the element type and the number of terms in
// each sum, in three accuracy classes that are the same for everyone: see
// [Class] and the table of rules. Nothing here depends on who is judged, but for
// the [Behaviour] that a backend declares.
package oracle

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// Behaviour is what a backend declares of its arithmetic. The zero value is that
// of IEEE 754.
type Behaviour struct {
	Flushes bool // denormal operands and results may count as 0
	Drops   bool // what Max, Clip and their kin make of NaN is not promised
	Rounds  bool // results of single operations may be rounded in any direction
}

// Properties under which a device's Info declares its behaviour, and the values
// that depart from IEEE 754.
const (
	DenormalsProperty = "denormals" // "flushed"
	NaNProperty       = "nan"       // "ignored"
	RoundingProperty  = "rounding"  // "any"
	AccuracyProperty  = "accuracy"  // "A", "B" or "C": the class that the device declares
)

// Declared reads a behaviour from the properties of a device.
func Declared(properties map[string]string) Behaviour {
	return Behaviour{
		Flushes: properties[DenormalsProperty] == "flushed",
		Drops:   properties[NaNProperty] == "ignored",
		Rounds:  properties[RoundingProperty] == "any",
	}
}

// Oracle judges results of one model that an operator is tried in. It is safe
// for concurrent use.
type Oracle struct {
	rule  rule
	node  *graph.Node  // the operator in the form of the model
	given *graph.Graph // the model as it was given
	graph *graph.Graph // the model in newest form
}

// New returns the oracle of a model for the operator of one of its nodes.
func New(ctx context.Context, m *graph.Model, n *graph.Node) (*Oracle, error) {
	g, err := opset.Lift(ctx, m)
	if err != nil {
		return nil, err
	}
	return &Oracle{ruleOf(n), n, m.Graph, g}, nil
}

// Expectation is what the outputs for one set of inputs should be.
type Expectation struct {
	Outputs []tensor.Value

	oracle *Oracle
	inputs []tensor.Value
	bounds []bounds // of each output, made when they are needed
}

// Expect computes the outputs for inputs in the order of the model's.
func (o *Oracle) Expect(ctx context.Context, inputs []tensor.Value) (*Expectation, error) {
	out, err := reference.Evaluate(ctx, o.graph, inputs)
	if err != nil {
		return nil, err
	}
	return &Expectation{Outputs: out, oracle: o, inputs: inputs}, nil
}

// Random reports whether the operator draws random numbers, so that two runs
// differ.
func (o *Oracle) Random() bool { return o.rule.kind == distributed }

// changed evaluates the model with every float operand, constants among them,
// replaced by what change makes of it.
func (o *Oracle) changed(ctx context.Context, inputs []tensor.Value, change func(*tensor.Tensor) *tensor.Tensor) ([]tensor.Value, error) {
	g := *o.graph
	g.Inputs = append([]*graph.Value(nil), o.graph.Inputs...)
	all := make([]tensor.Value, len(inputs))
	for i, v := range inputs {
		all[i] = v
		if t, ok := v.(*tensor.Tensor); ok && t.DType().IsFloat() {
			all[i] = change(t)
		}
	}
	for _, v := range o.graph.Initializers {
		if v.Const.DType().IsFloat() && !o.graph.IsInput(v) {
			g.Inputs = append(g.Inputs, v)
			all = append(all, change(v.Const))
		}
	}
	return reference.Evaluate(ctx, &g, all)
}
