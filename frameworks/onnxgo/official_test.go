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
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	midonnx "example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	_ "example.com/midplane/operators/reference/imagedec"
)

// groups are the folders of ONNX's backend tests.
var groups = []string{"node", "simple", "pytorch-operator", "pytorch-converted", "light"}

// realModels stands for the folder of real models among groups.
const realModels = "real models"

// subject is a model that onnx-go has read.
type subject struct {
	onnxtest.Case
	theirs *onnx.Model
	into   *onnxgo.Backend
	ours   *graph.Model
}

// tally counts how the models of a group ended.
type tally map[string]int

func (c tally) String() string {
	var lines []string
	for what, n := range c {
		lines = append(lines, fmt.Sprintf("\n%6d %s", n, what))
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	return strings.Join(lines, "")
}

// each has check look at all models of a group that onnx-go can read, and logs
// how they ended, and those that onnx-go cannot read by reason.
func each(t *testing.T, group string, check func(t *testing.T, s subject) string) tally {
	dir, ok := os.LookupEnv("MIDPLANE_MODELS")
	if group != realModels {
		dir, ok = onnxtest.Dir()
		dir = filepath.Join(dir, group)
	}
	if !ok {
		t.Skipf("neither %s nor MIDPLANE_MODELS says where %s are: none of them was run", onnxtest.Testdata, group)
	}
	if testing.Short() {
		t.Skipf("-short: none of %s was run", group)
	}
	cases, err := onnxtest.Cases(dir)
	require.NoError(t, err)
	counts := make(tally)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			data, err := os.ReadFile(c.ModelPath)
			require.NoError(t, err)
			b := onnxgo.New("cpu")
			defer b.Close()
			m := onnx.NewModel(b)
			if err := decode(m, data); err != nil {
				counts["unreadable to onnx-go: "+attributeValue.ReplaceAllString(err.Error(), "")]++
				return
			}
			f, err := midonnx.Load(c.ModelPath, nil)
			require.NoError(t, err)
			defer f.Close()
			counts[check(t, subject{c, m, b, f.Model})]++
		})
	}
	t.Logf("%s: %d models%v", group, len(cases), counts)
	return counts
}

// attributeValue is what onnx-go prints of an attribute that it cannot read.
var attributeValue = regexp.MustCompile(`\(&ir\..*\): `)

// decode is UnmarshalBinary that returns panics of onnx-go's decoder as errors.
func decode(m *onnx.Model, data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return m.UnmarshalBinary(data)
}

// Both decoders find the same in a model, as far as onnx-go's keeps it.
func TestDecodersAgree(t *testing.T) {
	for _, group := range append(groups, realModels) {
		t.Run(group, func(t *testing.T) {
			counts := each(t, group, func(t *testing.T, s subject) string {
				s.into.Opsets = s.ours.Opsets
				theirs, err := s.into.Model(t.Context())
				var loss *onnxgo.LossError
				if errors.As(err, &loss) {
					require.Contains(t, loss.Lost[0], "the domain of node")
					return "domains of operators are lost"
				}
				require.NoError(t, err)
				agree(t, s.ours.Graph, theirs.Graph)
				return "decoders agree"
			})
			assert.NotZero(t, counts["decoders agree"])
		})
	}
}

// agree holds what onnx-go's decoder found in a graph against what ours did.
func agree(t *testing.T, ours, theirs *graph.Graph) {
	inputs := slices.DeleteFunc(slices.Clone(ours.Inputs), func(v *graph.Value) bool { return v.Const != nil })
	require.Equal(t, names(inputs), names(theirs.Inputs))
	for i, v := range inputs {
		assert.Equal(t, v.Type.DType, theirs.Inputs[i].Type.DType, v.Name)
	}
	require.Len(t, theirs.Nodes, len(ours.Nodes))
	constants := make(map[string]*tensor.Tensor) // that nodes read
	for i, n := range ours.Nodes {
		m := theirs.Nodes[i]
		require.Equal(t, n.Operator(), m.Operator())
		assert.Equal(t, n.Version, m.Version, n.Label())
		assert.Equal(t, names(n.Inputs), names(m.Inputs), n.Label())
		assert.Equal(t, names(n.Outputs), names(m.Outputs), n.Label())
		assert.Equal(t, attributes(n), attributes(m), n.Label())
		for _, v := range n.Inputs {
			if v != nil && v.Const != nil {
				constants[v.Name] = v.Const
			}
		}
	}
	require.Len(t, theirs.Initializers, len(constants))
	for _, v := range theirs.Initializers {
		require.Contains(t, constants, v.Name)
		assert.NoError(t, onnxtest.Compare(v.Const, constants[v.Name], 0, 0), v.Name)
	}
	outputs := slices.DeleteFunc(slices.Clone(ours.Outputs), func(v *graph.Value) bool { return v.Producer == nil })
	assert.Equal(t, names(outputs), names(theirs.Outputs))
}

