package measure_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/backends/emu"
	"example.com/midplane/conformance/measure"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

func opened(d driver.Device) func(context.Context) (driver.Device, error) {
	return func(context.Context) (driver.Device, error) { return d, nil }
}

func TestDevice(t *testing.T) {
	const brief = 2 * time.Millisecond
	devices := map[string]func(context.Context) (driver.Device, error){
		"cpu": func(context.Context) (driver.Device, error) {
			return cpu.New(&driver.Options{MemoryLimit: 64 << 20}), nil
		},
		"emu": func(context.Context) (driver.Device, error) {
			return emu.New(&emu.Options{Memory: 32 << 20, MaxDelay: -1}), nil
		},
	}
	for name, open := range devices {
		f, err := measure.Device(t.Context(), name, open, brief)
		require.NoError(t, err)
		for _, p := range f.Peak {
			assert.Positive(t, p.Measured, "%s: %s: %s", name, p.DType, p.Reason)
			assert.Zero(t, p.Declared)
		}
		for what, v := range map[string]measure.Value{"in": f.HostIn, "out": f.HostOut, "inside": f.Inside, "peer": f.Peer, "launch": f.Launch, "memory": f.Memory} {
			assert.Positive(t, v.Measured, "%s: %s: %s", name, what, v.Reason)
			assert.Empty(t, v.Reason, "%s: %s", name, what)
		}
		if name == "emu" {
			assert.Equal(t, measure.Value{Declared: 32 << 20, Measured: 32 << 20}, f.Memory)
			assert.Equal(t, "direct", f.PeerPath)
		}
	}
}

// declaring is a device that promises much, and runs products of matrices only.
type declaring struct{ *emu.Device }

func (declaring) Info() driver.Info {
	return driver.Info{Rates: driver.Rates{Peak: []driver.Peak{{DType: tensor.Float32, Ops: 1e15}}, HostIn: 1, HostOut: 2, Memory: 3, LaunchNS: 4}}
}

func TestDeclaredStandsBeside(t *testing.T) {
	d := declaring{emu.New(&emu.Options{Memory: 8 << 20, Operators: []operators.Key{{Op: "MatMul"}}})}
	f, err := measure.Device(t.Context(), "declaring", opened(d), time.Millisecond)
	require.NoError(t, err)
	assert.EqualValues(t, 1e15, f.Peak[0].Declared)
	assert.Positive(t, f.Peak[0].Measured)
	assert.Equal(t, []float64{1, 2, 3, 4}, []float64{f.HostIn.Declared, f.HostOut.Declared, f.Inside.Declared, f.Launch.Declared})
	assert.Contains(t, f.Launch.Reason, "no kernel: Identity")
	for _, p := range f.Peak {
		if p.DType == "int8" {
			assert.Contains(t, p.Reason, "no kernel: MatMulInteger")
		}
	}
}

func TestFailures(t *testing.T) {
	_, err := measure.Device(t.Context(), "none", func(context.Context) (driver.Device, error) { return nil, driver.Unavailable }, 0)
	assert.ErrorIs(t, err, driver.Unavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = measure.Device(ctx, "canceled", opened(emu.New(nil)), 0)
	assert.ErrorIs(t, err, context.Canceled)
	f, err := measure.Device(t.Context(), "broken", opened(emu.New(&emu.Options{Faults: []emu.Fault{{Op: "Alloc", Kind: emu.OOM, Every: 1}}})), 0)
	require.NoError(t, err)
	for _, v := range []measure.Value{f.HostIn, f.HostOut, f.Inside, f.Peer, f.Launch} {
		assert.Contains(t, v.Reason, "out of memory")
	}
}

// BenchmarkLaunch is a kernel for one element on the processor, launched through
// the layer and waited for.
func BenchmarkLaunch(b *testing.B) {
	d := adapter.New("cpu", cpu.New(nil))
	defer d.Close()
	s, err := d.NewStream()
	require.NoError(b, err)
	x, err := d.Upload(b.Context(), tensor.Of([]float32{1}))
	require.NoError(b, err)
	y, err := d.NewTensor(tensor.Float32, tensor.Shape{1})
	require.NoError(b, err)
	kind := tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{1}))
	n := &graph.Node{Op: "Identity", Version: 25, Inputs: []*graph.Value{{Name: "x", Type: kind}}, Outputs: []*graph.Value{{Name: "y", Type: kind}}}
	backend, ok := adapter.As[operators.Backend](d)
	require.True(b, ok)
	k, err := backend.Build(n)
	require.NoError(b, err)
	call := &operators.Call{
		Stream:  s.Driver(),
		Inputs:  []operators.Operand{{DType: tensor.Float32, Shape: tensor.Shape{1}, Region: x.Region()}},
		Outputs: []operators.Operand{{DType: tensor.Float32, Shape: tensor.Shape{1}, Region: y.Region()}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := k.Run(b.Context(), call); err != nil {
			b.Fatal(err)
		}
		if err := s.Synchronize(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
