package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// groupedAttention holds GroupQueryAttention of com.microsoft.
var groupedAttention = family{{op: microsoft + "GroupQueryAttention", kernel: "attention/grouped", build: groupQueryAttention, accept: plainGroups, values: []int{6}, inputs: [][]tensor.DType{
	{tensor.Float32}, {tensor.Float32}, {tensor.Float32}, {tensor.Float32}, {tensor.Float32}, {tensor.Int32}, {tensor.Int32}, {tensor.Float32}, {tensor.Float32}, {tensor.Int64},
}}}

// plainGroups takes a node without a mask, sinks, norms or quantized caches, whose
// scores nobody wants to see, and that does not contradict itself.
func plainGroups(n *graph.Node) operators.Verdict {
	heads, kvHeads := n.Int("num_heads", 0), n.Int("kv_num_heads", 0)
	refused := ""
	switch given := func(i int) bool { return n.Input(i) != nil }; {
	case n.Output(3) != nil:
		refused = "output_qk"
	case given(10) || given(11) || given(14) || given(15):
		refused = "attention_bias, head_sink or norms"
	case given(12) || given(13) || n.Text("k_quant_type", "NONE") != "NONE" || n.Text("v_quant_type", "NONE") != "NONE":
		refused = "quantized caches"
	case n.Int("smooth_softmax", 0) == 1 || n.Bool("sliding_window_cache", false):
		refused = "smooth_softmax or sliding_window_cache"
	case heads < 1 || kvHeads < 1 || max(heads, kvHeads) > limit || heads%kvHeads != 0:
		refused = "num_heads or kv_num_heads"
	case given(1) != given(2) || given(3) != given(4) || n.Bool("do_rotary", false) && !(given(7) && given(8)):
		refused = "operands that go together"
	default:
		return native
	}
	return operators.Verdict{Reason: operators.WrongAttribute, Detail: refused}
}

// grouping is attention of groups of heads that share keys and values, for operands
// of certain shapes. Keys are those of each sample's past, then the new ones, as many
// as queries; in the caches that come out zeros are behind them.
type grouping struct {
	device       *Device
	q, k, v, y   headed
	firstK       int // in the first input, where that holds queries, keys and values; else 0
	firstV       int
	cache        headed
	past         int  // steps that the caches of the past have room for
	fresh        bool // there is no past
	total        int  // keys of a sample at most
	shape, kept  tensor.Shape
	wants        [2]bool  // the caches, of keys and of values
	turning      *turning // by the angles of positions; nil: not at all
	scale, cap   float32
	window       int // keys that a query sees at most; not positive: all
	causal       bool
	near         bool // one query a sample: the heads of a group are computed together
	block        int  // queries that are computed at a time
	blocks       int  // of a head
	scores, keys int  // elements of a worker's scores, and of all keys as columns
	tasks        tasks[groupingTask]
}

func groupQueryAttention(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := &grouping{device: d, cap: n.Float("softcap", 0), window: int(min(n.Int("local_window_size", -1), limit)), causal: n.Bool("causal", true)}
		w.wants = [2]bool{n.Output(1) != nil, n.Output(2) != nil}
		if !w.operands(c, int(n.Int("num_heads", 0)), int(n.Int("kv_num_heads", 0))) {
			return nil, nil
		}
		if n.Bool("do_rotary", false) && !w.rotated(c, !n.Bool("rotary_interleaved", false)) {
			return nil, nil
		}
		if w.scale = n.Float("scale", 0); w.scale == 0 {
			w.scale = float32(1 / math.Sqrt(float64(w.q.size)))
		}
		w.divide()
		return w, nil
	}, nil
}

