package mutant

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// elements are ways of missing or mixing up elements.
var elements = []mechanism{
	{name: "tail left out", fault: changed(func(_ *run, t *tensor.Tensor) { clear(element(t, t.Len()-1)) }), at: []place{
		{"Relu", "not a multiple of 4", uneven(4)}, {"Add", "not a multiple of 8", uneven(8)}, {"Exp", "not a multiple of 16", uneven(16)},
		{"Transpose", "not a multiple of 2", uneven(2)}, {"Softmax", "not a multiple of 8", uneven(8)},
	}},
	{name: "tail of long rows left out", fault: changed(func(_ *run, t *tensor.Tensor) { clear(element(t, t.Len()-1)) }), at: []place{
		{"Sigmoid", "rows over 16", lastAxis(16)}, {"MatMul", "rows over 16", lastAxis(16)}, {"ReduceSum", "rows over 32", lastAxis(32)}, {"Concat", "rows over 8", lastAxis(8)}, {"Conv", "rows over 32", lastAxis(32)},
	}},
	{name: "off by one", fault: changed(func(_ *run, t *tensor.Tensor) {
		size := len(element(t, 0))
		copy(t.Bytes()[size:], t.Clone().Bytes()[:len(t.Bytes())-size])
	}), at: []place{
		{"Slice", "rank 4", ranked(4)}, {"Gather", "float16", typed(tensor.Float16)}, {"CumSum", "rank 1", ranked(1)}, {"MaxPool", "rank 3", ranked(3)}, {"Pad", "int32", typed(tensor.Int32)},
	}},
	{name: "neighbours swapped", fault: changed(func(_ *run, t *tensor.Tensor) {
		if n := t.Len(); n > 2 {
			a := tensor.Value(t).(*tensor.Tensor).Clone()
			copy(element(t, n/2), element(a, n/2-1))
			copy(element(t, n/2-1), element(a, n/2))
		}
	}), at: []place{
		{"Mul", "rank 6", ranked(6)}, {"TopK", "rank 3", ranked(3)}, {"Expand", "rank 3", ranked(3)}, {"Resize", "rank 3", ranked(3)}, {"DepthToSpace", "int8", typed(tensor.Int8)},
	}},
	{name: "first input only", fault: recomputed(func(_ *run, n *graph.Node, in []tensor.Value) {
		if a, b := in[0].(*tensor.Tensor), in[1].(*tensor.Tensor); b != nil && a.DType() == b.DType() && a.Len() >= b.Len() {
			short, err := tensor.FromBytes(b.DType(), b.Shape(), a.Clone().Bytes()[:len(b.Bytes())])
			if err == nil {
				in[1] = short
			}
		}
	}), at: []place{{"Mul", "rank 3", both(with(1), ranked(3))}, {"Max", "int64", both(with(1), typed(tensor.Int64))}, {"MatMul", "float64", both(with(1), typed(tensor.Float64))}, {"Concat", "rank 2", both(with(1), ranked(2))}, {"Equal", "int32", typed(tensor.Int32)}}},
	{name: "broadcast the wrong way", fault: recomputed(func(_ *run, _ *graph.Node, in []tensor.Value) {
		if a, b := in[0].(*tensor.Tensor), in[1].(*tensor.Tensor); !a.Shape().Equal(b.Shape()) {
			in[1] = backwards(b)
		}
	}), at: []place{{"Add", "float32", typed(tensor.Float32)}, {"Pow", "rank 4", ranked(4)}, {"Less", "int32", typed(tensor.Int32)}, {"PRelu", "rank 4", ranked(4)}, {"And", "", nil}}},
	{name: "negative index taken as 0", fault: recomputed(func(_ *run, _ *graph.Node, in []tensor.Value) {
		if t, ok := in[1].(*tensor.Tensor); ok {
			v := t.Int64s()
			for i := range v {
				v[i] = max(v[i], 0)
			}
			in[1] = tensor.FromInt64s(t.DType(), t.Shape(), v)
		}
	}), at: everywhere("Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND")},
	{name: "negative axis taken as 0", fault: recomputed(func(_ *run, n *graph.Node, _ []tensor.Value) {
		for _, name := range []string{"axis", "axes"} {
			if n.Int(name, 0) < 0 {
				n.Set(graph.A(name, int64(0)))
			}
		}
	}), at: everywhere("Concat", "Softmax", "ArgMax", "Gather", "LayerNormalization")},
	{name: "every batch is the first", fault: changed(func(r *run, t *tensor.Tensor) {
		if s := t.Shape(); len(s) > 0 && s[0] > 1 {
			part := len(t.Bytes()) / s[0]
			copy(t.Bytes()[part:], t.Clone().Bytes()[:part])
		}
	}), at: []place{{"Conv", "rank 5", ranked(5)}, {"MatMul", "rank 3", ranked(3)}, {"AveragePool", "rank 3", ranked(3)}, {"InstanceNormalization", "rank 3", ranked(3)}, {"BatchNormalization", "rank 2", ranked(2)}}},
	{name: "second output left", fault: fault{after: func(r *run) error {
		t := r.out(1)
		if t == nil || t.Len() == 0 {
			return nil
		}
		element(t, t.Len()-1)[0] ^= 0xFF
		element(t, t.Len()-1)[len(element(t, 0))-1] ^= 1
		return r.put(1, t)
	}}, at: everywhere("MaxPool", "TopK", "Dropout", "LSTM", "BatchNormalization")},
	{name: "constant operand packed wrongly", fault: recomputed(func(_ *run, n *graph.Node, in []tensor.Value) { in[1] = backwards(in[1]) }), at: []place{
		{"MatMul", "constant", constant(1)}, {"Conv", "constant", constant(1)}, {"Gemm", "constant", constant(1)}, {"Add", "constant", constant(1)}, {"Mul", "constant", constant(1)},
	}},
	{name: "operand that is no constant misread", fault: recomputed(func(_ *run, n *graph.Node, in []tensor.Value) { in[1] = backwards(in[1]) }), at: []place{
		{"MatMul", "not constant", variable(1)}, {"Conv", "not constant", variable(1)}, {"Gemm", "not constant", variable(1)}, {"PRelu", "not constant", variable(1)}, {"BatchNormalization", "not constant", variable(1)},
	}},
	{name: "transposed operand read in memory order", fault: recomputed(func(r *run, _ *graph.Node, in []tensor.Value) {
		if v := r.node.Inputs[0]; v.Producer != nil && v.Producer.Op == "Transpose" {
			in[0] = backwards(in[0])
		}
	}), at: everywhere("Add", "Relu", "MatMul", "ReduceMean", "Softmax")},
}

// lastAxis are uses with first operands whose last extent is over n.
func lastAxis(n int) func(*run) bool {
	return func(r *run) bool {
		t := r.in(0)
		return t != nil && t.Rank() > 0 && t.Shape()[t.Rank()-1] > n
	}
}

// variable are uses in which an input is no part of the model.
func variable(i int) func(*run) bool {
	return func(r *run) bool { return r.node.Input(i) != nil && r.node.Input(i).Const == nil }
}
