package command_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// external writes a model whose initializer w lies where a location says.
func external(t *testing.T, location string) string {
	t.Helper()
	message := func(m []byte, field protowire.Number, b string) []byte {
		return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), b)
	}
	number := func(m []byte, field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), v)
	}
	entry := message(message(nil, 1, "location"), 2, location)
	w := message(number(number(nil, 1, 1), 2, 1), 8, "w") // float32[1]
	w = number(message(w, 13, string(entry)), 14, 1)      // EXTERNAL
	opset := number(message(nil, 1, ""), 2, 21)
	m := message(number(nil, 1, 10), 7, string(message(message(nil, 2, "g"), 5, string(w))))
	return write(t, t.TempDir(), "external.onnx", message(m, 8, string(opset)))
}

// unusable is a model that cannot be run, and what the message about it has to
// say beside its name.
type unusable struct {
	path string
	says []string
}

// unreadable are models that cannot even be decoded.
func unreadable(t *testing.T) map[string]unusable {
	dir := t.TempDir()
	whole, err := os.ReadFile(affine(t, dir))
	require.NoError(t, err)
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Known(1))
	a := s.op("Add", "a", x, x)
	b := s.op("Neg", "b", a)
	a.Producer.Inputs[1] = b // and a reads b
	return map[string]unusable{
		"no file":       {filepath.Join(dir, "nowhere.onnx"), []string{"no such file"}},
		"empty folder":  {t.TempDir(), []string{"holds no model.onnx"}},
		"several cases": {suite(t, true), []string{"holds 3 cases: name one of them"}},
		"empty":         {write(t, dir, "empty.onnx", nil), []string{"empty"}},
		"text":          {write(t, dir, "text.onnx", []byte("this is no model\n")), []string{"no ONNX model"}},
		"picture":       {write(t, dir, "picture.onnx", asPNG(t, white())), []string{"no ONNX model"}},
		"truncated":     {write(t, dir, "truncated.onnx", whole[:len(whole)-7]), []string{"the bytes end"}},
		"cyclic":        {s.write(t, t.TempDir(), b), []string{"cycle", `"a"`}},
		"external data": {external(t, "../secret.bin"), []string{"../secret.bin", "outside the model's folder"}},
		"absolute path": {external(t, "/etc/hostname"), []string{"/etc/hostname", "outside the model's folder"}},
		"missing data":  {external(t, "nowhere.bin"), []string{"nowhere.bin", "no such file"}},
	}
}

// invalid are models that can be decoded and make no sense.
func invalid(t *testing.T) map[string]unusable {
	float := func(s *sketch, extents ...int) *graph.Value {
		return s.input("x", tensor.Float32, known(extents...)...)
	}
	attribute, types, shapes, arity := &sketch{}, &sketch{}, &sketch{}, &sketch{}
	softmax := attribute.op("Softmax", "soft", float(attribute, 2))
	softmax.Producer.Attributes = []graph.Attribute{graph.A("axis", int64(7))}
	mixed := types.op("Add", "mixed", float(types, 1), types.constant("one", tensor.Of([]int64{1})))
	clash := shapes.op("MatMul", "clash", float(shapes, 2, 3), shapes.constant("w", tensor.Zeros(tensor.Float32, tensor.Shape{4, 5})))
	lonely := arity.op("Add", "lonely", float(arity, 1))
	return map[string]unusable{
		"attribute": {attribute.write(t, t.TempDir(), softmax), []string{`Softmax "soft"`, "axis 7"}},
		"types":     {types.write(t, t.TempDir(), mixed), []string{`Add "mixed"`, "tensor(int64)", "tensor(float)"}},
		"shapes":    {shapes.write(t, t.TempDir(), clash), []string{`MatMul "clash"`, "3", "4"}},
		"arity":     {arity.write(t, t.TempDir(), lonely), []string{`Add "lonely"`, "input"}},
	}
}

