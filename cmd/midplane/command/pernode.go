package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// nodeComparison is how the outputs of one node compare on two devices.
type nodeComparison struct {
	Node     string `json:"node"`
	Operator string `json:"operator"`
	Output   string `json:"output"`
	Type     string `json:"type"`
	Bodies   bool   `json:"bodies,omitempty"` // it runs graphs of its own, whose nodes are not looked at
	Reason   string `json:"reason"`
}

// perNode runs a model on two devices with every value that a node writes as an
// output, and names the first node, in topological order, whose outputs differ.
func perNode(c *cobra.Command, m model, inputs map[string]tensor.Value, r *runFlags) error {
	file, err := onnx.Load(m.path, nil)
	if err != nil {
		return err
	}
	defer file.Close()
	all := exposed(file.Model)
	o, err := r.options()
	if err != nil {
		return err
	}
	got, err := runModel(c, all, o, inputs)
	if err != nil {
		return err
	}
	want, err := runModel(c, all, &models.Options{Devices: []string{r.against}, Threads: r.threads}, inputs)
	if err != nil {
		return err
	}
	first, compared, differed := compareNodes(all.Graph, got, want, r.tolerance)
	if r.asJSON {
		err = printJSON(c.OutOrStdout(), map[string]any{
			"model": m.name(), "against": r.against, "tolerance": r.tolerance, "values": compared, "differed": differed, "first": first,
		})
	} else {
		err = printNodes(c, m, r, first, compared, differed)
	}
	if err == nil && differed > 0 {
		return errShort
	}
	return err
}

// exposed returns the model with every value that a node of its graph writes as
// an output.
func exposed(m *graph.Model) *graph.Model {
	own, g := *m, *m.Graph
	own.Graph = &g
	g.Outputs = append([]*graph.Value(nil), g.Outputs...)
	taken := make(map[*graph.Value]bool)
	for _, v := range g.Outputs {
		taken[v] = true
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != nil && !taken[v] {
				taken[v] = true
				g.Outputs = append(g.Outputs, v)
			}
		}
	}
	return &own
}

func runModel(c *cobra.Command, m *graph.Model, o *models.Options, inputs map[string]tensor.Value) (map[string]tensor.Value, error) {
	s, err := models.LoadModel(c.Context(), m, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Run(c.Context(), inputs)
}

// compareNodes compares what every node wrote and returns the first that
// differs, nil if none does.
func compareNodes(g *graph.Graph, got, want map[string]tensor.Value, tolerance float64) (first *nodeComparison, compared, differed int) {
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v == nil {
				continue
			}
			compared++
			cmp := compare("", v.Name, got[v.Name], want[v.Name], tolerance)
			if cmp.Match {
				continue
			}
			differed++
			if first == nil {
				first = &nodeComparison{n.Label(), n.Operator(), v.Name, fmt.Sprint(want[v.Name].Type()), len(n.Bodies()) > 0, cmp.Reason}
			}
		}
	}
	return first, compared, differed
}

func printNodes(c *cobra.Command, m model, r *runFlags, first *nodeComparison, compared, differed int) error {
	w := c.OutOrStdout()
	if first != nil {
		inside := ""
		if first.Bodies {
			inside = " (or a node in its bodies)"
		}
		fmt.Fprintf(w, "the first node that differs is %s%s, output %q: %s\n", first.Node, inside, first.Output, first.Reason)
	}
	_, err := fmt.Fprintf(w, "%s: %d of %d values match those on %s within %g of the largest\n", m.name(), compared-differed, compared, r.against, r.tolerance)
	return err
}
