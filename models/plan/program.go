package plan

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Program is a placed graph, or a body of one, with its plans.
type Program struct {
	env    *Env
	graph  *graph.Graph
	params []*graph.Value            // the graph's inputs, then the values that it captures
	wants  []int                     // where each output is wanted
	bodies map[*graph.Graph]*Program // of the graph's control-flow nodes
	root   bool
	fixed  bool // the types of all parameters are known exactly: there is one plan

	mu    sync.Mutex
	plans map[string]*cached
	asked int    // how often plans were asked for
	last  *maker // of the last plan, for the next
}

// cached is a plan and when it was asked for last.
type cached struct {
	*Plan
	asked int
}

// maxPlans bounds how many plans of exact shapes a program keeps. Beyond it a new
// one takes the place of the one that was not asked for longest. Of a body, which
// may come with new shapes in every iteration, and where kernels hold something
// that has to be given back, one more plan is made instead, which leaves every
// extent open until it runs.
const maxPlans = 24

// Given is what is known of a parameter before a run.
type Given struct {
	Type     tensor.Type
	Location int
}

// Is reports whether an operand at a location is a tensor of exactly this type;
// false may also mean that it cannot be told.
func (g Given) Is(o operators.Operand, location int) bool {
	if g.Location != location || !g.Type.IsTensor() || g.Type.DType != o.DType || len(g.Type.Dims) != len(o.Shape) {
		return false
	}
	for i, d := range g.Type.Dims {
		if d.Size != o.Shape[i] {
			return false
		}
	}
	return true
}

// New returns the program of the graph that env's placement places. Wants says
// where each output is wanted; nil means all on the host.
func New(env *Env, wants []int) *Program {
	g := env.Placement.Graph
	p := newProgram(env, g)
	p.root = true
	if p.wants = wants; wants == nil {
		p.wants = make([]int, len(g.Outputs))
		for i := range p.wants {
			p.wants[i] = Host
		}
	}
	return p
}

// newProgram returns the program of a graph and of the bodies in it.
func newProgram(env *Env, g *graph.Graph) *Program {
	p := &Program{env: env, graph: g, plans: make(map[string]*cached), bodies: make(map[*graph.Graph]*Program)}
	p.params = append(p.params, g.Inputs...)
	for _, v := range g.Captures() {
		if v.Const == nil {
			p.params = append(p.params, v)
		}
	}
	p.fixed = !slices.ContainsFunc(p.params, func(v *graph.Value) bool {
		_, known := v.Type.Dims.Shape()
		return !known || !v.Type.IsTensor()
	})
	for _, n := range g.Nodes {
		if n.Domain != "" || n.Op != "If" && n.Op != "Loop" {
			continue
		}
		for _, body := range n.Bodies() {
			b := newProgram(env, body)
			b.wants = wants(n, body)
			p.bodies[body] = b
		}
	}
	return p
}

// home is the location where tensors that come out of bodies are wanted.
const home = 0

// wants returns where the outputs of a body are wanted: a loop's condition and
// everything that lives on the host only there, all else on the first device.
func wants(n *graph.Node, body *graph.Graph) []int {
	out := make([]int, len(body.Outputs))
	for i, v := range body.Outputs {
		out[i] = home
		if n.Op == "Loop" && i == 0 || outputType(n, body, i).HostOnly() || v.Type.HostOnly() {
			out[i] = Host
		}
	}
	return out
}

// outputType returns the type of the node's output that takes a body's i-th.
func outputType(n *graph.Node, body *graph.Graph, i int) tensor.Type {
	if n.Op == "Loop" {
		i--
	}
	if out := n.Output(i); i >= 0 && out != nil {
		return out.Type
	}
	return body.Outputs[i].Type
}

// Params returns the values that a plan is given: the graph's inputs, then, for
// a body, what it captures.
func (p *Program) Params() []*graph.Value { return p.params }

// Plan returns the plan for parameters of the given types, in the order of
// Params. It makes it where there is none yet.
func (p *Program) Plan(ctx context.Context, given []Given) (*Plan, error) {
	var room [256]byte
	key := signature(room[:0], given)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if plan := p.cached(key); plan != nil {
		return plan, nil
	}
	full := len(p.plans) >= maxPlans
	if full && (!p.root || p.env.closes()) {
		given, full = widen(given), false
		key = signature(room[:0], given)
		if plan := p.cached(key); plan != nil {
			return plan, nil
		}
	}
	plan, err := p.make(ctx, given)
	if err != nil {
		return nil, err
	}
	if full {
		p.drop()
	}
	p.plans[string(key)] = &cached{plan, p.asked}
	return plan, nil
}

// cached returns the plan for a key, nil where there is none.
func (p *Program) cached(key []byte) *Plan {
	c := p.plans[string(key)]
	if c == nil {
		return nil
	}
	c.asked = p.asked
	return c.Plan
}

// drop forgets the plan that was not asked for longest.
func (p *Program) drop() {
	oldest, since := "", p.asked
	for key, c := range p.plans {
		if c.asked < since {
			oldest, since = key, c.asked
		}
	}
	p.plans[oldest].dropped.Store(true)
	delete(p.plans, oldest)
}

// signature appends what tells one list of parameters from another.
func signature(key []byte, given []Given) []byte {
	for _, g := range given {
		key = append(key, byte(g.Location+1), byte(g.Type.Kind), byte(g.Type.DType))
		if g.Type.Elem != nil {
			elem := g.Type.Elem.String()
			key = append(binary.AppendVarint(key, int64(len(elem))), elem...)
		}
		rank := int64(len(g.Type.Dims))
		if !g.Type.Dims.Ranked() {
			rank = -1
		}
		key = binary.AppendVarint(key, rank)
		for _, d := range g.Type.Dims {
			key = binary.AppendVarint(key, int64(d.Size))
		}
	}
	return key
}

// widen forgets every extent.
func widen(given []Given) []Given {
	wide := make([]Given, len(given))
	for i, g := range given {
		wide[i] = g
		if g.Type.Dims.Ranked() {
			wide[i].Type.Dims = tensor.UnknownDims(len(g.Type.Dims))
		}
	}
	return wide
}

// body returns the program of a control-flow node's body.
func (p *Program) body(g *graph.Graph) (*Program, error) {
	if b, ok := p.bodies[g]; ok {
		return b, nil
	}
	return nil, errors.New("a body that is not part of the program")
}
