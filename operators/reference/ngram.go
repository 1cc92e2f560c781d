package reference

import (
	"fmt"
	"math"
	"strconv"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// gramPool holds the n-grams that TfIdfVectorizer looks for. Tokens are written as
// their places in the list of all tokens.
type gramPool struct {
	tokens  places
	grams   map[string]int // from n-gram, as written by gramKey, to its number
	columns []int64        // of the output, by number
	width   int            // number of columns
}

// tfIdfVectorizer counts the n-grams of every row that are in a pool. An n-gram
// of n > 1 tokens may skip up to max_skip_count tokens, equally many between any
// two of its own.
func tfIdfVectorizer(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	if x.Rank() > 2 {
		return nil, fmt.Errorf("input of shape %v, but it must have the shape [C] or [N,C]", x.Shape())
	}
	shortest, longest, skips := c.Node.Int("min_gram_length", 1), c.Node.Int("max_gram_length", 1), c.Node.Int("max_skip_count", 0)
	if shortest < 1 || longest < shortest || skips < 0 {
		return nil, fmt.Errorf("min_gram_length %d, max_gram_length %d, max_skip_count %d: it must be that 1 <= min <= max and 0 <= skip", shortest, longest, skips)
	}
	p, err := poolOf(c.Node, x.DType())
	if err != nil {
		return nil, err
	}
	weigh, err := weighting(c.Node)
	if err != nil {
		return nil, err
	}
	rows, length := 1, x.Len()
	if x.Rank() == 2 {
		rows, length = x.Shape()[0], x.Shape()[1]
	}
	y, err := newMatrix(rows, p.width)
	if err != nil {
		return nil, err
	}
	tokens := p.tokens.of(x)
	for i := range rows {
		for gram, count := range p.count(c, tokens[i*length:(i+1)*length], shortest, longest, skips) {
			y.row(i)[p.columns[gram]] += weigh(gram, float64(count))
		}
	}
	if x.Rank() == 2 {
		return one(y.tensor(tensor.Float32))
	}
	return one(tensor.FromFloat64s(tensor.Float32, tensor.Shape{p.width}, y.data))
}

// weighting returns what n-gram number gram, found count times, adds to its
// column.
func weighting(n *graph.Node) (func(gram int, count float64) float64, error) {
	weights, grams := n.Floats("weights"), len(n.Ints("ngram_indexes"))
	if len(weights) != 0 && len(weights) != grams {
		return nil, fmt.Errorf("%d weights for %d ngram_indexes", len(weights), grams)
	}
	weight := func(gram int) float64 {
		if len(weights) == 0 {
			return 1
		}
		return float64(weights[gram])
	}
	switch mode := n.Text("mode", ""); mode {
	case "TF":
		return func(_ int, count float64) float64 { return count }, nil
	case "IDF":
		return func(gram int, _ float64) float64 { return weight(gram) }, nil
	case "TFIDF":
		return func(gram int, count float64) float64 { return weight(gram) * count }, nil
	default:
		return nil, fmt.Errorf("mode %q is none of TF, IDF, TFIDF", mode)
	}
}

// poolOf reads the pool of tokens of type d (int32 counts as int64): all
// 1-grams, then all 2-grams and so on, ngram_counts saying where each kind
// begins.
func poolOf(n *graph.Node, d tensor.DType) (*gramPool, error) {
	integers, words := n.Ints("pool_int64s"), n.Texts("pool_strings")
	if (len(integers) > 0) == (len(words) > 0) || (len(words) > 0) != (d == tensor.String) {
		return nil, fmt.Errorf("%d pool_int64s and %d pool_strings for elements of type %v: exactly the one for the type must be set", len(integers), len(words), d)
	}
	list := tensor.Of(integers)
	if d == tensor.String {
		list = tensor.Of(words)
	}
	p := &gramPool{tokens: placesOf(list), grams: map[string]int{}, columns: n.Ints("ngram_indexes")}
	for i, column := range p.columns {
		if column < 0 || column >= math.MaxInt {
			return nil, fmt.Errorf("ngram_indexes[%d] is %d, but must be a column of the output", i, column)
		}
		p.width = max(p.width, int(column)+1)
	}
	items, starts, number := p.tokens.of(list), n.Ints("ngram_counts"), 0
	for k, start := range starts {
		size, end := k+1, int64(len(items))
		if k+1 < len(starts) {
			end = starts[k+1]
		}
		if start < 0 || end < start || end > int64(len(items)) || (end-start)%int64(size) != 0 {
			return nil, fmt.Errorf("ngram_counts %v: the %d-grams from %d to %d do not fit a pool of %d", starts, size, start, end, len(items))
		}
		for at := int(start); at < int(end); at += size {
			p.grams[gramKey(items[at:at+size], 1, size)] = number
			number++
		}
	}
	if number > len(p.columns) {
		return nil, fmt.Errorf("%d ngram_indexes for %d n-grams", len(p.columns), number)
	}
	return p, nil
}

// gramKey writes n tokens, step apart.
func gramKey(tokens []int, step, n int) string {
	var key []byte
	for i := range n {
		key = append(strconv.AppendInt(key, int64(tokens[i*step]), 10), ',')
	}
	return string(key)
}

// count returns how often each n-gram of the pool, by number, occurs among
// tokens, with 0 to skips tokens left out between its own.
func (p *gramPool) count(c *Call, tokens []int, shortest, longest, skips int64) map[int]int {
	counts := map[int]int{}
	for n := int(shortest); n <= int(min(longest, int64(len(tokens)))); n++ {
		for step := 1; step <= 1+int(min(skips, int64(len(tokens)))); step++ {
			if n == 1 && step > 1 {
				break
			}
			for start := 0; start+(n-1)*step < len(tokens); start++ {
				c.checkpoint()
				if gram, ok := p.grams[gramKey(tokens[start:], step, n)]; ok {
					counts[gram]++
				}
			}
		}
	}
	return counts
}
