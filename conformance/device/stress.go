package device

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance/result"
)

// How often a thing is done, in every profile and in the one that takes hours.
const (
	someCycles, manyCycles = 200, 10_000
	someAllocs, manyAllocs = 10_000, 1_000_000
	someFaults, manyFaults = 60, 1_000
)

// LongLimit is how long a cell may take that takes minutes.
const LongLimit = 20 * time.Minute

func stressCells() []Cell {
	long := func(c Cell) Cell { c.Long = true; return c }
	return []Cell{
		cell("Device.Close", "reopened", func(p *probe) { p.reopens(someCycles) }),
		long(cell("Device.Close", "reopened-10000", func(p *probe) { p.reopens(manyCycles) })),
		cell("Buffer.Free", "repeated", func(p *probe) { p.allocates(someAllocs) }),
		long(cell("Buffer.Free", "repeated-1000000", func(p *probe) { p.allocates(manyAllocs) })),
		faulty("Stream.Synchronize", "faults", func(p *probe) { p.fails(someFaults) }),
		long(faulty("Stream.Synchronize", "faults-1000", func(p *probe) { p.fails(manyFaults) })),
	}
}

// held is what the process holds that a device may leave behind. Descriptors are
// -1 where the system does not tell.
type held struct{ goroutines, descriptors int }

func holding() held {
	h := held{runtime.NumGoroutine(), -1}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.descriptors = len(entries)
	}
	return h
}

// kept ends the check where more is held after so many rounds than before.
// Others use goroutines and descriptors meanwhile, so one in four rounds has to
// leave something behind to be noticed.
func (p *probe) kept(before held, rounds int) {
	now := before
	for range 50 {
		if now = holding(); now.goroutines-before.goroutines < rounds/4 && now.descriptors-before.descriptors < rounds/4 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.failf(result.FailLeak, "after %d rounds there are %d goroutines and %d descriptors, before there were %d and %d", rounds,
		now.goroutines, now.descriptors, before.goroutines, before.descriptors)
}

// reopens opens, uses and closes the device, leaving everything to Close.
func (p *probe) reopens(rounds int) {
	before := holding()
	for i := range rounds {
		drv, err := p.target.Open(p.ctx)
		p.must(err, "opening the device for the %dth time", i+1)
		d := adapter.NewOf(fmt.Sprintf("device, opened for the %dth time", i+1), drv, p.caps)
		b, s := p.uploadTo(d, pattern(100, byte(i))), p.streamOf(d)
		p.must(s.Fill(p.ctx, p.region(b, 0, 50), []byte{byte(i)}), "filling")
		p.must(d.Synchronize(p.ctx), "synchronising")
		p.same(p.bytes(b)[50:], pattern(100, byte(i))[50:], "memory")
		p.must(d.Close(), "closing the device for the %dth time", i+1)
	}
	p.kept(before, rounds)
}

// allocates allocates and frees, with some buffers alive at any time.
func (p *probe) allocates(rounds int) {
	before, stats := holding(), p.d.Stats()
	var alive [16]*adapter.Buffer
	for i := range rounds {
		at := i % len(alive)
		if alive[at] != nil {
			p.must(alive[at].Free(), "freeing for the %dth time", i)
		}
		b, err := p.d.Alloc(1+int64(i*7919%5000), driver.DeviceMemory)
		p.must(err, "allocating for the %dth time", i+1)
		alive[at] = b
		if i%1000 == 0 {
			p.must(p.d.CopyIn(p.ctx, b.All(), pattern(b.Size(), byte(i))), "writing")
			p.same(p.bytes(b), pattern(b.Size(), byte(i)), "memory")
		}
	}
	for _, b := range alive {
		p.must(b.Free(), "freeing what is left")
	}
	after := p.d.Stats()
	if after.InUse != stats.InUse || after.Allocs-after.Frees != stats.Allocs-stats.Frees {
		p.failf(result.FailLeak, "%d bytes in use, %d allocated and %d freed; before, %d, %d and %d", after.InUse, after.Allocs, after.Frees,
			stats.InUse, stats.Allocs, stats.Frees)
	}
	p.kept(before, rounds)
}

// fault is one to inject, and how it must come out.
type fault struct {
	kind  string
	code  driver.Code
	scope driver.Scope // of a call; that of a stream's work is at least the stream
}

var injected = []fault{
	{"fail", driver.Internal, driver.ScopeCall}, {"oom", driver.OutOfMemory, driver.ScopeCall}, {"ecc", driver.DataLoss, driver.ScopeCall},
	{"lost", driver.DeviceLost, driver.ScopeDevice},
}

// fails injects faults of every kind into calls and into a stream's work. Every
// one is to come out with its code and scope, and the device to work afterwards;
// one that is lost is opened again.
func (p *probe) fails(rounds int) {
	before := holding()
	ops := []string{"Alloc", "CopyIn", "CopyOut", "Fill", "Copy"}
	one := &victim{probe: p}
	for i := range rounds {
		if one.d == nil {
			one.open()
		}
		f, op, queued := injected[i%7%len(injected)], ops[i/7%len(ops)], i%2 == 1
		scope := f.scope
		if queued && op != "Alloc" && one.s.Driver() != nil {
			scope = max(scope, driver.ScopeStream)
		}
		p.must(one.drv.(Faulter).InjectFaults(op+"@1="+f.kind), "injecting")
		p.failed(one.use(op, queued), f.code, scope, "fault %d of %d, %s in %s", i+1, rounds, f.kind, op)
		p.must(one.drv.(Faulter).InjectFaults(""), "injecting nothing")
		if f.code == driver.DeviceLost {
			p.must(one.from.Free(), "freeing a buffer of a lost device")
			_ = one.d.Close() // that it is lost may be said once more
			one.d = nil
			continue
		}
		p.must(one.use(op, queued), "%s after fault %d", op, i+1)
	}
	if one.d != nil {
		p.must(one.d.Close(), "closing")
	}
	p.kept(before, rounds)
}

// victim is a device that is made to fail.
type victim struct {
	*probe
	drv      driver.Device
	d        *adapter.Device
	s        *adapter.Stream
	from, to *adapter.Buffer
}

func (v *victim) open() {
	drv, err := v.target.Open(v.ctx)
	v.must(err, "opening the device")
	v.drv, v.d = drv, adapter.New("device to fail", drv)
	v.others = append(v.others, v.d)
	v.s, v.from, v.to = v.streamOf(v.d), v.uploadTo(v.d, pattern(64, 1)), v.allocOn(v.d, 64)
}

// use does one operation, and waits for it.
func (v *victim) use(op string, queued bool) error {
	if op == "Alloc" {
		return allocated(v.d.Alloc(64, driver.DeviceMemory))
	}
	host, ctx, s := make([]byte, 64), v.ctx, v.s
	if !queued {
		switch op {
		case "CopyIn":
			return v.d.CopyIn(ctx, v.to.All(), host)
		case "CopyOut":
			return v.d.CopyOut(ctx, host, v.from.All())
		case "Fill":
			return v.d.Fill(ctx, v.to.All(), []byte{1})
		}
		return v.d.Copy(ctx, v.to.All(), v.from.All())
	}
	var err error
	switch op {
	case "CopyIn":
		err = s.CopyIn(ctx, v.to.All(), host)
	case "CopyOut":
		err = s.CopyOut(ctx, host, v.from.All())
	case "Fill":
		err = s.Fill(ctx, v.to.All(), []byte{1})
	default:
		err = s.Copy(ctx, v.to.All(), v.from.All())
	}
	if err != nil {
		return err
	}
	return s.Synchronize(ctx)
}
