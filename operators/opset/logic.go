package opset

// logic holds And, Or, Xor, Not, BitwiseAnd, BitwiseOr, BitwiseXor,
// BitwiseNot, Equal, Greater, Less, GreaterOrEqual, LessOrEqual, Where, IsNaN,
// IsInf.
var logic = family{
	"And":     {unaligned},
	"Or":      {unaligned},
	"Xor":     {unaligned},
	"Equal":   {unaligned},
	"Greater": {unaligned},
	"Less":    {unaligned},
}
