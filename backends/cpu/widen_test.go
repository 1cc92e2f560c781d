package cpu_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators/graph"
)

// halfDrawing is a drawing whose input is stored in 16 bits.
func halfDrawing(t tensor.DType, shape ...int) drawing {
	d := newDrawing(shape...)
	d.x.Type.DType = t
	return d
}

// Neighbours hand each other float32, also through what only moves elements; a
// constant that two read is widened once.
func TestHalvesHandOnFloat32(t *testing.T) {
	for dtype, unit := range units {
		d := halfDrawing(dtype, 2, 6, 8)
		w := d.Const(random(1, dtype, 8, 8))
		y := d.Op("MatMul", []*graph.Value{d.x, w})
		y = d.Op("Relu", []*graph.Value{d.Op("Transpose", []*graph.Value{y}, graph.A("perm", []int64{0, 2, 1}))})
		y = d.Op("MatMul", []*graph.Value{d.Op("Reshape", []*graph.Value{y, d.Ints(12, 8)}), w})
		g := d.graph(y)
		ops, before, after := passed(t, g, random(2, dtype, 2, 6, 8))
		assert.Equal(t, []string{"Cast", "MatMul", "Transpose", "Relu", "Reshape", "MatMul", "Cast"}, ops)
		assert.Equal(t, dtype, g.Outputs[0].Type.DType)
		widened := 0
		for _, v := range g.Initializers {
			if v.Const.DType() == tensor.Float32 {
				widened++
			}
		}
		assert.Equal(t, 1, widened)
		for i := range before {
			assert.InDelta(t, before[i], after[i], unit*largest(before))
		}
	}
}

// What jumps where its operand changes by little reads the rounded number: 1 + 2⁻¹¹
// is 1 in float16, so that nothing is greater than 1.
func TestHalvesRoundForSteps(t *testing.T) {
	d := halfDrawing(tensor.Float16, 1)
	y := d.Op("Add", []*graph.Value{d.Op("Mul", []*graph.Value{d.x, d.x}), d.Const(tensor.FromFloat64s(tensor.Float16, tensor.Shape{1}, []float64{0x1p-11}))})
	y = d.Op("Greater", []*graph.Value{y, d.Const(tensor.FromFloat64s(tensor.Float16, tensor.Shape{1}, []float64{1}))})
	ops, before, after := passed(t, d.graph(d.Op("Cast", []*graph.Value{y}, graph.A("to", int64(tensor.Float32)))), tensor.FromFloat64s(tensor.Float16, tensor.Shape{1}, []float64{1}))
	assert.Equal(t, []string{"Cast", "Mul", "Add", "Cast", "Greater", "Cast"}, ops)
	assert.Equal(t, []float64{0}, before)
	assert.Equal(t, []float64{0}, after)
}

// A node without such a neighbour has a kernel that widens and rounds itself. Nodes
// that only move elements do so as they are stored.
func TestHalvesAloneStayAsTheyAre(t *testing.T) {
	d := halfDrawing(tensor.Float16, 4, 8)
	y := d.Op("Floor", []*graph.Value{d.Op("Exp", []*graph.Value{d.Op("Transpose", []*graph.Value{d.x})})})
	ops, before, after := passed(t, d.graph(y), random(1, tensor.Float16, 4, 8))
	assert.Equal(t, []string{"Transpose", "Exp", "Floor"}, ops)
	assert.Equal(t, before, after)
}

// Outputs between, and bodies, read what was rounded.
func TestHalvesRoundForOthers(t *testing.T) {
	d := halfDrawing(tensor.BFloat16, 5)
	between := d.Op("Exp", []*graph.Value{d.x})
	y := d.Op("Neg", []*graph.Value{between})
	branch := func() *graph.Graph {
		b := graph.NewBuilder(&graph.Node{Name: "branch"})
		out := b.Op("Identity", []*graph.Value{between})
		return &graph.Graph{Nodes: b.Nodes, Outputs: []*graph.Value{out}}
	}
	chosen := d.Op("If", []*graph.Value{d.Const(tensor.Scalar(true))}, graph.A("then_branch", branch()), graph.A("else_branch", branch()))
	g := d.graph(chosen, between, y)
	_, before, after := passed(t, g, random(1, tensor.BFloat16, 5))
	assert.Len(t, before, 5)
	for i := range before {
		assert.InEpsilon(t, before[i], after[i], units[tensor.BFloat16])
	}
	for _, v := range g.Outputs {
		assert.Equal(t, tensor.BFloat16, v.Type.DType, v.Name)
	}
}

func TestWideningEndsWithItsContext(t *testing.T) {
	d := halfDrawing(tensor.Float16, 5)
	g := d.graph(d.Op("Neg", []*graph.Value{d.Op("Exp", []*graph.Value{d.x})}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	device := cpu.New(nil)
	defer func() { require.NoError(t, device.Close()) }()
	_, err := device.Optimize(ctx, g)
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, g.Nodes, 2, "the graph is as it was")
}
