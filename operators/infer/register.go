package infer

// Register adds the inference of an operator, in its newest form:
// "com.example.Fold". It is called from the init function of the vendor's
// package, and panics for nil and for an operator that has inference: mistakes
// of the program's author.
//
// Without it types and shapes follow from what package decompose emits for the
// operator, or else element types from its schema.
func Register(operator string, fn Func) {
	if fn == nil {
		panic("infer: Register of nothing for " + operator)
	}
	if _, ok := lookup(operator); ok {
		panic("infer: Register: " + operator + " has inference already")
	}
	functions[operator] = fn
}
