// Package random is the generator that every device draws from: Philox4x32-10 of
// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011. It turns a counter into random words, so that any part of a sequence
// can be drawn without the parts before it, and a seed means the same on a
// processor, an accelerator and the host.
//
// Word i of a seed is word i mod 4 of the block whose counter is i div 4, in the
// lower 64 bits, and whose key is the seed; the low half comes first. Numbers are
// made of words in order:
//
//   - bits: one word for every four bytes, in the machine's byte order;
//   - uniform float32: (w >> 8) × 2⁻²⁴; float64: (w₀ + 2³²w₁ >> 11) × 2⁻⁵³;
//   - normal: two uniform numbers u, v make √(-2 ln(1-u)) cos 2πv and, where
//     there is a place for it, √(-2 ln(1-u)) sin 2πv (Box and Muller, "A note on
//     the generation of random normal deviates", 1958).
package random

import (
	"encoding/binary"
	"math"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Distribution is what is drawn.
type Distribution uint8

// The distributions.
const (
	Bits    Distribution = iota // uniform words
	Uniform                     // [0, 1)
	Normal                      // mean 0, variance 1
)

// Words returns how many words it takes to fill size bytes, and an error for a
// size or element type that cannot be drawn. The type of Bits is ignored.
func (d Distribution) Words(size int64, t tensor.DType) (uint64, error) {
	width := int64(4)
	switch {
	case d > Normal:
		return 0, driver.Errorf(driver.InvalidArgument, "Draw", "distribution %d", d)
	case d == Bits:
	case t == tensor.Float64:
		width = 8
	case t != tensor.Float32:
		return 0, driver.Errorf(driver.Unsupported, "Draw", "%v numbers: only float32 and float64 are drawn", t)
	}
	if size < 0 || size%width != 0 {
		return 0, driver.Errorf(driver.InvalidArgument, "Draw", "%d bytes, which elements of %d do not fill", size, width)
	}
	n := uint64(size / width)
	if d == Normal {
		n += n % 2
	}
	return n * uint64(width/4), nil
}

// Draw fills dst with what a generator draws from where it stands; [Distribution.Words]
// says how far it is then.
func (d Distribution) Draw(dst []byte, t tensor.DType, at driver.GeneratorState) error {
	if _, err := d.Words(int64(len(dst)), t); err != nil {
		return err
	}
	s := source{key: [2]uint32{uint32(at.Seed), uint32(at.Seed >> 32)}, next: at.Offset}
	switch {
	case d == Bits:
		for i := 0; i < len(dst); i += 4 {
			binary.NativeEndian.PutUint32(dst[i:], s.word())
		}
	case t == tensor.Float32:
		d.numbers(len(dst)/4, s.float32, func(i int, v float64) {
			binary.NativeEndian.PutUint32(dst[4*i:], math.Float32bits(float32(v)))
		})
	default:
		d.numbers(len(dst)/8, s.float64, func(i int, v float64) {
			binary.NativeEndian.PutUint64(dst[8*i:], math.Float64bits(v))
		})
	}
	return nil
}

// numbers makes n numbers of uniform ones.
func (d Distribution) numbers(n int, uniform func() float64, put func(i int, v float64)) {
	if d == Uniform {
		for i := range n {
			put(i, uniform())
		}
		return
	}
	for i := 0; i < n; i += 2 {
		radius := math.Sqrt(-2 * math.Log1p(-uniform()))
		sin, cos := math.Sincos(2 * math.Pi * uniform())
		put(i, radius*cos)
		if i+1 < n {
			put(i+1, radius*sin)
		}
	}
}

// source is the sequence of words of one seed.
type source struct {
	key   [2]uint32
	next  uint64
	block [4]uint32 // that next lies in, once drawn
	drawn bool
}

func (s *source) word() uint32 {
	if s.next%4 == 0 || !s.drawn {
		s.block, s.drawn = philox(s.next/4, s.key), true
	}
	w := s.block[s.next%4]
	s.next++
	return w
}

func (s *source) float32() float64 { return float64(s.word()>>8) * 0x1p-24 }

func (s *source) float64() float64 {
	low, high := uint64(s.word()), uint64(s.word())
	return float64((high<<32|low)>>11) * 0x1p-53
}

// philox is ten rounds on a counter.
func philox(counter uint64, key [2]uint32) [4]uint32 {
	return rounds([4]uint32{uint32(counter), uint32(counter >> 32)}, key)
}

func rounds(c [4]uint32, key [2]uint32) [4]uint32 {
	const m0, m1 = 0xD2511F53, 0xCD9E8D57 // multipliers
	const w0, w1 = 0x9E3779B9, 0xBB67AE85 // what keys grow by
	for range 10 {
		p0, p1 := uint64(c[0])*m0, uint64(c[2])*m1
		c = [4]uint32{uint32(p1>>32) ^ c[1] ^ key[0], uint32(p1), uint32(p0>>32) ^ c[3] ^ key[1], uint32(p0)}
		key[0] += w0
		key[1] += w1
	}
	return c
}
