package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// machine is the part that SVMClassifier and SVMRegressor share. Without support
// vectors the coefficients are a linear model's, and no kernel applies.
type machine struct {
	coefficients []float32
	rho          []float32
	vectors      [][]float32 // support vectors
	kernel       func(x []float64, v []float32) float64
}

// machineOf reads the attributes of a machine with n support vectors. features
// is the length of an example.
func machineOf(node *graph.Node, n, features int) (*machine, error) {
	m := &machine{coefficients: node.Floats("coefficients"), rho: node.Floats("rho"), kernel: inner}
	if n == 0 {
		return m, nil
	}
	flat := node.Floats("support_vectors")
	if want, err := (tensor.Shape{n, features}).Elements(); err != nil || want != len(flat) {
		return nil, fmt.Errorf("support_vectors has %d elements, but %d vectors of %d features take %d × %d", len(flat), n, features, n, features)
	}
	m.vectors = make([][]float32, n)
	for i := range m.vectors {
		m.vectors[i] = flat[i*features : (i+1)*features]
	}
	var err error
	m.kernel, err = kernelOf(node)
	return m, err
}

// kernelOf returns the kernel function K(x, v) of the attributes kernel_type and
// kernel_params (γ, coef0, degree): LINEAR x·v, POLY (γ x·v + coef0)^degree, RBF
// exp(-γ |x-v|²), SIGMOID tanh(γ x·v + coef0).
func kernelOf(node *graph.Node) (func(x []float64, v []float32) float64, error) {
	var gamma, coef0, degree float64
	switch p := node.Floats("kernel_params"); len(p) {
	case 0:
	case 3:
		gamma, coef0, degree = float64(p[0]), float64(p[1]), float64(p[2])
	default:
		return nil, fmt.Errorf("kernel_params has %d elements, but takes gamma, coef0 and degree", len(p))
	}
	switch kind := node.Text("kernel_type", "LINEAR"); kind {
	case "LINEAR":
		return inner, nil
	case "POLY":
		return func(x []float64, v []float32) float64 { return math.Pow(gamma*inner(x, v)+coef0, degree) }, nil
	case "SIGMOID":
		return func(x []float64, v []float32) float64 { return math.Tanh(gamma*inner(x, v) + coef0) }, nil
	case "RBF":
		return func(x []float64, v []float32) float64 {
			sum := 0.0
			for i := range x {
				d := x[i] - float64(v[i])
				sum += d * d
			}
			return math.Exp(-gamma * sum)
		}, nil
	default:
		return nil, fmt.Errorf("kernel_type %q is none of LINEAR, POLY, RBF, SIGMOID", kind)
	}
}

// kernels returns K(x, v) for every support vector v.
func (m *machine) kernels(c *Call, x []float64) []float64 {
	out := make([]float64, len(m.vectors))
	for i, v := range m.vectors {
		c.checkpoint()
		out[i] = m.kernel(x, v)
	}
	return out
}

