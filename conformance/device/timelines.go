package device

import (
	"context"
	"errors"
	"math"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func timelineCells() []Cell {
	return []Cell{
		works("Timeliner.NewTimeline", func(p *probe) {
			for _, initial := range []uint64{0, 7, math.MaxUint64 - 1} {
				t := p.timeline(initial)
				p.value(t, initial)
				p.must(t.Await(p.ctx, initial), "waiting for the value that it has")
				p.must(t.Close(), "closing")
			}
		}),
		works("Timeline.Signal", timelineWorks),
		refuses("Timeline.Signal", func(p *probe) {
			t, foreign := p.timeline(5), p.streamOf(p.second())
			for _, v := range []uint64{5, 4, 0} {
				p.refused(t.Signal(p.ctx, nil, v), driver.InvalidArgument, "value %d after 5", v)
			}
			p.refused(t.Signal(p.ctx, foreign, 6), driver.InvalidArgument, "a stream of another device")
			p.value(t, 5)
		}),
		works("Timeline.Wait", timelineWorks),
		refuses("Timeline.Wait", func(p *probe) {
			p.refused(p.timeline(0).Wait(p.ctx, p.streamOf(p.second()), 0), driver.InvalidArgument, "a stream of another device")
		}),
		works("Timeline.Value", func(p *probe) {
			t := p.timeline(1)
			p.must(t.Signal(p.ctx, nil, 9), "signalling")
			p.value(t, 9)
		}),
		works("Timeline.Await", func(p *probe) {
			t := p.timeline(0)
			ended := make(chan error, 1)
			go func() { ended <- t.Await(p.ctx, 3) }()
			p.must(t.Signal(p.ctx, nil, 2), "signalling too little")
			select {
			case err := <-ended:
				p.wrong("it waited for 3, and ended at 2: %v", err)
			case <-time.After(10 * time.Millisecond):
			}
			p.must(t.Signal(p.ctx, nil, 4), "signalling more")
			p.must(<-ended, "waiting on the host")
		}),
		cell("Timeline.Await", "deadline", func(p *probe) {
			ctx, cancel := context.WithTimeout(p.ctx, 20*time.Millisecond)
			defer cancel()
			p.within(time.Second, "a wait of 20 ms", func() {
				p.refused(p.timeline(0).Await(ctx, 1), driver.Canceled, "a value that never comes")
			})
		}),
		works("Timeline.Fail", func(p *probe) {
			t, cause := p.timeline(0), errors.New("the cause")
			ended := make(chan error, 1)
			go func() { ended <- t.Await(p.ctx, 1) }()
			p.must(t.Fail(cause), "failing")
			p.must(t.Fail(errors.New("a later cause")), "failing again")
			for _, err := range []error{<-ended, t.Await(p.ctx, 1), t.Signal(p.ctx, nil, 1)} {
				p.expect(errors.Is(err, cause), "those who wait are told: %v; it must be the first cause", err)
			}
			_, err := t.Value()
			p.expect(errors.Is(err, cause), "the value comes with: %v", err)
		}),
		refuses("Timeline.Fail", func(p *probe) {
			t := p.timeline(3)
			p.refused(t.Fail(nil), driver.InvalidArgument, "no cause")
			p.value(t, 3)
		}),
		works("Timeline.Close", func(p *probe) {
			t := p.timeline(0)
			p.must(t.Close(), "closing")
			p.refused(t.Close(), driver.Closed, "closing twice")
		}),
	}
}

func (p *probe) timeline(initial uint64) *adapter.Timeline {
	t, err := p.d.NewTimeline(initial)
	p.must(err, "a timeline")
	return t
}

func (p *probe) value(t *adapter.Timeline, want uint64) {
	got, err := t.Value()
	p.must(err, "the value")
	p.expect(got == want, "the value is %d, not %d", got, want)
}

// timelineWorks has a stream wait for another, and for the host. What the host
// signals comes first, because a device without timelines waits there.
func timelineWorks(p *probe) {
	const n = 1 << 14
	t, s, u := p.timeline(0), p.stream(), p.stream()
	b, got := p.alloc(n), make([]byte, n)
	p.must(t.Signal(p.ctx, nil, 1), "the host signals")
	p.must(t.Wait(p.ctx, s, 1), "a stream waits for the host")
	p.must(s.Fill(p.ctx, b.All(), []byte{5}), "filling")
	p.must(t.Signal(p.ctx, s, 10), "the stream signals")
	p.must(t.Wait(p.ctx, u, 10), "another stream waits for it")
	p.must(u.CopyOut(p.ctx, got, b.All()), "and reads")
	p.must(t.Signal(p.ctx, u, 11), "and signals")
	p.must(t.Await(p.ctx, 11), "the host waits for that")
	p.value(t, 11)
	p.same(got[n-1:], []byte{5}, "what the second stream has read")
	p.sync(s)
	p.sync(u)
}
