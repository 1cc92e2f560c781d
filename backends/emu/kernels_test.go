package emu_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/emu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// node returns a node whose inputs have those types; a nil input is absent.
func node(op string, inputs []*tensor.Tensor, outputs ...tensor.DType) *graph.Node {
	n := &graph.Node{Op: op, Name: "n"}
	for i, t := range inputs {
		if t == nil {
			n.Inputs = append(n.Inputs, nil)
			continue
		}
		n.Inputs = append(n.Inputs, &graph.Value{Name: fmt.Sprintf("in%d", i), Type: t.Type()})
	}
	for i, d := range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{Name: fmt.Sprintf("out%d", i), Type: tensor.TensorType(d, nil), Producer: n})
	}
	return n
}

// call makes a call as a plan does: inputs lie where the backend wants them, and
// outputs are made when the kernel asks.
func call(t *testing.T, d *adapter.Device, s *adapter.Stream, n *graph.Node, inputs []*tensor.Tensor) *operators.Call {
	t.Helper()
	host, ok := adapter.As[operators.HostOperands](d)
	require.True(t, ok)
	c := &operators.Call{Stream: s.Driver(), Outputs: make([]operators.Operand, len(n.Outputs)), HostOutputs: host.HostOutputs(n)}
	for i, in := range inputs {
		o := operators.Operand{}
		switch {
		case in == nil:
		case slices.Contains(host.HostInputs(n), i):
			o = operators.Operand{DType: in.DType(), Shape: in.Shape(), Host: in}
		default:
			on, err := d.Upload(ctx, in)
			require.NoError(t, err)
			o = operators.Operand{DType: in.DType(), Shape: in.Shape(), Region: on.Region()}
		}
		c.Inputs = append(c.Inputs, o)
	}
	c.Allocate = func(_ int, dtype tensor.DType, shape tensor.Shape) (operators.Operand, error) {
		on, err := d.NewTensor(dtype, shape)
		if err != nil {
			return operators.Operand{}, err
		}
		return operators.Operand{DType: dtype, Shape: shape, Region: on.Region()}, nil
	}
	return c
}

func kernel(t *testing.T, d *adapter.Device, n *graph.Node) operators.Kernel {
	t.Helper()
	backend, ok := adapter.As[operators.Backend](d)
	require.True(t, ok)
	require.Equal(t, operators.Native, backend.Supports(n).Level)
	k, err := backend.Build(n)
	require.NoError(t, err)
	return k
}

// output reads an operand of a call back.
func output(t *testing.T, d *adapter.Device, o operators.Operand) *tensor.Tensor {
	t.Helper()
	host, err := tensor.New(o.DType, o.Shape)
	require.NoError(t, err)
	packed := o.Region
	packed.Size = int64(len(host.Bytes())) // values are padded on the device
	require.NoError(t, d.CopyOut(ctx, host.Bytes(), packed))
	return host
}

func TestKernelRunsOnItsStream(t *testing.T) {
	g := newGate("Add")
	_, d := open(t, &emu.Options{Fault: g.fault})
	s := stream(t, d)
	in := []*tensor.Tensor{tensor.Of([]float32{1, 2, 3}), tensor.Of([]float32{10, 20, 30})}
	n := node("Add", in, tensor.Float32)
	c := call(t, d, s, n, in)
	out, err := d.NewTensor(tensor.Float32, tensor.Shape{3})
	require.NoError(t, err)
	c.Outputs[0] = operators.Operand{DType: tensor.Float32, Shape: tensor.Shape{3}, Region: out.Region()}
	require.NoError(t, kernel(t, d, n).Run(ctx, c))
	<-g.reached
	assert.Equal(t, strings.Repeat(emu.Poison, 6), string(output(t, d, c.Outputs[0]).Bytes()), "not yet")
	close(g.opened)
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, []float32{11, 22, 33}, tensor.Slice[float32](output(t, d, c.Outputs[0])))
}

func TestKernelWithoutAStreamIsDoneAtOnce(t *testing.T) {
	_, d := open(t, nil)
	in := []*tensor.Tensor{tensor.Of([]float32{-1, 2})}
	n := node("Relu", in, tensor.Float32)
	c := call(t, d, stream(t, d), n, in)
	c.Stream = nil
	require.NoError(t, kernel(t, d, n).Run(ctx, c))
	assert.Equal(t, []float32{0, 2}, tensor.Slice[float32](output(t, d, c.Outputs[0])))
}

