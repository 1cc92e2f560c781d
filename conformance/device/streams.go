package device

import (
	"context"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// soon is how long a device may take for what it has nothing to wait for.
const soon = 10 * time.Second

func streamCells() []Cell {
	return []Cell{
		works("Streamer.NewStream", orderWorks),
		faulty("Streamer.NewStream", "fault", func(p *probe) {
			p.inject("NewStream@1=fail")
			_, err := p.d.NewStream()
			p.failed(err, driver.Internal, driver.ScopeCall, "a stream")
			p.sync(p.stream())
		}),
		works("Streamer.NewEvent", func(p *probe) {
			e := p.event()
			happened, err := e.Query()
			p.must(err, "asking an event that was never recorded")
			p.expect(happened, "an event that was never recorded has not happened")
			p.must(e.Synchronize(p.ctx), "waiting for it")
			p.must(e.Close(), "closing it")
		}),
		works("Stream.Record", eventsWork),
		refuses("Stream.Record", func(p *probe) {
			s, e := p.stream(), p.event()
			foreign, err := p.second().NewEvent()
			p.must(err, "an event of another device")
			p.refused(s.Record(foreign), driver.InvalidArgument, "an event of another device")
			p.refused(s.Record(nil), driver.InvalidArgument, "no event")
			p.must(e.Close(), "closing an event")
			p.refused(s.Record(e), driver.Closed, "a closed event")
		}),
		works("Stream.Wait", waitWorks),
		refuses("Stream.Wait", func(p *probe) {
			s, e := p.stream(), p.event()
			p.refused(s.Wait(p.ctx, nil), driver.InvalidArgument, "no event")
			p.must(e.Close(), "closing an event")
			p.refused(s.Wait(p.ctx, e), driver.Closed, "a closed event")
		}),
		faulty("Stream.Wait", "fault", func(p *probe) {
			s, t, e, b := p.stream(), p.stream(), p.event(), p.alloc(64)
			p.inject("Fill@1=fail")
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "enqueuing what will fail")
			p.must(s.Record(e), "recording")
			p.must(t.Wait(p.ctx, e), "another stream waits")
			p.must(t.Fill(p.ctx, b.All(), []byte{2}), "and works on it")
			p.failed(t.Synchronize(p.ctx), driver.Internal, driver.ScopeStream, "the stream that depends on what failed")
			p.failed(s.Synchronize(p.ctx), driver.Internal, driver.ScopeStream, "the stream that failed")
		}),
		works("Stream.Query", func(p *probe) {
			s, b := p.stream(), p.alloc(64)
			done, err := s.Query()
			p.must(err, "asking an idle stream")
			p.expect(done, "an idle stream is not done")
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "filling")
			p.eventually(soon, func() bool { done, err = s.Query(); return done || err != nil }, "the stream's work")
			p.must(err, "asking a stream that is done")
			p.same(p.bytes(b)[:1], []byte{1}, "what the stream has done")
		}),
		works("Stream.Synchronize", orderWorks),
		faulty("Stream.Synchronize", "fault", func(p *probe) {
			s, b := p.stream(), p.alloc(64)
			p.inject("Fill@1=fail")
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "enqueuing what will fail")
			p.failed(s.Synchronize(p.ctx), driver.Internal, driver.ScopeStream, "the stream")
			p.sync(s)
			p.must(s.Fill(p.ctx, b.All(), []byte{2}), "using the stream again")
			p.sync(s)
			p.same(p.bytes(b)[:1], []byte{2}, "what the stream has done since")
		}),
		faulty("Stream.Synchronize", "deadline", func(p *probe) {
			s, b := p.stream(), p.alloc(64)
			p.inject("Fill@1=hang")
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "enqueuing what will hang")
			ctx, cancel := context.WithTimeout(p.ctx, 50*time.Millisecond)
			defer cancel()
			p.within(time.Second, "a wait of 50 ms for a stream that hangs", func() {
				p.refused(s.Synchronize(ctx), driver.Canceled, "a wait of 50 ms")
			})
			p.within(time.Second, "a wait of 50 ms for a device that hangs", func() {
				p.refused(p.d.Synchronize(ctx), driver.Canceled, "a wait of 50 ms")
			})
			p.within(soon, "closing a device that hangs", func() { p.must(p.d.Close(), "closing") })
		}),
		works("Stream.Close", func(p *probe) {
			s, b := p.stream(), p.alloc(1<<16)
			p.must(s.Fill(p.ctx, b.All(), []byte{3}), "filling")
			p.must(s.Close(), "closing with work under way")
			p.same(p.bytes(b)[1<<16-1:], []byte{3}, "the work under way when the stream was closed")
			p.refused(s.Close(), driver.Closed, "closing twice")
		}),
		works("Event.Query", eventsWork),
		works("Event.Synchronize", eventsWork),
		works("Event.Since", sinceWorks),
		refuses("Event.Since", func(p *probe) {
			s, e, never := p.stream(), p.event(), p.event()
			p.must(s.Record(e), "recording")
			p.sync(s)
			foreign, err := p.second().NewEvent()
			p.must(err, "an event of another device")
			closed := p.event()
			p.must(s.Record(closed), "recording")
			p.sync(s)
			p.must(closed.Close(), "closing")
			for what, earlier := range map[string]*adapter.Event{"never recorded": never, "of another device": foreign, "that is none": nil} {
				_, err := e.Since(earlier)
				p.refused(err, driver.InvalidArgument, "the time since an event %s", what)
			}
			_, err = e.Since(closed)
			p.refused(err, driver.Closed, "the time since a closed event")
			_, err = never.Since(e)
			p.refused(err, driver.InvalidArgument, "the time to an event never recorded")
		}),
		works("Event.Close", func(p *probe) {
			s, e, b := p.stream(), p.event(), p.alloc(64)
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "filling")
			p.must(s.Record(e), "recording")
			p.must(e.Close(), "closing an event that may not have happened")
			p.sync(s)
			p.refused(e.Close(), driver.Closed, "closing twice")
		}),
		works("PriorityStreamer.Priorities", func(p *probe) {
			least, greatest := p.d.Priorities()
			p.expect(least <= 0 && greatest >= 0, "priorities from %d to %d; 0 is one of them", least, greatest)
		}),
		works("PriorityStreamer.NewPriorityStream", prioritiesWork),
		works("HostCaller.CallHost", callsWork),
		refuses("HostCaller.CallHost", func(p *probe) {
			p.refused(p.stream().CallHost(p.ctx, nil), driver.InvalidArgument, "no function")
		}),
		faulty("HostCaller.CallHost", "fault", func(p *probe) {
			s, b := p.stream(), p.alloc(64)
			told := make(chan error, 1)
			p.inject("Fill@1=fail")
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "enqueuing what will fail")
			p.must(s.CallHost(p.ctx, func(failed error) { told <- failed }), "enqueuing a call")
			select {
			case err := <-told:
				p.refused(err, driver.Internal, "what the function was told of the work before")
			case <-time.After(soon):
				p.wrong("the function was not called within %v after work that failed", soon)
			}
		}),
	}
}

