package reference

// registered holds what vendors register.
var registered = family{}

// Register adds the implementation of an operator, in its newest form:
// "com.example.Fold". It is called from the init function of the vendor's
// package, and panics for nil and for an operator that has an implementation:
// mistakes of the program's author.
//
// An operator that package decompose expresses by others needs none.
func Register(operator string, fn Func) {
	if fn == nil {
		panic("reference: Register of nothing for " + operator)
	}
	if _, ok := Lookup(operator); ok {
		panic("reference: Register: " + operator + " has an implementation already")
	}
	registered[operator] = fn
}
