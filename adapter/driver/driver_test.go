package driver_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// every implements every optional interface, and declares some.
type every struct {
	driver.Unimplemented
	declared driver.Caps
}

func (e every) Info() driver.Info                                     { return driver.Info{Caps: e.declared} }
func (every) NewStream() (driver.Stream, error)                       { return nil, nil }
func (every) NewEvent() (driver.Event, error)                         { return nil, nil }
func (every) CopyInAsync(driver.Stream, driver.Region, []byte) error  { return nil }
func (every) CopyOutAsync(driver.Stream, []byte, driver.Region) error { return nil }
func (every) Copy(driver.Stream, driver.Region, driver.Region) error  { return nil }
func (every) Stats() driver.Stats                                     { return driver.Stats{} }
func (every) HostBytes(driver.Region) ([]byte, error)                 { return nil, nil }
func (every) Import([]byte) (driver.Buffer, error)                    { return nil, nil }
func (every) ValueSize(tensor.DType, tensor.Shape) int64              { return 0 }
func (every) Alignment() int64                                        { return 0 }

func found(d driver.Device) map[driver.Caps]bool {
	has := make(map[driver.Caps]bool)
	_, has[driver.CapStreamer] = driver.As[driver.Streamer](d)
	_, has[driver.CapAsyncCopier] = driver.As[driver.AsyncCopier](d)
	_, has[driver.CapCopier] = driver.As[driver.Copier](d)
	_, has[driver.CapStatter] = driver.As[driver.Statter](d)
	_, has[driver.CapHostMapper] = driver.As[driver.HostMapper](d)
	_, has[driver.CapHostImporter] = driver.As[driver.HostImporter](d)
	_, has[driver.CapSizer] = driver.As[driver.Sizer](d)
	return has
}

func TestAsFindsWhatIsDeclared(t *testing.T) {
	for bit, name := range map[driver.Caps]string{
		driver.CapStreamer: "Streamer", driver.CapAsyncCopier: "AsyncCopier", driver.CapCopier: "Copier", driver.CapStatter: "Statter",
		driver.CapHostMapper: "HostMapper", driver.CapHostImporter: "HostImporter", driver.CapSizer: "Sizer",
	} {
		for other, has := range found(every{declared: bit}) {
			assert.Equal(t, other == bit, has, "declares %s, asked for %v", name, other.Names())
		}
		for other, has := range found(every{declared: ^bit}) {
			assert.Equal(t, other != bit, has, "declares all but %s, asked for %v", name, other.Names())
		}
		assert.Equal(t, []string{name}, bit.Names())
		boast := struct{ driver.Device }{every{declared: bit}} // has the device's methods only
		assert.False(t, found(boast)[bit], "%s is declared and not implemented", name)
	}
}

func TestCaps(t *testing.T) {
	c := driver.CapStreamer | driver.CapSizer
	assert.True(t, c.Has(driver.CapStreamer))
	assert.True(t, c.Has(c))
	assert.False(t, c.Has(driver.CapStreamer|driver.CapCopier), "all bits must be set")
	assert.Equal(t, []string{"Streamer", "Sizer"}, c.Names())
	assert.Empty(t, driver.Caps(0).Names())
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]*driver.Error{
		"out of memory":                            {Code: driver.OutOfMemory},
		"Alloc: out of memory: 7 bytes":            driver.Errorf(driver.OutOfMemory, "Alloc", "%d bytes", 7),
		"emu:0: Alloc: out of memory":              {Code: driver.OutOfMemory, Op: "Alloc", Device: "emu:0"},
		"Alloc: internal error (vendor: -5 CL_NO)": {Code: driver.Internal, Op: "Alloc", VendorCode: -5, VendorText: "CL_NO"},
		"Alloc: closed: early: context canceled":   {Code: driver.Closed, Op: "Alloc", Text: "early", Err: context.Canceled},
		"code 200":                                 {Code: 200},
		"code 0":                                   {},
	} {
		assert.EqualError(t, e, want)
	}
}

func TestErrorUnwraps(t *testing.T) {
	cause := errors.New("cause")
	var err error = &driver.Error{Code: driver.Canceled, Err: fmt.Errorf("outer: %w", cause)}
	assert.ErrorIs(t, err, driver.Canceled)
	assert.ErrorIs(t, err, cause)
	assert.NotErrorIs(t, err, driver.Closed)
	err = fmt.Errorf("more: %w", err)
	var code driver.Code
	require.ErrorAs(t, err, &code)
	assert.Equal(t, driver.Canceled, code)
}

func TestCodesAndScopesHaveNames(t *testing.T) {
	seen := make(map[string]bool)
	for c := driver.Internal; c <= driver.DataLoss; c++ {
		assert.NotEmpty(t, c.Error())
		assert.NotContains(t, c.Error(), "code ")
		assert.False(t, seen[c.Error()], "two codes are called %q", c)
		seen[c.Error()] = true
	}
	assert.Equal(t, "call", driver.Scope(0).String())
	assert.Equal(t, "process", driver.ScopeProcess.String())
	assert.Equal(t, "scope 9", driver.Scope(9).String())
}

