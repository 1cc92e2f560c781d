package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// linear holds LinearRegressor of ai.onnx.ml.
var linear = family{
	"ai.onnx.ml.LinearRegressor": ofFeatures(linearRegressor),
}

// linearRegressor is a matrix product. Its coefficients have a row for each
// target.
func linearRegressor(e expression, n *graph.Node, x *graph.Value) (*graph.Value, error) {
	coefficients, targets := tensor.Of(n.Floats("coefficients")).Float64s(), int(n.Int("targets", 1))
	if targets < 1 || len(coefficients) == 0 || len(coefficients)%targets != 0 {
		return nil, fmt.Errorf("%d coefficients for %d targets", len(coefficients), targets)
	}
	features := len(coefficients) / targets
	columns := make([]float64, len(coefficients))
	for i, v := range coefficients {
		columns[i%features*targets+i/features] = v
	}
	matrix := e.Const(tensor.FromFloat64s(e.dtype, tensor.Shape{features, targets}, columns))
	y := e.do("Reshape", e.do("MatMul", x, matrix), e.Ints(-1, int64(targets)))
	if bias := n.Floats("intercepts"); len(bias) > 0 {
		y = e.do("Add", y, e.perFeature(tensor.Of(bias).Float64s()))
	}
	switch post := n.Text("post_transform", "NONE"); post {
	case "NONE":
		return y, nil
	case "LOGISTIC":
		return e.do("Sigmoid", y), nil
	case "SOFTMAX":
		return e.Op("Softmax", []*graph.Value{y}, graph.A("axis", int64(-1))), nil
	default:
		return nil, fmt.Errorf("post_transform %s is not expressed by other operators", post)
	}
}