// operands reads the shapes, and how many keys there are at most; it is false where
// they do not go together, or where there is nothing to compute.
func (w *grouping) operands(c *operators.Call, heads, kvHeads int) bool {
	x := c.Inputs[0].Shape
	if len(x) != 3 || x.Size() == 0 || c.Inputs[5].Shape.Size() != x[0] || c.Inputs[6].Shape.Size() != 1 {
		return false
	}
	total, err := input[int32](c, 6)
	if err != nil {
		return false
	}
	if packed := !has(c, 1); packed {
		if heads > x[2] { // and so is their sum no overflow
			return false
		}
		size := x[2] / (heads + 2*kvHeads)
		if size == 0 || x[2]%size != 0 || x[2]/size != heads+2*kvHeads {
			return false
		}
		side := func(n int) headed { return headed{x[0], n, x[1], size, x[1] * x[2], size, x[2]} }
		w.q, w.k, w.v = side(heads), side(kvHeads), side(kvHeads)
		w.firstK, w.firstV = heads*size, (heads+kvHeads)*size
	} else {
		var ok [3]bool
		w.q, ok[0] = headsOf(x, int64(heads))
		w.k, ok[1] = headsOf(c.Inputs[1].Shape, int64(kvHeads))
		w.v, ok[2] = headsOf(c.Inputs[2].Shape, int64(kvHeads))
		if ok != [3]bool{true, true, true} || len(c.Inputs[1].Shape) != 3 || w.k != w.v || w.k.batch != x[0] || w.k.steps != x[1] || w.k.size != w.q.size {
			return false
		}
	}
	if has(c, 3) {
		past := c.Inputs[3].Shape
		if len(past) != 4 || !past.Equal(c.Inputs[4].Shape) || past[0] != x[0] || past[1] != kvHeads || past[3] != w.q.size {
			return false
		}
		w.past = past[2]
	}
	w.total, w.fresh = int(total[0]), int(total[0]) == x[1]
	if w.total < 1 || w.total > w.past+x[1] {
		return false
	}
	w.shape = tensor.Shape{x[0], x[1], heads * w.q.size}
	w.kept = tensor.Shape{x[0], kvHeads, max(w.total, w.past), w.q.size}
	w.y, _ = headsOf(w.shape, int64(heads))
	w.cache, _ = headsOf(w.kept, 0)
	return true
}

// rotated reads what vectors are turned by; it is false where that does not fit.
func (w *grouping) rotated(c *operators.Call, apart bool) bool {
	angles := c.Inputs[7].Shape
	if len(angles) != 2 || !angles.Equal(c.Inputs[8].Shape) || 2*angles[1] > w.q.size || has(c, 9) && c.Inputs[9].Shape.Size() != w.q.batch*w.q.steps {
		return false
	}
	w.turning = &turning{half: angles[1], apart: apart, most: angles[0]}
	return true
}

// divide says how many queries are computed at a time.
func (w *grouping) divide() {
	w.near = w.q.steps == 1
	w.block = max(scoresAtATime/w.total, 2*matrix.TileHeight())
	if w.near {
		w.block = min(w.block, w.q.heads/w.k.heads)
	} else {
		w.block = min(w.block, w.q.steps)
		w.blocks = (w.q.steps + w.block - 1) / w.block
		w.keys = w.k.batch * w.k.heads * w.k.size * w.total
	}
	w.scores = w.block * w.total
}

func (w *grouping) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	r := w.device.scratch.room()
	defer r.give()
	if err := t.inputs(c, r); err != nil {
		return err
	}
	if err := t.outputs(c, r); err != nil {
		return err
	}
	var err error
	if t.scores, err = take[float32](r, w.device.threads*w.scores); err != nil {
		return err
	}
	if t.columns, err = take[float32](r, w.keys); err != nil {
		return err
	}
	if w.turning != nil {
		if t.turned, err = take[float32](r, w.shape.Size()); err != nil {
			return err
		}
	}
	if err := w.device.divide(ctx, w.k.batch*w.k.heads, (*cachingTask)(t)); err != nil {
		return err
	}
	if w.near {
		return w.device.divide(ctx, w.k.batch*w.k.heads, t)
	}
	return w.device.divide(ctx, w.q.batch*w.q.heads*w.blocks, t)
}

// groupingTask is one run.
type groupingTask struct {
	w            *grouping
	q, k, v      []float32 // from the first number of each on
	past         [2][]float32
	cos, sin     []float32
	y            []float32
	all          [2][]float32 // the caches of keys and values
	filled, ends []int        // of each sample: keys of the past, and with the new ones
	positions    []int        // of each query
	turned       []float32    // queries, as the result is laid out; nil where they are not turned
	columns      []float32    // keys as columns, total apart; empty for one query
	scores       []float32    // room for each worker
}

