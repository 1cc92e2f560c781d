package cpu_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// pieces is a graph under construction, with its values as the reference computes
// them.
type pieces struct {
	t      *testing.T
	g      *graph.Graph
	values map[*graph.Value]*tensor.Tensor
}

func newPieces(t *testing.T) *pieces {
	return &pieces{t, &graph.Graph{}, make(map[*graph.Value]*tensor.Tensor)}
}

func (p *pieces) value(x *tensor.Tensor, constant bool) *graph.Value {
	v := &graph.Value{Name: fmt.Sprint("v", len(p.values)), Type: x.Type()}
	if constant {
		v.Const = x
	}
	p.values[v] = x
	return v
}

func (p *pieces) input(seed uint64, shape ...int) *graph.Value {
	return p.value(random(seed, tensor.Float32, shape...), false)
}

// bools is a condition of which about a third is false.
func (p *pieces) bools(shape ...int) *graph.Value {
	x := tensor.Zeros(tensor.Bool, shape)
	for i := range tensor.Slice[bool](x) {
		tensor.Slice[bool](x)[i] = i*i%7 < 4
	}
	return p.value(x, false)
}

func (p *pieces) number(v float32) *graph.Value { return p.value(tensor.Of([]float32{v}), true) }

func (p *pieces) ints(v ...int64) *graph.Value { return p.value(tensor.Of(v, len(v)), true) }

func (p *pieces) op(op string, inputs []*graph.Value, attrs ...graph.Attribute) *graph.Value {
	n := &graph.Node{Op: op, Name: fmt.Sprint(op, len(p.g.Nodes)), Inputs: inputs, Attributes: attrs, Outputs: []*graph.Value{{}}}
	var in []tensor.Value
	for _, v := range inputs {
		in = append(in, p.values[v])
	}
	out, err := reference.Run(p.t.Context(), n, in, nil)
	require.NoError(p.t, err)
	v := p.value(out[0].(*tensor.Tensor), false)
	v.Producer, n.Outputs = n, []*graph.Value{v}
	p.g.Nodes, p.g.Outputs = append(p.g.Nodes, n), []*graph.Value{v}
	return v
}

func (p *pieces) transpose(v *graph.Value, perm ...int64) *graph.Value {
	return p.op("Transpose", []*graph.Value{v}, graph.A("perm", perm))
}

// repeat gives each head of (batch, heads, steps, size) a number of readers.
func (p *pieces) repeat(v *graph.Value, times int64) *graph.Value {
	s := p.values[v].Shape()
	b, h, n, d := int64(s[0]), int64(s[1]), int64(s[2]), int64(s[3])
	wide := p.op("Expand", []*graph.Value{p.op("Unsqueeze", []*graph.Value{v, p.ints(2)}), p.ints(b, h, times, n, d)})
	return p.op("Reshape", []*graph.Value{wide, p.ints(b, h*times, n, d)})
}

// attention adds the softmax and the products around it.
func (p *pieces) attention(q, turnedK, v *graph.Value, scores func(*graph.Value) *graph.Value) *graph.Value {
	s := scores(p.op("MatMul", []*graph.Value{q, turnedK}))
	return p.op("MatMul", []*graph.Value{p.op("Softmax", []*graph.Value{s}, graph.A("axis", int64(-1))), v})
}

// check runs the graph in one group and compares its result with the reference's.
func (p *pieces) check(threads int) {
	t := p.t
	d := cpu.New(&driver.Options{Threads: threads})
	defer func() { require.NoError(t, d.Close()) }()
	groups := d.Groups(p.g)
	require.Len(t, groups, 1)
	assert.Equal(t, p.g.Nodes, groups[0].Nodes)
	assert.Equal(t, "attention/pieces", groups[0].Kernel)
	k, err := d.BuildGroup(groups[0].Nodes)
	require.NoError(t, err)
	require.NotNil(t, k)
	call := &operators.Call{Outputs: make([]operators.Operand, 1)}
	for _, v := range operators.GroupInputs(groups[0].Nodes) {
		call.Inputs = append(call.Inputs, deviceOperand(t, d, p.values[v]))
	}
	want := p.values[p.g.Outputs[0]]
	call.Outputs[0] = deviceOperand(t, d, tensor.Zeros(want.DType(), want.Shape()))
	require.NoError(t, k.Run(t.Context(), call))
	b, err := d.HostBytes(call.Outputs[0].Region)
	require.NoError(t, err)
	result, err := tensor.FromBytes(want.DType(), want.Shape(), b)
	require.NoError(t, err)
	got := result.Float64s()
	for i, w := range want.Float64s() {
		if math.IsNaN(w) != math.IsNaN(got[i]) || math.Abs(w-got[i]) > 1e-5*max(1, math.Abs(w)) {
			require.Failf(t, "differs", "element %d is %v, want %v", i, got[i], w)
		}
	}
}

