package device

import (
	"context"
	"errors"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// handles are one of every kind that the device has. Those that it lacks are nil.
type handles struct {
	d, peer    *adapter.Device
	from, to   *adapter.Buffer // of 64 bytes
	there      *adapter.Buffer // on the peer
	shared     *adapter.Buffer // nil where nothing can be shared
	s          *adapter.Stream
	e, earlier *adapter.Event // both have happened
	timeline   *adapter.Timeline
	graph      *adapter.Graph
	generator  *adapter.Generator
	comm       *adapter.Comm
	host       []byte
}

// call uses a function with arguments that are as they must be. It does not wait
// for what never comes.
type call struct {
	id    string
	takes bool // a context: ended, it ends the call
	quiet bool // has no error to return: it must be safe, and that is all
	do    func(ctx context.Context, h *handles) error
}

// calls are those of every function that programs can reach through a device.
// Drivers are opened by name: see the cells of Driver.Open.
var calls = []call{
	{id: "Device.Info", quiet: true, do: func(_ context.Context, h *handles) error { h.d.Info(); return nil }},
	{id: "Device.Alloc", do: func(_ context.Context, h *handles) error {
		return allocated(h.d.Alloc(8, driver.DeviceMemory))
	}},
	{id: "Device.CopyIn", takes: true, do: func(ctx context.Context, h *handles) error { return h.d.CopyIn(ctx, h.to.All(), h.host) }},
	{id: "Device.CopyOut", takes: true, do: func(ctx context.Context, h *handles) error { return h.d.CopyOut(ctx, h.host, h.from.All()) }},
	{id: "Device.Synchronize", takes: true, do: func(ctx context.Context, h *handles) error { return h.d.Synchronize(ctx) }},
	{id: "Buffer.Size", quiet: true, do: func(_ context.Context, h *handles) error { h.from.Size(); return nil }},
	{id: "Statter.Stats", quiet: true, do: func(_ context.Context, h *handles) error { h.d.Stats(); return nil }},
	{id: "HostMapper.HostBytes", quiet: true, do: func(_ context.Context, h *handles) error { h.d.HostBytes(h.from.All()); return nil }},
	{id: "HostImporter.Import", takes: true, do: func(ctx context.Context, h *handles) error { return allocated(h.d.Import(ctx, pages(1))) }},
	{id: "Sizer.ValueSize", quiet: true, do: func(_ context.Context, h *handles) error {
		h.d.ValueSize(tensor.Float32, tensor.Shape{3})
		return nil
	}},
	{id: "Sizer.Alignment", quiet: true, do: func(_ context.Context, h *handles) error { h.d.Alignment(); return nil }},
	{id: "MemoryDescriber.Heaps", quiet: true, do: func(_ context.Context, h *handles) error { h.d.Heaps(); return nil }},
	{id: "MemoryDescriber.Granularity", do: func(_ context.Context, h *handles) error {
		_, err := h.d.Granularity(driver.DeviceMemory)
		return err
	}},
	{id: "MemoryDescriber.Compatible", quiet: true, do: func(_ context.Context, h *handles) error {
		h.d.Compatible(driver.MemorySpec{Size: 8})
		return nil
	}},
	{id: "SpecAllocator.AllocSpec", do: func(_ context.Context, h *handles) error {
		return allocated(h.d.AllocSpec(driver.MemorySpec{Size: 8}))
	}},
	{id: "StreamAllocator.AllocOn", do: func(_ context.Context, h *handles) error { return allocated(h.s.AllocOn(8, driver.DeviceMemory)) }},
	{id: "StreamAllocator.FreeOn", quiet: true, do: func(_ context.Context, h *handles) error { return h.s.FreeOn(h.from) }},
	{id: "Trimmer.Trim", do: func(_ context.Context, h *handles) error { _, err := h.d.Trim(); return err }},
	{id: "Trimmer.SetMemoryLimit", do: func(_ context.Context, h *handles) error { return h.d.SetMemoryLimit(0) }},
	{id: "Sharer.Export", do: func(_ context.Context, h *handles) error {
		e, err := h.shared.Export(driver.ExternalFD)
		if err == nil {
			closeExternal(e)
		}
		return err
	}},
	{id: "Sharer.ImportExternal", do: func(_ context.Context, h *handles) error {
		return allocated(h.d.ImportExternal(driver.External{Kind: driver.ExternalFD, Size: 8}))
	}},
	{id: "AsyncCopier.CopyInAsync", takes: true, do: func(ctx context.Context, h *handles) error { return h.s.CopyIn(ctx, h.to.All(), h.host) }},
	{id: "AsyncCopier.CopyOutAsync", takes: true, do: func(ctx context.Context, h *handles) error { return h.s.CopyOut(ctx, h.host, h.from.All()) }},
	{id: "Copier.Copy", takes: true, do: func(ctx context.Context, h *handles) error { return h.s.Copy(ctx, h.to.All(), h.from.All()) }},
	{id: "RectCopier.CopyRect", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.s.CopyRect(ctx, h.to.All(), 8, h.from.All(), 8, 4, 8)
	}},
	{id: "Filler.Fill", takes: true, do: func(ctx context.Context, h *handles) error { return h.s.Fill(ctx, h.to.All(), []byte{1}) }},
	{id: "PeerCopier.PeerPath", quiet: true, do: func(_ context.Context, h *handles) error { h.d.CanCopy(h.peer); return nil }},
	{id: "PeerCopier.CopyPeer", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.d.CopyFrom(ctx, h.to.All(), h.peer, h.there.All())
	}},
	{id: "Linker.Links", quiet: true, do: func(_ context.Context, h *handles) error { h.d.Links(); return nil }},
	{id: "Streamer.NewStream", do: func(_ context.Context, h *handles) error { _, err := h.d.NewStream(); return err }},
	{id: "Streamer.NewEvent", do: func(_ context.Context, h *handles) error { _, err := h.d.NewEvent(); return err }},
	{id: "Stream.Record", do: func(_ context.Context, h *handles) error { return h.s.Record(h.e) }},
	{id: "Stream.Wait", takes: true, do: func(ctx context.Context, h *handles) error { return h.s.Wait(ctx, h.e) }},
	{id: "Stream.Query", do: func(_ context.Context, h *handles) error { _, err := h.s.Query(); return err }},
	{id: "Stream.Synchronize", takes: true, do: func(ctx context.Context, h *handles) error { return h.s.Synchronize(ctx) }},
	{id: "Event.Query", do: func(_ context.Context, h *handles) error { _, err := h.e.Query(); return err }},
	{id: "Event.Synchronize", takes: true, do: func(ctx context.Context, h *handles) error { return h.e.Synchronize(ctx) }},
	{id: "Event.Since", do: func(_ context.Context, h *handles) error { _, err := h.e.Since(h.earlier); return err }},
	{id: "PriorityStreamer.Priorities", quiet: true, do: func(_ context.Context, h *handles) error { h.d.Priorities(); return nil }},
	{id: "PriorityStreamer.NewPriorityStream", do: func(_ context.Context, h *handles) error {
		_, err := h.d.NewPriorityStream(0)
		return err
	}},
	{id: "HostCaller.CallHost", takes: true, do: func(ctx context.Context, h *handles) error { return h.s.CallHost(ctx, func(error) {}) }},
	{id: "Timeliner.NewTimeline", do: func(_ context.Context, h *handles) error { _, err := h.d.NewTimeline(0); return err }},
	{id: "Timeline.Signal", takes: true, do: func(ctx context.Context, h *handles) error { return h.timeline.Signal(ctx, nil, 9) }},
	{id: "Timeline.Wait", takes: true, do: func(ctx context.Context, h *handles) error { return h.timeline.Wait(ctx, h.s, 0) }},
	{id: "Timeline.Value", do: func(_ context.Context, h *handles) error { _, err := h.timeline.Value(); return err }},
	{id: "Timeline.Await", takes: true, do: func(ctx context.Context, h *handles) error { return h.timeline.Await(ctx, 0) }},
	{id: "Timeline.Fail", do: func(_ context.Context, h *handles) error { return h.timeline.Fail(errors.New("a cause")) }},
	{id: "Capturer.BeginCapture", do: func(_ context.Context, h *handles) error { return h.s.BeginCapture() }},
	{id: "Capturer.EndCapture", do: func(_ context.Context, h *handles) error {
		_, err := h.s.EndCapture()
		return err
	}},
	{id: "Graph.Launch", do: func(_ context.Context, h *handles) error { return h.graph.Launch(h.s) }},
	{id: "Randomizer.NewGenerator", do: func(_ context.Context, h *handles) error { _, err := h.d.NewGenerator(1); return err }},
	{id: "Generator.Bits", takes: true, do: func(ctx context.Context, h *handles) error { return h.generator.Bits(ctx, nil, h.to.All()) }},
	{id: "Generator.Uniform", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.generator.Uniform(ctx, nil, h.to.All(), tensor.Float32)
	}},
	{id: "Generator.Normal", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.generator.Normal(ctx, nil, h.to.All(), tensor.Float32)
	}},
	{id: "Generator.State", do: func(_ context.Context, h *handles) error { _, err := h.generator.State(); return err }},
	{id: "Generator.SetState", do: func(_ context.Context, h *handles) error { return h.generator.SetState(driver.GeneratorState{}) }},
	{id: "DeterminismSetter.SetDeterminism", do: func(_ context.Context, h *handles) error { return h.d.SetDeterminism(driver.AnyResult) }},
	{id: "Collective.NewCommID", do: func(_ context.Context, h *handles) error { _, err := adapter.NewCommID(h.d); return err }},
	{id: "Collective.JoinComm", takes: true, do: func(ctx context.Context, h *handles) error {
		_, err := h.d.JoinComm(ctx, driver.CommID{1, 2, 3}, 0, 1)
		return err
	}},
	{id: "Comm.AllReduce", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.comm.AllReduce(ctx, nil, h.to.All(), h.from.All(), tensor.Float32, driver.Sum)
	}},
	{id: "Comm.Broadcast", takes: true, do: func(ctx context.Context, h *handles) error { return h.comm.Broadcast(ctx, nil, h.to.All(), 0) }},
	{id: "Comm.Reduce", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.comm.Reduce(ctx, nil, h.to.All(), h.from.All(), tensor.Float32, driver.Sum, 0)
	}},
	{id: "Comm.AllGather", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.comm.AllGather(ctx, nil, h.to.All(), h.from.All())
	}},
	{id: "Comm.ReduceScatter", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.comm.ReduceScatter(ctx, nil, h.to.All(), h.from.All(), tensor.Float32, driver.Sum)
	}},
	{id: "Comm.AllToAll", takes: true, do: func(ctx context.Context, h *handles) error {
		return h.comm.AllToAll(ctx, nil, h.to.All(), h.from.All())
	}},
	{id: "Comm.Send", takes: true, do: func(ctx context.Context, h *handles) error { return h.comm.Send(ctx, nil, h.from.All(), 0) }},
	{id: "Comm.Recv", takes: true, do: func(ctx context.Context, h *handles) error { return h.comm.Recv(ctx, nil, h.to.All(), 0) }},
	{id: "Comm.GroupStart", do: func(_ context.Context, h *handles) error { return h.comm.GroupStart() }},
	{id: "Comm.GroupEnd", takes: true, do: func(ctx context.Context, h *handles) error {
		if err := h.comm.GroupStart(); err != nil {
			return err
		}
		return h.comm.GroupEnd(ctx)
	}},
	{id: "Comm.Abort", do: func(_ context.Context, h *handles) error { return h.comm.Abort() }},
	{id: "Watcher.Watch", takes: true, do: func(ctx context.Context, h *handles) error { _, err := h.d.Watch(ctx); return err }},
	{id: "Sensor.Telemetry", do: func(_ context.Context, h *handles) error { _, err := h.d.Telemetry(); return err }},
	{id: "Profiler.StartProfile", takes: true, do: func(ctx context.Context, h *handles) error {
		_, err := h.d.Profile(ctx, func() error { return nil })
		return err
	}},
	{id: "Partitioner.PartitionPlans", quiet: true, do: func(_ context.Context, h *handles) error { h.d.PartitionPlans(); return nil }},
	{id: "Partitioner.Partition", takes: true, do: func(ctx context.Context, h *handles) error {
		_, err := h.d.Partition(ctx, driver.PartitionSpec{Memory: 1 << 20, Compute: 0.1})
		return err
	}},
}

