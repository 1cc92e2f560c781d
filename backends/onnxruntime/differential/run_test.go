package differential_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// run draws and compares nodes, and counts what becomes of them.
type run struct {
	ort     operators.Compiler
	profile profile
	tallies map[string]*tally // by version
}

// tally counts what became of the draws for a version of an operator.
type tally struct {
	equal, bothFail int
	refused         map[string]int // by reason
	known           map[*difference]int
	lifted          bool // the lift changes more of a node than its version
}

// compared returns how many draws both implementations have computed.
func (c *tally) compared() int { return c.equal + c.different() }

func (c *tally) different() int {
	n := 0
	for k, count := range c.known {
		if k.whose != crash {
			n += count
		}
	}
	return n
}

// refusals returns how many draws ONNX Runtime has no kernel for, or must not be
// given.
func (c *tally) refusals() int {
	n := 0
	for _, count := range c.refused {
		n += count
	}
	for k, count := range c.known {
		if k.whose == crash {
			n += count
		}
	}
	return n
}

// series draws and compares nodes for one type. It ends early where ONNX
// Runtime has no kernel for the type.
func (r *run) series(t *testing.T, c *tally, s *operators.Schema, draw func(*dice) *sample, variable string, d tensor.DType) {
	const enough = 6 // refusals in a row that end a series without a result
	count := max(r.profile.perType, r.profile.least/max(1, len(s.Elements(variable))))
	first, _ := strconv.Atoi(os.Getenv(start))
	before, refusals := c.compared(), 0
	for number := first; number < first+count; number++ {
		dice := newDice(s, variable, d, number)
		n := draw(dice)
		if n == nil {
			continue
		}
		if refused := r.one(t, c, dice, n, number); refused {
			refusals++
		}
		if refusals == enough && c.compared() == before {
			return
		}
	}
}

// one compares one node, and reports whether ONNX Runtime refused it.
func (r *run) one(t *testing.T, c *tally, d *dice, n *sample, number int) (refused bool) {
	if known := n.triage(nil); known != nil {
		c.explain(known)
		return true
	}
	m, inputs := n.model(d)
	got, ours := c.reference(t.Context(), m, inputs)
	want, theirs := r.runtime(t.Context(), m, inputs, got)
	err := n.differ(want, got, theirs, ours)
	if reason := refusal(theirs); reason != "" {
		c.refuse(reason)
		if refused, err = true, nil; ours != nil {
			err = fmt.Errorf("ONNX Runtime refuses it, the reference fails: %w", ours)
		}
	}
	switch known := n.explanation(err); {
	case err != nil && known == nil:
		t.Errorf("draw %d: %s; %s", number, strings.ReplaceAll(err.Error(), "\n", " "), n)
	case refused:
	case err != nil:
		c.explain(known)
	case theirs != nil:
		c.bothFail++
	default:
		c.equal++
	}
	return refused
}

func (c *tally) explain(k *difference) {
	if c.known == nil {
		c.known = make(map[*difference]int)
	}
	c.known[k]++
}

func (c *tally) refuse(reason string) {
	if c.refused == nil {
		c.refused = make(map[string]int)
	}
	c.refused[reason]++
}

// reference lifts a model of one node and computes it.
func (c *tally) reference(ctx context.Context, m *graph.Model, inputs []tensor.Value) ([]tensor.Value, error) {
	lifted, err := opset.Lift(ctx, m)
	if err != nil {
		return nil, err
	}
	n := m.Graph.Nodes[0]
	c.lifted = c.lifted || len(lifted.Nodes) != 1 || lifted.Nodes[0].Op != n.Op ||
		len(lifted.Nodes[0].Attributes) != len(n.Attributes) || len(lifted.Nodes[0].Inputs) != len(n.Inputs)
	return reference.Evaluate(ctx, lifted, inputs)
}

