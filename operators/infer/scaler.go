package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// scaler holds Scaler, Normalizer, Imputer, Binarizer of ai.onnx.ml.
var scaler = family{
	"ai.onnx.ml.Scaler":     perFeature(tensor.Float32, "offset", "scale"),
	"ai.onnx.ml.Normalizer": normalizer,
	"ai.onnx.ml.Imputer":    imputer,
	"ai.onnx.ml.Binarizer":  perFeature(tensor.Undefined),
}

// perFeature is the inference of operators that keep the shape, and the type if
// d is Undefined, and whose list attributes have one element or as many as there
// are features, which the last axis counts.
func perFeature(d tensor.DType, lists ...string) Func {
	return func(c *Call) error {
		for _, name := range lists {
			n := max(len(c.Node.Floats(name)), len(c.Node.Ints(name)))
			if x := c.Dims(0); n > 1 && len(x) > 0 && x[len(x)-1].IsKnown() && x[len(x)-1].Size != n {
				return fmt.Errorf("%s has %d elements, but must have 1 or, for as many features, %v", name, n, x[len(x)-1])
			}
		}
		out := d
		if d == tensor.Undefined {
			out = c.DType(0)
		}
		c.SetLike(0, out, 0)
		return nil
	}
}

// imputer has a list for each kind of elements.
func imputer(c *Call) error {
	list := "imputed_value_floats"
	if c.DType(0).IsInteger() {
		list = "imputed_value_int64s"
	}
	if c.DType(0) == tensor.Undefined {
		return perFeature(tensor.Undefined)(c)
	}
	return perFeature(tensor.Undefined, list)(c)
}

func normalizer(c *Call) error {
	if _, err := exampleDim(c); err != nil {
		return err
	}
	c.SetLike(0, tensor.Float32, 0)
	return nil
}
