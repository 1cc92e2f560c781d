package device

import (
	"math"
	"reflect"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/driver/spec"
	"example.com/midplane/conformance/result"
)

func lifetimeCells() []Cell {
	return []Cell{
		works("Device.Info", infoWorks),
		works("Device.Synchronize", func(p *probe) {
			b, s := p.alloc(4096), p.stream()
			p.must(s.Fill(p.ctx, b.All(), []byte{7}), "filling on a stream")
			p.must(p.d.Synchronize(p.ctx), "synchronising the device")
			done, err := s.Query()
			p.must(err, "asking the stream")
			p.expect(done, "the device is synchronised, and a stream of it is not done")
			p.same(p.bytes(b)[:1], []byte{7}, "memory filled before")
		}),
		works("Device.Close", func(p *probe) {
			b, s := p.alloc(1<<16), p.stream()
			p.event()
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "filling on a stream")
			p.must(p.d.Close(), "closing with a buffer, a stream and an event left")
			p.must(p.d.Close(), "closing again")
			p.expect(p.d.Status() == adapter.StatusClosed, "a closed device is %s", p.d.Status())
			p.must(b.Free(), "freeing a buffer that closing the device freed")
			p.must(s.Close(), "closing a stream that closing the device closed")
		}),
		cell("Device.Close", "independent", func(p *probe) {
			other := p.second()
			want := pattern(333, 3)
			b := p.uploadTo(other, want)
			p.must(p.d.Close(), "closing one of two handles")
			p.same(p.bytes(b), want, "memory of the other handle")
		}),
	}
}

func infoWorks(p *probe) {
	info := p.drv.Info()
	known := driver.CapsOf(driver.Version(spec.Current()))
	p.expect(info.Class != "", "no class")
	p.expect(info.Index >= 0, "the index %d", info.Index)
	p.expect(info.Memory >= 0 && info.Units >= 0, "%d bytes, %d units", info.Memory, info.Units)
	p.expect(info.Caps&^known == 0, "bits that no capability has: %#x", uint64(info.Caps&^known))
	p.expect(info.Unusable == "", "open, and unusable: %s", info.Unusable)
	for _, d := range info.DTypes {
		p.expect(d.Valid(), "the element type %d", d)
	}
	rates := []float64{info.Rates.Memory, info.Rates.HostIn, info.Rates.HostOut, info.Rates.LaunchNS}
	for _, peak := range info.Rates.Peak {
		rates = append(rates, peak.Ops)
	}
	for _, r := range rates {
		p.expect(r >= 0 && !math.IsInf(r, 1), "a declared rate of %v", r)
	}
	if again := p.drv.Info(); !reflect.DeepEqual(info, again) {
		p.failf(result.FailNondeterministic, "asked twice: %+v and %+v", info, again)
	}
}
