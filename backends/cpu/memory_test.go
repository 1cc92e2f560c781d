package cpu_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// product returns the kernel of A·B for a constant B (n, n) and the node's call.
func product(t *testing.T, d *cpu.Device, n int) (operators.Kernel, error) {
	t.Helper()
	a := agreement{op: "MatMul", inputs: tensors(tensor.Zeros(tensor.Float32, tensor.Shape{1, n}), tensor.Zeros(tensor.Float32, tensor.Shape{n, n})), constants: []int{1}}
	node := a.node()
	node.Outputs[0].Type = tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{1, n}))
	return d.Build(node)
}

func tensors(v ...*tensor.Tensor) []*tensor.Tensor { return v }

// Packed weights that no kernel uses any more make room for others.
func TestPackedWeightsAreGivenBack(t *testing.T) {
	d := cpu.New(&driver.Options{MemoryLimit: 1 << 20})
	defer func() { require.NoError(t, d.Close()) }()
	for range 20 { // 256 KiB each
		k, err := product(t, d, 256)
		require.NoError(t, err)
		runtime.KeepAlive(k)
	}
	var kept []operators.Kernel
	var err error
	for err == nil {
		var k operators.Kernel
		if k, err = product(t, d, 256); err == nil {
			kept = append(kept, k)
		}
	}
	require.ErrorIs(t, err, driver.OutOfMemory)
	assert.Len(t, kept, 4)
	runtime.KeepAlive(kept)
}

// Scratch that lies idle makes room for buffers.
func TestIdleScratchIsGivenBack(t *testing.T) {
	const limit = 4 << 20
	d := cpu.New(&driver.Options{MemoryLimit: limit})
	defer func() { require.NoError(t, d.Close()) }()
	a := agreement{op: "Gemm", attributes: []graph.Attribute{graph.A("transA", int64(1))},
		inputs: tensors(tensor.Zeros(tensor.Float32, tensor.Shape{500, 500}), tensor.Zeros(tensor.Float32, tensor.Shape{500, 4}))}
	k, err := d.Build(a.node())
	require.NoError(t, err)
	_, err = a.run(t, d, k, nil, false) // 1 MiB of scratch
	require.NoError(t, err)
	rest := limit - d.Stats().InUse
	b, err := d.Alloc(rest, driver.DeviceMemory)
	require.NoError(t, err)
	_, err = a.run(t, d, k, nil, false)
	require.ErrorIs(t, err, driver.OutOfMemory)
	require.NoError(t, b.Free())
}
