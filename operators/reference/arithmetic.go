package reference

import (
	"errors"
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// arithmetic holds Add, Sub, Mul, Div, Mod, Pow, Neg, Abs, Sign, Reciprocal,
// Sqrt, Exp, Log, Floor, Ceil, Round, Min, Max, Sum, Mean, BitShift, Erf.
var arithmetic = family{
	"Add":        binary{add[float64], add[int64], add[uint64], nil}.run,
	"Sub":        binary{sub[float64], sub[int64], sub[uint64], nil}.run,
	"Mul":        binary{mul[float64], mul[int64], mul[uint64], nil}.run,
	"Div":        div,
	"Mod":        mod,
	"Pow":        pow,
	"Neg":        unary{neg[float64], neg[int64], nil}.run,
	"Abs":        unary{math.Abs, absInt, same[uint64]}.run,
	"Sign":       unary{sign[float64], sign[int64], sign[uint64]}.run,
	"Reciprocal": realFunc(func(v float64) float64 { return 1 / v }),
	"Sqrt":       realFunc(math.Sqrt),
	"Exp":        realFunc(math.Exp),
	"Log":        realFunc(math.Log),
	"Floor":      realFunc(math.Floor),
	"Ceil":       realFunc(math.Ceil),
	"Round":      realFunc(math.RoundToEven),
	"Erf":        realFunc(math.Erf),
	"Min":        variadic(binary{least[float64], least[int64], least[uint64], nil}),
	"Max":        variadic(binary{greatest[float64], greatest[int64], greatest[uint64], nil}),
	"Sum":        sumOp,
	"Mean":       meanOp,
	"BitShift":   bitShift,
}

func add[T wide](a, b T) T { return a + b }
func sub[T wide](a, b T) T { return a - b }
func mul[T wide](a, b T) T { return a * b }
func quo[T wide](a, b T) T { return a / b }
func neg[T wide](v T) T    { return -v }
func same[T wide](v T) T   { return v }

// least and greatest return NaN if an operand is.
func least[T wide](a, b T) T    { return min(a, b) }
func greatest[T wide](a, b T) T { return max(a, b) }

func absInt(v int64) int64 { return max(v, -v) }

// sign returns -1, 0 or 1, and NaN for NaN.
func sign[T wide](v T) T {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -T(1)
	case v == 0:
		return 0
	}
	return v
}

// div divides; integers towards zero.
func div(c *Call) ([]tensor.Value, error) {
	if err := checkDivisor(c.Tensor(1)); err != nil {
		return nil, err
	}
	return binary{quo[float64], quo[int64], quo[uint64], nil}.run(c)
}

// checkDivisor rejects integer tensors that contain 0.
func checkDivisor(t *tensor.Tensor) error {
	if !t.DType().IsInteger() {
		return nil
	}
	for i, v := range t.Int64s() {
		if v == 0 {
			return fmt.Errorf("integer division by zero: element %d of the divisor, of shape %v, is 0", i, t.Shape())
		}
	}
	return nil
}

// mod returns the remainder: with fmod that of division towards zero, as C's
// fmod does; without, of integers, that of division towards minus infinity.
func mod(c *Call) ([]tensor.Value, error) {
	if err := checkDivisor(c.Tensor(1)); err != nil {
		return nil, err
	}
	remainder := func(a, b uint64) uint64 { return a % b }
	switch {
	case c.Node.Bool("fmod", false):
		return binary{math.Mod, func(a, b int64) int64 { return a % b }, remainder, nil}.run(c)
	case c.Tensor(0).DType().IsFloat():
		return nil, fmt.Errorf("fmod must be 1 for elements of type %v", c.Tensor(0).DType())
	}
	return binary{nil, floorMod, remainder, nil}.run(c)
}

