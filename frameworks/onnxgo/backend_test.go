package onnxgo_test

import (
	"context"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gtensor "gorgonia.org/tensor"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/emu"
	"example.com/midplane/frameworks/onnxgo"
)

const float = tensor.Float32

// list makes tables of names short.
type list = []string

// What other backends of onnx-go lose or confuse is kept.
func TestKept(t *testing.T) {
	x, y := value("x", float, 3), value("y", float, 3)
	tests := map[string]struct {
		file   file
		inputs []gtensor.Tensor
		want   []any
	}{
		"one value read twice": {
			file{nodes: [][]byte{node("Sub", list{"x", "x"}, list{"y"}), node("Mul", list{"x", "x"}, list{"z"})},
				inputs: [][]byte{x}, outputs: [][]byte{y, value("z", float, 3)}},
			[]gtensor.Tensor{vector(1, 2, 3)}, []any{[]float32{0, 0, 0}, []float32{1, 4, 9}},
		},
		"one value read first and last": {
			file{nodes: [][]byte{node("Concat", list{"x", "y", "x"}, list{"z"}, ints("axis", true, 0))},
				inputs: [][]byte{value("x", float, 2), value("y", float, 1)}, outputs: [][]byte{value("z", float, 5)}},
			[]gtensor.Tensor{vector(1, 2), vector(9)}, []any{[]float32{1, 2, 9, 1, 2}},
		},
		"an input left out": {
			file{nodes: [][]byte{node("Clip", list{"x", "", "most"}, list{"y"})},
				inputs: [][]byte{x}, outputs: [][]byte{y}, initializers: [][]byte{constant("most", tensor.Scalar[float32](2))}},
			[]gtensor.Tensor{vector(1, 2, 3)}, []any{[]float32{1, 2, 2}},
		},
		"inputs and outputs left out": {
			file{nodes: [][]byte{
				node("RNN", list{"x", "w", "w", "", "", "h0"}, list{"", "h"}, ints("hidden_size", true, 1), texts("activations", "Relu")),
				node("RNN", list{"x", "w", "w", "", "", "h"}, list{"", "z"}, ints("hidden_size", true, 1), texts("activations", "Relu"))},
				inputs: [][]byte{value("x", float, 1, 1, 1)}, outputs: [][]byte{value("z", float, 1, 1, 1)},
				initializers: [][]byte{constant("w", tensor.Of([]float32{2}, 1, 1, 1)), constant("h0", tensor.Of([]float32{10}, 1, 1, 1))}},
			[]gtensor.Tensor{gtensor.New(gtensor.WithShape(1, 1, 1), gtensor.WithBacking([]float32{3}))},
			[]any{[]float32{58}}, // 2×3 + 2×(2×3 + 2×10)
		},
		"an initializer before the input": {
			file{nodes: [][]byte{node("Sub", list{"x", "w"}, list{"y"})},
				inputs: [][]byte{value("w", float, 3), x}, outputs: [][]byte{y}, initializers: [][]byte{floats("w", 10, 20, 30)}},
			[]gtensor.Tensor{vector(1, 2, 3)}, []any{[]float32{-9, -18, -27}},
		},
		"values described twice": {
			file{nodes: [][]byte{node("Sub", list{"x", "w"}, list{"h"}), node("Neg", list{"h"}, list{"y"})},
				inputs: [][]byte{value("w", float, 3), x}, outputs: [][]byte{y}, initializers: [][]byte{floats("w", 10, 20, 30)},
				infos: [][]byte{x, y, value("w", float, 3), value("h", float, 3), value("gone", float, 7)}},
			[]gtensor.Tensor{nil, vector(1, 2, 3)}, []any{[]float32{9, 18, 27}}, // onnx-go takes w for an input then
		},
		"an output that is read": {
			file{nodes: [][]byte{node("Neg", list{"x"}, list{"y"}), node("Neg", list{"y"}, list{"z"})},
				inputs: [][]byte{x}, outputs: [][]byte{value("z", float, 3), y}},
			[]gtensor.Tensor{vector(1, 2, 3)}, []any{[]float32{1, 2, 3}, []float32{-1, -2, -3}},
		},
		"outputs that are there already": {
			file{nodes: [][]byte{node("Add", list{"x", "w"}, list{"y"})}, inputs: [][]byte{x},
				outputs: [][]byte{y, x, value("w", float, 3)}, initializers: [][]byte{floats("w", 10, 20, 30)}},
			[]gtensor.Tensor{vector(1, 2, 3)}, []any{[]float32{11, 22, 33}, []float32{1, 2, 3}, []float32{10, 20, 30}},
		},
		"nothing to compute": {
			file{nodes: [][]byte{node("Neg", list{"x"}, list{"gone"})}, inputs: [][]byte{x}, outputs: [][]byte{x}},
			[]gtensor.Tensor{vector(1, 2, 3)}, []any{[]float32{1, 2, 3}},
		},
		"an output without a type": {
			file{nodes: [][]byte{node("Add", list{"x", "w"}, list{"y"})}, inputs: [][]byte{x},
				outputs: [][]byte{untyped("y")}, initializers: [][]byte{floats("w", 10, 20, 30)}},
			[]gtensor.Tensor{vector(1, 2, 3)}, []any{[]float32{11, 22, 33}},
		},
		"an operator without inputs": {
			file{nodes: [][]byte{node("Constant", nil, list{"a"}, ints("value_ints", true, 1, 2)), node("Cast", list{"a"}, list{"y"}, ints("to", true, 1))},
				outputs: [][]byte{value("y", float, 2)}},
			nil, []any{[]float32{1, 2}},
		},
		"a tensor as an attribute": {
			file{nodes: [][]byte{node("Constant", nil, list{"y"}, integer(message(message(nil, 1, []byte("value")), 5, floats("", 1, 2)), 20, 4))},
				outputs: [][]byte{value("y", float, 2)}},
			nil, []any{[]float32{1, 2}},
		},
		"an input of the name that onnx-go makes up": {
			file{nodes: [][]byte{
				node("Constant", nil, list{"a"}, ints("value_ints", true, 1, 2)), node("Cast", list{"a"}, list{"b"}, ints("to", true, 1)),
				node("Add", list{"b", "/input"}, list{"y"})},
				inputs: [][]byte{value("/input", float, 2)}, outputs: [][]byte{value("y", float, 2)}},
			[]gtensor.Tensor{vector(10, 20)}, []any{[]float32{11, 22}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, b := open(t, test.file)
			assert.Equal(t, test.want, run(t, m, b, test.inputs...))
		})
	}
}

