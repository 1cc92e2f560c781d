package cpu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// inBlocks returns an image with its channels in blocks.
func inBlocks(t *testing.T, x *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	n := &graph.Node{Domain: "midplane.blocked", Op: "Block", Inputs: []*graph.Value{{Type: x.Type()}}, Outputs: []*graph.Value{{}}}
	out, err := reference.Run(t.Context(), n, []tensor.Value{x}, nil)
	require.NoError(t, err)
	return out[0].(*tensor.Tensor)
}

func TestBlock(t *testing.T) {
	for _, shape := range [][]int{{1, 16, 3, 5}, {2, 3, 4, 4}, {1, 33, 1, 1}, {2, 16, 40, 41}, {1, 20, 7}, {1, 17, 2, 3, 4}, {0, 16, 2, 2}} {
		x := random(1, tensor.Float32, shape...)
		agreement{op: "midplane.blocked.Block", inputs: []*tensor.Tensor{x}, kernel: "blocked/move"}.check(t)
		agreement{op: "midplane.blocked.Unblock", attributes: []graph.Attribute{graph.A("channels", int64(shape[1]))}, inputs: []*tensor.Tensor{inBlocks(t, x)}, kernel: "blocked/move"}.check(t)
	}
	wrong := agreement{op: "midplane.blocked.Unblock", attributes: []graph.Attribute{graph.A("channels", int64(17))}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 1, 1, 2, 2, 16)}, kernel: "blocked/move"}
	wrong.check(t)
}

func TestBlockedConv(t *testing.T) {
	one := []int64{1, 1, 1, 1}
	cases := []convCase{
		{x: []int{1, 16, 1, 1}, w: []int{16, 16, 1, 1}},
		{x: []int{2, 32, 7, 9}, w: []int{48, 32, 1, 1}},
		{x: []int{1, 20, 9, 8}, w: []int{24, 20, 3, 3}, pads: one},
		{x: []int{2, 16, 30, 17}, w: []int{40, 16, 3, 3}, pads: []int64{2, 1, 0, 3}},
		{x: []int{1, 48, 7, 7}, w: []int{64, 48, 3, 3}, pads: one},
		{x: []int{1, 16, 15, 6}, w: []int{33, 16, 3, 3}, pads: one, strides: []int64{2, 2}},
		{x: []int{1, 16, 21, 40}, w: []int{16, 16, 5, 3}, dilations: []int64{2, 3}, strides: []int64{1, 2}, pads: []int64{4, 3, 4, 3}},
		{x: []int{1, 32, 9, 11}, w: []int{16, 32, 3, 3}, dilations: []int64{18, 12}, pads: []int64{18, 12, 18, 12}}, // rows of taps apart
		{x: []int{1, 32, 9, 11}, w: []int{32, 1, 3, 3}, group: 32, dilations: []int64{12, 18}, pads: []int64{12, 18, 12, 18}},
		{x: []int{1, 128, 40, 33}, w: []int{32, 128, 3, 3}, dilations: []int64{12, 12}, pads: []int64{12, 12, 12, 12}},
		{x: []int{1, 32, 20, 20}, w: []int{16, 32, 1, 1}, strides: []int64{2, 2}},
		{x: []int{1, 32, 6, 6}, w: []int{64, 16, 3, 3}, group: 2, pads: one},
		{x: []int{2, 32, 9, 11}, w: []int{32, 1, 3, 3}, group: 32, pads: one},
		{x: []int{1, 20, 12, 50}, w: []int{20, 1, 5, 5}, group: 20, pads: []int64{2, 2, 2, 2}, strides: []int64{2, 2}},
		{x: []int{1, 16, 90, 91}, w: []int{16, 1, 3, 3}, group: 16, pads: one},
		{x: []int{1, 64, 80, 70}, w: []int{64, 64, 3, 3}, pads: one},
		{x: []int{1, 16, 9, 9}, w: []int{16, 16, 3, 3}, autoPad: "SAME_UPPER", strides: []int64{2, 2}},
		{x: []int{2, 40, 24, 25}, w: []int{50, 40, 3, 3}, pads: one}, // with products of transformed tiles from here on
		{x: []int{1, 64, 33, 14}, w: []int{32, 64, 3, 3}, pads: []int64{2, 0, 0, 1}},
		{x: []int{1, 256, 14, 14}, w: []int{256, 256, 3, 3}, pads: one},
		{x: []int{1, 32, 200, 20}, w: []int{32, 32, 3, 3}},
		{x: []int{1, 16, 2, 2}, w: []int{16, 16, 3, 3}, wrong: true},
		{x: []int{1, 16, 9, 9}, w: []int{16, 17, 3, 3}, wrong: true},
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(i, c), func(t *testing.T) {
			x, w := inBlocks(t, random(1, tensor.Float32, c.x...)), random(2, tensor.Float32, c.w...)
			for _, bias := range []*tensor.Tensor{nil, random(3, tensor.Float32, c.w[0])} {
				for _, threads := range []int{1, 3} {
					agreement{op: "midplane.blocked.Conv", attributes: c.attributes(), inputs: []*tensor.Tensor{x, w, bias}, constants: []int{1, 2}, kernel: "conv/blocked", tolerance: 1e-5, threads: threads}.check(t)
				}
			}
		})
	}
	for _, c := range []convCase{ // of images that are not in blocks
		{x: []int{1, 3, 20, 31}, w: []int{32, 3, 3, 3}, pads: one, strides: []int64{2, 2}},
		{x: []int{2, 1, 9, 9}, w: []int{20, 1, 7, 7}, pads: []int64{3, 3, 3, 3}},
		{x: []int{1, 4, 8, 8}, w: []int{16, 4, 1, 1}},
	} {
		agreement{op: "midplane.blocked.Conv", attributes: c.attributes(), inputs: []*tensor.Tensor{random(1, tensor.Float32, c.x...), random(2, tensor.Float32, c.w...), nil}, constants: []int{1}, kernel: "conv/blocked", tolerance: 1e-5}.check(t)
	}
}

