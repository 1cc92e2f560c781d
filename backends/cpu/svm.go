package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// supportVectors holds SVMClassifier and SVMRegressor of ai.onnx.ml. Labels are
// integers: strings live on the host.
var supportVectors = family{
	{op: "ai.onnx.ml.SVMClassifier", kernel: "svm", by: byType{tensor.Float32: svmClassifier}, accept: commonPost},
	{op: "ai.onnx.ml.SVMRegressor", kernel: "svm", by: byType{tensor.Float32: svmRegressor}, accept: commonPost},
}

// machine is support vectors and what is made of their kernels K(x, v).
type machine struct {
	device               *Device
	vectors              []float32       // count × features
	packed               *matrix.Columns // the same, where K is made of products
	count, features      int
	kind                 string  // of K: kernel_type
	gamma, coef0, degree float32 // kernel_params
	coefficients, rho    []float32
	labels, perClass     []int64 // of a classifier
	probA, probB         []float32
	post                 string
	oneClass             bool
	pairs, columns       int // scores of pairs of classes, and those given out
	probabilities, both  bool
}

// machineOf reads what classifiers and regressors share; nil: the reference says what
// is wrong.
func machineOf(d *Device, n *graph.Node, count int) *machine {
	m := &machine{
		device: d, vectors: n.Floats("support_vectors"), count: count, kind: n.Text("kernel_type", "LINEAR"),
		coefficients: n.Floats("coefficients"), rho: n.Floats("rho"), post: n.Text("post_transform", "NONE"),
	}
	if count < 1 || len(m.vectors) == 0 || len(m.vectors)%count != 0 {
		return nil
	}
	m.features = len(m.vectors) / count
	switch p := n.Floats("kernel_params"); len(p) {
	case 0:
	case 3:
		m.gamma, m.coef0, m.degree = p[0], p[1], p[2]
	default:
		return nil
	}
	switch m.kind {
	case "RBF":
	case "LINEAR", "POLY", "SIGMOID":
		m.packed = matrix.PackColumns(m.vectors, m.features, count, 1, m.features)
	default:
		return nil
	}
	return m
}

func svmRegressor(d *Device, n *graph.Node) (planner, error) {
	coefficients, rho, supports := n.Floats("coefficients"), n.Floats("rho"), n.Int("n_supports", 0)
	if supports == 0 && len(rho) > 0 {
		m := newLinearModel(d, coefficients, rho[:1], 1, nil, n.Text("post_transform", "NONE"))
		if m != nil {
			m.oneClass = n.Bool("one_class", false)
		}
		return m.work, nil
	}
	m := machineOf(d, n, tensor.Extent(supports))
	if m == nil || int64(len(coefficients)) != supports || len(rho) == 0 {
		return nothing, nil
	}
	m.oneClass, m.pairs, m.columns = n.Bool("one_class", false), 1, 1
	return m.work, nil
}

// nothing leaves all calls to the reference.
func nothing(*operators.Call) (work, error) { return nil, nil }

func svmClassifier(d *Device, n *graph.Node) (planner, error) {
	labels, perClass, rho := n.Ints("classlabels_ints"), n.Ints("vectors_per_class"), n.Floats("rho")
	classes := len(labels)
	if classes < 2 || n.Has("classlabels_strings") {
		return nothing, nil
	}
	count := int64(0)
	for _, k := range perClass {
		if k < 0 || k > int64(len(n.Floats("support_vectors"))) {
			return nothing, nil
		}
		count += k
	}
	if count == 0 {
		if len(rho) == 0 {
			return nothing, nil
		}
		bias := make([]float32, classes)
		vector.Fill(bias, rho[0])
		return newLinearModel(d, n.Floats("coefficients"), bias, classes, labels, n.Text("post_transform", "NONE")).work, nil
	}
	m := machineOf(d, n, tensor.Extent(count))
	if m == nil {
		return nothing, nil
	}
	m.labels, m.perClass, m.probA, m.probB = labels, perClass, n.Floats("prob_a"), n.Floats("prob_b")
	m.pairs, m.probabilities = classes*(classes-1)/2, len(m.probA) > 0
	if len(perClass) != classes || len(m.coefficients) < (classes-1)*m.count || len(rho) < m.pairs ||
		len(m.probA) != len(m.probB) || m.probabilities && len(m.probA) < m.pairs {
		return nothing, nil
	}
	m.both = classes == 2 && !m.probabilities
	if m.columns = m.pairs; m.probabilities || m.both {
		m.columns = classes
	}
	return m.work, nil
}

// work is that of a call.
func (m *machine) work(c *operators.Call) (work, error) {
	rows, features, ok := examples(c.Inputs[0].Shape)
	if !ok || features != m.features || rows == 0 {
		return nil, nil
	}
	w := &supports{machine: m, rows: rows}
	w.pieces, w.size = share(rows, m.count*(features/4+8), m.device.threads)
	w.classes = len(m.labels)
	w.coupling = couplingRoom(w.classes)
	w.block = min(rows, 28, max(roomForKernels/m.count, 1))
	w.own = (w.coupling*8 + (w.block*m.count+m.pairs+w.classes)*4 + 63) &^ 63
	return w, nil
}

