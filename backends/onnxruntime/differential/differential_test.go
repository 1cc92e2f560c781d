package differential_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/onnxruntime"
	"example.com/midplane/operators"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// Long names the environment variable that asks for the long profile.
const Long = "MIDPLANE_LONG"

// profile says how many nodes are drawn for a version of an operator: for each
// type that it takes, and at least.
type profile struct{ perType, least int }

func profileOf() profile {
	if os.Getenv(Long) != "" {
		return profile{20, 120}
	}
	return profile{2, 8}
}

// draws is the table of all families: how to draw a node, by operator.
var draws = make(map[string]func(d *dice) *sample)

// TestDifferential compares ONNX Runtime's result of every drawn model, as it
// is, with the reference's of the lifted model.
func TestDifferential(t *testing.T) {
	compiler := open(t)
	p := profileOf()
	table := make(map[string]*tally)
	for s := range operators.All() {
		draw, ok := draws[s.Operator()]
		if _, before := operators.Lookup(s.Domain, s.Name, s.Since-1); !ok || s.Deprecated && before {
			continue
		}
		c := &tally{}
		table[versionOf(s)] = c
		t.Run(fmt.Sprintf("%s/%d", s.Operator(), s.Since), func(t *testing.T) {
			for variable, d := range firsts(s) {
				t.Run(d.String(), func(t *testing.T) { c.series(t, compiler, s, draw, variable, d, p) })
			}
		})
	}
	report(t, table)
}

