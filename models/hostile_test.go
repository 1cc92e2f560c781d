package models_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// between is a graph with input x and output y.
func between(nodes ...message) message {
	return list(nodes...).bytes(11, vectorInfo("x")).bytes(12, vectorInfo("y"))
}

func relu(x, y string) message { return node("Relu", []string{x}, []string{y}) }

// yes makes an initializer c, a bool that is true.
var yes = message{}.int(2, 9).bytes(9, []byte{1}).text(8, "c")

// nested is a graph of an If in an If …, as deep as asked.
func nested(depth int) message {
	last := list(relu("x", "y")).bytes(12, vectorInfo("y"))
	g := last
	for range depth {
		g = list(node("If", []string{"c"}, []string{"y"}, graphAttribute("then_branch", g), graphAttribute("else_branch", last))).
			bytes(12, vectorInfo("y"))
	}
	return g
}

// sequenceInfo makes a ValueInfoProto of sequences within sequences.
func sequenceInfo(name string, depth int) message {
	t := message{}.bytes(1, message{}.int(1, 1))
	for range depth {
		t = message{}.bytes(4, message{}.bytes(1, t))
	}
	return message{}.text(1, name).bytes(2, t)
}

// laughs are functions each of which calls the next one twice.
func laughs(depth int) []message {
	functions := []message{function("f0", relu("x", "y"))}
	for i := range depth {
		next := fmt.Sprint("f", i)
		functions = append(functions, function(fmt.Sprint("f", i+1), call(next, "x", "m"), call(next, "m", "y")))
	}
	return functions
}

// chain are functions each of which calls the next one once, by nodes of a name.
func chain(depth int, name string) []message {
	functions := []message{function("f0", relu("x", "y"))}
	for i := range depth {
		n := call(fmt.Sprint("f", i), "x", "y").text(3, name)
		functions = append(functions, function(fmt.Sprint("f", i+1), n))
	}
	return functions
}

// bigTensor makes a TensorProto of float32 without elements.
func bigTensor(name string, dims ...int64) message {
	m := message{}.int(2, 1).text(8, name)
	for _, d := range dims {
		m = m.int(1, d)
	}
	return m
}

// broken is a model that breaks a rule, and how it is refused.
type broken struct {
	model message
	kind  error
	says  string
}

func brokenModels() map[string]broken {
	wide := make([]message, 100_000)
	for i := range wide {
		wide[i] = node("Nope", []string{"x"}, []string{fmt.Sprint("v", i)})
	}
	return map[string]broken{
		"cycle":                 {model(between(relu("b", "y"), relu("y", "b"))), models.ErrModel, "cycle"},
		"reads itself":          {model(between(relu("y", "y"))), models.ErrModel, "cycle"},
		"written twice":         {model(between(relu("x", "y"), relu("x", "y"))), models.ErrModel, `"y"`},
		"input written":         {model(between(relu("x", "x"), relu("x", "y"))), models.ErrModel, `"x"`},
		"never written":         {model(between(relu("nothing", "y"))), models.ErrModel, `"nothing"`},
		"output never written":  {model(between(relu("x", "z"))), models.ErrModel, `"y"`},
		"no operator":           {model(between(node("", []string{"x"}, []string{"y"}))), models.ErrModel, "node"},
		"unknown operator":      {model(between(node("Nope", []string{"x"}, []string{"y"}))), adapter.Unsupported, "Nope"},
		"100,000 of them":       {model(between(append(wide, relu("x", "y"))...)), adapter.Unsupported, "100000 nodes"},
		"no operator set":       {message{}.int(1, 10).bytes(7, between(relu("x", "y"))), adapter.Unsupported, "ai.onnx"},
		"too few inputs":        {model(between(node("Add", []string{"x"}, []string{"y"}))), models.ErrModel, "2 inputs"},
		"too many inputs":       {model(between(node("Relu", []string{"x", "x"}, []string{"y"}))), models.ErrModel, "1 input"},
		"unknown attribute":     {model(between(node("Relu", []string{"x"}, []string{"y"}, message{}.text(1, "a").int(3, 1).int(20, 2)))), models.ErrModel, "attribute a"},
		"attribute type":        {model(between(node("Softmax", []string{"x"}, []string{"y"}, message{}.text(1, "axis").text(4, "one").int(20, 3)))), models.ErrModel, "axis"},
		"element type":          {model(between(node("BitwiseNot", []string{"x"}, []string{"y"}))), models.ErrModel, "float"},
		"axis":                  {model(between(node("Softmax", []string{"x"}, []string{"y"}, message{}.text(1, "axis").int(3, 7).int(20, 2)))), models.ErrModel, "axis 7"},
		"function calls itself": {model(between(call("f", "x", "y")), function("f", call("f", "x", "y"))), models.ErrModel, "calls itself"},
		"functions in a circle": {model(between(call("f", "x", "y")), function("f", call("g", "x", "y")), function("g", call("f", "x", "y"))), models.ErrModel, "calls itself"},
		"two to the 60 nodes":   {model(between(call("f60", "x", "y")), laughs(60)...), models.ErrModel, "inlining functions makes"},
		"calls 100,000 deep":    {model(between(call("f100000", "x", "y")), chain(100_000, "")...), models.ErrModel, "deep"},
		"calls by long names":   {model(between(call("f60", "x", "y")), chain(60, strings.Repeat("n", 1<<20))...), models.ErrModel, ""},
		"bodies 1,000 deep":     {model(nested(1000).bytes(5, yes)), models.ErrModel, "64 deep"},
		"sequences 10,000 deep": {model(list(relu("x", "y")).bytes(11, vectorInfo("x")).bytes(11, sequenceInfo("s", 10_000)).bytes(12, vectorInfo("y"))), models.ErrModel, "64 deep"},
		"elements missing":      {model(between(relu("x", "y")).bytes(5, bigTensor("w", 1<<40))), models.ErrModel, `"w"`},
		"extents overflow":      {model(between(relu("x", "y")).bytes(5, bigTensor("w", 1<<30, 1<<30))), models.ErrModel, "too large"},
		"hollow":                {model(between(relu("x", "y")).bytes(5, bigTensor("w", 1<<30, 0))), models.ErrModel, "too large"},
		"negative extent":       {model(between(relu("x", "y")).bytes(5, bigTensor("w", -1))), models.ErrModel, "-1"},
		"sparse of 2^40":        {model(between(relu("x", "y")).bytes(15, message{}.bytes(1, bigTensor("w", 0)).bytes(2, message{}.int(1, 0).int(2, 7)).int(3, 1<<40))), models.ErrModel, `"w"`},
		"nothing":               {message{}, models.ErrModel, ""},
	}
}

