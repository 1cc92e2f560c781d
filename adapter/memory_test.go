package adapter_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func TestAllocSizes(t *testing.T) {
	d := adapter.New("plain", &plain{})
	b, err := d.Alloc(0, driver.DeviceMemory)
	require.NoError(t, err, "a value without elements has a buffer too")
	assert.Zero(t, b.Size())
	assert.Same(t, d, b.Device())
	require.NoError(t, d.CopyIn(ctx, b.All(), nil))
	require.NoError(t, b.Free())

	for _, size := range []int64{-1, math.MinInt64} {
		_, err = d.Alloc(size, driver.DeviceMemory)
		assert.ErrorIs(t, err, adapter.InvalidArgument)
	}
}

func TestSliceStaysInside(t *testing.T) {
	d := adapter.New("plain", &plain{})
	b, err := d.Alloc(10, driver.DeviceMemory)
	require.NoError(t, err)
	for _, c := range []struct {
		offset, size int64
		ok           bool
	}{
		{0, 10, true}, {10, 0, true}, {3, 4, true}, {0, 0, true},
		{0, 11, false}, {1, 10, false}, {11, 0, false}, {-1, 2, false}, {0, -1, false},
		{math.MaxInt64, 1, false}, {1, math.MaxInt64, false}, {math.MaxInt64, math.MaxInt64, false}, {math.MinInt64, 1, false},
	} {
		r, err := b.Slice(c.offset, c.size)
		if c.ok {
			require.NoError(t, err)
			assert.Equal(t, driver.Region{Buffer: b.All().Buffer, Offset: c.offset, Size: c.size}, r)
			continue
		}
		assert.ErrorIs(t, err, adapter.InvalidArgument, "[%d, +%d)", c.offset, c.size)
		assert.Zero(t, r)
	}
}

func TestCopiesAreChecked(t *testing.T) {
	p := &plain{}
	d := adapter.New("plain", p)
	b, err := d.Alloc(10, driver.DeviceMemory)
	require.NoError(t, err)
	s, err := d.NewStream()
	require.NoError(t, err)
	drv := b.All().Buffer
	p.calls = nil
	for _, c := range []struct {
		region driver.Region
		host   int
		text   string
	}{
		{driver.Region{Buffer: drv, Size: 4}, 5, "5 bytes into 4"},
		{driver.Region{Size: 4}, 4, "without a buffer"},
		{driver.Region{Buffer: drv, Offset: 8, Size: 4}, 4, "4 bytes from 8 on in a buffer of 10"},
		{driver.Region{Buffer: drv, Offset: -1, Size: 4}, 4, "from -1 on"},
		{driver.Region{Buffer: drv, Offset: math.MaxInt64, Size: 4}, 4, "4 bytes from"},
	} {
		host := make([]byte, c.host)
		for _, err := range []error{d.CopyIn(ctx, c.region, host), s.CopyIn(ctx, c.region, host)} {
			require.ErrorIs(t, err, adapter.InvalidArgument)
			assert.ErrorContains(t, err, c.text)
		}
		for _, err := range []error{
			d.CopyOut(ctx, host, c.region), s.CopyOut(ctx, host, c.region),
			s.Copy(ctx, c.region, driver.Region{Buffer: drv, Size: int64(c.host)}),
			s.Copy(ctx, driver.Region{Buffer: drv, Size: int64(c.host)}, c.region),
		} {
			require.ErrorIs(t, err, adapter.InvalidArgument)
		}
	}
	negative := driver.Region{Buffer: drv, Offset: 4, Size: -2}
	require.ErrorIs(t, s.Copy(ctx, negative, negative), adapter.InvalidArgument)
	assert.Empty(t, p.calls, "the driver sees none of it")
}

func TestCopyRoundTrip(t *testing.T) {
	d := adapter.New("plain", &plain{})
	b, err := d.Alloc(8, driver.DeviceMemory)
	require.NoError(t, err)
	part, err := b.Slice(2, 3)
	require.NoError(t, err)
	require.NoError(t, d.CopyIn(ctx, part, []byte{1, 2, 3}))
	got := make([]byte, 8)
	require.NoError(t, d.CopyOut(ctx, got, b.All()))
	assert.Equal(t, []byte{0xEE, 0xEE, 1, 2, 3, 0xEE, 0xEE, 0xEE}, got)
}

