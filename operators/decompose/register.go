package decompose

import "example.com/midplane/operators/graph"

// registered holds what vendors register.
var registered = family{}

// Register adds the rule for an operator, in its newest form: "com.example.Fold".
// It is called from the init function of the vendor's package, and panics for
// nil and for an operator that has a rule: mistakes of the program's author.
//
// A rule is all that an operator needs: every device runs what it emits, and
// types and shapes are inferred through it.
func Register(operator string, rule graph.Rewrite) {
	if rule == nil {
		panic("decompose: Register of nothing for " + operator)
	}
	if _, ok := Lookup(operator); ok {
		panic("decompose: Register: " + operator + " has a rule already")
	}
	registered[operator] = rule
}
