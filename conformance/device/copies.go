package device

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance/result"
)

func copyCells() []Cell {
	return []Cell{
		works("Device.CopyIn", copiesWork),
		refuses("Device.CopyIn", func(p *probe) {
			p.refusesRegions(64, func(r driver.Region) error { return p.d.CopyIn(p.ctx, r, make([]byte, max(min(r.Size, 64), 0))) })
			b := p.alloc(64)
			for _, n := range []int{0, 1, 63, 65, 4096} {
				p.refused(p.d.CopyIn(p.ctx, b.All(), make([]byte, n)), driver.InvalidArgument, "%d bytes into 64", n)
			}
		}),
		faulty("Device.CopyIn", "fault", func(p *probe) {
			b := p.alloc(64)
			p.inject("CopyIn@1=fail; CopyIn@2=ecc")
			p.failed(p.d.CopyIn(p.ctx, b.All(), pattern(64, 1)), driver.Internal, driver.ScopeCall, "a copy that fails")
			p.failed(p.d.CopyIn(p.ctx, b.All(), pattern(64, 1)), driver.DataLoss, driver.ScopeCall, "a copy into broken memory")
			p.must(p.d.CopyIn(p.ctx, b.All(), pattern(64, 1)), "the same copy again")
			p.same(p.bytes(b), pattern(64, 1), "memory")
		}),
		faulty("Device.CopyIn", "deadline", func(p *probe) {
			b := p.alloc(64)
			p.inject("CopyIn@1=hang")
			ctx, cancel := context.WithTimeout(p.ctx, 50*time.Millisecond)
			defer cancel()
			p.within(time.Second, "a copy under a deadline of 50 ms", func() {
				p.refused(p.d.CopyIn(ctx, b.All(), pattern(64, 1)), driver.Canceled, "a copy that hangs")
			})
			p.must(p.d.CopyIn(p.ctx, b.All(), pattern(64, 2)), "the next copy")
			p.same(p.bytes(b), pattern(64, 2), "memory")
		}),
		works("Device.CopyOut", copiesWork),
		faulty("Device.CopyOut", "deadline", func(p *probe) {
			b := p.upload(pattern(64, 1))
			p.inject("CopyOut@1=hang")
			ctx, cancel := context.WithTimeout(p.ctx, 50*time.Millisecond)
			defer cancel()
			p.within(time.Second, "a copy under a deadline of 50 ms", func() {
				p.refused(p.d.CopyOut(ctx, make([]byte, 64), b.All()), driver.Canceled, "a copy that hangs")
			})
			p.same(p.bytes(b), pattern(64, 1), "memory")
		}),
		refuses("Device.CopyOut", func(p *probe) {
			p.refusesRegions(64, func(r driver.Region) error { return p.d.CopyOut(p.ctx, make([]byte, max(min(r.Size, 64), 0)), r) })
			b := p.alloc(64)
			for _, n := range []int{0, 1, 63, 65, 4096} {
				p.refused(p.d.CopyOut(p.ctx, make([]byte, n), b.All()), driver.InvalidArgument, "64 bytes into %d", n)
			}
		}),
		works("AsyncCopier.CopyInAsync", asyncCopiesWork),
		refuses("AsyncCopier.CopyInAsync", func(p *probe) {
			s := p.stream()
			p.refusesRegions(64, func(r driver.Region) error { return s.CopyIn(p.ctx, r, make([]byte, max(min(r.Size, 64), 0))) })
			p.refused(s.CopyIn(p.ctx, p.alloc(64).All(), make([]byte, 65)), driver.InvalidArgument, "65 bytes into 64")
			p.sync(s)
		}),
		works("AsyncCopier.CopyOutAsync", asyncCopiesWork),
		refuses("AsyncCopier.CopyOutAsync", func(p *probe) {
			s := p.stream()
			p.refusesRegions(64, func(r driver.Region) error { return s.CopyOut(p.ctx, make([]byte, max(min(r.Size, 64), 0)), r) })
			p.refused(s.CopyOut(p.ctx, make([]byte, 63), p.alloc(64).All()), driver.InvalidArgument, "64 bytes into 63")
			p.sync(s)
		}),
		works("Copier.Copy", insideWorks),
		refuses("Copier.Copy", func(p *probe) {
			s, good := p.stream(), p.alloc(64)
			p.refusesRegions(64, func(r driver.Region) error { return s.Copy(p.ctx, r, good.All()) })
			p.refusesRegions(64, func(r driver.Region) error { return s.Copy(p.ctx, good.All(), r) })
			p.refused(s.Copy(p.ctx, good.All(), p.alloc(65).All()), driver.InvalidArgument, "65 bytes into 64")
			p.sync(s)
		}),
		works("RectCopier.CopyRect", rectanglesWork),
		refuses("RectCopier.CopyRect", rectanglesRefuse),
		works("Filler.Fill", fillWorks),
		refuses("Filler.Fill", func(p *probe) {
			s := p.stream()
			p.refusesRegions(64, func(r driver.Region) error { return s.Fill(p.ctx, r, []byte{1}) })
			b := p.alloc(64)
			for _, n := range []int{0, 3, 5, 12, 17, 32, 64} {
				p.refused(s.Fill(p.ctx, b.All(), make([]byte, n)), driver.InvalidArgument, "a pattern of %d bytes", n)
			}
			p.refused(s.Fill(p.ctx, p.region(b, 0, 10), make([]byte, 4)), driver.InvalidArgument, "a pattern of 4 bytes in 10")
			p.sync(s)
		}),
		works("PeerCopier.PeerPath", func(p *probe) {
			other := p.second()
			if p.has(driver.CapPeerCopier) {
				path := native[driver.PeerCopier](p).PeerPath(p.peers(other))
				p.expect(path == driver.PathDirect || path == driver.PathStaged, "the way from another handle of the device is %v", path)
			}
			p.expect(p.d.CanCopy(other) != driver.PathNone, "there is no way from another handle of the device")
		}),
		works("PeerCopier.CopyPeer", peerWorks),
		refuses("PeerCopier.CopyPeer", func(p *probe) {
			other := p.second()
			good, there := p.alloc(64), p.allocOn(other, 64)
			p.refusesRegions(64, func(r driver.Region) error { return p.d.CopyFrom(p.ctx, r, other, there.All()) })
			p.refused(p.d.CopyFrom(p.ctx, good.All(), other, p.region(there, 0, 63)), driver.InvalidArgument, "63 bytes into 64")
			p.refusedAs(p.d.CopyFrom(p.ctx, good.All(), other, good.All()), staleOrForeign, "from a buffer that is not the peer's")
			p.refused(p.d.CopyFrom(p.ctx, good.All(), nil, there.All()), driver.InvalidArgument, "from no device")
			stale := there.All()
			p.must(there.Free(), "freeing")
			p.refusedAs(p.d.CopyFrom(p.ctx, good.All(), other, stale), staleOrForeign, "from a freed buffer")
			p.must(other.Close(), "closing the peer")
			p.refused(p.d.CopyFrom(p.ctx, good.All(), other, stale), driver.Closed, "from a closed device")
		}),
		works("Linker.Links", func(p *probe) {
			links := p.d.Links()
			if !p.has(driver.CapLinker) {
				p.expect(len(links) == 0, "%d links, with Linker taken away", len(links))
				return
			}
			p.expect(len(links) > 0, "declared, and there is no way to any device")
			var peers []int
			for _, l := range links {
				p.expect(l.Peer >= 0 && !slices.Contains(peers, l.Peer), "the link %+v, after those to %v", l, peers)
				p.expect(l.Path == driver.PathDirect || l.Path == driver.PathStaged, "the link %+v leads nowhere", l)
				p.expect(l.Bandwidth >= 0 && l.Latency >= 0 && !math.IsInf(l.Bandwidth, 1), "the link %+v", l)
				peers = append(peers, l.Peer)
			}
		}),
	}
}

