package differential_test

import (
	"cmp"
	"flag"
	"fmt"
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
)

// The environment variables that change what is drawn: the long profile instead
// of the quick one, and a number from which draws are counted, to hunt with
// others than those of the page.
const (
	long  = "MIDPLANE_LONG"
	start = "MIDPLANE_START"
)

var update = flag.Bool("update", false, "write docs/differences.md anew, in the long profile")

// profile says how many nodes are drawn for a version of an operator: for each
// type that it takes, and at least.
type profile struct{ perType, least int }

var (
	quickly = profile{2, 8}
	longer  = profile{24, 160}
)

// draws is the table of all families: how to draw a node, by operator. A draw is
// nil where the type has no meaning for the operator.
var draws = make(map[string]func(d *dice) *sample)

// TestDifferential compares ONNX Runtime's result of every drawn model, as it
// is, with the reference's of the lifted model.
func TestDifferential(t *testing.T) {
	r := &run{ort: open(t), profile: quickly, tallies: make(map[string]*tally)}
	if os.Getenv(long) != "" {
		r.profile = longer
	}
	for s := range operators.All() {
		draw, ok := draws[s.Operator()]
		if !ok || superseded(s) {
			continue
		}
		c := &tally{}
		r.tallies[versionOf(s)] = c
		t.Run(fmt.Sprintf("%s/%d", s.Operator(), s.Since), func(t *testing.T) {
			for variable, d := range firsts(s) {
				t.Run(d.String(), func(t *testing.T) { r.series(t, c, s, draw, variable, d) })
			}
		})
	}
	r.log(t)
	whole := !strings.Contains(flag.Lookup("test.run").Value.String(), "/")
	if r.profile == longer && whole && os.Getenv(start) == "" {
		for _, k := range differences {
			assert.NotZero(t, r.explained(k), "no draw of %s differs because of this any more: %s", k.operators, k.reason)
		}
		if *update && !t.Failed() {
			require.NoError(t, os.WriteFile(page, []byte(r.page(t)), 0o644))
		}
	}
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

// versionOf names a version of an operator: "Cast 9".
func versionOf(s *operators.Schema) string { return fmt.Sprintf("%s %d", s.Operator(), s.Since) }

// superseded reports whether a version only withdraws an operator, of which the
// version before is the last.
func superseded(s *operators.Schema) bool {
	_, before := operators.Lookup(s.Domain, s.Name, s.Since-1)
	return s.Deprecated && before
}

// firsts yields, for the type variable that takes most types, each of them.
func firsts(s *operators.Schema) func(yield func(string, tensor.DType) bool) {
	most := slices.MaxFunc(append([]operators.Constraint{{}}, s.Types...), func(a, b operators.Constraint) int {
		return cmp.Compare(len(s.Elements(a.Name)), len(s.Elements(b.Name)))
	})
	list := s.Elements(most.Name)
	if len(list) == 0 {
		list = []tensor.DType{tensor.Undefined}
	}
	return func(yield func(string, tensor.DType) bool) {
		for _, d := range list {
			if !yield(most.Name, d) {
				return
			}
		}
	}
}
