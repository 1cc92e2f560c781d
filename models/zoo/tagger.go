package zoo

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// The taggers give every word of a sentence a tag, as Lample et al., "Neural
// architectures for named entity recognition", NAACL 2016, without the random
// field.
const (
	taggerWords  = 20000
	taggerWidth  = 100
	taggerHidden = 256 // either way
	taggerTags   = 17
)

var taggerFeed = map[string]fill{"words": tokens(taggerWords, 50, 1)}

func lstmTagger(n *net) { tagger(n, "LSTM", 4) }

func gruTagger(n *net) { tagger(n, "GRU", 3, attr("linear_before_reset", int64(1))) }

// tagger builds one of a recurrent operator of so many gates.
func tagger(n *net, op string, gates int, attrs ...graph.Attribute) {
	words := n.input("words", tensor.Int64, "length", "batch")
	x := n.op("Gather", n.weight("embedding.weight", n.drawn(1, taggerWords, taggerWidth)), words, attr("axis", int64(0)))
	from := taggerWidth
	for _, layer := range []string{"rnn.0", "rnn.1"} {
		n.in(layer, func() {
			in := []*graph.Value{x,
				n.weight("weight_ih", n.drawn(keeping(from, 1), 2, gates*taggerHidden, from)),
				n.weight("weight_hh", n.drawn(keeping(taggerHidden, 1), 2, gates*taggerHidden, taggerHidden)),
				n.weight("bias", n.drawn(0.1, 2, 2*gates*taggerHidden))}
			attrs := append([]graph.Attribute{attr("direction", "bidirectional"), attr("hidden_size", int64(taggerHidden))}, attrs...)
			y := n.op("Transpose", n.ops(op, 1, in, attrs...)[0], ints("perm", 0, 2, 1, 3))
			x = n.op("Reshape", y, n.list(0, 0, -1))
		})
		from = 2 * taggerHidden
	}
	n.output("tags", n.dense("tag", x, from, taggerTags, 1, true))
}