// peers returns the driver's side of a device that second opened.
func (p *probe) peers(d *adapter.Device) driver.Device {
	drv, _ := adapter.As[driver.Device](d)
	return drv
}

// staleOrForeign are the codes of a buffer that is freed or another device's.
var staleOrForeign = []driver.Code{driver.InvalidArgument, driver.Closed}

// beyond returns regions that are not inside a buffer.
func beyond(whole driver.Region) []driver.Region {
	b, n := whole.Buffer, whole.Size
	return []driver.Region{
		{Buffer: b, Offset: 0, Size: n + 1}, {Buffer: b, Offset: 1, Size: n}, {Buffer: b, Offset: n, Size: 1}, {Buffer: b, Offset: n + 1, Size: 0},
		{Buffer: b, Offset: -1, Size: 1}, {Buffer: b, Offset: 0, Size: -1}, {Buffer: b, Offset: 8, Size: -8}, {Buffer: b, Offset: math.MinInt64, Size: 8},
		{Buffer: b, Offset: math.MaxInt64, Size: 1}, {Buffer: b, Offset: 1, Size: math.MaxInt64}, {Buffer: b, Offset: math.MaxInt64, Size: math.MaxInt64},
		{Buffer: b, Offset: 0, Size: math.MinInt64},
	}
}

