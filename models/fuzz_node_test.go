package models_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// FuzzNodes makes models of one to three nodes, of any operator in any version,
// with attributes and inputs of the right types and any values, huge ones too,
// and runs them: the bytes decide. The bounds are those of [FuzzLoadRun].
func FuzzNodes(f *testing.F) {
	for i := range uint64(8) {
		f.Add(noise(i, 400))
	}
	f.Fuzz(runNodes)
}

// Models drawn at random end in bounded time and memory; see [FuzzNodes].
func TestRandomNodes(t *testing.T) {
	count := 1000
	if testing.Short() {
		count = 200
	}
	for i := range uint64(count) {
		runNodes(t, noise(i, 600))
		if t.Failed() {
			t.Logf("noise %d", i)
			return
		}
	}
}

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func runNodes(t *testing.T, bytes []byte) {
	d := &draw{bytes}
	m, in := d.model()
	device := "cpu"
	if d.below(8) == 0 {
		device = "emu:1" // with few operators: others are decomposed
	}
	const limit = 1 << 20
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	within(t, bound{2 * time.Second, 64*limit + 64<<20}, func() {
		encoded, err := onnx.Encode(m)
		if err != nil {
			return
		}
		defer func() {
			if t.Failed() {
				for n := range m.Graph.All {
					t.Logf("%s-%d %v %v", n.Operator(), m.Opsets[n.Domain], n.Inputs, n.Attributes)
				}
			}
		}()
		s, err := models.LoadBytes(ctx, encoded, &models.Options{Devices: []string{device}, MemoryLimit: limit, Threads: 1})
		require.NotErrorIs(t, err, adapter.Internal)
		if err != nil {
			return
		}
		_, err = s.Run(ctx, in)
		require.NotErrorIs(t, err, adapter.Internal)
		require.NoError(t, s.Close())
	})
}

// draw turns bytes into choices; behind their end all are the first.
type draw struct{ bytes []byte }

// below returns a number in [0, n).
func (d *draw) below(n int) int {
	var b [2]byte
	d.bytes = d.bytes[copy(b[:], d.bytes):]
	return int(binary.LittleEndian.Uint16(b[:])) % n
}

func pick[T any](d *draw, of []T) T { return of[d.below(len(of))] }

var (
	drawnInts   = []int64{0, 1, -1, 2, 3, 4, 1, 2, -2, 5, 16, 1 << 20, 1 << 31, 1<<31 - 1, 1 << 42, math.MaxInt64, math.MinInt64}
	drawnFloats = []float64{0, 1, -1, 0.5, 2, 3, 1e-30, 1e30, math.NaN(), math.Inf(1), math.Inf(-1), -0.25, 100}
	drawnDims   = []int{1, 2, 3, 0, 1, 2, 4, 5, 9}
	drawnTexts  = []string{
		"", "constant", "edge", "reflect", "wrap", "linear", "nearest", "cubic", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "half_pixel",
		"align_corners", "asymmetric", "tf_crop_and_resize", "pytorch_half_pixel", "floor", "ceil", "mean", "sum", "none", "avg", "max", "min", "mul", "add",
		"forward", "reverse", "bidirectional", "Tanh", "Sigmoid", "ij,jk->ik", "i,j,k->ijk", "...a,...b->...ab", "a", "b", "abc", "LEFT", "RIGHT", "zeros", "border",
		"TF", "IDF", "TFIDF", "SOFTMAX", "LOGISTIC", "PROBIT", "BRANCH_LEQ", "LEAF", "RBF", "POLY", "LINEAR", "MAX", "L1", "L2", "SUM", "RGB", "DENSE", "SPARSE",
		"not_larger", "tanh", "DCR", "CRD", "(a+)+$", "silu", "gated", "delta", "RAISE", "default", "KEEP", "LOWER",
	}
)

var catalogue = slices.Collect(operators.All())

func (d *draw) model() (*graph.Model, values) {
	g := &graph.Graph{Name: "drawn"}
	m := &graph.Model{IRVersion: 10, Opsets: make(map[string]int), Graph: g}
	in := make(values)
	var known []*graph.Value
	for range 1 + d.below(3) {
		s := catalogue[d.below(len(catalogue))]
		version := s.Since
		if was, ok := m.Opsets[s.Domain]; ok {
			version = was
			if now, ok := operators.Lookup(s.Domain, s.Name, was); ok {
				s = now
			}
		}
		m.Opsets[s.Domain] = version
		known = append(known, d.node(g, in, s, known)...)
	}
	g.Outputs = known
	return m, in
}

// node adds a node of an operator, with inputs and constants of its own.
func (d *draw) node(g *graph.Graph, in values, s *operators.Schema, known []*graph.Value) []*graph.Value {
	n := &graph.Node{Name: fmt.Sprint(s.Name, len(g.Nodes)), Domain: s.Domain, Op: s.Name}
	bound := make(map[string]string)
	count := s.MinInputs + d.below(min(s.MaxInputs, s.MinInputs+3)-s.MinInputs+1)
	for i := range count {
		p, _ := s.Input(i)
		if p.Optional && d.below(3) == 0 {
			n.Inputs = append(n.Inputs, nil)
			continue
		}
		if len(known) > 0 && d.below(3) == 0 {
			n.Inputs = append(n.Inputs, pick(d, known))
			continue
		}
		spelt, ok := bound[p.Type]
		if !ok {
			spelt = pick(d, s.Allowed(p.Type))
			bound[p.Type] = spelt
		}
		n.Inputs = append(n.Inputs, d.value(g, in, fmt.Sprint(n.Name, "/", i), spelt))
	}
	for _, a := range s.Attributes {
		if a.Required || d.below(2) == 0 {
			if v := d.attribute(g, a); v.Value != nil {
				n.Attributes = append(n.Attributes, v)
			}
		}
	}
	outputs := s.MinOutputs + d.below(min(s.MaxOutputs, s.MinOutputs+2)-s.MinOutputs+1)
	for i := range max(outputs, 1) {
		n.Outputs = append(n.Outputs, &graph.Value{Name: fmt.Sprint(n.Name, ":", i), Producer: n})
	}
	g.Nodes = append(g.Nodes, n)
	return n.Outputs
}

