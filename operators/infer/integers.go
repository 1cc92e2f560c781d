package infer

import (
	"strconv"
	"strings"
)

// Arithmetic on integers that may be unknown. Where an operand has a name and
// no value, the result is named by the expression. An expression is written in
// one way only, so that equal names mean equal values.

// maxName bounds the length of an expression's name.
const maxName = 120

func known(v int64) Int { return Int{Value: v, Known: true} }

// sure reports whether two integers are certainly equal.
func sure(a, b Int) bool {
	if a.Known || b.Known {
		return a.Known && b.Known && a.Value == b.Value
	}
	return a.Name != "" && a.Name == b.Name
}

// is reports whether i is known to be v.
func (i Int) is(v int64) bool { return i.Known && i.Value == v }

// natural reports whether i is certainly not negative. The names of extents
// are of such integers, and so are expressions without a minus sign.
func (i Int) natural() bool {
	if i.Known {
		return i.Value >= 0
	}
	return i.Name != "" && !strings.Contains(i.Name, "-")
}

// operand returns how i is written in an expression, "" if it is unknown.
func (i Int) operand() string {
	if i.Known {
		return strconv.FormatInt(i.Value, 10)
	}
	return i.Name
}

// expression returns the integer named after an operation on two others, which
// is unknown if one of them is, or if the name would be too long.
func expression(a Int, operator string, b Int) Int {
	x, y := a.operand(), b.operand()
	name := "(" + x + operator + y + ")"
	if x == "" || y == "" || len(name) > maxName {
		return Int{}
	}
	return Int{Name: name}
}

// symmetric is [expression] for operators whose operands may change places.
func symmetric(a Int, operator string, b Int) Int {
	if a.Known || !b.Known && a.Name > b.Name {
		a, b = b, a
	}
	return expression(a, operator, b)
}

func addInts(a, b Int) Int {
	switch {
	case a.Known && b.Known:
		return known(a.Value + b.Value)
	case a.is(0):
		return b
	case b.is(0):
		return a
	}
	return symmetric(a, "+", b)
}

func subInts(a, b Int) Int {
	switch {
	case a.Known && b.Known:
		return known(a.Value - b.Value)
	case b.is(0):
		return a
	case sure(a, b):
		return known(0)
	}
	return expression(a, "-", b)
}

func mulInts(a, b Int) Int {
	switch {
	case a.Known && b.Known:
		return known(a.Value * b.Value)
	case a.is(0) || b.is(0):
		return known(0)
	case a.is(1):
		return b
	case b.is(1):
		return a
	}
	return symmetric(a, "*", b)
}

// divInts divides towards zero. A divisor that is not known is not 0, or else
// the node fails.
func divInts(a, b Int) Int {
	switch {
	case b.is(0):
		return Int{}
	case a.Known && b.Known:
		return known(a.Value / b.Value)
	case b.is(1):
		return a
	case sure(a, b):
		return known(1)
	}
	return expression(a, "/", b)
}

// modInts returns the remainder that has the sign of the divisor.
func modInts(a, b Int) Int {
	switch {
	case b.is(0):
		return Int{}
	case a.Known && b.Known:
		r := a.Value % b.Value
		if r != 0 && (r < 0) != (b.Value < 0) {
			r += b.Value
		}
		return known(r)
	case b.is(1) || b.is(-1) || sure(a, b):
		return known(0)
	}
	return expression(a, "%", b)
}

func minInts(a, b Int) Int {
	switch {
	case a.Known && b.Known:
		return known(min(a.Value, b.Value))
	case sure(a, b), a.Known && a.Value <= 0 && b.natural():
		return a
	case b.Known && b.Value <= 0 && a.natural():
		return b
	}
	return symmetric(a, " min ", b)
}

func maxInts(a, b Int) Int {
	switch {
	case a.Known && b.Known:
		return known(max(a.Value, b.Value))
	case sure(a, b), b.Known && b.Value <= 0 && a.natural():
		return a
	case a.Known && a.Value <= 0 && b.natural():
		return b
	}
	return symmetric(a, " max ", b)
}

// absInt returns the magnitude of an integer whose sign is known.
func absInt(i Int) Int {
	switch {
	case i.natural():
		return i
	case i.Known:
		return known(-i.Value)
	}
	return Int{}
}

// equalInts returns 1 or 0 where it is certain.
func equalInts(a, b Int) Int {
	switch {
	case sure(a, b):
		return known(1)
	case a.Known && b.Known,
		a.Known && a.Value < 0 && b.natural(),
		b.Known && b.Value < 0 && a.natural():
		return known(0)
	}
	return Int{}
}