// within ends the check where something takes too long.
func (p *probe) within(bound time.Duration, what string, f func()) {
	start := time.Now()
	f()
	if took := time.Since(start); took > bound {
		p.wrong("%s: %v; it must end within %v", what, took, bound)
	}
}

// orderWorks has a stream's work leave what its order leaves.
func orderWorks(p *probe) {
	const n = 1 << 14
	s, t := p.stream(), p.stream()
	a, b := p.alloc(n), p.alloc(n)
	for i := range byte(50) {
		p.must(s.Fill(p.ctx, a.All(), []byte{i}), "filling")
		p.must(s.Copy(p.ctx, b.All(), a.All()), "copying")
		p.must(s.Fill(p.ctx, a.All(), []byte{0xFF}), "filling again")
	}
	p.sync(s)
	p.sync(s) // again, with nothing to wait for
	p.sync(t)
	p.same(p.bytes(b)[n-1:], []byte{49}, "what the last round has copied")
	p.must(s.Close(), "closing a stream")
	p.must(t.Fill(p.ctx, a.All(), []byte{1}), "another stream, when one is closed")
	p.sync(t)
}

func eventsWork(p *probe) {
	s, e, b := p.stream(), p.event(), p.alloc(1<<15)
	for i := range byte(10) { // recorded again, it stands for the later point
		p.must(s.Fill(p.ctx, b.All(), []byte{i}), "filling")
		p.must(s.Record(e), "recording")
		p.must(e.Synchronize(p.ctx), "waiting for the event")
		happened, err := e.Query()
		p.must(err, "asking the event")
		p.expect(happened, "the event was waited for, and has not happened")
		p.same(p.bytes(b)[:1], []byte{i}, "the work before the event")
	}
}