// Every run computes from what the inputs are then.
func TestRunsAgain(t *testing.T) {
	m, b := open(t, file{
		nodes:  [][]byte{node("Add", list{"x", "w"}, list{"h"}), node("Mul", list{"h", "h"}, list{"y"})},
		inputs: [][]byte{value("x", float, "n", 2)}, outputs: [][]byte{value("y", float, "n", 2)},
		initializers: [][]byte{floats("w", 1, 2)},
	})
	assert.Equal(t, []any{[]float32{4, 16}}, run(t, m, b, matrix(1, 2)))
	first, err := m.GetOutputTensors()
	require.NoError(t, err)

	x := matrix(0, 0, 1, 1, 2, 2)
	assert.Equal(t, []any{[]float32{1, 4, 4, 9, 9, 16}}, run(t, m, b, x)) // of another shape
	assert.Equal(t, []any{[]float32{1, 4, 4, 9, 9, 16}}, run(t, m, b))
	require.NoError(t, x.SetAt(float32(10), 2, 1)) // in place
	assert.Equal(t, []any{[]float32{1, 4, 4, 9, 9, 144}}, run(t, m, b))
	assert.Equal(t, []float32{4, 16}, first[0].Data(), "an output changed in a later run")

	require.NoError(t, x.T()) // of another layout, and a shape that does not fit
	require.NoError(t, m.SetInput(0, x))
	require.ErrorContains(t, b.Run(), "do not broadcast")
	outputs, err := m.GetOutputTensors()
	require.NoError(t, err)
	assert.Nil(t, outputs[0], "an output of a run that failed")
	assert.Equal(t, []any{[]float32{4, 16}}, run(t, m, b, matrix(1, 2)))

	cube := gtensor.New(gtensor.WithShape(1, 2, 2), gtensor.WithBacking([]float32{1, 2, 3, 4})) // of another rank
	assert.Equal(t, []any{[]float32{4, 16, 16, 36}}, run(t, m, b, cube))

	w, ok := m.GetNodeByName("w")
	require.True(t, ok)
	assert.Equal(t, []float32{1, 2}, w.(onnx.DataCarrier).GetTensor().Data())
	require.NoError(t, w.(onnx.DataCarrier).SetTensor(vector(0, 0)))
	assert.Equal(t, []any{[]float32{1, 4}}, run(t, m, b, matrix(1, 2)))

	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	assert.Equal(t, []any{[]float32{1, 4}}, run(t, m, b))
}

