package reference

import "math"

// trigonometry holds Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh,
// Acosh, Atanh.
var trigonometry = family{
	"Sin":   realFunc(math.Sin),
	"Cos":   realFunc(math.Cos),
	"Tan":   realFunc(math.Tan),
	"Asin":  realFunc(math.Asin),
	"Acos":  realFunc(math.Acos),
	"Atan":  realFunc(math.Atan),
	"Sinh":  realFunc(math.Sinh),
	"Cosh":  realFunc(math.Cosh),
	"Tanh":  realFunc(math.Tanh),
	"Asinh": realFunc(math.Asinh),
	"Acosh": realFunc(math.Acosh),
	"Atanh": realFunc(math.Atanh),
}