// attentionGraphs are ways to write attention.
var attentionGraphs = map[string]func(p *pieces){
	"heads together, a mask of keys": func(p *pieces) {
		q, k, v, mask := p.input(1, 2, 37, 3, 8), p.input(2, 2, 41, 3, 8), p.input(3, 2, 41, 3, 5), p.input(4, 2, 1, 1, 41)
		y := p.attention(p.transpose(q, 0, 2, 1, 3), p.transpose(k, 0, 2, 3, 1), p.transpose(v, 0, 2, 1, 3), func(s *graph.Value) *graph.Value {
			return p.op("Add", []*graph.Value{mask, p.op("Div", []*graph.Value{s, p.number(2.5)})})
		})
		p.transpose(y, 0, 2, 1, 3)
	},
	"heads apart, a mask of queries and keys": func(p *pieces) {
		q, k, v, mask := p.input(1, 1, 2, 130, 16), p.input(2, 1, 2, 130, 16), p.input(3, 1, 2, 130, 16), p.input(4, 130, 130)
		p.attention(p.op("Mul", []*graph.Value{q, p.number(0.5)}), p.op("Mul", []*graph.Value{p.transpose(k, 0, 1, 3, 2), p.number(0.5)}), v, func(s *graph.Value) *graph.Value {
			return p.op("Add", []*graph.Value{s, mask})
		})
	},
	"no batch, no mask": func(p *pieces) {
		q, k, v := p.input(1, 4, 9, 16), p.input(2, 20, 4, 16), p.input(3, 4, 20, 3)
		p.attention(p.op("Div", []*graph.Value{q, p.number(4)}), p.transpose(k, 1, 2, 0), v, func(s *graph.Value) *graph.Value { return s })
	},
	"heads repeated, one query": func(p *pieces) {
		q, k, v, mask := p.input(1, 1, 1, 6, 8), p.input(2, 1, 2, 33, 8), p.input(3, 1, 2, 33, 8), p.input(4, 1, 1, 1, 33)
		y := p.attention(p.transpose(q, 0, 2, 1, 3), p.transpose(p.repeat(k, 3), 0, 1, 3, 2), p.repeat(v, 3), func(s *graph.Value) *graph.Value {
			return p.op("Add", []*graph.Value{p.op("Mul", []*graph.Value{s, p.number(0.3)}), mask})
		})
		p.transpose(y, 0, 2, 1, 3)
	},
	"heads repeated, several queries": func(p *pieces) {
		q, k, v := p.input(1, 2, 6, 5, 8), p.input(2, 2, 33, 2, 8), p.input(3, 2, 33, 2, 8)
		p.attention(q, p.transpose(p.repeat(p.transpose(k, 0, 2, 1, 3), 3), 0, 1, 3, 2), p.repeat(p.transpose(v, 0, 2, 1, 3), 3), func(s *graph.Value) *graph.Value { return s })
	},
	"steps first, before and behind": func(p *pieces) {
		q, k, v := p.input(1, 7, 2, 3, 8), p.input(2, 9, 2, 3, 8), p.input(3, 9, 2, 3, 5)
		y := p.attention(p.transpose(q, 1, 2, 0, 3), p.transpose(k, 1, 2, 3, 0), p.transpose(v, 1, 2, 0, 3), func(s *graph.Value) *graph.Value { return s })
		p.transpose(y, 2, 0, 1, 3)
	},
	"scores chosen, then a mask": func(p *pieces) {
		q, k, v, mask := p.input(1, 2, 3, 20, 8), p.input(2, 2, 3, 37, 8), p.input(3, 2, 3, 37, 5), p.input(4, 2, 1, 1, 37)
		p.attention(q, p.transpose(k, 0, 1, 3, 2), v, func(s *graph.Value) *graph.Value {
			s = p.op("Where", []*graph.Value{p.bools(20, 37), p.op("Div", []*graph.Value{s, p.number(3)}), p.number(-1e4)})
			return p.op("Add", []*graph.Value{s, mask})
		})
	},
	"scores filled": func(p *pieces) {
		q, k, v := p.input(1, 2, 20, 8), p.input(2, 2, 37, 8), p.input(3, 2, 37, 5)
		p.attention(q, p.transpose(k, 0, 2, 1), v, func(s *graph.Value) *graph.Value {
			return p.op("Where", []*graph.Value{p.bools(2, 1, 37), p.number(-math.MaxFloat32), s})
		})
	},
	"scores filled for one query": func(p *pieces) {
		q, k, v := p.input(1, 2, 1, 8), p.input(2, 2, 5, 8), p.input(3, 2, 5, 5)
		p.attention(q, p.transpose(k, 0, 2, 1), v, func(s *graph.Value) *graph.Value {
			return p.op("Where", []*graph.Value{p.bools(5), p.op("Mul", []*graph.Value{p.number(0.5), s}), p.number(-3)})
		})
	},
	"a query that sees nothing": func(p *pieces) {
		inf := float32(math.Inf(-1))
		q, k, v, mask := p.input(1, 1, 1, 3, 4), p.input(2, 1, 1, 3, 4), p.input(3, 1, 1, 3, 4), p.value(tensor.Of([]float32{0, inf, inf, inf, inf, inf, 0, 0, inf}, 3, 3), false)
		p.attention(q, p.transpose(k, 0, 1, 3, 2), v, func(s *graph.Value) *graph.Value { return p.op("Add", []*graph.Value{s, mask}) })
	},
}

