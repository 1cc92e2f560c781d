package command

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/cost"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/opset"
)

// workOf counts the multiply-adds of a run of a session's model as the file has it,
// and says to which group of models that belongs. There are none where the model
// cannot be brought into canonical form.
func workOf(ctx context.Context, s *models.Session, inputs map[string]tensor.Value) (cost.Work, string, error) {
	g, err := opset.Lift(ctx, s.Model())
	if err != nil {
		return cost.Work{}, otherWork, ctx.Err()
	}
	facts := factsOf(ctx, g, inputs)
	return cost.Graph(g, facts), groupOf(g, facts), ctx.Err()
}

// The groups of models.
const (
	integerWork     = "int8"
	recurrentWork   = "recurrent"
	attentionWork   = "attention"
	convolutionWork = "convolution"
	productWork     = "products"
	otherWork       = "other"
)

// groups are in the order in which they are listed.
var groups = []string{convolutionWork, attentionWork, recurrentWork, integerWork, productWork, otherWork}

// groupOf says what most of a graph's multiply-adds belong to. A model with a
// recurrent layer is recurrent, one of products with a Softmax is attention.
func groupOf(g *graph.Graph, facts infer.Facts) string {
	recurrent, attention := false, false
	var all, convolutions cost.Work
	for n := range g.All {
		w := cost.Node(n, facts)
		all = all.Plus(w)
		switch n.Op {
		case "Conv", "ConvTranspose", "DeformConv":
			convolutions = convolutions.Plus(w)
		case "LSTM", "GRU", "RNN":
			recurrent = true
		case "Softmax", "Attention", "MultiHeadAttention", "GroupQueryAttention":
			attention = true
		}
	}
	switch {
	case all.Total() == 0:
		return otherWork
	case 2*all.Integers >= all.Total():
		return integerWork
	case recurrent:
		return recurrentWork
	case 2*convolutions.Total() >= all.Total():
		return convolutionWork
	case attention:
		return attentionWork
	}
	return productWork
}

// factsOf infers the types of a graph's values from those of a run's inputs. Short
// lists of integers, which may be shapes, are known by their elements too.
func factsOf(ctx context.Context, g *graph.Graph, inputs map[string]tensor.Value) infer.Facts {
	const short = 16
	given := make(infer.Facts)
	for _, in := range g.Inputs {
		switch v := inputs[in.Name].(type) {
		case nil:
		case *tensor.Tensor:
			given[in] = infer.Fact{Type: v.Type()}
			if v.DType().IsInteger() && len(v.Shape()) < 2 && v.Len() <= short {
				given[in] = infer.Of(v)
			}
		default:
			given[in] = infer.Fact{Type: v.Type()}
		}
	}
	facts, err := infer.Run(ctx, g, given)
	if err != nil {
		return nil // the session infers with what the graph declares; counting does without
	}
	return facts
}