// inputs finds the inputs, and the lengths and positions that they say. It fails with
// errUnfit where there are no such keys or positions.
func (t *groupingTask) inputs(c *operators.Call, r *room) (err error) {
	w := t.w
	if t.q, err = input[float32](c, 0); err != nil {
		return err
	}
	t.k, t.v = t.q[w.firstK:], t.q[w.firstV:]
	for i, to := range [...]*[]float32{1: &t.k, 2: &t.v, 3: &t.past[0], 4: &t.past[1], 7: &t.cos, 8: &t.sin} {
		if to != nil && has(c, i) {
			if *to, err = input[float32](c, i); err != nil {
				return err
			}
		}
	}
	last, err := input[int32](c, 5)
	if err != nil {
		return err
	}
	lengths, err := take[int](r, 2*w.q.batch)
	if err != nil {
		return err
	}
	t.filled, t.ends = lengths[:w.q.batch], lengths[w.q.batch:]
	for b := range t.filled {
		t.filled[b], t.ends[b] = 0, int(last[b])+1
		if !w.fresh {
			t.filled[b] = t.ends[b] - w.q.steps
		}
		if t.ends[b] < 1 || t.ends[b] > w.total || t.filled[b] < 0 || t.filled[b] > w.past {
			return errUnfit
		}
	}
	if w.turning == nil {
		return nil
	}
	return t.places(c, r)
}

// places finds the positions of the queries: they go on from the past, or are those
// given, of which only the first counts where there is no past.
func (t *groupingTask) places(c *operators.Call, r *room) error {
	w := t.w
	var ids []int64
	var err error
	if has(c, 9) {
		if ids, err = input[int64](c, 9); err != nil {
			return err
		}
	}
	if t.positions, err = take[int](r, w.q.batch*w.q.steps); err != nil {
		return err
	}
	for i := range t.positions {
		at := int64(t.filled[i/w.q.steps] + i%w.q.steps)
		switch {
		case ids != nil && w.fresh:
			at = ids[0] + int64(i%w.q.steps)
		case ids != nil:
			at = ids[i]
		}
		if at < 0 || at >= int64(w.turning.most) {
			return errUnfit
		}
		t.positions[i] = int(at)
	}
	return nil
}