// allocated frees a buffer that a call made.
func allocated(b *adapter.Buffer, err error) error {
	if err != nil {
		return err
	}
	return b.Free()
}

// callCells are those of every call: under a context that has ended, on handles
// and a device that were closed, on a device that is lost.
func callCells() []Cell {
	var cells []Cell
	for _, c := range calls {
		if c.takes {
			cells = append(cells, cell(c.id, "canceled", func(p *probe) {
				p.within(soon, "a call under a context that has ended", func() {
					p.refused(c.do(canceled(), p.handles()), driver.Canceled, "a call under a context that has ended")
				})
			}))
		}
		cells = append(cells, cell(c.id, "closed", func(p *probe) { closedCall(p, c) }))
		cells = append(cells, faulty(c.id, "lost", func(p *probe) {
			h := p.handles()
			p.lose()
			p.within(driver.LossBound, "a call on a lost device", func() {
				if err := c.do(p.ctx, h); !c.quiet {
					p.refused(err, driver.DeviceLost, "a call on a lost device")
				}
			})
		}))
	}
	return cells
}

// closedCall makes a call on a handle that was closed, and on a closed device.
func closedCall(p *probe, c call) {
	h := p.handles()
	if closer := h.object(function(c.id).Interface.Name); closer != nil {
		p.must(closer(), "closing")
		if err := c.do(p.ctx, h); !c.quiet {
			p.refused(err, driver.Closed, "a call on a closed handle")
		}
	}
	h = p.handles()
	p.must(p.d.Close(), "closing the device")
	if err := c.do(p.ctx, h); !c.quiet {
		p.refused(err, driver.Closed, "a call on a closed device")
	}
}

