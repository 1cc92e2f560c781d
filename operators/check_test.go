package operators_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

func typed(d tensor.DType) *graph.Value {
	return &graph.Value{Name: "v", Type: tensor.TensorType(d, nil)}
}

// values returns that many values of unknown type; nil where absent says so.
func values(count int, absent ...int) []*graph.Value {
	out := make([]*graph.Value, count)
	for i := range out {
		out[i] = &graph.Value{Name: "v"}
	}
	for _, i := range absent {
		out[i] = nil
	}
	return out
}

func TestCheckForm(t *testing.T) {
	body := &graph.Graph{}
	tests := []struct {
		name    string
		op      string
		version int
		inputs  []*graph.Value
		outputs int
		attrs   []graph.Attribute
		want    string // the error, "" for none
	}{
		{"plain", "Conv", 13, values(3), 1, []graph.Attribute{graph.A("pads", []int64{1, 1})}, ""},
		{"optional input left out", "Conv", 13, values(2), 1, nil, ""},
		{"absent input at the end", "Conv", 13, values(3, 2), 1, nil, ""},
		{"absent input between", "Clip", 13, values(3, 1), 1, nil, ""},
		{"variadic", "Concat", 13, values(7), 1, []graph.Attribute{graph.A("axis", int64(0))}, ""},
		{"deprecated: as it was before", "Upsample", 13, values(2), 1, nil, ""},
		{"deprecated without description", "GroupNormalization", 18, values(3), 1, []graph.Attribute{graph.A("num_groups", int64(2))}, ""},
		{"note of a tool", "Abs", 13, values(1), 1, []graph.Attribute{graph.A("__note", "x")}, ""},
		{"sparse tensors are kept dense", "Constant", 13, nil, 1, []graph.Attribute{graph.A("sparse_value", tensor.Scalar(float32(1)))}, ""},
		{"graphs", "If", 13, values(1), 2, []graph.Attribute{graph.A("then_branch", body), graph.A("else_branch", body)}, ""},
		{"too few", "Conv", 13, values(1), 1, nil, "the operator has 2 to 3 inputs, the node 1"},
		{"too many", "Conv", 13, values(4), 1, nil, "the operator has 2 to 3 inputs, the node 4"},
		{"fewer than a variadic takes", "Concat", 13, nil, 1, nil, "the operator has at least 1 input, the node 0"},
		{"required input absent", "Conv", 13, values(3, 1), 1, nil, "input 1 (W) is required and left out"},
		{"required input absent at the end", "Conv", 13, values(2, 1), 1, nil, "input 1 (W) is required and left out"},
		{"optional input absent where the count asks for it", "Loop", 13, values(2, 1), 1, []graph.Attribute{graph.A("body", body)}, ""},
		{"variadic input absent", "Concat", 13, values(3, 1), 1, nil, "input 1 (inputs) is required and left out"},
		{"no output", "Abs", 13, values(1), 0, nil, "the operator has 1 output, the node 0"},
		{"too many outputs", "Add", 13, values(2), 2, nil, "the operator has 1 output, the node 2"},
		{"inputs of another version", "Clip", 6, values(3), 1, nil, "the operator has 1 input, the node 3"},
		{"unknown attribute", "ArgMax", 13, values(1), 1, []graph.Attribute{graph.A("axes", int64(1))}, "ArgMax has no attribute axes since version 13; it has axis, keepdims, select_last_index"},
		{"unknown attribute of an operator without any", "Add", 13, values(2), 1, []graph.Attribute{graph.A("axis", int64(1))}, "Add has no attribute axis since version 13; it has none"},
		{"attribute of a later version", "ArgMax", 11, values(1), 1, []graph.Attribute{graph.A("select_last_index", int64(1))}, "ArgMax has no attribute select_last_index since version 11; it has axis, keepdims"},
		{"type of an attribute", "ArgMax", 13, values(1), 1, []graph.Attribute{graph.A("axis", float32(1))}, "attribute axis=1 holds float; the operator's is of type int"},
		{"attribute twice", "ArgMax", 13, values(1), 1, []graph.Attribute{graph.A("axis", int64(1)), graph.A("axis", int64(0))}, "attribute axis is set twice"},
		{"required attribute", "Cast", 13, values(1), 1, nil, "attribute to is required and not set"},
		{"reference outside a function", "Cast", 13, values(1), 1, []graph.Attribute{{Name: "to", Ref: "t"}}, "attribute to refers to attribute t of a function, and the node is in none"},
		{"version", "Gelu", 13, values(1), 1, nil, "there is no operator Gelu in version 13 of its operator set"},
	}
	for _, test := range tests {
		n := &graph.Node{Op: test.op, Version: test.version, Inputs: test.inputs, Outputs: values(test.outputs), Attributes: test.attrs}
		err := operators.CheckForm(n)
		if test.want == "" {
			assert.NoError(t, err, test.name)
			assert.NoError(t, operators.Check(n), test.name)
		} else {
			assert.EqualError(t, err, test.want, test.name)
			assert.EqualError(t, operators.Check(n), test.want, test.name)
		}
	}
}

