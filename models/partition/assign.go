package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
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
	a := &assigner{ctx: ctx, devices: devices, policy: policy, places: make(map[*graph.Node]Assignment), settled: make(map[string]bool)}
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
	settled map[string]bool // uses of operators that run on a kernel of last resort
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
		c, err := a.choose(n, d, 0)
		if err != nil {
			verdicts = append(verdicts, fmt.Sprintf("%s: %v", device.Name, err))
			continue
		}
		if c.builder == nil {
			a.places[n] = Assignment{Node: n, Device: d, Route: Kernel, Kernel: c.kernel, Reason: reason(verdicts)}
			return 0
		}
		grown := g.Replace(i, c.builder, c.outputs) - 1
		for _, part := range c.builder.Nodes {
			a.places[part] = Assignment{Node: part, Device: d, Route: Decomposed, Kernel: c.kernels[part], Reason: reason(verdicts)}
		}
		return grown
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

// reason is why a node is not on the device asked before.
func reason(verdicts []string) string {
	if len(verdicts) == 0 {
		return ""
	}
	return verdicts[len(verdicts)-1]
}

// choice is how one device runs a node: by a kernel, or by what a rule emits.
type choice struct {
	kernel     string
	lastResort bool // one of its kernels is, or is a narrow one

	builder *graph.Builder // nil for a kernel
	outputs []*graph.Value
	kernels map[*graph.Node]string // of the builder's nodes
}

// choose prefers a kernel of its own to kernels for the parts of a node, and
// those, unless they do more work, to one of last resort.
func (a *assigner) choose(n *graph.Node, d, depth int) (choice, error) {
	v := supports(a.devices[d], n)
	supported := v.Level != operators.Unsupported
	own := choice{kernel: v.Kernel, lastResort: v.LastResort || v.Narrow}
	if supported && (!v.LastResort || decompose.Costly(n.Operator()) || a.settled[use(n, d)]) {
		return own, nil
	}
	parts, err := a.decompose(n, d, depth)
	switch {
	case err == nil && (!supported || !parts.lastResort):
		return parts, nil
	case supported:
		a.settled[use(n, d)] = true
		return own, nil
	case err == errNoRule || v.Reason == operators.NoOperators:
		return own, errors.New(why(v))
	}
	return own, fmt.Errorf("%s, and not decomposed: %w", why(v), err)
}

// use names what a verdict about a node depends on: the device, the operator, the
// types of inputs and which of them are constants, the outputs named, and the
// attributes.
func use(n *graph.Node, d int) string {
	var b strings.Builder
	fmt.Fprint(&b, d, n.Operator(), n.Attributes)
	for _, v := range n.Inputs {
		if v != nil {
			fmt.Fprint(&b, ",", v.Type, v.Const != nil)
		}
		b.WriteByte(';')
	}
	for _, v := range n.Outputs {
		fmt.Fprint(&b, v != nil)
	}
	return b.String()
}

func why(v operators.Verdict) string {
	if v.Detail == "" || v.Reason == operators.NoKernel {
		return v.Reason.String()
	}
	return v.Reason.String() + ": " + v.Detail
}

// errNoRule says that an operator is not expressed by others.
var errNoRule = errors.New("no rule")

// decompose expresses a node by others, all of which device d runs.
func (a *assigner) decompose(n *graph.Node, d, depth int) (choice, error) {
	rule, ok := decompose.Lookup(n.Operator())
	if !ok || depth == maxNesting {
		return choice{}, errNoRule
	}
	b, out, err := infer.Rewrite(a.ctx, rule, n)
	if err != nil {
		return choice{}, err
	}
	c := choice{builder: b, outputs: written(b, out), kernels: make(map[*graph.Node]string)}
	inner := &graph.Graph{Nodes: b.Nodes}
	for i := 0; i < len(inner.Nodes); i++ {
		part := inner.Nodes[i]
		if control(part) || hostOnly(part) {
			return choice{}, fmt.Errorf("%s is not run by a device", part.Operator())
		}
		deeper, err := a.choose(part, d, depth+1)
		if err != nil {
			return choice{}, fmt.Errorf("%s: %w", part.Operator(), err)
		}
		c.lastResort = c.lastResort || deeper.lastResort && (computed(part) || !computed(n))
		if deeper.builder == nil {
			c.kernels[part] = deeper.kernel
			continue
		}
		i += inner.Replace(i, deeper.builder, deeper.outputs) - 1
		for n, kernel := range deeper.kernels {
			c.kernels[n] = kernel
		}
	}
	b.Nodes, b.Initializers = inner.Nodes, append(b.Initializers, inner.Initializers...)
	return c, nil
}

// computed reports whether a node takes or gives floating-point numbers. Among the
// parts of one that does, others find shapes, positions and conditions, which are
// few.
func computed(n *graph.Node) bool {
	for _, values := range [][]*graph.Value{n.Inputs, n.Outputs} {
		for _, v := range values {
			if v != nil && (!v.Type.IsTensor() || v.Type.DType == tensor.Undefined || v.Type.DType.IsFloat()) {
				return true
			}
		}
	}
	return false
}

// written returns the values that stand for a node's outputs, each written by a
// node of the builder and standing for one output only: Identity copies others.
func written(b *graph.Builder, out []*graph.Value) []*graph.Value {
	own := make(map[*graph.Value]bool)
	for _, n := range b.Nodes {
		for _, v := range n.Outputs {
			own[v] = true
		}
	}
	out = slices.Clone(out)
	for i, v := range out {
		if v != nil && !own[v] {
			out[i] = b.Op("Identity", []*graph.Value{v})
		}
		delete(own, v)
	}
	return out
}
