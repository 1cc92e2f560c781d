package device

import (
	"math"
	"time"
	"unsafe"

	"example.com/midplane/adapter/driver"
)

// describedMemoryCells are those of memory that is asked about, asked for more
// closely, or taken in the order of a stream.
func describedMemoryCells() []Cell {
	return []Cell{
		works("MemoryDescriber.Heaps", func(p *probe) {
			found := false
			for _, h := range p.d.Heaps() {
				p.expect(h.Bytes >= 0, "a heap of %d bytes", h.Bytes)
				found = found || h.Kind == driver.DeviceMemory
			}
			p.expect(found, "no heap of device memory")
		}),
		works("MemoryDescriber.Granularity", func(p *probe) {
			g, err := p.d.Granularity(driver.DeviceMemory)
			p.must(err, "device memory")
			p.expect(g.Min >= 1 && g.Padding >= 0 && g.Max >= 0, "pieces of %d bytes, %d of padding, at most %d", g.Min, g.Padding, g.Max)
			p.expect(g.Align >= 64 && g.Align&(g.Align-1) == 0, "an alignment of %d bytes; it is a power of two of at least 64", g.Align)
			p.must(p.alloc(g.Min).Free(), "freeing the smallest piece")
			if g.Max > 0 && g.Max < math.MaxInt64 {
				_, err := p.d.Alloc(g.Max+1, driver.DeviceMemory)
				p.refused(err, driver.OutOfMemory, "one byte more than the largest buffer, of %d", g.Max)
			}
		}),
		refuses("MemoryDescriber.Granularity", func(p *probe) {
			for _, kind := range []driver.MemoryKind{driver.ImportedMemory, 99} {
				_, err := p.d.Granularity(kind)
				p.refused(err, driver.InvalidArgument, "%v memory", kind)
			}
		}),
		works("MemoryDescriber.Compatible", func(p *probe) {
			c := p.d.Compatible(driver.MemorySpec{Size: 100})
			p.expect(c.OK && c.Size >= 100, "100 bytes: %+v", c)
			c = p.d.Compatible(driver.MemorySpec{Size: math.MaxInt64 - 8})
			p.expect(!c.OK && c.Reason != "" || p.d.Info().Memory == 0, "%d bytes: %+v", int64(math.MaxInt64-8), c)
		}),
		refuses("MemoryDescriber.Compatible", func(p *probe) {
			for _, spec := range badSpecs() {
				c := p.d.Compatible(spec)
				p.expect(!c.OK && c.Reason != "", "%+v: %+v", spec, c)
			}
		}),
		works("SpecAllocator.AllocSpec", specWorks),
		refuses("SpecAllocator.AllocSpec", func(p *probe) {
			for _, spec := range badSpecs() {
				_, err := p.d.AllocSpec(spec)
				p.refused(err, driver.InvalidArgument, "%+v", spec)
			}
			_, err := p.d.AllocSpec(driver.MemorySpec{Size: math.MaxInt64})
			p.refusedAs(err, []driver.Code{driver.OutOfMemory, driver.Unsupported}, "%d bytes", int64(math.MaxInt64))
			_, err = p.d.AllocSpec(driver.MemorySpec{Size: 64, Align: 1 << 62})
			p.refusedAs(err, []driver.Code{driver.Unsupported, driver.OutOfMemory}, "an alignment of %d bytes", int64(1)<<62)
		}),
		works("StreamAllocator.AllocOn", func(p *probe) {
			s, got := p.stream(), make([]byte, 1000)
			b, err := s.AllocOn(1000, driver.DeviceMemory)
			p.must(err, "allocating on a stream")
			p.must(s.Fill(p.ctx, b.All(), []byte{9}), "filling on the stream")
			p.must(s.CopyOut(p.ctx, got, b.All()), "copying on the stream")
			p.sync(s)
			p.same(got[999:], []byte{9}, "memory of the stream")
			p.must(b.Free(), "freeing memory of a stream in the usual way")
		}),
		refuses("StreamAllocator.AllocOn", func(p *probe) {
			s := p.stream()
			_, err := s.AllocOn(-1, driver.DeviceMemory)
			p.refused(err, driver.InvalidArgument, "-1 bytes")
			_, err = s.AllocOn(8, driver.ImportedMemory)
			p.refused(err, driver.InvalidArgument, "imported memory")
			_, err = s.AllocOn(math.MaxInt64, driver.DeviceMemory)
			p.refused(err, driver.OutOfMemory, "%d bytes", int64(math.MaxInt64))
		}),
		works("StreamAllocator.FreeOn", func(p *probe) {
			const n = 1 << 15
			s, got, before := p.stream(), make([]byte, n), p.d.Stats().InUse
			for seed := range byte(8) {
				b, err := s.AllocOn(n, driver.DeviceMemory)
				p.must(err, "allocating on a stream")
				p.must(s.Fill(p.ctx, b.All(), []byte{seed}), "filling on the stream")
				p.must(s.CopyOut(p.ctx, got, b.All()), "copying on the stream")
				p.must(s.FreeOn(b), "freeing on the stream")
				p.sync(s)
				p.same(got[n-1:], []byte{seed}, "what was read before the memory was freed")
			}
			p.eventually(time.Second, func() bool { return p.d.Stats().InUse == before }, "%d bytes in use again, as before", before)
		}),
		refuses("StreamAllocator.FreeOn", func(p *probe) {
			s, b, other := p.stream(), p.alloc(8), p.allocOn(p.second(), 8)
			p.refused(s.FreeOn(other), driver.InvalidArgument, "a buffer of another device")
			p.refused(s.FreeOn(nil), driver.InvalidArgument, "no buffer")
			p.must(s.FreeOn(b), "freeing on the stream")
			p.refused(s.FreeOn(b), driver.Closed, "freeing twice")
			p.refused(b.Free(), driver.Closed, "freeing what was freed on a stream")
			p.must(s.Close(), "closing the stream")
			p.refused(s.FreeOn(p.alloc(8)), driver.Closed, "on a closed stream")
		}),
		works("Trimmer.Trim", func(p *probe) {
			p.must(p.alloc(1<<20).Free(), "freeing")
			freed, err := p.d.Trim()
			p.must(err, "giving back reserves")
			p.expect(freed >= 0, "%d bytes given back", freed)
			if s := p.d.Stats(); s.Known.Has(driver.StatReserved) {
				p.expect(s.Reserved >= 0, "%d bytes in reserve", s.Reserved)
			}
		}),
		works("Trimmer.SetMemoryLimit", limitWorks),
		refuses("Trimmer.SetMemoryLimit", func(p *probe) {
			p.refused(p.d.SetMemoryLimit(-1), driver.InvalidArgument, "-1 bytes")
			p.refused(p.d.SetMemoryLimit(math.MinInt64), driver.InvalidArgument, "%d bytes", int64(math.MinInt64))
		}),
		works("Sharer.Export", shareWorks),
		refuses("Sharer.Export", func(p *probe) {
			b, err := p.d.AllocSpec(driver.MemorySpec{Size: 64, Usage: driver.SharedUsage})
			p.must(err, "memory to share")
			for _, kind := range []driver.ExternalKind{0, 99} {
				_, err := b.Export(kind)
				p.refused(err, driver.InvalidArgument, "as external kind %d", kind)
			}
			p.must(b.Free(), "freeing")
			_, err = b.Export(driver.ExternalFD)
			p.refused(err, driver.Closed, "a freed buffer")
		}),
		works("Sharer.ImportExternal", shareWorks),
		refuses("Sharer.ImportExternal", func(p *probe) {
			for _, e := range []driver.External{{}, {Kind: 99, Size: 8}, {Kind: driver.ExternalFD, Size: 0}, {Kind: driver.ExternalFD, Size: -8}} {
				_, err := p.d.ImportExternal(e)
				p.refused(err, driver.InvalidArgument, "%+v", e)
			}
			_, err := p.d.ImportExternal(driver.External{Kind: driver.ExternalFD, Handle: math.MaxUint64, Size: 64})
			p.refusedAs(err, []driver.Code{driver.InvalidArgument, driver.Unsupported, driver.NotFound}, "a handle of nothing")
		}),
	}
}