func TestUseAfterFree(t *testing.T) {
	d := adapter.New("plain", &plain{})
	b, err := d.Alloc(8, driver.DeviceMemory)
	require.NoError(t, err)
	require.NoError(t, b.Free())
	assert.ErrorIs(t, b.Free(), adapter.Closed)
	_, err = b.Slice(0, 1)
	assert.ErrorIs(t, err, adapter.Closed)
	assert.Zero(t, b.All())
	assert.Error(t, d.CopyIn(ctx, b.All(), nil))
	assert.EqualValues(t, 1, d.Stats().Frees, "freed once")
}

func TestImportCopiesWhereItMust(t *testing.T) {
	host := []byte{1, 2, 3}
	p := &plain{}
	d := adapter.New("plain", p)
	assert.False(t, d.CanImport())
	b, err := d.Import(ctx, host)
	require.NoError(t, err)
	assert.Equal(t, []string{"Alloc", "CopyIn"}, p.calls)
	got := make([]byte, 3)
	require.NoError(t, d.CopyOut(ctx, got, b.All()))
	assert.Equal(t, host, got)
	assert.EqualValues(t, 3, d.Stats().InUse)

	none, err := d.Import(ctx, nil)
	require.NoError(t, err)
	assert.Zero(t, none.Size())
}

func TestImportWithoutCopying(t *testing.T) {
	host := []byte{1, 2, 3}
	r := &rich{plain{caps: driver.CapHostImporter | driver.CapHostMapper}}
	d := adapter.New("rich", r)
	assert.True(t, d.CanImport())
	b, err := d.Import(ctx, host)
	require.NoError(t, err)
	assert.Equal(t, []string{"Import"}, r.calls)
	got, ok := d.HostBytes(b.All())
	require.True(t, ok)
	assert.Same(t, &host[0], &got[0])
	require.NoError(t, b.Free())
	assert.Zero(t, d.Stats().Allocs, "no memory of the device was taken")
}

// picky declines to import, as a device does where an alignment does not suit.
type picky struct{ rich }

func (p *picky) Import([]byte) (driver.Buffer, error) { return nil, driver.ErrSkip }

// Copy declines likewise.
func (p *picky) Copy(driver.Stream, driver.Region, driver.Region) error { return driver.ErrSkip }

func TestDeclinedCallsTakeThePortablePath(t *testing.T) {
	p := &picky{rich{plain{caps: driver.CapHostImporter | driver.CapCopier}}}
	d := adapter.New("picky", p)
	b, err := d.Import(ctx, []byte{1, 2, 3, 4})
	require.NoError(t, err)
	s, err := d.NewStream()
	require.NoError(t, err)
	from, err := b.Slice(0, 2)
	require.NoError(t, err)
	to, err := b.Slice(2, 2)
	require.NoError(t, err)
	require.NoError(t, s.Copy(ctx, to, from))
	got := make([]byte, 4)
	require.NoError(t, d.CopyOut(ctx, got, b.All()))
	assert.Equal(t, []byte{1, 2, 1, 2}, got)
}

func TestHostBytes(t *testing.T) {
	d := adapter.New("plain", &plain{})
	b, err := d.Alloc(4, driver.DeviceMemory)
	require.NoError(t, err)
	_, ok := d.HostBytes(b.All())
	assert.False(t, ok, "the device does not map")

	d = adapter.New("rich", &rich{plain{caps: driver.CapHostMapper}})
	b, err = d.Alloc(4, driver.DeviceMemory)
	require.NoError(t, err)
	got, ok := d.HostBytes(b.All())
	require.True(t, ok)
	assert.Equal(t, bytes.Repeat([]byte{0xEE}, 4), got)
	_, ok = d.HostBytes(driver.Region{Buffer: b.All().Buffer, Offset: 3, Size: 2})
	assert.False(t, ok, "outside the buffer")
	_, ok = d.HostBytes(driver.Region{})
	assert.False(t, ok)
}
