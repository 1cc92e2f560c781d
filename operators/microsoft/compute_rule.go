package microsoft

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// byRule computes an operator by those that its rule expresses it by, for inputs
// whose shapes the rule then knows.
func byRule(rule graph.Rewrite) reference.Func {
	return func(c *reference.Call) ([]tensor.Value, error) {
		g := &graph.Graph{Name: c.Node.Op}
		n := &graph.Node{Name: c.Node.Name, Domain: c.Node.Domain, Op: c.Node.Op, Attributes: c.Node.Attributes, Outputs: c.Node.Outputs}
		var inputs []tensor.Value
		for _, v := range c.Inputs {
			if v == nil {
				n.Inputs = append(n.Inputs, nil)
				continue
			}
			in := &graph.Value{Name: "input", Type: v.Type()}
			n.Inputs, g.Inputs, inputs = append(n.Inputs, in), append(g.Inputs, in), append(inputs, v)
		}
		b := graph.NewBuilder(n)
		outputs, err := rule(b, n)
		if err != nil {
			return nil, err
		}
		g.Nodes, g.Initializers, g.Outputs = b.Nodes, b.Initializers, outputs
		return reference.Evaluate(c.Context, g, inputs)
	}
}
