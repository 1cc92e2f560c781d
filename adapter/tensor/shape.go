package tensor

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Shape is the extent of each axis of a tensor that exists; an empty Shape is a
// scalar's.
type Shape []int

// ErrTooLarge is what an error about a tensor wraps that cannot be held: its
// bytes overflow an int, or pass the host's memory.
var ErrTooLarge = errors.New("too large")

// maxElements is how many elements a tensor may have: the bytes of as many of the
// widest type are still counted by an int.
const maxElements = math.MaxInt / 16

// Extent returns a number as an extent. What an int cannot hold becomes the
// nearest that it can, which no shape can have.
func Extent(n int64) int { return int(min(max(n, math.MinInt), math.MaxInt)) }

// Elements returns the product of the extents: 1 for a scalar. It returns an
// error for a negative extent, and for more elements than a tensor can have.
func (s Shape) Elements() (int, error) {
	empty := false
	for i, d := range s {
		if d < 0 {
			return 0, fmt.Errorf("tensor: shape %v: axis %d has the negative extent %d", s, i, d)
		}
		empty = empty || d == 0
	}
	if empty {
		return 0, nil
	}
	n := 1
	for _, d := range s {
		if n > maxElements/d {
			return 0, fmt.Errorf("tensor: shape %v is %w: a tensor has at most %d elements", s, ErrTooLarge, maxElements)
		}
		n *= d
	}
	return n, nil
}

// maxHollow bounds the product of the other extents of a tensor without
// elements: they cost no memory, but strides are made of them and loops go
// through them.
const maxHollow = 1 << 28

// count is Elements for a tensor about to be made, which may not be too hollow.
func (s Shape) count() (int, error) {
	n, err := s.Elements()
	if err != nil || n > 0 {
		return n, err
	}
	hollow := 1
	for _, d := range s {
		if d > 0 && hollow > maxHollow/d {
			return 0, fmt.Errorf("tensor: shape %v has no elements and is %w: its other extents may multiply to %d", s, ErrTooLarge, maxHollow)
		}
		hollow *= max(d, 1)
	}
	return 0, nil
}

// Size returns the number of elements of a shape known to be valid.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Strides returns, in elements, how far apart neighbours along each axis lie in
// row-major order.
func (s Shape) Strides() []int {
	strides := make([]int, len(s))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		strides[i] = step
		step *= s[i]
	}
	return strides
}

// Equal reports whether two shapes have the same rank and extents.
func (s Shape) Equal(o Shape) bool {
	if len(s) != len(o) {
		return false
	}
	for i := range s {
		if s[i] != o[i] {
			return false
		}
	}
	return true
}

// Clone returns a copy that shares nothing with s.
func (s Shape) Clone() Shape { return append(make(Shape, 0, len(s)), s...) }

// String returns the shape as "[1,3,224,224]".
func (s Shape) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = strconv.Itoa(d)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// Axis brings an axis, which counts from the back where it is negative, into
// [0, rank), or says why it cannot be.
func Axis(axis int64, rank int) (int, error) {
	if axis < int64(-rank) || axis >= int64(rank) {
		return 0, fmt.Errorf("axis %d is outside [%d, %d) of a tensor of rank %d", axis, -rank, rank, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), nil
}

// Dim is one extent that may not be known yet: a number, a named unknown
// (equal wherever the name is equal), or an unknown.
type Dim struct {
	Size int    // the extent, or -1 while it is unknown
	Name string // the name of an unknown, if it has one
}

// Known returns the Dim of a number.
func Known(n int) Dim { return Dim{Size: n} }

// Symbol returns the Dim of a named unknown; an empty name is an anonymous one.
func Symbol(name string) Dim { return Dim{Size: -1, Name: name} }

// IsKnown reports whether d is a number.
func (d Dim) IsKnown() bool { return d.Size >= 0 }

// Same reports whether d and o are certainly equal.
func (d Dim) Same(o Dim) bool {
	if d.IsKnown() || o.IsKnown() {
		return d.Size == o.Size
	}
	return d.Name != "" && d.Name == o.Name
}

// String returns the number, the name, or "?".
func (d Dim) String() string {
	switch {
	case d.IsKnown():
		return strconv.Itoa(d.Size)
	case d.Name != "":
		return d.Name
	}
	return "?"
}

// Dims is a shape whose extents may be unknown. A nil Dims means that not even
// the rank is known; a scalar's Dims is empty and not nil.
type Dims []Dim

// KnownDims returns the Dims of a shape. It is never nil.
func KnownDims(s Shape) Dims {
	dims := make(Dims, len(s))
	for i, n := range s {
		dims[i] = Known(n)
	}
	return dims
}

// UnknownDims returns Dims of the given rank with every extent unknown.
func UnknownDims(rank int) Dims {
	dims := make(Dims, rank)
	for i := range dims {
		dims[i] = Symbol("")
	}
	return dims
}

// Ranked reports whether the number of axes is known.
func (d Dims) Ranked() bool { return d != nil }

// Shape returns the extents, and whether rank and every extent are known.
func (d Dims) Shape() (Shape, bool) {
	if d == nil {
		return nil, false
	}
	s := make(Shape, len(d))
	for i, dim := range d {
		if !dim.IsKnown() {
			return nil, false
		}
		s[i] = dim.Size
	}
	return s, true
}

// Accepts reports whether a tensor of shape s may stand where d is declared:
// known extents equal, named unknowns not checked against each other.
func (d Dims) Accepts(s Shape) bool {
	if d == nil {
		return true
	}
	if len(d) != len(s) {
		return false
	}
	for i, dim := range d {
		if dim.IsKnown() && dim.Size != s[i] {
			return false
		}
	}
	return true
}

// Clone returns a copy; a nil Dims stays nil.
func (d Dims) Clone() Dims {
	if d == nil {
		return nil
	}
	return append(make(Dims, 0, len(d)), d...)
}

// String returns "[batch,3,?]", or "[...]" when the rank is unknown.
func (d Dims) String() string {
	if d == nil {
		return "[...]"
	}
	parts := make([]string, len(d))
	for i, dim := range d {
		parts[i] = dim.String()
	}
	return "[" + strings.Join(parts, ",") + "]"
}