// outputs makes the result and the caches, which are in scratch where nobody wants
// them.
func (t *groupingTask) outputs(c *operators.Call, r *room) (err error) {
	if t.y, err = output[float32](c, 0, tensor.Float32, t.w.shape); err != nil {
		return err
	}
	for i := range t.all {
		if t.w.wants[i] {
			t.all[i], err = output[float32](c, 1+i, tensor.Float32, t.w.kept)
		} else {
			t.all[i], err = take[float32](r, t.w.kept.Size())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cachingTask fills the caches, and turns queries and keys.
type cachingTask groupingTask

// Do implements parallel.Task: it does so for the heads that share keys and values.
func (t *cachingTask) Do(_, piece int) {
	w, b, h := t.w, piece/t.w.k.heads, piece%t.w.k.heads
	size, filled, steps := w.k.size, t.filled[b], w.k.steps
	for i, x := range [2][]float32{w.k.at(t.k, b, h), w.v.at(t.v, b, h)} {
		to := w.cache.at(t.all[i], b, h)[:w.cache.perHead]
		if filled > 0 {
			copy(to, t.past[i][piece*w.past*size:][:filled*size])
		}
		to = to[filled*size:]
		for s := range steps {
			if i == 0 {
				t.turn(to[s*size:][:size], x[s*w.k.perStep:][:size], b*steps+s)
			} else {
				copy(to[s*size:][:size], x[s*w.k.perStep:])
			}
		}
		clear(to[steps*size:])
	}
	if len(t.columns) > 0 {
		seen := filled + steps
		turn(t.columns[piece*size*w.total:], w.cache.at(t.all[0], b, h), size, seen, w.total, size)
	}
	if t.turned == nil {
		return
	}
	group := w.q.heads / w.k.heads
	for head := h * group; head < (h+1)*group; head++ {
		to, x := w.y.at(t.turned, b, head), w.q.at(t.q, b, head)
		for s := range steps {
			t.turn(to[s*w.y.perStep:][:size], x[s*w.q.perStep:][:size], b*steps+s)
		}
	}
}

// turn turns a vector by the angles of the position of a query.
func (t *cachingTask) turn(dst, x []float32, query int) {
	w := t.w.turning
	if w == nil {
		copy(dst, x)
		return
	}
	angle := t.positions[query] * w.half
	w.turn(dst, x, t.cos[angle:][:w.half], t.sin[angle:][:w.half])
}

// Do implements parallel.Task: it computes a block of the queries of a head, or of one
// query all heads that share keys and values.
func (t *groupingTask) Do(worker, piece int) {
	w := t.w
	scores := t.scores[worker*w.scores:][:w.scores]
	layout, q := w.q, t.q
	if t.turned != nil {
		layout, q = w.y, t.turned
	}
	group := w.q.heads / w.k.heads
	if w.near {
		b, h := piece/w.k.heads, piece%w.k.heads
		for head := h * group; head < (h+1)*group; head += w.block {
			rows := min(w.block, (h+1)*group-head)
			t.attend(scores, layout.at(q, b, head), w.y.at(t.y, b, head), rowsOfHeads{b, h, 0, rows, 0, layout.perHead, w.y.perHead})
		}
		return
	}
	head, first := piece/w.blocks, piece%w.blocks*w.block
	b, h := head/w.q.heads, head%w.q.heads
	q, y := layout.at(q, b, h)[first*layout.perStep:], w.y.at(t.y, b, h)[first*w.y.perStep:]
	t.attend(scores, q, y, rowsOfHeads{b, h / group, first, min(w.block, w.q.steps-first), 1, layout.perStep, w.y.perStep})
}

// rowsOfHeads are queries that are computed together.
type rowsOfHeads struct {
	sample, head int // of keys and values
	query, rows  int // the step of the first query, and how many there are
	step         int // from one to the next: 0 where they are of different heads
	perQ, perY   int // distances of vectors
}

// attend computes y, the means of values for queries.
func (t *groupingTask) attend(scores, q, y []float32, p rowsOfHeads) {
	w, size := t.w, t.w.q.size
	base, _ := t.seen(p, 0)
	_, end := t.seen(p, p.rows-1)
	n := end - base
	keys, values := w.cache.at(t.all[0], p.sample, p.head)[base*size:], w.cache.at(t.all[1], p.sample, p.head)[base*size:]
	if w.near {
		const close = 128 // keys that stay in the nearest cache while queries pass over them
		for k := 0; k < n; k += close {
			for i := range p.rows {
				vector.Dots(scores[i*n+k:][:min(close, n-k)], keys[k*size:], q[i*p.perQ:][:size], size)
			}
		}
	} else {
		columns := t.columns[(p.sample*w.k.heads+p.head)*size*w.total:][base:]
		product(&matrix.Product{M: p.rows, N: n, K: size, A: q, AStep: p.perQ, B: columns, BStep: w.total, C: scores, CStep: n})
	}
	for i := range p.rows {
		low, high := t.seen(p, i)
		t.weigh(scores[i*n:][:n], low-base, high-base)
	}
	product(&matrix.Product{M: p.rows, N: size, K: n, A: scores, AStep: n, B: values, BStep: size, C: y, CStep: p.perY})
}

// seen returns the keys that query i of some sees, at least one.
func (t *groupingTask) seen(p rowsOfHeads, i int) (low, high int) {
	w := t.w
	high = t.ends[p.sample]
	if w.causal {
		high = min(high, t.filled[p.sample]+p.query+i*p.step+1)
	}
	if w.window > 0 {
		low = max(high-w.window, 0)
	}
	return low, high
}

// weigh turns the products of a query with keys into its weights: 0 for those that it
// does not see.
func (t *groupingTask) weigh(scores []float32, low, high int) {
	clear(scores[:low])
	clear(scores[high:])
	seen := scores[low:high]
	vector.MulFloat32.Right(seen, seen, t.w.scale)
	if softcap := t.w.cap; softcap != 0 {
		vector.DivFloat32.Right(seen, seen, softcap)
		vector.Tanh(seen, seen, 0, 0)
		vector.MulFloat32.Right(seen, seen, softcap)
	}
	most := vector.Greatest(seen)
	if most == vector.NegativeInfinity {
		clear(seen)
		return
	}
	vector.MulFloat32.Right(seen, seen, 1/vector.ExpSum(seen, seen, most))
}
