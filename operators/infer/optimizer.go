package infer

import "fmt"

// optimizer holds Adam, Adagrad, Momentum of ai.onnx.preview.training.
var optimizer = family{
	"ai.onnx.preview.training.Adagrad":  func(c *Call) error { return optimize(c, 1) },
	"ai.onnx.preview.training.Adam":     func(c *Call) error { return optimize(c, 2) },
	"ai.onnx.preview.training.Momentum": func(c *Call) error { return optimize(c, 1) },
}

// optimize gives every new tensor, and what is kept of its gradients, the type
// of the tensor. Behind the rate and the count lie the tensors, their gradients
// and so many groups of kept tensors.
func optimize(c *Call, kept int) error {
	groups := 2 + kept
	n := (len(c.In) - 2) / groups
	if n < 1 || len(c.In) != 2+n*groups {
		return fmt.Errorf("%d inputs behind the update count are not %d for each tensor", len(c.In)-2, groups)
	}
	for i := range c.Out {
		c.SetLike(i, c.DType(2+i%n), 2+i%n)
	}
	return nil
}
