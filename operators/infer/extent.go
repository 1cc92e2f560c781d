package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// allAxes brings every axis into [0, rank) and rejects repeated ones.
func allAxes(axes []int64, rank int) ([]int, error) {
	out := make([]int, len(axes))
	seen := make([]bool, rank)
	for i, a := range axes {
		axis, err := tensor.Axis(a, rank)
		if err != nil {
			return nil, err
		}
		if seen[axis] {
			return nil, fmt.Errorf("axis %d is given twice in %v", axis, axes)
		}
		out[i], seen[axis] = axis, true
	}
	return out, nil
}

// factors splits a product of extents into its known part and its symbols. It
// reports false where the product cannot be told: an extent has no name, or the
// known part overflows.
func factors(dims tensor.Dims) (known int, symbols []tensor.Dim, ok bool) {
	numbers := tensor.Shape{}
	ok = dims.Ranked()
	for _, d := range dims {
		switch {
		case d.IsKnown():
			numbers = append(numbers, d.Size)
		case d.Name == "":
			ok = false
		default:
			symbols = append(symbols, d)
		}
	}
	known, err := numbers.Elements()
	if err != nil {
		return 0, nil, false
	}
	if known == 0 && dims.Ranked() {
		return 0, nil, true
	}
	return known, symbols, ok
}

// productOf returns the product of extents: a number, the one symbol among ones,
// or an unknown.
func productOf(dims tensor.Dims) tensor.Dim {
	switch known, symbols, ok := factors(dims); {
	case ok && len(symbols) == 0:
		return tensor.Known(known)
	case ok && known == 1 && len(symbols) == 1:
		return symbols[0]
	}
	return tensor.Symbol("")
}

// quotient returns what is left of a product of extents when the factors over
// are taken out of it. An error says that the division is not exact.
func quotient(of, over tensor.Dims) (tensor.Dim, error) {
	n, symbols, ok := factors(of)
	by, taken, okBy := factors(over)
	if !ok || !okBy || by == 0 {
		return tensor.Symbol(""), nil
	}
	for _, t := range taken {
		i := 0
		for i < len(symbols) && !symbols[i].Same(t) {
			i++
		}
		if i == len(symbols) {
			return tensor.Symbol(""), nil
		}
		symbols = append(symbols[:i:i], symbols[i+1:]...)
	}
	switch {
	case len(symbols) == 0 && n%by != 0:
		return tensor.Dim{}, fmt.Errorf("%d elements are no multiple of %d", n, by)
	case len(symbols) == 0:
		return tensor.Known(n / by), nil
	case len(symbols) == 1 && n == by:
		return symbols[0], nil
	}
	return tensor.Symbol(""), nil
}

// sumOf returns the sum of extents: a number, the one symbol among zeros, or an
// unknown.
func sumOf(dims tensor.Dims) tensor.Dim {
	total, symbol := 0, tensor.Known(0)
	for _, d := range dims {
		switch {
		case d.IsKnown():
			total += d.Size
		case symbol.IsKnown():
			symbol = d
		default:
			return tensor.Symbol("")
		}
	}
	switch {
	case symbol.IsKnown():
		return tensor.Known(total)
	case total == 0:
		return symbol
	}
	return tensor.Symbol("")
}

// scaled returns an extent times n.
func scaled(d tensor.Dim, n int) tensor.Dim { return productOf(tensor.Dims{d, tensor.Known(n)}) }

// divided returns an extent divided by n, or says that it is no multiple of n.
func divided(d tensor.Dim, n int) (tensor.Dim, error) {
	return quotient(tensor.Dims{d}, tensor.Dims{tensor.Known(n)})
}

// unified returns what is known of an extent that is both a and b, or says that
// they differ.
func unified(a, b tensor.Dim) (tensor.Dim, error) {
	switch {
	case a.IsKnown() && b.IsKnown() && a.Size != b.Size:
		return a, fmt.Errorf("extents %d and %d differ", a.Size, b.Size)
	case a.IsKnown() || !b.IsKnown() && a.Name != "":
		return a, nil
	}
	return b, nil
}

// extents returns the extents that integers stand for; a known negative one is
// an error.
func extents(values []Int) (tensor.Dims, error) {
	dims := make(tensor.Dims, len(values))
	for i, v := range values {
		if v.Known && v.Value < 0 {
			return nil, fmt.Errorf("axis %d has the negative extent %d", i, v.Value)
		}
		dims[i] = v.Dim()
	}
	return dims, nil
}

// unknownLike returns unknown extents of the rank of dims, nil if that is
// unknown too.
func unknownLike(dims tensor.Dims) tensor.Dims {
	if !dims.Ranked() {
		return nil
	}
	return tensor.UnknownDims(len(dims))
}

// elements returns the elements of input i as far as they are known if it is an
// integer tensor of at most one axis and a known number of elements.
func (c *Call) elements(i int) ([]Int, bool) {
	rank, ok := c.Rank(i)
	if !ok || rank > 1 || !c.DType(i).IsInteger() {
		return nil, false
	}
	return c.Values(i)
}

// keepInts passes on what is known of the elements of input 0 to output 0, which
// has the same elements in the same order, if it has at most one axis.
func (c *Call) keepInts() {
	if values, ok := c.Values(0); ok && c.DType(0).IsInteger() && len(c.Out[0].Type.Dims) <= 1 {
		c.SetInts(0, values)
	}
}