func TestBlockedConvTranspose(t *testing.T) {
	strides := func(v ...int64) []graph.Attribute { return []graph.Attribute{graph.A("strides", v)} }
	for _, c := range []struct {
		x, w       []int
		attributes []graph.Attribute
	}{
		{[]int{1, 16, 5, 7}, []int{16, 16, 2, 2}, strides(2, 2)},
		{[]int{2, 20, 9, 33}, []int{20, 40, 2, 3}, strides(2, 3)},
		{[]int{1, 64, 40, 40}, []int{64, 32, 2, 2}, strides(2, 2)},
		{[]int{1, 16, 5, 7}, []int{16, 16, 3, 3}, strides(2, 2)}, // windows overlap: left to the reference
	} {
		x, w := inBlocks(t, random(1, tensor.Float32, c.x...)), random(2, tensor.Float32, c.w...)
		for _, bias := range []*tensor.Tensor{nil, random(3, tensor.Float32, c.w[1])} {
			agreement{op: "midplane.blocked.ConvTranspose", attributes: c.attributes, inputs: []*tensor.Tensor{x, w, bias}, constants: []int{1, 2}, kernel: "conv/blocked", tolerance: 1e-5}.check(t)
		}
	}
}

// Pools with a trivial window on lanes of blocks.
func TestPoolOfBlocks(t *testing.T) {
	attributes := func(kernel, strides, pads []int64) []graph.Attribute {
		return []graph.Attribute{graph.A("kernel_shape", kernel), graph.A("strides", strides), graph.A("pads", pads)}
	}
	for _, shape := range [][]int{{1, 2, 7, 9, 16}, {2, 1, 40, 30, 16}} {
		x := random(1, tensor.Float32, shape...)
		for _, c := range [][]graph.Attribute{
			attributes([]int64{2, 2, 1}, []int64{2, 2, 1}, []int64{0, 0, 0, 0, 0, 0}),
			attributes([]int64{3, 3, 1}, []int64{2, 2, 1}, []int64{1, 1, 0, 1, 1, 0}),
			attributes([]int64{3, 3, 1}, []int64{1, 1, 1}, []int64{1, 1, 0, 1, 1, 0}),
			append(attributes([]int64{3, 2, 1}, []int64{2, 2, 1}, []int64{0, 0, 0, 0, 0, 0}), graph.A("ceil_mode", int64(1))),
		} {
			agreement{op: "MaxPool", attributes: c, inputs: []*tensor.Tensor{withSpecials(x)}, kernel: "pool"}.check(t)
			agreement{op: "AveragePool", attributes: c, inputs: []*tensor.Tensor{x}, kernel: "pool", tolerance: 1e-6}.check(t)
			agreement{op: "AveragePool", attributes: append(c, graph.A("count_include_pad", int64(1))), inputs: []*tensor.Tensor{x}, kernel: "pool", tolerance: 1e-6}.check(t)
		}
	}
}

