package microsoft

import (
	"fmt"

	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// products holds FusedMatMul, TransposeMatMul, FusedGemm, FusedConv,
// MatMulNBits, Inverse.
var products = []operator{
	{
		schema: define("FusedMatMul", "A T, B T", "Y T", reals, set("alpha", float32(1)), set("transA", int64(0)),
			set("transB", int64(0)), set("transBatchA", int64(0)), set("transBatchB", int64(0))),
		rule: fusedMatMul,
	},
	{
		schema: define("TransposeMatMul", "A T, B T", "Y T", reals, set("alpha", float32(1)), set("transA", int64(0)), set("transB", int64(0))),
		rule:   fusedMatMul,
	},
	{
		schema: define("FusedGemm", "A T, B T, C T?", "Y T",
			map[string][]string{"T": {"float16", "float", "double", "uint32", "uint64", "int32", "int64"}},
			may("activation", operators.StringAttribute), may("activation_alpha", operators.FloatAttribute),
			may("activation_beta", operators.FloatAttribute), may("activation_gamma", operators.FloatAttribute),
			set("alpha", float32(1)), set("beta", float32(1)), may("leaky_relu_alpha", operators.FloatAttribute),
			set("transA", int64(0)), set("transB", int64(0))),
		rule: fusedGemm,
	},
	{
		schema: define("FusedConv", "X T, W T, B T?, Z T?", "Y T", map[string][]string{"T": {"float16", "float", "double"}},
			may("activation", operators.StringAttribute), may("activation_params", operators.FloatsAttribute),
			set("auto_pad", "NOTSET"), may("dilations", operators.IntsAttribute), set("group", int64(1)),
			may("kernel_shape", operators.IntsAttribute), may("pads", operators.IntsAttribute), may("strides", operators.IntsAttribute)),
		rule: fusedConv,
	},
	{
		schema: define("MatMulNBits", "A T1, B T2, scales T1, zero_points T3?, g_idx T4?, bias T1?", "Y T1",
			map[string][]string{"T1": neuralOnly, "T2": {"uint8"}, "T3": {"uint8", "float16", "float", "bfloat16"}, "T4": {"int32"}},
			must("K", operators.IntAttribute), must("N", operators.IntAttribute), set("accuracy_level", int64(0)),
			set("bits", int64(4)), must("block_size", operators.IntAttribute), set("weight_prepacked", int64(0))),
		rule: matMulNBits, compute: computeMatMulNBits, infer: inferMatMulNBits,
	},
	{
		schema:  define("Inverse", "X T", "Y T", map[string][]string{"T": {"float16", "float", "double"}}),
		compute: inverse, infer: inferInverse,
	},
}

// fusedMatMul multiplies alpha × A × B, whose matrices are transposed before that
// where transA and transB say so. With transBatchA and transBatchB the first axis
// is that of a matrix's rows, and the batch axes lie behind it.
func fusedMatMul(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	var sides [2]*graph.Value
	for i, side := range []string{"A", "B"} {
		sides[i] = e.in(i)
		matrix, batch := n.Bool("trans"+side, false), n.Bool("transBatch"+side, false)
		if !matrix && !batch {
			continue
		}
		rank, err := rankOf(n, i)
		if err != nil {
			return nil, err
		}
		if rank < 2 {
			continue // a vector has nothing to transpose
		}
		var perm []int64
		for axis := range int64(rank) {
			perm = append(perm, axis)
		}
		if batch {
			perm = append(append(perm[1:rank-1:rank-1], 0), int64(rank-1))
		}
		if matrix {
			perm[rank-2], perm[rank-1] = perm[rank-1], perm[rank-2]
		}
		sides[i] = e.transpose(sides[i], perm...)
	}
	y := e.do("MatMul", sides[0], sides[1])
	if alpha := n.Float("alpha", 1); alpha != 1 {
		y = e.do("Mul", y, e.num(float64(alpha)))
	}
	return []*graph.Value{y}, nil
}

func fusedGemm(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	var parameters []float32
	for _, name := range []string{"activation_alpha", "activation_beta", "activation_gamma", "leaky_relu_alpha"} {
		if v, ok := graph.Attr[float32](n, name); ok {
			parameters = append(parameters, v)
		}
	}
	name := n.Text("activation", "")
	if most := len(activationParameters[name]); len(parameters) > most {
		parameters = parameters[:most] // exporters give every parameter, used or not
	}
	y := e.Op("Gemm", n.Inputs, n.Without("activation", "activation_alpha", "activation_beta", "activation_gamma", "leaky_relu_alpha")...)
	y, err = e.activate(y, name, parameters)
	return []*graph.Value{y}, err
}

// fusedConv adds Z, if it is there, before the activation.
func fusedConv(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	inputs := n.Inputs[:2:2]
	if bias := e.in(2); bias != nil {
		inputs = append(inputs, bias)
	}
	y := e.plus(e.Op("Conv", inputs, n.Without("activation", "activation_params")...), e.in(3))
	y, err = e.activate(y, n.Text("activation", ""), n.Floats("activation_params"))
	return []*graph.Value{y}, err
}

// unequal returns an error about a shape that differs from what it must be.
func unequal(what string, got, want any) error {
	return fmt.Errorf("%s has the shape %v, it must be %v", what, got, want)
}
