package emu

import (
	"sync"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/random"
	"example.com/midplane/adapter/tensor"
)

// generator draws random numbers by the algorithm that all devices share.
type generator struct {
	dev *Device

	mu     sync.Mutex
	at     driver.GeneratorState
	closed bool
}

// NewGenerator implements driver.Randomizer.
func (d *Device) NewGenerator(seed uint64) (driver.Generator, error) {
	const op = "NewGenerator"
	if err := d.able(driver.CapRandomizer, op); err != nil {
		return nil, err
	}
	if err := d.ready(op); err != nil {
		return nil, err
	}
	return &generator{dev: d, at: driver.GeneratorState{Seed: seed}}, nil
}

// Bits implements driver.Generator.
func (g *generator) Bits(s driver.Stream, dst driver.Region) error {
	return g.draw("Bits", s, dst, random.Bits, tensor.Uint32)
}

// Uniform implements driver.Generator.
func (g *generator) Uniform(s driver.Stream, dst driver.Region, d tensor.DType) error {
	return g.draw("Uniform", s, dst, random.Uniform, d)
}

// Normal implements driver.Generator.
func (g *generator) Normal(s driver.Stream, dst driver.Region, d tensor.DType) error {
	return g.draw("Normal", s, dst, random.Normal, d)
}

// draw takes the next words of the sequence, in the order of calls, and submits
// the work of drawing them. Captured, it does so whenever it is launched.
func (g *generator) draw(op string, s driver.Stream, dst driver.Region, what random.Distribution, t tensor.DType) error {
	words, err := what.Words(dst.Size, t)
	if err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	if on, ok := s.(*stream); ok && on.captures(func(on *stream) error { return g.draw(op, on, dst, what, t) }) {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errGeneratorClosed(op)
	}
	at := g.at
	err = g.dev.submit(s, &work{op: op, regions: []driver.Region{dst}, run: func(mem *access) error {
		to, err := mem.write(dst)
		if err != nil {
			return err
		}
		return what.Draw(to, t, at)
	}})
	if err == nil {
		g.at.Offset += words
	}
	return err
}

func errGeneratorClosed(op string) error {
	return driver.Errorf(driver.Closed, op, "the generator was closed before")
}

// State implements driver.Generator.
func (g *generator) State() (driver.GeneratorState, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return driver.GeneratorState{}, errGeneratorClosed("State")
	}
	return g.at, nil
}

// SetState implements driver.Generator.
func (g *generator) SetState(state driver.GeneratorState) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errGeneratorClosed("SetState")
	}
	g.at = state
	return nil
}

// Close implements driver.Generator.
func (g *generator) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errGeneratorClosed("Close")
	}
	g.closed = true
	return nil
}
