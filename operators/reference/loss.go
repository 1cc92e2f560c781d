package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// loss holds NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
var loss = family{
	"NegativeLogLikelihoodLoss": negativeLogLikelihoodLoss,
	"SoftmaxCrossEntropyLoss":   softmaxCrossEntropyLoss,
}

func negativeLogLikelihoodLoss(c *Call) ([]tensor.Value, error) {
	l, err := classLoss(c, c.Tensor(0).Float64s())
	if err != nil {
		return nil, err
	}
	return one(l)
}

// softmaxCrossEntropyLoss also gives the log-probabilities.
func softmaxCrossEntropyLoss(c *Call) ([]tensor.Value, error) {
	scores := c.Tensor(0)
	if scores.Rank() < 2 {
		return nil, fmt.Errorf("the scores have the shape %v, their rank must be 2 or more", scores.Shape())
	}
	logs := lines(scores.Float64s(), scores.Shape(), 1, logSoftmaxLine)
	l, err := classLoss(c, logs)
	if err != nil {
		return nil, err
	}
	return []tensor.Value{l, tensor.FromFloat64s(scores.DType(), scores.Shape(), logs)}, nil
}

// classLoss reduces -logs[n, target[n, d...], d...], each weighted by its
// class, as the attribute reduction says. Targets equal to ignore_index count
// for nothing, in the mean neither. logs has the shape of input 0.
func classLoss(c *Call, logs []float64) (*tensor.Tensor, error) {
	x, target, weights := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	if x.Rank() < 2 {
		return nil, fmt.Errorf("the input has the shape %v, its rank must be 2 or more", x.Shape())
	}
	batch, classes, inner := around(x.Shape(), 1)
	shape := append(x.Shape()[:1:1], x.Shape()[2:]...)
	if !target.Shape().Equal(shape) {
		return nil, fmt.Errorf("the targets have the shape %v, for input %v it must be %v", target.Shape(), x.Shape(), shape)
	}
	var weight []float64
	if weights != nil {
		if weight = weights.Float64s(); weights.Rank() != 1 || len(weight) != classes {
			return nil, fmt.Errorf("the weights have the shape %v, for %d classes it must be [%d]", weights.Shape(), classes, classes)
		}
	}
	ignore, ignores := c.Node.Int("ignore_index", 0), c.Node.Has("ignore_index")
	losses, sum, count := make([]float64, batch*inner), 0.0, 0.0
	for i, class := range target.Int64s() {
		if ignores && class == ignore {
			continue
		}
		if class < 0 || class >= int64(classes) {
			return nil, fmt.Errorf("target %d at %d is outside [0, %d) and is not ignored", class, i, classes)
		}
		w := 1.0
		if weight != nil {
			w = weight[class]
		}
		n, d := i/inner, i%inner
		losses[i] = -logs[(n*classes+int(class))*inner+d] * w
		sum += losses[i]
		count += w
	}
	switch r := c.Node.Text("reduction", "mean"); r {
	case "none":
		return tensor.FromFloat64s(x.DType(), shape, losses), nil
	case "sum":
		return tensor.FromFloat64s(x.DType(), tensor.Shape{}, []float64{sum}), nil
	case "mean":
		return tensor.FromFloat64s(x.DType(), tensor.Shape{}, []float64{sum / count}), nil
	default:
		return nil, fmt.Errorf("reduction %q is none of none, sum, mean", r)
	}
}
