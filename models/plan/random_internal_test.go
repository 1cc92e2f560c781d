package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// environment places a graph on devices.
func environment(t *testing.T, g *graph.Graph, devices ...string) *Env {
	t.Helper()
	facts, err := infer.Run(t.Context(), g, nil)
	require.NoError(t, err)
	infer.Annotate(g, facts)
	env := &Env{Memory: &Memory{}}
	var places []partition.Device
	for _, name := range devices {
		d, err := adapter.Open(t.Context(), name, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		backend, ok := adapter.As[operators.Backend](d)
		require.True(t, ok)
		if _, ok := backend.(operators.InPlacer); ok {
			backend = overwriting{backend.(dense)}
		}
		env.Devices = append(env.Devices, d)
		places = append(places, partition.Device{Name: d.Name(), Backend: backend})
	}
	env.Placement, err = partition.Assign(t.Context(), g, places, partition.Listed)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, env.Close()) })
	return env
}

// overwriting is a backend whose elementwise kernels can work in place.
type overwriting struct{ dense }

// dense is a backend whose tensors are.
type dense interface {
	operators.Backend
	operators.Viewer
	operators.Joiner
}

func (overwriting) InPlace(n *graph.Node) []int {
	switch n.Op {
	case "Relu", "Tanh", "Cos":
		return []int{0}
	case "Sub", "Mul":
		return []int{0, 1}
	}
	return nil
}

// known returns what is given for inputs that lie on the host.
func known(inputs []tensor.Value) []Given {
	given := make([]Given, len(inputs))
	for i, v := range inputs {
		given[i] = Given{Type: v.Type(), Location: Host}
	}
	return given
}

// run makes the plan for the inputs and runs it.
func run(t *testing.T, p *Program, x *Execution, inputs []tensor.Value) []tensor.Value {
	t.Helper()
	made, err := p.Plan(t.Context(), known(inputs))
	require.NoError(t, err)
	operands := make([]operators.Operand, len(inputs))
	for i, v := range inputs {
		operands[i] = hostOperand(v)
	}
	out := make([]tensor.Value, len(p.graph.Outputs))
	require.NoError(t, x.Run(t.Context(), made, operands, nil, out))
	return out
}

// randomGraph draws nodes that read matrices of a few shapes, with outputs among
// them; many a value can be overwritten in place, or is a view.
func randomGraph(r *rand.Rand) *graph.Graph {
	g := &graph.Graph{Name: "random"}
	b := graph.NewBuilder(&graph.Node{Name: "r"})
	var values []*graph.Value
	shapes := make(map[*graph.Value]tensor.Shape)
	add := func(v *graph.Value, shape tensor.Shape) {
		values = append(values, v)
		shapes[v] = shape
	}
	for i := range 2 {
		shape := tensor.Shape{2 + i, 16}
		v := &graph.Value{Name: fmt.Sprint("x", i), Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(shape))}
		g.Inputs = append(g.Inputs, v)
		add(v, shape)
	}
	for range 5 + r.IntN(25) {
		v := values[max(r.IntN(len(values)), r.IntN(len(values)))] // rather a late one
		shape := shapes[v]
		var alike []*graph.Value
		for _, w := range values {
			if shapes[w].Equal(shape) {
				alike = append(alike, w)
			}
		}
		like := alike[max(r.IntN(len(alike)), r.IntN(len(alike)))]
		switch r.IntN(10) {
		case 0:
			add(b.Op("Relu", []*graph.Value{v}), shape)
		case 1:
			add(b.Op("Tanh", []*graph.Value{v}), shape)
		case 2:
			add(b.Op("Cos", []*graph.Value{v}), shape)
		case 3:
			add(b.Op("Sub", []*graph.Value{v, like}), shape)
		case 4:
			add(b.Op("Mul", []*graph.Value{like, v}), shape)
		case 5:
			add(b.Op("Transpose", []*graph.Value{v}), tensor.Shape{shape[1], shape[0]})
		case 6:
			to := shape
			if r.IntN(2) == 0 {
				to = tensor.Shape{shape[1], shape[0]}
			}
			add(b.Op("Reshape", []*graph.Value{v, b.Ints(int64(to[0]), int64(to[1]))}), to)
		case 7: // a value and a view of it
			add(b.Op("Sub", []*graph.Value{v, b.Op("Reshape", []*graph.Value{v, b.Ints(int64(shape[0]), int64(shape[1]))})}), shape)
		case 8:
			if shape[0] > 16 {
				continue
			}
			add(b.Op("Concat", []*graph.Value{v, like}, graph.A("axis", int64(0))), tensor.Shape{2 * shape[0], shape[1]})
		case 9: // halves of an even number of rows
			if shape[0]%2 > 0 {
				continue
			}
			half := tensor.Shape{shape[0] / 2, shape[1]}
			for _, v := range b.Node("", "Split", []*graph.Value{v}, 2, graph.A("num_outputs", int64(2))) {
				add(v, half)
			}
		}
	}
	g.Nodes, g.Initializers = b.Nodes, b.Initializers
	for range 1 + r.IntN(3) {
		g.Outputs = append(g.Outputs, values[r.IntN(len(values))])
	}
	g.Outputs = append(g.Outputs, values[len(values)-1])
	return g
}

