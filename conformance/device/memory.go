package device

import (
	"math"
	"os"
	"time"
	"unsafe"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/result"
)

func memoryCells() []Cell {
	return []Cell{
		works("Device.Alloc", allocWorks),
		refuses("Device.Alloc", allocRefuses),
		faulty("Device.Alloc", "fault", func(p *probe) {
			p.inject("Alloc@2=oom")
			p.alloc(8)
			_, err := p.d.Alloc(8, driver.DeviceMemory)
			p.failed(err, driver.OutOfMemory, driver.ScopeCall, "the second allocation")
			p.alloc(8)
		}),
		works("Buffer.Size", func(p *probe) {
			for _, n := range []int64{1, 2, 63, 64, 65, 4095, 4096, 4097} {
				b, err := p.drv.Alloc(n, driver.DeviceMemory)
				p.must(err, "allocating %d bytes", n)
				p.expect(b.Size() == n, "a buffer of %d bytes says %d", n, b.Size())
				p.must(b.Free(), "freeing %d bytes", n)
			}
		}),
		works("Buffer.Free", freeWorks),
		refuses("Buffer.Free", func(p *probe) {
			b := p.upload(pattern(64, 1))
			whole := b.All()
			p.must(b.Free(), "freeing")
			p.refused(b.Free(), driver.Closed, "freeing twice")
			stale := []driver.Code{driver.Closed, driver.InvalidArgument}
			_, err := b.Slice(0, 8)
			p.refused(err, driver.Closed, "a part of a freed buffer")
			p.refusedAs(p.d.CopyIn(p.ctx, whole, pattern(64, 2)), stale, "writing to a freed buffer")
			p.refusedAs(p.d.CopyOut(p.ctx, make([]byte, 64), whole), stale, "reading a freed buffer")
			p.refusedAs(p.d.Copy(p.ctx, p.alloc(64).All(), whole), stale, "copying from a freed buffer")
			p.refusedAs(p.d.Fill(p.ctx, whole, []byte{1}), stale, "filling a freed buffer")
		}),
		works("Statter.Stats", statsWork),
		works("HostMapper.HostBytes", mappingWorks),
		refuses("HostMapper.HostBytes", func(p *probe) {
			for _, kind := range []driver.MemoryKind{driver.DeviceMemory, driver.PinnedMemory, driver.UnifiedMemory} {
				b, err := p.d.Alloc(64, kind)
				p.must(err, "%v memory", kind)
				whole := b.All()
				for _, r := range beyond(whole) {
					_, ok := p.d.HostBytes(r)
					p.expect(!ok, "the host was given %d bytes from %d on in a buffer of 64", r.Size, r.Offset)
				}
				p.must(b.Free(), "freeing")
				_, ok := p.d.HostBytes(whole)
				p.expect(!ok, "the host was given the bytes of a freed buffer of %v memory", kind)
			}
			_, ok := p.d.HostBytes(driver.Region{Size: 1})
			p.expect(!ok, "the host was given bytes of no buffer")
		}),
		works("HostImporter.Import", importWorks),
		works("Sizer.ValueSize", sizesWork),
		works("Sizer.Alignment", func(p *probe) {
			align := p.d.Alignment()
			p.expect(align >= 1 && align&(align-1) == 0, "values are aligned to %d bytes, which is no power of two", align)
			if p.has(driver.CapSizer) {
				own := native[driver.Sizer](p).Alignment()
				p.expect(own == align, "an alignment of %d bytes", own)
			}
		}),
	}
}

// allocWorks writes to buffers of many sizes and kinds, and reads them when all
// are written.
func allocWorks(p *probe) {
	var buffers []*adapter.Buffer
	for _, kind := range []driver.MemoryKind{driver.DeviceMemory, driver.PinnedMemory, driver.UnifiedMemory} {
		for _, n := range []int64{0, 1, 3, 63, 64, 65, 4096, 100_003} {
			b, err := p.d.Alloc(n, kind)
			p.must(err, "%d bytes of %v memory", n, kind)
			p.expect(b.Size() == n && b.Kind() == kind, "%d bytes of %v memory, asked for %d of %v", b.Size(), b.Kind(), n, kind)
			p.must(p.d.CopyIn(p.ctx, b.All(), pattern(n, byte(len(buffers)))), "writing %d bytes", n)
			buffers = append(buffers, b)
		}
	}
	for i, b := range buffers {
		p.same(p.bytes(b), pattern(b.Size(), byte(i)), "buffer %d of %d, read when all were written", i, len(buffers))
	}
	for _, b := range buffers {
		p.must(b.Free(), "freeing %d bytes", b.Size())
	}
}

func allocRefuses(p *probe) {
	for _, n := range []int64{-1, -4096, math.MinInt64} {
		_, err := p.d.Alloc(n, driver.DeviceMemory)
		p.refused(err, driver.InvalidArgument, "%d bytes", n)
	}
	for _, kind := range []driver.MemoryKind{driver.ImportedMemory, 77, 255} {
		_, err := p.d.Alloc(64, kind)
		p.refused(err, driver.InvalidArgument, "%v memory", kind)
	}
	for _, n := range []int64{math.MaxInt64, math.MaxInt64 - 63, math.MaxInt64 - 4095, 1 << 62} {
		for _, kind := range []driver.MemoryKind{driver.DeviceMemory, driver.PinnedMemory, driver.UnifiedMemory} {
			_, err := p.d.Alloc(n, kind)
			p.refused(err, driver.OutOfMemory, "%d bytes of %v memory", n, kind)
		}
	}
	want := pattern(64, 9)
	p.same(p.bytes(p.upload(want)), want, "memory allocated after that")
}