// open returns ONNX Runtime's own kernels, without optimisation of graphs.
func open(t *testing.T) operators.Compiler {
	t.Helper()
	if os.Getenv(onnxruntime.Variable) == "" {
		t.Skipf("%s is not set: nothing was compared with ONNX Runtime", onnxruntime.Variable)
	}
	d, err := onnxruntime.Driver{}.Open(t.Context(), 0, &driver.Options{Strict: true, Threads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	c, ok := adapter.As[operators.Compiler](adapter.New("onnxruntime:0", d))
	require.True(t, ok)
	return c
}

func versionOf(s *operators.Schema) string { return fmt.Sprintf("%s %d", s.Operator(), s.Since) }

// firsts yields, for the type variable that takes most types, each of them.
func firsts(s *operators.Schema) func(yield func(string, tensor.DType) bool) {
	best := slices.MaxFunc(append([]operators.Constraint{{}}, s.Types...), func(a, b operators.Constraint) int {
		return cmp.Compare(len(s.Elements(a.Name)), len(s.Elements(b.Name)))
	})
	list := s.Elements(best.Name)
	if len(list) == 0 {
		list = []tensor.DType{tensor.Undefined}
	}
	return func(yield func(string, tensor.DType) bool) {
		for _, d := range list {
			if !yield(best.Name, d) {
				return
			}
		}
	}
}

// tally counts what became of the draws for a version of an operator.
type tally struct {
	equal, bothFail int
	refused         map[string]int // by reason
	triaged         map[*difference]int
	rewritten       bool // the lift changes some node
}

func (c *tally) compared() int {
	n := c.equal
	for _, k := range c.triaged {
		n += k
	}
	return n
}

// series draws and compares nodes for one type. It ends early where ONNX
// Runtime has no kernel for the type.
func (c *tally) series(t *testing.T, ort operators.Compiler, s *operators.Schema, draw func(*dice) *sample, variable string, d tensor.DType, p profile) {
	const enough = 3 // refusals in a row that end a series without a result
	n := max(p.perType, p.least/max(1, len(s.Elements(variable))))
	before := c.compared()
	refusals := 0
	for i := range n {
		dice := newDice(s, variable, d, i)
		node := draw(dice)
		if node == nil {
			continue
		}
		if c.one(t, ort, dice, node, i) {
			if refusals++; refusals == enough && c.compared() == before {
				return
			}
		}
	}
}

// one compares one node, and reports whether ONNX Runtime refused it.
func (c *tally) one(t *testing.T, ort operators.Compiler, d *dice, n *sample, number int) (refused bool) {
	if known := n.triage(nil); known != nil {
		c.count(known)
		return false
	}
	if os.Getenv("MIDPLANE_TRACE") != "" {
		fmt.Fprintln(os.Stderr, t.Name(), number, n)
	}
	want, got, theirs, ours := c.results(t.Context(), ort, d, n)
	if reason := refusal(theirs); reason != "" {
		if c.refused == nil {
			c.refused = make(map[string]int)
		}
		c.refused[reason]++
		if ours != nil {
			assert.NotContains(t, ours.Error(), "inputs that the operator cannot take", "draw %d, %s", number, n)
		}
		return true
	}
	err := n.differ(want, got, theirs, ours)
	switch {
	case err != nil:
		known := n.triage(err)
		if known == nil {
			t.Errorf("draw %d: %s; %s", number, strings.ReplaceAll(err.Error(), "\n", " "), n)
			return false
		}
		c.count(known)
	case theirs != nil:
		c.bothFail++
	default:
		c.equal++
	}
	return false
}

func (c *tally) count(k *difference) {
	if c.triaged == nil {
		c.triaged = make(map[*difference]int)
	}
	c.triaged[k]++
}

// results computes a node by both implementations.
func (c *tally) results(ctx context.Context, ort operators.Compiler, d *dice, n *sample) (want, got []tensor.Value, theirs, ours error) {
	m, inputs := n.model(d)
	lifted, ours := opset.Lift(ctx, m)
	if ours == nil {
		c.rewritten = c.rewritten || len(lifted.Nodes) != 1 || lifted.Nodes[0].Op != n.schema.Name || len(lifted.Nodes[0].Attributes) != len(n.attrs) || len(lifted.Nodes[0].Inputs) != len(n.inputs)
		got, ours = reference.Evaluate(ctx, lifted, inputs)
	}
	for i, v := range m.Graph.Outputs {
		if i < len(got) && got[i] != nil {
			v.Type = unshaped(got[i].Type())
		}
	}
	x, theirs := ort.Compile(ctx, operators.Source{Model: m})
	if theirs != nil {
		return nil, got, theirs, ours
	}
	defer x.Close()
	want, theirs = x.Run(ctx, inputs)
	return want, got, theirs, ours
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

// refusals are the messages by which ONNX Runtime says that it lacks something,
// as opposed to what it holds to be wrong with a model.
var refusals = []struct{ message, reason string }{
	{"Could not find an implementation", "no kernel"},
	{"under development and support for this is limited", "operator set too new"},
	{"is not a registered function/op", "operator set too new"},
	{"not implemented", "not implemented"},
	{"NOT_IMPLEMENTED", "not implemented"},
	{"of input parameter", "no kernel"}, // of an operator that a function's body uses
	{"is not currently registered or supported", "no kernel"},
	{"bound to different types", "no kernel"}, // in a function's body
	{"constant_of_shape_base.h", "not implemented"},
	{"data type is not supported with", "not implemented"},
	{"does not support double yet", "not implemented"},
	{"Batchwise recurrent operations (layout == 1) are not supported", "not implemented"},
	{"Non per-tensor quantization is not supported", "not implemented"},
	{"Training mode only supports spatial BN", "not implemented"},
	{"mode only supports:", "not implemented"},
	{"Unrecognized attribute", "operator set too new"},
	{"must have same type as input. Input type is 1 and attribute type is 10", "no kernel"}, // it has cast the input
	{"InsertedPrecisionFreeCast", "no kernel"},                                              // it tried to cast float16 in an operator set without such a Cast
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
	var e *driver.Error
	if errors.As(err, &e) && e.VendorCode == 9 {
		return "not implemented"
	}
	return ""
}

// report logs the counts of a run.
func report(t *testing.T, table map[string]*tally) {
	var compared, refused, bothFail, triaged int
	reasons := make(map[string]int)
	for _, c := range table {
		compared += c.compared()
		bothFail += c.bothFail
		for reason, n := range c.refused {
			refused += n
			reasons[reason] += n
		}
		for _, n := range c.triaged {
			triaged += n
		}
	}
	t.Logf("%d versions: %d draws compared, %d of them with triaged differences; both reject %d; ONNX Runtime refuses %d", len(table), compared, triaged, bothFail, refused)
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		t.Logf("%6d %s", reasons[reason], reason)
	}
}
