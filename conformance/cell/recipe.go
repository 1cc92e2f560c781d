package cell

import "slices"

// recipe says how to draw nodes of an operator.
type recipe struct {
	classes []string // attribute classes, "default" first; nil: that one only
	shapes  []Shape  // shape classes; the first is the operator's usual one
	values  []Values // classes of data beyond the ordinary that mean something
	typed   string   // the type variable of the cell's element type; "": that of the first input
	host    bool     // inputs or outputs are strings or containers, whatever the element type
	draw    func(d *draft)
}

type family map[string]recipe

// families are the tables of all files.
var families = []family{
	elementwise, pairs, reductions, products, convolutions, pools, normalizations, movements, gathers, quantizations,
	recurrences, attentions, images, signals, losses, randoms, texts, learning, sequences, controls,
}

func lookup(operator string) (recipe, bool) {
	for _, f := range families {
		if r, ok := f[operator]; ok {
			return r, true
		}
	}
	return recipe{}, false
}

// classes lists attribute classes, with the default one first.
func classes(names ...string) []string { return append([]string{"default"}, names...) }

// The shape classes that groups of operators have.
var (
	anyRank   = []Shape{Rank2, Scalar, Rank1, Rank3, Rank4, Rank5, Rank6, Empty, Dynamic, Large}
	fromRank1 = []Shape{Rank2, Rank1, Rank3, Rank4, Rank5, Rank6, Empty, Dynamic, Large}
	fromRank2 = []Shape{Rank3, Rank2, Rank4, Rank5, Rank6, Empty, Dynamic, Large}
	pairwise  = append(slices.Clone(anyRank), Broadcast)
	spatial   = []Shape{Rank4, Rank3, Rank5, Dynamic, Large}
)

// The data that operators are tried on.
var (
	everyValue = []Values{Extreme, Infinite, NaN, Subnormal} // each result follows from few elements
	summed     = []Values{Infinite, NaN, Subnormal, Wide}    // order and width of sums must not matter
)
