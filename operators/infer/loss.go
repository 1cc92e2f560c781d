package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// loss holds NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
var loss = family{
	"NegativeLogLikelihoodLoss": classLoss,
	"SoftmaxCrossEntropyLoss":   classLoss,
}

// classLoss finds the loss, a scalar or as the targets, and the
// log-probabilities, as the scores. Input (N, C, d...) goes with targets
// (N, d...) and weights (C).
func classLoss(c *Call) error {
	x, target := c.Dims(0), c.Dims(1)
	d := c.DType(0)
	if x.Ranked() && len(x) < 2 {
		return fmt.Errorf("the input has the shape %v, its rank must be 2 or more", x)
	}
	if w := c.Dims(2); w.Ranked() {
		if len(w) != 1 {
			return fmt.Errorf("the weights have the shape %v, their rank must be 1", w)
		}
		if x.Ranked() {
			if _, err := agree("the weights and the classes", w[0], x[1]); err != nil {
				return err
			}
		}
	}
	samples := target.Clone()
	if x.Ranked() {
		samples = append(x[:1:1], x[2:]...)
		if target.Ranked() && len(target) != len(samples) {
			return fmt.Errorf("the targets have the shape %v, for input %v their rank must be %d", target, x, len(samples))
		}
		for i := range target {
			var err error
			if samples[i], err = agree("the targets and the samples", samples[i], target[i]); err != nil {
				return err
			}
		}
	}
	switch r := c.Node.Text("reduction", "mean"); r {
	case "none":
		c.SetType(0, tensor.TensorType(d, samples))
	case "sum", "mean":
		c.Set(0, d, nil)
	default:
		return fmt.Errorf("reduction %q is none of none, sum, mean", r)
	}
	c.SetLike(1, d, 0)
	return nil
}