// names returns the names of values, "" for those left out, which at the end do
// not count.
func names(values []*graph.Value) []string {
	var list []string
	for _, v := range values {
		name := ""
		if v != nil {
			name = v.Name
		}
		list = append(list, name)
	}
	for len(list) > 0 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

// attributes returns the attributes of a node in words, in alphabetical order.
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

// How an official case ends that onnx-go can read.
const (
	right       = "right"
	rightIfTold = "right once the version of the operator set is told"
	random      = "random numbers of the right types"
	unsupported = "unsupported by the device"
)

// What onnx-go can read runs, and never gives another result than the expected.
func TestOfficial(t *testing.T) {
	for _, group := range groups {
		t.Run(group, func(t *testing.T) {
			counts := each(t, group, func(t *testing.T, s subject) string {
				sets, err := s.Read(s.ours.Graph)
				require.NoError(t, err)
				require.NotEmpty(t, sets)
				ending := right
				for _, set := range sets {
					s.set(t, set)
					err := s.into.Run()
					var loss *onnxgo.LossError
					if errors.As(err, &loss) {
						require.Contains(t, loss.Lost[0], "the version of operator set")
						s.into.Opsets, ending = s.ours.Opsets, rightIfTold
						err = s.into.Run()
					}
					if errors.Is(err, adapter.Unsupported) {
						return unsupported
					}
					require.NoError(t, err)
					if s.compare(t, set); slices.ContainsFunc(s.ours.Graph.Nodes, infer.Volatile) {
						ending = random
					}
				}
				return ending
			})
			assert.Greater(t, counts[right], 9*(counts[rightIfTold]+counts[unsupported]))
		})
	}
}

// set sets the inputs to those of a data set.
func (s subject) set(t *testing.T, set onnxtest.DataSet) {
	number := 0
	for i, v := range set.Inputs {
		if s.ours.Graph.Inputs[i].Const != nil {
			continue
		}
		require.IsType(t, (*tensor.Tensor)(nil), v)
		d, err := gorgonia.Dense(v.(*tensor.Tensor))
		require.NoError(t, err)
		require.NoError(t, s.theirs.SetInput(number, d))
		number++
	}
}

// compare holds the outputs against those of a data set, of random ones only the
// types.
func (s subject) compare(t *testing.T, set onnxtest.DataSet) {
	outputs, err := s.theirs.GetOutputTensors()
	require.NoError(t, err)
	for i, want := range set.Outputs {
		if want == nil {
			continue
		}
		got, err := gorgonia.Tensor(outputs[i])
		require.NoError(t, err)
		if slices.ContainsFunc(s.ours.Graph.Nodes, infer.Volatile) {
			assert.Equal(t, want.Type(), got.Type())
			continue
		}
		assert.NoError(t, onnxtest.Compare(got, want, 1e-3, 1e-7))
	}
}

// Real models that onnx-go can read give bit for bit what package models gives;
// where their files leave extents open, which onnx-go's backend knows when it plans
// and a session does not, other kernels may be chosen, and results are as close as
// ONNX's own tests ask for.
func TestRealModels(t *testing.T) {
	counts := each(t, realModels, func(t *testing.T, s subject) string {
		sets, err := s.Read(s.ours.Graph)
		require.NoError(t, err)
		require.NotEmpty(t, sets)
		s.set(t, sets[0])
		err = s.into.Run()
		var loss *onnxgo.LossError
		if errors.As(err, &loss) {
			require.Contains(t, loss.Lost[0], "the domain of node")
			return "domains of operators are lost"
		}
		require.NoError(t, err)
		outputs, err := s.theirs.GetOutputTensors()
		require.NoError(t, err)

		session, err := models.Load(t.Context(), s.ModelPath, &models.Options{Devices: []string{"cpu"}})
		require.NoError(t, err)
		defer session.Close()
		inputs := make(map[string]tensor.Value)
		for i, v := range sets[0].Inputs {
			if v != nil {
				inputs[session.Inputs()[i].Name] = v
			}
		}
		want, err := session.Run(t.Context(), inputs)
		require.NoError(t, err)
		rtol, atol := 0.0, 0.0
		for _, in := range session.Inputs() {
			if _, known := in.Type.Dims.Shape(); !known {
				rtol, atol = 1e-3, 1e-7
			}
		}
		for i, out := range session.Outputs() {
			got, err := gorgonia.Tensor(outputs[i])
			require.NoError(t, err)
			assert.NoError(t, onnxtest.Compare(got, want[out.Name], rtol, atol), out.Name)
		}
		return right
	})
	assert.NotZero(t, counts[right])
}
