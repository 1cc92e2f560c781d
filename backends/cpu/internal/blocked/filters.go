package blocked

import "example.com/midplane/backends/cpu/internal/pages"

// Filters are the weights of a convolution, packed for pairs of blocks of filters:
// by block of channels, tap and channel, the weights of 32 filters, or of 16 in a
// last block that is alone.
type Filters struct {
	blocks int // of filters
	depth  int // rows of weights: what a filter sees
	wide   int // channels for each offset: Width, or 1 for those of planes
	data   []float32
}

// PackFilters packs filters × channels × taps weights for images in blocks, or, for
// those that are not, for planes. Channels and filters that there are not have the
// weight 0.
func PackFilters(w []float32, filters, channels, taps int, planes bool) *Filters {
	f := NewFilters(filters, channels, taps, planes)
	for p := range f.Pairs() {
		f.Pack(p, w, filters, channels, taps)
	}
	return f
}

// NewFilters is PackFilters, of which every pair of blocks is still to be packed.
func NewFilters(filters, channels, taps int, planes bool) *Filters {
	f := &Filters{blocks: Blocks(filters), wide: Width}
	if planes {
		f.wide = 1
	}
	groups := (channels + f.wide - 1) / f.wide
	f.depth = groups * taps * f.wide
	f.data = pages.Make[float32](f.blocks * Width * f.depth)
	return f
}

// Pack packs pair p, which may be done at the same time as others. What a block of
// channels makes of it stays in a near cache.
func (f *Filters) Pack(p int, w []float32, filters, channels, taps int) {
	to, lanes := f.pair(p)
	first := 2 * p * Width
	for low := 0; low < channels; low += f.wide {
		n, block := min(f.wide, channels-low), to[low*taps*lanes:]
		for i := range min(lanes, filters-first) {
			from := w[((first+i)*channels+low)*taps:][:n*taps]
			if taps == 1 {
				at := i
				for _, v := range from {
					block[at] = v
					at += lanes
				}
				continue
			}
			for c := range n {
				at := c*lanes + i
				for _, v := range from[c*taps:][:taps] {
					block[at] = v
					at += f.wide * lanes
				}
			}
		}
	}
}

// FiltersBytes returns what PackFilters makes takes.
func FiltersBytes(filters, channels, taps int, planes bool) int64 {
	if !planes {
		channels = Blocks(channels) * Width
	}
	return int64(Blocks(filters)) * Width * int64(channels) * int64(taps) * 4
}

// Pairs returns the number of pairs of blocks.
func (f *Filters) Pairs() int { return (f.blocks + 1) / 2 }

// Depth returns how many products are added up for each element of a result.
func (f *Filters) Depth() int { return f.depth }

// pair returns the weights of a pair, and how many filters it has.
func (f *Filters) pair(p int) (weights []float32, filters int) {
	filters = min(2, f.blocks-2*p) * Width
	return f.data[2*p*Width*f.depth:][:filters*f.depth], filters
}

// following returns the weights behind those of a pair, or where there are none, its
// own.
func (f *Filters) following(p int) []float32 {
	if p+1 < f.Pairs() {
		p++
	}
	weights, _ := f.pair(p)
	return weights
}
