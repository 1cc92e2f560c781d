package host_test

import (
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/internal/host"
)

func TestMemory(t *testing.T) {
	m := host.NewMemory(100)
	b, err := m.Alloc(60, driver.DeviceMemory)
	require.NoError(t, err)
	assert.EqualValues(t, 60, b.Size())
	_, err = m.Alloc(41, driver.DeviceMemory)
	assert.ErrorIs(t, err, driver.OutOfMemory)
	assert.ErrorContains(t, err, "41 bytes more than the 60 in use would pass the limit of 100")

	all := driver.Region{Buffer: b, Size: 60}
	bytes, err := m.HostBytes(all)
	require.NoError(t, err)
	assert.Zero(t, uintptr(unsafe.Pointer(&bytes[0]))%host.Alignment)
	require.NoError(t, m.CopyIn(t.Context(), driver.Region{Buffer: b, Size: 3}, []byte{1, 2, 3}))
	require.NoError(t, m.Copy(nil, driver.Region{Buffer: b, Offset: 10, Size: 2}, driver.Region{Buffer: b, Offset: 1, Size: 2}))
	out := make([]byte, 2)
	require.NoError(t, m.CopyOut(t.Context(), out, driver.Region{Buffer: b, Offset: 10, Size: 2}))
	assert.Equal(t, []byte{2, 3}, out)

	require.NoError(t, b.Free())
	require.NoError(t, b.Free(), "memory is counted once")
	assert.Equal(t, driver.Stats{Peak: 60, Allocs: 1, Frees: 1, Limit: 100}, m.Stats())
	_, err = m.HostBytes(all)
	assert.ErrorIs(t, err, driver.Closed)
}

func TestMemoryOfTheHost(t *testing.T) {
	m := host.NewMemory(0)
	mine := []byte{5, 6, 7}
	b, err := m.Import(mine)
	require.NoError(t, err)
	bytes, err := m.HostBytes(driver.Region{Buffer: b, Offset: 1, Size: 2})
	require.NoError(t, err)
	bytes[0] = 9
	assert.Equal(t, []byte{5, 9, 7}, mine, "imported memory is not copied")
	assert.Zero(t, m.Stats().InUse)
	assert.Positive(t, m.Stats().Limit)

	_, err = m.HostBytes(driver.Region{Buffer: foreign{}, Size: 1})
	assert.ErrorContains(t, err, "a buffer of another device (host_test.foreign)")
}

// What is reserved counts towards the limit, but is in no buffer. What is kept for
// reuse goes before anything is refused.
func TestReserve(t *testing.T) {
	m := host.NewMemory(100)
	require.NoError(t, m.Reserve(70))
	assert.Zero(t, m.Stats().InUse)
	_, err := m.Alloc(31, driver.DeviceMemory)
	require.ErrorIs(t, err, driver.OutOfMemory)
	assert.ErrorContains(t, err, "31 bytes more than the 70 in use would pass the limit of 100")
	b, err := m.Alloc(30, driver.DeviceMemory)
	require.NoError(t, err)
	require.ErrorIs(t, m.Reserve(1), driver.OutOfMemory)
	require.NoError(t, b.Free())
	require.NoError(t, m.Reserve(30))
	require.ErrorIs(t, m.Reserve(math.MaxInt64), driver.OutOfMemory, "more than can be counted")

	m.Reclaim = func() { m.Release(20) }
	_, err = m.Alloc(20, driver.DeviceMemory)
	require.NoError(t, err)
	_, err = m.Alloc(21, driver.DeviceMemory)
	assert.ErrorContains(t, err, "21 bytes more than the 80 in use would pass the limit of 100")
}

// Memory that was imported cannot be used after it was freed, by any call.
func TestFreedImports(t *testing.T) {
	m := host.NewMemory(0)
	mine := []byte{5, 6, 7}
	b, err := m.Import(mine)
	require.NoError(t, err)
	require.NoError(t, b.Free())
	require.NoError(t, b.Free())
	all := driver.Region{Buffer: b, Size: 3}
	_, err = m.HostBytes(all)
	require.ErrorIs(t, err, driver.Closed)
	require.ErrorIs(t, m.CopyIn(t.Context(), all, []byte{1, 2, 3}), driver.Closed)
	require.ErrorIs(t, m.CopyOut(t.Context(), make([]byte, 3), all), driver.Closed)
	require.ErrorIs(t, m.Copy(nil, all, all), driver.Closed)
	assert.Equal(t, []byte{5, 6, 7}, mine)
}

type foreign struct{ driver.Buffer }

func TestMemoryRefuses(t *testing.T) {
	m := host.NewMemory(1 << 20)
	b, err := m.Alloc(64, driver.DeviceMemory)
	require.NoError(t, err)
	_, err = m.Alloc(-1, driver.DeviceMemory)
	assert.ErrorIs(t, err, driver.InvalidArgument)
	_, err = m.Alloc(math.MaxInt64, driver.DeviceMemory)
	var full *driver.Error
	require.ErrorAs(t, err, &full)
	assert.Equal(t, []any{driver.OutOfMemory, false, int64(math.MaxInt64), int64(1<<20 - 64)}, []any{full.Code, full.Retryable, full.Wanted, full.Available})
	for _, r := range []driver.Region{{Size: -1}, {Offset: -1, Size: 1}, {Size: 65}, {Offset: 64, Size: 1}, {Offset: math.MaxInt64, Size: 8}, {Offset: 8, Size: math.MaxInt64}} {
		r.Buffer = b
		_, err = host.Bytes(r)
		assert.ErrorIs(t, err, driver.InvalidArgument, "%d bytes from %d on", r.Size, r.Offset)
	}
	other := host.NewMemory(1 << 20)
	all := driver.Region{Buffer: b, Size: 64}
	for what, err := range map[string]error{
		"in": other.CopyIn(t.Context(), all, make([]byte, 64)), "out": other.CopyOut(t.Context(), make([]byte, 64), all), "inside": other.Copy(nil, all, all),
	} {
		assert.ErrorIs(t, err, driver.InvalidArgument, "another memory's buffer: %s", what)
	}
	_, err = other.HostBytes(all)
	assert.ErrorIs(t, err, driver.InvalidArgument)
}