func TestKernelMakesOutputsOfUnknownShape(t *testing.T) {
	_, d := open(t, nil)
	s := stream(t, d)
	in := []*tensor.Tensor{tensor.Of([]int32{0, 5, 0, 6})}
	n := node("NonZero", in, tensor.Int64)
	c := call(t, d, s, n, in)
	require.NoError(t, kernel(t, d, n).Run(ctx, c))
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, tensor.Shape{1, 2}, c.Outputs[0].Shape)
	assert.Equal(t, []int64{1, 3}, output(t, d, c.Outputs[0]).Int64s())
}

func TestCloseWhileKernelsAllocate(t *testing.T) {
	for range 20 {
		_, d := open(t, nil)
		s := stream(t, d)
		in := []*tensor.Tensor{tensor.Of([]int32{0, 5, 0, 6})}
		n := node("NonZero", in, tensor.Int64)
		k := kernel(t, d, n)
		for range 50 {
			require.NoError(t, k.Run(ctx, call(t, d, s, n, in)))
		}
		waited := make(chan error)
		go func() { waited <- d.Synchronize(ctx) }()
		time.Sleep(time.Millisecond) // for it to begin
		require.NoError(t, d.Close(), "ends, though work allocates through the device that is being closed")
		if err := <-waited; err != nil {
			assert.ErrorIs(t, err, adapter.Closed)
		}
	}
}

func TestShapesLieOnTheHost(t *testing.T) {
	_, d := open(t, nil)
	s := stream(t, d)
	in := []*tensor.Tensor{tensor.Of([]float32{1, 2, 3, 4}), tensor.Of([]int64{2, -1})}
	n := node("Reshape", in, tensor.Float32)
	c := call(t, d, s, n, in)
	require.NotNil(t, c.Inputs[1].Host)
	require.NoError(t, kernel(t, d, n).Run(ctx, c))
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, tensor.Shape{2, 2}, c.Outputs[0].Shape)

	n = node("Shape", in[:1], tensor.Int64)
	c = call(t, d, s, n, in[:1])
	require.NoError(t, kernel(t, d, n).Run(ctx, c))
	require.NoError(t, s.Synchronize(ctx))
	require.NotNil(t, c.Outputs[0].Host)
	assert.Equal(t, []int64{4}, c.Outputs[0].Host.(*tensor.Tensor).Int64s())
	assert.Equal(t, tensor.Shape{1}, c.Outputs[0].Shape)
}

func TestHostInputsAreNoData(t *testing.T) {
	for op, inputs := range emu.ShapeInputs {
		schema, ok := operators.Newest("", op)
		require.True(t, ok, op)
		for _, i := range inputs {
			require.Less(t, i, len(schema.Inputs), op)
			if inputs[0] > 0 {
				assert.NotEqual(t, schema.Inputs[0].Type, schema.Inputs[i].Type, "%s of %s", schema.Inputs[i].Name, op)
			}
		}
	}
}

func TestHostInputs(t *testing.T) {
	d := emu.New(nil)
	defer d.Close()
	x := tensor.Of([]float32{1})
	axes := tensor.Of([]int64{0})
	for _, c := range []struct {
		op     string
		inputs []*tensor.Tensor
		want   []int
	}{
		{"Add", []*tensor.Tensor{x, x}, nil},
		{"ReduceMean", []*tensor.Tensor{x, axes}, []int{1}},
		{"ReduceMean", []*tensor.Tensor{x}, nil},
		{"Slice", []*tensor.Tensor{x, axes, axes, nil, axes}, []int{1, 2, 4}},
		{"Resize", []*tensor.Tensor{x, nil, x}, []int{2}},
		{"Pad", []*tensor.Tensor{x, axes, x}, []int{1}},
	} {
		assert.Equal(t, c.want, d.HostInputs(node(c.op, c.inputs, tensor.Float32)), c.op)
	}
	assert.Equal(t, []int{0}, d.HostOutputs(node("Size", []*tensor.Tensor{x}, tensor.Int64)))
	assert.Empty(t, d.HostOutputs(node("Relu", []*tensor.Tensor{x}, tensor.Float32)))
	foreign := node("Slice", []*tensor.Tensor{x, axes, axes}, tensor.Float32)
	foreign.Domain = "com.example"
	assert.Empty(t, d.HostInputs(foreign), "another domain's operator")
}

