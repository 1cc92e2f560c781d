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
		tensor.Float32: pairs(byElement(func(a, b float32) float32 { return float32(math.Mod(float64(a), float64(b))) })),
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

func isFmod(fmod bool) func(n *graph.Node) operators.Verdict {
	return func(n *graph.Node) operators.Verdict {
		if n.Bool("fmod", false) != fmod {
			return operators.Verdict{Reason: operators.WrongAttribute, Detail: "fmod"}
		}
		return native
	}
}
