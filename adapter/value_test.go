package adapter_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

func TestUploadDownload(t *testing.T) {
	for name, dev := range map[string]driver.Device{
		"plain": &plain{},
		"rich":  &rich{plain{caps: allCaps}}, // rounds values up to 256 bytes
	} {
		d := adapter.New(name, dev)
		for _, host := range []*tensor.Tensor{
			tensor.Of([]float32{1, -2, 3, 4, 5, 6}, 2, 3),
			tensor.Scalar(int64(-7)),
			tensor.Of([]bool{true, false, true}),
			tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-8, 7, 1}),
			tensor.Zeros(tensor.Float64, tensor.Shape{2, 0}),
		} {
			on, err := d.Upload(ctx, host)
			require.NoError(t, err)
			assert.Equal(t, host.DType(), on.DType())
			assert.Equal(t, host.Shape(), on.Shape())
			assert.Equal(t, host.Type(), on.Type())
			assert.Same(t, d, on.Device())
			assert.Equal(t, d.ValueSize(host.DType(), host.Shape()), on.Region().Size)
			back, err := on.Download(ctx)
			require.NoError(t, err)
			assert.Equal(t, host.Bytes(), back.Bytes(), "%v on %s", host, name)
			assert.Equal(t, host.Type(), back.Type())
			require.NoError(t, on.Free())
		}
	}
}

func TestWrite(t *testing.T) {
	d := adapter.New("plain", &plain{})
	on, err := d.NewTensor(tensor.Int32, tensor.Shape{2})
	require.NoError(t, err)
	require.NoError(t, on.Write(ctx, tensor.Of([]int32{4, 5})))
	back, err := on.Download(ctx)
	require.NoError(t, err)
	assert.Equal(t, []int32{4, 5}, tensor.Slice[int32](back))
	for _, wrong := range []*tensor.Tensor{tensor.Of([]uint32{1, 2}), tensor.Of([]int32{1}), tensor.Of([]int32{1, 2}, 1, 2)} {
		assert.ErrorIs(t, on.Write(ctx, wrong), adapter.InvalidArgument, "%v", wrong)
	}
}

func TestNewTensorRefuses(t *testing.T) {
	p := &plain{}
	d := adapter.New("plain", p)
	for _, c := range []struct {
		dtype tensor.DType
		shape tensor.Shape
		code  driver.Code
	}{
		{tensor.String, tensor.Shape{1}, adapter.Unsupported},
		{tensor.Undefined, tensor.Shape{1}, adapter.Unsupported},
		{tensor.Float32, tensor.Shape{2, -1}, adapter.InvalidArgument},
		{tensor.Float32, tensor.Shape{math.MaxInt, 2}, adapter.InvalidArgument},
		{tensor.Float64, tensor.Shape{math.MaxInt / 4}, adapter.InvalidArgument}, // the bytes overflow, the elements do not
		{tensor.Int4, tensor.Shape{math.MaxInt / 2}, adapter.InvalidArgument},
	} {
		on, err := d.NewTensor(c.dtype, c.shape)
		assert.Nil(t, on)
		assert.ErrorIs(t, err, c.code, "%v%v", c.dtype, c.shape)
	}
	assert.Empty(t, p.calls)
	_, err := d.Upload(ctx, tensor.Of([]string{"a"}))
	assert.ErrorIs(t, err, adapter.Unsupported)
}

// flaky allocates, but takes no bytes.
type flaky struct{ plain }

func (f *flaky) CopyIn(context.Context, driver.Region, []byte) error { return errBroken }

func TestFailedTransfersLeaveNothing(t *testing.T) {
	r := &rich{}
	d := adapter.New("rich", r)
	on, err := d.Upload(ctx, tensor.Of([]int8{1}))
	require.NoError(t, err)

	d = adapter.New("flaky", &flaky{})
	got, err := d.Upload(ctx, tensor.Of([]int8{1}))
	assert.Nil(t, got)
	assert.ErrorIs(t, err, errBroken)
	assert.Zero(t, d.Stats().InUse, "what was allocated is freed again")
	_, err = d.Import(ctx, []byte{1})
	assert.ErrorIs(t, err, errBroken)
	assert.Zero(t, d.Stats().InUse)

	r.fail = errBroken
	host, err := on.Download(ctx)
	assert.Nil(t, host)
	assert.ErrorIs(t, err, errBroken)
}

func TestTensorAfterFree(t *testing.T) {
	d := adapter.New("plain", &plain{})
	on, err := d.Upload(ctx, tensor.Of([]int8{1}))
	require.NoError(t, err)
	require.NoError(t, on.Free())
	assert.ErrorIs(t, on.Free(), adapter.Closed)
	assert.ErrorIs(t, second(on.Download(ctx)), adapter.Closed)
	assert.ErrorIs(t, on.Write(ctx, tensor.Of([]int8{2})), adapter.Closed)
	assert.Zero(t, on.Region())
}
