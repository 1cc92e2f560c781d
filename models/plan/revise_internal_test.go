package plan

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// growing draws nodes that read matrices of 4 columns, whose rows are multiples of
// the extents n and p together, and nodes that read and make shapes.
func growing(r *rand.Rand) *graph.Graph {
	type rows struct{ n, p, ones int }
	g := &graph.Graph{Name: "growing"}
	b := graph.NewBuilder(&graph.Node{Name: "r"})
	var values []*graph.Value
	sizes := make(map[*graph.Value]rows)
	add := func(v *graph.Value, size rows) {
		values = append(values, v)
		sizes[v] = size
	}
	for i, name := range []string{"n", "p"} {
		v := &graph.Value{Name: name, Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol(name), tensor.Known(4)})}
		g.Inputs = append(g.Inputs, v)
		add(v, rows{1 - i, i, 0})
	}
	weights := b.Const(ramp(4, 4))
	for range 8 + r.IntN(20) {
		v := values[max(r.IntN(len(values)), r.IntN(len(values)))]
		size, like := sizes[v], v
		for _, w := range values {
			if sizes[w] == size && r.IntN(2) == 0 {
				like = w
			}
		}
		switch r.IntN(10) {
		case 0:
			add(b.Op("Relu", []*graph.Value{v}), size)
		case 1:
			add(b.Op("Tanh", []*graph.Value{b.Op("Add", []*graph.Value{b.Op("MatMul", []*graph.Value{v, weights}), like})}), size)
		case 2:
			add(b.Op("Sub", []*graph.Value{v, like}), size)
		case 3:
			if other := values[r.IntN(len(values))]; size.n+size.p < 4 {
				o := sizes[other]
				add(b.Op("Concat", []*graph.Value{v, other}, graph.A("axis", int64(0))), rows{size.n + o.n, size.p + o.p, size.ones + o.ones})
			}
		case 4: // through another shape
			length := b.Op("Shape", []*graph.Value{v}, graph.A("end", int64(1)))
			pairs := b.Op("Reshape", []*graph.Value{v, b.Op("Concat", []*graph.Value{length, b.Ints(2, 2)}, graph.A("axis", int64(0)))})
			turned := b.Op("Transpose", []*graph.Value{pairs}, graph.A("perm", []int64{0, 2, 1}))
			add(b.Op("Reshape", []*graph.Value{turned, b.Op("Shape", []*graph.Value{v})}), size)
		case 5: // known until it is large
			add(b.Op("ConstantOfShape", []*graph.Value{b.Op("Shape", []*graph.Value{v})}, graph.A("value", tensor.Of([]float32{0.5}, 1))), size)
		case 6:
			add(b.Op("ReduceMax", []*graph.Value{b.Op("Concat", []*graph.Value{v, b.Const(ramp(1, 4))}, graph.A("axis", int64(0))), b.Ints(0)}), rows{0, 0, 1})
		case 7:
			add(b.Op("Expand", []*graph.Value{b.Const(ramp(1, 4)), b.Op("Shape", []*graph.Value{v})}), size)
		case 8: // halves
			twice := b.Op("Concat", []*graph.Value{v, like}, graph.A("axis", int64(0)))
			for _, half := range b.Node("", "Split", []*graph.Value{twice}, 2, graph.A("num_outputs", int64(2))) {
				add(half, size)
			}
		case 9:
			add(b.Op("Mul", []*graph.Value{v, b.Op("Cast", []*graph.Value{b.Op("Size", []*graph.Value{like})}, graph.A("to", int64(tensor.Float32)))}), size)
		}
	}
	g.Nodes, g.Initializers = b.Nodes, b.Initializers
	for range 2 {
		g.Outputs = append(g.Outputs, values[2+r.IntN(len(values)-2)])
	}
	g.Outputs = append(g.Outputs, values[len(values)-1])
	return g
}

// lengths are the extents of n and p in turn: p grows, n changes, both do, both are as
// before, nothing is there, and shapes are too many to be known as constants.
var lengths = [][2]int{{1, 0}, {1, 1}, {1, 2}, {1, 3}, {5, 3}, {2, 7}, {1, 2}, {0, 4}, {0, 0}, {3, 1030}, {3, 1031}, {1030, 2}, {1, 5}}