// freeWorks frees buffers that work enqueued before still has to see.
func freeWorks(p *probe) {
	const n = 1 << 16
	s, to := p.stream(), p.alloc(n)
	for seed := range byte(8) {
		from := p.alloc(n)
		p.must(s.Fill(p.ctx, from.All(), []byte{seed}), "filling on a stream")
		p.must(s.Copy(p.ctx, to.All(), from.All()), "copying on a stream")
		p.must(from.Free(), "freeing while a stream still needs the buffer")
		p.upload(pattern(n, 200+seed)) // which takes the memory if it is free too early
		p.sync(s)
		p.same(p.bytes(to)[n-1:], []byte{seed}, "what work enqueued before Free has copied")
	}
}

func statsWork(p *probe) {
	const n = 1 << 20
	before := p.d.Stats()
	b := p.alloc(n)
	during := p.d.Stats()
	p.expect(during.InUse >= before.InUse+n, "%d bytes in use, and %d with %d more allocated", before.InUse, during.InUse, n)
	p.expect(during.Allocs == before.Allocs+1, "%d allocations, and %d with one more", before.Allocs, during.Allocs)
	p.expect(during.Peak >= during.InUse, "a peak of %d bytes, with %d in use", during.Peak, during.InUse)
	p.expect(during.Limit == 0 || during.Limit >= during.InUse, "%d bytes in use, of %d", during.InUse, during.Limit)
	if during.Known.Has(driver.StatLargestAlloc) {
		p.expect(during.LargestAlloc >= n, "the largest buffer had %d bytes, with one of %d", during.LargestAlloc, n)
	}
	p.must(b.Free(), "freeing")
	p.must(p.d.Synchronize(p.ctx), "synchronising the device")
	p.eventually(time.Second, func() bool { return p.d.Stats().InUse == before.InUse }, "%d bytes in use again, as before", before.InUse)
	after := p.d.Stats()
	p.expect(after.Frees == before.Frees+1, "%d buffers freed, and %d with one more", before.Frees, after.Frees)
	p.expect(after.Peak >= during.InUse, "the peak fell from %d bytes to %d", during.InUse, after.Peak)
}

// mappingWorks holds the host's view of memory against copies.
func mappingWorks(p *probe) {
	mapped := 0
	for _, kind := range []driver.MemoryKind{driver.DeviceMemory, driver.PinnedMemory, driver.UnifiedMemory} {
		b, err := p.d.Alloc(300, kind)
		p.must(err, "%v memory", kind)
		want := pattern(300, byte(kind))
		p.must(p.d.CopyIn(p.ctx, b.All(), want), "copying in")
		part := p.region(b, 17, 200)
		view, ok := p.d.HostBytes(part)
		if p.has(driver.CapHostMapper) {
			_, err := native[driver.HostMapper](p).HostBytes(part)
			p.expect(ok == (err == nil), "HostBytes of %v memory: %v", kind, err)
		}
		if !ok {
			continue
		}
		mapped++
		p.same(view, want[17:217], "the host's view of %v memory", kind)
		view[0], view[199] = ^view[0], ^view[199]
		want[17], want[216] = ^want[17], ^want[216]
		p.same(p.bytes(b), want, "%v memory that the host has written", kind)
	}
	p.expect(mapped > 0 || !p.has(driver.CapHostMapper), "the host can address memory of no kind")
}

// pages returns bytes that begin at a page and are n pages.
func pages(n int) []byte {
	page := os.Getpagesize()
	raw := make([]byte, (n+1)*page)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (page - 1)
	return raw[skip : skip+n*page : skip+n*page]
}

func importWorks(p *probe) {
	host := pages(2)
	copy(host, pattern(int64(len(host)), 5))
	b, err := p.d.Import(p.ctx, host)
	p.must(err, "importing %d bytes at a page", len(host))
	p.same(p.bytes(b), host, "imported memory")
	to := p.alloc(int64(len(host)))
	p.must(p.d.Copy(p.ctx, to.All(), b.All()), "copying from imported memory")
	p.same(p.bytes(to), host, "a copy of imported memory")
	p.must(b.Free(), "freeing imported memory")
	p.same(host, pattern(int64(len(host)), 5), "host memory that was imported")
	for _, n := range []int{0, 1, 100} {
		b, err := p.d.Import(p.ctx, host[1:1+n])
		p.must(err, "importing %d bytes at no boundary", n)
		p.same(p.bytes(b), host[1:1+n], "imported memory")
		p.must(b.Free(), "freeing imported memory")
	}
	if p.has(driver.CapHostImporter) {
		own, err := native[driver.HostImporter](p).Import(host)
		p.must(err, "the device itself, importing whole pages")
		p.must(own.Free(), "freeing imported memory")
	}
}

func sizesWork(p *probe) {
	for _, t := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.Int64, tensor.Bool, tensor.Int4, tensor.Complex128, tensor.Uint8} {
		for _, shape := range []tensor.Shape{{}, {0}, {1}, {3, 5}, {7, 0, 2}, {1025}} {
			size, packed := p.d.ValueSize(t, shape), int64(t.Bytes(shape.Size()))
			p.expect(size >= packed, "%v%v takes %d bytes; packed it has %d", t, shape, size, packed)
			host, err := tensor.New(t, shape)
			if err != nil {
				p.failf(result.Fault, "%v", err)
			}
			copy(host.Bytes(), pattern(packed, 4))
			on, err := p.d.Upload(p.ctx, host)
			p.must(err, "%v%v", t, shape)
			back, err := on.Download(p.ctx)
			p.must(err, "%v%v", t, shape)
			p.same(back.Bytes(), host.Bytes(), "%v%v", t, shape)
			p.must(on.Free(), "freeing %v%v", t, shape)
		}
	}
}
