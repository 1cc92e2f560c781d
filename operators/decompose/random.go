package decompose

import (
	"errors"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// random holds RandomNormal, RandomNormalLike, RandomUniform,
// RandomUniformLike, Multinomial, Bernoulli, Dropout.
var random = family{
	"RandomNormalLike":  likeShape("RandomNormal"),
	"RandomUniformLike": likeShape("RandomUniform"),
	"Bernoulli":         bernoulli,
	"Dropout":           dropout,
}

// likeShape replaces the input that gives type and shape by attributes.
func likeShape(op string) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		e, err := typed(b, n, 0)
		if err != nil {
			return nil, err
		}
		dims, ok := n.Inputs[0].Type.Dims.Shape()
		if !ok {
			return nil, errors.New("the shape must be known before the graph runs")
		}
		shape := make([]int64, len(dims))
		for i, d := range dims {
			shape[i] = int64(d)
		}
		attributes := append(n.Without("dtype"), graph.A("shape", shape), graph.A("dtype", int64(n.DType("dtype", e.dtype))))
		return []*graph.Value{b.Op(op, nil, attributes...)}, nil
	}
}

// uniformLike draws a float32 number from [0, 1) for each element of v.
func uniformLike(e expression, v *graph.Value, seed []graph.Attribute) *graph.Value {
	attributes := append(seed, graph.A("dtype", int64(tensor.Float32)))
	return e.Op("RandomUniformLike", []*graph.Value{v}, attributes...)
}

func bernoulli(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	p := n.Inputs[0]
	drawn := e.do("Less", uniformLike(e, p, n.Without("dtype")), e.as(tensor.Float32, p))
	return []*graph.Value{e.as(n.DType("dtype", e.dtype), drawn)}, nil
}

// dropout keeps elements whose random number reaches the ratio, all of them out
// of training.
func dropout(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	data, training, masked := n.Inputs[0], n.Input(2), n.Output(1) != nil
	if training == nil || training.Const != nil && !tensor.Slice[bool](training.Const)[0] {
		out := []*graph.Value{data, nil}
		if masked {
			all := graph.A("value", tensor.Of([]bool{true}))
			out[1] = e.Op("ConstantOfShape", []*graph.Value{e.do("Shape", data)}, all)
		}
		return out, nil
	}
	ratio := e.Const(tensor.Scalar(float32(0.5)))
	if n.Input(1) != nil {
		ratio = e.as(tensor.Float32, n.Inputs[1])
	}
	keep := e.do("GreaterOrEqual", uniformLike(e, data, dropoutSeed(n)), ratio)
	share := e.do("Sub", e.Const(tensor.Scalar(float32(1))), ratio)
	dropped := e.do("Where", keep, e.do("Div", data, e.as(e.dtype, share)), e.num(0))
	out := []*graph.Value{e.do("Where", training, dropped, data), nil}
	if masked {
		out[1] = e.do("Or", keep, e.do("Not", training))
	}
	return out, nil
}

// dropoutSeed returns the seed, an integer in Dropout, as the attribute that the
// other random operators have.
func dropoutSeed(n *graph.Node) []graph.Attribute {
	if seed, ok := graph.Attr[int64](n, "seed"); ok {
		return []graph.Attribute{graph.A("seed", float32(seed))}
	}
	return nil
}
