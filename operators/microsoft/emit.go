package microsoft

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// emitter emits operators of ONNX for one node.
type emitter struct {
	*graph.Builder
	node  *graph.Node
	dtype tensor.DType // of numbers
}

// body emits what a node consists of and returns the values of its outputs.
type body func(e emitter) []*graph.Value

// rule returns the rule of an operator that is expressed by others whatever its
// attributes and shapes, as long as the element type of input 0 is known.
func rule(f body) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		e, err := emit(b, n, 0)
		if err != nil {
			return nil, err
		}
		return f(e), nil
	}
}

// emit returns the emitter of a node, or an error if the element types of the
// inputs named are not known. Numbers are of the type of the first one.
func emit(b *graph.Builder, n *graph.Node, inputs ...int) (emitter, error) {
	for _, i := range inputs {
		if v := n.Input(i); v == nil || !v.Type.IsTensor() || v.Type.DType == tensor.Undefined {
			return emitter{}, fmt.Errorf("the element type of input %d must be known", i)
		}
	}
	return emitter{b, n, n.Inputs[inputs[0]].Type.DType}, nil
}

// in returns input i, nil where it is absent.
func (e emitter) in(i int) *graph.Value { return e.node.Input(i) }

// do adds an operator without attributes.
func (e emitter) do(op string, inputs ...*graph.Value) *graph.Value { return e.Op(op, inputs) }

// num adds a scalar of the emitter's type.
func (e emitter) num(v float64) *graph.Value {
	return e.Const(tensor.FromFloat64s(e.dtype, tensor.Shape{}, []float64{v}))
}

// to brings a value to a type, if it is not of it.
func (e emitter) to(d tensor.DType, v *graph.Value) *graph.Value {
	if v.Type.IsTensor() && v.Type.DType == d {
		return v
	}
	return e.Op("Cast", []*graph.Value{v}, graph.A("to", int64(d)))
}

// plus adds v to x, if there is one.
func (e emitter) plus(x, v *graph.Value) *graph.Value {
	if v == nil {
		return x
	}
	return e.do("Add", x, v)
}

// transpose reorders the axes of v.
func (e emitter) transpose(v *graph.Value, perm ...int64) *graph.Value {
	return e.Op("Transpose", []*graph.Value{v}, graph.A("perm", perm))
}

// join lays values end to end along an axis.
func (e emitter) join(axis int64, values ...*graph.Value) *graph.Value {
	return e.Op("Concat", values, graph.A("axis", axis))
}

// slice takes the elements [from, to) of v along an axis; the bounds are vectors
// of one element.
func (e emitter) slice(v, from, to *graph.Value, axis int64) *graph.Value {
	return e.do("Slice", v, from, to, e.Ints(axis))
}

// extent returns one extent of v, as a vector of one element; axis -1 is the last.
func (e emitter) extent(v *graph.Value, axis int64) *graph.Value {
	attributes := []graph.Attribute{graph.A("start", axis)}
	if axis != -1 {
		attributes = append(attributes, graph.A("end", axis+1))
	}
	return e.Op("Shape", []*graph.Value{v}, attributes...)
}

// upTo returns 0, 1, …, count-1 for a vector of one element.
func (e emitter) upTo(count *graph.Value) *graph.Value {
	zero, one := e.Const(tensor.Scalar(int64(0))), e.Const(tensor.Scalar(int64(1)))
	return e.do("Range", zero, e.do("Squeeze", count, e.Ints(0)), one)
}

// one turns an integer tensor of one element into a vector of int64.
func (e emitter) one(v *graph.Value) *graph.Value {
	return e.do("Reshape", e.to(tensor.Int64, v), e.Ints(1))
}

// rankOf returns the number of axes of input i, or an error if it is not known.
func rankOf(n *graph.Node, i int) (int, error) {
	if v := n.Input(i); v != nil && v.Type.IsTensor() && v.Type.Dims.Ranked() {
		return len(v.Type.Dims), nil
	}
	return 0, fmt.Errorf("the rank of input %d must be known", i)
}

// dim returns one extent of v as far as it is known.
func dim(v *graph.Value, axis int) tensor.Dim {
	if v != nil && v.Type.IsTensor() && axis < len(v.Type.Dims) {
		return v.Type.Dims[axis]
	}
	return tensor.Symbol("")
}