// badSpecs describe memory that cannot be.
func badSpecs() []driver.MemorySpec {
	return []driver.MemorySpec{
		{Size: -1}, {Size: math.MinInt64}, {Size: 8, Kind: driver.ImportedMemory}, {Size: 8, Kind: 99}, {Size: 8, Usage: 99},
		{Size: 8, Align: 3}, {Size: 8, Align: -64}, {Size: 8, Align: math.MinInt64},
	}
}

func specWorks(p *probe) {
	for _, usage := range []driver.Usage{driver.AnyUsage, driver.WeightUsage, driver.ComputeUsage, driver.TransferUsage} {
		for _, align := range []int64{0, 1, 16, 64} {
			spec := driver.MemorySpec{Size: 1000, Usage: usage, Align: align}
			b, err := p.d.AllocSpec(spec)
			p.must(err, "%+v", spec)
			p.must(p.d.CopyIn(p.ctx, b.All(), pattern(1000, 3)), "writing")
			p.same(p.bytes(b), pattern(1000, 3), "%+v", spec)
			if view, ok := p.d.HostBytes(b.All()); ok && align > 0 {
				at := uintptr(unsafe.Pointer(unsafe.SliceData(view)))
				p.expect(at%uintptr(align) == 0, "at %#x, asked for an alignment of %d bytes", at, align)
			}
			p.must(b.Free(), "freeing")
		}
	}
}