// refusesRegions gives a call regions outside a buffer of size bytes, of no
// buffer, of a freed one, and of another device's.
func (p *probe) refusesRegions(size int64, call func(driver.Region) error) {
	b := p.alloc(size)
	for _, r := range beyond(b.All()) {
		p.refused(call(r), driver.InvalidArgument, "%d bytes from %d on in a buffer of %d", r.Size, r.Offset, size)
	}
	p.refused(call(driver.Region{Size: size}), driver.InvalidArgument, "a region of no buffer")
	stale := b.All()
	p.must(b.Free(), "freeing")
	p.refused(call(b.All()), driver.InvalidArgument, "the region of a freed buffer")
	p.refusedAs(call(stale), staleOrForeign, "a region of a buffer that was freed since")
	p.refusedAs(call(p.allocOn(p.second(), size).All()), staleOrForeign, "a region of another device")
}

// copiesWork copies parts of a buffer in and out.
func copiesWork(p *probe) {
	const n = 10_000
	want := pattern(n, 1)
	b := p.upload(want)
	for i, part := range [][2]int64{{0, 1}, {n - 1, 1}, {1, 2}, {63, 65}, {4095, 2}, {0, n}, {17, 0}, {n, 0}} {
		data := pattern(part[1], byte(10+i))
		r := p.region(b, part[0], part[1])
		p.must(p.d.CopyIn(p.ctx, r, data), "%d bytes to %d", part[1], part[0])
		copy(want[part[0]:], data)
		got := make([]byte, part[1])
		p.must(p.d.CopyOut(p.ctx, got, r), "%d bytes from %d", part[1], part[0])
		p.same(got, data, "%d bytes at %d", part[1], part[0])
		p.same(p.bytes(b), want, "the whole buffer after %d bytes to %d", part[1], part[0])
	}
	src := pattern(n, 2)
	p.must(p.d.CopyIn(p.ctx, b.All(), src), "copying in")
	clear(src)
	p.same(p.bytes(b), pattern(n, 2), "memory whose source was written to after the copy")
}

// asyncCopiesWork has copies stay in the order of a stream.
func asyncCopiesWork(p *probe) {
	const n, rounds = 4096, 20
	s, b := p.stream(), p.alloc(n)
	in, out := make([][]byte, rounds), make([][]byte, rounds)
	for i := range rounds {
		in[i], out[i] = pattern(n, byte(i)), make([]byte, n)
		p.must(s.CopyIn(p.ctx, b.All(), in[i]), "copying in on a stream")
		p.must(s.CopyOut(p.ctx, out[i], b.All()), "copying out on a stream")
	}
	p.sync(s)
	for i := range rounds {
		p.same(out[i], in[i], "round %d of %d on one stream", i, rounds)
	}
}

func insideWorks(p *probe) {
	const n = 5000
	copied := func(copyIt func(dst, src driver.Region) error, done func()) {
		want := pattern(n, 1)
		b, c := p.upload(want), p.upload(pattern(n, 2))
		p.must(copyIt(c.All(), b.All()), "copying between buffers")
		done()
		p.same(p.bytes(c), want, "a copied buffer")
		p.must(copyIt(p.region(b, 0, n/2), p.region(b, n/2, n/2)), "copying inside a buffer")
		done()
		p.same(p.bytes(b), append(bytes.Clone(want[n/2:]), want[n/2:]...), "a buffer whose second half is in its first")
		p.must(copyIt(p.region(b, 3, 0), p.region(c, 9, 0)), "copying nothing")
		done()
	}
	copied(func(dst, src driver.Region) error { return p.d.Copy(p.ctx, dst, src) }, func() {})
	s := p.stream()
	copied(func(dst, src driver.Region) error { return s.Copy(p.ctx, dst, src) }, func() { p.sync(s) })
	p.takes(driver.CapCopier, func() error {
		return native[driver.Copier](p).Copy(nil, p.alloc(64).All(), p.upload(pattern(64, 1)).All())
	})
}

// takes ends the check where a device that has a capability declines a plain
// call.
func (p *probe) takes(c driver.Caps, call func() error) {
	if !p.has(c) {
		return
	}
	err := call()
	if errors.Is(err, driver.ErrSkip) {
		p.failf(result.UnsupportedUndeclared, "declared, and a plain call is declined")
	}
	p.must(err, "a plain call of the driver")
}

