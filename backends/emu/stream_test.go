package emu_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/emu"
)

func TestWorkIsAsynchronousAndInOrder(t *testing.T) {
	g := newGate("CopyIn")
	_, d := open(t, &emu.Options{Fault: g.fault})
	b, s := buffer(t, d, 2), stream(t, d)
	got := make([]byte, 2)
	sent := []byte{1, 1}
	require.NoError(t, s.CopyIn(ctx, b.All(), sent))
	require.NoError(t, s.CopyOut(ctx, got, b.All()))
	assert.Equal(t, emu.Poison, string(read(t, d, b)), "who does not synchronise sees poison")
	assert.Equal(t, []byte{0, 0}, got)
	done, err := s.Driver().Query()
	require.NoError(t, err)
	assert.False(t, done)

	sent[1] = 2 // too early: the stream has not got there
	close(g.opened)
	require.NoError(t, s.Synchronize(ctx))
	assert.Equal(t, []byte{1, 2}, got)
	done, err = s.Driver().Query()
	require.NoError(t, err)
	assert.True(t, done)
}

func TestWorkOfAStreamIsDoneInOrder(t *testing.T) {
	_, d := open(t, &emu.Options{MaxDelay: 200 * time.Microsecond, Seed: 7})
	b, s := buffer(t, d, 1), stream(t, d)
	var got [50][1]byte
	for i := range got {
		require.NoError(t, s.CopyIn(ctx, b.All(), []byte{byte(i)}))
		require.NoError(t, s.CopyOut(ctx, got[i][:], b.All()))
	}
	require.NoError(t, s.Synchronize(ctx))
	for i := range got {
		assert.EqualValues(t, i, got[i][0])
	}
}

func TestEventsOrderStreams(t *testing.T) {
	g := newGate("CopyIn")
	_, d := open(t, &emu.Options{Fault: g.fault})
	b, writer, reader := buffer(t, d, 1), stream(t, d), stream(t, d)
	written := event(t, d)
	happened, err := eventQuery(t, d, reader)
	require.NoError(t, err)
	assert.True(t, happened, "an event never recorded has happened")

	got := make([]byte, 1)
	require.NoError(t, writer.CopyIn(ctx, b.All(), []byte{9}))
	require.NoError(t, writer.Record(written))
	require.NoError(t, reader.Wait(ctx, written))
	require.NoError(t, reader.CopyOut(ctx, got, b.All()))
	short, cancel := context.WithTimeout(ctx, 2*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, reader.Synchronize(short), adapter.Canceled, "the reader waits for the writer")
	assert.ErrorIs(t, written.Synchronize(short), adapter.Canceled)
	assert.Equal(t, []byte{0}, got)

	close(g.opened)
	require.NoError(t, reader.Synchronize(ctx))
	assert.Equal(t, []byte{9}, got)
	require.NoError(t, written.Synchronize(ctx))
}

// eventQuery asks a new event of the driver.
func eventQuery(t *testing.T, d *adapter.Device, s *adapter.Stream) (bool, error) {
	t.Helper()
	streamer, ok := adapter.As[driver.Streamer](d)
	require.True(t, ok)
	e, err := streamer.NewEvent()
	require.NoError(t, err)
	require.NoError(t, s.Driver().Wait(e), "waiting for it is no wait")
	return e.Query()
}

func TestEventRecordedAgain(t *testing.T) {
	g := newGate("CopyIn")
	drv, d := open(t, &emu.Options{Fault: g.fault})
	b, s := buffer(t, d, 1), stream(t, d)
	e, err := drv.NewEvent()
	require.NoError(t, err)
	require.NoError(t, s.Driver().Record(e))
	require.NoError(t, e.Synchronize(ctx))
	happened, err := e.Query()
	require.NoError(t, err)
	assert.True(t, happened)

	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, s.Driver().Record(e))
	happened, err = e.Query()
	require.NoError(t, err)
	assert.False(t, happened, "it now stands for the later point")
	close(g.opened)
	require.NoError(t, e.Synchronize(ctx))
}

