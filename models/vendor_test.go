package models_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/opset"
	"example.com/midplane/operators/reference"
)

// A vendor's domain: Affine has two versions and a rule; Reverse and Noise are
// computed by the reference, and of Noise only the schema says the type.
func init() {
	x, y := []operators.Parameter{{Name: "X", Type: "T"}}, []operators.Parameter{{Name: "Y", Type: "T"}}
	schema := func(name string, since int, attributes ...string) operators.Schema {
		s := operators.Schema{
			Domain: "com.example", Name: name, Since: since, Random: name == "Noise",
			Inputs: x, MinInputs: 1, MaxInputs: 1, Outputs: y, MinOutputs: 1, MaxOutputs: 1,
			Types: []operators.Constraint{{Name: "T", Types: []string{"tensor(float)"}}},
		}
		for _, a := range attributes {
			s.Attributes = append(s.Attributes, operators.AttributeSchema{Name: a, Type: operators.FloatAttribute, Required: true})
		}
		return s
	}
	operators.Register(schema("Affine", 2, "scale", "shift"), schema("Affine", 1, "factor"), schema("Reverse", 1), schema("Noise", 1))
	opset.Register("com.example.Affine", opset.Rule{Below: 2, Lift: func(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		n.Attributes = []graph.Attribute{graph.A("scale", n.Float("factor", 0)), graph.A("shift", float32(0))}
		return n.Outputs, nil
	}})
	decompose.Register("com.example.Affine", func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		scale, shift := b.Const(tensor.Scalar(n.Float("scale", 0))), b.Const(tensor.Scalar(n.Float("shift", 0)))
		return []*graph.Value{b.Op("Add", []*graph.Value{b.Op("Mul", []*graph.Value{n.Inputs[0], scale}), shift})}, nil
	})
	reference.Register("com.example.Reverse", func(c *reference.Call) ([]tensor.Value, error) {
		v := slices.Clone(tensor.Slice[float32](c.Tensor(0)))
		slices.Reverse(v)
		return []tensor.Value{tensor.Of(v, c.Tensor(0).Shape()...)}, nil
	})
	infer.Register("com.example.Reverse", func(c *infer.Call) error {
		c.SetLike(0, c.DType(0), 0)
		return nil
	})
	reference.Register("com.example.Noise", func(c *reference.Call) ([]tensor.Value, error) { return c.Inputs, nil })
}

func TestVendorsDomain(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("vendor")
		x := s.input("x", tensor.Float32, "n", 2)
		a := s.Node("com.example", "Affine", []*graph.Value{x}, 1, graph.A("factor", float32(3)))[0]
		s.output("a", a)
		s.output("r", s.Node("com.example", "Reverse", []*graph.Value{a}, 1)[0])
		constant := s.Const(tensor.Of([]float32{7}))
		s.output("noise", s.Node("com.example", "Noise", []*graph.Value{constant}, 1)[0])
		session := s.load(t, one(device))
		defer session.Close()
		g, err := session.Stage("canonical")
		require.NoError(t, err)
		versions, types := make(map[string]int), make(map[string]string)
		for _, n := range g.Nodes {
			versions[n.Op], types[n.Op] = n.Version, n.Outputs[0].Type.String()
		}
		assert.Equal(t, map[string]int{"Affine": 2, "Reverse": 1, "Noise": 1}, versions, "lifted; nothing random is computed ahead")
		assert.Equal(t, map[string]string{"Affine": "float32[n,2]", "Reverse": "float32[n,2]", "Noise": "float32[...]"}, types)
		out, err := session.Run(t.Context(), values{"x": tensor.Of([]float32{1, 2, 3, 4}, 2, 2)})
		require.NoError(t, err)
		assert.Equal(t, []float32{3, 6, 9, 12}, floats(t, out["a"]))
		assert.Equal(t, []float32{12, 9, 6, 3}, floats(t, out["r"]))
		assert.Equal(t, []float32{7}, floats(t, out["noise"]))
	})
}

// The schemas of a vendor's domain are held like ONNX's own.
func TestVendorsSchemasAreChecked(t *testing.T) {
	s := newSketch("wrong")
	s.output("y", s.Node("com.example", "Affine", []*graph.Value{s.input("x", tensor.Float32, 2)}, 1, graph.A("offset", float32(3)))[0])
	_, err := models.LoadBytes(t.Context(), s.bytes(t), one("cpu"))
	assert.ErrorContains(t, err, "Affine has no attribute offset")
}

func TestRegisteringTwicePanics(t *testing.T) {
	assert.PanicsWithValue(t, "operators: Register: com.example.Reverse, version 1, is in the catalogue already",
		func() { operators.Register(operators.Schema{Domain: "com.example", Name: "Reverse", Since: 1}) })
	assert.PanicsWithValue(t, "operators: Register: Fold, version 99: the newest operator set of the domain is 28",
		func() { operators.Register(operators.Schema{Name: "Fold", Since: 99}) })
	assert.Panics(t, func() { operators.Register(operators.Schema{Domain: "com.example", Since: 1}) }, "no name")
	assert.Panics(t, func() { reference.Register("Relu", func(*reference.Call) ([]tensor.Value, error) { return nil, nil }) })
	assert.Panics(t, func() { reference.Register("com.example.Fold", nil) })
	assert.Panics(t, func() { infer.Register("com.example.Reverse", func(*infer.Call) error { return nil }) })
	assert.Panics(t, func() { infer.Register("com.example.Fold", nil) })
	assert.Panics(t, func() {
		decompose.Register("com.example.Affine", func(*graph.Builder, *graph.Node) ([]*graph.Value, error) { return nil, nil })
	})
	assert.Panics(t, func() { decompose.Register("com.example.Fold", nil) })
	assert.Panics(t, func() { opset.Register("com.example.Affine", opset.Rule{Below: 3}) })
	assert.Panics(t, func() { opset.Register("com.example.Fold", opset.Rule{Below: 3}, opset.Rule{Below: 2}) })
}

// What is missing says why decomposing the node was no way out.
func TestMissingSaysWhyItIsNotDecomposed(t *testing.T) {
	s := newSketch("parts")
	s.output("y", s.Op("Softsign", []*graph.Value{s.input("x", tensor.Float32, 2)}))
	_, err := models.LoadBytes(t.Context(), s.bytes(t), one("emu:1"))
	assert.ErrorContains(t, err, "emu:1: no kernel, and not decomposed: ")
	assert.ErrorContains(t, err, "Abs: no kernel")
}
