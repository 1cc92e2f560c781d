package adapter

import (
	"context"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/random"
	"example.com/midplane/adapter/tensor"
)

// Generator draws random numbers: the same for the same seed on every device,
// see package random.
type Generator struct {
	dev    *Device
	drv    driver.Generator // nil where the host draws
	mu     sync.Mutex
	at     driver.GeneratorState // there
	closed atomic.Bool
}

// NewGenerator returns a generator that begins at a seed.
func (d *Device) NewGenerator(seed uint64) (*Generator, error) {
	randomizer, ok := As[driver.Randomizer](d)
	g := &Generator{dev: d, at: driver.GeneratorState{Seed: seed}}
	err := d.call("NewGenerator", func() (err error) {
		if ok {
			g.drv, err = randomizer.NewGenerator(seed)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Bits enqueues filling a region, of a size that 4 divides, with random words. A
// nil stream means at once.
func (g *Generator) Bits(ctx context.Context, s *Stream, dst driver.Region) error {
	return g.draw(ctx, "Bits", s, dst, random.Bits, tensor.Uint32)
}

// Uniform enqueues filling it with float32 or float64 numbers from [0, 1).
func (g *Generator) Uniform(ctx context.Context, s *Stream, dst driver.Region, d tensor.DType) error {
	return g.draw(ctx, "Uniform", s, dst, random.Uniform, d)
}

// Normal enqueues filling it with float32 or float64 numbers of mean 0 and
// variance 1.
func (g *Generator) Normal(ctx context.Context, s *Stream, dst driver.Region, d tensor.DType) error {
	return g.draw(ctx, "Normal", s, dst, random.Normal, d)
}

func (g *Generator) draw(ctx context.Context, op string, s *Stream, dst driver.Region, what random.Distribution, t tensor.DType) error {
	d := g.dev
	if g.closed.Load() {
		return closedBefore(d, op, "generator")
	}
	if s != nil && s.dev != d {
		return d.refuse(op, "the stream is of %s", s.dev.name)
	}
	s = d.on(s)
	if err := s.enterCtx(ctx, op); err != nil {
		return err
	}
	defer d.leave()
	words, err := what.Words(dst.Size, t)
	if err == nil {
		err = d.checkCopy(op, 0, 0, dst)
	}
	if err != nil || dst.Size == 0 {
		return d.named(op, err)
	}
	if g.drv != nil {
		return d.named(op, g.native(s.drv, dst, what, t))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at
	err = s.stage(ctx, dst, func(part []byte, _ int64) error {
		n, err := what.Words(int64(len(part)), t)
		if err == nil {
			err = what.Draw(part, t, at)
		}
		at.Offset += n
		return err
	})
	if err == nil {
		g.at.Offset += words
	}
	return err
}

func (g *Generator) native(s driver.Stream, dst driver.Region, what random.Distribution, t tensor.DType) error {
	switch what {
	case random.Uniform:
		return g.drv.Uniform(s, dst, t)
	case random.Normal:
		return g.drv.Normal(s, dst, t)
	}
	return g.drv.Bits(s, dst)
}

// State returns where the generator stands, draws enqueued included.
func (g *Generator) State() (state driver.GeneratorState, err error) {
	if g.closed.Load() {
		return state, closedBefore(g.dev, "State", "generator")
	}
	err = g.dev.call("State", func() (err error) {
		if g.drv != nil {
			state, err = g.drv.State()
			return err
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		state = g.at
		return nil
	})
	return state, err
}

// SetState moves the generator.
func (g *Generator) SetState(state driver.GeneratorState) error {
	if g.closed.Load() {
		return closedBefore(g.dev, "SetState", "generator")
	}
	return g.dev.call("SetState", func() error {
		if g.drv != nil {
			return g.drv.SetState(state)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.at = state
		return nil
	})
}

// Close gives the generator back. A second Close is an error.
func (g *Generator) Close() error { return closeHandle(g.dev, "generator", &g.closed, g.drv) }
