package microsoft_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/microsoft"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// use is one use of an operator.
type use struct {
	name     string
	op       string
	attrs    []graph.Attribute
	in       []*tensor.Tensor // nil where an optional input is absent
	constant []int            // inputs that are constants
	outputs  int              // 1 if it is 0
	exact    bool             // integers must be equal: there is no rounding that could differ
}

// node returns the use's node and the values of its inputs.
func (u use) node() (*graph.Node, []tensor.Value) {
	n := &graph.Node{Name: u.op, Domain: microsoft.Domain, Op: u.op, Version: 1, Attributes: u.attrs}
	var given []tensor.Value
	for i, x := range u.in {
		if x == nil {
			n.Inputs, given = append(n.Inputs, nil), append(given, nil)
			continue
		}
		v := &graph.Value{Name: string(rune('a' + i)), Type: x.Type()}
		if slices.Contains(u.constant, i) {
			v.Const = x
		}
		n.Inputs, given = append(n.Inputs, v), append(given, x)
	}
	for range max(u.outputs, 1) {
		n.Outputs = append(n.Outputs, &graph.Value{Name: "y", Producer: n})
	}
	return n, given
}

// decomposed computes a node by what its rule emits, every part of which has been
// held against its schema.
func decomposed(t *testing.T, n *graph.Node, given []tensor.Value) ([]tensor.Value, error) {
	t.Helper()
	require.NoError(t, operators.Check(n))
	rule, ok := decompose.Lookup(n.Operator())
	require.True(t, ok, n.Operator())
	b, out, err := infer.Rewrite(context.Background(), rule, n)
	if err != nil {
		return nil, err
	}
	for _, part := range b.Nodes {
		require.NoError(t, operators.CheckForm(part), part.Label())
	}
	g := &graph.Graph{Inputs: n.Inputs, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: out}
	return reference.Evaluate(context.Background(), g, given)
}

// prove computes each use by its implementation and decomposed, once with all
// extents known and once with those of inputs that are no vectors unknown.
func prove(t *testing.T, uses []use) {
	t.Helper()
	for _, u := range uses {
		t.Run(u.op+" "+u.name, func(t *testing.T) {
			n, given := u.node()
			native, err := reference.Run(context.Background(), n, given, nil)
			require.NoError(t, err)
			for _, known := range []bool{true, false} {
				if !known {
					forget(n)
				}
				got, err := decomposed(t, n, given)
				if !known && err != nil {
					continue // the rule declines; what it can do with extents is proved
				}
				require.NoError(t, err)
				facts, err := infer.Node(context.Background(), n, factsOf(n), nil)
				require.NoError(t, err)
				for i := range n.Outputs {
					want := native[i].(*tensor.Tensor)
					tolerance := 1e-6
					if want.DType().IsInteger() && !u.exact {
						tolerance = 1.0 / 127 // one step, where float32 and float64 round apart
					}
					require.NoError(t, onnxtest.Compare(got[i], want, tolerance, tolerance), "output %d", i)
					assert.Equal(t, want.DType(), facts[i].Type.DType)
					assert.True(t, facts[i].Type.Dims.Accepts(want.Shape()), "%v is inferred as %v", want.Type(), facts[i].Type)
				}
			}
		})
	}
}

// forget makes the extents of n's inputs unknown, but for those of constants and
// of vectors, whose lengths tell forms apart.
func forget(n *graph.Node) {
	for _, v := range n.Inputs {
		if v != nil && v.Const == nil && len(v.Type.Dims) != 1 {
			v.Type.Dims = tensor.UnknownDims(len(v.Type.Dims))
		}
	}
}

func factsOf(n *graph.Node) []infer.Fact {
	facts := make([]infer.Fact, len(n.Inputs))
	for i, v := range n.Inputs {
		if v != nil {
			facts[i] = infer.Fact{Type: v.Type, Const: v.Const}
		}
	}
	return facts
}

// dice draws the same numbers in every run.
type dice struct{ *rand.Rand }

func newDice() dice { return dice{rand.New(rand.NewPCG(1, 2))} }

// floats draws numbers from [-1, 1).
func (d dice) floats(shape ...int) *tensor.Tensor {
	v := make([]float32, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = 2*d.Float32() - 1
	}
	return tensor.Of(v, shape...)
}

// ints draws from [low, high].
func ints[T int8 | uint8 | int32 | int64](d dice, low, high int, shape ...int) *tensor.Tensor {
	v := make([]T, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = T(low + d.IntN(high-low+1))
	}
	return tensor.Of(v, shape...)
}

func scalar[T tensor.Element](v T) *tensor.Tensor { return tensor.Scalar(v) }

func attrs(list ...graph.Attribute) []graph.Attribute { return list }

func TestEveryOperatorRuns(t *testing.T) {
	count := 0
	for s := range operators.All() {
		if s.Domain != microsoft.Domain {
			continue
		}
		count++
		_, composed := decompose.Lookup(s.Operator())
		_, computed := reference.Lookup(s.Operator())
		assert.True(t, composed || computed, s.Name)
		for _, c := range s.Types {
			assert.NotEmpty(t, s.Elements(c.Name), "%s of %s", c.Name, s.Name)
		}
		for _, p := range append(slices.Clone(s.Inputs), s.Outputs...) {
			assert.NotEqual(t, []string{p.Type}, s.Allowed(p.Type), "%s of %s is of type %s, which is no variable", p.Name, s.Name, p.Type)
		}
	}
	assert.Equal(t, 35, count)
	assert.Equal(t, 1, operators.NewestOpset(microsoft.Domain))
	assert.False(t, operators.Closed(microsoft.Domain))
}

// ONNX Runtime writes these into ai.onnx, of versions that do not have them.
func TestOperatorsInTheDefaultDomain(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol("n"), tensor.Known(2)})}
	scale := &graph.Value{Name: "scale", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2)}), Const: tensor.Of([]float32{1, 2})}
	g := &graph.Graph{Name: "g", Inputs: []*graph.Value{x}, Initializers: []*graph.Value{scale}}
	for _, op := range []string{"LayerNormalization", "SimplifiedLayerNormalization"} {
		y := &graph.Value{Name: op}
		y.Producer = &graph.Node{Name: op, Op: op, Inputs: []*graph.Value{x, scale}, Outputs: []*graph.Value{y}, Attributes: attrs(graph.A("epsilon", float32(0)))}
		g.Nodes, g.Outputs = append(g.Nodes, y.Producer), append(g.Outputs, y)
	}
	lifted, err := opset.Lift(context.Background(), &graph.Model{Graph: g, Opsets: map[string]int{"": 11}})
	require.NoError(t, err)
	assert.Equal(t, 17, lifted.Nodes[0].Version)
	for _, n := range lifted.Nodes {
		assert.Equal(t, "float32[n,2]", n.Outputs[0].Type.String(), n.Op)
	}
	out, err := reference.Run(context.Background(), lifted.Nodes[0], []tensor.Value{tensor.Of([]float32{1, 3}, 1, 2), scale.Const}, nil)
	require.NoError(t, err)
	assert.Equal(t, []float32{-1, 2}, tensor.Slice[float32](out[0].(*tensor.Tensor)))
	out, err = decomposed(t, lifted.Nodes[1], []tensor.Value{tensor.Of([]float32{3, 4}, 1, 2), scale.Const})
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float32{3 / 3.5355339, 8 / 3.5355339}, tensor.Slice[float32](out[0].(*tensor.Tensor)), 1e-6)
}
