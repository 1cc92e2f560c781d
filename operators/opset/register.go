package opset

import "slices"

// registered holds what vendors register.
var registered = family{}

// Register adds the rules that lift an operator of several versions to its
// newest form, in ascending order of Below: "com.example.Fold". It is called
// from the init function of the vendor's package, and panics for an operator
// that has rules and for another order: mistakes of the program's author.
func Register(operator string, list ...Rule) {
	if rules(operator) != nil {
		panic("opset: Register: " + operator + " has rules already")
	}
	if len(list) == 0 || !slices.IsSortedFunc(list, func(a, b Rule) int { return a.Below - b.Below }) {
		panic("opset: Register: the rules of " + operator + " are none, or not in ascending order")
	}
	registered[operator] = list
}
