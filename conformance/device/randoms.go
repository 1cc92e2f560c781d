package device

import (
	"context"
	"math"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/random"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/result"
)

func randomCells() []Cell {
	return []Cell{
		works("Randomizer.NewGenerator", func(p *probe) {
			for _, seed := range []uint64{0, 1, math.MaxUint64} {
				g := p.generator(seed)
				p.at(g, driver.GeneratorState{Seed: seed})
				p.draws(g, random.Bits, tensor.Uint32, 64)
				p.must(g.Close(), "closing")
			}
		}),
		works("Generator.Bits", func(p *probe) {
			g := p.generator(42)
			for _, n := range []int64{4, 16, 4096, 100_004} {
				p.draws(g, random.Bits, tensor.Uint32, n)
			}
		}),
		refuses("Generator.Bits", func(p *probe) {
			g := p.generator(1)
			p.refusesRegions(64, func(r driver.Region) error { return g.Bits(p.ctx, nil, r) })
			p.refused(g.Bits(p.ctx, nil, p.region(p.alloc(64), 0, 6)), driver.InvalidArgument, "6 bytes, which are no words")
			p.refused(g.Bits(p.ctx, p.streamOf(p.second()), p.alloc(64).All()), driver.InvalidArgument, "a stream of another device")
			p.at(g, driver.GeneratorState{Seed: 1})
		}),
		works("Generator.Uniform", func(p *probe) {
			g := p.generator(3)
			p.draws(g, random.Uniform, tensor.Float32, 4000)
			p.draws(g, random.Uniform, tensor.Float64, 8000)
		}),
		refuses("Generator.Uniform", func(p *probe) { p.refusesTypes(p.generator(1).Uniform) }),
		works("Generator.Normal", func(p *probe) {
			g := p.generator(4)
			p.draws(g, random.Normal, tensor.Float32, 4000)
			p.draws(g, random.Normal, tensor.Float64, 8000)
		}),
		refuses("Generator.Normal", func(p *probe) { p.refusesTypes(p.generator(1).Normal) }),
		works("Generator.State", func(p *probe) {
			g, b := p.generator(8), p.alloc(400)
			p.must(g.Bits(p.ctx, p.stream(), b.All()), "drawing on a stream")
			p.at(g, driver.GeneratorState{Seed: 8, Offset: 100})
		}),
		works("Generator.SetState", func(p *probe) {
			g, h := p.generator(5), p.generator(6)
			p.draws(g, random.Bits, tensor.Uint32, 40)
			state, err := g.State()
			p.must(err, "the state")
			p.must(h.SetState(state), "moving another generator there")
			p.at(h, state)
			a, b := p.alloc(64), p.alloc(64)
			p.must(g.Bits(p.ctx, nil, a.All()), "drawing")
			p.must(h.Bits(p.ctx, nil, b.All()), "drawing from the other")
			p.same(p.bytes(b), p.bytes(a), "what generators of one state draw")
		}),
		works("Generator.Close", func(p *probe) {
			g := p.generator(1)
			p.must(g.Close(), "closing")
			p.refused(g.Close(), driver.Closed, "closing twice")
		}),
		works("DeterminismSetter.SetDeterminism", func(p *probe) {
			for _, level := range []driver.Determinism{driver.AnyResult, driver.SameDevice} {
				p.must(p.d.SetDeterminism(level), "%v", level)
			}
			if err := p.d.SetDeterminism(driver.SameModel); err != nil {
				p.refused(err, driver.Unsupported, "%v, which a device may not have", driver.SameModel)
			}
		}),
		refuses("DeterminismSetter.SetDeterminism", func(p *probe) {
			p.refused(p.d.SetDeterminism(77), driver.InvalidArgument, "level 77")
		}),
	}
}

func (p *probe) generator(seed uint64) *adapter.Generator {
	g, err := p.d.NewGenerator(seed)
	p.must(err, "a generator")
	return g
}

func (p *probe) at(g *adapter.Generator, want driver.GeneratorState) {
	got, err := g.State()
	p.must(err, "the state")
	p.expect(got == want, "the generator stands at %+v, not at %+v", got, want)
}

// draws has a generator fill n bytes on a stream, and holds them against what
// package random draws from the same state.
func (p *probe) draws(g *adapter.Generator, what random.Distribution, t tensor.DType, n int64) {
	state, err := g.State()
	p.must(err, "the state")
	want := make([]byte, n)
	if err := what.Draw(want, t, state); err != nil {
		p.failf(result.Fault, "%v", err)
	}
	s, b := p.stream(), p.alloc(n)
	switch what {
	case random.Uniform:
		err = g.Uniform(p.ctx, s, b.All(), t)
	case random.Normal:
		err = g.Normal(p.ctx, s, b.All(), t)
	default:
		err = g.Bits(p.ctx, s, b.All())
	}
	p.must(err, "drawing %d bytes", n)
	p.sync(s)
	got := p.bytes(b)
	if what == random.Normal {
		p.near(got, want, t)
		return
	}
	p.same(got, want, "%d random bytes of seed %d from word %d on", n, state.Seed, state.Offset)
}

// near holds normal numbers against others: their ln, sin and cos may be rounded
// otherwise.
func (p *probe) near(got, want []byte, t tensor.DType) {
	g, w := floats(got, t), floats(want, t)
	bound := 1e-12
	if t == tensor.Float32 {
		bound = 1e-5
	}
	for i := range w {
		if d := math.Abs(g[i] - w[i]); !(d <= bound*max(1, math.Abs(w[i]))) {
			p.failf(result.FailNumeric, "normal number %d is %v, not %v", i, g[i], w[i])
		}
	}
}

// floats reads float32 or float64 numbers.
func floats(b []byte, t tensor.DType) []float64 {
	host := tensor.Zeros(t, tensor.Shape{len(b) / t.Bytes(1)})
	copy(host.Bytes(), b)
	if t == tensor.Float64 {
		return tensor.Slice[float64](host)
	}
	var out []float64
	for _, v := range tensor.Slice[float32](host) {
		out = append(out, float64(v))
	}
	return out
}

// refusesTypes gives a draw what is no float, and regions that cannot be.
func (p *probe) refusesTypes(draw func(context.Context, *adapter.Stream, driver.Region, tensor.DType) error) {
	b := p.alloc(64)
	for _, t := range []tensor.DType{tensor.Int32, tensor.Float16, tensor.String, 0, 200} {
		p.refusedAs(draw(p.ctx, nil, b.All(), t), []driver.Code{driver.InvalidArgument, driver.Unsupported}, "%v numbers", t)
	}
	p.refused(draw(p.ctx, nil, p.region(b, 0, 6), tensor.Float32), driver.InvalidArgument, "6 bytes of float32 numbers")
	p.refusesRegions(64, func(r driver.Region) error { return draw(p.ctx, nil, r, tensor.Float32) })
}