func TestKernelRefusesWhatItCannotReach(t *testing.T) {
	_, d := open(t, nil)
	s := stream(t, d)
	shape, x := tensor.Of([]int64{2, 2}), tensor.Of([]float32{1, 2, 3, 4})
	reshape := node("Reshape", []*tensor.Tensor{x, shape}, tensor.Float32)
	size := node("Size", []*tensor.Tensor{x}, tensor.Int64)
	add := node("Add", []*tensor.Tensor{x, x}, tensor.Float32)
	freed, err := d.Upload(ctx, x)
	require.NoError(t, err)
	stale := freed.Region()
	require.NoError(t, freed.Free())
	for name, c := range map[string]struct {
		node   *graph.Node
		inputs []*tensor.Tensor
		spoil  func(*operators.Call)
		code   driver.Code
	}{
		"input 1 must lie on the host": {reshape, []*tensor.Tensor{x, shape}, func(c *operators.Call) {
			on, err := d.Upload(ctx, shape)
			require.NoError(t, err)
			c.Inputs[1].Host, c.Inputs[1].Region = nil, on.Region()
		}, driver.InvalidArgument},
		"input 0 must lie on the device": {add, []*tensor.Tensor{x, x}, func(c *operators.Call) {
			c.Inputs[0] = operators.Operand{DType: tensor.Float32, Shape: x.Shape(), Host: x}
		}, driver.InvalidArgument},
		"output 0 comes out on the host": {size, []*tensor.Tensor{x}, func(c *operators.Call) {
			c.HostOutputs = nil
		}, driver.InvalidArgument},
		"output 0 at [0, 64) lies over operand 1 at [0, 64)": {add, []*tensor.Tensor{x, x}, func(c *operators.Call) {
			c.Outputs[0] = c.Inputs[1]
		}, driver.InvalidArgument},
		"freed": {add, []*tensor.Tensor{x, x}, func(c *operators.Call) {
			c.Inputs[1].Region = stale
		}, driver.Closed},
		"in a buffer of 64": {add, []*tensor.Tensor{x, x}, func(c *operators.Call) {
			c.Inputs[1].Region.Offset = 4
		}, driver.InvalidArgument},
	} {
		bad := call(t, d, s, c.node, c.inputs)
		c.spoil(bad)
		err := kernel(t, d, c.node).Run(ctx, bad)
		require.ErrorIs(t, err, c.code, name)
		assert.ErrorContains(t, err, name)
		assert.ErrorContains(t, err, c.node.Label())
	}
	assert.NoError(t, s.Synchronize(ctx), "nothing of that was enqueued")
}

func TestKernelFailureNamesTheNode(t *testing.T) {
	_, d := open(t, nil)
	s := stream(t, d)
	in := []*tensor.Tensor{tensor.Of([]float32{1, 2, 3}), tensor.Of([]float32{1, 2})}
	n := node("Add", in, tensor.Float32)
	require.NoError(t, kernel(t, d, n).Run(ctx, call(t, d, s, n, in)), "it fails when the work is done")
	err := s.Synchronize(ctx)
	var e *adapter.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, adapter.InvalidArgument, e.Code)
	assert.Equal(t, driver.ScopeStream, e.Scope)
	assert.ErrorContains(t, err, `Add "n"`)
	assert.ErrorContains(t, err, "broadcast")
}

func TestKernelPassesFailuresOfItsOutputsOn(t *testing.T) {
	_, d := open(t, &emu.Options{Memory: 64 << 10})
	s := stream(t, d)
	in := []*tensor.Tensor{tensor.Scalar(float32(1)), tensor.Of([]int64{1 << 20})}
	n := node("Expand", in, tensor.Float32)
	require.NoError(t, kernel(t, d, n).Run(ctx, call(t, d, s, n, in)))
	err := s.Synchronize(ctx)
	require.ErrorIs(t, err, adapter.OutOfMemory)
	assert.ErrorContains(t, err, `Expand "n"`)
}

func TestCanceledKernel(t *testing.T) {
	_, d := open(t, nil)
	s := stream(t, d)
	in := []*tensor.Tensor{tensor.Of([]float32{1})}
	n := node("Relu", in, tensor.Float32)
	require.NoError(t, kernel(t, d, n).Run(canceledContext(), call(t, d, s, n, in)))
	assert.ErrorIs(t, s.Synchronize(ctx), adapter.Canceled)
}

