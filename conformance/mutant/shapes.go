package mutant

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// shapes are ways of being wrong for some shapes.
var shapes = []mechanism{
	{name: "wrong beyond so many elements", fault: changed(func(_ *run, t *tensor.Tensor) { clear(element(t, t.Len()-1)) }), at: []place{
		{"Add", "65536", longer(1 << 16)}, {"Relu", "65536", longer(1 << 16)}, {"Transpose", "65536", longer(1 << 16)}, {"Concat", "65536", longer(1 << 16)}, {"ReduceMax", "65536", longer(1 << 16)},
	}},
	{name: "wrong beyond a block", fault: changed(func(_ *run, t *tensor.Tensor) { clear(element(t, t.Len()-1)) }), at: []place{
		{"MatMul", "65536", longer(1 << 16)}, {"Conv", "65536", longer(1 << 16)}, {"Softmax", "1024", longer(1024)}, {"Cast", "64", longer(64)}, {"MaxPool", "2048", longer(2048)},
	}},
	{name: "a long axis that is not the last", fault: changed(func(r *run, t *tensor.Tensor) { clear(element(t, t.Len()-1)) }), at: []place{
		{"Add", "over 256", longAxis(256)}, {"Transpose", "over 256", longAxis(256)}, {"ReduceSum", "over 256", longAxis(256)}, {"Softmax", "over 256", longAxis(256)}, {"Gather", "over 256", longAxis(256)},
	}},
	{name: "wrong at a rank", fault: changed(func(_ *run, t *tensor.Tensor) {
		element(t, t.Len()-1)[0] ^= 0xFF
		element(t, t.Len()-1)[len(element(t, 0))-1] ^= 1
	}), at: []place{
		{"Sub", "6", ranked(6)}, {"ReduceMean", "5", ranked(5)}, {"Exp", "0", ranked(0)}, {"Slice", "1", ranked(1)}, {"Where", "0", ranked(0)},
	}},
	{name: "dynamic shapes use the first run's", fault: fault{after: func(r *run) error {
		first := r.remember("shape", func() any { return r.out(0) }).(*tensor.Tensor)
		if t := r.out(0); t != nil && first != nil && t.Len() > first.Len() {
			clear(t.Bytes()[len(first.Bytes()):])
			return r.put(0, t)
		}
		return nil
	}}, at: everywhere("Relu", "Add", "MatMul", "Softmax", "Conv")},
	{name: "dynamic shapes keep the greatest run's", fault: fault{after: func(r *run) error {
		first := r.remember("shape", func() any { return r.out(0) }).(*tensor.Tensor)
		if t := r.out(0); t != nil && first != nil && t.Len() < first.Len() && t.Len() > 0 {
			clear(element(t, 0))
			return r.put(0, t)
		}
		return nil
	}}, at: everywhere("Exp", "Mul", "Gemm", "ReduceSum", "Transpose")},
	{name: "panic where there is nothing", fault: fault{before: func(r *run) error {
		for i := range r.inputs {
			if t := r.in(i); t != nil && t.Len() == 0 {
				_ = t.Bytes()[0]
			}
		}
		return nil
	}}, at: everywhere("Relu", "Concat", "MatMul", "ReduceSum", "Transpose")},
	{name: "nothing written for empty sums", fault: fault{instead: func(r *run) error {
		if r.in(0) != nil && r.in(0).Len() == 0 {
			return r.blank()
		}
		return r.right()
	}}, at: everywhere("ReduceSum", "MatMul", "ReduceProd", "Gemm", "ReduceSumSquare")},
	{name: "wrong shape", fault: fault{before: func(r *run) error {
		allocate := r.call.Allocate
		r.call.Allocate = func(i int, d tensor.DType, s tensor.Shape) (operators.Operand, error) {
			if last := len(s) - 1; last >= 0 && s[last] > 1 {
				s = s.Clone()
				s[last]++
			}
			return allocate(i, d, s)
		}
		return nil
	}}, at: everywhere("NonZero", "Compress", "Unique", "NonMaxSuppression", "TopK")},
	{name: "wrong element type", fault: fault{before: func(r *run) error {
		allocate := r.call.Allocate
		r.call.Allocate = func(i int, d tensor.DType, s tensor.Shape) (operators.Operand, error) {
			return allocate(i, map[tensor.DType]tensor.DType{tensor.Int64: tensor.Uint64, tensor.Float32: tensor.Int32, tensor.Float16: tensor.BFloat16}[d], s)
		}
		return nil
	}}, at: everywhere("NonZero", "Compress", "Unique", "NonMaxSuppression")},
	{name: "paddings the wrong way round", fault: recomputed(func(_ *run, n *graph.Node, _ []tensor.Value) {
		if p := n.Ints("pads"); len(p) > 0 {
			half := len(p) / 2
			n.Set(graph.A("pads", append(append([]int64(nil), p[half:]...), p[:half]...)))
		}
	}), at: everywhere("Conv", "MaxPool", "AveragePool", "ConvTranspose", "LpPool")},
	{name: "square windows only", fault: recomputed(func(_ *run, n *graph.Node, _ []tensor.Value) {
		for _, name := range []string{"strides", "dilations"} {
			if p := append([]int64(nil), n.Ints(name)...); len(p) > 1 {
				for i := range p {
					p[i] = p[0]
				}
				n.Set(graph.A(name, p))
			}
		}
	}), at: everywhere("Conv", "MaxPool", "AveragePool", "ConvTranspose", "Col2Im")},
	{name: "one row only", fault: changed(func(r *run, t *tensor.Tensor) {
		if s := t.Shape(); len(s) > 1 && s[len(s)-2] == 1 && t.Len() > 0 {
			clear(element(t, 0))
		}
	}), at: everywhere("MatMul", "Add", "Softmax", "Gemm", "LayerNormalization")},
}

// longAxis are uses with first operands of an extent over n before the last.
func longAxis(n int) func(*run) bool {
	return func(r *run) bool {
		t := r.in(0)
		if t == nil || t.Rank() < 2 {
			return false
		}
		for _, extent := range t.Shape()[:t.Rank()-1] {
			if extent > n {
				return true
			}
		}
		return false
	}
}
