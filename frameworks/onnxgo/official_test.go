package onnxgo_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/gorgonia"
	"example.com/midplane/frameworks/onnxgo"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	midonnx "example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	_ "example.com/midplane/operators/reference/imagedec"
)

// official returns the cases of ONNX's backend tests, or skips the test.
func official(t *testing.T) []onnxtest.Case {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skipf("%s is not set: none of ONNX's backend tests was run", onnxtest.Testdata)
	}
	var cases []onnxtest.Case
	for _, group := range []string{"node", "simple", "pytorch-operator", "pytorch-converted", "light"} {
		found, err := onnxtest.Cases(filepath.Join(dir, group))
		require.NoError(t, err)
		cases = append(cases, found...)
	}
	return cases
}

// real returns the cases of real models, or skips the test.
func real(t *testing.T) []onnxtest.Case {
	dir := os.Getenv("MIDPLANE_MODELS")
	if dir == "" {
		t.Skip("MIDPLANE_MODELS is not set: no real model was run")
	}
	cases, err := onnxtest.Cases(dir)
	require.NoError(t, err)
	return cases
}

// tally counts how cases ended.
type tally map[string]int

func (c tally) String() string {
	var lines []string
	for what, n := range c {
		lines = append(lines, fmt.Sprintf("%6d %s", n, what))
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	return "\n" + strings.Join(lines, "\n")
}

// decode is UnmarshalBinary that returns panics of onnx-go's decoder as errors.
func decode(m *onnx.Model, data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return m.UnmarshalBinary(data)
}

var attributeValue = regexp.MustCompile(`\(&ir\..*\): `)

// unreadable names the reason for which onnx-go cannot read a model.
func unreadable(err error) string {
	return "unreadable to onnx-go: " + attributeValue.ReplaceAllString(err.Error(), "")
}

// each calls check for each case that onnx-go can read.
func each(t *testing.T, cases []onnxtest.Case, counts tally, check func(t *testing.T, c onnxtest.Case, m *onnx.Model, b *onnxgo.Backend, f *midonnx.File)) {
	for _, c := range cases {
		data, err := os.ReadFile(c.ModelPath)
		require.NoError(t, err)
		b := onnxgo.New("cpu")
		m := onnx.NewModel(b)
		if err := decode(m, data); err != nil {
			counts[unreadable(err)]++
			continue
		}
		f, err := midonnx.Load(c.ModelPath, nil)
		require.NoError(t, err)
		t.Run(c.ID, func(t *testing.T) { check(t, c, m, b, f) })
		require.NoError(t, b.Close())
		require.NoError(t, f.Close())
	}
}

// Both decoders find the same in a model, as far as onnx-go's keeps it.
func TestDecodersAgree(t *testing.T) {
	for group, cases := range map[string]func(*testing.T) []onnxtest.Case{"official": official, "real": real} {
		t.Run(group, func(t *testing.T) {
			counts := make(tally)
			each(t, cases(t), counts, func(t *testing.T, _ onnxtest.Case, _ *onnx.Model, b *onnxgo.Backend, f *midonnx.File) {
				b.Opsets = f.Model.Opsets
				theirs, err := b.Model(t.Context())
				var loss *onnxgo.LossError
				if errors.As(err, &loss) {
					counts[err.Error()]++
					return
				}
				require.NoError(t, err)
				agree(t, f.Model.Graph, theirs.Graph)
				counts["agree"]++
			})
			t.Log(counts)
		})
	}
}

func agree(t *testing.T, ours, theirs *graph.Graph) {
	var inputs []*graph.Value
	for _, v := range ours.Inputs {
		if v.Const == nil {
			inputs = append(inputs, v)
		}
	}
	require.Equal(t, names(inputs), names(theirs.Inputs))
	for i, v := range inputs {
		assert.Equal(t, v.Type.DType, theirs.Inputs[i].Type.DType, v.Name)
	}
	require.Len(t, theirs.Nodes, len(ours.Nodes))
	read := make(map[string]*graph.Value) // ours
	written := make(map[string]bool)
	for i, n := range ours.Nodes {
		m := theirs.Nodes[i]
		require.Equal(t, n.Operator(), m.Operator())
		assert.Equal(t, n.Version, m.Version, n.Label())
		assert.Equal(t, names(n.Inputs), names(m.Inputs), n.Label())
		assert.Equal(t, names(n.Outputs), names(m.Outputs), n.Label())
		assert.Equal(t, attributes(n), attributes(m), n.Label())
		for _, v := range n.Inputs {
			if v != nil {
				read[v.Name] = v
			}
		}
		for _, name := range names(n.Outputs) {
			written[name] = true
		}
	}
	for _, v := range theirs.Initializers {
		require.NotNil(t, read[v.Name].Const, v.Name)
		assert.NoError(t, onnxtest.Compare(v.Const, read[v.Name].Const, 0, 0), v.Name)
		delete(read, v.Name)
	}
	for name, v := range read {
		assert.Nil(t, v.Const, "initializer %q is missing", name)
	}
	var outputs []string
	for _, name := range names(ours.Outputs) {
		if written[name] {
			outputs = append(outputs, name)
		}
	}
	assert.Equal(t, outputs, names(theirs.Outputs))
}

// names returns the names of values, "" for those left out, which at the end do
// not count.
func names(values []*graph.Value) []string {
	var list []string
	for _, v := range values {
		if v == nil {
			list = append(list, "")
		} else {
			list = append(list, v.Name)
		}
	}
	for len(list) > 0 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

// attributes returns the attributes of a node in one order and in words.
func attributes(n *graph.Node) []string {
	var list []string
	for _, a := range n.Attributes {
		text := a.String()
		if v, ok := a.Value.(*tensor.Tensor); ok {
			text += fmt.Sprint(v.Bytes(), v.Strings())
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// What onnx-go can read runs right: with versions that are guessed where that
// is certain, else with those of the file.
func TestOfficial(t *testing.T) {
	counts := make(tally)
	each(t, official(t), counts, func(t *testing.T, c onnxtest.Case, m *onnx.Model, b *onnxgo.Backend, f *midonnx.File) {
		sets, err := c.Read(f.Model.Graph)
		require.NoError(t, err)
		for _, set := range sets {
			if reason := setInputs(t, m, f.Model.Graph, set); reason != "" {
				counts[reason]++
				return
			}
			err := b.Run()
			var loss *onnxgo.LossError
			ending := "right"
			if errors.As(err, &loss) {
				require.ErrorContains(t, err, "the version of operator set", "what else is lost, no official case needs")
				ending = "right once the version of the operator set is told"
				b.Opsets = f.Model.Opsets
				err = b.Run()
			}
			if errors.Is(err, adapter.Unsupported) {
				counts["unsupported"]++
				return
			}
			require.NoError(t, err)
			counts[compare(t, m, f.Model.Graph, set, ending)]++
		}
	})
	t.Log(counts)
	assert.Greater(t, counts["right"], 1000)
}

// setInputs sets the inputs of a model, or says why it cannot.
func setInputs(t *testing.T, m *onnx.Model, g *graph.Graph, set onnxtest.DataSet) string {
	i := 0
	for k, v := range set.Inputs {
		if g.Inputs[k].Const != nil {
			continue
		}
		x, ok := v.(*tensor.Tensor)
		if !ok {
			return fmt.Sprintf("an input is a %T", v)
		}
		d, err := gorgonia.Dense(x)
		require.NoError(t, err)
		require.NoError(t, m.SetInput(i, d))
		i++
	}
	return ""
}

// compare holds the outputs against the expected ones and says how that ended.
func compare(t *testing.T, m *onnx.Model, g *graph.Graph, set onnxtest.DataSet, ending string) string {
	outputs, err := m.GetOutputTensors()
	require.NoError(t, err)
	random := slices.ContainsFunc(g.Nodes, infer.Volatile)
	for i, want := range set.Outputs {
		got, err := gorgonia.Tensor(outputs[i])
		require.NoError(t, err)
		if random {
			assert.Equal(t, want.Type(), got.Type())
			ending = "random: of the right types"
			continue
		}
		assert.NoError(t, onnxtest.Compare(got, want, 1e-3, 1e-7))
	}
	return ending
}

