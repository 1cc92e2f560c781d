package onnxgo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/topo"

	"example.com/midplane/frameworks/onnxgo"
)

// A Backend is a graph to gonum's algorithms.
func TestGraph(t *testing.T) {
	m, b := open(t, file{
		nodes:  [][]byte{node("Mul", list{"x", "x"}, list{"h"}), node("Sub", list{"h", "x"}, list{"y"})},
		inputs: [][]byte{value("x", float, 2)}, outputs: [][]byte{value("y", float, 2)},
	})
	id := func(name string) int64 {
		n, ok := m.GetNodeByName(name)
		require.True(t, ok)
		return n.ID()
	}
	names := func(nodes gonum.Nodes) []string {
		var list []string
		for nodes.Next() {
			list = append(list, nodes.Node().(*onnxgo.Node).GetName())
		}
		return list
	}
	x, h, y := id("x"), id("h"), id("y")
	assert.Equal(t, list{"x", "y", "h"}, names(b.Nodes()))
	assert.Equal(t, list{"x"}, names(b.From(h)))
	assert.Equal(t, list{"h", "x"}, names(b.From(y)))
	assert.Equal(t, list{"h", "y"}, names(b.To(x)))
	assert.Empty(t, names(b.From(x)))
	assert.Empty(t, names(b.From(-1)))
	assert.Empty(t, names(b.To(y+100)))

	assert.True(t, b.HasEdgeFromTo(y, h))
	assert.False(t, b.HasEdgeFromTo(h, y))
	assert.True(t, b.HasEdgeBetween(h, y))
	assert.Nil(t, b.Edge(x, y))
	e := b.Edge(y, x).(gonum.WeightedEdge)
	assert.Equal(t, []any{y, x, 1.0}, []any{e.From().ID(), e.To().ID(), e.Weight()})
	assert.Equal(t, e, e.ReversedEdge())

	sorted, err := topo.Sort(b)
	require.NoError(t, err)
	var order []int64
	for _, n := range sorted {
		order = append(order, n.ID())
	}
	assert.Equal(t, []int64{y, h, x}, order)

	assert.Equal(t, x, b.Node(0).ID(), "the number of an input")
	assert.Equal(t, y, b.Node(y).ID())
	assert.Nil(t, b.Node(1))
	assert.Nil(t, b.Node(-1))
	assert.Nil(t, b.Node(y+100))
	assert.Panics(t, func() { b.AddNode(b.Node(x)) })
	assert.Panics(t, func() { b.AddNode(onnxgo.New().NewNode()) })
}
