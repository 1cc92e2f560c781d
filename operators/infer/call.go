package infer

import (
	"context"
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Call is what a Func gets: one node and the facts of its inputs.
type Call struct {
	Context context.Context
	Node    *graph.Node
	In      []Fact // one per input of the node; the zero Fact where it is absent
	Out     []Fact // one per output of the node, to be filled

	// Body finds the facts of a body's outputs from those of its inputs; what
	// the body captures is known.
	Body func(body *graph.Graph, inputs []Fact) ([]Fact, error)
}

// Has reports whether input i is present.
func (c *Call) Has(i int) bool { return c.Node.Input(i) != nil }

// Fact returns the fact of input i, the zero Fact where it is absent.
func (c *Call) Fact(i int) Fact {
	if i < len(c.In) {
		return c.In[i]
	}
	return Fact{}
}

// DType returns the element type of input i, Undefined while it is unknown.
func (c *Call) DType(i int) tensor.DType {
	if f := c.Fact(i); f.Type.IsTensor() {
		return f.Type.DType
	}
	return tensor.Undefined
}

// Dims returns the extents of input i, nil while its rank is unknown.
func (c *Call) Dims(i int) tensor.Dims {
	if f := c.Fact(i); f.Type.IsTensor() {
		return f.Type.Dims
	}
	return nil
}

// Rank returns the number of axes of input i, and whether it is known.
func (c *Call) Rank(i int) (int, bool) {
	d := c.Dims(i)
	return len(d), d.Ranked()
}

// Values returns the elements of integer input i as far as they are known, and
// whether at least their number is.
func (c *Call) Values(i int) ([]Int, bool) { return c.Fact(i).values() }

func (f Fact) values() ([]Int, bool) {
	if f.Const != nil && (f.Const.DType().IsInteger() || f.Const.DType() == tensor.Bool) && f.Const.Len() <= maxConst {
		ints := make([]Int, f.Const.Len())
		for i, v := range f.Const.Int64s() {
			ints[i] = Int{Value: v, Known: true}
		}
		return ints, true
	}
	if f.Ints != nil {
		return f.Ints, true
	}
	if shape, ok := f.Type.Dims.Shape(); ok && f.Type.IsTensor() && len(shape) <= 1 && small(shape) {
		return make([]Int, shape.Size()), true
	}
	return nil, false
}

// Ints returns the elements of integer input i if every one is known.
func (c *Call) Ints(i int) ([]int64, bool) {
	values, ok := c.Values(i)
	if !ok {
		return nil, false
	}
	out := make([]int64, len(values))
	for k, v := range values {
		if !v.Known {
			return nil, false
		}
		out[k] = v.Value
	}
	return out, true
}

// Set makes output i a tensor of known rank; nil dims are a scalar's. It does
// nothing for an output that the node leaves out.
func (c *Call) Set(i int, d tensor.DType, dims tensor.Dims) {
	if dims == nil {
		dims = tensor.Dims{}
	}
	c.SetType(i, tensor.TensorType(d, dims))
}

// SetRank makes output i a tensor of known rank and unknown extents.
func (c *Call) SetRank(i int, d tensor.DType, rank int) { c.Set(i, d, tensor.UnknownDims(rank)) }

// SetUnranked makes output i a tensor of which only the element type is known.
func (c *Call) SetUnranked(i int, d tensor.DType) { c.SetType(i, tensor.TensorType(d, nil)) }

// SetLike gives output i the extents of input k, known or not, and type d.
func (c *Call) SetLike(i int, d tensor.DType, k int) {
	c.SetType(i, tensor.TensorType(d, c.Dims(k).Clone()))
}

// SetType gives output i any type. It does nothing for an output that the node
// leaves out.
func (c *Call) SetType(i int, t tensor.Type) {
	if i < len(c.Out) {
		c.Out[i].Type = t
	}
}

// SetInts notes what is known of the elements of integer output i.
func (c *Call) SetInts(i int, values []Int) {
	if i < len(c.Out) && len(values) <= maxConst {
		c.Out[i].Ints = values
	}
}

// Broadcast returns the extents of the result of NumPy-style broadcasting; nil
// if the rank of an operand is unknown. An error says which extents disagree.
func Broadcast(operands ...tensor.Dims) (tensor.Dims, error) {
	rank := 0
	for _, d := range operands {
		if !d.Ranked() {
			return nil, nil
		}
		rank = max(rank, len(d))
	}
	out := make(tensor.Dims, rank)
	for i := range out {
		out[i] = tensor.Known(1)
		for _, d := range operands {
			k := i - (rank - len(d))
			if k < 0 {
				continue
			}
			dim, err := broadcastDim(out[i], d[k])
			if err != nil {
				return nil, fmt.Errorf("shapes %v do not broadcast: %w", operands, err)
			}
			out[i] = dim
		}
	}
	return out, nil
}

func broadcastDim(a, b tensor.Dim) (tensor.Dim, error) {
	switch {
	case a.IsKnown() && a.Size == 1:
		return b, nil
	case b.IsKnown() && b.Size == 1, a.Same(b):
		return a, nil
	case a.IsKnown() && b.IsKnown():
		return a, fmt.Errorf("extents %d and %d disagree", a.Size, b.Size)
	case a.IsKnown():
		return a, nil // b must turn out as 1 or a
	case b.IsKnown():
		return b, nil
	}
	return tensor.Symbol(""), nil
}