// Broken models are refused with what is broken, where.
func TestBrokenModels(t *testing.T) {
	for name, c := range brokenModels() {
		t.Run(name, func(t *testing.T) {
			within(t, bound{10 * time.Second, 512 << 20}, func() {
				err := loadAndRun(c.model, one("cpu"), values{"x": tensor.Of([]float32{-1, 1})})
				refused(t, err)
				assert.ErrorIs(t, err, c.kind)
				assert.ErrorContains(t, err, c.says)
				assert.Less(t, len(err.Error()), 1<<20)
			})
		})
	}
}

// Large models that break no rule load and run in a time about in proportion to
// their size.
func TestLargeModels(t *testing.T) {
	const n = 20_000
	name := func(i int) string { return fmt.Sprint("v", i) }
	relus, ifs, floods := []message{relu("x", name(0))}, []message{}, []message{}
	for i := 1; i < n; i++ {
		relus = append(relus, relu(name(i-1), name(i)))
	}
	inputs := between(append(relus, relu(name(n-1), "y"))...)
	body := func(out string) message { return list(relu("x", out)).bytes(12, vectorInfo(out)) }
	for i := range n / 4 {
		out := name(i)
		ifs = append(ifs, node("If", []string{"c"}, []string{out}, graphAttribute("then_branch", body("a"+out)), graphAttribute("else_branch", body("b"+out))))
	}
	manyIfs := between(append(ifs, relu(name(n/4-1), "y"))...).bytes(5, yes)
	for i := range n {
		floods = append(floods, message{}.text(1, fmt.Sprint("__", i)).int(3, int64(i)).int(20, 2))
	}
	defaults := between(relu("x", "y"))
	for i := range n {
		defaults = defaults.bytes(11, vectorInfo(name(i))).bytes(5, bigTensor(name(i), 1).bytes(9, make([]byte, 4)))
	}
	long := strings.Repeat("n", 1<<20)
	tests := map[string]message{
		"nodes":      inputs,
		"bodies":     manyIfs,
		"attributes": between(node("Relu", []string{"x"}, []string{"y"}, floods...)),
		"defaults":   defaults,
		"deep":       nested(60).bytes(11, vectorInfo("x")).bytes(5, yes),
		"long names": between(node("Relu", []string{"x"}, []string{long}), relu(long, "y")),
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			within(t, bound{10 * time.Second, 512 << 20}, func() {
				err := loadAndRun(model(m), one("cpu"), values{"x": tensor.Of([]float32{-1, 1})})
				assert.NoError(t, err)
			})
		})
	}
}

// Strings that double with every node are never made, neither while loading nor
// while running.
func TestStringsThatDouble(t *testing.T) {
	for _, constant := range []bool{true, false} {
		s := newSketch("strings")
		var x *graph.Value
		word := tensor.Of([]string{"abcdefgh"})
		in := values{}
		if constant {
			x = s.Const(word)
		} else {
			x = s.input("x", tensor.String, 1)
			in["x"] = word
		}
		for range 60 {
			x = s.Op("StringConcat", []*graph.Value{x, x})
		}
		s.output("y", x)
		o := one("cpu")
		o.MemoryLimit = 16 << 20
		b := s.bytes(t)
		within(t, bound{5 * time.Second, 256 << 20}, func() {
			err := loadAndRun(b, o, in)
			refused(t, err)
			assert.ErrorIs(t, err, adapter.OutOfMemory)
		})
	}
}

var _ = require.NoError