// Nothing that is still to be read lies where a step writes, and what comes out
// is what the reference computes, run after run, on one device and on two.
func TestPlansOfRandomGraphs(t *testing.T) {
	count := uint64(60)
	if testing.Short() {
		count = 30
	}
	for _, devices := range [][]string{{"cpu"}, {"emu"}, {"emu:1", "cpu"}} {
		t.Run(fmt.Sprint(devices), func(t *testing.T) {
			var seen overlays
			for seed := range count {
				r := rand.New(rand.NewPCG(seed, 4))
				g := randomGraph(r)
				var inputs []tensor.Value
				for _, v := range g.Inputs {
					shape, _ := v.Type.Dims.Shape()
					x := tensor.Zeros(tensor.Float32, shape)
					for i := range tensor.Slice[float32](x) {
						tensor.Slice[float32](x)[i] = r.Float32()*2 - 1
					}
					inputs = append(inputs, x)
				}
				want, err := reference.Evaluate(t.Context(), g.Clone(nil), inputs)
				require.NoError(t, err)
				p := New(environment(t, g, devices...), nil)
				made, err := p.Plan(t.Context(), known(inputs))
				require.NoError(t, err)
				checkMemory(t, made)
				seen.count(made)
				x, err := NewExecution(p.env)
				require.NoError(t, err)
				for range 2 {
					for i, got := range run(t, p, x, inputs) {
						require.InDeltaSlice(t, want[i].(*tensor.Tensor).Float64s(), got.(*tensor.Tensor).Float64s(), 1e-4, "seed %d output %d\n%v", seed, i, made.Describe())
					}
				}
				require.NoError(t, x.Close())
				if t.Failed() {
					return
				}
			}
			assert.Positive(t, seen.joins)
			assert.Positive(t, seen.splits)
			assert.Equal(t, slices.Contains(devices, "cpu"), seen.inPlace > 0, "emu does not work in place")
		})
	}
}

// overlays counts what lies in other memory.
type overlays struct{ joins, splits, inPlace int }

func (o *overlays) count(p *Plan) {
	for _, s := range p.steps {
		switch a := s.action.(type) {
		case *joinAction:
			o.joins++
		case *viewAction:
			o.splits += len(a.to) - 1
		case *kernelAction:
			if len(a.inPlace) > 0 && p.slots[a.outputs[0]].view > 0 {
				o.inPlace++
			}
		}
	}
}

// checkMemory follows what lies in the arenas of a plan step by step: a slot
// stays whole until it was read for the last time.
func checkMemory(t *testing.T, p *Plan) {
	t.Helper()
	type bytes struct{ from, to int64 }
	where := func(i int) bytes {
		s := p.slots[i]
		return bytes{s.offset, s.offset + p.program.env.Devices[s.location].ValueSize(s.dtype, s.shape)}
	}
	overlap := func(i, j int) bool {
		a, b := where(i), where(j)
		return p.slots[i].location == p.slots[j].location && a.from < b.to && b.from < a.to
	}
	inArenas := func(slots []int) []int {
		return slices.DeleteFunc(slices.Clone(slots), func(i int) bool { return i < 0 || p.slots[i].storage != inArena })
	}
	whole := make(map[int]bool)
	for n, s := range p.steps {
		reads, writes := inArenas(s.action.reads()), inArenas(s.action.writes())
		for _, r := range reads {
			require.True(t, whole[r], "step %d reads %s, which was overwritten\n%v", n, p.name(r), p.Describe())
		}
		switch a := s.action.(type) {
		case *viewAction:
			for _, to := range writes {
				from, at := where(a.from), where(to)
				require.True(t, from.from <= at.from && at.to <= from.to, "step %d: %s lies outside of %s\n%v", n, p.name(to), p.name(a.from), p.Describe())
				whole[to] = true
			}
			continue
		case *joinAction:
			end := where(a.whole).from
			for _, part := range a.parts {
				at := where(part)
				copied := slices.IndexFunc(a.copied, func(c joined) bool { return c.slot == part })
				if copied < 0 {
					require.Equal(t, end, at.from, "step %d: %s is not in its place\n%v", n, p.name(part), p.Describe())
				}
				end += at.to - at.from
			}
			require.Equal(t, where(a.whole).to, end)
			for _, c := range a.copied {
				size := where(c.slot).to - where(c.slot).from
				to := bytes{where(a.whole).from + c.at, where(a.whole).from + c.at + size}
				for other := range whole {
					if at := where(other); p.slots[other].location == p.slots[a.whole].location && at.from < to.to && to.from < at.to {
						delete(whole, other)
					}
				}
			}
			for _, part := range inArenas(a.parts) {
				require.True(t, whole[part], "step %d copies over %s\n%v", n, p.name(part), p.Describe())
			}
			whole[a.whole] = true
			continue
		}
		for k, w := range writes {
			at := where(w)
			require.LessOrEqual(t, at.to, p.arenas[p.slots[w].location])
			require.Zero(t, at.from%p.program.env.Devices[p.slots[w].location].Alignment())
			for _, other := range writes[:k] {
				require.False(t, overlap(w, other), "step %d writes %s over %s", n, p.name(w), p.name(other))
			}
			under := make(map[int]bool) // inputs in whose memory the output lies
			for _, r := range reads {
				if overlap(r, w) {
					under[r] = true
					kernel, ok := s.action.(*kernelAction)
					require.True(t, ok && slices.ContainsFunc(kernel.inPlace, func(j int) bool { return kernel.inputs[j] == r }),
						"step %d writes %s over its input %s\n%v", n, p.name(w), p.name(r), p.Describe())
					require.Equal(t, where(r), at)
				}
			}
			require.LessOrEqual(t, len(under), 1, "step %d writes %s over two inputs\n%v", n, p.name(w), p.Describe())
			for other := range whole {
				if other != w && overlap(other, w) {
					delete(whole, other)
				}
			}
			whole[w] = true
		}
	}
	for _, o := range p.outputs {
		assert.NotEqual(t, inArena, p.slots[o].storage, "an output outlives the arena")
	}
}