func TestEventTimes(t *testing.T) {
	const pause = 3 * time.Millisecond
	_, d := open(t, &emu.Options{MaxDelay: -1, Fault: func(op string) error {
		if op == "CopyIn" {
			time.Sleep(pause)
		}
		return nil
	}})
	b, s := buffer(t, d, 1), stream(t, d)
	begin, end := event(t, d), event(t, d)
	require.NoError(t, s.Record(begin))
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, s.Record(end))
	_, err := end.Since(begin)
	require.ErrorIs(t, err, adapter.InvalidArgument, "it has not happened yet")
	require.NoError(t, s.Synchronize(ctx))
	took, err := end.Since(begin)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, took, pause)
	back, err := begin.Since(end)
	require.NoError(t, err)
	assert.Equal(t, -took, back)
	_, err = end.Since(event(t, d))
	assert.ErrorIs(t, err, adapter.InvalidArgument, "never recorded")
}

// failNth returns a Fault that fails the n-th copy to the device, n from 1 on.
func failNth(n int, err error) func(string) error {
	count := 0
	return func(op string) error {
		if op != "CopyIn" {
			return nil
		}
		if count++; count == n {
			return err
		}
		return nil
	}
}

var errBurnt = errors.New("burnt out")

func TestFailureComesOutAtSynchronize(t *testing.T) {
	_, d := open(t, &emu.Options{Fault: failNth(2, errBurnt)})
	b, s := buffer(t, d, 3), stream(t, d)
	for i := range int64(3) {
		at, _ := b.Slice(i, 1)
		require.NoError(t, s.CopyIn(ctx, at, []byte{byte(i) + 1}))
	}
	err := s.Synchronize(ctx)
	require.ErrorIs(t, err, errBurnt)
	var e *adapter.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, driver.ScopeStream, e.Scope)
	assert.Equal(t, "CopyIn", e.Op)
	assert.Equal(t, "emu", e.Device)
	assert.Equal(t, []byte{1, emu.Poison[1], emu.Poison[0]}, read(t, d, b), "what was behind the failure has been skipped")

	at, _ := b.Slice(2, 1)
	require.NoError(t, s.CopyIn(ctx, at, []byte{7}))
	require.NoError(t, s.Synchronize(ctx), "usable again")
	assert.EqualValues(t, 7, read(t, d, b)[2])
}

func TestFailureWaitsForTheOneWhoAsks(t *testing.T) {
	drv, d := open(t, &emu.Options{Fault: failNth(1, errBurnt)})
	b, s, other := buffer(t, d, 1), stream(t, d), stream(t, d)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.ErrorIs(t, d.Synchronize(ctx), errBurnt, "the device knows")
	require.NoError(t, other.Synchronize(ctx), "another stream is not concerned")
	_, err := s.Driver().Query()
	require.ErrorIs(t, err, errBurnt, "asking does not clear it")
	require.ErrorIs(t, s.Synchronize(ctx), errBurnt)
	require.NoError(t, s.Synchronize(ctx))
	require.NoError(t, drv.Synchronize(ctx))
}

func TestCanceledSynchronizeLeavesTheFailure(t *testing.T) {
	opened := make(chan struct{})
	_, d := open(t, &emu.Options{Fault: func(op string) error {
		if op == "CopyIn" {
			<-opened
			return errBurnt
		}
		return nil
	}})
	b, s := buffer(t, d, 1), stream(t, d)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.ErrorIs(t, s.Synchronize(canceledContext()), adapter.Canceled)
	require.ErrorIs(t, d.Synchronize(canceledContext()), adapter.Canceled)
	close(opened)
	assert.ErrorIs(t, s.Synchronize(ctx), errBurnt)
}