// roomForKernels is how many kernels a worker has room for, if not for one example's.
const roomForKernels = 1 << 16

// supports is the work of a machine for a number of examples.
type supports struct {
	*machine
	rows, classes int
	block         int // of examples whose kernels are computed at a time
	own, coupling int // bytes of room of a worker, and float64s at its front
	pieces, size  int // of rows
	tasks         tasks[supportsTask]
}

func (w *supports) run(ctx context.Context, c *operators.Call) error {
	x, err := input[float32](c, 0)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	if t.labels, t.scores, err = scored(c, w.labels != nil, w.rows, w.columns); err != nil {
		return err
	}
	room, err := w.device.scratch.take(w.device.threads * w.own)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	t.w, t.x, t.room = w, x, room
	return w.device.divide(ctx, w.pieces, t)
}

type supportsTask struct {
	w         *supports
	x, scores []float32
	labels    []int64
	room      []byte
}

// Do implements parallel.Task.
func (t *supportsTask) Do(worker, piece int) {
	w := t.w
	room := t.room[worker*w.own:][:w.own]
	coupling, rest := as[float64](room)[:w.coupling], as[float32](room[w.coupling*8:])
	pairs, votes, rest := rest[:w.pairs], rest[w.pairs:][:w.classes], rest[w.pairs+w.classes:]
	end := min((piece+1)*w.size, w.rows)
	for first := piece * w.size; first < end; first += w.block {
		rows := min(w.block, end-first)
		kernels := rest[:rows*w.count]
		w.kernels(kernels, t.x[first*w.features:][:rows*w.features], rows)
		for i := range rows {
			t.score(first+i, kernels[i*w.count:][:w.count], pairs, votes, coupling)
		}
		transformScores(w.post, t.scores[first*w.columns:][:rows*w.columns], w.columns)
	}
}

// score computes the scores of an example, and its label.
func (t *supportsTask) score(i int, kernels, pairs, votes []float32, coupling []float64) {
	w := t.w
	scores := t.scores[i*w.columns:][:w.columns]
	if w.labels == nil {
		if scores[0] = vector.Dot(kernels, w.coefficients) + w.rho[0]; w.oneClass {
			scores[0] = side(scores[0])
		}
		return
	}
	w.vote(pairs, votes, kernels)
	labelTop(t.labels[i:i+1], w.labels, votes)
	switch {
	case w.probabilities:
		w.couple(scores, pairs, coupling)
	case w.both:
		scores[0], scores[1] = -pairs[0], pairs[0]
	default:
		copy(scores, pairs)
	}
}

// kernels computes K(x, v) of some examples and every support vector v: LINEAR x·v,
// POLY (γ x·v + coef0)^degree, RBF exp(-γ |x-v|²), SIGMOID tanh(γ x·v + coef0).
func (m *machine) kernels(dst, x []float32, rows int) {
	if m.kind == "RBF" {
		for i := range rows {
			vector.Distances(dst[i*m.count:][:m.count], m.vectors, x[i*m.features:][:m.features], m.features)
		}
		vector.Affine(dst, dst, -m.gamma, 0)
		vector.Exp(dst, dst, 0, 0)
		return
	}
	p := matrix.Product{M: rows, N: m.count, K: m.features, A: x, AStep: m.features, PackedB: m.packed, C: dst, CStep: m.count, Low: matrix.NoLow, High: matrix.NoHigh}
	r, c := matrix.Tiles(rows, m.count)
	p.Rectangle(0, r, 0, c)
	switch m.kind {
	case "SIGMOID":
		vector.Affine(dst, dst, m.gamma, m.coef0)
		vector.Tanh(dst, dst, 0, 0)
	case "POLY":
		vector.Affine(dst, dst, m.gamma, m.coef0)
		m.raise(dst)
	}
}

// raise takes numbers to the power of the degree, of which 2 and 3 are the usual ones.
func (m *machine) raise(v []float32) {
	switch m.degree {
	case 2:
		vector.MulFloat32.Both(v, v, v)
	case 3:
		room := powers.get()
		defer powers.put(room)
		for first := 0; first < len(v); first += len(room) {
			part := v[first:min(first+len(room), len(v))]
			squares := room[:len(part)]
			vector.MulFloat32.Both(squares, part, part)
			vector.MulFloat32.Both(part, part, squares)
		}
	default:
		vector.PowFloat32.Right(v, v, m.degree)
	}
}

// powers keeps room for squares.
var powers tasks[[512]float32]

// vote computes the score of each pair of classes (0,1), (0,2), …, and the votes of
// each class: a positive score is one for the first of its pair. Row j-1 of the
// coefficients of class i's vectors and row i of class j's belong to the pair (i,j).
func (m *machine) vote(pairs, votes, kernels []float32) {
	clear(votes)
	pair, from := 0, 0
	for i, n := range m.perClass {
		to := from + int(n)
		at := to
		for j := i + 1; j < len(m.perClass); j++ {
			end := at + int(m.perClass[j])
			s := vector.Dot(kernels[from:to], m.coefficients[(j-1)*m.count+from:]) + vector.Dot(kernels[at:end], m.coefficients[i*m.count+at:]) + m.rho[pair]
			if pairs[pair] = s; s > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			pair++
			at = end
		}
		from = to
	}
}