// A plan that is made after others is the one that would have been made alone, and
// a run of it gives the same bits.
func TestRevisedPlans(t *testing.T) {
	for _, devices := range [][]string{{"cpu"}, {"emu"}, {"emu:1", "cpu"}} {
		t.Run(fmt.Sprint(devices), func(t *testing.T) {
			count := uint64(8)
			if devices[0] == "cpu" {
				count = 25
			}
			for seed := range count {
				r := rand.New(rand.NewPCG(seed, 5))
				g := growing(r)
				plain := g.Clone(nil)
				env := environment(t, g, devices...)
				env.Placement.Join()
				p := New(env, nil)
				x, err := NewExecution(env)
				require.NoError(t, err)
				for _, rows := range lengths {
					inputs := []tensor.Value{ramp(rows[0], 4), ramp(rows[1], 4)}
					made, err := p.Plan(t.Context(), known(inputs))
					require.NoError(t, err)
					alone := New(env, nil)
					fresh, err := alone.Plan(t.Context(), known(inputs))
					require.NoError(t, err)
					require.Equal(t, described(fresh), described(made), "seed %d, %v", seed, rows)
					require.Equal(t, fresh.arenas, made.arenas)
					for i, s := range fresh.slots {
						require.Equal(t, s.shape, made.slots[i].shape)
						require.Equal(t, s.offset, made.slots[i].offset)
						require.Equal(t, s.storage, made.slots[i].storage)
					}
					checkMemory(t, made)
					want, err := reference.Evaluate(t.Context(), plain, inputs)
					require.NoError(t, err)
					first := run(t, alone, x, inputs)
					for i, got := range run(t, p, x, inputs) {
						require.Equal(t, first[i].(*tensor.Tensor).Bytes(), got.(*tensor.Tensor).Bytes(), "seed %d, %v", seed, rows)
						require.InEpsilonSlice(t, plus(want[i], 1e6), plus(got, 1e6), 1e-4, "seed %d, %v, output %d", seed, rows, i)
					}
				}
				require.NoError(t, x.Close())
			}
		})
	}
}

// plus returns the elements of a tensor, with something added to each.
func plus(v tensor.Value, what float64) []float64 {
	all := append(v.(*tensor.Tensor).Float64s(), 0)
	for i := range all {
		all[i] += what
	}
	return all
}

// What does not depend on the shapes that differ is made once for all plans.
func TestKernelsOfRevisedPlans(t *testing.T) {
	x, past := input("x", 1, 2), input("past", 0, 2)
	g := graphOf([]*graph.Value{x, past}, func(b *graph.Builder) []*graph.Value {
		own := b.Op("Tanh", []*graph.Value{x})
		return []*graph.Value{b.Op("Concat", []*graph.Value{past, b.Op("Neg", []*graph.Value{own})}, graph.A("axis", int64(0)))}
	})
	p := New(environment(t, g, "cpu"), nil)
	kernels := func(rows int) map[string]*kernelAction {
		made, err := p.Plan(t.Context(), known([]tensor.Value{ramp(1, 2), ramp(rows, 2)}))
		require.NoError(t, err)
		found := make(map[string]*kernelAction)
		for _, s := range p.last.plan.steps {
			if k, ok := s.action.(*kernelAction); ok {
				found[k.exact.Op] = k
			}
		}
		require.Len(t, found, 3)
		assert.Equal(t, made.program, p)
		return found
	}
	before, after := kernels(3), kernels(4)
	assert.Same(t, before["Tanh"], after["Tanh"])
	assert.Same(t, before["Neg"], after["Neg"])
	assert.NotSame(t, before["Concat"].kernel, after["Concat"].kernel)
	assert.Equal(t, "float32[4,2]", before["Concat"].exact.Outputs[0].Type.String())
	assert.Equal(t, "float32[5,2]", after["Concat"].exact.Outputs[0].Type.String())
}

// Constants that were found for shapes leave a device with the last plan of them.
func TestConstantsOfDroppedPlans(t *testing.T) {
	for _, device := range []string{"cpu", "emu"} {
		x := input("x", 0, 2)
		g := graphOf([]*graph.Value{x}, func(b *graph.Builder) []*graph.Value {
			ones := b.Op("ConstantOfShape", []*graph.Value{b.Op("Shape", []*graph.Value{x})}, graph.A("value", tensor.Of([]float32{1}, 1)))
			return []*graph.Value{b.Op("Add", []*graph.Value{b.Op("Sub", []*graph.Value{x, ones}), b.Const(ramp(1, 2))})}
		})
		p := New(environment(t, g, device), nil)
		constants := func() int {
			p.env.mu.Lock()
			defer p.env.mu.Unlock()
			return len(p.env.constants)
		}
		for rows := range 4 * maxPlans {
			_, err := p.Plan(t.Context(), known([]tensor.Value{ramp(1+rows, 2)}))
			require.NoError(t, err)
		}
		assert.Eventually(t, func() bool {
			runtime.GC()
			return constants() <= maxPlans+1
		}, time.Minute, time.Millisecond, "%s holds %d constants", device, constants())
		assert.Greater(t, constants(), maxPlans)
	}
}
