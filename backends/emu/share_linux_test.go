package emu_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func TestSharedMemory(t *testing.T) {
	_, a := open(t, nil)
	_, b := open(t, nil)
	own, err := a.AllocSpec(driver.MemorySpec{Size: 5000, Usage: driver.SharedUsage})
	require.NoError(t, err)
	name, err := own.Export(driver.ExternalFD)
	require.NoError(t, err)
	assert.EqualValues(t, 5000, name.Size)
	theirs, err := b.ImportExternal(name)
	require.NoError(t, err)
	require.NoError(t, unix.Close(int(name.Handle)), "the handle is the caller's")

	require.NoError(t, a.Fill(ctx, own.All(), []byte{42}))
	assert.EqualValues(t, 42, read(t, b, theirs)[4999])
	require.NoError(t, own.Free())
	assert.EqualValues(t, 42, read(t, b, theirs)[0], "the memory lives as long as anyone has it")
	require.NoError(t, theirs.Free())
	assert.Zero(t, b.Stats().InUse)

	plain := buffer(t, a, 8)
	_, err = plain.Export(driver.ExternalFD)
	assert.ErrorIs(t, err, adapter.InvalidArgument, "not made to be shared")
	shared, err := a.AllocSpec(driver.MemorySpec{Size: 8, Usage: driver.SharedUsage})
	require.NoError(t, err)
	_, err = shared.Export(driver.ExternalDMABuf)
	assert.ErrorIs(t, err, adapter.Unsupported)
	_, err = shared.Export(99)
	assert.ErrorIs(t, err, adapter.InvalidArgument)
	for _, e := range []driver.External{
		{Kind: driver.ExternalFD, Handle: 1 << 40, Size: 1}, {Kind: driver.ExternalFD, Handle: 987654, Size: 1}, {Kind: driver.ExternalFD, Size: -1},
	} {
		_, err = b.ImportExternal(e)
		assert.ErrorIs(t, err, adapter.InvalidArgument, "%+v", e)
	}
	name, err = shared.Export(driver.ExternalFD)
	require.NoError(t, err)
	name.Size = 1 << 20
	_, err = b.ImportExternal(name)
	assert.ErrorIs(t, err, adapter.InvalidArgument, "more than there is")
	require.NoError(t, unix.Close(int(name.Handle)))
	require.NoError(t, shared.Free())
	_, err = shared.Export(driver.ExternalFD)
	assert.ErrorIs(t, err, adapter.Closed)
}
