package cpu

import (
	"context"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// linear holds LinearClassifier and LinearRegressor of ai.onnx.ml. Labels are
// integers: strings live on the host.
var linear = family{
	{op: "ai.onnx.ml.LinearClassifier", kernel: "linear", by: byType{tensor.Float32: linearClassifier}, accept: commonPost},
	{op: "ai.onnx.ml.LinearRegressor", kernel: "linear", by: byType{tensor.Float32: linearRegressor}, accept: commonPost},
}

// linearModel gives scores x·wᵀ + bias of examples.
type linearModel struct {
	device      *Device
	weights     []float32       // a row of features for each score; of four and more, with zeros up to a multiple of four
	packed      *matrix.Columns // in place of weights where there are many scores
	bias        []float32       // of each score
	n, features int             // of scores
	labels      []int64         // of a classifier
	post        string
	oneClass    bool // scores become 1 where they are positive, else -1
}

// fewScores is how many scores are computed one by one.
const fewScores = 16 // at most as many as maxima has room for

// newLinearModel returns nil where the attributes are not those of n scores, which
// the reference explains.
func newLinearModel(d *Device, weights, bias []float32, n int, labels []int64, post string) *linearModel {
	if n < 1 || len(weights) == 0 || len(weights)%n != 0 || len(bias) != 0 && len(bias) != n {
		return nil
	}
	m := &linearModel{device: d, weights: weights, bias: make([]float32, n), n: n, features: len(weights) / n, labels: labels, post: post}
	copy(m.bias, bias)
	if n > fewScores {
		m.packed = matrix.PackColumns(weights, m.features, n, 1, m.features)
	} else if n > 4 {
		m.weights = append(slices.Clone(weights), make([]float32, -n&3*m.features)...)
	}
	return m
}

// linearClassifier takes those with a score for each of several classes, or with one
// for the second of two.
func linearClassifier(d *Device, node *graph.Node) (planner, error) {
	weights, bias, labels := node.Floats("coefficients"), node.Floats("intercepts"), node.Ints("classlabels_ints")
	if len(labels) < 2 || node.Has("classlabels_strings") || len(bias) == 1 && len(labels) > 2 {
		labels = nil
	}
	model := func(n int) *linearModel {
		if labels == nil || n != 1 && n != len(labels) {
			return nil
		}
		return newLinearModel(d, weights, bias, n, labels, node.Text("post_transform", "NONE"))
	}
	m := model(len(labels))
	if len(bias) > 0 {
		m = model(len(bias))
	}
	return func(c *operators.Call) (work, error) {
		if _, features, _ := examples(c.Inputs[0].Shape); len(bias) == 0 && len(labels) == 2 && len(weights) == features {
			return model(1).work(c)
		}
		return m.work(c)
	}, nil
}

func linearRegressor(d *Device, node *graph.Node) (planner, error) {
	m := newLinearModel(d, node.Floats("coefficients"), node.Floats("intercepts"), tensor.Extent(node.Int("targets", 1)), nil, node.Text("post_transform", "NONE"))
	return m.work, nil
}

// work is that of a call.
func (m *linearModel) work(c *operators.Call) (work, error) {
	rows, features, ok := examples(c.Inputs[0].Shape)
	if m == nil || !ok || features != m.features || rows == 0 {
		return nil, nil
	}
	w := &linearScores{linearModel: m, rows: rows, columns: max(m.n, len(m.labels))}
	w.pieces, w.size = share(rows, m.n*features/4+8*w.columns, m.device.threads)
	return w, nil
}

// linearScores is the work of a model for a number of examples.
type linearScores struct {
	*linearModel
	rows, columns int // of the scores given out
	pieces, size  int // of rows
	tasks         tasks[linearTask]
}

func (w *linearScores) run(ctx context.Context, c *operators.Call) error {
	x, err := input[float32](c, 0)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	if t.labels, t.scores, err = scored(c, w.labels != nil, w.rows, w.columns); err != nil {
		return err
	}
	t.w, t.x = w, x
	return w.device.divide(ctx, w.pieces, t)
}

// scored makes the outputs of a classifier, or of a regressor, which has no labels.
func scored(c *operators.Call, labelled bool, rows, columns int) (labels []int64, scores []float32, err error) {
	at := 0
	if labelled {
		at = 1
		if labels, err = output[int64](c, 0, tensor.Int64, tensor.Shape{rows}); err != nil {
			return nil, nil, err
		}
	}
	scores, err = output[float32](c, at, tensor.Float32, tensor.Shape{rows, columns})
	return labels, scores, err
}

type linearTask struct {
	w         *linearScores
	x, scores []float32
	labels    []int64
}

// Do implements parallel.Task.
func (t *linearTask) Do(_, piece int) {
	w := t.w
	first, end := piece*w.size, min((piece+1)*w.size, w.rows)
	scores := t.scores[first*w.columns : end*w.columns]
	w.score(scores[:(end-first)*w.n], t.x[first*w.features:end*w.features], end-first)
	switch {
	case w.columns > w.n:
		w.expand(t.labels[first:end], scores)
	case w.labels != nil:
		labelTop(t.labels[first:end], w.labels, scores)
	case w.oneClass:
		for i, s := range scores {
			scores[i] = side(s)
		}
	}
	transformScores(w.post, scores, w.columns)
}

// score computes the scores of some examples.
func (m *linearModel) score(dst, x []float32, rows int) {
	switch {
	case m.packed != nil:
		p := matrix.Product{M: rows, N: m.n, K: m.features, A: x, AStep: m.features, PackedB: m.packed, C: dst, CStep: m.n, Row: m.bias, Low: matrix.NoLow, High: matrix.NoHigh}
		r, c := matrix.Tiles(rows, m.n)
		p.Rectangle(0, r, 0, c)
	case m.n < 4:
		m.scoreColumns(dst, x, rows)
	default:
		m.scoreRows(dst, x, rows)
	}
}

// scoreColumns computes each score of many examples in turn.
func (m *linearModel) scoreColumns(dst, x []float32, rows int) {
	room := maxima.get()
	defer maxima.put(room)
	for first := 0; first < rows; first += len(room) {
		column := room[:min(len(room), rows-first)]
		for k := range m.n {
			vector.Dots(column, x[first*m.features:], m.weights[k*m.features:][:m.features], m.features)
			for i, v := range column {
				dst[(first+i)*m.n+k] = v + m.bias[k]
			}
		}
	}
}

// scoreRows computes all scores of each example in turn.
func (m *linearModel) scoreRows(dst, x []float32, rows int) {
	room := maxima.get()
	defer maxima.put(room)
	for i := range rows {
		vector.Dots(room[:len(m.weights)/m.features], m.weights, x[i*m.features:][:m.features], m.features)
		row := dst[i*m.n:][:m.n]
		for k, b := range m.bias {
			row[k] = room[k] + b
		}
	}
}

// expand makes of one score s, which speaks for the second of two classes where it is
// positive, the scores of both: 1-s and s, or, before a transform, -s and s. The
// scores given lie at the front.
func (m *linearModel) expand(labels []int64, scores []float32) {
	complement := float32(0)
	if m.post == "NONE" {
		complement = 1
	}
	for i := len(labels) - 1; i >= 0; i-- {
		s := scores[i]
		labels[i] = m.labels[0]
		if s > 0 {
			labels[i] = m.labels[1]
		}
		scores[2*i], scores[2*i+1] = complement-s, s
	}
}

// side returns on which side of a boundary a score lies.
func side(s float32) float32 {
	if s > 0 {
		return 1
	}
	return -1
}