// waitWorks has two streams take turns, by events alone.
func waitWorks(p *probe) {
	const rounds = 20
	s, t := p.stream(), p.stream()
	a, out := p.alloc(4096), make([][]byte, rounds)
	for i := range rounds {
		written, read := p.event(), p.event()
		out[i] = make([]byte, 4096)
		p.must(s.Fill(p.ctx, a.All(), []byte{byte(i)}), "filling")
		p.must(s.Record(written), "recording")
		p.must(t.Wait(p.ctx, written), "waiting")
		p.must(t.CopyOut(p.ctx, out[i], a.All()), "reading on the other stream")
		p.must(t.Record(read), "recording")
		p.must(s.Wait(p.ctx, read), "waiting")
	}
	p.sync(s)
	p.sync(t)
	for i := range rounds {
		p.same(out[i][4095:], []byte{byte(i)}, "what the other stream has read in round %d", i)
	}
	foreign := p.second()
	fs := p.streamOf(foreign)
	e, err := foreign.NewEvent()
	p.must(err, "an event of another device")
	p.must(fs.Record(e), "recording there")
	p.must(s.Wait(p.ctx, e), "waiting for an event of another device")
	p.sync(s)
}

func sinceWorks(p *probe) {
	s, from, to, b := p.stream(), p.event(), p.event(), p.alloc(1<<20)
	start := time.Now()
	p.must(s.Record(from), "recording")
	for i := range byte(4) {
		p.must(s.Fill(p.ctx, b.All(), []byte{i}), "filling")
	}
	p.must(s.Record(to), "recording")
	p.sync(s)
	took, host := time.Duration(0), time.Since(start)
	took, err := to.Since(from)
	p.must(err, "the time between two events")
	p.expect(took >= 0 && took <= host+time.Second, "the device says that %v passed, in %v of the host's", took, host)
	same, err := to.Since(to)
	p.must(err, "the time from an event to itself")
	p.expect(same == 0, "%v from an event to itself", same)
}

func prioritiesWork(p *probe) {
	least, greatest := p.d.Priorities()
	for _, priority := range []int{least, 0, greatest, least - 10, greatest + 10} {
		s, err := p.d.NewPriorityStream(priority)
		p.must(err, "a stream of priority %d", priority)
		b := p.alloc(64)
		p.must(s.Fill(p.ctx, b.All(), []byte{1}), "filling")
		p.sync(s)
		p.same(p.bytes(b)[:1], []byte{1}, "what a stream of priority %d has done", priority)
		p.must(s.Close(), "closing a stream of priority %d", priority)
	}
	if p.has(driver.CapPriorityStreamer) {
		s, err := native[driver.PriorityStreamer](p).NewPriorityStream(greatest)
		p.must(err, "a stream of the greatest priority")
		p.must(s.Close(), "closing it")
	}
}

func callsWork(p *probe) {
	s, b, got := p.stream(), p.alloc(4096), make([]byte, 4096)
	var order []int
	for i := range 10 {
		p.must(s.CopyIn(p.ctx, b.All(), pattern(4096, byte(i))), "copying in")
		p.must(s.CopyOut(p.ctx, got, b.All()), "copying out")
		p.must(s.CallHost(p.ctx, func(failed error) {
			if failed == nil && string(got) == string(pattern(4096, byte(i))) {
				order = append(order, i)
			}
		}), "enqueuing a call")
	}
	p.sync(s)
	p.expect(len(order) == 10, "%d of 10 calls saw the work before them done, and nothing of the work behind", len(order))
	for i, n := range order {
		p.expect(i == n, "calls in the order %v", order)
	}
}
