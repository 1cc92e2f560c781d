package models_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// FuzzLoadRun takes any bytes as a model and, where it loads, runs it on small
// inputs. Whatever they are,
//
//   - nothing panics, not even where the session would make an error of it;
//   - loading and running end within a second of their context;
//   - the heap grows by no more than 64 times the session's memory limit and
//     512 times the size of the model, and 64 MiB.
func FuzzLoadRun(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed, uint64(1))
	}
	f.Fuzz(func(t *testing.T, model []byte, seed uint64) {
		const limit = 1 << 20
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		within(t, bound{2 * time.Second, 64*limit + 512*int64(len(model)) + 64<<20}, func() {
			s, err := models.LoadBytes(ctx, model, &models.Options{Devices: []string{"cpu"}, MemoryLimit: limit, Threads: 1})
			require.NotErrorIs(t, err, adapter.Internal)
			if err != nil {
				return
			}
			_, err = s.Run(ctx, randomInputs(s.Inputs(), seed))
			require.NotErrorIs(t, err, adapter.Internal)
			require.NoError(t, s.Close())
		})
	})
}

// randomInputs makes small inputs of the declared types.
func randomInputs(infos []models.ValueInfo, seed uint64) values {
	r := rand.New(rand.NewPCG(seed, 0))
	in := make(values)
	for _, v := range infos {
		if v.Optional && r.IntN(8) == 0 {
			continue
		}
		if x := randomValue(r, v.Type, 4); x != nil {
			in[v.Name] = x
		}
	}
	return in
}

// randomValue returns a small value of a type, nil where that takes more than
// 64 Ki elements or containers lie deeper than levels. A rank that is not known
// is 1; extents and lengths that are not are 0 to 3.
func randomValue(r *rand.Rand, typ tensor.Type, levels int) tensor.Value {
	if typ.IsTensor() {
		if t := randomTensor(r, typ); t != nil {
			return t
		}
		return nil
	}
	if typ.Elem == nil || levels == 0 {
		return nil
	}
	var items []tensor.Value
	for range r.IntN(4) {
		x := randomValue(r, *typ.Elem, levels-1)
		if x == nil {
			return nil
		}
		items = append(items, x)
	}
	switch typ.Kind {
	case tensor.KindSequence:
		return &tensor.Sequence{Elem: *typ.Elem, Items: items}
	case tensor.KindOptional:
		o := &tensor.Optional{Elem: *typ.Elem}
		if len(items) > 0 {
			o.Item = items[0]
		}
		return o
	case tensor.KindMap:
		n := tensor.Dims{tensor.Known(len(items))}
		keys, listed := randomTensor(r, tensor.TensorType(typ.DType, n)), randomTensor(r, tensor.TensorType(typ.Elem.DType, n))
		switch {
		case keys == nil:
		case !typ.Elem.IsTensor():
			return &tensor.Map{Keys: keys, Values: &tensor.Sequence{Elem: *typ.Elem, Items: items}}
		case listed != nil:
			return &tensor.Map{Keys: keys, Values: listed}
		}
	}
	return nil
}

func randomTensor(r *rand.Rand, typ tensor.Type) *tensor.Tensor {
	dims, shape, size := typ.Dims, tensor.Shape{}, 1
	if !dims.Ranked() {
		dims = tensor.UnknownDims(1)
	}
	for _, d := range dims {
		n := d.Size
		if !d.IsKnown() {
			n = r.IntN(4)
		}
		shape = append(shape, n)
		size = min(size*min(n, 1<<16), 1<<16)
	}
	if size >= 1<<16 {
		return nil
	}
	t, err := tensor.New(typ.DType, shape)
	if err != nil {
		return nil
	}
	for i := range t.Bytes() {
		t.Bytes()[i] = byte(r.IntN(4) * r.IntN(64))
	}
	if typ.DType == tensor.Bool {
		for i := range t.Bytes() {
			t.Bytes()[i] &= 1
		}
	}
	for i := range t.Strings() {
		t.Strings()[i] = []string{"", "a", "b c", "ab"}[r.IntN(4)]
	}
	return t
}

// fuzzSeeds are small models of all kinds, besides those of [TestSeeds].
func fuzzSeeds(f *testing.F) [][]byte {
	var seeds [][]byte
	add := func(s *sketch) { seeds = append(seeds, s.bytes(f)) }
	add(affine())
	add(power())
	for _, b := range bombs {
		s := newSketch("input")
		size := b.size(2)
		in := s.input("size", size.DType())
		in.Type = size.Type()
		s.output("y", b.build(s, in))
		add(s)
		s = newSketch("constant")
		s.output("y", b.build(s, s.Const(b.size(2))))
		add(s)
	}
	for _, c := range brokenModels() {
		if len(c.model) < 1<<12 {
			seeds = append(seeds, c.model)
		}
	}
	for _, c := range endlessLoops() {
		if c.full {
			add(c.sketch)
		}
	}
	s := newSketch("picture")
	x := s.input("x", tensor.Float32, "n", 1, 8, 8)
	y := s.Op("Conv", []*graph.Value{x, s.floats(2, 1, 3, 3), s.floats(2)}, graph.A("pads", []int64{1, 1, 1, 1}), graph.A("strides", []int64{2, 2}))
	y = s.Op("MaxPool", []*graph.Value{s.Op("Relu", []*graph.Value{y})}, graph.A("kernel_shape", []int64{2, 2}))
	y = s.Op("Flatten", []*graph.Value{y})
	s.output("y", s.Op("Softmax", []*graph.Value{s.Op("Gemm", []*graph.Value{y, s.floats(18, 3)})}))
	add(s)
	s = newSketch("containers")
	words := s.input("words", tensor.String, 2)
	parts := s.Op("SplitToSequence", []*graph.Value{s.input("x", tensor.Float32, 4), s.Const(tensor.Scalar(int64(2)))})
	s.output("y", s.Op("SequenceAt", []*graph.Value{parts, s.Const(tensor.Scalar(int64(0)))}))
	s.output("twice", s.Op("StringConcat", []*graph.Value{words, words}))
	add(s)
	s = newSketch("recurrent")
	x = s.input("x", tensor.Float32, "t", 1, 2)
	s.output("y", s.Op("LSTM", []*graph.Value{x, s.floats(1, 12, 2), s.floats(1, 12, 3)}, graph.A("hidden_size", int64(3))))
	add(s)
	s = newSketch("attention")
	x = s.input("x", tensor.Float32, 1, "t", 4)
	s.output("y", s.Op("Attention", []*graph.Value{x, x, x}, graph.A("q_num_heads", int64(2)), graph.A("kv_num_heads", int64(2))))
	add(s)
	seeds = append(seeds, model(between(call("f3", "x", "y")), laughs(3)...), model(nested(3).bytes(11, vectorInfo("x")).bytes(5, yes)))
	return seeds
}