func rectanglesWork(p *probe) {
	const width, rows, from, to = 13, 7, 20, 31
	src := pattern(from*rows, 1)
	want := pattern(to*rows, 2)
	dst := bytes.Clone(want)
	for row := range int64(rows) {
		copy(want[row*to:][:width], src[row*from:][:width])
	}
	s := p.stream()
	b, c := p.upload(src), p.upload(dst)
	p.must(s.CopyRect(p.ctx, c.All(), to, b.All(), from, width, rows), "copying %d rows of %d bytes", rows, width)
	p.sync(s)
	p.same(p.bytes(c), want, "a rectangle")
	exact := p.region(c, 0, to*(rows-1)+width) // the last row has no rest
	p.must(s.CopyRect(p.ctx, exact, to, p.region(b, 0, from*(rows-1)+width), from, width, rows), "rows in regions that just hold them")
	p.must(s.CopyRect(p.ctx, exact, to, b.All(), from, 0, 5), "rows of no width")
	p.must(s.CopyRect(p.ctx, exact, to, b.All(), from, 5, 0), "no rows")
	p.sync(s)
	p.same(p.bytes(c), want, "the rectangle, copied again")
	p.takes(driver.CapRectCopier, func() error {
		return native[driver.RectCopier](p).CopyRect(nil, c.All(), to, b.All(), from, width, rows)
	})
}

func rectanglesRefuse(p *probe) {
	s, good := p.stream(), p.alloc(64)
	p.refusesRegions(64, func(r driver.Region) error { return s.CopyRect(p.ctx, r, 8, good.All(), 8, 8, 8) })
	b := p.alloc(64)
	for _, c := range []struct{ to, from, width, rows int64 }{
		{8, 8, 9, 1}, {8, 8, -1, 1}, {8, 8, 1, -1}, {7, 8, 8, 2}, {8, 7, 8, 2}, {8, 8, 8, 9}, {-8, 8, 8, 2}, {8, -8, 8, 2},
		{math.MaxInt64, 8, 8, 2}, {8, math.MaxInt64, 8, 2}, {8, 8, math.MaxInt64, 1}, {8, 8, 8, math.MaxInt64}, {math.MaxInt64 / 2, math.MaxInt64 / 2, 8, 5},
	} {
		err := s.CopyRect(p.ctx, b.All(), c.to, good.All(), c.from, c.width, c.rows)
		p.refused(err, driver.InvalidArgument, "%d rows of %d bytes at pitches of %d and %d in 64 bytes", c.rows, c.width, c.to, c.from)
	}
	p.sync(s)
}

func fillWorks(p *probe) {
	const n = 4096
	b, s := p.upload(pattern(n, 1)), p.stream()
	for _, size := range []int64{1, 2, 4, 8, 16} {
		repeated := pattern(size, byte(size))
		given := bytes.Clone(repeated)
		p.must(s.Fill(p.ctx, p.region(b, 16, n-32), given), "a pattern of %d bytes", size)
		clear(given) // the driver may not look at it any more
		p.sync(s)
		want := pattern(n, 1)
		copy(want[16:n-16], bytes.Repeat(repeated, int((n-32)/size)))
		p.same(p.bytes(b), want, "memory between others, filled with %d bytes", size)
	}
	p.must(p.d.Fill(p.ctx, b.All(), []byte{0xAB}), "filling at once")
	p.same(p.bytes(b), bytes.Repeat([]byte{0xAB}, n), "memory filled at once")
	p.must(p.d.Fill(p.ctx, p.region(b, 5, 0), []byte{1, 2}), "filling nothing")
	p.takes(driver.CapFiller, func() error { return native[driver.Filler](p).Fill(nil, b.All(), []byte{1}) })
}

func peerWorks(p *probe) {
	const n = 9000
	other := p.second()
	there, here, s := p.uploadTo(other, pattern(n, 4)), p.upload(pattern(n, 5)), p.stream()
	want := pattern(n, 5)
	p.must(s.CopyFrom(p.ctx, p.region(here, 100, 5000), other, p.region(there, 7, 5000)), "copying from a peer on a stream")
	p.sync(s)
	copy(want[100:5100], pattern(n, 4)[7:])
	p.same(p.bytes(here), want, "memory copied from a peer")
	p.must(p.d.CopyFrom(p.ctx, here.All(), other, there.All()), "copying from a peer at once")
	p.same(p.bytes(here), pattern(n, 4), "memory copied from a peer")
	p.must(p.d.CopyFrom(p.ctx, here.All(), p.d, p.upload(pattern(n, 6)).All()), "copying from the device itself")
	p.same(p.bytes(here), pattern(n, 6), "memory copied from the device itself")
	p.takes(driver.CapPeerCopier, func() error {
		return native[driver.PeerCopier](p).CopyPeer(nil, here.All(), p.peers(other), there.All())
	})
}
