package infer_test

import (
	"context"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// dice draws small inputs, right and wrong ones.
type dice struct{ *rand.Rand }

func (d dice) shape(rank int) tensor.Shape {
	s := make(tensor.Shape, rank)
	for i := range s {
		s[i] = []int{0, 1, 1, 2, 3, 4}[d.IntN(6)]
	}
	return s
}

func (d dice) data(s tensor.Shape) *tensor.Tensor {
	v := make([]int64, s.Size())
	for i := range v {
		v[i] = int64(d.IntN(5)) - 2
	}
	return tensor.FromInt64s([]tensor.DType{tensor.Float32, tensor.Int64, tensor.Uint8}[d.IntN(3)], s, v)
}

// ints draws n integers from [low, high].
func (d dice) ints(n, low, high int) *tensor.Tensor {
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(low + d.IntN(high-low+1))
	}
	return tensor.Of(v, n)
}

func (d dice) axis(rank int) graph.Attribute {
	return graph.A("axis", int64(d.IntN(2*rank+2)-rank))
}

func (d dice) flag(name string) graph.Attribute { return graph.A(name, int64(d.IntN(2))) }

// draws gives, by operator, a node's attributes and inputs for data of a shape.
var draws = map[string]func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor){
	"Shape": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(graph.A("start", int64(d.IntN(9)-4)), graph.A("end", int64(d.IntN(9)-4))), inputs(x)
	},
	"Size": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) { return nil, inputs(x) },
	"Reshape": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.flag("allowzero")), inputs(x, d.ints(d.IntN(4), -1, 4))
	},
	"Flatten": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.axis(x.Rank())), inputs(x)
	},
	"Squeeze": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		if d.IntN(3) == 0 {
			return nil, inputs(x)
		}
		return nil, inputs(x, d.ints(d.IntN(3), -x.Rank(), x.Rank()))
	},
	"Unsqueeze": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return nil, inputs(x, d.ints(d.IntN(3), -x.Rank()-2, x.Rank()+1))
	},
	"Expand": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return nil, inputs(x, d.ints(d.IntN(4), 0, 3))
	},
	"Transpose": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		if d.IntN(3) == 0 {
			return nil, inputs(x)
		}
		var perm []int64
		for _, axis := range d.Perm(x.Rank()) {
			perm = append(perm, int64(axis))
		}
		return with(graph.A("perm", perm)), inputs(x)
	},
	"Tile": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return nil, inputs(x, d.ints(x.Rank(), 0, 3))
	},
	"Slice": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		n := d.IntN(x.Rank() + 1)
		in := inputs(x, d.ints(n, -5, 5), d.ints(n, -5, 5))
		if d.IntN(2) == 0 {
			in[2] = tensor.Of(repeat([]int64{math.MaxInt64, math.MinInt64, math.MaxInt32}[d.IntN(3)], n), n)
		}
		switch d.IntN(3) {
		case 1:
			in = append(in, d.ints(n, -x.Rank(), x.Rank()))
		case 2:
			in = append(in, d.ints(n, -x.Rank(), x.Rank()), d.ints(n, -2, 2))
		}
		return nil, in
	},
	"Concat": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		other := x.Shape().Clone()
		if len(other) > 0 {
			other[d.IntN(len(other))] = d.IntN(4)
		}
		return with(d.axis(x.Rank())), inputs(x, tensor.Zeros(x.DType(), other))
	},
	"Split": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		if d.IntN(2) == 0 {
			return with(d.axis(x.Rank())), inputs(x)
		}
		return with(d.axis(x.Rank())), inputs(x, d.ints(2, 0, 2))
	},
	"Pad": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		mode := graph.A("mode", []string{"constant", "edge", "reflect", "wrap"}[d.IntN(4)])
		if d.IntN(2) == 0 {
			return with(mode), inputs(x, d.ints(2*x.Rank(), -1, 2))
		}
		n := d.IntN(x.Rank() + 1)
		return with(mode), inputs(x, d.ints(2*n, -1, 2), nil, d.ints(n, -x.Rank(), x.Rank()))
	},
	"Compress": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		condition := tensor.Of([]bool{d.IntN(2) == 0, d.IntN(2) == 0})
		if d.IntN(2) == 0 {
			return nil, inputs(x, condition)
		}
		return with(d.axis(x.Rank())), inputs(x, condition)
	},
	"CenterCropPad": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return nil, inputs(x, d.ints(x.Rank(), 0, 5))
	},
	"Gather": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		s := d.shape(d.IntN(3))
		at, _ := d.ints(s.Size(), -2, 2).Reshape(s)
		return with(d.axis(x.Rank())), inputs(x, at)
	},
	"GatherElements": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		s := d.shape(x.Rank())
		at, _ := d.ints(s.Size(), -1, 1).Reshape(s)
		return with(d.axis(x.Rank())), inputs(x, at)
	},
	"GatherND": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		s := d.shape(1 + d.IntN(2))
		batch := d.IntN(2)
		if batch == 1 && x.Rank() > 0 {
			s[0] = x.Shape()[0]
		}
		at, _ := d.ints(s.Size(), -1, 0).Reshape(s)
		return with(graph.A("batch_dims", int64(batch))), inputs(x, at)
	},
	"OneHot": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.axis(x.Rank() + 1)), inputs(x, d.ints(1, -1, 4), tensor.Of([]int8{0, 1}))
	},
	"NonZero": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) { return nil, inputs(x) },
	"TopK": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.axis(x.Rank())), inputs(x, d.ints(1, 0, 3))
	},
	"Unique": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		if d.IntN(2) == 0 {
			return nil, inputs(x)
		}
		return with(d.axis(x.Rank())), inputs(x)
	},
	"ReduceSum": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		a := with(d.flag("keepdims"), d.flag("noop_with_empty_axes"))
		if d.IntN(3) == 0 {
			return a, inputs(x)
		}
		return a, inputs(x, d.ints(d.IntN(3), -x.Rank(), x.Rank()))
	},
	"ReduceProd": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.flag("keepdims")), inputs(x)
	},
	"ArgMax": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.axis(x.Rank()), d.flag("keepdims")), inputs(x)
	},
}

