package command

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"example.com/midplane/models"
	"example.com/midplane/models/partition"
)

// placementJSON says where one node runs.
type placementJSON struct {
	Node     string `json:"node"`
	Operator string `json:"operator"`
	Device   string `json:"device"`
	Route    string `json:"route"`
	Kernel   string `json:"kernel,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

func placementOf(p *partition.Placement) []placementJSON {
	list := []placementJSON{}
	for _, a := range p.Nodes {
		name := a.Node.Name
		for _, out := range a.Node.Outputs {
			if name == "" && out != nil {
				name = out.Name
			}
		}
		list = append(list, placementJSON{name, a.Node.Operator(), p.DeviceName(a.Device), a.Route.String(), a.Kernel, a.Reason})
	}
	return list
}

// summary says in one line how many nodes run where: "7 of 9 nodes on emu:1
// (kernel), 2 on cpu:0 (kernel)".
func summary(s *models.Session) string {
	counts := s.Placement().Counts()
	total := len(s.Placement().Nodes)
	if total == 0 {
		return "no nodes: the outputs are constants"
	}
	parts := make([]string, len(counts))
	for i, c := range counts {
		of := ""
		if i == 0 {
			of = fmt.Sprintf(" of %d nodes", total)
		}
		parts[i] = fmt.Sprintf("%d%s on %s (%s)", c.Nodes, of, c.Device, c.Route)
	}
	return strings.Join(parts, ", ")
}

// printPlacement lists every node.
func printPlacement(w io.Writer, p *partition.Placement) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tOPERATOR\tDEVICE\tROUTE\tKERNEL\tREASON")
	for _, n := range placementOf(p) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", n.Node, n.Operator, n.Device, n.Route, n.Kernel, n.Reason)
	}
	return t.Flush()
}
