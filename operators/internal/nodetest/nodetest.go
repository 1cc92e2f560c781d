// Package nodetest draws nodes for tests from the schemas of operators alone:
// some are what their operator takes, the others it has to refuse.
package nodetest

import (
	"math"
	"math/rand/v2"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Newest returns the schemas of the newest versions of the operators that nodes
// can be drawn of: those whose nodes need no bodies.
func Newest() []*operators.Schema {
	var list []*operators.Schema
	for s := range operators.All() {
		if newest, _ := operators.Newest(s.Domain, s.Name); s == newest && Drawable(s) {
			list = append(list, s)
		}
	}
	return list
}

// Drawable reports whether nodes can be drawn of an operator.
func Drawable(s *operators.Schema) bool {
	return !slices.ContainsFunc(s.Attributes, func(a operators.AttributeSchema) bool { return a.Required && a.Type == operators.GraphAttribute })
}

// dice draws small things.
type dice struct{ *rand.Rand }

// words are what string attributes of some operator or other may be.
var words = []string{
	"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "constant", "edge", "reflect", "wrap", "nearest", "linear", "cubic", "bilinear",
	"mean", "sum", "none", "add", "mul", "max", "min", "forward", "reverse", "bidirectional", "tanh", "half_pixel", "align_corners",
	"round_prefer_floor", "floor", "zeros", "border", "DCR", "CRD", "avg", "circular", "TF", "SOFTMAX", "PROBIT", "LINEAR", "RBF",
	"LEFT", "RIGHT", "BRANCH_LEQ", "LEAF", "ij,jk->ik", "...i->...", "ii->i", "MAX", "L2", "LOWER", "en_US", "[a-z]+", "gated_delta", "x",
}

// Draw draws a node of an operator and its inputs, nil where one is absent.
// Tensors have any allowed type, up to 6 axes, and few elements or none.
func Draw(r *rand.Rand, s *operators.Schema) (*graph.Node, []tensor.Value) {
	d := dice{r}
	n := &graph.Node{Name: "test", Domain: s.Domain, Op: s.Name, Version: s.Since}
	base := d.small(d.IntN(7))
	bound := make(map[string]tensor.DType)
	var given []tensor.Value
	for i, p := range s.Inputs {
		count := 1
		if p.Variadic {
			count = max(s.MinInputs-i, d.IntN(4))
		}
		for range count {
			types := s.Elements(p.Type)
			if p.Optional && d.IntN(2) == 0 || len(types) == 0 {
				n.Inputs, given = append(n.Inputs, nil), append(given, nil)
				continue
			}
			if _, ok := bound[p.Type]; !ok || p.Heterogeneous {
				bound[p.Type] = types[d.IntN(len(types))]
			}
			x := d.tensor(bound[p.Type], d.near(base))
			n.Inputs, given = append(n.Inputs, &graph.Value{Name: p.Name, Type: x.Type()}), append(given, x)
		}
	}
	for _, a := range s.Attributes {
		if a.Required || d.IntN(3) == 0 {
			if v := d.attribute(a, len(base)); v != nil {
				n.Attributes = append(n.Attributes, graph.Attribute{Name: a.Name, Value: v})
			}
		}
	}
	outputs := s.MinOutputs + d.IntN(len(s.Outputs)-min(s.MinOutputs, len(s.Outputs))+1)
	for range max(outputs, 1) {
		n.Outputs = append(n.Outputs, &graph.Value{Name: "y", Producer: n})
	}
	return n, given
}

// small draws extents of which there are few elements.
func (d dice) small(rank int) tensor.Shape {
	s := make(tensor.Shape, rank)
	for i := range s {
		s[i] = []int{0, 1, 1, 2, 2, 3, 4}[d.IntN(7)]
	}
	return s
}

// near draws a shape that has something to do with another.
func (d dice) near(base tensor.Shape) tensor.Shape {
	switch d.IntN(8) {
	case 0:
		return base[d.IntN(len(base)+1):]
	case 1:
		return base[:d.IntN(len(base)+1)]
	case 2:
		return tensor.Shape{len(base)}
	case 3:
		return tensor.Shape{[]int{0, 1, 2, 3}[d.IntN(4)]}
	case 4:
		return tensor.Shape{}
	case 5:
		return d.small(d.IntN(7))
	}
	return base
}

// tensor draws elements: small numbers, now and then one that is none.
func (d dice) tensor(t tensor.DType, s tensor.Shape) *tensor.Tensor {
	v := make([]float64, s.Size())
	for i := range v {
		v[i] = float64(d.IntN(7) - 2)
		if t.IsFloat() && t.Bits() >= 16 && d.IntN(12) == 0 {
			v[i] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0.5}[d.IntN(4)]
		}
	}
	switch {
	case t == tensor.String:
		x := tensor.Zeros(t, s)
		for i := range v {
			x.Strings()[i] = []string{"", "a", "1", "a b", "ä"}[d.IntN(5)]
		}
		return x
	case t.IsComplex():
		return tensor.Zeros(t, s)
	case t.IsFloat():
		return tensor.FromFloat64s(t, s, v)
	}
	ints := make([]int64, len(v))
	for i, x := range v {
		ints[i] = int64(x)
		if d.IntN(40) == 0 {
			ints[i] = []int64{math.MaxInt64, math.MinInt64, 1 << 31, 1 << 40}[d.IntN(4)]
		}
	}
	return tensor.FromInt64s(t, s, ints)
}

// attribute draws a value, nil for a type that it cannot draw.
func (d dice) attribute(a operators.AttributeSchema, rank int) any {
	int64s := func() []int64 {
		v := make([]int64, []int{rank, max(rank-2, 0), 2 * max(rank-2, 0), 1, 0, 2 * rank, d.IntN(4)}[d.IntN(7)])
		for i := range v {
			v[i] = []int64{0, 1, 1, 2, 3, -1, 1 << 31}[min(d.IntN(12), d.IntN(7))]
		}
		return v
	}
	switch a.Type {
	case operators.IntAttribute:
		return []int64{0, 1, 1, 2, 3, -1, -2, int64(d.IntN(28)), math.MaxInt64, math.MinInt64}[min(d.IntN(10), d.IntN(10))]
	case operators.FloatAttribute:
		return []float32{0, 1, 0.5, -1, float32(math.NaN()), float32(math.Inf(1))}[min(d.IntN(6), d.IntN(6))]
	case operators.StringAttribute:
		return words[d.IntN(len(words))]
	case operators.IntsAttribute:
		return int64s()
	case operators.FloatsAttribute:
		var v []float32
		for _, i := range int64s() {
			v = append(v, float32(i)/2)
		}
		return v
	case operators.StringsAttribute:
		v := make([]string, d.IntN(4))
		for i := range v {
			v[i] = words[d.IntN(len(words))]
		}
		return v
	case operators.TensorAttribute:
		return d.tensor([]tensor.DType{tensor.Float32, tensor.Int64, tensor.String, tensor.Uint8}[d.IntN(4)], d.small(d.IntN(3)))
	}
	return nil
}
