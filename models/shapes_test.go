package models_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/zoo"
	"example.com/midplane/operators/graph"
)

// decoder is a step of attention over a cache of keys and values that grows by one
// row: of 2 heads, a projection before and after it, and a mask that is made from
// the cache's length.
func decoder(t testing.TB) []byte {
	t.Helper()
	s := newSketch("decoder")
	x := s.input("x", tensor.Float32, 1, 1, 16)
	keys := s.input("keys", tensor.Float32, 1, 2, "past", 8)
	vals := s.input("values", tensor.Float32, 1, 2, "past", 8)
	heads := func() *graph.Value {
		rows := s.Op("Add", []*graph.Value{s.Op("MatMul", []*graph.Value{x, s.noisy(16, 16)}), s.noisy(16)})
		return s.Op("Transpose", []*graph.Value{s.Op("Reshape", []*graph.Value{rows, s.Ints(0, 0, 2, 8)})}, graph.A("perm", []int64{0, 2, 1, 3}))
	}
	query := heads()
	keys = s.Op("Concat", []*graph.Value{keys, heads()}, graph.A("axis", int64(2)))
	vals = s.Op("Concat", []*graph.Value{vals, heads()}, graph.A("axis", int64(2)))
	length := s.Op("Shape", []*graph.Value{keys}, graph.A("start", int64(2)), graph.A("end", int64(3)))
	mask := s.Op("Expand", []*graph.Value{s.Const(tensor.Of([]float32{-0.25})), length})
	scores := s.Op("MatMul", []*graph.Value{query, s.Op("Transpose", []*graph.Value{keys}, graph.A("perm", []int64{0, 1, 3, 2}))})
	weights := s.Op("Softmax", []*graph.Value{s.Op("Add", []*graph.Value{s.Op("Mul", []*graph.Value{scores, s.Const(tensor.Scalar(float32(0.35)))}), mask})}, graph.A("axis", int64(-1)))
	mixed := s.Op("Transpose", []*graph.Value{s.Op("MatMul", []*graph.Value{weights, vals})}, graph.A("perm", []int64{0, 2, 1, 3}))
	y := s.Op("MatMul", []*graph.Value{s.Op("Reshape", []*graph.Value{mixed, s.Ints(0, 0, 16)}), s.noisy(16, 16)})
	s.output("y", s.Op("Add", []*graph.Value{x, s.Op("Relu", []*graph.Value{y})}))
	s.output("all_keys", keys)
	s.output("all_values", vals)
	return s.bytes(t)
}

// step returns inputs of decoder for a cache of a length.
func step(past int) values {
	r := rand.New(rand.NewPCG(7, uint64(past)))
	in := values{}
	for name, shape := range map[string]tensor.Shape{"x": {1, 1, 16}, "keys": {1, 2, past, 8}, "values": {1, 2, past, 8}} {
		x := tensor.Zeros(tensor.Float32, shape)
		for i := range tensor.Slice[float32](x) {
			tensor.Slice[float32](x)[i] = float32(len(name))*0.1 + r.Float32() - 0.5
		}
		in[name] = x
	}
	return in
}

// many is more shapes than a session keeps plans for.
const many = 60

// A run at a shape that follows others gives the bits that a session gives that has
// seen no other shape, whether the cache grows, shrinks or comes back.
func TestShapesInTurn(t *testing.T) {
	model := decoder(t)
	on(t, func(t *testing.T, device string) {
		s, err := models.LoadBytes(t.Context(), model, one(device))
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		for i := range many {
			past := i
			switch i % 5 {
			case 3:
				past = 3 // seen before
			case 4:
				past = 300 - i // found nowhere near the last
			}
			fresh, err := models.LoadBytes(t.Context(), model, one(device))
			require.NoError(t, err)
			in := step(past)
			want, err := fresh.Run(t.Context(), in)
			require.NoError(t, err)
			require.NoError(t, fresh.Close())
			got, err := s.Run(t.Context(), in)
			require.NoError(t, err)
			require.NoError(t, sameBits(want, got), "past %d", past)
		}
	})
}

// Goroutines that each bring shapes of their own get what they would get alone.
func TestShapesSideBySide(t *testing.T) {
	model := decoder(t)
	on(t, func(t *testing.T, device string) {
		var inputs []values
		for past := range many {
			inputs = append(inputs, step(past))
		}
		want := alone(t, model, one(device), inputs)
		s, err := models.LoadBytes(t.Context(), model, one(device))
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		var wait sync.WaitGroup
		for g := range 4 {
			wait.Go(func() {
				for i := range many {
					past := (17*g + i*(1+2*g)) % many
					got, err := s.Run(t.Context(), inputs[past])
					if assert.NoError(t, err) {
						assert.NoError(t, sameBits(want[past], got), "past %d", past)
					}
				}
			})
		}
		wait.Wait()
	})
}

// However many shapes a session has seen, it holds the memory of one run.
func TestMemoryOfManyShapes(t *testing.T) {
	model := decoder(t)
	s, err := models.LoadBytes(t.Context(), model, one("cpu"))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for past := range 4 * many {
		_, err := s.Run(t.Context(), step(past))
		require.NoError(t, err)
	}
	last, err := models.LoadBytes(t.Context(), model, one("cpu"))
	require.NoError(t, err)
	defer func() { require.NoError(t, last.Close()) }()
	_, err = last.Run(t.Context(), step(4*many-1))
	require.NoError(t, err)
	require.Positive(t, last.MemoryInUse())
	assert.LessOrEqual(t, s.MemoryInUse(), 2*last.MemoryInUse())
}

// BenchmarkShapes reports what a run takes where shapes come back, and where they are
// more than a session keeps plans for: of a decoder whose cache grows by a token, and of an encoder of sentences of
// other lengths.
func BenchmarkShapes(b *testing.B) {
	for _, name := range []string{"smollm_135m", "minilm_l6"} {
		model, err := zoo.Find(name)
		require.NoError(b, err)
		m := model.Graph()
		session, err := models.LoadModel(b.Context(), m, &models.Options{Devices: []string{"cpu"}, Threads: 1})
		require.NoError(b, err)
		inputs := func(i int) values {
			in := values{}
			for k, x := range model.Inputs(m.Graph) {
				v := m.Graph.Inputs[k]
				shape := x.Shape().Clone()
				for axis, d := range v.Type.Dims {
					switch d.Name {
					case "past":
						shape[axis] += i
					case "total":
						shape[axis] += i
					case "sequence":
						if name == "minilm_l6" {
							shape[axis] = 16 + i*37%113
						}
					}
				}
				in[v.Name] = tensor.Zeros(x.DType(), shape)
			}
			return in
		}
		for kind, shapes := range map[string]int{"seen": 16, "new": 64} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				for i := range shapes + b.N {
					b.StopTimer()
					in := inputs(i % shapes)
					if i >= shapes {
						b.StartTimer()
					}
					_, err := session.Run(b.Context(), in)
					require.NoError(b, err)
				}
			})
		}
		require.NoError(b, session.Close())
	}
}