func TestAsError(t *testing.T) {
	cause := errors.New("cause")
	own := &driver.Error{Code: driver.OutOfMemory, Scope: driver.ScopeStream, Retryable: true, Text: "full", VendorCode: 3}

	e := driver.AsError("Alloc", own)
	assert.Equal(t, "Alloc: out of memory: full (vendor: 3 )", e.Error())
	assert.Empty(t, own.Op, "a copy")
	assert.Equal(t, "Free", driver.AsError("Alloc", &driver.Error{Code: driver.Closed, Op: "Free"}).Op, "the inner call is nearer")

	e = driver.AsError("Alloc", fmt.Errorf("bank 2: %w", own))
	assert.Equal(t, driver.Error{Code: driver.OutOfMemory, Scope: driver.ScopeStream, Retryable: true, VendorCode: 3, Op: "Alloc", Err: e.Err}, *e)
	assert.ErrorIs(t, e, own)
	assert.ErrorContains(t, e, "bank 2: out of memory: full")

	assert.Equal(t, driver.Canceled, driver.AsError("", fmt.Errorf("x: %w", context.DeadlineExceeded)).Code)
	assert.EqualError(t, driver.AsError("Copy", driver.DeviceLost), "Copy: device lost")
	assert.EqualError(t, driver.AsError("Copy", fmt.Errorf("bus 2: %w", driver.DeviceLost)), "Copy: device lost: bus 2: device lost")
	e = driver.AsError("Copy", cause)
	assert.Equal(t, driver.Internal, e.Code)
	assert.ErrorIs(t, e, cause)
}

func TestUnimplemented(t *testing.T) {
	var d driver.Device = driver.Unimplemented{}
	ctx := context.Background()
	_, err := d.Alloc(1, driver.DeviceMemory)
	for op, err := range map[string]error{
		"Alloc": err, "CopyIn": d.CopyIn(ctx, driver.Region{}, nil), "CopyOut": d.CopyOut(ctx, nil, driver.Region{}),
	} {
		require.ErrorIs(t, err, driver.Unsupported)
		assert.ErrorContains(t, err, op)
	}
	assert.NoError(t, d.Synchronize(ctx))
	assert.NoError(t, d.Close())
	assert.Zero(t, d.Info())
}

func TestAsOfCountsTheGivenCapabilities(t *testing.T) {
	d := every{declared: driver.CapCopier}
	_, ok := driver.AsOf[driver.Copier](d, 0)
	assert.False(t, ok)
	_, ok = driver.AsOf[driver.Sizer](d, driver.CapSizer)
	assert.True(t, ok)
	_, ok = driver.AsOf[driver.Filler](d, ^driver.Caps(0))
	assert.False(t, ok, "not implemented")
}

func TestNegotiate(t *testing.T) {
	for _, c := range []struct {
		program, driver, want driver.Version
		refused               bool
	}{
		{program: driver.Version{Major: 1, Minor: 1}, driver: driver.Version{Major: 1, Minor: 1}, want: driver.Version{Major: 1, Minor: 1}},
		{program: driver.Version{Major: 1, Minor: 1}, driver: driver.Version{Major: 1, Minor: 0}, want: driver.Version{Major: 1, Minor: 0}},
		{program: driver.Version{Major: 1, Minor: 1}, driver: driver.Version{Major: 1, Minor: 9}, want: driver.Version{Major: 1, Minor: 1}},
		{program: driver.Version{Major: 1, Minor: 1}, driver: driver.Version{Major: 2, Minor: 0}, refused: true},
		{program: driver.Version{Major: 2, Minor: 3}, driver: driver.Version{Major: 1, Minor: 3}, refused: true},
		{program: driver.Version{Major: 1, Minor: 1}, driver: driver.Version{Major: 1, Minor: -1}, refused: true},
		{program: driver.Version{}, driver: driver.Version{}, refused: true},
	} {
		got, err := driver.Negotiate(c.program, c.driver)
		assert.Equal(t, c.want, got)
		if c.refused {
			require.ErrorIs(t, err, driver.Incompatible)
			assert.ErrorContains(t, err, c.driver.String())
			assert.ErrorContains(t, err, c.program.String())
			continue
		}
		assert.NoError(t, err)
	}
	assert.Equal(t, driver.CapSizer<<1-1, driver.CapsOf(driver.Version{Major: 1, Minor: 0}), "what version 1.0 had")
	assert.Zero(t, driver.CapsOf(driver.Version{Major: 2, Minor: 0}))
}

func TestStatsOfUnknown(t *testing.T) {
	s := driver.Stats{InUse: 30}
	_, known := s.Free()
	assert.False(t, known, "no limit is known")
	s.Limit = 100
	free, known := s.Free()
	assert.True(t, known)
	assert.EqualValues(t, 70, free)
	_, known = s.Fragmentation()
	assert.False(t, known)
	s.Known, s.LargestFree = driver.StatLargestFree, 35
	part, known := s.Fragmentation()
	assert.True(t, known)
	assert.InDelta(t, 0.5, part, 1e-12)
	s.InUse, s.LargestFree = 100, 0
	part, known = s.Fragmentation()
	assert.True(t, known)
	assert.Zero(t, part, "nothing is free")
	s.InUse = 130
	free, _ = s.Free()
	assert.Zero(t, free, "more in use than the limit, which was lowered")
}

func TestEnumerationsHaveNames(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"unified": driver.UnifiedMemory, "memory kind 9": driver.MemoryKind(9), "weights": driver.WeightUsage, "usage 8": driver.Usage(8),
		"permission": driver.CausePermission, "": driver.CauseNone, "cause 99": driver.Cause(99), "dma-buf": driver.ExternalDMABuf,
		"staged": driver.PathStaged, "mean": driver.Mean, "same device": driver.SameDevice, "throttled": driver.HealthThrottled,
		"health event 50": driver.HealthKind(50), "1.1": driver.Interface,
	} {
		assert.Equal(t, want, got.String())
	}
}
