package optimize_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// net is a graph under construction, of one input.
type net struct {
	*graph.Builder
	r *rand.Rand
	x *graph.Value
}

func (n net) op(op string, in ...*graph.Value) *graph.Value { return n.Op(op, in) }

func (n net) number(v float64) *graph.Value { return n.Const(tensor.Scalar(float32(v))) }

func (n net) random(shape ...int) *graph.Value { return n.Const(random(n.r, 0.5, 2, shape...)) }

func (n net) mean(v *graph.Value) *graph.Value { return n.op("ReduceMean", v, n.Ints(-1)) }

// norm is a layer normalization without scale and bias.
func (n net) norm(x *graph.Value) *graph.Value {
	c := n.op("Sub", x, n.mean(x))
	return n.op("Div", c, n.op("Sqrt", n.op("Add", n.mean(n.op("Pow", c, n.number(2))), n.number(1e-5))))
}

func (n net) conv(x *graph.Value, attrs ...graph.Attribute) *graph.Value {
	return n.Op("Conv", []*graph.Value{x, n.random(6, 4, 3, 3), n.random(6)}, attrs...)
}

func (n net) maxPool(x *graph.Value) *graph.Value {
	return n.Op("MaxPool", []*graph.Value{x}, graph.A("kernel_shape", []int64{3, 3}), graph.A("strides", []int64{2, 2}))
}

