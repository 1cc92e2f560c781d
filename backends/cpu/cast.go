package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// cast holds Cast.
var cast = family{
	{op: "Cast", kernel: "elementwise", by: byType{
		tensor.Float32: castFrom[float32], tensor.Float64: castFrom[float64],
		tensor.Int32: castFrom[int32], tensor.Int64: castFrom[int64],
		tensor.Uint8: castFrom[uint8], tensor.Int8: castFrom[int8], tensor.Bool: castFrom[bool],
	}, accept: castTarget},
	{op: "Cast", kernel: "elementwise", accept: castTo(tensor.Float32), by: byType{
		tensor.Float16: converted(vector.WidenHalf), tensor.BFloat16: converted(vector.WidenBrain)},
	},
	{op: "Cast", kernel: "elementwise", accept: castTo(tensor.Float16), by: byType{tensor.Float32: converted(vector.NarrowHalf)}},
	{op: "Cast", kernel: "elementwise", accept: castTo(tensor.BFloat16), by: byType{tensor.Float32: converted(vector.NarrowBrain)}},
}

// castTo takes one type as the target.
func castTo(want tensor.DType) func(n *graph.Node) operators.Verdict {
	return func(n *graph.Node) operators.Verdict {
		if to := n.DType("to", tensor.Undefined); to != want {
			return operators.Verdict{Reason: operators.WrongType, Detail: "to " + to.String()}
		}
		return native
	}
}

// converted is a cast by one function, of 16 bits by their pattern.
func converted[T, R tensor.Element](f func(dst []R, a []T)) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		return planConversionTo(f, n.DType("to", tensor.Undefined))(d), nil
	}
}

// castTarget takes the types that conversions are written for.
func castTarget(n *graph.Node) operators.Verdict {
	switch to := tensor.DType(n.Int("to", 0)); to {
	case tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Int8, tensor.Bool:
		return native
	default:
		return operators.Verdict{Reason: operators.WrongType, Detail: "to " + to.String()}
	}
}

// number is the set of types that are cast from one to another.
type number interface {
	float32 | float64 | int32 | int64 | uint8 | int8
}

func castFrom[T tensor.Element](d *Device, n *graph.Node) (planner, error) {
	var f func(*Device) planner
	switch tensor.DType(n.Int("to", 0)) {
	case tensor.Float32:
		f = planConversion(convertTo[T, float32])
	case tensor.Float64:
		f = planConversion(convertTo[T, float64])
	case tensor.Int32:
		f = planConversion(convertTo[T, int32])
	case tensor.Int64:
		f = planConversion(convertTo[T, int64])
	case tensor.Uint8:
		f = planConversion(convertTo[T, uint8])
	case tensor.Int8:
		f = planConversion(convertTo[T, int8])
	case tensor.Bool:
		f = planConversion(convertToBool[T])
	}
	return f(d), nil
}

// conversion makes an element of one type of each of another.
type conversion[T, R tensor.Element] struct {
	device *Device
	f      func(dst []R, a []T)
	to     tensor.DType
	shape  tensor.Shape
	size   int
	tasks  tasks[conversionTask[T, R]]
}

func planConversion[T, R tensor.Element](f func(dst []R, a []T)) func(d *Device) planner {
	return planConversionTo(f, tensor.DTypeOf[R]())
}

// planConversionTo is planConversion to a type that has elements of R's size.
func planConversionTo[T, R tensor.Element](f func(dst []R, a []T), to tensor.DType) func(d *Device) planner {
	return func(d *Device) planner {
		return func(c *operators.Call) (work, error) {
			w := &conversion[T, R]{device: d, f: f, to: to, shape: c.Inputs[0].Shape.Clone()}
			_, w.size = piecesOf(w.shape.Size(), 2, d.threads)
			return w, nil
		}
	}
}

func (w *conversion[T, R]) run(ctx context.Context, c *operators.Call) error {
	a, err := input[T](c, 0)
	if err != nil {
		return err
	}
	dst, err := output[R](c, 0, w.to, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	*t = conversionTask[T, R]{w, dst, a}
	return w.device.divide(ctx, (len(dst)+w.size-1)/w.size, t)
}

// conversionTask is one run of a conversion.
type conversionTask[T, R tensor.Element] struct {
	w   *conversion[T, R]
	dst []R
	a   []T
}

// Do implements parallel.Task.
func (t *conversionTask[T, R]) Do(_, piece int) {
	first := piece * t.w.size
	end := min(first+t.w.size, len(t.dst))
	t.w.f(t.dst[first:end], t.a[first:end])
}

// convertTo casts to a number. Integers are cut to the bits that fit; reals
// become integers as truncate says.
func convertTo[T tensor.Element, R number](dst []R, a []T) {
	if to, ok := any(dst).([]float32); ok && integersToReal(to, any(a)) {
		return
	}
	switch a := any(a).(type) {
	case []R:
		copy(dst, a)
	case []float32:
		fromReal(dst, a)
	case []float64:
		fromReal(dst, a)
	case []int32:
		fromInteger(dst, a)
	case []int64:
		fromInteger(dst, a)
	case []uint8:
		fromInteger(dst, a)
	case []int8:
		fromInteger(dst, a)
	case []bool:
		for i := range dst {
			var v R
			if a[i] {
				v = 1
			}
			dst[i] = v
		}
	}
}

// integersToReal casts integers of the types for which there are instructions.
func integersToReal(dst []float32, a any) bool {
	switch a := a.(type) {
	case []int32:
		vector.ScaleIntegers(dst, a, 1)
	case []uint8:
		vector.DequantizeUnsigned(dst, a, 1, 0)
	case []int8:
		vector.DequantizeSigned(dst, a, 1, 0)
	default:
		return false
	}
	return true
}

func fromInteger[T int32 | int64 | uint8 | int8, R number](dst []R, a []T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = R(a[i])
	}
}

func fromReal[T float32 | float64, R number](dst []R, a []T) {
	a = a[:len(dst)]
	var one R = 1
	if one/2 != 0 { // R is real too
		for i := range dst {
			dst[i] = R(a[i])
		}
		return
	}
	const limit = 1 << 62
	for i, v := range a {
		if v > -limit && v < limit {
			dst[i] = R(int64(v))
		} else {
			dst[i] = R(truncate(float64(v)))
		}
	}
}

// truncate returns the low 64 bits of the integral part of v, 0 for infinities
// and NaN.
func truncate(v float64) int64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	magnitude := uint64(math.Mod(math.Trunc(math.Abs(v)), 1<<64))
	if v < 0 {
		magnitude = -magnitude
	}
	return int64(magnitude)
}

// convertToBool casts to a truth value: all but zero is true.
func convertToBool[T tensor.Element](dst []bool, a []T) {
	var zero T
	for i := range dst {
		dst[i] = a[i] != zero
	}
}
