package infer

import "example.com/midplane/adapter/tensor"

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{
	"Softmax":    alongAxis,
	"LogSoftmax": alongAxis,
	"Hardmax":    alongAxis,
}

func alongAxis(c *Call) error {
	if rank, ok := c.Rank(0); ok {
		if _, err := tensor.Axis(c.Node.Int("axis", -1), rank); err != nil {
			return err
		}
	}
	return sameAsInput(c)
}