func limitWorks(p *probe) {
	used := p.d.Stats().InUse
	p.must(p.d.SetMemoryLimit(used+1<<20), "a limit of 1 MiB more than is in use")
	small := p.alloc(1 << 18)
	_, err := p.d.Alloc(1<<20+1, driver.DeviceMemory)
	p.refused(err, driver.OutOfMemory, "more than the limit")
	p.must(p.d.SetMemoryLimit(1), "a limit below what is in use")
	_, err = p.d.Alloc(1<<10, driver.DeviceMemory)
	p.refused(err, driver.OutOfMemory, "memory with more in use than the limit")
	p.must(p.d.CopyIn(p.ctx, small.All(), pattern(1<<18, 1)), "using a buffer that there was")
	p.must(p.d.SetMemoryLimit(0), "no limit")
	p.must(p.alloc(1<<21).Free(), "freeing")
}

// shareWorks has another handle of the device import what this one exports.
func shareWorks(p *probe) {
	b, err := p.d.AllocSpec(driver.MemorySpec{Size: 5000, Usage: driver.SharedUsage})
	p.must(err, "memory to share")
	p.must(p.d.CopyIn(p.ctx, b.All(), pattern(5000, 6)), "writing")
	var e driver.External
	for kind := driver.ExternalFD; kind <= driver.ExternalVendor; kind++ {
		if e, err = b.Export(kind); err == nil {
			break
		}
	}
	p.must(err, "exporting, as the last of all kinds")
	p.expect(e.Size == 5000, "%d bytes exported of 5000", e.Size)
	defer closeExternal(e)
	other := p.second()
	there, err := other.ImportExternal(e)
	p.must(err, "importing what was exported")
	p.expect(there.Kind() == driver.ImportedMemory && there.Size() == 5000, "%d bytes of %v memory", there.Size(), there.Kind())
	p.same(p.bytes(there), pattern(5000, 6), "shared memory, on the other side")
	p.must(other.CopyIn(p.ctx, there.All(), pattern(5000, 7)), "writing on the other side")
	p.same(p.bytes(b), pattern(5000, 7), "shared memory, on this side")
	p.must(b.Free(), "freeing on this side")
	p.same(p.bytes(there), pattern(5000, 7), "shared memory when the exporter has freed it")
	p.must(there.Free(), "freeing on the other side")
}