func TestAttentionInPieces(t *testing.T) {
	for name, build := range attentionGraphs {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d threads", name, threads), func(t *testing.T) {
				p := newPieces(t)
				build(p)
				p.check(threads)
			})
		}
	}
}

// What is read elsewhere, or is no attention, is not one group.
func TestNoAttentionInPieces(t *testing.T) {
	plain := func(s *graph.Value) *graph.Value { return s }
	for name, build := range map[string]func(p *pieces){
		"the weights are an output": func(p *pieces) {
			q, k, v := p.input(1, 1, 2, 5, 8), p.input(2, 1, 2, 5, 8), p.input(3, 1, 2, 5, 8)
			y := p.attention(q, p.transpose(k, 0, 1, 3, 2), v, plain)
			p.g.Outputs = []*graph.Value{y, y.Producer.Inputs[0]}
		},
		"keys in columns": func(p *pieces) {
			p.attention(p.input(1, 1, 2, 5, 8), p.input(2, 1, 2, 8, 5), p.input(3, 1, 2, 5, 8), plain)
		},
		"weights on the right": func(p *pieces) {
			q, k, v := p.input(1, 1, 2, 5, 5), p.input(2, 1, 2, 5, 5), p.input(3, 1, 2, 5, 5)
			s := p.op("Softmax", []*graph.Value{p.op("MatMul", []*graph.Value{q, p.transpose(k, 0, 1, 3, 2)})}, graph.A("axis", int64(-1)))
			p.op("MatMul", []*graph.Value{v, s})
		},
		"another axis": func(p *pieces) {
			q, k, v := p.input(1, 1, 2, 5, 8), p.input(2, 1, 2, 5, 8), p.input(3, 1, 2, 5, 8)
			s := p.op("Softmax", []*graph.Value{p.op("MatMul", []*graph.Value{q, p.transpose(k, 0, 1, 3, 2)})}, graph.A("axis", int64(2)))
			p.op("MatMul", []*graph.Value{s, v})
		},
		"a mask of one key": func(p *pieces) {
			q, k, v, mask := p.input(1, 1, 2, 5, 8), p.input(2, 1, 2, 5, 8), p.input(3, 1, 2, 5, 8), p.input(4, 5, 1)
			p.attention(q, p.transpose(k, 0, 1, 3, 2), v, func(s *graph.Value) *graph.Value { return p.op("Add", []*graph.Value{s, mask}) })
		},
		"a choice of one key": func(p *pieces) {
			q, k, v := p.input(1, 1, 2, 5, 8), p.input(2, 1, 2, 5, 8), p.input(3, 1, 2, 5, 8)
			p.attention(q, p.transpose(k, 0, 1, 3, 2), v, func(s *graph.Value) *graph.Value {
				return p.op("Where", []*graph.Value{p.bools(5, 1), s, p.number(-9)})
			})
		},
		"one sample of keys for two of queries": func(p *pieces) {
			p.attention(p.input(1, 2, 2, 5, 8), p.transpose(p.input(2, 1, 2, 5, 8), 0, 1, 3, 2), p.input(3, 1, 2, 5, 8), plain)
		},
		"steps and size exchanged behind": func(p *pieces) {
			q, k, v := p.input(1, 1, 2, 5, 8), p.input(2, 1, 2, 5, 8), p.input(3, 1, 5, 8, 2)
			p.attention(q, p.transpose(k, 0, 1, 3, 2), p.transpose(v, 0, 3, 1, 2), plain)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPieces(t)
			build(p)
			d := cpu.New(nil)
			defer func() { require.NoError(t, d.Close()) }()
			for _, group := range d.Groups(p.g) {
				assert.NotEqual(t, "attention/pieces", group.Kernel)
			}
		})
	}
}
