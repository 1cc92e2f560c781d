package opset

import (
	"errors"
	"fmt"
	"strings"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// UnsupportedError lists every node that cannot be lifted, because its operator
// is not known under the operator set that the file imports.
type UnsupportedError struct{ Nodes []Unsupported }

// Unsupported says why one node cannot be lifted. Node's Source leads to the
// decoded file; Version is the operator set's, 0 where none is imported.
type Unsupported struct {
	Node   *graph.Node
	Reason string
}

// Error has one line per reason, which names operator and operator set, with the
// first nodes that it holds for.
func (e *UnsupportedError) Error() string {
	const few = 3
	nodes := make(map[string][]string)
	var order []string
	for _, u := range e.Nodes {
		if nodes[u.Reason] == nil {
			order = append(order, u.Reason)
		}
		nodes[u.Reason] = append(nodes[u.Reason], u.Node.Label())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d nodes have unsupported operators:", len(e.Nodes))
	for _, reason := range order {
		names, more := nodes[reason], ""
		if len(names) > few {
			more = fmt.Sprintf(" and %d more", len(names)-few)
			names = names[:few]
		}
		fmt.Fprintf(&b, "\n  %s (%s%s)", reason, strings.Join(names, ", "), more)
	}
	return b.String()
}

// Is makes errors.Is(err, adapter.Unsupported) work.
func (e *UnsupportedError) Is(target error) bool { return target == driver.Unsupported }

// survey finds everything in g that cannot be lifted before anything is: all
// unsupported operators, and all nodes that break their schema.
func survey(g *graph.Graph) error {
	var unsupported []Unsupported
	var problems []error
	for n := range g.All {
		if reason := unknown(n); reason != "" {
			unsupported = append(unsupported, Unsupported{n, reason})
		} else if err := operators.CheckForm(n); err != nil {
			problems = append(problems, fmt.Errorf("node %s of operator set version %d: %w", n.Label(), n.Version, err))
		}
	}
	if len(unsupported) > 0 {
		problems = append(problems, &UnsupportedError{unsupported})
	}
	return errors.Join(problems...)
}

// unknown says why the operator of n is not known, "" if it is.
func unknown(n *graph.Node) string {
	domain := n.Domain
	if domain == "" {
		domain = "ai.onnx"
	}
	newest := operators.NewestOpset(n.Domain)
	switch {
	case n.Domain == Legacy:
		return ""
	case n.Version < 1:
		return fmt.Sprintf("the model imports no operator set of domain %s", domain)
	case !operators.Closed(n.Domain) && len(operators.Versions(n.Domain, n.Op)) == 0:
		return "" // an operator of a vendor's domain that nobody has registered
	case n.Version > newest:
		return fmt.Sprintf("version %d of the operator set %s is newer than the newest known, %d", n.Version, domain, newest)
	}
	if _, ok := operators.Lookup(n.Domain, n.Op, n.Version); ok {
		return ""
	}
	if versions := operators.Versions(n.Domain, n.Op); len(versions) > 0 {
		return fmt.Sprintf("%s has no operator %s in version %d, only since version %d", domain, n.Op, n.Version, versions[0].Since)
	}
	return fmt.Sprintf("%s has no operator %s in any version up to %d", domain, n.Op, newest)
}
