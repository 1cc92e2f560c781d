package models_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/models"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// idle is the processor with kernels that do nothing: what is left of a run is
// dispatch.
type idle struct{ *cpu.Device }

func (idle) Supports(*graph.Node) operators.Verdict {
	return operators.Verdict{Level: operators.Native, Kernel: "idle"}
}

// Groups: every node has a kernel of its own, which Build makes.
func (idle) Groups(*graph.Graph) []operators.Group { return nil }

func (idle) Build(*graph.Node) (operators.Kernel, error) { return idleKernel{}, nil }

type idleKernel struct{}

func (idleKernel) Run(context.Context, *operators.Call) error { return nil }

// counting is the processor, counting the kernels that it builds.
type counting struct {
	*cpu.Device
	built *int
}

func (counting) Groups(*graph.Graph) []operators.Group { return nil }

func (c counting) Build(n *graph.Node) (operators.Kernel, error) {
	*c.built++
	return c.Device.Build(n)
}

// Inputs of shapes that came before find their plans: nothing is built again,
// whatever the order in which they come.
func TestShapesThatComeAgain(t *testing.T) {
	s := newSketch("again")
	x := s.input("x", tensor.Float32, "n", 4)
	s.output("y", s.Op("Relu", []*graph.Value{s.Op("MatMul", []*graph.Value{x, s.noisy(4, 4)})}))
	built := 0
	session := s.load(t, &models.Options{Opened: []*adapter.Device{adapter.New("counting:0", counting{cpu.New(nil), &built})}})
	run := func(rows int) {
		out, err := session.Run(t.Context(), values{"x": tensor.Zeros(tensor.Float32, tensor.Shape{rows, 4})})
		require.NoError(t, err)
		require.Equal(t, tensor.Shape{rows, 4}, out["y"].(*tensor.Tensor).Shape())
	}
	for _, rows := range []int{1, 5, 9} {
		run(rows)
	}
	require.Equal(t, 6, built)
	for _, rows := range []int{5, 1, 9, 9, 1, 5} {
		run(rows)
	}
	require.Equal(t, 6, built)
}

// BenchmarkDispatch reports what a run costs beside its kernels, per node.
func BenchmarkDispatch(b *testing.B) {
	const nodes = 100
	s := newSketch("chain")
	v := s.input("x", tensor.Float32, 4)
	for range nodes {
		v = s.Op("Relu", []*graph.Value{v})
	}
	s.output("y", v)
	session, err := models.LoadModel(b.Context(), &graph.Model{IRVersion: 10, Opsets: map[string]int{"": 21}, Graph: s.done()},
		&models.Options{Opened: []*adapter.Device{adapter.New("idle:0", idle{cpu.New(nil)})}})
	require.NoError(b, err)
	defer session.Close()
	inputs, outputs := values{"x": tensor.Of([]float32{1, 2, 3, 4})}, values{"y": tensor.Of([]float32{0, 0, 0, 0})}
	b.ReportAllocs()
	for b.Loop() {
		if err := session.RunInto(b.Context(), inputs, outputs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/nodes, "ns/node")
}
