package differential_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators"
)

// page is where the results are written.
const page = "../../../docs/differences.md"

const introduction = `<!-- Written by the tests of backends/onnxruntime/differential; see the command below. -->

# ONNX Runtime and the reference

The reference (package ` + "`operators/reference`" + `) is what every backend is held against, and old versions of operators reach it by the lifts of package ` + "`operators/opset`" + `. The evidence for both that does not come from this repository: random models of one node, in the form of every version of every operator, computed by ONNX Runtime as they are and by the reference after the lift. Shapes and types have to be equal, integers and strings too, and floats near each other.

	MIDPLANE_ONNXRUNTIME=$(make -s deps-onnxruntime) MIDPLANE_ONNX_TESTDATA=… MIDPLANE_LONG=1 \
		go test ./backends/onnxruntime/differential -run TestDifferential -update

Draws are the same in every run, so a difference can be looked at again by its name and number: ` + "`-run 'TestDifferential/Gemm/7/float64'`" + `. Without MIDPLANE_LONG a tenth of them is drawn. MIDPLANE_START=1000 draws others.
`

// page returns the page of a run.
func (r *run) page(t *testing.T) string {
	var b strings.Builder
	b.WriteString(introduction)
	r.operators(&b)
	r.reasons(&b)
	r.versions(t, &b)
	return b.String()
}

// operators writes how many draws were compared, by operator.
func (r *run) operators(b *strings.Builder) {
	sum := total(r.tallies, func(string) bool { return true })
	fmt.Fprintf(b, "\n## Draws\n\n%d draws were compared, of which %d differ, each for a reason below. ONNX Runtime refuses %d more: it has no kernel for the type or the version, or must not be given them. Both implementations reject %d.\n\n",
		sum.compared(), sum.different(), sum.refusals(), sum.bothFail)
	b.WriteString("| operator | compared | equal | differ | both reject | refused |\n| --- | --: | --: | --: | --: | --: |\n")
	for _, name := range operatorNames() {
		c := total(r.tallies, func(version string) bool { return strings.HasPrefix(version, name+" ") })
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d |\n", name, c.compared(), c.equal, c.different(), c.bothFail, c.refusals())
	}
}

// operatorNames lists the operators of the catalogue.
func operatorNames() []string {
	var names []string
	for s := range operators.All() {
		if len(names) == 0 || names[len(names)-1] != s.Operator() {
			names = append(names, s.Operator())
		}
	}
	return names
}

// reasons writes what is known to differ.
func (r *run) reasons(b *strings.Builder) {
	b.WriteString("\n## What differs\n\nWhose a difference is: ONNX Runtime's, which does not do what the specification says; open, where the specification says nothing or contradicts itself; or the node is not run, because it would end the process.\n\n")
	b.WriteString("| operators | whose | draws | what |\n| --- | --- | --: | --- |\n")
	for _, k := range slices.SortedStableFunc(slices.Values(differences), func(a, b *difference) int { return strings.Compare(a.operators, b.operators) }) {
		fmt.Fprintf(b, "| %s | %s | %d | %s |\n", strings.ReplaceAll(k.operators, " ", ", "), k.whose, r.explained(k), k.reason)
	}
}

// versions writes what speaks for each version.
func (r *run) versions(t *testing.T, b *strings.Builder) {
	b.WriteString("\n## Evidence by version\n\nWhat speaks for the result of each version: draws that ONNX Runtime computes likewise, official cases that use it (all of which the reference passes), and tests of package opset whose values were worked out by hand from the text of the version. A lift that changes nodes is marked.\n\n")
	b.WriteString("| operator | version | lift | evidence |\n| --- | --: | --- | --- |\n")
	for _, e := range r.evidenceOf(t) {
		lift := ""
		if e.lifted {
			lift = "changes"
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s |\n", e.schema.Operator(), e.schema.Since, lift, e)
	}
}

// The page knows every version of the catalogue and everything that differs.
func TestPageIsComplete(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for s := range operators.All() {
		if !superseded(s) {
			assert.Contains(t, string(text), fmt.Sprintf("\n| %s | %d | ", s.Operator(), s.Since))
		}
	}
	for _, k := range differences {
		assert.Contains(t, string(text), fmt.Sprintf("| %s | %s | ", strings.ReplaceAll(k.operators, " ", ", "), k.whose))
		assert.Contains(t, string(text), k.reason)
	}
	handWorkedOf(t)
}