// What is written in pieces becomes one operator, where it is exactly that, and
// computes the same.
func TestPatterns(t *testing.T) {
	image, tokens := []int{2, 4, 5, 5}, []int{2, 3, 8}
	for name, c := range map[string]struct {
		shape []int
		build func(n net) *graph.Value
		want  []string
	}{
		"LeakyRelu":               {tokens, func(n net) *graph.Value { return n.op("Max", n.op("Mul", n.x, n.number(0.2)), n.x) }, []string{"LeakyRelu"}},
		"LeakyRelu: a slope of 2": {tokens, func(n net) *graph.Value { return n.op("Max", n.op("Mul", n.x, n.number(2)), n.x) }, []string{"Mul", "Max"}},
		"LeakyRelu: of something else": {tokens, func(n net) *graph.Value {
			return n.op("Max", n.op("Mul", n.op("Neg", n.x), n.number(0.2)), n.x)
		}, []string{"Neg", "Mul", "Max"}},
		"HardSwish, divided at the end": {tokens, func(n net) *graph.Value {
			return n.op("Div", n.op("Mul", n.x, n.op("Clip", n.op("Add", n.x, n.number(3)), n.number(0), n.number(6))), n.number(6))
		}, []string{"HardSwish"}},
		"HardSwish, divided in between": {tokens, func(n net) *graph.Value {
			return n.op("Mul", n.op("Mul", n.op("Clip", n.op("Add", n.number(3), n.x), n.number(0), n.number(6)), n.number(1.0/6)), n.x)
		}, []string{"HardSwish"}},
		"HardSwish: plus 2": {tokens, func(n net) *graph.Value {
			return n.op("Div", n.op("Mul", n.x, n.op("Clip", n.op("Add", n.x, n.number(2)), n.number(0), n.number(6))), n.number(6))
		}, []string{"Add", "Clip", "Mul", "Div"}},
		"HardSwish: more is read": {tokens, func(n net) *graph.Value {
			clip := n.op("Clip", n.op("Add", n.x, n.number(3)), n.number(0), n.number(6))
			return n.op("Sub", n.op("Div", n.op("Mul", n.x, clip), n.number(6)), clip)
		}, []string{"Add", "Clip", "Mul", "Div", "Sub"}},
		"HardSwish: a number of more axes": {tokens, func(n net) *graph.Value {
			clip := n.op("Clip", n.op("Add", n.x, n.number(3)), n.number(0), n.number(6))
			return n.op("Mul", n.op("Mul", n.x, clip), n.Const(tensor.Of([]float32{1.0 / 6}, 1, 1, 1, 1)))
		}, []string{"Add", "Clip", "Mul", "Mul"}},
		"HardSwish of HardSigmoid": {tokens, func(n net) *graph.Value {
			return n.op("Mul", n.x, n.Op("HardSigmoid", []*graph.Value{n.x}, graph.A("alpha", float32(1.0/6))))
		}, []string{"HardSwish"}},
		"HardSwish: a HardSigmoid of 0.2": {tokens, func(n net) *graph.Value { return n.op("Mul", n.x, n.op("HardSigmoid", n.x)) }, []string{"HardSigmoid", "Mul"}},
		"Swish, and one factor more": {tokens, func(n net) *graph.Value {
			return n.op("Mul", n.op("Mul", n.op("Sigmoid", n.x), n.x), n.op("Neg", n.x))
		}, []string{"Swish", "Neg", "Mul"}},
		"Gelu": {tokens, func(n net) *graph.Value {
			e := n.op("Add", n.op("Erf", n.op("Div", n.x, n.number(math.Sqrt2))), n.number(1))
			return n.op("Mul", n.op("Mul", n.x, e), n.number(0.5))
		}, []string{"Gelu"}},
		"Gelu: more is read": {tokens, func(n net) *graph.Value {
			scaled := n.op("Div", n.x, n.number(math.Sqrt2))
			e := n.op("Add", n.op("Erf", scaled), n.number(1))
			return n.op("Sub", n.op("Mul", n.op("Mul", n.x, e), n.number(0.5)), scaled)
		}, []string{"Div", "Erf", "Add", "Mul", "Mul", "Sub"}},
		"Gelu, halved first": {tokens, func(n net) *graph.Value {
			e := n.op("Add", n.number(1), n.op("Erf", n.op("Mul", n.x, n.number(math.Sqrt2/2))))
			return n.op("Mul", n.op("Mul", n.x, n.number(0.5)), e)
		}, []string{"Gelu"}},
		"Gelu: of the double": {tokens, func(n net) *graph.Value {
			e := n.op("Add", n.number(1), n.op("Erf", n.op("Mul", n.x, n.number(math.Sqrt2))))
			return n.op("Mul", n.op("Mul", n.x, n.number(0.5)), e)
		}, []string{"Mul", "Erf", "Add", "Mul", "Mul"}},
		"Gelu by tanh": {tokens, func(n net) *graph.Value {
			cube := n.op("Mul", n.number(0.044715), n.op("Pow", n.x, n.number(3)))
			e := n.op("Add", n.op("Tanh", n.op("Mul", n.op("Add", n.x, cube), n.number(math.Sqrt(2/math.Pi)))), n.number(1))
			return n.op("Mul", n.op("Mul", n.number(0.5), n.x), e)
		}, []string{"Gelu"}},
		"Gelu by tanh, cubed by products": {tokens, func(n net) *graph.Value {
			cube := n.op("Mul", n.op("Mul", n.op("Mul", n.number(0.044715), n.x), n.x), n.x)
			e := n.op("Add", n.op("Tanh", n.op("Mul", n.op("Add", n.x, cube), n.number(math.Sqrt(2/math.Pi)))), n.number(1))
			return n.op("Mul", n.x, n.op("Mul", n.number(0.5), e))
		}, []string{"Gelu"}},
		"Gelu, halved at the end, and a Conv": {image, func(n net) *graph.Value {
			e := n.op("Add", n.op("Erf", n.op("Div", n.x, n.number(math.Sqrt2))), n.number(1))
			return n.conv(n.op("Mul", n.op("Mul", n.x, e), n.number(0.5)))
		}, []string{"Gelu", "Conv"}},
		"LayerNormalization":              {tokens, func(n net) *graph.Value { return n.op("Add", n.op("Mul", n.norm(n.x), n.random(8)), n.random(8)) }, []string{"LayerNormalization"}},
		"LayerNormalization without bias": {tokens, func(n net) *graph.Value { return n.op("Mul", n.random(8), n.norm(n.x)) }, []string{"LayerNormalization"}},
		"LayerNormalization, centred twice": {tokens, func(n net) *graph.Value {
			c := n.op("Sub", n.x, n.mean(n.x))
			d := n.op("Sub", n.x, n.mean(n.x))
			y := n.op("Div", d, n.op("Sqrt", n.op("Add", n.mean(n.op("Mul", c, c)), n.number(1e-5))))
			return n.op("Add", n.op("Mul", y, n.random(8)), n.random(8))
		}, []string{"LayerNormalization"}},
		"LayerNormalization: more is read": {tokens, func(n net) *graph.Value {
			y := n.norm(n.x)
			centred := y.Producer.Inputs[0]
			return n.op("Sub", n.op("Add", n.op("Mul", y, n.random(8)), n.random(8)), centred)
		}, []string{"ReduceMean", "Sub", "RMSNormalization", "Add", "Sub"}},
		"LayerNormalization: a scale for each row": {tokens, func(n net) *graph.Value {
			return n.op("Mul", n.random(2, 3, 1), n.norm(n.x))
		}, []string{"ReduceMean", "Sub", "Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul"}},
		"RMSNormalization": {tokens, func(n net) *graph.Value {
			root := n.op("Sqrt", n.op("Add", n.mean(n.op("Pow", n.x, n.number(2))), n.number(1e-6)))
			return n.op("Mul", n.random(8), n.op("Mul", n.x, n.op("Reciprocal", root)))
		}, []string{"RMSNormalization"}},
		"RMSNormalization, divided": {tokens, func(n net) *graph.Value {
			root := n.op("Sqrt", n.op("Add", n.mean(n.op("Mul", n.x, n.x)), n.number(1e-6)))
			return n.op("Mul", n.op("Div", n.x, root), n.random(8))
		}, []string{"RMSNormalization"}},
		"Pad and Conv": {image, func(n net) *graph.Value {
			return n.conv(n.op("Pad", n.x, n.Ints(0, 0, 1, 0, 0, 0, 2, 1)), graph.A("pads", []int64{0, 1, 1, 0}))
		}, []string{"Conv"}},
		"Pad and MaxPool": {image, func(n net) *graph.Value {
			return n.maxPool(n.op("Pad", n.op("Relu", n.x), n.Ints(0, 0, 1, 2, 0, 0, 2, 0)))
		}, []string{"Relu", "MaxPool"}},
		"Pad and MaxPool of what is clipped": {image, func(n net) *graph.Value {
			return n.maxPool(n.op("Pad", n.op("Clip", n.x, n.number(0), n.number(6)), n.Ints(0, 0, 1, 1, 0, 0, 1, 1)))
		}, []string{"Clip", "MaxPool"}},
		"Pad and MaxPool of what may be less": {image, func(n net) *graph.Value {
			return n.maxPool(n.op("Pad", n.op("Clip", n.x, n.number(-1), n.number(6)), n.Ints(0, 0, 1, 1, 0, 0, 1, 1)))
		}, []string{"Clip", "Pad", "MaxPool"}},
		"Pad and MaxPool of what is clipped below zero after all": {image, func(n net) *graph.Value {
			return n.maxPool(n.op("Pad", n.op("Clip", n.x, n.number(0), n.number(-2)), n.Ints(0, 0, 1, 1, 0, 0, 1, 1)))
		}, []string{"Clip", "Pad", "MaxPool"}},
		"Pad and MaxPool of windows that see padding only": {image, func(n net) *graph.Value {
			return n.maxPool(n.op("Pad", n.op("Relu", n.x), n.Ints(0, 0, 3, 0, 0, 0, 0, 0)))
		}, []string{"Relu", "Pad", "MaxPool"}},
		"Pad with ones and Conv": {image, func(n net) *graph.Value {
			return n.conv(n.op("Pad", n.x, n.Ints(0, 0, 1, 0, 0, 0, 2, 1), n.number(1)))
		}, []string{"Pad", "Conv"}},
		"Pad of the edge and Conv": {image, func(n net) *graph.Value {
			return n.conv(n.Op("Pad", []*graph.Value{n.x, n.Ints(0, 0, 1, 0, 0, 0, 2, 1)}, graph.A("mode", "edge")))
		}, []string{"Pad", "Conv"}},
		"Pad of channels and Conv": {[]int{2, 3, 5, 5}, func(n net) *graph.Value {
			return n.conv(n.op("Pad", n.x, n.Ints(0, 1, 0, 0, 0, 0, 0, 0)))
		}, []string{"Pad", "Conv"}},
		"a Conv scaled": {image, func(n net) *graph.Value {
			y := n.op("Mul", n.conv(n.x), n.random(6, 1, 1))
			y = n.op("Div", n.op("Sub", y, n.number(0.25)), n.random(1, 6, 1, 1))
			return n.op("Add", n.random(1), y)
		}, []string{"Conv"}},
		"a scaled image and a Conv": {image, func(n net) *graph.Value {
			y := n.op("Add", n.op("Mul", n.op("Sub", n.x, n.number(0.25)), n.random(4, 1, 1)), n.random(1, 4, 1, 1))
			return n.conv(n.op("Div", y, n.random(1)))
		}, []string{"Conv"}},
		"a scaled image and a Conv of groups": {image, func(n net) *graph.Value {
			y := n.op("Add", n.op("Mul", n.x, n.random(4, 1, 1)), n.random(1, 4, 1, 1))
			return n.Op("Conv", []*graph.Value{y, n.random(6, 2, 3, 3)}, graph.A("group", int64(2)))
		}, []string{"Conv"}},
		"a scaled image and a Conv that pads": {image, func(n net) *graph.Value {
			y := n.op("Mul", n.op("Add", n.x, n.random(4, 1, 1)), n.random(1, 4, 1, 1))
			return n.conv(y, graph.A("pads", []int64{1, 1, 1, 1}))
		}, []string{"Add", "Conv"}},
		"a Conv scaled along its width": {image, func(n net) *graph.Value { return n.op("Mul", n.conv(n.x), n.random(3)) }, []string{"Conv", "Mul"}},
		"a number minus a Conv":         {image, func(n net) *graph.Value { return n.op("Sub", n.number(1), n.conv(n.x)) }, []string{"Conv", "Sub"}},
		"Transpose and back": {tokens, func(n net) *graph.Value {
			y := n.Op("Transpose", []*graph.Value{n.x}, graph.A("perm", []int64{1, 2, 0}))
			return n.op("Neg", n.Op("Transpose", []*graph.Value{y}, graph.A("perm", []int64{2, 0, 1})))
		}, []string{"Neg"}},
		"Transpose, and another": {tokens, func(n net) *graph.Value {
			return n.op("Transpose", n.Op("Transpose", []*graph.Value{n.x}, graph.A("perm", []int64{1, 2, 0})))
		}, []string{"Transpose"}},
		"the same twice": {tokens, func(n net) *graph.Value {
			return n.op("Sub", n.op("Exp", n.x), n.op("Mul", n.op("Exp", n.x), n.number(3)))
		}, []string{"Exp", "Mul", "Sub"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			n := net{graph.NewBuilder(&graph.Node{Name: "net"}), r, &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(c.shape))}}
			out := c.build(n)
			g := &graph.Graph{Inputs: []*graph.Value{n.x}, Nodes: n.Nodes, Initializers: n.Initializers, Outputs: []*graph.Value{out}}
			for _, m := range g.Nodes {
				m.Source = nil // the clone's nodes come from these
			}
			o := optimized(t, g)
			assert.Equal(t, c.want, operatorsOf(o))
			in := []tensor.Value{random(r, -6, 6, c.shape...)}
			want, err := reference.Evaluate(t.Context(), g, in)
			require.NoError(t, err)
			got, err := reference.Evaluate(t.Context(), o, in)
			require.NoError(t, err)
			assert.Equal(t, want[0].Type(), got[0].Type())
			a, b := want[0].(*tensor.Tensor).Float64s(), got[0].(*tensor.Tensor).Float64s()
			require.NotEmpty(t, a)
			for i := range a {
				assert.InDelta(t, a[i], b[i], 1e-5*math.Max(1, math.Abs(a[i])))
			}
			sources := 0
			for _, m := range o.Nodes {
				sources += len(m.Source)
			}
			if len(o.Nodes) < len(g.Nodes) && name != "Transpose and back" {
				assert.Greater(t, sources, len(o.Nodes), "nodes tell what they stand for")
			}
		})
	}
}

func TestRandomNodesAreNotShared(t *testing.T) {
	n := net{Builder: graph.NewBuilder(&graph.Node{Name: "net"}), x: &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{8}))}}
	out := n.op("Sub", n.op("RandomNormalLike", n.x), n.op("RandomNormalLike", n.x))
	o := optimized(t, &graph.Graph{Inputs: []*graph.Value{n.x}, Nodes: n.Nodes, Outputs: []*graph.Value{out}})
	assert.Equal(t, []string{"RandomNormalLike", "RandomNormalLike", "Sub"}, operatorsOf(o))
}