// object returns what closes the handle of an object's functions, nil for
// functions of a device.
func (h *handles) object(name string) func() error {
	switch name {
	case "Buffer":
		return h.from.Free
	case "Stream":
		return h.s.Close
	case "Event":
		return h.e.Close
	case "Timeline":
		return h.timeline.Close
	case "Graph":
		return h.graph.Close
	case "Generator":
		return h.generator.Close
	case "Comm":
		return h.comm.Close
	}
	return nil
}

// handles makes one of every kind.
func (p *probe) handles() *handles {
	h := &handles{d: p.d, peer: p.second(), from: p.upload(pattern(64, 1)), to: p.alloc(64), s: p.stream(), host: make([]byte, 64)}
	h.there = p.allocOn(h.peer, 64)
	h.e, h.earlier = p.event(), p.event()
	p.must(h.s.Record(h.earlier), "recording")
	p.must(h.s.Record(h.e), "recording")
	p.sync(h.s)
	h.timeline, h.generator, h.comm = p.timeline(0), p.generator(1), p.alone()
	if p.has(driver.CapCapturer) {
		_, _, _, h.graph = p.recorded(h.s)
	}
	if p.has(driver.CapSharer) {
		shared, err := p.d.AllocSpec(driver.MemorySpec{Size: 64, Usage: driver.SharedUsage})
		p.must(err, "memory to share")
		h.shared = shared
	}
	return h
}
