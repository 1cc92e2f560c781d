package models_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/zoo"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
)

// allocs returns how often a run with these inputs allocates. The garbage collector
// rests, since it takes what kernels keep for reuse.
func allocs(t *testing.T, s *models.Session, inputs values) float64 {
	t.Helper()
	if slower > 1 {
		t.Skip("the race detector drops what pools keep")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	ctx, err := t.Context(), error(nil)
	count := testing.AllocsPerRun(10, func() { _, err = s.Run(ctx, inputs) })
	require.NoError(t, err)
	return count
}

// mapAllocs is how often Run allocates for the map of its outputs, if these are
// few; each output takes the three of a tensor: itself, its shape, its elements.
const mapAllocs, tensorAllocs = 2, 3

// In steady state nothing is allocated but what a run returns.
func TestAllocs(t *testing.T) {
	for name, build := range map[string]func(s *sketch){
		"perceptron": func(s *sketch) {
			x := s.input("x", tensor.Float32, 4, 16)
			for range 3 {
				x = s.Op("Relu", []*graph.Value{s.Op("Gemm", []*graph.Value{x, s.noisy(16, 16), s.noisy(16)})})
			}
			s.output("y", s.Op("Softmax", []*graph.Value{x}))
		},
		"convolutions": func(s *sketch) {
			x := s.input("x", tensor.Float32, 1, 16, 12, 12)
			pads := graph.A("pads", []int64{1, 1, 1, 1})
			y := s.Op("Relu", []*graph.Value{s.Op("Conv", []*graph.Value{x, s.noisy(16, 16, 3, 3), s.noisy(16)}, pads)})
			y = s.Op("Concat", []*graph.Value{x, y}, graph.A("axis", int64(1)))
			y = s.Op("MaxPool", []*graph.Value{y}, graph.A("kernel_shape", []int64{2, 2}), graph.A("strides", []int64{2, 2}))
			y = s.Op("Flatten", []*graph.Value{s.Op("GlobalAveragePool", []*graph.Value{y})})
			s.output("y", y)
			s.output("z", s.Op("Sigmoid", []*graph.Value{s.Op("Gemm", []*graph.Value{y, s.noisy(32, 10), s.noisy(10)})}))
		},
		"attention": func(s *sketch) {
			x := s.input("x", tensor.Float32, 1, 8, 32)
			head := func() *graph.Value { return s.Op("MatMul", []*graph.Value{x, s.noisy(32, 32)}) }
			scores := s.Op("MatMul", []*graph.Value{head(), s.Op("Transpose", []*graph.Value{head()}, graph.A("perm", []int64{0, 2, 1}))})
			y := s.Op("MatMul", []*graph.Value{s.Op("Softmax", []*graph.Value{scores}), head()})
			s.output("y", s.Op("LayerNormalization", []*graph.Value{s.Op("Add", []*graph.Value{x, y}), s.noisy(32), s.noisy(32)}))
		},
		"indexes": func(s *sketch) {
			x := s.input("x", tensor.Float32, 4, 64)
			axis, rows := graph.A("axis", int64(1)), s.Const(tensor.Of([]int64{1, 3}, 2, 1))
			top := s.Node("", "TopK", []*graph.Value{x, s.Ints(8)}, 2, axis)
			y := s.Op("ScatterElements", []*graph.Value{x, top[1], s.Op("GatherElements", []*graph.Value{x, top[1]}, axis)}, axis)
			y = s.Op("ScatterND", []*graph.Value{y, rows, s.Op("GatherND", []*graph.Value{x, rows})})
			y = s.Op("CumSum", []*graph.Value{y, s.Const(tensor.Scalar(int64(1)))})
			s.output("y", s.Op("Softmax", []*graph.Value{y}, graph.A("axis", int64(0))))
			s.output("columns", s.Op("ArgMax", []*graph.Value{x}))
			s.output("rows", s.Op("ArgMin", []*graph.Value{x}, axis))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSketch("allocs")
			build(s)
			session := s.load(t, &models.Options{Devices: []string{"cpu"}, Threads: 1})
			shape, ok := session.Inputs()[0].Shape.Shape()
			require.True(t, ok)
			inputs := values{"x": tensor.Zeros(tensor.Float32, shape)}
			assert.LessOrEqual(t, allocs(t, session, inputs), mapAllocs+tensorAllocs*float64(len(session.Outputs())))
			out, err := session.Run(t.Context(), inputs)
			require.NoError(t, err)
			ctx := t.Context()
			assert.Zero(t, testing.AllocsPerRun(100, func() { err = session.RunInto(ctx, inputs, out) }))
			require.NoError(t, err)
		})
	}
}

// Quantized models allocate nothing either: their products take scratch.
func TestAllocsOfQuantizedModels(t *testing.T) {
	for _, name := range []string{"mobilenet_v2_qdq", "minilm_l6_dynamic"} {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.Find(name)
			require.NoError(t, err)
			model := m.Graph()
			data, err := onnx.Encode(model)
			require.NoError(t, err)
			session, err := models.LoadBytes(t.Context(), data, &models.Options{Devices: []string{"cpu"}, Threads: 1})
			require.NoError(t, err)
			defer func() { require.NoError(t, session.Close()) }()
			inputs := make(values)
			for i, v := range m.Inputs(model.Graph) {
				inputs[session.Inputs()[i].Name] = v
			}
			assert.LessOrEqual(t, allocs(t, session, inputs), mapAllocs+tensorAllocs*float64(len(session.Outputs())))
		})
	}
}

// more is how often runs of real models may allocate beyond that: for what a
// sequence of maps is made of, and for conditions that are copied from the device.
var more = map[string]float64{"sklearn_randomforest": 1000, "oww_hey_jarvis": 3, "silero_vad_legacy": 3, "silero_vad_v5": 3}

func TestAllocsOfRealModels(t *testing.T) {
	dir := os.Getenv("MIDPLANE_MODELS")
	if dir == "" {
		t.Skip("MIDPLANE_MODELS is not set: no real model was run")
	}
	cases, err := onnxtest.Cases(dir)
	require.NoError(t, err)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			session, err := models.Load(t.Context(), c.ModelPath, &models.Options{Threads: 1})
			require.NoError(t, err)
			defer func() { require.NoError(t, session.Close()) }()
			sets, err := c.DataSets()
			require.NoError(t, err)
			inputs := make(values)
			for i, v := range sets[0].Inputs {
				inputs[session.Inputs()[i].Name] = v
			}
			outputs := mapAllocs + tensorAllocs*float64(len(session.Outputs()))
			assert.LessOrEqual(t, allocs(t, session, inputs), more[c.ID]+outputs)
		})
	}
}