func TestInputsAreWatched(t *testing.T) {
	for _, unchecked := range []bool{false, true} {
		_, d := open(t, &emu.Options{Unchecked: unchecked})
		s := stream(t, d)
		in := []*tensor.Tensor{tensor.Of([]float32{1})}
		n := node("Relu", in, tensor.Float32)
		c := call(t, d, s, n, in)
		allocate := c.Allocate
		c.Allocate = func(i int, dtype tensor.DType, shape tensor.Shape) (operators.Operand, error) {
			packed := c.Inputs[0].Region
			packed.Size = 4
			assert.NoError(t, d.CopyIn(ctx, packed, []byte{1, 2, 3, 4}))
			return allocate(i, dtype, shape)
		}
		require.NoError(t, kernel(t, d, n).Run(ctx, c))
		err := s.Synchronize(ctx)
		if unchecked {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, adapter.Internal)
		assert.ErrorContains(t, err, `Relu "n": an input changed while the kernel ran`)
	}
}

func TestFirstDeviceRunsWhatTheReferenceHas(t *testing.T) {
	d := emu.New(nil)
	defer d.Close()
	for _, name := range reference.Operators() {
		domain, op := graph.SplitOperator(name)
		v := d.Supports(&graph.Node{Domain: domain, Op: op})
		assert.Equal(t, operators.Verdict{Level: operators.Native, Kernel: "reference"}, v, name)
	}
	v := d.Supports(&graph.Node{Op: "Nonsense"})
	assert.Equal(t, operators.Verdict{Reason: operators.NoKernel, Detail: "Nonsense"}, v)
}

func TestSecondDeviceRunsADenseSubset(t *testing.T) {
	drv, err := emu.Driver{}.Open(ctx, 1, &driver.Options{})
	require.NoError(t, err)
	defer drv.Close()
	backend := drv.(operators.Backend)
	f32, f16, f64 := tensor.Zeros(tensor.Float32, tensor.Shape{1}), tensor.Zeros(tensor.Float16, tensor.Shape{1}), tensor.Zeros(tensor.Float64, tensor.Shape{1})
	i32, i64 := tensor.Zeros(tensor.Int32, tensor.Shape{1}), tensor.Zeros(tensor.Int64, tensor.Shape{1})
	for _, c := range []struct {
		node *graph.Node
		want operators.Reason
	}{
		{node("Conv", []*tensor.Tensor{f32, f32, f32}, tensor.Float32), operators.NoReason},
		{node("MatMul", []*tensor.Tensor{f16, f16}, tensor.Float16), operators.NoReason},
		{node("MatMul", []*tensor.Tensor{f64, f64}, tensor.Float64), operators.WrongType},
		{node("Clip", []*tensor.Tensor{f32, nil, f32}, tensor.Float32), operators.NoReason},
		{node("Add", []*tensor.Tensor{i32, i32}, tensor.Int32), operators.NoReason},
		{node("Add", []*tensor.Tensor{i64, i64}, tensor.Int64), operators.WrongType},
		{node("Relu", []*tensor.Tensor{i32}, tensor.Int32), operators.WrongType},
		{node("MaxPool", []*tensor.Tensor{f32}, tensor.Float32), operators.NoReason},
		{node("MaxPool", []*tensor.Tensor{f32}, tensor.Float32, tensor.Int64), operators.WrongType}, // no indices
		{node("Reshape", []*tensor.Tensor{f32, i64}, tensor.Float32), operators.NoKernel},
		{node("Transpose", []*tensor.Tensor{f32}, tensor.Float32), operators.NoKernel},
	} {
		v := backend.Supports(c.node)
		assert.Equal(t, c.want, v.Reason, "%v: %v", c.node.Op, v)
		assert.Equal(t, c.want == operators.NoReason, v.Level == operators.Native, c.node.Op)
		if c.want != operators.NoReason {
			_, err := backend.Build(c.node)
			assert.ErrorContains(t, err, c.want.String())
		}
	}
}

func TestEveryDenseOperatorExists(t *testing.T) {
	for _, key := range emu.Dense() {
		_, ok := reference.Lookup(key.Op)
		assert.True(t, ok, key.Op)
	}
}

func TestOperatorsOption(t *testing.T) {
	d := emu.New(&emu.Options{Operators: []operators.Key{{Op: "Add", Until: 13}}})
	defer d.Close()
	assert.Equal(t, operators.Native, d.Supports(&graph.Node{Op: "Add", Version: 13}).Level)
	assert.Equal(t, operators.WrongVersion, d.Supports(&graph.Node{Op: "Add", Version: 14}).Reason)
	assert.Equal(t, operators.NoKernel, d.Supports(&graph.Node{Op: "Mul", Version: 13}).Reason)
	none := emu.New(&emu.Options{Operators: []operators.Key{}})
	defer none.Close()
	assert.Equal(t, operators.NoKernel, none.Supports(&graph.Node{Op: "Add"}).Reason, "no keys are no operators")
}