// Models that cannot be used end every verb with status 2, one message that
// names the file, the node and the reason, and no results.
func TestUnusableModels(t *testing.T) {
	for _, models := range []map[string]unusable{unreadable(t), invalid(t)} {
		for name, m := range models {
			for _, args := range [][]string{
				{"inspect", m.path}, {"inspect", m.path, "--json"}, {"inspect", m.path, "--stage", "decoded"},
				{"run", m.path, "--random"}, {"run", m.path, "--check", "--json"}, {"bench", m.path},
			} {
				t.Run(name+"/"+args[0], func(t *testing.T) { refused(t, args, append(m.says, m.path)...) })
			}
		}
	}
}

// An operator that nobody has is told by run with every such node; inspect
// shows the rest of the model too (TestInspectMissing).
func TestRunOfUnknownOperators(t *testing.T) {
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Known(1))
	model := s.write(t, t.TempDir(), s.op("com.example.Gamma", "second", s.op("com.example.Beta", "first", x)))
	for _, args := range [][]string{{"run", model, "--random"}, {"bench", model}, {"inspect", model, "--stage", "placed"}} {
		refused(t, args, model, `com.example.Beta "first"`, `com.example.Gamma "second"`)
	}
}

// refused checks that a command line ends with status 2, a message that says
// all of that, and no results.
func refused(t *testing.T, args []string, says ...string) {
	t.Helper()
	r := midplane(args...)
	assert.Equal(t, 2, r.status)
	assert.Empty(t, r.stdout)
	assert.Regexp(t, "^midplane: ", r.stderr)
	for _, s := range says {
		assert.Contains(t, r.stderr, s)
	}
}

// Values that do not fit the model's inputs.
func TestWrongInputs(t *testing.T) {
	model := affine(t, t.TempDir())
	file := func(text string) string { return write(t, t.TempDir(), "x.json", []byte(text)) }
	two := &sketch{}
	a, b := two.input("a", tensor.Float32, open), two.input("b", tensor.Float32, open)
	twoInputs := two.write(t, t.TempDir(), two.op("Add", "y", a, b))
	ints := write(t, t.TempDir(), "x.npy", npy("<i4", false, "1, 3", []int32{1, 2, 3}))
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"missing":       {[]string{model}, []string{`no value for input "x"`, "--input"}},
		"one missing":   {[]string{twoInputs, "--input", "a=" + file("[1]")}, []string{`no value for input "b"`}},
		"name":          {[]string{model, "--input", "z=" + file("[1]")}, []string{`no input "z"`, "it takes x"}},
		"no name":       {[]string{twoInputs, "--input", file("[1]")}, []string{"the model has 2 inputs, say NAME=FILE"}},
		"no file":       {[]string{model, "--input", "x=nowhere.json"}, []string{`input "x"`, "nowhere.json", "no such file"}},
		"a folder":      {[]string{model, "--input", "x=" + t.TempDir()}, []string{`input "x"`, "directory"}},
		"element type":  {[]string{model, "--input", "x=" + ints}, []string{model, `"x"`, "float32", "int32"}},
		"rank":          {[]string{model, "--input", "x=" + file("[1, 2, 3]")}, []string{model, `"x"`, "[n,3]", "[3]"}},
		"extent":        {[]string{model, "--input", "x=" + file("[[1, 2]]")}, []string{model, `"x"`, "[n,3]", "[1,2]"}},
		"at run time":   {[]string{twoInputs, "--input", "a=" + file("[1, 2]"), "--input", "b=" + file("[1, 2, 3]")}, []string{twoInputs, `Add "y"`, "2", "3"}},
		"folder's file": {[]string{affineCaseWith(t, tensor.Of([]float64{1, 2, 3}, 1, 3))}, []string{`"x"`, "float32", "float64"}},
	} {
		t.Run(name, func(t *testing.T) { refused(t, append([]string{"run"}, c.args...), c.says...) })
	}
}

// affineCaseWith is affineCase with another input.
func affineCaseWith(t *testing.T, x *tensor.Tensor) string {
	dir := affineCase(t, t.TempDir(), 3, 5, 7)
	writeTensor(t, dir, "test_data_set_0/input_0.pb", x)
	return dir
}