func inputs(x ...*tensor.Tensor) []*tensor.Tensor { return x }

func repeat(v int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// What is inferred holds of what the reference computes, and what inference
// rejects the reference rejects, however little is known of the inputs.
func TestInferenceAgreesWithTheReference(t *testing.T) {
	for op, draw := range draws {
		t.Run(op, func(t *testing.T) {
			d := dice{rand.New(rand.NewPCG(1, 2))}
			computed := 0
			for range 400 {
				attrs, in := draw(d, d.data(d.shape(d.IntN(4))))
				n := &graph.Node{Name: "test", Op: op, Attributes: attrs, Outputs: make([]*graph.Value, 1)}
				if op == "Split" || op == "TopK" {
					n.Outputs = make([]*graph.Value, 2)
				}
				given := make([]tensor.Value, len(in))
				for i, x := range in {
					n.Inputs = append(n.Inputs, nil)
					if x != nil {
						n.Inputs[i], given[i] = &graph.Value{}, x
					}
				}
				out, failure := reference.Run(context.Background(), n, given, nil)
				if failure == nil {
					computed++
				} else {
					assert.NotContains(t, failure.Error(), "goroutine", "%v of %v: a panic", attrs, in)
				}
				for _, knowledge := range []func(i int, x *tensor.Tensor) infer.Fact{exact, onlyTypes, onlyRanks, symbols} {
					known := make([]infer.Fact, len(in))
					for i, x := range in {
						if x != nil {
							known[i] = knowledge(i, x)
						}
					}
					facts, err := infer.Node(context.Background(), n, known, nil)
					if err != nil {
						require.Error(t, failure, "%v of %v: inference finds %v", attrs, in, err)
						continue
					}
					for i := range min(len(facts), len(out)) {
						holds(t, facts[i], out[i].(*tensor.Tensor), "%s%v of %v known as %v", op, attrs, in, known)
					}
				}
			}
			assert.Greater(t, computed, 40, "draws that the operator takes")
		})
	}
}

// The four ways in which inputs are known: everything, types, ranks, and symbols
// for extents with the elements of small inputs behind the first.
func exact(_ int, x *tensor.Tensor) infer.Fact { return infer.Of(x) }

func onlyTypes(_ int, x *tensor.Tensor) infer.Fact { return infer.Fact{Type: x.Type()} }

func onlyRanks(_ int, x *tensor.Tensor) infer.Fact {
	return infer.Fact{Type: tensor.TensorType(x.DType(), tensor.UnknownDims(x.Rank()))}
}

func symbols(i int, x *tensor.Tensor) infer.Fact {
	if i > 0 {
		return infer.Of(x)
	}
	f := onlyRanks(i, x)
	for axis, n := range x.Shape() {
		f.Type.Dims[axis] = tensor.Symbol("n" + strconv.Itoa(n))
	}
	if x.DType() == tensor.Int64 && x.Rank() == 1 {
		for _, v := range x.Int64s() {
			f.Ints = append(f.Ints, infer.Int{Value: v, Known: v != 1, Name: map[bool]string{true: "n1"}[v == 1]})
		}
	}
	return f
}

// holds checks a fact against the value that it is of. A symbol "n3" is 3.
func holds(t *testing.T, f infer.Fact, v *tensor.Tensor, message string, args ...any) {
	t.Helper()
	require.Equal(t, v.DType(), f.Type.DType, append([]any{message}, args...)...)
	if f.Const != nil {
		require.Equal(t, v, f.Const, append([]any{message}, args...)...)
	}
	if !f.Type.Dims.Ranked() {
		return
	}
	require.True(t, numbered(f.Type.Dims).Accepts(v.Shape()), append([]any{message + ": %v is not %v"}, append(args, f.Type, v.Shape())...)...)
	if f.Ints == nil {
		return
	}
	require.Len(t, f.Ints, v.Len())
	for i, want := range v.Int64s() {
		if got := f.Ints[i]; got.Known {
			require.Equal(t, want, got.Value, append([]any{message}, args...)...)
		} else if plain.MatchString(got.Name) {
			require.Equal(t, "n"+strconv.FormatInt(want, 10), got.Name, append([]any{message}, args...)...)
		}
	}
}

// plain is the name of a symbol, no sum or product of some.
var plain = regexp.MustCompile(`^n\d+$`)

// numbered replaces symbols by the numbers that they stand for.
func numbered(dims tensor.Dims) tensor.Dims {
	dims = dims.Clone()
	for i, d := range dims {
		if n, err := strconv.Atoi(strings.TrimPrefix(d.Name, "n")); err == nil && !d.IsKnown() {
			dims[i] = tensor.Known(n)
		}
	}
	return dims
}
