package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// bitwise holds BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot, BitShift.
var bitwise = family{
	{op: "BitwiseAnd", kernel: "elementwise", by: ofIntegers(bitAnd[int8], bitAnd[int16], bitAnd[int32], bitAnd[int64], bitAnd[uint8], bitAnd[uint16], bitAnd[uint32], bitAnd[uint64])},
	{op: "BitwiseOr", kernel: "elementwise", by: ofIntegers(bitOr[int8], bitOr[int16], bitOr[int32], bitOr[int64], bitOr[uint8], bitOr[uint16], bitOr[uint32], bitOr[uint64])},
	{op: "BitwiseXor", kernel: "elementwise", by: ofIntegers(bitXor[int8], bitXor[int16], bitXor[int32], bitXor[int64], bitXor[uint8], bitXor[uint16], bitXor[uint32], bitXor[uint64])},
	{op: "BitwiseNot", kernel: "elementwise", by: byType{
		tensor.Int8: mapped(bitNot[int8]), tensor.Int16: mapped(bitNot[int16]), tensor.Int32: mapped(bitNot[int32]), tensor.Int64: mapped(bitNot[int64]),
		tensor.Uint8: mapped(bitNot[uint8]), tensor.Uint16: mapped(bitNot[uint16]), tensor.Uint32: mapped(bitNot[uint32]), tensor.Uint64: mapped(bitNot[uint64]),
	}},
	{op: "BitShift", kernel: "elementwise", accept: hasDirection("LEFT"), by: byType{
		tensor.Uint8: pairs(byElement(left[uint8])), tensor.Uint16: pairs(byElement(left[uint16])), tensor.Uint32: pairs(byElement(left[uint32])), tensor.Uint64: pairs(byElement(left[uint64])),
	}},
	{op: "BitShift", kernel: "elementwise", accept: hasDirection("RIGHT"), by: byType{
		tensor.Uint8: pairs(byElement(right[uint8])), tensor.Uint16: pairs(byElement(right[uint16])), tensor.Uint32: pairs(byElement(right[uint32])), tensor.Uint64: pairs(byElement(right[uint64])),
	}},
}

type integral interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

type unsigned interface {
	uint8 | uint16 | uint32 | uint64
}

func bitAnd[T integral](a, b T) T { return a & b }
func bitOr[T integral](a, b T) T  { return a | b }
func bitXor[T integral](a, b T) T { return a ^ b }
func left[T unsigned](a, b T) T   { return a << b }
func right[T unsigned](a, b T) T  { return a >> b }

func bitNot[T integral](dst, a []T) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = ^v
	}
}

// byElement makes an operator of a function of two elements.
func byElement[T, R any](f func(a, b T) R) vector.Binary[T, R] {
	return vector.Binary[T, R]{
		Both: func(dst []R, a, b []T) {
			a, b = a[:len(dst)], b[:len(dst)]
			for i := range dst {
				dst[i] = f(a[i], b[i])
			}
		},
		Right: func(dst []R, a []T, b T) {
			a = a[:len(dst)]
			for i := range dst {
				dst[i] = f(a[i], b)
			}
		},
		Left: func(dst []R, a T, b []T) {
			b = b[:len(dst)]
			for i := range dst {
				dst[i] = f(a, b[i])
			}
		},
	}
}

// ofIntegers makes the builders of an operator on integers.
func ofIntegers(
	i8 func(a, b int8) int8, i16 func(a, b int16) int16, i32 func(a, b int32) int32, i64 func(a, b int64) int64,
	u8 func(a, b uint8) uint8, u16 func(a, b uint16) uint16, u32 func(a, b uint32) uint32, u64 func(a, b uint64) uint64,
) byType {
	return byType{
		tensor.Int8: pairs(byElement(i8)), tensor.Int16: pairs(byElement(i16)), tensor.Int32: pairs(byElement(i32)), tensor.Int64: pairs(byElement(i64)),
		tensor.Uint8: pairs(byElement(u8)), tensor.Uint16: pairs(byElement(u16)), tensor.Uint32: pairs(byElement(u32)), tensor.Uint64: pairs(byElement(u64)),
	}
}

func hasDirection(direction string) func(n *graph.Node) operators.Verdict {
	return func(n *graph.Node) operators.Verdict {
		if n.Text("direction", "") != direction {
			return operators.Verdict{Reason: operators.WrongAttribute, Detail: "direction"}
		}
		return native
	}
}
