package cpu

import (
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// mod holds Mod.
var mod = family{
	{op: "Mod", kernel: "elementwise", accept: isFmod(false), by: ofIntegers(floorMod[int8], floorMod[int16], floorMod[int32], floorMod[int64], floorMod[uint8], floorMod[uint16], floorMod[uint32], floorMod[uint64])},
	{op: "Mod", kernel: "elementwise", accept: isFmod(true), by: ofIntegers(quotientMod[int8], quotientMod[int16], quotientMod[int32], quotientMod[int64], quotientMod[uint8], quotientMod[uint16], quotientMod[uint32], quotientMod[uint64])},
	{op: "Mod", kernel: "elementwise", accept: isFmod(true), by: byType{
		tensor.Float32: pairs(byElement(remainder)),
		tensor.Float64: pairs(byElement(math.Mod)),
	}},
}

// quotientMod is the remainder of division towards zero, floorMod of division towards
// minus infinity.
func quotientMod[T integral](a, b T) T { return a % b }

func floorMod[T integral](a, b T) T {
	r := a % b
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

// remainder is math.Mod of float32s. In float64 their quotient, where it has few bits,
// is not rounded up to an integer, and that integer times b is exact.
func remainder(a, b float32) float32 {
	const few = 1 << 28
	x, y := float64(a), float64(b)
	q := x / y
	if !(q > -few && q < few && y >= -math.MaxFloat32 && y <= math.MaxFloat32) {
		return float32(math.Mod(x, y))
	}
	return float32(math.Copysign(x-float64(int32(q))*y, x))
}

func isFmod(fmod bool) func(n *graph.Node) operators.Verdict {
	return func(n *graph.Node) operators.Verdict {
		if n.Bool("fmod", false) != fmod {
			return operators.Verdict{Reason: operators.WrongAttribute, Detail: "fmod"}
		}
		return native
	}
}
