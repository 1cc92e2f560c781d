package zoo

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// opset is the operator set of the models.
const opset = 17

// net is a model under construction. Values and weights are named after the part
// of the model that they are in, as frameworks name them.
type net struct {
	model      *graph.Model
	graph      *graph.Graph
	draw       source
	blank      bool // weights are zeros
	parameters int
	scope      string // the part under construction, with a dot
	named      map[string]int
	int8       *scheme                         // how weights and activations are quantized, if they are
	dynamic    map[*graph.Value][]*graph.Value // activations quantized at run time, if they are
}

func newNet(name string, blank bool) *net {
	g := &graph.Graph{Name: name}
	return &net{
		model: &graph.Model{IRVersion: 8, Producer: "midplane", Opsets: map[string]int{"": opset}, Graph: g},
		graph: g, draw: source{seed: seedOf(name)}, blank: blank, named: make(map[string]int),
	}
}

// in builds a part.
func (n *net) in(part string, build func()) {
	outer := n.scope
	n.scope += part + "."
	build()
	n.scope = outer
}

// unique makes a name in the part under construction.
func (n *net) unique(name string) string {
	name = n.scope + name
	n.named[name]++
	if k := n.named[name]; k > 1 {
		name = fmt.Sprintf("%s_%d", name, k)
	}
	return name
}

// input adds an input; an extent is a number or a name.
func (n *net) input(name string, d tensor.DType, extents ...any) *graph.Value {
	dims := make(tensor.Dims, len(extents))
	for i, e := range extents {
		switch e := e.(type) {
		case int:
			dims[i] = tensor.Known(e)
		case string:
			dims[i] = tensor.Symbol(e)
		}
	}
	v := &graph.Value{Name: name, Type: tensor.TensorType(d, dims)}
	n.graph.Inputs = append(n.graph.Inputs, v)
	return v
}

// output makes a value an output under a name.
func (n *net) output(name string, v *graph.Value) {
	v.Name = name
	if !v.Type.IsTensor() {
		v.Type = tensor.Type{Kind: tensor.KindTensor, DType: tensor.Float32}
	}
	n.graph.Outputs = append(n.graph.Outputs, v)
}

// ops adds a node with several outputs.
func (n *net) ops(op string, outputs int, in []*graph.Value, attrs ...graph.Attribute) []*graph.Value {
	node := &graph.Node{Name: n.unique(op), Op: op, Version: opset, Inputs: in, Attributes: attrs}
	for i := range outputs {
		name := node.Name + "_out"
		if i > 0 {
			name = fmt.Sprintf("%s%d", name, i)
		}
		node.Outputs = append(node.Outputs, &graph.Value{Name: name, Producer: node})
	}
	n.graph.Nodes = append(n.graph.Nodes, node)
	return node.Outputs
}

// op adds a node. Its inputs are values, nil for an absent one, or attributes.
func (n *net) op(op string, operands ...any) *graph.Value {
	var (
		in    []*graph.Value
		attrs []graph.Attribute
	)
	for _, o := range operands {
		switch o := o.(type) {
		case *graph.Value:
			in = append(in, o)
		case graph.Attribute:
			attrs = append(attrs, o)
		case nil:
			in = append(in, nil)
		}
	}
	return n.ops(op, 1, in, attrs...)[0]
}

// constant adds a table that is no parameter.
func (n *net) constant(name string, t *tensor.Tensor) *graph.Value {
	v := &graph.Value{Name: n.unique(name), Type: t.Type(), Const: t}
	n.graph.Initializers = append(n.graph.Initializers, v)
	return v
}

func (n *net) number(v float64) *graph.Value {
	return n.constant("constant", tensor.Scalar(float32(v)))
}

func (n *net) list(v ...int64) *graph.Value { return n.constant("constant", tensor.Of(v)) }

func (n *net) index(v int64) *graph.Value { return n.constant("constant", tensor.Scalar(v)) }

// drawn makes numbers of mean 0 and the given deviation.
func (n *net) drawn(deviation float64, shape ...int) *tensor.Tensor {
	t := tensor.Zeros(tensor.Float32, shape)
	if !n.blank {
		n.draw.fill(tensor.Slice[float32](t), deviation)
	}
	return t
}

// level makes numbers around a mean, most of them within a tenth of it.
func (n *net) level(mean float64, shape ...int) *tensor.Tensor {
	t := n.drawn(mean/20, shape...)
	if !n.blank {
		for i, v := range tensor.Slice[float32](t) {
			tensor.Slice[float32](t)[i] = float32(mean) + v
		}
	}
	return t
}

// weight adds a parameter.
func (n *net) weight(name string, t *tensor.Tensor) *graph.Value {
	n.parameters += t.Len()
	return n.constant(name, t)
}

// keeping is the deviation of weights that keep the variance of sums of so many
// terms, gain times.
func keeping(terms int, gain float64) float64 { return math.Sqrt(gain / float64(terms)) }

func attr[T graph.AttributeValue](name string, v T) graph.Attribute { return graph.A(name, v) }

func ints(name string, v ...int64) graph.Attribute { return graph.A(name, v) }
