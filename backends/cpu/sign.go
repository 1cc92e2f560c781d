package cpu

import (
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators/graph"
)

// sign holds Sign, IsNaN, IsInf; Abs and Neg of integers.
var sign = family{
	{op: "Sign", kernel: "elementwise", by: byType{
		tensor.Float32: mapped(func(dst, a []float32) { vector.Sign(dst, a, 0, 0) }), tensor.Float64: mapped(signs[float64]),
		tensor.Int8: mapped(signs[int8]), tensor.Int16: mapped(signs[int16]), tensor.Int32: mapped(signs[int32]), tensor.Int64: mapped(signs[int64]),
		tensor.Uint8: mapped(signs[uint8]), tensor.Uint16: mapped(signs[uint16]), tensor.Uint32: mapped(signs[uint32]), tensor.Uint64: mapped(signs[uint64]),
	}},
	{op: "IsNaN", kernel: "elementwise", by: byType{tensor.Float32: tested(vector.IsNaN), tensor.Float64: tested(notNumbers)}},
	{op: "IsInf", kernel: "elementwise", by: byType{tensor.Float32: isInf[float32], tensor.Float64: isInf[float64]}},
	{op: "Abs", kernel: "elementwise", by: byType{
		tensor.Int8: mapped(magnitudesOf[int8]), tensor.Int16: mapped(magnitudesOf[int16]), tensor.Int32: mapped(magnitudesOf[int32]), tensor.Int64: mapped(magnitudesOf[int64]),
	}},
	{op: "Neg", kernel: "elementwise", by: byType{
		tensor.Float64: mapped(negative[float64]),
		tensor.Int8:    mapped(negative[int8]), tensor.Int16: mapped(negative[int16]), tensor.Int32: mapped(negative[int32]), tensor.Int64: mapped(negative[int64]),
	}},
}

// signs are -1, 0 or 1, and NaN of NaN.
func signs[T real](dst, a []T) {
	a = a[:len(dst)]
	for i, v := range a {
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = 0
			v--
		case v == 0:
			v = 0
		}
		dst[i] = v
	}
}

func magnitudesOf[T int8 | int16 | int32 | int64](dst, a []T) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = max(v, -v)
	}
}

func negative[T real](dst, a []T) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = -v
	}
}

func notNumbers(dst []bool, a []float64) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = v != v
	}
}

// tested is the builder of a property of every element.
func tested[T tensor.Element](f func(dst []bool, a []T)) builder {
	return func(d *Device, _ *graph.Node) (planner, error) { return planConversion(f)(d), nil }
}

func isInf[T float32 | float64](d *Device, n *graph.Node) (planner, error) {
	positive, negative := n.Bool("detect_positive", true), n.Bool("detect_negative", true)
	high, low := T(math.Inf(1)), T(math.Inf(-1))
	equals := vector.Equal[T]()
	return tested(func(dst []bool, a []T) {
		switch {
		case positive && negative:
			infinite(dst, a)
		case positive:
			equals.Right(dst, a, high)
		case negative:
			equals.Right(dst, a, low)
		default:
			clear(dst)
		}
	})(d, n)
}

// infinite asks for infinities of either sign.
func infinite[T float32 | float64](dst []bool, a []T) {
	if a, ok := any(a).([]float32); ok {
		vector.IsInf(dst, a)
		return
	}
	for i, v := range a[:len(dst)] {
		dst[i] = math.IsInf(float64(v), 0)
	}
}
