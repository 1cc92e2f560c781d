package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// matrix holds rows of float64: examples by features, or examples by scores.
type matrix struct {
	rows, cols int
	data       []float64
}

func newMatrix(rows, cols int) (matrix, error) {
	n, err := countOf(tensor.Shape{rows, cols})
	if err != nil {
		return matrix{}, err
	}
	return matrix{rows, cols, make([]float64, n)}, nil
}

func (m matrix) row(i int) []float64 { return m.data[i*m.cols : (i+1)*m.cols] }

// tensor rounds the elements to type d.
func (m matrix) tensor(d tensor.DType) *tensor.Tensor {
	return tensor.FromFloat64s(d, tensor.Shape{m.rows, m.cols}, m.data)
}

// examples reads a tensor of shape [N,C], or [C] as one example.
func examples(t *tensor.Tensor) (matrix, error) {
	switch s := t.Shape(); len(s) {
	case 1:
		return matrix{1, s[0], t.Float64s()}, nil
	case 2:
		return matrix{s[0], s[1], t.Float64s()}, nil
	default:
		return matrix{}, fmt.Errorf("input of shape %v: examples have the shape [N,C] or [C]", s)
	}
}

// labelsOf returns the classes of a classifier: the attribute named ints, or
// classlabels_strings.
func labelsOf(n *graph.Node, ints string) (*tensor.Tensor, error) {
	integers, strings := n.Ints(ints), n.Texts("classlabels_strings")
	switch {
	case len(integers) > 0 && len(strings) == 0:
		return tensor.Of(integers), nil
	case len(strings) > 0 && len(integers) == 0:
		return tensor.Of(strings), nil
	}
	return nil, fmt.Errorf("%d %s and %d classlabels_strings: exactly one of the two lists the classes", len(integers), ints, len(strings))
}

// top returns the index of the first highest score, scores being compared as
// the float32 that they are given out as, so that classes which tie there tie
// here.
func top(scores []float64) int {
	best := 0
	for i, s := range scores {
		if float32(s) > float32(scores[best]) {
			best = i
		}
	}
	return best
}

// postTransform returns the function that a post_transform attribute names. It
// changes the scores of one example in place.
func postTransform(name string) (func(scores []float64), error) {
	switch name {
	case "NONE":
		return func([]float64) {}, nil
	case "SOFTMAX":
		return func(s []float64) { expShares(s, func(float64) bool { return true }) }, nil
	case "SOFTMAX_ZERO":
		return func(s []float64) { expShares(s, func(v float64) bool { return math.Abs(v) > 1e-7 }) }, nil
	case "LOGISTIC":
		return func(s []float64) { replaceEach(s, logistic) }, nil
	case "PROBIT":
		return func(s []float64) { replaceEach(s, probit) }, nil
	}
	return nil, fmt.Errorf("post_transform %q is none of NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT", name)
}

func replaceEach(scores []float64, f func(float64) float64) {
	for i, s := range scores {
		scores[i] = f(s)
	}
}

// expShares gives every score its share of the sum of exponentials, and 0 to
// the scores that do not count.
func expShares(scores []float64, counts func(float64) bool) {
	highest, sum := math.Inf(-1), 0.0
	for _, s := range scores {
		highest = math.Max(highest, s)
	}
	for i, s := range scores {
		if scores[i] = 0; counts(s) {
			scores[i] = math.Exp(s - highest)
		}
		sum += scores[i]
	}
	if sum == 0 {
		return
	}
	for i := range scores {
		scores[i] /= sum
	}
}

// probit is the quantile function of the normal distribution, √2·erf⁻¹(2p-1),
// with the approximation of erf⁻¹ that implementations of ONNX share: S. Winitzki,
// "A handy approximation for the error function and its inverse" (2008), with
// a = 0.147. It is exact to about 2e-3.
func probit(p float64) float64 {
	const a = 0.147
	x := 2*p - 1
	log := math.Log((1 - x) * (1 + x))
	if math.IsInf(log, -1) {
		return math.Inf(int(math.Copysign(1, x)))
	}
	v := 2/(math.Pi*a) + log/2
	return math.Sqrt2 * math.Copysign(math.Sqrt(math.Sqrt(v*v-log/a)-v), x)
}

// oneScore says how a classifier of two classes reads the one score that it
// computes, which speaks for the second class. The specification leaves it open;
// this is what implementations agree on.
type oneScore struct {
	threshold   float64 // the second class wins above it
	probability bool    // without a transform, the first class has 1-s; else it has -s
}

// both returns the scores of the two classes before the transform named post:
// the first class has 1-s where s is or is taken for a probability (NONE if
// o.probability, PROBIT), else -s, which LOGISTIC turns into the complement.
func (o oneScore) both(s float64, post string) []float64 {
	if post == "PROBIT" || post == "NONE" && o.probability {
		return []float64{1 - s, s}
	}
	return []float64{-s, s}
}

// topClasses finds the class of every example and transforms its scores: one
// score for each class, or one that o reads. With a single class, its label goes
// to the examples whose score is positive and 0 or "" to the others.
func topClasses(labels *tensor.Tensor, scores matrix, post string, o oneScore) ([]tensor.Value, error) {
	transform, err := postTransform(post)
	if err != nil {
		return nil, err
	}
	n := labels.Len()
	if scores.cols != n && (scores.cols != 1 || n != 2) {
		return nil, fmt.Errorf("%d scores for each example, but %d classes", scores.cols, n)
	}
	out, err := newMatrix(scores.rows, n)
	if err != nil {
		return nil, err
	}
	classes := make([]int, scores.rows)
	for i := range classes {
		row := scores.row(i)
		above := scores.cols == 1 && float32(row[0]) > float32(o.threshold)
		switch {
		case scores.cols > 1:
			classes[i] = top(row)
		case n == 1 && !above:
			classes[i] = none
		case n == 2 && above:
			classes[i] = 1
		}
		if scores.cols < n {
			row = o.both(row[0], post)
		}
		copy(out.row(i), row)
		transform(out.row(i))
	}
	return []tensor.Value{pick(labels, tensor.Shape{scores.rows}, classes), out.tensor(tensor.Float32)}, nil
}

// regress transforms the scores of a regressor.
func regress(scores matrix, post string) ([]tensor.Value, error) {
	transform, err := postTransform(post)
	if err != nil {
		return nil, err
	}
	for i := range scores.rows {
		transform(scores.row(i))
	}
	return one(scores.tensor(tensor.Float32))
}