func TestFailurePassesAlongEvents(t *testing.T) {
	_, d := open(t, &emu.Options{Fault: failNth(1, errBurnt)})
	b, writer, reader := buffer(t, d, 1), stream(t, d), stream(t, d)
	written := event(t, d)
	got := make([]byte, 1)
	require.NoError(t, writer.CopyIn(ctx, b.All(), []byte{9}))
	require.NoError(t, writer.Record(written))
	require.NoError(t, reader.Wait(ctx, written))
	require.NoError(t, reader.CopyOut(ctx, got, b.All()))
	require.ErrorIs(t, reader.Synchronize(ctx), errBurnt, "what the reader waited for was never written")
	assert.Equal(t, []byte{0}, got, "so it has not read it")
	require.ErrorIs(t, written.Synchronize(ctx), errBurnt)
	require.ErrorIs(t, writer.Synchronize(ctx), errBurnt)
	require.NoError(t, reader.Synchronize(ctx))
}

func TestFirstFailureCounts(t *testing.T) {
	_, d := open(t, &emu.Options{Fault: func(op string) error {
		switch op {
		case "CopyIn":
			return errBurnt
		case "CopyOut":
			return driver.Unavailable
		}
		return nil
	}})
	b, first, second := buffer(t, d, 1), stream(t, d), stream(t, d)
	failed := event(t, d)
	require.NoError(t, second.CopyOut(ctx, make([]byte, 1), b.All()))
	require.NoError(t, second.Record(failed))
	require.NoError(t, first.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, first.Wait(ctx, failed))
	err := first.Synchronize(ctx)
	assert.ErrorIs(t, err, errBurnt)
	assert.NotErrorIs(t, err, adapter.Unavailable)
	assert.ErrorIs(t, second.Synchronize(ctx), adapter.Unavailable)
}

func TestStreamClose(t *testing.T) {
	drv, d := open(t, &emu.Options{Fault: failNth(2, errBurnt)})
	b := buffer(t, d, 1)
	s := stream(t, d)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{1}))
	require.NoError(t, s.Close(), "waits for the work")
	assert.Equal(t, []byte{1}, read(t, d, b))

	s = stream(t, d)
	require.NoError(t, s.CopyIn(ctx, b.All(), []byte{2}))
	assert.ErrorIs(t, s.Close(), errBurnt, "a failure that nobody has asked for is not lost")

	raw, err := drv.NewStream()
	require.NoError(t, err)
	e, err := drv.NewEvent()
	require.NoError(t, err)
	require.NoError(t, raw.Close())
	for name, err := range map[string]error{
		"Close": raw.Close(), "Record": raw.Record(e), "Wait": raw.Wait(e), "CopyIn": drv.CopyInAsync(raw, b.All(), []byte{1}),
	} {
		assert.ErrorIs(t, err, driver.Closed, name)
	}
}

func TestHandlesOfAnotherDevice(t *testing.T) {
	drv, d := open(t, nil)
	other := emu.New(nil)
	defer other.Close()
	b := buffer(t, d, 1)
	s, err := drv.NewStream()
	require.NoError(t, err)
	e, err := drv.NewEvent()
	require.NoError(t, err)
	foreignStream, err := other.NewStream()
	require.NoError(t, err)
	foreignEvent, err := other.NewEvent()
	require.NoError(t, err)
	_, since := e.Since(foreignEvent)
	for name, err := range map[string]error{
		"Record": s.Record(foreignEvent), "Wait": s.Wait(foreignEvent), "Since": since,
		"CopyIn": drv.CopyInAsync(foreignStream, b.All(), []byte{1}),
	} {
		assert.ErrorIs(t, err, driver.InvalidArgument, name)
	}

	require.NoError(t, e.Close())
	_, query := e.Query()
	_, since = e.Since(e)
	for name, err := range map[string]error{
		"Close": e.Close(), "Query": query, "Synchronize": e.Synchronize(ctx), "Since": since, "Record": s.Record(e), "Wait": s.Wait(e),
	} {
		assert.ErrorIs(t, err, driver.Closed, name)
	}
}
