package partition

import (
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Join asks the devices which of the nodes that they were given they compute
// together, in the graph and in the bodies that the plan runs, and notes it in
// the placement. What is no group is left alone.
func (p *Placement) Join() { p.groups(p.Graph) }

func (p *Placement) groups(g *graph.Graph) {
	for d, device := range p.Devices {
		fuser, ok := device.Backend.(operators.Fuser)
		if !ok {
			continue
		}
		uses := g.Uses()
		for _, group := range fuser.Groups(g) {
			if p.grouped(g, d, group.Nodes, uses) {
				for _, n := range group.Nodes {
					a := &p.Nodes[p.byNode[n]]
					a.Kernel, a.Group = group.Kernel, group.Nodes
				}
			}
		}
	}
	for _, n := range g.Nodes {
		if p.Of(n).Route == Control {
			for _, body := range n.Bodies() {
				p.groups(body)
			}
		}
	}
}

// grouped reports whether nodes of g lie on one device, in no group yet, and keep
// what they write to themselves, but for the last.
func (p *Placement) grouped(g *graph.Graph, device int, nodes []*graph.Node, uses map[*graph.Value]int) bool {
	inside := make(map[*graph.Value]int)
	for _, n := range nodes {
		i, ok := p.byNode[n]
		if !ok {
			return false
		}
		if a := p.Nodes[i]; a.Device != device || a.Group != nil || a.Route != Kernel && a.Route != Decomposed || len(n.Bodies()) > 0 {
			return false
		}
		for _, v := range n.Inputs {
			inside[v]++
		}
	}
	for _, n := range nodes[:len(nodes)-1] {
		for _, v := range n.Outputs {
			if v != nil && inside[v] != uses[v] {
				return false
			}
		}
	}
	return len(nodes) > 1
}
