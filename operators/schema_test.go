package operators_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/operators"
)

func TestLookupTakesTheVersionInForce(t *testing.T) {
	tests := []struct {
		domain, name string
		version      int
		since        int // 0: there is none
	}{
		{"", "Softmax", 1, 1},
		{"", "Softmax", 10, 1},
		{"", "Softmax", 11, 11},
		{"", "Softmax", 12, 11},
		{"", "Softmax", 13, 13},
		{"", "Softmax", 28, 13},
		{"ai.onnx", "Softmax", 13, 13},
		{"", "Gelu", 19, 0},
		{"", "Gelu", 20, 20},
		{"", "Scaler", 13, 0},
		{"ai.onnx.ml", "Scaler", 3, 1},
		{"ai.onnx.preview.training", "Adam", 1, 1},
		{"com.example", "Adam", 1, 0},
		{"", "", 1, 0},
		{"", "Zzz", 28, 0},
	}
	for _, test := range tests {
		s, ok := operators.Lookup(test.domain, test.name, test.version)
		require.Equal(t, test.since > 0, ok, "%+v", test)
		if ok {
			assert.Equal(t, test.since, s.Since, "%+v", test)
			assert.Equal(t, test.name, s.Name)
		}
	}
}

func TestNewestPassesDeprecatedVersions(t *testing.T) {
	for name, since := range map[string]int{"Upsample": 9, "Scatter": 9, "GroupNormalization": 21, "Softmax": 13} {
		s, ok := operators.Newest("", name)
		require.True(t, ok)
		assert.Equal(t, since, s.Since, name)
		assert.False(t, s.Deprecated)
	}
	_, ok := operators.Newest("", "Zzz")
	assert.False(t, ok)
}

func TestCatalogueIsSortedAndWhole(t *testing.T) {
	var all []*operators.Schema
	newest := make(map[string]int)
	for s := range operators.All() {
		all = append(all, s)
		newest[s.Domain] = max(newest[s.Domain], s.Since)
		found, ok := operators.Lookup(s.Domain, s.Name, s.Since)
		require.True(t, ok)
		assert.Same(t, s, found)
		assert.LessOrEqual(t, s.MinInputs, s.MaxInputs, s.Name)
		assert.LessOrEqual(t, s.MinOutputs, s.MaxOutputs, s.Name)
		assert.True(t, slices.IsSortedFunc(s.Attributes, func(a, b operators.AttributeSchema) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		}), s.Name)
	}
	assert.True(t, slices.IsSortedFunc(all, func(a, b *operators.Schema) int {
		return slices.Compare([]string{a.Domain, a.Name, string(rune(a.Since))}, []string{b.Domain, b.Name, string(rune(b.Since))})
	}))
	assert.Equal(t, []string{"", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training"}, operators.Domains())
	for _, d := range operators.Domains() {
		assert.Equal(t, newest[d], operators.NewestOpset(d), d)
	}
	assert.Equal(t, 28, operators.NewestOpset("ai.onnx"))
	assert.Equal(t, 0, operators.NewestOpset("com.example"))
}

func TestAllStopsWhenAsked(t *testing.T) {
	seen := 0
	for range operators.All() {
		if seen++; seen == 3 {
			break
		}
	}
	assert.Equal(t, 3, seen)
}

func TestSchemaOfConv(t *testing.T) {
	s, ok := operators.Lookup("", "Conv", 13)
	require.True(t, ok)
	assert.Equal(t, "Conv", s.Operator())
	assert.Equal(t, []int{2, 3, 1, 1}, []int{s.MinInputs, s.MaxInputs, s.MinOutputs, s.MaxOutputs})
	assert.Equal(t, []operators.Parameter{
		{Name: "X", Type: "T", Differentiable: true},
		{Name: "W", Type: "T", Differentiable: true},
		{Name: "B", Type: "T", Optional: true, Differentiable: true},
	}, s.Inputs)
	assert.Equal(t, []operators.Constraint{{Name: "T", Types: []string{"tensor(double)", "tensor(float)", "tensor(float16)"}}}, s.Types)
	a, ok := s.Attribute("auto_pad")
	require.True(t, ok)
	assert.Equal(t, &operators.AttributeSchema{Name: "auto_pad", Type: operators.StringAttribute, Default: "NOTSET"}, a)
	_, ok = s.Attribute("axis")
	assert.False(t, ok)
}

func TestParametersOfEachKind(t *testing.T) {
	loop, _ := operators.Lookup("", "Loop", 13)
	assert.Equal(t, operators.Unbounded, loop.MaxInputs)
	assert.Equal(t, 2, loop.MinInputs)
	assert.Equal(t, operators.Parameter{Name: "v_initial", Type: "V", Variadic: true, Heterogeneous: true}, loop.Inputs[2])
	scaler, _ := operators.Lookup("ai.onnx.ml", "Scaler", 1)
	assert.Equal(t, "ai.onnx.ml.Scaler", scaler.Operator())
	assert.Equal(t, "tensor(float)", scaler.Outputs[0].Type)
	gelu, _ := operators.Lookup("", "Gelu", 20)
	assert.True(t, gelu.Function)
}

func TestDefaultsAreOfTheirTypes(t *testing.T) {
	tests := []struct {
		domain, op string
		version    int
		attribute  string
		want       any
	}{
		{"", "ArgMax", 13, "axis", int64(0)},
		{"", "ArgMax", 13, "keepdims", int64(1)},
		{"", "BatchNormalization", 15, "epsilon", float32(1e-5)},
		{"", "Clip", 6, "max", float32(math.MaxFloat32)},
		{"", "Clip", 6, "min", float32(-math.MaxFloat32)},
		{"", "RNN", 7, "activations", []string{"Tanh", "Tanh"}},
		{"", "RNN", 7, "direction", "forward"},
		{"", "Cast", 13, "to", nil},
		{"ai.onnx.preview.training", "Adam", 1, "alpha", float32(0.9)},
		{"ai.onnx.ml", "LabelEncoder", 2, "default_float", float32(0)},
	}
	for _, test := range tests {
		s, ok := operators.Lookup(test.domain, test.op, test.version)
		require.True(t, ok, test.op)
		a, ok := s.Attribute(test.attribute)
		require.True(t, ok, test.attribute)
		assert.Equal(t, test.want, a.Default, "%s.%s", test.op, test.attribute)
	}
	cast, _ := operators.Lookup("", "Cast", 13)
	to, _ := cast.Attribute("to")
	assert.True(t, to.Required)
}

func TestEveryDefaultFitsItsType(t *testing.T) {
	for s := range operators.All() {
		for _, a := range s.Attributes {
			switch a.Default.(type) {
			case nil:
				assert.NotEmpty(t, a.Type.String())
			case int64:
				assert.Equal(t, operators.IntAttribute, a.Type, "%s.%s", s.Name, a.Name)
			case float32:
				assert.Equal(t, operators.FloatAttribute, a.Type, "%s.%s", s.Name, a.Name)
			case string:
				assert.Equal(t, operators.StringAttribute, a.Type, "%s.%s", s.Name, a.Name)
			case []string:
				assert.Equal(t, operators.StringsAttribute, a.Type, "%s.%s", s.Name, a.Name)
			case []int64:
				assert.Equal(t, operators.IntsAttribute, a.Type, "%s.%s", s.Name, a.Name)
			default:
				assert.Fail(t, "a default of another type", "%s.%s: %T", s.Name, a.Name, a.Default)
			}
		}
	}
}