func TestFusedBlocks(t *testing.T) {
	fusedBlocks(t, 20, 9, 10)
	fusedBlocks(t, 32, 13, 14) // with products of transformed tiles
}

func fusedBlocks(t *testing.T, channels, rows, columns int) {
	x, w, bias := inBlocks(t, random(1, tensor.Float32, 2, channels, rows, columns)), random(2, tensor.Float32, 32, channels, 3, 3), random(3, tensor.Float32, 32)
	same := random(4, tensor.Float32, 2, 2, rows, columns, 16)
	lanes := random(5, tensor.Float32, 1, 2, 1, 1, 16)
	pads := []graph.Attribute{graph.A("pads", []int64{1, 1, 1, 1})}
	for _, links := range [][]link{
		{{op: "Relu"}},
		{{op: "Add", others: []*tensor.Tensor{same}}},
		{{op: "Add", others: []*tensor.Tensor{same}}, {op: "Relu"}},
		{{op: "Add", others: []*tensor.Tensor{same}, first: true}, {op: "Relu"}, {op: "Mul", others: []*tensor.Tensor{same}}},
		{{op: "Relu"}, {op: "Add", others: []*tensor.Tensor{same}}},
		{{op: "Sub", others: []*tensor.Tensor{same}, first: true}},
		{{op: "Mul", others: []*tensor.Tensor{lanes}}, {op: "Add", others: []*tensor.Tensor{lanes}}, {op: "Sigmoid"}},
	} {
		name := "conv/blocked"
		for _, l := range links {
			name += "+" + l.op
		}
		for _, threads := range []int{1, 3} {
			chain{head: "midplane.blocked.Conv", attrs: pads, inputs: []*tensor.Tensor{x, w, bias}, links: links, kernel: name}.check(t, threads)
			depthwise := append([]graph.Attribute{graph.A("group", int64(channels))}, pads...)
			chain{head: "midplane.blocked.Conv", attrs: depthwise, inputs: []*tensor.Tensor{x, random(6, tensor.Float32, channels, 1, 3, 3)}, links: links, kernel: name}.check(t, threads)
		}
	}
}

// planned returns the operators of a graph after layouts were planned, and what it
// computes before and after.
func planned(t *testing.T, g *graph.Graph, x *tensor.Tensor) (ops []string, before, after []float64) {
	t.Helper()
	annotate := func() {
		facts, err := infer.Run(t.Context(), g, nil)
		require.NoError(t, err)
		infer.Annotate(g, facts)
	}
	values := func() (all []float64) {
		out, err := reference.Evaluate(t.Context(), g, []tensor.Value{x})
		require.NoError(t, err)
		for _, v := range out {
			all = append(all, v.(*tensor.Tensor).Float64s()...)
		}
		return all
	}
	annotate()
	before = values()
	d := cpu.New(nil)
	defer func() { require.NoError(t, d.Close()) }()
	changed, err := d.PlanLayouts(t.Context(), g)
	require.NoError(t, err)
	annotate()
	ops = living(g)
	assert.Equal(t, changed, before != nil && contains(ops, "Unblock", "Block"), "%v", ops)
	return ops, before, values()
}

func contains(ops []string, some ...string) bool {
	for _, op := range ops {
		for _, s := range some {
			if op == s {
				return true
			}
		}
	}
	return false
}

// conv adds a convolution with filters of the given shape.
func (d drawing) conv(x *graph.Value, seed uint64, attributes []graph.Attribute, w ...int) *graph.Value {
	return d.Op("Conv", []*graph.Value{x, d.Const(random(seed, tensor.Float32, w...)), d.Const(random(seed+1, tensor.Float32, w[0]))}, attributes...)
}

