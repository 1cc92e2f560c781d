package differential_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

// dice draws nodes of one version of an operator.
type dice struct {
	*rand.Rand
	schema *operators.Schema
	opset  int                     // the version of the operator set under which the node is to be read
	first  tensor.DType            // the type of the variable that takes most
	types  map[string]tensor.DType // of type variables, as far as they are drawn
}

// newestOpset is the newest version of ai.onnx that ONNX Runtime 1.30 reads.
const newestOpset = 26

// newDice returns dice that always fall the same for a version of an operator,
// a type and a number.
func newDice(s *operators.Schema, variable string, d tensor.DType, number int) *dice {
	seed := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(s.Operator() + " " + d.String()) {
		seed = (seed ^ uint64(c)) * 1099511628211
	}
	r := rand.New(rand.NewPCG(seed, uint64(s.Since)<<32|uint64(number)))
	dice := &dice{r, s, s.Since, d, map[string]tensor.DType{variable: d}}
	if dice.one(2) {
		dice.opset = lastInForce(s)
	}
	return dice
}

// lastInForce returns the newest version of the operator set, of those that ONNX
// Runtime reads, in which a version of an operator is in force.
func lastInForce(s *operators.Schema) int {
	last := operators.NewestOpset(s.Domain)
	if s.Domain == "" {
		last = max(newestOpset, s.Since)
	}
	for _, other := range operators.Versions(s.Domain, s.Name) {
		if other.Since > s.Since {
			last = min(last, other.Since-1)
		}
	}
	return last
}

// since reports whether the drawn version is this one or a newer one.
func (d *dice) since(version int) bool { return d.schema.Since >= version }

// one reports true once in n times.
func (d *dice) one(n int) bool { return d.IntN(n) == 0 }

// between draws from [low, high].
func (d *dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// pick draws an element.
func pick[T any](d *dice, from ...T) T { return from[d.IntN(len(from))] }

// of returns the element type that a type variable takes in this draw.
func (d *dice) of(variable string) tensor.DType {
	if t, ok := d.types[variable]; ok {
		return t
	}
	list := d.schema.Elements(variable)
	var common []tensor.DType
	for _, t := range []tensor.DType{tensor.Float32, tensor.Int64, tensor.Int32, tensor.Uint8, tensor.Bool} {
		if slices.Contains(list, t) {
			common = append(common, t)
		}
	}
	t := tensor.Undefined
	switch {
	case slices.Contains(list, d.first) && !d.one(3):
		t = d.first
	case len(common) > 0 && d.one(2):
		t = pick(d, common...)
	case len(list) > 0:
		t = pick(d, list...)
	}
	d.types[variable] = t
	return t
}

// input returns the element type of the formal input i.
func (d *dice) input(i int) tensor.DType {
	p, _ := d.schema.Input(i)
	return d.of(p.Type)
}

// rank draws the number of axes, from low to 5, rarely many.
func (d *dice) rank(low int) int { return max(low, pick(d, 0, 1, 1, 2, 2, 2, 3, 3, 4, 5)) }

// shape draws extents, rarely zero.
func (d *dice) shape(rank int) tensor.Shape {
	s := make(tensor.Shape, rank)
	for i := range s {
		s[i] = pick(d, 1, 1, 2, 2, 3, 3, 4, 5)
	}
	if rank > 0 && d.one(12) {
		s[d.IntN(rank)] = 0
	}
	return s
}

// full draws extents of which none is zero.
func (d *dice) full(rank, most int) tensor.Shape {
	s := make(tensor.Shape, rank)
	for i := range s {
		s[i] = d.between(1, most)
	}
	return s
}

// broadcasts draws a shape that broadcasts to s as NumPy does.
func (d *dice) broadcasts(s tensor.Shape) tensor.Shape {
	t := s.Clone()
	if d.one(2) {
		return t
	}
	for i := range t {
		if d.one(3) {
			t[i] = 1
		}
	}
	return t[d.IntN(len(t)+1):]
}

// axis draws an axis, a negative one where the version allows it.
func (d *dice) axis(rank int, negative bool) int {
	if rank == 0 {
		return 0
	}
	if negative && d.one(2) {
		return d.IntN(rank) - rank
	}
	return d.IntN(rank)
}

// axes draws some distinct axes.
func (d *dice) axes(rank int, negative bool) []int64 {
	list := make([]int64, 0, rank)
	for _, a := range d.Perm(rank)[:d.IntN(rank+1)] {
		if negative && d.one(2) {
			a -= rank
		}
		list = append(list, int64(a))
	}
	return list
}

// list draws n integers from [low, high].
func (d *dice) list(n, low, high int) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(d.between(low, high))
	}
	return v
}

// real draws n real numbers from [low, high).
func (d *dice) real(n int, low, high float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = low + d.Float64()*(high-low)
	}
	return v
}

// special are the numbers at which implementations part.
var special = []float64{
	math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5,
	1e-4, -1e-4, 100, -100, 6e4, 1e-40,
}

// tensor draws elements from [low, high): of integers too, as far as they have
// such values.
func (d *dice) tensor(t tensor.DType, s tensor.Shape, low, high float64) *tensor.Tensor {
	switch {
	case t == tensor.String:
		return d.strings(s)
	case t == tensor.Bool:
		return tensor.FromInt64s(t, s, d.list(s.Size(), 0, 1))
	case t.IsComplex():
		x := make([]complex64, s.Size())
		for i := range x {
			x[i] = complex(float32(low+d.Float64()*(high-low)), float32(low+d.Float64()*(high-low)))
		}
		return complexTensor(t, s, x)
	case t.IsUnsigned():
		low = max(low, 0)
	}
	v := d.real(s.Size(), low, max(low, high))
	if t.IsInteger() {
		for i := range v {
			v[i] = math.Floor(v[i])
		}
	}
	return tensor.FromFloat64s(t, s, v)
}

// wild draws elements of the whole range of a type, special ones among them.
func (d *dice) wild(t tensor.DType, s tensor.Shape) *tensor.Tensor {
	switch {
	case t.IsFloat() && d.one(3):
		v := d.real(s.Size(), -4, 4)
		for i := range v {
			if d.one(2) {
				v[i] = pick(d, special...)
			}
		}
		return tensor.FromFloat64s(t, s, v)
	case t.IsInteger() && d.one(3):
		v := make([]int64, s.Size())
		for i := range v {
			v[i] = int64(d.Uint64())
		}
		return tensor.FromInt64s(t, s, v)
	}
	return d.tensor(t, s, -4, 5)
}

var words = []string{"", "a", "b", "ab", "Ab", "midplane", "straße", "数", "x y", "1", "-2.5"}

func (d *dice) strings(s tensor.Shape) *tensor.Tensor {
	v := make([]string, s.Size())
	for i := range v {
		v[i] = pick(d, words...)
	}
	return tensor.Of(v, s...)
}

func complexTensor(t tensor.DType, s tensor.Shape, x []complex64) *tensor.Tensor {
	if t == tensor.Complex64 {
		return tensor.Of(x, s...)
	}
	wide := make([]complex128, len(x))
	for i, c := range x {
		wide[i] = complex128(c)
	}
	return tensor.Of(wide, s...)
}

// ints makes a one-dimensional tensor.
func ints(v ...int64) *tensor.Tensor { return tensor.Of(slices.Clone(v), len(v)) }
