package infer

// trigonometry holds Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh,
// Acosh, Atanh.
var trigonometry = family{
	"Sin":   sameType,
	"Cos":   sameType,
	"Tan":   sameType,
	"Asin":  sameType,
	"Acos":  sameType,
	"Atan":  sameType,
	"Sinh":  sameType,
	"Cosh":  sameType,
	"Tanh":  sameType,
	"Asinh": sameType,
	"Acosh": sameType,
	"Atanh": sameType,
}
