package operators

import "example.com/midplane/operators/graph"

// Fuser is implemented by a Backend that has kernels for several nodes at once: a
// convolution with the activation behind it, say.
//
// Absent: every node has a kernel of its own.
type Fuser interface {
	// Groups finds nodes of a typed graph, outside its bodies, that one kernel
	// computes. A node is in one group at most. Like Supports it is cheap and pure.
	Groups(g *graph.Graph) []Group

	// BuildGroup makes the kernel of a group, of whose values the types are known
	// exactly, or returns nil if it has none for these types: then each node has
	// its own. A call's inputs are those that GroupInputs lists, its outputs those
	// of the last node.
	BuildGroup(nodes []*graph.Node) (Kernel, error)
}

// Group is nodes that one kernel computes, in the order of the graph. What the last
// one writes is the group's result; what the others write is read in the group
// only.
type Group struct {
	Nodes  []*graph.Node
	Kernel string // its name, for people
}

// GroupInputs returns what the nodes of a group read that none of them writes: the
// inputs of the first node, then those of the others, as often as they occur and
// nil where one is absent.
func GroupInputs(nodes []*graph.Node) []*graph.Value {
	own := make(map[*graph.Value]bool)
	var list []*graph.Value
	for _, n := range nodes {
		for _, v := range n.Inputs {
			if v == nil || !own[v] {
				list = append(list, v)
			}
		}
		for _, v := range n.Outputs {
			own[v] = true
		}
	}
	return list
}
