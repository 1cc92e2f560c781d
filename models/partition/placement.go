// Package partition decides on which device each node of a graph runs, before
// anything runs.
//
// [Assign] asks every device about every node. The answer is a [Placement]: the
// graph with an [Assignment] for each node, bodies included, that says where it
// runs, by which route, and why not on a device named earlier. What no device
// can run is reported together, in one [UnsupportedError].
package partition

import (
	"fmt"
	"sort"
	"strings"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Policy says which devices may take a node that the first one lacks.
type Policy uint8

// The policies. The zero value is Listed.
const (
	Listed Policy = iota // the devices that the user listed, in that order
	Never                // only the first device listed
	Any                  // those listed, then every other usable one
)

var policyNames = [...]string{"listed", "never", "any"}

// String returns the policy's name.
func (p Policy) String() string { return policyNames[p] }

// ParsePolicy returns the policy of a name.
func ParsePolicy(name string) (Policy, error) {
	for p, known := range policyNames {
		if known == name {
			return Policy(p), nil
		}
	}
	return 0, fmt.Errorf("no fallback policy is called %q: never, listed or any", name)
}

// Route says how a node reaches the device.
type Route uint8

// The routes by which a backend brings operators, and the two that need none.
const (
	Kernel     Route = iota // a kernel of the device
	Decomposed              // kernels of the device for the operators it consists of
	Control                 // run by the plan: its bodies' nodes have places of their own
	OnHost                  // its values live on the host only (strings, containers)
	Graph                   // the device took the whole model, in the form of the file
)

var routeNames = [...]string{"kernel", "decomposed", "control", "host", "graph"}

// String returns the route's name.
func (r Route) String() string { return routeNames[r] }

// Host is the Device of assignments to the host.
const Host = -1

// Device is what Assign has to know of a device.
type Device struct {
	Name    string
	Backend operators.Backend // nil if the device runs no operators
	Spare   bool              // not listed by the user: for [Any] only
}

// Assignment is the place of one node.
type Assignment struct {
	Node   *graph.Node
	Device int    // index into Placement.Devices, or Host
	Route  Route  //
	Kernel string // the kernel's name, as its device gives it
	Reason string // why here and not on a device before it; "" on the first one

	// Group is the nodes that the kernel computes together, this one among them;
	// nil where it is alone.
	Group []*graph.Node
}

// Placement is a graph of which every node has a place.
type Placement struct {
	Graph   *graph.Graph
	Devices []Device
	Nodes   []Assignment // of the graph and of the bodies that the plan runs, in the order of Graph.All

	byNode map[*graph.Node]int
}

// Whole returns the placement of a graph that the first device took as a whole.
// Kernel, if not nil, names what runs a node there.
func Whole(g *graph.Graph, devices []Device, kernel func(*graph.Node) string) *Placement {
	p := &Placement{Graph: g, Devices: devices, byNode: make(map[*graph.Node]int)}
	for n := range g.All {
		a := Assignment{Node: n, Route: Graph}
		if kernel != nil {
			a.Kernel = kernel(n)
		}
		p.byNode[n] = len(p.Nodes)
		p.Nodes = append(p.Nodes, a)
	}
	return p
}

// Of returns the assignment of a node of the graph or of a body.
func (p *Placement) Of(n *graph.Node) Assignment {
	if i, ok := p.byNode[n]; ok {
		return p.Nodes[i]
	}
	return Assignment{Node: n, Device: Host}
}

// DeviceName returns the name of a device by index; "host" for Host.
func (p *Placement) DeviceName(device int) string {
	if device == Host {
		return "host"
	}
	return p.Devices[device].Name
}

// Count is how many nodes of a placement share device and route.
type Count struct {
	Device string
	Route  Route
	Nodes  int
}

// Counts summarises the placement.
func (p *Placement) Counts() []Count {
	type key struct {
		device int
		route  Route
	}
	nodes := make(map[key]int)
	for _, a := range p.Nodes {
		nodes[key{a.Device, a.Route}]++
	}
	var counts []Count
	for k, n := range nodes {
		counts = append(counts, Count{p.DeviceName(k.device), k.route, n})
	}
	sort.Slice(counts, func(i, j int) bool {
		a, b := counts[i], counts[j]
		return a.Nodes > b.Nodes || a.Nodes == b.Nodes && a.Device+a.Route.String() < b.Device+b.Route.String()
	})
	return counts
}

// Missing is a node that no allowed device can run.
type Missing struct {
	Node     *graph.Node
	Verdicts []string // one per device asked: "cpu:0: no kernel"
}

// UnsupportedError lists every node that cannot run.
type UnsupportedError struct {
	Nodes    []Missing
	Declined error // why the first device did not take the model as a whole, nil where it was not asked
}

// Error implements error: one line per operator and reason, with the nodes.
func (e *UnsupportedError) Error() string {
	type key struct{ operator, why string }
	nodes := make(map[key][]string)
	var order []key
	for _, m := range e.Nodes {
		n := m.Node
		version := n.Version
		if len(n.Source) > 0 {
			version = n.Source[0].Version
		}
		k := key{fmt.Sprintf("%s-%d%s", n.Operator(), version, types(n)), strings.Join(m.Verdicts, "; ")}
		if nodes[k] == nil {
			order = append(order, k)
		}
		nodes[k] = append(nodes[k], n.Label())
	}
	var b strings.Builder
	if e.Declined != nil {
		fmt.Fprintf(&b, "the model was declined as a whole (%v), and ", e.Declined)
	}
	fmt.Fprintf(&b, "%d nodes have no device that can run them:", len(e.Nodes))
	for _, k := range order {
		names := nodes[k]
		more := ""
		if len(names) > 3 {
			names, more = names[:3], fmt.Sprintf(" and %d more", len(nodes[k])-3)
		}
		fmt.Fprintf(&b, "\n  %s: %s (%s%s)", k.operator, k.why, strings.Join(names, ", "), more)
	}
	return b.String()
}

// Is makes errors.Is(err, adapter.Unsupported) work.
func (e *UnsupportedError) Is(target error) bool { return target == driver.Unsupported }

// types lists the types of a node's inputs as "(float32, int64)".
func types(n *graph.Node) string {
	var names []string
	for _, v := range n.Inputs {
		switch {
		case v == nil:
			names = append(names, "-")
		case v.Type.IsTensor():
			names = append(names, v.Type.DType.String())
		default:
			names = append(names, v.Type.String())
		}
	}
	return "(" + strings.Join(names, ", ") + ")"
}