// runtime computes a model by ONNX Runtime. Its outputs are declared to be of
// the types that the reference has given them.
func (r *run) runtime(ctx context.Context, m *graph.Model, inputs, got []tensor.Value) ([]tensor.Value, error) {
	for i, v := range m.Graph.Outputs {
		if i < len(got) && got[i] != nil {
			v.Type = unshaped(got[i].Type())
		}
	}
	x, err := r.ort.Compile(ctx, operators.Source{Model: m})
	if err != nil {
		return nil, err
	}
	defer x.Close()
	return x.Run(ctx, inputs)
}

// unshaped returns a type without the shapes that a model need not declare.
func unshaped(t tensor.Type) tensor.Type {
	t.Dims = nil
	if t.Elem != nil {
		elem := unshaped(*t.Elem)
		t.Elem = &elem
	}
	return t
}

// differ returns how the results of ONNX Runtime and the reference differ.
func (n *sample) differ(want, got []tensor.Value, theirs, ours error) error {
	switch {
	case theirs != nil && ours != nil:
		return nil
	case theirs != nil:
		return fmt.Errorf("ONNX Runtime fails, the reference does not: %w", theirs)
	case ours != nil:
		return fmt.Errorf("the reference fails, ONNX Runtime does not: %w", ours)
	}
	for i := range want {
		if err := compare(want[i], got[i], n.terms, n.shapes); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

// The reasons for which ONNX Runtime refuses models.
const (
	noKernel       = "no kernel"
	notImplemented = "not implemented"
	tooNew         = "operator set too new"
)

// refusals are the messages by which ONNX Runtime says that it lacks something,
// as opposed to what it holds to be wrong with a model.
var refusals = []struct{ message, reason string }{
	{"Could not find an implementation", noKernel},
	{"is not currently registered or supported", noKernel},
	{"of input parameter", noKernel},                                                  // in the body of a function
	{"bound to different types", noKernel},                                            // likewise
	{"InsertedPrecisionFreeCast", noKernel},                                           // it tried to cast float16 where there is no such Cast
	{"must have same type as input. Input type is 1 and attribute type is", noKernel}, // it has cast the input
	{"not implemented", notImplemented},
	{"NOT_IMPLEMENTED", notImplemented},
	{"constant_of_shape_base.h", notImplemented},
	{"data type is not supported with", notImplemented},
	{"does not support double yet", notImplemented},
	{"Batchwise recurrent operations (layout == 1) are not supported", notImplemented},
	{"Non per-tensor quantization is not supported", notImplemented},
	{"Training mode only supports spatial BN", notImplemented},
	{"mode only supports:", notImplemented},
	{"under development and support for this is limited", tooNew},
	{"is not a registered function/op", tooNew},
	{"Unrecognized attribute", tooNew},
}

// refusal returns why ONNX Runtime refuses a model, "" if it does not.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	for _, r := range refusals {
		if strings.Contains(err.Error(), r.message) {
			return r.reason
		}
	}
	const codeNotImplemented = 9
	var e *driver.Error
	if errors.As(err, &e) && e.VendorCode == codeNotImplemented {
		return notImplemented
	}
	return ""
}

// explained returns how many draws a difference explains.
func (r *run) explained(k *difference) int {
	n := 0
	for _, c := range r.tallies {
		n += c.known[k]
	}
	return n
}

// total sums the tallies of a run, or of some versions.
func total(tallies map[string]*tally, of func(version string) bool) *tally {
	sum := &tally{refused: make(map[string]int), known: make(map[*difference]int)}
	for version, c := range tallies {
		if !of(version) {
			continue
		}
		sum.equal += c.equal
		sum.bothFail += c.bothFail
		for reason, n := range c.refused {
			sum.refused[reason] += n
		}
		for k, n := range c.known {
			sum.known[k] += n
		}
	}
	return sum
}

// log logs the counts of a run.
func (r *run) log(t *testing.T) {
	sum := total(r.tallies, func(string) bool { return true })
	t.Logf("%d versions: %d draws compared, %d of which differ for a reason that is known; both reject %d; ONNX Runtime refuses %d",
		len(r.tallies), sum.compared(), sum.different(), sum.bothFail, sum.refusals())
	for _, reason := range slices.Sorted(maps.Keys(sum.refused)) {
		t.Logf("%6d %s", sum.refused[reason], reason)
	}
}
