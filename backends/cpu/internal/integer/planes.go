package integer

import (
	"math"
	"sync"
)

// Planes are filters of which each channel of an image has one of its own, packed
// for instructions that add up products of bytes four by four.
type Planes struct {
	channels, quads int
	repeats         int    // how often few channels fill a block, whose weights are repeated
	weights         []int8 // by block of channels, quad of taps, and channel in the order that taps are unpacked
}

// planeBlock is how many channels are computed at once.
const planeBlock = 64

// planes computes a block of channels; nil where there are no such instructions.
// Operands were checked.
var planes func(p planesCall)

// planesCall is what is computed of a block.
type planesCall struct {
	dst, image    []uint8
	weights       []int8
	offsets       []int64
	start         []int32
	factor        []float32
	channels      int // of the block
	columns       int
	step, dstStep int

	zero, low, high int32
}

// PackPlanes packs weights, by tap and channel. It returns nil where the processor
// has no instructions for that, or weights are no signed bytes.
func PackPlanes(weights []int32, channels int) *Planes {
	if planes == nil || channels == 0 || len(weights) < channels {
		return nil
	}
	taps := len(weights) / channels
	p := &Planes{channels: channels, quads: quadsOf(taps), repeats: 1}
	if planeBlock%channels == 0 {
		p.repeats = planeBlock / channels
	}
	blocks := (channels + planeBlock - 1) / planeBlock
	p.weights = make([]int8, blocks*p.quads*quad*planeBlock)
	for i, w := range weights[:taps*channels] {
		if w < math.MinInt8 || w > math.MaxInt8 {
			return nil
		}
		for c := i % channels; c < max(i%channels+1, p.repeats*channels); c += channels {
			tap, within := i/channels, c%planeBlock
			line := (c/planeBlock*p.quads+tap/quad)*quad + within%16/4
			p.weights[line*planeBlock+within/16*16+within%4*quad+tap%quad] = int8(w)
		}
	}
	return p
}

// PlanesBytes returns what packed weights take at most.
func PlanesBytes(taps, channels int) int64 {
	return int64(quadsOf(taps)) * quad * int64((channels+planeBlock-1)/planeBlock) * planeBlock
}

// QuadOffsets returns offsets of taps, filled up to whole quads.
func QuadOffsets(offsets []int64) []int64 {
	list := append([]int64{}, offsets...)
	for len(list)%quad != 0 {
		list = append(list, offsets[len(offsets)-1])
	}
	return list
}

// Filter is [Filter], followed by [Rescale] to bytes from low to high: those of
// int8 if low is negative. The offsets are those of [QuadOffsets].
func (p *Planes) Filter(dst, image []uint8, start []int32, factor []float32, offsets []int64, columns, step int, zero, low, high int32) {
	n := p.channels
	if columns <= 0 {
		return
	}
	furthest := int64(0)
	for _, o := range offsets {
		if o < 0 {
			panic("integer: a negative offset into an image")
		}
		furthest = max(furthest, o)
	}
	if len(offsets) != p.quads*quad || len(start) < n || len(factor) < n || len(dst) < columns*n || step < 0 || len(image) < int(furthest)+(columns-1)*step+n {
		panic("integer: operands too short for a filter")
	}
	call := planesCall{offsets: offsets, zero: zero, low: low, high: high}
	if p.repeats > 1 && step == n { // channels of several pixels, which follow each other, are a block
		r := repeated.Get().(*repeats)
		defer repeated.Put(r)
		for c := range planeBlock {
			r.start[c], r.factor[c] = start[c%n], factor[c%n]
		}
		call.dst, call.image, call.weights, call.start, call.factor = dst, image, p.weights, r.start[:], r.factor[:]
		call.channels, call.columns, call.step, call.dstStep = planeBlock, columns/p.repeats, planeBlock, planeBlock
		if call.columns > 0 {
			planes(call)
		}
		done := call.columns * p.repeats
		if columns -= done; columns == 0 {
			return
		}
		dst, image = dst[done*n:], image[done*n:]
	}
	perBlock := p.quads * quad * planeBlock
	for c := 0; c < n; c += planeBlock {
		call.dst, call.image, call.weights, call.start, call.factor = dst[c:], image[c:], p.weights[c/planeBlock*perBlock:], start[c:], factor[c:]
		call.channels, call.columns, call.step, call.dstStep = min(planeBlock, n-c), columns, step, n
		planes(call)
	}
}

// repeats are starts and factors of few channels, repeated.
type repeats struct {
	start  [planeBlock]int32
	factor [planeBlock]float32
}

var repeated = sync.Pool{New: func() any { return new(repeats) }}