// Command lines that are wrong whatever the model.
func TestWrongUsage(t *testing.T) {
	model, dir := affine(t, t.TempDir()), affineCase(t, t.TempDir(), 3, 5, 7)
	empty := t.TempDir()
	onlyModel := t.TempDir()
	affine(t, onlyModel)
	tests := suite(t, false)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"fly"}, `unknown command "fly"`},
		{[]string{"--fly"}, "unknown flag: --fly"},
		{[]string{"run", "--fly"}, "unknown flag: --fly"},
		{[]string{"run"}, "run takes one model, or --demo"},
		{[]string{"run", model, model}, "at most 1 arg"},
		{[]string{"run", model, "--demo"}, "run takes one model, or --demo"},
		{[]string{"run", dir, "--check", "--against", "emu"}, "check"},
		{[]string{"run", dir, "--check", "--input", "x=x.npy"}, "check"},
		{[]string{"run", model, "--check"}, "is a file; test data lies in folders"},
		{[]string{"run", onlyModel, "--check"}, "has no test_data_set_0"},
		{[]string{"run", onlyModel}, "has no test_data_set_0"},
		{[]string{"run", dir, "--device", "warp"}, "warp"},
		{[]string{"run", dir, "--device", "emu:9"}, "emu:9"},
		{[]string{"run", dir, "--device", "cpu,warp"}, "warp"},
		{[]string{"run", dir, "--against", "warp"}, "warp"},
		{[]string{"run", "--demo", "--device", "warp"}, "warp"},
		{[]string{"run", dir, "--fallback", "sometimes"}, "sometimes"},
		{[]string{"run", dir, "--threads", "-1"}, "--threads -1"},
		{[]string{"run", dir, "--threads", "many"}, "many"},
		{[]string{"run", dir, "--memory-limit", "-1"}, "--memory-limit -1"},
		{[]string{"run", dir, "--memory-limit", "1"}, "the session's limit of 1"},
		{[]string{"run", dir, "--tolerance", "tight"}, "tight"},
		{[]string{"inspect"}, "1 arg"},
		{[]string{"inspect", model, "--device", "warp"}, "warp"},
		{[]string{"bench"}, "at least 1 arg"},
		{[]string{"bench", model, "--device", "warp"}, "warp"},
		{[]string{"bench", model, "--threads", "-1"}, "--threads -1"},
		{[]string{"bench", model, "--seconds", "0", "--trace", filepath.Join(empty, "no", "trace.json")}, "trace.json"},
		{[]string{"conform", "--profile", "huge"}, `no profile is called "huge"`},
		{[]string{"conform", "--run", "^none$"}, "no case to run"},
		{[]string{"conform", "--onnx", empty}, empty},
		{[]string{"conform", "--onnx", tests, "--run", "^none$"}, "no case to run"},
		{[]string{"conform", "--onnx", tests, "--run", "("}, "--run"},
		{[]string{"conform", "--onnx", tests, "--shard", "2/2"}, `--shard "2/2": it is i/n with 0 <= i < n`},
		{[]string{"conform", "--onnx", tests, "--shard", "half"}, `--shard "half"`},
		{[]string{"conform", "--onnx", tests, "--device", "warp"}, "warp"},
		{[]string{"conform", tests}, "unknown command"},
		{[]string{"ops", "--device", "warp"}, "warp"},
		{[]string{"ops", "everything"}, "unknown command"},
		{[]string{"devices", "everything"}, "unknown command"},
	} {
		t.Run(c.args[0], func(t *testing.T) { refused(t, c.args, c.says) })
	}
	left, err := os.ReadDir(empty)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is written")
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {}} {
		out := good(t, args...)
		for _, verb := range []string{"devices", "ops", "inspect", "run", "bench", "conform"} {
			assert.Regexp(t, "(?m)^  "+verb+" +[A-Z]", out)
		}
		assert.NotContains(t, out, "cold", "it is for the command itself")
	}
	assert.Contains(t, good(t, "run", "--help"), "--input NAME=FILE")
}