func floorMod(a, b int64) int64 {
	r := a % b
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

// variadic returns an operator of one or more tensors that combines their elements
// from left to right.
func variadic(op binary) Func {
	return func(c *Call) ([]tensor.Value, error) {
		acc := c.Tensor(0)
		if len(c.Inputs) == 1 {
			return one(acc)
		}
		for i := 1; i < len(c.Inputs); i++ {
			var err error
			if acc, err = op.apply(acc, c.Tensor(i)); err != nil {
				return nil, err
			}
		}
		return one(acc)
	}
}

// sumOp adds one or more floating-point tensors, and rounds once.
func sumOp(c *Call) ([]tensor.Value, error) {
	total, shape, err := total(c)
	if err != nil {
		return nil, err
	}
	return one(tensor.FromFloat64s(c.Tensor(0).DType(), shape, total))
}

// meanOp averages one or more floating-point tensors, and rounds once.
func meanOp(c *Call) ([]tensor.Value, error) {
	total, shape, err := total(c)
	if err != nil {
		return nil, err
	}
	for i := range total {
		total[i] /= float64(len(c.Inputs))
	}
	return one(tensor.FromFloat64s(c.Tensor(0).DType(), shape, total))
}

// total adds the node's inputs, which are broadcast against each other.
func total(c *Call) ([]float64, tensor.Shape, error) {
	operands := make([]*tensor.Tensor, len(c.Inputs))
	for i := range operands {
		operands[i] = c.Tensor(i)
		if d := operands[i].DType(); !d.IsFloat() || d != operands[0].DType() {
			return nil, nil, fmt.Errorf("input %d is of type %v, want the one floating-point type of all inputs", i, d)
		}
	}
	shape, err := broadcastTensors(operands...)
	if err != nil {
		return nil, nil, err
	}
	out := make([]float64, shape.Size())
	for _, t := range operands {
		for i, v := range spread(t.Float64s(), t.Shape(), shape) {
			out[i] += v
		}
	}
	return out, shape, nil
}

// bitShift shifts unsigned integers; what leaves the type's width is lost.
func bitShift(c *Call) ([]tensor.Value, error) {
	switch direction := c.Node.Text("direction", ""); direction {
	case "LEFT":
		return binary{unsigned: func(a, b uint64) uint64 { return a << b }}.run(c)
	case "RIGHT":
		return binary{unsigned: func(a, b uint64) uint64 { return a >> b }}.run(c)
	default:
		return nil, fmt.Errorf("direction is %q, want LEFT or RIGHT", direction)
	}
}

// pow raises to a power. The result has the type of the base; the exponent may
// have another.
func pow(c *Call) ([]tensor.Value, error) {
	x, y := c.Tensor(0), c.Tensor(1)
	shape, err := broadcastTensors(x, y)
	if err != nil {
		return nil, err
	}
	p := pairing{x.Shape(), y.Shape(), shape}
	switch d := x.DType(); {
	case d.IsFloat():
		return one(tensor.FromFloat64s(d, shape, zip(p, x.Float64s(), y.Float64s(), math.Pow)))
	case d.IsSigned() && y.DType().IsInteger():
		if err := checkPower(p, x, y); err != nil {
			return nil, err
		}
		power := powInt
		if y.DType().IsUnsigned() {
			power = func(a, n int64) int64 { return powUint(a, uint64(n)) }
		}
		return one(tensor.FromInt64s(d, shape, zip(p, x.Int64s(), y.Int64s(), power)))
	case d.IsSigned() && y.DType().IsFloat():
		return one(tensor.FromInt64s(d, shape, zip(p, x.Int64s(), y.Float64s(), powReal)))
	}
	return nil, fmt.Errorf("a base of type %v with an exponent of type %v is not defined", x.DType(), y.DType())
}

// checkPower rejects integer powers that have no value, 0 to a negative one.
func checkPower(p pairing, x, y *tensor.Tensor) error {
	if y.DType().IsUnsigned() {
		return nil
	}
	undefined := zip(p, x.Int64s(), y.Int64s(), func(a, n int64) bool { return a == 0 && n < 0 })
	for _, u := range undefined {
		if u {
			return errors.New("integer division by zero: 0 is raised to a negative power")
		}
	}
	return nil
}

// powInt returns a to the power n, which wraps; negative powers are truncated
// towards zero.
func powInt(a, n int64) int64 {
	if n >= 0 {
		return powUint(a, uint64(n))
	}
	switch a {
	case 1:
		return 1
	case -1:
		return 1 - 2*(n&1)
	}
	return 0
}

// powUint returns a to the power n by repeated squaring, which wraps.
func powUint(a int64, n uint64) int64 {
	result := int64(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result *= a
		}
		a *= a
	}
	return result
}

// powReal returns a to the power n, truncated towards zero; integral powers
// are exact.
func powReal(a int64, n float64) int64 {
	if n == math.Trunc(n) && n >= 0 && n < 1<<63 {
		return powUint(a, uint64(n))
	}
	return truncate(math.Pow(float64(a), n))
}
