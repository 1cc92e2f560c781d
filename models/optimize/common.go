package optimize

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// shareCommon makes nodes that compute the same from the same share one of them.
// A node that writes an output of the graph stays, and bodies are looked at each
// by itself.
func shareCommon(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	changed := false
	first := make(map[string]*graph.Node)
	for _, n := range g.Nodes {
		for _, body := range n.Bodies() {
			inside, err := shareCommon(ctx, body, facts)
			if err != nil {
				return changed, err
			}
			changed = changed || inside
		}
		key, ok := identityOf(n, facts)
		if !ok {
			continue
		}
		same := first[key]
		if same == nil {
			first[key] = n
			continue
		}
		if slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { return v != nil && slices.Contains(g.Outputs, v) }) {
			continue
		}
		for i, v := range n.Outputs {
			if v != nil {
				g.Substitute(v, same.Outputs[i])
			}
		}
		same.Source = append(slices.Clip(same.Source), n.Source...)
		changed = true
	}
	return changed, ctx.Err()
}

// short is up to how many bytes constants are compared, not only their names.
const short = 64

// identityOf returns a text that nodes share if they compute the same; ok says
// that there is one.
func identityOf(n *graph.Node, facts infer.Facts) (key string, ok bool) {
	if infer.Volatile(n) {
		return "", false
	}
	var b strings.Builder
	fmt.Fprint(&b, n.Operator(), n.Version)
	for _, v := range n.Inputs {
		if t := facts[v].Const; t != nil && t.DType() != tensor.String && len(t.Bytes()) <= short {
			fmt.Fprintf(&b, " %v%v%x", t.DType(), t.Shape(), t.Bytes())
			continue
		}
		fmt.Fprintf(&b, " %p", v)
	}
	for _, v := range n.Outputs {
		fmt.Fprint(&b, " ", v != nil)
	}
	for _, a := range n.Attributes {
		switch a.Value.(type) {
		case int64, float32, string, []int64, []float32, []string:
			fmt.Fprintf(&b, " %s=%T%#v", a.Name, a.Value, a.Value)
		default:
			return "", false
		}
	}
	return b.String(), true
}
