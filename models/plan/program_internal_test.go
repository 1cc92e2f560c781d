package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// input is a float32 value of n rows and k columns; 0 rows are not known.
func input(name string, n, k int) *graph.Value {
	rows := tensor.Known(n)
	if n == 0 {
		rows = tensor.Symbol("n")
	}
	return &graph.Value{Name: name, Type: tensor.TensorType(tensor.Float32, tensor.Dims{rows, tensor.Known(k)})}
}

// graphOf is a graph of what build adds, which returns the outputs.
func graphOf(inputs []*graph.Value, build func(b *graph.Builder) []*graph.Value) *graph.Graph {
	b := graph.NewBuilder(&graph.Node{Name: "g"})
	outputs := build(b)
	return &graph.Graph{Inputs: inputs, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: outputs}
}

func ramp(shape ...int) *tensor.Tensor {
	x := tensor.Zeros(tensor.Float32, shape)
	for i := range tensor.Slice[float32](x) {
		tensor.Slice[float32](x)[i] = float32(i) - 3
	}
	return x
}

// Plans are made once for each list of types. Beyond a number of them, a new one
// takes the place of that which was not asked for longest, and runs keep nothing of
// it.
func TestPlansAreCached(t *testing.T) {
	x := input("x", 0, 2)
	g := graphOf([]*graph.Value{x}, func(b *graph.Builder) []*graph.Value {
		return []*graph.Value{b.Op("Relu", []*graph.Value{b.Op("Neg", []*graph.Value{x})})}
	})
	p := New(environment(t, g, "cpu"), nil)
	require.Equal(t, []*graph.Value{x}, p.Params())
	plan := func(rows int) *Plan {
		made, err := p.Plan(t.Context(), known([]tensor.Value{tensor.Zeros(tensor.Float32, tensor.Shape{rows, 2})}))
		require.NoError(t, err)
		return made
	}
	var made []*Plan
	for rows := range maxPlans {
		made = append(made, plan(rows))
	}
	for _, rows := range []int{3, 1, maxPlans - 1, 0} {
		require.True(t, made[rows] == plan(rows))
	}
	another := plan(1000)
	assert.Len(t, p.plans, maxPlans)
	assert.True(t, another == plan(1000))
	for rows, was := range made {
		require.Equal(t, rows == 2, was.dropped.Load(), "plan %d", rows)
	}
	assert.True(t, made[0] == plan(0))
	assert.True(t, made[2] != plan(2))
	assert.True(t, made[4].dropped.Load())
	assert.Len(t, p.plans, maxPlans)
	assert.EqualValues(t, 2*1000*2*4, another.ArenaBytes(0), "the input, and what is computed")

	x1, err := NewExecution(p.env)
	require.NoError(t, err)
	for _, rows := range []int{3, 1000, 1001, 5, 1} {
		in := ramp(rows, 2)
		out := run(t, p, x1, []tensor.Value{in})[0].(*tensor.Tensor)
		require.Equal(t, in.Shape(), out.Shape())
		for i, v := range tensor.Slice[float32](in) {
			require.Equal(t, max(-v, 0), tensor.Slice[float32](out)[i])
		}
	}
	for rows := range 3 * maxPlans {
		run(t, p, x1, []tensor.Value{ramp(rows, 2)})
		require.LessOrEqual(t, len(x1.frames), maxPlans+1)
	}
	require.NoError(t, x1.Close())
}

// Beyond that number a body has one plan with open extents for every further shape;
// those made before stay in use.
func TestPlansOfBodies(t *testing.T) {
	x := input("x", 0, 2)
	g := graphOf([]*graph.Value{x}, func(b *graph.Builder) []*graph.Value {
		return []*graph.Value{b.Op("Relu", []*graph.Value{b.Op("Neg", []*graph.Value{x})})}
	})
	p := New(environment(t, g, "cpu"), nil)
	p.root = false
	plan := func(rows int) *Plan {
		made, err := p.Plan(t.Context(), known([]tensor.Value{tensor.Zeros(tensor.Float32, tensor.Shape{rows, 2})}))
		require.NoError(t, err)
		return made
	}
	var exact []*Plan
	for rows := range maxPlans {
		exact = append(exact, plan(rows))
	}
	wide := plan(1000)
	assert.NotContains(t, exact, wide)
	assert.True(t, wide == plan(1001))
	for rows, was := range exact {
		require.True(t, was == plan(rows))
	}
	assert.Len(t, p.plans, maxPlans+1)
	assert.Positive(t, exact[3].ArenaBytes(0))
	assert.Zero(t, wide.ArenaBytes(0), "extents that are open find their memory in the pool")
}

