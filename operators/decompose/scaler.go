package decompose

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// scaler holds Scaler, Normalizer, Imputer, Binarizer of ai.onnx.ml.
var scaler = family{
	"ai.onnx.ml.Scaler":     ofFeatures(scale),
	"ai.onnx.ml.Normalizer": ofFeatures(normalizer),
	"ai.onnx.ml.Imputer":    imputer,
	"ai.onnx.ml.Binarizer":  binarizer,
}

// ofFeatures returns the rule for an operator whose one output, of type float32,
// is an expression of its input, which is computed in float32 if it is of that
// type, else in float64.
func ofFeatures(f func(e expression, n *graph.Node, x *graph.Value) (*graph.Value, error)) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		e, err := typed(b, n, 0)
		if err != nil {
			return nil, err
		}
		if e.dtype != tensor.Float32 {
			e.dtype = tensor.Float64
		}
		y, err := f(e, n, e.to(e.dtype, n.Inputs[0]))
		if err != nil {
			return nil, err
		}
		return []*graph.Value{e.to(tensor.Float32, y)}, nil
	}
}

// perFeature adds a constant with a value for each feature, or one for all.
func (e expression) perFeature(values []float64) *graph.Value {
	if len(values) == 1 {
		return e.num(values[0])
	}
	return e.Const(tensor.FromFloat64s(e.dtype, tensor.Shape{len(values)}, values))
}

func scale(e expression, n *graph.Node, x *graph.Value) (*graph.Value, error) {
	if offset := n.Floats("offset"); len(offset) > 0 {
		x = e.do("Sub", x, e.perFeature(tensor.Of(offset).Float64s()))
	}
	if factor := n.Floats("scale"); len(factor) > 0 {
		x = e.do("Mul", x, e.perFeature(tensor.Of(factor).Float64s()))
	}
	return x, nil
}

func normalizer(e expression, n *graph.Node, x *graph.Value) (*graph.Value, error) {
	norm := n.Text("norm", "MAX")
	reduction, ok := map[string]string{"MAX": "ReduceMax", "L1": "ReduceL1", "L2": "ReduceL2"}[norm]
	if !ok {
		return nil, fmt.Errorf("norm %q is none of MAX, L1, L2", norm)
	}
	by := e.Op(reduction, []*graph.Value{x, e.Ints(-1)})
	return e.do("Where", e.do("Equal", by, e.num(0)), x, e.do("Div", x, by)), nil
}

func imputer(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	x := n.Inputs[0]
	if e.dtype.IsFloat() {
		replaced := float64(n.Float("replaced_value_float", 0))
		found := e.do("Equal", x, e.num(replaced))
		if math.IsNaN(replaced) {
			found = e.do("IsNaN", x)
		}
		by := e.perFeature(tensor.Of(n.Floats("imputed_value_floats")).Float64s())
		return []*graph.Value{e.do("Where", found, by, x)}, nil
	}
	integers := func(shape tensor.Shape, v ...int64) *graph.Value {
		return e.Const(tensor.FromInt64s(e.dtype, shape, v))
	}
	by := n.Ints("imputed_value_int64s")
	shape := tensor.Shape{len(by)}
	if len(by) == 1 {
		shape = tensor.Shape{}
	}
	found := e.do("Equal", x, integers(tensor.Shape{}, n.Int("replaced_value_int64", 0)))
	return []*graph.Value{e.do("Where", found, integers(shape, by...), x)}, nil
}

func binarizer(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	threshold := float64(n.Float("threshold", 0))
	if bits := e.dtype.Bits(); e.dtype.IsInteger() {
		threshold = math.Floor(threshold) // an integer is above both or neither
		if limit := math.Ldexp(1, bits-1); !(threshold >= -limit && threshold < limit) {
			return nil, fmt.Errorf("threshold %v is out of the range of %v", threshold, e.dtype)
		}
	}
	return []*graph.Value{e.as(e.dtype, e.do("Greater", n.Inputs[0], e.num(threshold)))}, nil
}
