package partition

import (
	"context"
	"errors"
	"fmt"

	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// maxNesting bounds how deep decompositions may lie inside each other.
const maxNesting = 8

// Assign gives every node of a typed graph, and of its bodies, a place. Devices
// are asked in order; the first that can run a node, by a kernel or decomposed,
// takes it. The graph is changed: decomposed nodes are replaced by what they
// consist of. If any node finds no device, the error is an *[UnsupportedError]
// that lists all of them.
func Assign(ctx context.Context, g *graph.Graph, devices []Device, policy Policy) (*Placement, error) {
	a := &assigner{ctx: ctx, devices: devices, policy: policy, places: make(map[*graph.Node]Assignment)}
	if err := a.graph(g); err != nil {
		return nil, err
	}
	if len(a.missing) > 0 {
		return nil, &UnsupportedError{Nodes: a.missing}
	}
	p := &Placement{Graph: g, Devices: devices, byNode: make(map[*graph.Node]int)}
	for n := range g.All {
		place, ok := a.places[n]
		if !ok {
			continue // in a body that belongs to a kernel's node
		}
		p.byNode[n] = len(p.Nodes)
		p.Nodes = append(p.Nodes, place)
	}
	return p, nil
}

type assigner struct {
	ctx     context.Context
	devices []Device
	policy  Policy
	places  map[*graph.Node]Assignment
	missing []Missing
}

func (a *assigner) graph(g *graph.Graph) error {
	for i := 0; i < len(g.Nodes); i++ {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		n := g.Nodes[i]
		switch {
		case control(n):
			a.places[n] = Assignment{Node: n, Device: Host, Route: Control}
			for _, body := range n.Bodies() {
				if err := a.graph(body); err != nil {
					return err
				}
			}
		case hostOnly(n):
			a.host(n)
		default:
			i += a.node(g, i)
		}
	}
	return nil
}

// control reports whether the plan runs a node by running its bodies.
func control(n *graph.Node) bool { return n.Domain == "" && (n.Op == "If" || n.Op == "Loop") }

// hostOnly reports whether a node touches values that live on the host only.
func hostOnly(n *graph.Node) bool {
	for _, values := range [][]*graph.Value{n.Inputs, n.Outputs} {
		for _, v := range values {
			if v != nil && v.Type.HostOnly() {
				return true
			}
		}
	}
	return false
}

// host places a node whose values live on the host.
func (a *assigner) host(n *graph.Node) {
	if _, ok := reference.Lookup(n.Operator()); !ok {
		a.missing = append(a.missing, Missing{n, []string{"host: " + operators.NoKernel.String()}})
		return
	}
	a.places[n] = Assignment{Node: n, Device: Host, Route: OnHost, Kernel: "reference", Reason: "strings and containers live on the host"}
}

// node places the i-th node of g and returns by how many nodes g has grown.
func (a *assigner) node(g *graph.Graph, i int) int {
	n := g.Nodes[i]
	var verdicts []string
	for d, device := range a.devices {
		if !a.allowed(d) {
			continue
		}
		v := supports(device, n)
		if v.Level != operators.Unsupported {
			a.places[n] = Assignment{n, d, Kernel, v.Kernel, reason(verdicts)}
			return 0
		}
		parts, b, out, err := a.decompose(n, d, 0)
		if err == nil {
			grown := g.Replace(i, b, out) - 1
			for _, part := range b.Nodes {
				place := parts[part]
				if place.Node == nil { // an Identity that Replace put in
					place = Assignment{part, d, Decomposed, supports(device, part).Kernel, ""}
				}
				place.Reason = reason(verdicts)
				a.places[part] = place
			}
			return grown
		}
		verdict := fmt.Sprintf("%s: %s", device.Name, why(v))
		if err != errNoRule {
			verdict += ", and not decomposed: " + err.Error()
		}
		verdicts = append(verdicts, verdict)
	}
	a.missing = append(a.missing, Missing{n, verdicts})
	return 0
}

// allowed reports whether the policy lets device d take nodes.
func (a *assigner) allowed(d int) bool {
	switch a.policy {
	case Never:
		return d == 0
	case Any:
		return true
	}
	return !a.devices[d].Spare
}

func supports(d Device, n *graph.Node) operators.Verdict {
	if d.Backend == nil {
		return operators.Verdict{Reason: operators.NoOperators}
	}
	return d.Backend.Supports(n)
}

func why(v operators.Verdict) string {
	if v.Detail == "" || v.Reason == operators.NoKernel {
		return v.Reason.String()
	}
	return v.Reason.String() + ": " + v.Detail
}

func reason(verdicts []string) string {
	if len(verdicts) == 0 {
		return ""
	}
	return verdicts[len(verdicts)-1]
}

// errNoRule says that an operator is not expressed by others.
var errNoRule = errors.New("no rule")

// decompose expresses a node by others, all of which device d has kernels for.
func (a *assigner) decompose(n *graph.Node, d, depth int) (map[*graph.Node]Assignment, *graph.Builder, []*graph.Value, error) {
	rule, ok := decompose.Lookup(n.Operator())
	if !ok || depth == maxNesting {
		return nil, nil, nil, errNoRule
	}
	b, out, err := infer.Rewrite(a.ctx, rule, n)
	if err != nil {
		return nil, nil, nil, err
	}
	places := make(map[*graph.Node]Assignment)
	inner := &graph.Graph{Nodes: b.Nodes}
	for i := 0; i < len(inner.Nodes); i++ {
		part := inner.Nodes[i]
		if control(part) || hostOnly(part) {
			return nil, nil, nil, fmt.Errorf("%s is not run by a device", part.Operator())
		}
		v := supports(a.devices[d], part)
		if v.Level != operators.Unsupported {
			places[part] = Assignment{part, d, Decomposed, v.Kernel, ""}
			continue
		}
		deeper, c, values, err := a.decompose(part, d, depth+1)
		switch {
		case err == errNoRule:
			return nil, nil, nil, fmt.Errorf("%s: %s", part.Operator(), why(v))
		case err != nil:
			return nil, nil, nil, fmt.Errorf("%s: %s, %w", part.Operator(), why(v), err)
		}
		i += inner.Replace(i, c, values) - 1
		for n, place := range deeper {
			places[n] = place
		}
	}
	b.Nodes, b.Initializers = inner.Nodes, append(b.Initializers, inner.Initializers...)
	return places, b, out, nil
}