func svmRegressor(c *Call) ([]tensor.Value, error) {
	x, err := examples(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	supports := c.Node.Int("n_supports", 0)
	if supports < 0 {
		return nil, fmt.Errorf("n_supports is %d, but cannot be negative", supports)
	}
	coefficients, rho, want := len(c.Node.Floats("coefficients")), len(c.Node.Floats("rho")), int64(x.cols)
	if supports > 0 {
		want = supports
	}
	if int64(coefficients) != want || rho == 0 {
		return nil, fmt.Errorf("%d coefficients and %d rho, but %d support vectors over %d features take %d and 1", coefficients, rho, supports, x.cols, want)
	}
	m, err := machineOf(c.Node, tensor.Extent(supports), x.cols)
	if err != nil {
		return nil, err
	}
	out, err := newMatrix(x.rows, 1)
	if err != nil {
		return nil, err
	}
	for i := range out.data {
		at := x.row(i)
		if supports > 0 {
			at = m.kernels(c, at)
		}
		out.data[i] = inner(at, m.coefficients) + float64(m.rho[0])
		if c.Node.Bool("one_class", false) {
			out.data[i] = side(out.data[i])
		}
	}
	return regress(out, c.Node.Text("post_transform", "NONE"))
}

// side returns on which side of the boundary a one-class score lies.
func side(s float64) float64 {
	if s > 0 {
		return 1
	}
	return -1
}

func svmClassifier(c *Call) ([]tensor.Value, error) {
	labels, err := labelsOf(c.Node, "classlabels_ints")
	if err != nil {
		return nil, err
	}
	x, err := examples(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	perClass := c.Node.Ints("vectors_per_class")
	supports := 0
	for _, k := range perClass {
		if k < 0 || k > int64(len(c.Node.Floats("support_vectors"))) {
			return nil, fmt.Errorf("vectors_per_class is %v, but %d elements of support_vectors hold fewer", perClass, len(c.Node.Floats("support_vectors")))
		}
		supports += int(k)
	}
	m, err := machineOf(c.Node, supports, x.cols)
	if err != nil {
		return nil, err
	}
	if supports == 0 {
		return m.linearClasses(c.Node, labels, x)
	}
	return m.votedClasses(c, labels, x, perClass)
}

// linearClasses is the classifier without support vectors: one row of
// coefficients for each class, and rho[0] for all.
func (m *machine) linearClasses(node *graph.Node, labels *tensor.Tensor, x matrix) ([]tensor.Value, error) {
	if len(m.rho) == 0 {
		return nil, fmt.Errorf("rho is empty, but a linear classifier takes its first element")
	}
	bias := make([]float32, labels.Len())
	for i := range bias {
		bias[i] = m.rho[0]
	}
	scores, err := linearScores(x, m.coefficients, bias, labels.Len())
	if err != nil {
		return nil, err
	}
	if labels.Len() == 1 {
		transformed, err := regress(scores, node.Text("post_transform", "NONE"))
		return append([]tensor.Value{pick(labels, tensor.Shape{x.rows}, make([]int, x.rows))}, transformed...), err
	}
	return topClasses(labels, scores, node.Text("post_transform", "NONE"), oneScore{})
}

// votedClasses is the classifier with support vectors: one score for each pair
// of classes, which votes for the first class of the pair where it is positive.
// The class with the most votes wins. The scores given out are probabilities of
// the classes where prob_a and prob_b allow, or else those of the pairs, of which
// a single one is written as [-s, s].
func (m *machine) votedClasses(c *Call, labels *tensor.Tensor, x matrix, perClass []int64) ([]tensor.Value, error) {
	a, b, n := c.Node.Floats("prob_a"), c.Node.Floats("prob_b"), labels.Len()
	pairs := n * (n - 1) / 2
	switch {
	case len(perClass) != n:
		return nil, fmt.Errorf("%d vectors_per_class for %d classes", len(perClass), n)
	case len(m.coefficients) < (n-1)*len(m.vectors):
		return nil, fmt.Errorf("%d coefficients, but %d classes and %d support vectors take %d", len(m.coefficients), n, len(m.vectors), (n-1)*len(m.vectors))
	case len(m.rho) < pairs:
		return nil, fmt.Errorf("%d rho for %d pairs of classes", len(m.rho), pairs)
	case len(a) != len(b) || len(a) != 0 && len(a) < pairs:
		return nil, fmt.Errorf("%d prob_a and %d prob_b for %d pairs of classes", len(a), len(b), pairs)
	}
	post := c.Node.Text("post_transform", "NONE")
	classes, out := make([]int, x.rows), matrix{rows: x.rows}
	for i := range classes {
		scores, votes := m.pairs(m.kernels(c, x.row(i)), perClass)
		classes[i] = top(votes)
		switch {
		case len(a) > 0:
			scores = classProbabilities(n, scores, a, b)
		case n == 2:
			scores = oneScore{}.both(scores[0], post)
		}
		out.data = append(out.data, scores...)
	}
	out.cols = svmScores(n, len(a) > 0)
	transformed, err := regress(out, post)
	return append([]tensor.Value{pick(labels, tensor.Shape{x.rows}, classes)}, transformed...), err
}

// svmScores returns how many scores a classifier of n classes gives out.
func svmScores(n int, probabilities bool) int {
	if probabilities || n == 2 {
		return n
	}
	return n * (n - 1) / 2
}

// pairs returns the score of each pair of classes (0,1), (0,2), … and the votes
// of each class. coefficients has a row for each class but one, as long as there
// are support vectors: row j-1 of class i's vectors and row i of class j's belong
// to the pair (i,j), as LIBSVM lays them out.
func (m *machine) pairs(kernels []float64, perClass []int64) (scores, votes []float64) {
	votes = make([]float64, len(perClass))
	part := func(row, from int, count int64) float64 {
		end := from + int(count)
		return inner(kernels[from:end], m.coefficients[row*len(kernels)+from:])
	}
	for i, from := 0, 0; i < len(perClass); i++ {
		to := from + int(perClass[i])
		for j, at := i+1, to; j < len(perClass); j++ {
			s := part(j-1, from, perClass[i]) + part(i, at, perClass[j]) + float64(m.rho[len(scores)])
			if scores = append(scores, s); s > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			at += int(perClass[j])
		}
		from = to
	}
	return scores, votes
}

// classProbabilities turns the scores of pairs into probabilities of n classes:
// Platt's sigmoid 1/(1+exp(a·s+b)) for each pair, coupled as LIBSVM does, by
// T.-F. Wu, C.-J. Lin and R. C. Weng, "Probability Estimates for Multi-class
// Classification by Pairwise Coupling" (2004), algorithm 2.
func classProbabilities(n int, scores []float64, a, b []float32) []float64 {
	const closest = 1e-7 // to 0 or 1 that a pair's probability may come
	r := make([][]float64, n)
	for i := range r {
		r[i] = make([]float64, n)
	}
	for i, pair := 0, 0; i < n; i++ {
		for j := i + 1; j < n; j++ {
			p := logistic(-(scores[pair]*float64(a[pair]) + float64(b[pair])))
			r[i][j] = min(max(p, closest), 1-closest)
			r[j][i] = 1 - r[i][j]
			pair++
		}
	}
	q := make([][]float64, n)
	for t := range q {
		q[t] = make([]float64, n)
		for j := range q {
			if j != t {
				q[t][t] += r[j][t] * r[j][t]
				q[t][j] = -r[j][t] * r[t][j]
			}
		}
	}
	return couple(q)
}

// couple minimises pᵀQp over the probabilities p by the iteration of Wu, Lin and
// Weng, with LIBSVM's bounds: at most 100 rounds, until no component of Qp is
// 0.005/n away from pᵀQp.
func couple(q [][]float64) []float64 {
	n := len(q)
	p, qp := make([]float64, n), make([]float64, n)
	for t := range p {
		p[t] = 1 / float64(n)
	}
	for range max(100, n) {
		pqp, worst := 0.0, 0.0
		for t := range q {
			qp[t] = 0
			for j := range q {
				qp[t] += q[t][j] * p[j]
			}
			pqp += p[t] * qp[t]
		}
		for _, v := range qp {
			worst = max(worst, math.Abs(v-pqp))
		}
		if worst < 0.005/float64(n) {
			break
		}
		for t := range q {
			diff := (pqp - qp[t]) / q[t][t]
			p[t] += diff
			pqp = (pqp + diff*(diff*q[t][t]+2*qp[t])) / ((1 + diff) * (1 + diff))
			for j := range q {
				qp[j] = (qp[j] + diff*q[t][j]) / (1 + diff)
				p[j] /= 1 + diff
			}
		}
	}
	return p
}
