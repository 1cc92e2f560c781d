package onnxgo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gtensor "gorgonia.org/tensor"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/onnxgo"
	"example.com/midplane/operators"
)

// The newest version that has all operators in their form is taken, unless an
// older one gives another result.
func TestVersions(t *testing.T) {
	newest := operators.NewestOpset("")
	constants := [][]byte{constant("axes", tensor.Of([]int64{1})), constant("scales", tensor.Of([]float32{1, 2})), constant("at", tensor.Of([]int64{0, 1, 1, 0}, 2, 2))}
	tests := map[string]struct {
		nodes [][]byte
		want  map[string]int
		doubt string
	}{
		"every version":                 {[][]byte{node("Neg", list{"x"}, list{"y"})}, map[string]int{"": newest}, ""},
		"an attribute, later an input":  {[][]byte{node("Unsqueeze", list{"x"}, list{"y"}, ints("axes", true, 0, 1))}, map[string]int{"": 12}, ""},
		"an input, before an attribute": {[][]byte{node("Unsqueeze", list{"x", "axes"}, list{"y"})}, map[string]int{"": newest}, ""},
		"both sides": {[][]byte{
			node("Unsqueeze", list{"x"}, list{"h"}, ints("axes", true, 0, 1)), node("GreaterOrEqual", list{"h", "h"}, list{"y"})},
			map[string]int{"": 12}, ""},
		"inputs that inference tells apart": {[][]byte{node("Resize", list{"x", "scales"}, list{"y"})}, map[string]int{"": 10}, ""},
		"an operator that came late":        {[][]byte{node("Gelu", list{"x"}, list{"y"})}, map[string]int{"": newest}, ""},
		"an operator that is gone":          {[][]byte{node("Scatter", list{"x", "at", "x"}, list{"y"}, ints("axis", true, 1))}, map[string]int{"": newest}, ""},
		"one axis, from either end":         {[][]byte{node("Softmax", list{"x"}, list{"y"})}, map[string]int{"": newest}, ""},
		"an axis or more":                   {[][]byte{node("Softmax", list{"x"}, list{"y"}, ints("axis", true, 0))}, nil, `Softmax "y" means one thing in version 12`},
		"equal parts":                       {[][]byte{node("Split", list{"x"}, list{"y", "z"}, ints("axis", true, 1))}, map[string]int{"": newest}, ""},
		"a ratio that does not count":       {[][]byte{node("Dropout", list{"x"}, list{"y", "z"})}, map[string]int{"": newest}, ""},
		"another domain":                    {[][]byte{node("Binarizer", list{"x"}, list{"h"}), node("Neg", list{"h"}, list{"y"})}, map[string]int{"": newest, "ai.onnx.ml": operators.NewestOpset("ai.onnx.ml")}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, b := open(t, file{nodes: test.nodes, inputs: [][]byte{value("x", float, "n", 2)}, outputs: [][]byte{untyped("y")}, initializers: constants})
			require.NoError(t, m.SetInput(0, matrix(1, 2, 3, 4)))
			model, err := b.Model(t.Context())
			if test.want == nil {
				var loss *onnxgo.LossError
				require.ErrorAs(t, err, &loss)
				assert.ErrorContains(t, err, test.doubt)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, model.Opsets)
			require.NoError(t, b.Run())
		})
	}
}

// Versions that are told are taken, whatever else would fit.
func TestVersionsTold(t *testing.T) {
	f := file{
		nodes:  [][]byte{node("Softmax", list{"x"}, list{"y"}, ints("axis", true, 0))},
		inputs: [][]byte{value("x", float, 2, 2)}, outputs: [][]byte{value("y", float, 2, 2)},
	}
	zeros := gtensor.New(gtensor.WithShape(2, 2), gtensor.Of(gtensor.Float32))
	for version, want := range map[int]float32{12: 0.25, 13: 0.5} { // over the whole, or over columns
		m, b := open(t, f)
		b.Opsets = map[string]int{"": version}
		assert.Equal(t, []any{[]float32{want, want, want, want}}, run(t, m, b, zeros))
	}
	m, b := open(t, f)
	b.Opsets = map[string]int{"": 99}
	require.NoError(t, m.SetInput(0, zeros))
	require.ErrorContains(t, b.Run(), "version 99 of the operator set ai.onnx is newer")
}

// An error under a version that was guessed says so.
func TestVersionsInErrors(t *testing.T) {
	m, b := open(t, file{
		nodes:  [][]byte{node("MatMul", list{"x", "x"}, list{"y"})},
		inputs: [][]byte{value("x", float, "n", 2)}, outputs: [][]byte{untyped("y")},
	})
	require.NoError(t, m.SetInput(0, matrix(1, 2, 3, 4, 5, 6)))
	require.ErrorContains(t, b.Run(), "these were guessed: ai.onnx 2")
	b.Opsets = map[string]int{"": 13}
	require.NoError(t, b.Close())
	err := b.Run()
	require.ErrorContains(t, err, "MatMul")
	assert.NotContains(t, err.Error(), "guessed")
}
