package device

import (
	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

func captureCells() []Cell {
	return []Cell{
		works("Capturer.BeginCapture", func(p *probe) {
			s, b := p.stream(), p.upload(pattern(64, 1))
			p.must(s.BeginCapture(), "beginning")
			p.must(s.Fill(p.ctx, b.All(), []byte{1}), "recording work")
			p.refused(s.Synchronize(p.ctx), driver.InvalidArgument, "waiting for a stream that records")
			_, err := s.Query()
			p.refused(err, driver.InvalidArgument, "asking a stream that records")
			g, err := s.EndCapture()
			p.must(err, "ending")
			p.sync(s)
			p.same(p.bytes(b), pattern(64, 1), "memory that recorded work would change")
			p.must(g.Close(), "closing")
		}),
		refuses("Capturer.BeginCapture", func(p *probe) {
			s := p.stream()
			p.must(s.BeginCapture(), "beginning")
			p.refused(s.BeginCapture(), driver.InvalidArgument, "beginning twice")
			g, err := s.EndCapture()
			p.must(err, "ending")
			p.must(g.Close(), "closing")
		}),
		works("Capturer.EndCapture", func(p *probe) {
			s := p.stream()
			p.must(s.BeginCapture(), "beginning")
			g, err := s.EndCapture()
			p.must(err, "ending with nothing recorded")
			p.must(g.Launch(s), "launching nothing")
			p.sync(s)
			p.must(g.Close(), "closing")
		}),
		refuses("Capturer.EndCapture", func(p *probe) {
			_, err := p.stream().EndCapture()
			p.refused(err, driver.InvalidArgument, "ending what was not begun")
		}),
		works("Graph.Launch", func(p *probe) {
			s, other := p.stream(), p.stream()
			b, c, from, g := p.recorded(s)
			for i := range byte(5) {
				p.must(s.CopyIn(p.ctx, from.All(), pattern(64, i)), "writing what the graph reads")
				p.must(g.Launch(s), "launching")
				p.sync(s)
				p.same(p.bytes(b), pattern(64, i), "what the graph has copied in launch %d", i)
				p.same(p.bytes(c)[63:], []byte{7}, "what the graph has filled in launch %d", i)
				p.must(s.Fill(p.ctx, c.All(), []byte{0}), "filling")
				p.sync(s)
			}
			p.must(g.Launch(other), "launching on another stream")
			p.sync(other)
			p.same(p.bytes(c)[63:], []byte{7}, "what the graph has filled on another stream")
		}),
		refuses("Graph.Launch", func(p *probe) {
			_, _, _, g := p.recorded(p.stream())
			p.refused(g.Launch(nil), driver.InvalidArgument, "on no stream")
			p.refused(g.Launch(p.streamOf(p.second())), driver.InvalidArgument, "on a stream of another device")
		}),
		works("Graph.Close", func(p *probe) {
			s := p.stream()
			b, _, _, g := p.recorded(s)
			p.must(g.Launch(s), "launching")
			p.must(g.Close(), "closing")
			p.sync(s)
			p.same(p.bytes(b), pattern(64, 9), "what was launched before the graph was closed")
			p.refused(g.Close(), driver.Closed, "closing twice")
		}),
	}
}

// recorded returns a graph that copies from to b and fills c.
func (p *probe) recorded(s *adapter.Stream) (b, c, from *adapter.Buffer, g *adapter.Graph) {
	b, c, from = p.alloc(64), p.alloc(64), p.upload(pattern(64, 9))
	p.must(s.BeginCapture(), "beginning")
	p.must(s.Copy(p.ctx, b.All(), from.All()), "recording a copy")
	p.must(s.Fill(p.ctx, c.All(), []byte{7}), "recording a fill")
	g, err := s.EndCapture()
	p.must(err, "ending")
	return b, c, from, g
}
