package onnx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// FuzzDecode decodes any bytes as a model and as values. What decodes can be
// encoded, and its encoding decodes to what is encoded to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		small := &onnx.Options{MaxDense: 1 << 16}
		if m, err := onnx.Decode(b, externally, small); err == nil {
			once, err := onnx.Encode(m)
			require.NoError(t, err)
			again, err := onnx.Decode(once, nil, nil)
			require.NoError(t, err)
			twice, err := onnx.Encode(again)
			require.NoError(t, err)
			require.Equal(t, once, twice)
		}
		for _, typ := range []tensor.Type{
			tensor.TensorType(tensor.Float32, nil), tensor.SequenceType(tensor.Type{}), tensor.OptionalType(tensor.Type{}),
			tensor.MapType(tensor.Int64, tensor.Type{}),
		} {
			v, err := onnx.DecodeValue(b, typ)
			if err != nil {
				continue
			}
			_, err = onnx.EncodeValue(v)
			require.NoError(t, err)
		}
	})
}

// externally gives 64 zeros for every file.
func externally(_ string, offset, length int64) ([]byte, error) {
	const size = 64
	if offset > size || length > size-offset {
		return nil, onnx.ErrTruncated
	}
	return make([]byte, length), nil
}

// seeds are small files that have every construct between them.
func seeds(f *testing.F) [][]byte {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol("N"), tensor.Known(2)})}
	w := &graph.Value{Name: "w", Const: tensor.Of([]float32{1, 2})}
	s := &graph.Value{Name: "s", Type: tensor.SequenceType(tensor.TensorType(tensor.Int4, nil)), Doc: "a list"}
	add := op("Add", "y", 20, x, w)
	body := op("Mul", "z", 20, add.Outputs[0], x)
	branch := op("If", "b", 20, add.Outputs[0], nil)
	branch.Set(graph.A("then_branch", &graph.Graph{Nodes: []*graph.Node{body}, Outputs: []*graph.Value{body.Outputs[0]}}))
	constant := op("Constant", "c", 20)
	constant.Set(graph.A("sparse_value", tensor.Of([]int64{0, 7})))
	every := op("Every", "e", 1)
	every.Domain = "org.d"
	every.Attributes = []graph.Attribute{
		graph.A("f", float32(1)), graph.A("i", int64(-1)), graph.A("s", "text"), graph.A("fs", []float32{1}), graph.A("is", []int64{1, 300}),
		graph.A("ss", []string{"a"}), graph.A("t", tensor.Of([]string{"u"})), graph.A("ty", tensor.MapType(tensor.String, tensor.Type{})),
		graph.A("gs", []*graph.Graph{{}}),
	}
	fx := &graph.Value{Name: "x"}
	inner := op("Relu", "y", 20, fx)
	inner.Attributes = []graph.Attribute{{Name: "a", Ref: "alpha"}}
	m := &graph.Model{
		IRVersion: 10, Opsets: map[string]int{"": 20, "org.d": 1}, Metadata: map[string]string{"k": "v"},
		Graph: &graph.Graph{
			Name: "g", Inputs: []*graph.Value{x, s}, Initializers: []*graph.Value{w}, Nodes: []*graph.Node{add, branch, constant, every},
			Outputs: []*graph.Value{branch.Outputs[0], x},
		},
		Functions: []*graph.Function{{Domain: "d", Name: "f", Attributes: []string{"alpha"}, Opsets: map[string]int{"": 20}, Defaults: []graph.Attribute{graph.A("beta", int64(1))},
			Body: &graph.Graph{Inputs: []*graph.Value{fx}, Nodes: []*graph.Node{inner}, Outputs: []*graph.Value{inner.Outputs[0]}}}},
	}
	whole, err := onnx.Encode(m)
	require.NoError(f, err)
	all := [][]byte{whole, external("location", "w", "offset", "8"), model(relu())}
	for _, v := range []tensor.Value{
		pair, tensor.Of([]string{"a"}), &tensor.Sequence{Items: []tensor.Value{pair}}, &tensor.Optional{Item: pair},
		&tensor.Map{Keys: tensor.Of([]int64{1, 2}), Values: pair},
	} {
		b, err := onnx.EncodeValue(v)
		require.NoError(f, err)
		all = append(all, b)
	}
	return all
}
