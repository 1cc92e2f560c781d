package differential_test

import (
	"math"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// difference is a known one between ONNX Runtime and the reference. It explains
// the draws of its operators for which when holds.
type difference struct {
	operators string // separated by spaces
	when      func(n *sample, err error) bool
	whose     whose
	reason    string
}

// whose tells who answers for a difference.
type whose string

const (
	theirs whose = "ONNX Runtime" // it does not do what the specification says
	silent whose = "open"         // the specification does not say, or contradicts itself
	crash  whose = "not run"      // the node would end the process
)

// differences is the table of all families.
var differences []*difference

// triage returns the known difference that explains err; without an err the one
// because of which the node must not be run.
func (n *sample) triage(err error) *difference {
	for _, k := range differences {
		if (k.whose == crash) == (err == nil) && slices.Contains(strings.Fields(k.operators), n.schema.Operator()) && k.when(n, err) {
			return k
		}
	}
	return nil
}

// explanation returns the known difference that explains err, nil if there is
// nothing to explain or none that does.
func (n *sample) explanation(err error) *difference {
	if err == nil {
		return nil
	}
	return n.triage(err)
}

// any reports whether an element of input i is so; false where the input is not
// there or is not of numbers.
func (n *sample) any(i int, is func(v float64) bool) bool {
	t := n.tensorAt(i)
	return t != nil && t.DType() != tensor.String && !t.DType().IsComplex() && slices.ContainsFunc(t.Float64s(), is)
}

func infinite(v float64) bool { return math.IsInf(v, 0) }
func negative(v float64) bool { return v < 0 }

// large reports whether the square of a number may not fit an integer type.
func large(v float64) bool { return math.Abs(v) > 1<<14 }

// unexact reports whether float64 may not hold an integer.
func unexact(v float64) bool { return math.Abs(v) >= 1<<53 }

// empty reports whether input i has no elements.
func (n *sample) empty(i int) bool {
	t := n.tensorAt(i)
	return t != nil && t.Len() == 0
}

// ints returns an attribute that is a list, or else the elements of input i.
func (n *sample) ints(name string, i int) []int64 {
	for _, a := range n.attrs {
		if v, ok := a.Value.([]int64); ok && a.Name == name {
			return v
		}
	}
	if t := n.tensorAt(i); t != nil && t.DType().IsInteger() {
		return t.Int64s()
	}
	return nil
}

// int returns an attribute, def where it is not set.
func (n *sample) int(name string, def int64) int64 {
	for _, a := range n.attrs {
		if v, ok := a.Value.(int64); ok && a.Name == name {
			return v
		}
	}
	return def
}

// dtype returns the element type of input i, Undefined where there is none.
func (n *sample) dtype(i int) tensor.DType {
	if t := n.tensorAt(i); t != nil {
		return t.DType()
	}
	return tensor.Undefined
}

// has reports whether the node has an attribute.
func (n *sample) has(name string) bool {
	return slices.ContainsFunc(n.attrs, func(a graph.Attribute) bool { return a.Name == name })
}

// is reports whether the node has an attribute of this value.
func (n *sample) is(name string, v any) bool {
	for _, a := range n.attrs {
		if a.Name == name {
			return a.Value == v
		}
	}
	return false
}

// says reports whether an error has a part.
func says(err error, part string) bool { return strings.Contains(err.Error(), part) }