// The layout of an input does not matter.
func TestLayouts(t *testing.T) {
	m, b := open(t, file{
		nodes:  [][]byte{node("Identity", list{"x"}, list{"y"})},
		inputs: [][]byte{value("x", float, 2, 3)}, outputs: [][]byte{value("y", float, 2, 3)},
	})
	columns := gtensor.New(gtensor.WithShape(3, 2), gtensor.WithBacking([]float32{1, 4, 2, 5, 3, 6}))
	require.NoError(t, columns.T())
	assert.Equal(t, []any{[]float32{1, 2, 3, 4, 5, 6}}, run(t, m, b, columns))
}

func TestTensorsBeforeRun(t *testing.T) {
	m, _ := open(t, file{
		nodes:  [][]byte{node("Add", list{"x", "w"}, list{"y"})},
		inputs: [][]byte{value("x", float, 2)}, outputs: [][]byte{value("y", float, 2)}, initializers: [][]byte{floats("w", 1, 2)},
	})
	inputs := m.GetInputTensors()
	require.Len(t, inputs, 1)
	assert.Equal(t, gtensor.Shape{2}, inputs[0].Shape())
	outputs, err := m.GetOutputTensors()
	require.NoError(t, err)
	assert.Equal(t, []gtensor.Tensor{nil}, outputs)
}

func TestDevices(t *testing.T) {
	data := file{
		nodes:  [][]byte{node("Add", list{"x", "x"}, list{"y"})},
		inputs: [][]byte{value("x", float, 2)}, outputs: [][]byte{value("y", float, 2)},
	}.encode()
	for _, b := range []*onnxgo.Backend{onnxgo.New("emu"), onnxgo.New("emu", "cpu"), onnxgo.New(), {}} {
		m := onnx.NewModel(b)
		require.NoError(t, m.UnmarshalBinary(data))
		assert.Equal(t, []any{[]float32{2, 4}}, run(t, m, b, vector(1, 2)))
		require.NoError(t, b.Close())
	}
	b := onnxgo.New("abacus")
	m := onnx.NewModel(b)
	require.NoError(t, m.UnmarshalBinary(data))
	require.NoError(t, m.SetInput(0, vector(1, 2)))
	require.ErrorContains(t, b.Run(), "abacus")
}