func TestCheckTypes(t *testing.T) {
	f32, f64, i64, str := typed(tensor.Float32), typed(tensor.Float64), typed(tensor.Int64), typed(tensor.String)
	unknown := &graph.Value{Name: "u"}
	sequence := &graph.Value{Type: tensor.SequenceType(f32.Type)}
	optional := &graph.Value{Type: tensor.OptionalType(sequence.Type)}
	maps := &graph.Value{Type: tensor.MapType(tensor.Int64, tensor.TensorType(tensor.Float32, tensor.Dims{}))}
	tests := []struct {
		name    string
		domain  string
		op      string
		version int
		inputs  []*graph.Value
		want    string
	}{
		{"one type", "", "Add", 13, []*graph.Value{f32, f32}, ""},
		{"unknown type", "", "Add", 13, []*graph.Value{f32, unknown}, ""},
		{"unknown element type", "", "Add", 13, []*graph.Value{f32, typed(tensor.Undefined)}, ""},
		{"several variables", "", "Gather", 13, []*graph.Value{str, i64}, ""},
		{"heterogeneous", "", "Loop", 13, []*graph.Value{i64, typed(tensor.Bool), f32, i64, sequence}, ""},
		{"containers", "", "OptionalHasElement", 18, []*graph.Value{optional}, ""},
		{"maps", "ai.onnx.ml", "DictVectorizer", 1, []*graph.Value{maps}, ""},
		{"another domain", "com.example", "Add", 1, []*graph.Value{f32, f64}, ""},
		{"absent", "", "Clip", 13, []*graph.Value{f32, nil, f32}, ""},
		{"types differ", "", "Add", 13, []*graph.Value{f32, f64}, "input 1 (B) is tensor(double) and input 0 is tensor(float); both must be of one type T"},
		{"variadic types differ", "", "Concat", 13, []*graph.Value{f32, f32, i64}, "input 2 (inputs) is tensor(int64) and input 0 is tensor(float); both must be of one type T"},
		{"type not allowed", "", "Det", 11, []*graph.Value{i64}, "input 0 (X) is tensor(int64); allowed are tensor(double), tensor(float), tensor(float16)"},
		{"type without variable", "", "Reshape", 13, []*graph.Value{f32, f32}, "input 1 (shape) is tensor(float); allowed are tensor(int64)"},
		{"sequence for a tensor", "", "Det", 11, []*graph.Value{sequence}, "input 0 (X) is seq(tensor(float)); allowed are tensor(double), tensor(float), tensor(float16)"},
	}
	for _, test := range tests {
		err := operators.CheckTypes(&graph.Node{Domain: test.domain, Op: test.op, Version: test.version, Inputs: test.inputs})
		if test.want == "" {
			assert.NoError(t, err, test.name)
		} else {
			assert.EqualError(t, err, test.want, test.name)
		}
	}
}
