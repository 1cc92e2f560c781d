package onnxruntime

import (
	"unsafe"

	"example.com/midplane/operators/graph"
)

// assignment says which execution provider took which node, by the node's name.
// It is nil where the library does not tell.
type assignment map[string]string

// untold is what is known of a node that the library does not speak of: it was
// folded or fused away, has no name, or the library is too old to tell.
const untold = "provider not told"

// kernel returns the provider that took a node.
func (a assignment) kernel(n *graph.Node) string {
	if p, ok := a[n.Name]; ok && n.Name != "" {
		return p
	}
	return untold
}

// assignment reads which provider took which node. Names that several nodes
// share, on different providers, tell nothing.
func (s *session) assignment() (assignment, error) {
	l := s.lib
	if !l.has(ortSession_GetEpGraphAssignmentInfo) {
		return nil, nil
	}
	var array, n uintptr
	if err := l.check(ortSession_GetEpGraphAssignmentInfo, s.handle, uintptr(unsafe.Pointer(&array)), uintptr(unsafe.Pointer(&n))); err != nil {
		return nil, err
	}
	a := make(assignment)
	for _, part := range list(array, int(n)) {
		provider, nodes, err := l.part(part)
		if err != nil {
			return nil, err
		}
		for _, name := range nodes {
			if other, ok := a[name]; ok && other != provider {
				a[name] = untold
				continue
			}
			a[name] = provider
		}
	}
	return a, nil
}

// part reads an OrtEpAssignedSubgraph: the provider, and the names of the nodes.
func (l *library) part(part handle) (provider string, nodes []string, err error) {
	var name, array, n uintptr
	if err := l.check(ortEpAssignedSubgraph_GetEpName, part, uintptr(unsafe.Pointer(&name))); err != nil {
		return "", nil, err
	}
	if err := l.check(ortEpAssignedSubgraph_GetNodes, part, uintptr(unsafe.Pointer(&array)), uintptr(unsafe.Pointer(&n))); err != nil {
		return "", nil, err
	}
	for _, node := range list(array, int(n)) {
		var name uintptr
		if err := l.check(ortEpAssignedNode_GetName, node, uintptr(unsafe.Pointer(&name))); err != nil {
			return "", nil, err
		}
		nodes = append(nodes, goString(name))
	}
	return goString(name), nodes, nil
}
