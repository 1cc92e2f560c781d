package opset

// trigonometry holds Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh,
// Acosh, Atanh.
var trigonometry = family{
	"Tanh": {unconsumed},
}
