package optimize

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// foldBatchNorm merges a BatchNormalization in inference mode into the Conv
// before it, if nothing else reads the convolution and all parameters are
// constant: with a = scale / sqrt(var + epsilon), the filters are multiplied by a
// and the bias becomes (bias - mean) a + B, per output channel.
func foldBatchNorm(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	uses := g.Uses()
	changed := false
	for _, n := range g.Nodes {
		for _, body := range n.Bodies() {
			inside, err := foldBatchNorm(ctx, body, facts)
			if err != nil {
				return changed, err
			}
			changed = changed || inside
		}
		if n.Operator() != "BatchNormalization" || n.Bool("training_mode", false) || len(n.Inputs) < 5 {
			continue
		}
		x := n.Inputs[0]
		if x.Producer == nil || x.Producer.Operator() != "Conv" || uses[x] != 1 {
			continue
		}
		if mergeIntoConv(g, x.Producer, n, facts) {
			changed = true
		}
	}
	return changed, nil
}

// mergeIntoConv gives conv the filters and the bias of it and norm together. It
// reports whether the parameters allowed it.
func mergeIntoConv(g *graph.Graph, conv, norm *graph.Node, facts infer.Facts) bool {
	w := facts[conv.Input(1)].Const
	if w == nil || w.Rank() < 3 {
		return false
	}
	channels := w.Shape()[0]
	var parameters [4][]float64 // scale, B, mean, var
	for i := range parameters {
		p := facts[norm.Inputs[i+1]].Const
		if p == nil || p.DType() != tensor.Float32 || p.Len() != channels {
			return false
		}
		parameters[i] = p.Float64s()
	}
	epsilon := float64(norm.Float("epsilon", 1e-5))
	factor, term := make([]float64, channels), make([]float64, channels)
	for c := range channels {
		factor[c] = parameters[0][c] / math.Sqrt(parameters[3][c]+epsilon)
		term[c] = parameters[1][c] - parameters[2][c]*factor[c]
	}
	return scaleConv(g, conv, norm, factor, term, facts)
}

// scaleConv makes a convolution, which only then reads, write what then made of
// its result: that times a factor plus a term, both per output channel. It reports
// whether the filters and the bias are known float32 tensors.
func scaleConv(g *graph.Graph, conv, then *graph.Node, factor, term []float64, facts infer.Facts) bool {
	w := facts[conv.Input(1)].Const
	if w == nil || w.DType() != tensor.Float32 || w.Rank() < 3 || w.Shape()[0] != len(factor) {
		return false
	}
	channels := len(factor)
	bias := make([]float64, channels)
	if b := conv.Input(2); b != nil {
		t := facts[b].Const
		if t == nil || t.DType() != tensor.Float32 || t.Len() != channels {
			return false
		}
		bias = t.Float64s()
	}
	from, filters := tensor.Slice[float32](w), tensor.Zeros(tensor.Float32, w.Shape())
	to, perFilter := tensor.Slice[float32](filters), len(from)/max(channels, 1)
	for c, f := range factor {
		row := to[c*perFilter:][:perFilter]
		for i, v := range from[c*perFilter:][:perFilter] {
			row[i] = float32(float64(v) * f)
		}
		bias[c] = bias[c]*f + term[c]
	}
	constant := func(name string, t *tensor.Tensor) *graph.Value {
		v := &graph.Value{Name: name, Type: t.Type(), Const: t}
		facts[v] = infer.Of(t)
		g.Initializers = append(g.Initializers, v)
		return v
	}
	name, result := then.Outputs[0].Name, conv.Outputs[0]
	conv.Inputs = []*graph.Value{conv.Inputs[0], constant(name+"/filters", filters), constant(name+"/bias", tensor.FromFloat64s(tensor.Float32, tensor.Shape{channels}, bias))}
	conv.Source = append(append([]*graph.Node(nil), conv.Source...), then.Source...)
	conv.Outputs[0], then.Outputs[0] = then.Outputs[0], result
	conv.Outputs[0].Producer, result.Producer = conv, then
	for i, v := range then.Inputs {
		if v == result {
			then.Inputs[i] = conv.Outputs[0] // reads nothing that matters: it is dead
		}
	}
	return true
}
