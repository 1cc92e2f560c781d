// Package decompose expresses operators by others: ONNX's own function
// operators, and operators that follow from simpler ones. A device that lacks a
// kernel can then run the operator on the kernels that it has.
//
// Rules see and emit operators in their newest form. A rule may decline, with
// an error that says what it would have to know (a rank, a constant). Rules of
// one family lie in one file, in a table named after it; [table.go] gathers the
// tables.
package decompose

import "example.com/midplane/operators/graph"

type family map[string]graph.Rewrite

// Lookup returns the rule for an operator: "Gelu".
func Lookup(operator string) (graph.Rewrite, bool) {
	for _, f := range families {
		if rule, ok := f[operator]; ok {
			return rule, true
		}
	}
	return nil, false
}

// Costly reports whether the rule for an operator emits more work than the
// operator is, so that any kernel of its own is better: a DFT of n elements
// becomes a product with an n × n matrix.
func Costly(operator string) bool { return operator == "DFT" }