func TestInputErrors(t *testing.T) {
	f := file{
		nodes:  [][]byte{node("Add", list{"x", "w"}, list{"y"})},
		inputs: [][]byte{value("x", float, 2)}, outputs: [][]byte{value("y", float, 2)}, initializers: [][]byte{floats("w", 1, 2)},
	}
	tests := map[string]struct {
		x    gtensor.Tensor
		says string
	}{
		"none":  {nil, `input 0, "x", is not set`},
		"type":  {gtensor.New(gtensor.WithBacking([]float64{1, 2})), "the model takes float32[2], got float64[2]"},
		"shape": {vector(1, 2, 3), "the model takes shape [2], got [3]"},
		"own":   {gtensor.New(gtensor.WithBacking([]uintptr{1, 2})), `input 0, "x": gorgonia: the element type has no counterpart`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, b := open(t, f)
			if test.x != nil {
				require.NoError(t, m.SetInput(0, test.x))
			}
			require.ErrorContains(t, b.Run(), test.says)
			assert.Equal(t, []any{[]float32{2, 4}}, run(t, m, b, vector(1, 2)))
		})
	}
	m, b := open(t, f)
	require.Error(t, m.SetInput(1, vector(1, 2)))
	require.NoError(t, m.SetInput(0, vector(1, 2)))
	ended, end := context.WithCancel(t.Context())
	end()
	require.ErrorIs(t, b.RunContext(ended), context.Canceled)
	y, ok := m.GetNodeByName("y")
	require.True(t, ok)
	require.ErrorContains(t, y.(onnx.DataCarrier).SetTensor(vector(1, 2)), `"y" is neither an input nor an initializer`)
	require.ErrorContains(t, m.SetInput(0, nil), `"x" cannot be set to no tensor`)
	require.ErrorContains(t, m.SetInput(0, (*gtensor.Dense)(nil)), `"x" cannot be set to no tensor`)
	require.ErrorContains(t, new(onnxgo.Backend).Run(), "no model was decoded")
}

// What onnx-go loses and the model needs is an error that names it, and a way
// round.
func TestLost(t *testing.T) {
	tests := map[string]struct {
		file file
		lost list
	}{
		"domains": {
			file{nodes: [][]byte{node("Gnu", list{"x"}, list{"h"}), node("Yak", list{"h"}, list{"y"})}},
			list{`the domain of node Gnu "h": ONNX has no such operator`, `the domain of node Yak "y": ONNX has no such operator`},
		},
		"a sparse initializer": {
			file{nodes: [][]byte{node("Add", list{"x", "s"}, list{"h"}), node("Add", list{"h", "s"}, list{"y"})},
				sparse: [][]byte{message(nil, 1, floats("s", 1))}},
			list{`value "s", which node Add "h" reads: it may be a sparse initializer`},
		},
		"an attribute": {
			file{nodes: [][]byte{node("Transpose", list{"x"}, list{"y"}, ints("perm", false, 0, 1))}},
			list{`the value of attribute "perm" of node Transpose "y", as the file does not state its type`},
		},
		"a version": {
			file{nodes: [][]byte{node("Softmax", list{"x"}, list{"y"}, ints("axis", true, 0))}},
			list{`the version of operator set ai.onnx, which Backend.Opsets can tell: node Softmax "y" means one thing in version 12 and another in version`},
		},
		"every version": {
			file{nodes: [][]byte{node("Squeeze", list{"x"}, list{"h"}, ints("axes", true, 0)), node("Squeeze", list{"h", "axes"}, list{"y"})},
				initializers: [][]byte{constant("axes", tensor.Of([]int64{0}))}},
			list{`the version of operator set ai.onnx, and none has all operators in the form in which they came: in version`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.file.inputs, test.file.outputs = [][]byte{value("x", float, 2, 2)}, [][]byte{untyped("y")}
			m, b := open(t, test.file)
			require.NoError(t, m.SetInput(0, matrix(1, 2, 3, 4)))
			err := b.Run()
			var loss *onnxgo.LossError
			require.ErrorAs(t, err, &loss)
			require.Len(t, loss.Lost, len(test.lost))
			for i, lost := range test.lost {
				assert.Contains(t, loss.Lost[i], lost)
				assert.ErrorContains(t, err, lost)
			}
			assert.ErrorContains(t, err, `models.Load(ctx, "model.onnx", nil)`)
			_, again := b.Model(t.Context())
			assert.Equal(t, err, again)
		})
	}
}

