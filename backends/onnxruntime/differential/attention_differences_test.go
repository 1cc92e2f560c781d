package differential_test

import "example.com/midplane/adapter/tensor"

func init() { differences = append(differences, attentionDifferences...) }

var attentionDifferences = []*difference{
	{"Attention", func(n *sample, err error) bool {
		return n.is("is_causal", int64(1)) && n.tensorAt(4) != nil && n.queries() != n.keys()
	}, theirs, "query i sees keys up to i plus the number of keys less that of queries, not plus the number of past keys"},
	{"Attention", func(n *sample, err error) bool { return n.outputs == 4 && says(err, "Inf") },
		theirs, "what is masked has the least number as its score, not minus infinity"},
	{"Attention", func(n *sample, err error) bool { return n.dtype(0) == tensor.Float64 },
		silent, "the default scale is an attribute, and so of float32, in the function's body"},
}

// queries and keys return how many of them there are, past ones aside.
func (n *sample) queries() int { return n.length(0) }
func (n *sample) keys() int    { return n.length(1) }

func (n *sample) length(i int) int {
	s := n.tensorAt(i).Shape()
	return s[len(s)-2]
}
