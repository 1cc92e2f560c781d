package cpu

import (
	"maps"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators/graph"
)

// trigonometry holds Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh,
// Atanh; in float64 also Exp, Log, Sqrt, Tanh, Erf, Abs, Floor, Ceil, Round.
var trigonometry = append(ofFunctions(trigonometricFunctions), inFloat64()...)

var trigonometricFunctions = functionTable{
	"Sin":   plain(vector.Sin),
	"Cos":   plain(vector.Cos),
	"Tan":   plain(vector.Tan),
	"Asin":  plain(vector.Asin),
	"Acos":  plain(vector.Acos),
	"Atan":  plain(vector.Atan),
	"Sinh":  plain(vector.Sinh),
	"Cosh":  plain(vector.Cosh),
	"Asinh": plain(vector.Asinh),
	"Acosh": plain(vector.Acosh),
	"Atanh": plain(vector.Atanh),
}

// inFloat64 returns entries for elements of float64.
func inFloat64() family {
	functions := map[string]func(float64) float64{
		"Sin": math.Sin, "Cos": math.Cos, "Tan": math.Tan, "Asin": math.Asin, "Acos": math.Acos, "Atan": math.Atan,
		"Sinh": math.Sinh, "Cosh": math.Cosh, "Asinh": math.Asinh, "Acosh": math.Acosh, "Atanh": math.Atanh,
		"Exp": math.Exp, "Log": math.Log, "Sqrt": math.Sqrt, "Tanh": math.Tanh, "Erf": math.Erf,
		"Abs": math.Abs, "Floor": math.Floor, "Ceil": math.Ceil, "Round": math.RoundToEven,
	}
	var f family
	for _, op := range slices.Sorted(maps.Keys(functions)) {
		apply := functions[op]
		f = append(f, entry{op: op, kernel: "elementwise", by: byType{tensor.Float64: mapped(func(dst, a []float64) {
			a = a[:len(dst)]
			for i, v := range a {
				dst[i] = apply(v)
			}
		})}})
	}
	return f
}

// mapped is the builder of a function of every element.
func mapped[T tensor.Element](apply func(dst, a []T)) builder {
	return func(d *Device, _ *graph.Node) (planner, error) {
		return planMapping(d, function[T]{apply: func(dst, a []T, _, _ float32) { apply(dst, a) }}), nil
	}
}
