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
	uses := readers(g)
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

// readers counts how often each value is read, by nodes, bodies and as output.
func readers(g *graph.Graph) map[*graph.Value]int {
	uses := make(map[*graph.Value]int)
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			uses[v]++
		}
		for _, body := range n.Bodies() {
			for _, v := range body.Captures() {
				uses[v]++
			}
		}
	}
	for _, v := range g.Outputs {
		uses[v]++
	}
	return uses
}

// mergeIntoConv gives conv new filters and bias and makes it write what norm
// wrote. It reports whether the parameters allowed it.
func mergeIntoConv(g *graph.Graph, conv, norm *graph.Node, facts infer.Facts) bool {
	known := func(v *graph.Value) *tensor.Tensor {
		if v == nil {
			return nil
		}
		return facts[v].Const
	}
	w := known(conv.Input(1))
	if w == nil || w.DType() != tensor.Float32 || w.Rank() < 3 {
		return false
	}
	channels := w.Shape()[0]
	var parameters [4][]float64 // scale, B, mean, var
	for i := range parameters {
		p := known(norm.Inputs[i+1])
		if p == nil || p.DType() != tensor.Float32 || p.Len() != channels {
			return false
		}
		parameters[i] = p.Float64s()
	}
	bias := make([]float64, channels)
	if b := conv.Input(2); b != nil {
		t := known(b)
		if t == nil || t.DType() != tensor.Float32 || t.Len() != channels {
			return false
		}
		bias = t.Float64s()
	}
	filters, epsilon := w.Float64s(), float64(norm.Float("epsilon", 1e-5))
	perFilter := len(filters) / channels
	for c := range channels {
		a := parameters[0][c] / math.Sqrt(parameters[3][c]+epsilon)
		for i := range perFilter {
			filters[c*perFilter+i] *= a
		}
		bias[c] = (bias[c]-parameters[2][c])*a + parameters[1][c]
	}
	constant := func(name string, shape tensor.Shape, values []float64) *graph.Value {
		t := tensor.FromFloat64s(tensor.Float32, shape, values)
		v := &graph.Value{Name: name, Type: t.Type(), Const: t}
		facts[v] = infer.Of(t)
		g.Initializers = append(g.Initializers, v)
		return v
	}
	name := norm.Outputs[0].Name
	conv.Inputs = []*graph.Value{conv.Inputs[0], constant(name+"/filters", w.Shape(), filters), constant(name+"/bias", tensor.Shape{channels}, bias)}
	conv.Source = append(append([]*graph.Node(nil), conv.Source...), norm.Source...)
	conv.Outputs[0], norm.Outputs[0] = norm.Outputs[0], conv.Outputs[0]
	conv.Outputs[0].Producer, norm.Outputs[0].Producer = conv, norm
	norm.Inputs[0] = conv.Outputs[0] // reads nothing that matters: it is dead
	return true
}
