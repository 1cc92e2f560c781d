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
