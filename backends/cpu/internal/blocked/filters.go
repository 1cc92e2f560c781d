package blocked

import "example.com/midplane/backends/cpu/internal/pages"

// Filters are the weights of a convolution, packed for the blocks of filters that a
// tile has, one or a pair: by block of channels, tap and channel, the weights of 32
// filters, or of 16 in a block that is alone.
type Filters struct {
	blocks int // of filters
	most   int // of a tile
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
	f := &Filters{blocks: Blocks(filters), most: best.together, wide: Width}
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
	for low := 0; low < channels; low += f.wide {
		n := min(f.wide, channels-low)
		for i := 2 * p * Width; i < min(2*(p+1)*Width, filters); i++ {
			from := w[(i*channels+low)*taps:][:n*taps]
			first, lanes := f.place(i)
			first += low * taps * lanes
			if taps == 1 {
				at := first
				for _, v := range from {
					f.data[at] = v
					at += lanes
				}
				continue
			}
			for c := range n {
				at := first + c*lanes
				for _, v := range from[c*taps:][:taps] {
					f.data[at] = v
					at += f.wide * lanes
				}
			}
		}
	}
}

// place returns where the weights of a filter begin, and how far apart they lie.
func (f *Filters) place(filter int) (first, step int) {
	block := filter / Width / f.most * f.most
	return block*Width*f.depth + filter - block*Width, f.together(block) * Width
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

// together returns how many blocks from one on a tile has.
func (f *Filters) together(block int) int { return min(f.most, f.blocks-block) }

// of returns the weights of n blocks from one on.
func (f *Filters) of(block, n int) []float32 {
	return f.data[block*Width*f.depth:][:n*Width*f.depth]
}