func TestLayoutsOfNetworks(t *testing.T) {
	if !blocked.Fast() {
		t.Skip("without AVX2 images keep their layout")
	}
	pads := []graph.Attribute{graph.A("pads", []int64{1, 1, 1, 1})}
	two := []graph.Attribute{graph.A("kernel_shape", []int64{2, 2}), graph.A("strides", []int64{2, 2})}
	for name, c := range map[string]struct {
		channels int
		draw     func(d drawing) *graph.Value
		ops      []string
	}{
		"residual": {3, func(d drawing) *graph.Value {
			a := d.Op("Relu", []*graph.Value{d.conv(d.x, 1, pads, 32, 3, 3, 3)})
			b := d.Op("Add", []*graph.Value{d.conv(a, 3, pads, 32, 32, 3, 3), a})
			return d.Op("GlobalAveragePool", []*graph.Value{d.conv(b, 5, pads, 40, 32, 3, 3)})
		}, []string{"Conv", "Relu", "Conv", "Add", "Conv", "ReduceMean", "Unblock"}},
		"concatenation": {16, func(d drawing) *graph.Value {
			a, b := d.conv(d.x, 1, pads, 32, 16, 3, 3), d.conv(d.x, 3, pads, 16, 16, 3, 3)
			y := d.Op("Concat", []*graph.Value{a, b}, graph.A("axis", int64(1)))
			y = d.Op("MaxPool", []*graph.Value{y}, two...)
			return d.conv(y, 5, pads, 32, 48, 3, 3)
		}, []string{"Block", "Conv", "Conv", "Concat", "MaxPool", "Conv", "Unblock"}},
		"halves": {16, func(d drawing) *graph.Value {
			parts := d.Node("", "Split", []*graph.Value{d.conv(d.x, 1, pads, 64, 16, 3, 3), d.Const(tensor.Of([]int64{16, 48}))}, 2, graph.A("axis", int64(1)))
			return d.Op("Concat", []*graph.Value{d.conv(parts[1], 3, pads, 32, 48, 3, 3), parts[0]}, graph.A("axis", int64(1)))
		}, []string{"Block", "Conv", "Split", "Conv", "Concat", "Unblock"}},
		"channels that do not fill blocks": {16, func(d drawing) *graph.Value {
			y := d.Op("Sigmoid", []*graph.Value{d.conv(d.x, 1, pads, 44, 16, 3, 3)})
			y = d.Op("AveragePool", []*graph.Value{y}, two...)
			y = d.Op("Mul", []*graph.Value{y, d.Const(random(9, tensor.Float32, 44, 1, 1))})
			return d.conv(y, 3, append([]graph.Attribute{graph.A("group", int64(44))}, pads...), 44, 1, 3, 3)
		}, []string{"Block", "Conv", "Sigmoid", "AveragePool", "Mul", "Conv", "Unblock"}},
		"normalization": {16, func(d drawing) *graph.Value {
			y := d.conv(d.conv(d.x, 1, pads, 64, 16, 3, 3), 3, pads, 28, 64, 3, 3)
			inputs := []*graph.Value{y}
			for i := range uint64(3) {
				inputs = append(inputs, d.Const(random(3+i, tensor.Float32, 28)))
			}
			variance := make([]float32, 28)
			for i := range variance {
				variance[i] = float32(i + 1)
			}
			return d.Op("Relu", []*graph.Value{d.Op("BatchNormalization", append(inputs, d.Const(tensor.Of(variance))))})
		}, []string{"Block", "Conv", "Conv", "Conv", "Relu", "Unblock"}},
		"growing": {16, func(d drawing) *graph.Value {
			y := d.conv(d.x, 1, pads, 64, 16, 3, 3)
			y = d.conv(y, 3, pads, 32, 64, 3, 3)
			y = d.Op("Resize", []*graph.Value{y, nil, d.Const(tensor.Of([]float32{1, 1, 2, 2}))}, graph.A("mode", "linear"))
			y = d.Op("Resize", []*graph.Value{y, nil, nil, d.Const(tensor.Of([]int64{1, 32, 9, 21}))}, graph.A("mode", "nearest"))
			return d.Op("ConvTranspose", []*graph.Value{y, d.Const(random(5, tensor.Float32, 32, 16, 2, 2))}, graph.A("strides", []int64{2, 2}))
		}, []string{"Block", "Conv", "Conv", "Resize", "Resize", "ConvTranspose", "Unblock"}},
		"other axes": {16, func(d drawing) *graph.Value {
			y := d.conv(d.x, 1, pads, 64, 16, 5, 5)
			return d.Op("Softmax", []*graph.Value{d.Op("Concat", []*graph.Value{y, y}, graph.A("axis", int64(2)))})
		}, []string{"Block", "Conv", "Unblock", "Concat", "Softmax"}},
		"few filters":  {16, func(d drawing) *graph.Value { return d.conv(d.x, 1, pads, 4, 16, 3, 3) }, []string{"Conv"}},
		"little to do": {16, func(d drawing) *graph.Value { return d.conv(d.x, 1, nil, 16, 16, 1, 1) }, []string{"Conv"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDrawing(1, c.channels, 20, 24)
			ops, before, after := planned(t, d.graph(c.draw(d)), random(7, tensor.Float32, 1, c.channels, 20, 24))
			assert.Equal(t, c.ops, ops)
			assert.InDeltaSlice(t, before, after, 1e-3)
		})
	}
}