// value adds a value of a type as ONNX spells it: a constant, an input with
// known extents or one without.
func (d *draw) value(g *graph.Graph, in values, name, spelt string) *graph.Value {
	v := &graph.Value{Name: name}
	elem := strings.TrimSuffix(strings.TrimPrefix(spelt, "tensor("), ")")
	dtype, err := tensor.ParseDType(elem)
	if err != nil {
		seq := &tensor.Sequence{Elem: tensor.TensorType(tensor.Float32, nil)}
		for range d.below(3) {
			seq.Items = append(seq.Items, d.tensor(tensor.Float32))
		}
		v.Type, in[name] = seq.Type(), seq
		g.Inputs = append(g.Inputs, v)
		return v
	}
	t := d.tensor(dtype)
	v.Type = t.Type()
	switch d.below(3) {
	case 0:
		v.Const = t
		g.Initializers = append(g.Initializers, v)
		return v
	case 1:
		v.Type.Dims = tensor.UnknownDims(t.Rank())
	}
	in[name] = t
	g.Inputs = append(g.Inputs, v)
	return v
}

func (d *draw) tensor(dtype tensor.DType) *tensor.Tensor {
	shape := make(tensor.Shape, pick(d, []int{1, 0, 2, 3, 4, 1, 2, 5}))
	for i := range shape {
		shape[i] = pick(d, drawnDims)
	}
	n := shape.Size()
	switch {
	case dtype == tensor.String:
		v := make([]string, n)
		for i := range v {
			v[i] = pick(d, drawnTexts)
		}
		return tensor.Of(v, shape...)
	case dtype.IsFloat():
		v := make([]float64, n)
		for i := range v {
			v[i] = pick(d, drawnFloats)
		}
		return tensor.FromFloat64s(dtype, shape, v)
	case dtype.IsInteger() || dtype == tensor.Bool:
		v := make([]int64, n)
		for i := range v {
			v[i] = pick(d, drawnInts)
			if dtype == tensor.Bool {
				v[i] &= 1
			}
		}
		return tensor.FromInt64s(dtype, shape, v)
	}
	return tensor.Zeros(dtype, shape)
}

func picks[T any](d *draw, of []T) []T {
	v := make([]T, pick(d, []int{1, 2, 0, 3, 4, 5, 8}))
	for i := range v {
		v[i] = pick(d, of)
	}
	return v
}

func (d *draw) attribute(g *graph.Graph, a operators.AttributeSchema) graph.Attribute {
	var reals []float32
	for _, v := range drawnFloats {
		reals = append(reals, float32(v))
	}
	switch a.Type {
	case operators.FloatAttribute:
		return graph.A(a.Name, pick(d, reals))
	case operators.IntAttribute:
		return graph.A(a.Name, pick(d, drawnInts))
	case operators.StringAttribute:
		return graph.A(a.Name, pick(d, drawnTexts))
	case operators.FloatsAttribute:
		return graph.A(a.Name, picks(d, reals))
	case operators.IntsAttribute:
		return graph.A(a.Name, picks(d, drawnInts))
	case operators.StringsAttribute:
		return graph.A(a.Name, picks(d, drawnTexts))
	case operators.TensorAttribute, operators.SparseAttribute:
		return graph.A(a.Name, d.tensor(pick(d, []tensor.DType{tensor.Float32, tensor.Int64, tensor.String, tensor.Bool, tensor.Int4})))
	case operators.TypeAttribute:
		return graph.A(a.Name, tensor.SequenceType(tensor.TensorType(tensor.Float32, nil)))
	case operators.GraphAttribute:
		return graph.A(a.Name, d.body(fmt.Sprint(a.Name, len(g.Nodes))))
	}
	return graph.Attribute{}
}

// body draws a graph of up to four inputs that returns some of them, or sums.
func (d *draw) body(name string) *graph.Graph {
	g := &graph.Graph{Name: name}
	values := []*graph.Value{{Name: name + "/c", Const: tensor.Scalar(true)}}
	g.Initializers = values[:1:1]
	for i := range d.below(5) {
		v := &graph.Value{Name: fmt.Sprint(name, "/", i)}
		g.Inputs, values = append(g.Inputs, v), append(values, v)
	}
	for i := range d.below(3) {
		n := &graph.Node{Op: pick(d, []string{"Add", "Concat", "Mul", "Identity", "SequenceInsert"}), Inputs: []*graph.Value{pick(d, values), pick(d, values)}}
		if n.Op == "Identity" {
			n.Inputs = n.Inputs[:1]
		}
		if n.Op == "Concat" {
			n.Set(graph.A("axis", int64(0)))
		}
		n.Outputs = []*graph.Value{{Name: fmt.Sprint(name, ":", i), Producer: n}}
		g.Nodes, values = append(g.Nodes, n), append(values, n.Outputs[0])
	}
	for range d.below(5) {
		g.Outputs = append(g.Outputs, pick(d, values))
	}
	return g
}
