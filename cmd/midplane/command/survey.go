package command

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/opset"
)

// The routes of a table beside those of placements.
const (
	lastResort = "reference" // a kernel of last resort
	missing    = "missing"
)

// surveyed is an operator and how devices run it.
type surveyed struct {
	schema   *operators.Schema // of the newest version
	versions []int
	types    []typed
}

// typed is what devices say of an operator for one element type.
type typed struct {
	dtype  tensor.DType
	since  int        // the first version that takes the type
	places []standing // in the order of the devices
}

// standing is how one device runs a node.
type standing struct{ route, kernel string }

// survey places a usual node of every operator on each device, for every element
// type, as a model's would be. Nodes are of the newest version, to which those of
// older ones are lifted.
func survey(ctx context.Context, devices []partition.Device) []surveyed {
	found := make(map[string]*surveyed)
	for s := range operators.All() {
		o := found[s.Operator()]
		if o == nil {
			newest, _ := operators.Newest(s.Domain, s.Name)
			o = &surveyed{schema: newest}
			found[s.Operator()] = o
		}
		o.versions = append(o.versions, s.Since)
	}
	since := make(map[string]map[tensor.DType]int)
	for _, c := range cell.All() {
		if since[c.Operator] == nil {
			since[c.Operator] = make(map[tensor.DType]int)
		}
		if _, ok := since[c.Operator][c.DType]; !ok {
			since[c.Operator][c.DType] = c.Version
		}
		if c.Newest() && c.First() && c.Usual() && c.Layout == cell.Dense {
			o := found[c.Operator]
			places := slices.Repeat([]standing{{route: partition.Control.String()}}, len(devices))
			if !holdsBodies(o.schema) {
				places = judge(ctx, devices, []*graph.Graph{drawn(ctx, c)})
			}
			o.types = append(o.types, typed{c.DType, since[c.Operator][c.DType], places})
		}
	}
	for name, o := range found {
		if since[name] != nil || len(o.schema.Inputs) == 0 {
			continue
		}
		for _, d := range o.schema.Elements(o.schema.Inputs[0].Type) {
			o.types = append(o.types, typed{d, o.versions[0], judge(ctx, devices, guessed(o.schema, d))})
		}
	}
	return slices.SortedFunc(func(yield func(surveyed) bool) {
		for o := range maps.Values(found) {
			if !yield(*o) {
				return
			}
		}
	}, func(a, b surveyed) int {
		return cmp.Or(cmp.Compare(a.schema.Domain, b.schema.Domain), cmp.Compare(a.schema.Name, b.schema.Name))
	})
}

// holdsBodies reports whether every node of an operator has bodies, which the
// session runs.
func holdsBodies(s *operators.Schema) bool {
	return slices.ContainsFunc(s.Attributes, func(a operators.AttributeSchema) bool { return a.Required && a.Type == operators.GraphAttribute })
}

// drawn is the typed graph of a cell of the conformance suite, nil if its
// operator cannot be lifted.
func drawn(ctx context.Context, c cell.Cell) *graph.Graph {
	p, err := cell.Make(c, 1)
	if err != nil {
		return nil
	}
	g, err := opset.Lift(ctx, p.Model)
	if err != nil {
		return nil
	}
	if facts, err := infer.Run(ctx, g, nil); err == nil {
		infer.Annotate(g, facts)
	}
	return g
}

// judge returns for each device the best that comes of placing samples.
func judge(ctx context.Context, devices []partition.Device, samples []*graph.Graph) []standing {
	places := make([]standing, len(devices))
	for i, d := range devices {
		places[i] = standing{route: missing}
		for _, g := range samples {
			if g == nil {
				continue
			}
			p, err := partition.Assign(ctx, g.Clone(nil), []partition.Device{d}, partition.Never)
			if err == nil {
				places[i] = routeOf(p, d)
				break
			}
		}
	}
	return places
}

// routeOf tells how a graph that stands for one operator runs.
func routeOf(p *partition.Placement, d partition.Device) standing {
	s := standing{}
	for _, a := range p.Nodes {
		route := a.Route.String()
		if a.Route == partition.Kernel && d.Backend.Supports(a.Node).LastResort {
			route = lastResort
		}
		if s.route == "" {
			s = standing{route, a.Kernel}
		} else if s.route != route || a.Kernel != s.kernel {
			s = standing{route: partition.Decomposed.String()}
		}
	}
	return s
}

// ranks are those of the first input and of the others in nodes that are guessed.
var ranks = [][2]int{{3, 1}, {3, 3}, {4, 1}, {4, 4}, {3, 2}, {2, 1}, {2, 2}, {1, 1}, {4, 0}, {2, 0}, {1, 0}}

// guessed are nodes of an operator that the suite has no cells for, a vendor's:
// of several ranks, with required inputs only and with all.
func guessed(s *operators.Schema, d tensor.DType) []*graph.Graph {
	var samples []*graph.Graph
	for _, rank := range ranks {
		for _, whole := range []bool{false, true} {
			samples = append(samples, guess(s, d, rank, whole))
		}
	}
	return samples
}

// guess is a node whose first input is of type d. Those that go by the same type
// variable are too, others of one that is allowed.
func guess(s *operators.Schema, d tensor.DType, rank [2]int, whole bool) *graph.Graph {
	n := &graph.Node{Name: s.Name, Domain: s.Domain, Op: s.Name, Version: s.Since}
	g := &graph.Graph{Name: s.Name, Nodes: []*graph.Node{n}}
	value := func(p operators.Parameter, dims tensor.Dims) *graph.Value {
		return &graph.Value{Name: p.Name, Type: tensor.TensorType(likeliest(s.Elements(p.Type), d), dims)}
	}
	for i, p := range s.Inputs {
		if p.Optional && !whole {
			if i < s.MinInputs {
				n.Inputs = append(n.Inputs, nil)
			}
			continue
		}
		v := value(p, tensor.UnknownDims(rank[min(i, 1)]))
		n.Inputs, g.Inputs = append(n.Inputs, v), append(g.Inputs, v)
	}
	for _, p := range s.Outputs[:max(s.MinOutputs, 1)] {
		v := value(p, nil)
		v.Producer = n
		n.Outputs, g.Outputs = append(n.Outputs, v), append(g.Outputs, v)
	}
	for _, a := range s.Attributes {
		if a.Required {
			n.Attributes = append(n.Attributes, typical(a))
		}
	}
	return g
}

// likeliest returns the type itself if it is allowed, or else the first allowed
// one of those that indexes, scales and quantized numbers most often have.
func likeliest(allowed []tensor.DType, d tensor.DType) tensor.DType {
	for _, wanted := range []tensor.DType{d, tensor.Int64, tensor.Float32, tensor.Uint8, tensor.Int32} {
		if slices.Contains(allowed, wanted) {
			return wanted
		}
	}
	return append(allowed, tensor.Undefined)[0]
}

// typical is a value that a required attribute may have.
func typical(a operators.AttributeSchema) graph.Attribute {
	switch {
	case a.Type == operators.IntAttribute && strings.Contains(a.Name, "size"):
		return graph.A(a.Name, int64(16))
	case a.Type == operators.IntAttribute:
		return graph.A(a.Name, int64(1))
	case a.Type == operators.FloatAttribute:
		return graph.A(a.Name, float32(1))
	case a.Type == operators.IntsAttribute:
		return graph.A(a.Name, []int64{1, 1})
	}
	return graph.A(a.Name, "")
}