// described is what a plan says of itself, without the names of kernels.
func described(p *Plan) []string {
	lines := p.Describe()
	for i, s := range p.steps {
		if k, ok := s.action.(*kernelAction); ok {
			lines[i] = strings.Replace(lines[i], " "+k.assignment.Kernel, "", 1)
		}
	}
	return lines
}

// No two lists of types have the same key.
func TestSignatures(t *testing.T) {
	dims := func(n ...int) tensor.Type { return tensor.TensorType(tensor.Float32, tensor.KnownDims(n)) }
	sequence := func(elem tensor.Type) tensor.Type { return tensor.SequenceType(elem) }
	lists := [][]Given{
		{}, {{dims(), Host}}, {{dims(), 0}}, {{dims(), 1}}, {{dims(0), 0}}, {{dims(1), 0}}, {{dims(1, 1), 0}}, {{dims(1), 0}, {dims(1), 0}},
		{{dims(300), 0}}, {{dims(44, 1), 0}}, {{dims(1 << 30), 0}}, {{tensor.TensorType(tensor.Float32, nil), 0}},
		{{tensor.TensorType(tensor.Float32, tensor.UnknownDims(1)), 0}}, {{tensor.TensorType(tensor.Float16, tensor.KnownDims(tensor.Shape{1})), 0}},
		{{dims(make([]int, 255)...), 0}}, {{dims(make([]int, 256)...), 0}},
		{{sequence(dims(1)), Host}}, {{sequence(sequence(dims(1))), Host}}, {{sequence(dims()), Host}}, {{tensor.OptionalType(dims(1)), Host}},
		{{sequence(dims(1)), Host}, {dims(1), Host}}, {{tensor.MapType(tensor.Int64, dims()), Host}}, {{tensor.MapType(tensor.String, dims()), Host}},
	}
	seen := make(map[string]int)
	for i, list := range lists {
		key := string(signature(nil, list))
		if was, ok := seen[key]; ok {
			assert.Failf(t, "equal keys", "%v and %v", lists[was], list)
		}
		seen[key] = i
	}
	assert.Equal(t, signature(nil, widen(lists[5])), signature(nil, lists[12]))
	assert.Equal(t, lists[11], widen(lists[11]), "what has no rank stays so")
}

// A value goes to each device that reads it, once, and to the host for who wants
// it there; everything is listed.
func TestCopiesBetweenDevices(t *testing.T) {
	x := input("x", 2, 2)
	g := graphOf([]*graph.Value{x}, func(b *graph.Builder) []*graph.Value {
		relu := b.Op("Relu", []*graph.Value{x})
		cos := b.Op("Cos", []*graph.Value{relu}) // emu:1 has no Cos and no Tanh
		tanh := b.Op("Tanh", []*graph.Value{relu})
		return []*graph.Value{b.Op("Mul", []*graph.Value{cos, b.Op("Add", []*graph.Value{cos, tanh})}), relu}
	})
	p := New(environment(t, g, "emu:1", "cpu"), nil)
	made, err := p.Plan(t.Context(), known([]tensor.Value{ramp(2, 2)}))
	require.NoError(t, err)
	assert.Equal(t, []string{
		`copy "x"@host -> "x"@emu:1`,
		`Relu: "x"@emu:1 -> "g/Relu.1"@emu:1`,
		`copy "g/Relu.1"@emu:1 -> "g/Relu.1"@cpu:0`,
		`Cos: "g/Relu.1"@cpu:0 -> "g/Cos.2"@cpu:0`,
		`Tanh: "g/Relu.1"@cpu:0 -> "g/Tanh.3"@cpu:0`,
		`copy "g/Cos.2"@cpu:0 -> "g/Cos.2"@emu:1`,
		`copy "g/Tanh.3"@cpu:0 -> "g/Tanh.3"@emu:1`,
		`Add: "g/Cos.2"@emu:1, "g/Tanh.3"@emu:1 -> "g/Add.4"@emu:1`,
		`Mul: "g/Cos.2"@emu:1, "g/Add.4"@emu:1 -> "g/Mul.5"@emu:1`,
		`copy "g/Mul.5"@emu:1 -> "g/Mul.5"@host`,
		`copy "g/Relu.1"@emu:1 -> "g/Relu.1"@host`,
	}, described(made))
	assert.Equal(t, 11, made.Steps())
}

