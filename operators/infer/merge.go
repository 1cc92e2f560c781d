package infer

import (
	"bytes"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// settle runs a body that carries states from one iteration to the next until
// what is known of them holds in every iteration. run gives the body's outputs,
// the new states first. It returns the facts of the states that hold before and
// after every iteration, and the outputs that the body has with them.
func settle(states []Fact, run func([]Fact) ([]Fact, error)) (always, out []Fact, err error) {
	const rounds = 8 // of merging; then all that still changes is given up
	always = slices.Clone(states)
	for round := 0; ; round++ {
		if out, err = run(slices.Clone(always)); err != nil {
			return nil, nil, err
		}
		stable := true
		for i, f := range always {
			next := merge(f, out[i])
			if same(f, next) {
				continue
			}
			stable = false
			if round >= rounds {
				next = shapeless([]Fact{next})[0]
			}
			always[i] = next
		}
		if stable {
			return always, out, nil
		}
	}
}

// merge returns what is known of a value that is one of two.
func merge(a, b Fact) Fact {
	f := Fact{Type: mergeTypes(a.Type, b.Type)}
	if a.Const != nil && b.Const != nil && equal(a.Const, b.Const) {
		f.Const = a.Const
	}
	x, known := a.values()
	y, too := b.values()
	if f.Const == nil && known && too && len(x) == len(y) && f.Type.IsTensor() && f.Type.DType.IsInteger() {
		ints, some := make([]Int, len(x)), false
		for i := range x {
			if x[i] == y[i] {
				ints[i] = x[i]
				some = some || x[i] != Int{}
			}
		}
		if some {
			f.Ints = ints
		}
	}
	return f
}

// mergeTypes returns the type of a value that is of one of two types. Where one
// is not known it is taken to be as the other, of any shape.
func mergeTypes(a, b tensor.Type) tensor.Type {
	switch {
	case a.Kind == tensor.KindUnknown:
		return withoutShape(b)
	case b.Kind == tensor.KindUnknown:
		return withoutShape(a)
	case a.Kind != b.Kind:
		return tensor.Type{}
	}
	t := tensor.Type{Kind: a.Kind, DType: a.DType, Elem: a.Elem}
	switch {
	case a.DType == tensor.Undefined:
		t.DType = b.DType
	case b.DType != tensor.Undefined && a.DType != b.DType:
		t.DType = tensor.Undefined
	}
	if a.Dims.Ranked() && b.Dims.Ranked() && len(a.Dims) == len(b.Dims) {
		t.Dims = mergeDims(a.Dims, b.Dims)
	}
	switch {
	case a.Elem == nil:
		t.Elem = b.Elem
	case b.Elem != nil:
		elem := mergeTypes(*a.Elem, *b.Elem)
		t.Elem = &elem
	}
	return t
}

// mergeDims returns extents that are known only where those of both are equal.
func mergeDims(a, b tensor.Dims) tensor.Dims {
	dims := make(tensor.Dims, len(a))
	for i := range dims {
		if dims[i] = tensor.Symbol(""); a[i].Same(b[i]) {
			dims[i] = a[i]
		}
	}
	return dims
}

// withoutShape returns a type with no extents, in containers neither.
func withoutShape(t tensor.Type) tensor.Type {
	t.Dims = nil
	if t.Elem != nil {
		elem := withoutShape(*t.Elem)
		t.Elem = &elem
	}
	return t
}

// shapeless returns facts with nothing but the types, without extents.
func shapeless(facts []Fact) []Fact {
	out := make([]Fact, len(facts))
	for i, f := range facts {
		out[i].Type = withoutShape(f.Type)
	}
	return out
}

// same reports whether two facts say the same.
func same(a, b Fact) bool {
	if (a.Const == nil) != (b.Const == nil) || a.Const != nil && !equal(a.Const, b.Const) {
		return false
	}
	return alike(a.Type, b.Type) && (a.Const != nil || slices.Equal(a.Ints, b.Ints))
}

func alike(a, b tensor.Type) bool {
	if a.Kind != b.Kind || a.DType != b.DType || a.Dims.Ranked() != b.Dims.Ranked() || !slices.Equal(a.Dims, b.Dims) {
		return false
	}
	if a.Elem == nil || b.Elem == nil {
		return a.Elem == b.Elem
	}
	return alike(*a.Elem, *b.Elem)
}

// equal reports whether two tensors are the same bits.
func equal(a, b *tensor.Tensor) bool {
	return a == b || a.DType() == b.DType() && a.Shape().Equal(b.Shape()) &&
		bytes.Equal(a.Bytes(), b.Bytes()) && slices.Equal(a.Strings(), b.Strings())
}