// What the package says that onnx-go cannot read, it cannot.
func TestUnreadable(t *testing.T) {
	x, neg := value("x", float, 2), [][]byte{node("Neg", list{"x"}, list{"y"})}
	sequence := message(message(nil, 1, []byte("y")), 2, message(nil, 4, message(nil, 1, message(integer(nil, 1, int(float)), 2, nil))))
	body := integer(message(message(nil, 1, []byte("body")), 6, message(nil, 2, []byte("g"))), 20, 5)
	external := integer(message(message(integer(integer(nil, 1, 2), 2, int(float)), 8, []byte("w")), 13, []byte{}), 14, 1)
	weights := func(w []byte) file {
		return file{nodes: neg, inputs: [][]byte{x}, outputs: [][]byte{untyped("y")}, initializers: [][]byte{w}}
	}
	tests := map[string]file{
		"a body":            {nodes: [][]byte{node("Loop", list{"x"}, list{"y"}, body)}, inputs: [][]byte{x}, outputs: [][]byte{untyped("y")}},
		"a sequence":        {nodes: neg, inputs: [][]byte{x}, outputs: [][]byte{sequence}},
		"float16":           {nodes: neg, inputs: [][]byte{value("x", tensor.Float16, 2)}, outputs: [][]byte{untyped("y")}},
		"bfloat16":          {nodes: neg, inputs: [][]byte{x}, outputs: [][]byte{untyped("y")}, infos: [][]byte{value("h", tensor.BFloat16, 2)}},
		"int4":              {nodes: neg, inputs: [][]byte{value("x", tensor.Int4, 2)}, outputs: [][]byte{untyped("y")}},
		"a negative extent": {nodes: neg, inputs: [][]byte{value("x", float, -1)}, outputs: [][]byte{untyped("y")}},
		"int8 weights":      weights(constant("w", tensor.Of([]int8{1, 2}))),
		"bool weights":      weights(constant("w", tensor.Of([]bool{true, false}))),
		"eight bools":       weights(constant("w", tensor.Zeros(tensor.Bool, tensor.Shape{8}))),
		"empty weights":     weights(floats("w")),
		"external weights":  weights(external),
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Error(t, decode(onnx.NewModel(onnxgo.New("cpu")), f.encode()))
		})
	}
	assert.NoError(t, decode(onnx.NewModel(onnxgo.New("cpu")), weights(floats("w", 1, 2)).encode()))
}

func TestOneModelOnly(t *testing.T) {
	f := file{
		nodes:  [][]byte{node("Neg", list{"x"}, list{"y"})},
		inputs: [][]byte{value("x", float, 2)}, outputs: [][]byte{value("y", float, 2)},
	}
	m, _ := open(t, f)
	require.ErrorContains(t, m.UnmarshalBinary(f.encode()), "a Backend takes one model")
	f.inputs, f.outputs = [][]byte{untyped("x")}, [][]byte{untyped("y")}
	m, _ = open(t, f)
	require.ErrorContains(t, m.UnmarshalBinary(f.encode()), `operators Neg and Neg both write "y"; a Backend takes one model`)
}

// A graph that no model has is an error, not a crash.
func TestUnsoundGraphs(t *testing.T) {
	tests := map[string]struct {
		nodes          [][]byte
		decoding, says string
	}{
		"a value written twice":        {[][]byte{node("Neg", list{"x"}, list{"y"}), node("Abs", list{"x"}, list{"y"})}, `operators Neg and Abs both write "y"`, ""},
		"written twice by one":         {[][]byte{node("Dropout", list{"x"}, list{"y", "y"})}, `both write "y"`, ""},
		"a cycle":                      {[][]byte{node("Add", list{"x", "h"}, list{"y"}), node("Neg", list{"y"}, list{"h"})}, "", "a cycle through node Add"},
		"a value that reads itself":    {[][]byte{node("Add", list{"x", "y"}, list{"y"})}, "", "a cycle through node Add"},
		"an output that nobody writes": {[][]byte{node("Neg", list{"x"}, list{"h"})}, "", `"y", is not set`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := onnxgo.New("cpu")
			m := onnx.NewModel(b)
			f := file{nodes: test.nodes, inputs: [][]byte{value("x", float, 2)}, outputs: [][]byte{value("y", float, 2)}}
			err := m.UnmarshalBinary(f.encode())
			if test.decoding != "" {
				require.ErrorContains(t, err, test.decoding)
				require.Error(t, b.Run())
				return
			}
			require.NoError(t, err)
			require.NoError(t, m.SetInput(0, vector(1, 2)))
			require.ErrorContains(t, b.Run(), test.says)
		})
	}
}