// Bodies, views and what lives on the host are listed too.
func TestDescribe(t *testing.T) {
	cond := &graph.Value{Name: "cond", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})}
	words := &graph.Value{Name: "words", Type: tensor.TensorType(tensor.String, tensor.KnownDims(tensor.Shape{2}))}
	x := input("x", 2, 3)
	g := graphOf([]*graph.Value{cond, words, x}, func(b *graph.Builder) []*graph.Value {
		flat := b.Op("Flatten", []*graph.Value{x}, graph.A("axis", int64(0)))
		branch := func(name, op string) graph.Attribute {
			return graph.A(name, b.Body(name, nil, func(b *graph.Builder) []*graph.Value { return []*graph.Value{b.Op(op, []*graph.Value{flat})} }))
		}
		chosen := b.Op("If", []*graph.Value{cond}, branch("then_branch", "Neg"), branch("else_branch", "Abs"))
		return []*graph.Value{chosen, b.Op("StringConcat", []*graph.Value{words, words})}
	})
	p := New(environment(t, g, "cpu"), nil)
	made, err := p.Plan(t.Context(), known([]tensor.Value{tensor.Scalar(true), tensor.Of([]string{"a", "b"}), ramp(2, 3)}))
	require.NoError(t, err)
	assert.Equal(t, []string{
		`copy "x"@host -> "x"@cpu:0`,
		`view "x"@cpu:0 as "g/Flatten.1"@cpu:0[1,6]`,
		`If "cond"@host -> "g/If.2"@cpu:0`,
		`StringConcat on the host: "words"@host, "words"@host -> "g/StringConcat.3"@host`,
		`copy "g/If.2"@cpu:0 -> "g/If.2"@host`,
	}, described(made))
}

// Where the arena is too large, the error says how much of it is what.
func TestArenaBeyondTheLimit(t *testing.T) {
	x := input("x", 100, 100)
	g := graphOf([]*graph.Value{x}, func(b *graph.Builder) []*graph.Value {
		wide := b.Op("Concat", []*graph.Value{x, x, x}, graph.A("axis", int64(1)))
		return []*graph.Value{b.Op("ReduceSum", []*graph.Value{wide})}
	})
	env := environment(t, g, "cpu")
	env.Memory.Limit = 100_000
	made, err := New(env, nil).Plan(t.Context(), known([]tensor.Value{ramp(100, 100)}))
	require.NoError(t, err)
	e, err := NewExecution(env)
	require.NoError(t, err)
	err = e.Run(t.Context(), made, []operators.Operand{hostOperand(ramp(100, 100))}, nil, make([]tensor.Value, 1))
	require.ErrorIs(t, err, driver.OutOfMemory)
	assert.ErrorContains(t, err, fmt.Sprintf("working memory of %d bytes on cpu:0", made.ArenaBytes(0)))
	assert.ErrorContains(t, err, `"g/Concat.1" of node Concat "g/Concat.1", float32[100,300], takes 120000`)
	assert.Zero(t, env.Memory.InUse())
	require.NoError(t, e.Close())
}

func TestNodeErrors(t *testing.T) {
	n := &graph.Node{Name: "n", Op: "Relu"}
	err := &NodeError{n, "cpu:0", fmt.Errorf("node Relu \"n\": wrong: %w", driver.OutOfMemory)}
	assert.EqualError(t, err, `node Relu "n" on cpu:0: wrong: `+driver.OutOfMemory.Error(), "the node is named once")
	assert.ErrorIs(t, err, driver.OutOfMemory)
	assert.Same(t, err, wrap(&graph.Node{Op: "If"}, "host", err), "the innermost node is the one that failed")
}
