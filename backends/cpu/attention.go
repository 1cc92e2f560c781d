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

// attention holds Attention.
var attention = family{{op: "Attention", kernel: "attention", build: attentionOf, accept: plainAttention, inputs: [][]tensor.DType{
	{tensor.Float32}, {tensor.Float32}, {tensor.Float32}, {tensor.Float32, tensor.Bool}, {tensor.Float32}, {tensor.Float32},
}}}

// plainAttention takes a node whose scores nobody wants to see, computed in
// float32, without numbers of keys that differ from sample to sample.
func plainAttention(n *graph.Node) operators.Verdict {
	switch d := n.DType("softmax_precision", tensor.Undefined); {
	case n.Output(3) != nil:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "qk_matmul_output"}
	case n.Input(6) != nil:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "nonpad_kv_seqlen"}
	case d != tensor.Undefined && d != tensor.Float32:
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "softmax_precision " + d.String()}
	}
	return native
}

// headed says where the vectors of an operand lie: batch × heads × steps of them,
// each of so many numbers next to each other.
type headed struct {
	batch, heads, steps, size  int
	perBatch, perHead, perStep int // distances
}

// headsOf reads the shape (batch, heads, steps, size), or (batch, steps, heads ×
// size) where it says how many heads there are.
func headsOf(s tensor.Shape, heads int64) (h headed, ok bool) {
	switch {
	case len(s) == 4:
		return headed{s[0], s[1], s[2], s[3], s[1] * s[2] * s[3], s[2] * s[3], s[3]}, true
	case len(s) == 3 && heads > 0 && int64(s[2])%heads == 0:
		n := int(heads)
		return headed{s[0], n, s[1], s[2] / n, s[1] * s[2], s[2] / n, s[2]}, true
	}
	return h, false
}

// packedHeads is the layout of an operand of rank 4.
func packedHeads(batch, heads, steps, size int) headed {
	h, _ := headsOf(tensor.Shape{batch, heads, steps, size}, 0)
	return h
}

// at returns the vectors of a head, from its first number on.
func (h headed) at(v []float32, batch, head int) []float32 {
	return v[batch*h.perBatch+head*h.perHead:]
}

func (h headed) shape() tensor.Shape { return tensor.Shape{h.batch, h.heads, h.steps, h.size} }

// attending is softmax(softcap(scale Q·Kᵀ) + mask)·V for operands of certain shapes.
// Keys and values of the past stand in front of those given.
type attending struct {
	device      *Device
	q, k, v, y  headed // k and v: as they are given
	allK, allV  headed // with the past
	past        int
	joined      bool    // the past and what is given are put into one place,
	wants       [2]bool // which is an output, of this shape
	present     [2]tensor.Shape
	shape       tensor.Shape // of the result
	scale       float32
	softcap     float32
	left, right int // how far a query sees; -1: to the end
	mask        []int
	keys        int       // that the mask has numbers for
	chosen      []int     // steps of a mask that says which scores stay, beside the other; or nil
	keeps       bool      // the value of it that leaves a score
	fill        []float32 // what takes the place of a row of others
	inputs      [5]int    // of the call: queries, keys, values and the masks
	plain       bool      // weights of a query that sees no key are NaN, as Softmax has it, not 0
	block       int       // queries computed at a time
	blocks      int       // of a head
	tasks       tasks[attendingTask]
}

// scoresAtATime is about how many scores are computed at a time.
const scoresAtATime = 1 << 13

func attentionOf(d *Device, n *graph.Node) (planner, error) {
	left, right := n.Int("left_window_size", -1), n.Int("right_window_size", -1)
	if n.Bool("is_causal", false) {
		right = 0
	}
	return func(c *operators.Call) (work, error) {
		w := &attending{device: d, softcap: n.Float("softcap", 0), left: tensor.Extent(left), right: tensor.Extent(right), inputs: [5]int{0, 1, 2, 3}}
		if left < -1 || right < -1 || !w.operands(c, n) || !w.masked(c) {
			return nil, nil
		}
		w.scale = float32(1 / math.Sqrt(float64(w.q.size)))
		if n.Has("scale") {
			w.scale = n.Float("scale", 0)
		}
		w.divide()
		return w, nil
	}, nil
}

// divide says how many queries are computed at a time.
func (w *attending) divide() {
	w.block = min(max(scoresAtATime/w.allK.steps, 2*matrix.TileHeight()), w.q.steps)
	w.blocks = (w.q.steps + w.block - 1) / w.block
}

// operands reads the shapes; it is false where they do not go together, or where
// there is nothing to compute.
func (w *attending) operands(c *operators.Call, n *graph.Node) bool {
	var ok [3]bool
	w.q, ok[0] = headsOf(c.Inputs[0].Shape, n.Int("q_num_heads", 0))
	w.k, ok[1] = headsOf(c.Inputs[1].Shape, n.Int("kv_num_heads", 0))
	w.v, ok[2] = headsOf(c.Inputs[2].Shape, n.Int("kv_num_heads", 0))
	if ok != [3]bool{true, true, true} || has(c, 4) != has(c, 5) {
		return false
	}
	if has(c, 4) {
		pastK, fitsK := headsOf(c.Inputs[4].Shape, 0)
		pastV, fitsV := headsOf(c.Inputs[5].Shape, 0)
		if !fitsK || !fitsV || pastK.steps != pastV.steps || pastK != packedHeads(w.k.batch, w.k.heads, pastK.steps, w.k.size) ||
			pastV != packedHeads(w.v.batch, w.v.heads, pastV.steps, w.v.size) {
			return false
		}
		w.past = pastK.steps
	}
	if !w.agree() {
		return false
	}
	q, k, v := w.q, w.k, w.v
	w.allK, w.allV = w.k, w.v
	w.wants = [2]bool{n.Output(1) != nil, n.Output(2) != nil}
	if w.joined = has(c, 4) || w.wants != [2]bool{}; w.joined {
		w.allK = packedHeads(k.batch, k.heads, w.past+k.steps, k.size)
		w.allV = packedHeads(v.batch, v.heads, w.past+v.steps, v.size)
		w.present = [2]tensor.Shape{w.allK.shape(), w.allV.shape()}
	}
	if len(c.Inputs[0].Shape) == 3 {
		w.shape = tensor.Shape{q.batch, q.steps, q.heads * v.size}
		w.y, _ = headsOf(w.shape, int64(q.heads))
	} else {
		w.y = packedHeads(q.batch, q.heads, q.steps, v.size)
		w.shape = w.y.shape()
	}
	return w.allK.steps != 0
}

// agree reports whether queries, keys and values go together, and there are some.
func (w *attending) agree() bool {
	q, k, v := w.q, w.k, w.v
	return k.batch == q.batch && v.batch == q.batch && k.size == q.size && v.heads == k.heads && v.steps == k.steps &&
		k.heads != 0 && q.heads%k.heads == 0 && q.batch*q.heads*q.steps*q.size*v.size != 0
}

// masked finds the steps of the mask through (batch, heads, queries), which it
// broadcasts to. Keys behind its end are not seen.
func (w *attending) masked(c *operators.Call) (ok bool) {
	if !has(c, 3) {
		return true
	}
	s := c.Inputs[3].Shape
	if len(s) == 0 || len(s) > 4 || s[len(s)-1] > w.allK.steps {
		return false
	}
	w.keys = s[len(s)-1]
	w.mask, ok = broadcastSteps(s[:len(s)-1], tensor.Shape{w.q.batch, w.q.heads, w.q.steps})
	return ok
}

func (w *attending) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var err error
	for i, to := range []*[]float32{&t.q, &t.k, &t.v} {
		if *to, err = input[float32](c, w.inputs[i]); err != nil {
			return err
		}
	}
	if w.mask != nil {
		if i := w.inputs[3]; c.Inputs[i].DType == tensor.Bool {
			t.allowed, err = input[bool](c, i)
		} else {
			t.added, err = input[float32](c, i)
		}
		if err != nil {
			return err
		}
	}
	if w.chosen != nil {
		if t.chosen, err = input[bool](c, w.inputs[4]); err != nil {
			return err
		}
	}
	if t.y, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	r := w.device.scratch.room()
	defer r.give()
	if w.joined {
		if err := w.remember(ctx, c, t, r); err != nil {
			return err
		}
	}
	if err := w.rooms(t, r); err != nil {
		return err
	}
	if t.turned != nil {
		if err := w.device.divide(ctx, w.k.batch*w.k.heads, (*turningTask)(t)); err != nil {
			return err
		}
	}
	return w.device.divide(ctx, w.q.batch*w.q.heads*w.blocks, t)
}

// remember puts the past in front of keys and values, where the outputs for them
// are or in scratch.
func (w *attending) remember(ctx context.Context, c *operators.Call, t *attendingTask, r *room) (err error) {
	sides := [2]struct {
		given, all headed
		values     *[]float32
	}{{w.k, w.allK, &t.k}, {w.v, w.allV, &t.v}}
	for i, side := range sides {
		var all, past []float32
		if w.wants[i] {
			all, err = output[float32](c, 1+i, tensor.Float32, w.present[i])
		} else {
			all, err = take[float32](r, w.present[i].Size())
		}
		if err == nil && w.past > 0 {
			past, err = input[float32](c, 4+i)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		row := side.all.size
		for b := range side.all.batch {
			for h := range side.all.heads {
				to := side.all.at(all, b, h)[:side.all.perHead]
				to = to[copy(to, past[min((b*side.all.heads+h)*w.past*row, len(past)):][:w.past*row]):]
				from := side.given.at(*side.values, b, h)
				for s := range side.given.steps {
					copy(to[s*row:][:row], from[s*side.given.perStep:])
				}
			}
		}
		*side.values = all
	}
	return nil
}

// rooms takes scratch for the scores of each thread and, where a head has several
// queries, for its keys turned into columns.
func (w *attending) rooms(t *attendingTask, r *room) error {
	scores := w.block * w.allK.steps
	n := w.device.threads * scores
	if w.q.steps > 1 {
		n += w.allK.shape().Size()
	}
	all, err := take[float32](r, n)
	if err != nil {
		return err
	}
	t.scores = all[:w.device.threads*scores]
	if w.q.steps > 1 {
		t.turned = all[w.device.threads*scores:]
	}
	return nil
}

// attendingTask is one run.
type attendingTask struct {
	w          *attending
	q, k, v, y []float32
	added      []float32 // the mask, or
	allowed    []bool
	chosen     []bool    // the mask that says which scores stay
	scores     []float32 // room for each thread
	turned     []float32 // keys as columns; nil for one query
}

// turningTask turns the keys of heads.
type turningTask attendingTask

// Do implements parallel.Task.
func (t *turningTask) Do(_, head int) {
	k := t.w.allK
	turn(t.turned[head*k.size*k.steps:][:k.size*k.steps], k.at(t.k, head/k.heads, head%k.heads), k.size, k.steps, k.steps, k.perStep)
}

// Do implements parallel.Task: it computes a block of the queries of a head.
func (t *attendingTask) Do(worker, piece int) {
	w := t.w
	head, first := piece/w.blocks, piece%w.blocks*w.block
	b, h := head/w.q.heads, head%w.q.heads
	group := h * w.k.heads / w.q.heads
	rows, keys := min(w.block, w.q.steps-first), w.allK.steps
	scores := t.scores[worker*w.block*keys:][:rows*keys]
	q, v, y := w.q.at(t.q, b, h)[first*w.q.perStep:], w.allV.at(t.v, b, group), w.y.at(t.y, b, h)[first*w.y.perStep:]
	if t.turned == nil {
		vector.Dots(scores, w.allK.at(t.k, b, group), q[:w.q.size], w.allK.perStep)
	} else {
		k := t.turned[(b*w.k.heads+group)*w.q.size*keys:]
		product(&matrix.Product{M: rows, N: keys, K: w.q.size, A: q, AStep: w.q.perStep, B: k, BStep: keys, C: scores, CStep: keys})
	}
	if t.evenly() {
		t.weighEvenly(scores, b, h, first, rows)
	} else {
		for i := range rows {
			t.weigh(scores[i*keys:][:keys], b, h, first+i)
		}
	}
	product(&matrix.Product{M: rows, N: w.y.size, K: keys, A: scores, AStep: keys, B: v, BStep: w.allV.perStep, C: y, CStep: w.y.perStep})
}

// product computes a product whole.
func product(p *matrix.Product) {
	p.Low, p.High = matrix.NoLow, matrix.NoHigh
	r, c := matrix.Tiles(p.M, p.N)
	p.Rectangle(0, r, 0, c)
}

// evenly reports whether every query sees every key, but for what a mask of numbers
// hides.
func (t *attendingTask) evenly() bool {
	w := t.w
	return w.softcap == 0 && w.left < 0 && w.right < 0 && (w.mask == nil || t.added != nil && w.keys == w.allK.steps)
}

// weighEvenly is weigh of the products of some queries.
func (t *attendingTask) weighEvenly(scores []float32, b, h, first, rows int) {
	w := t.w
	keys, step, scale := w.allK.steps, 0, w.scale
	if w.chosen != nil {
		scale = 1
		vector.MulFloat32.Right(scores, scores, w.scale)
		for i := range rows {
			row := scores[i*keys:][:keys]
			which := t.chosen[(b*w.chosen[0]+h*w.chosen[1]+(first+i)*w.chosen[2])*keys:]
			if w.keeps {
				vector.Select(row, which, row, w.fill)
			} else {
				vector.Select(row, which, w.fill, row)
			}
		}
	}
	var mask []float32
	if w.mask != nil {
		mask, step = t.added[(b*w.mask[0]+h*w.mask[1]+first*w.mask[2])*keys:], w.mask[2]*keys
	}
	most := maxima.get()
	defer maxima.put(most)
	for done := 0; done < rows; {
		n := min(rows-done, len(most))
		part := scores[done*keys:][:n*keys]
		vector.Softmax(part, part, mask[min(done*step, len(mask)):], most[:], n, keys, keys, step, scale)
		for i, m := range most[:n] {
			if m == vector.NegativeInfinity && !w.plain {
				clear(part[i*keys:][:keys])
			}
		}
		done += n
	}
}

// weigh turns the products of a query with all keys into its weights. A query that
// sees no key has weights of 0.
func (t *attendingTask) weigh(scores []float32, b, h, i int) {
	w := t.w
	vector.MulFloat32.Right(scores, scores, w.scale)
	if w.softcap != 0 {
		vector.DivFloat32.Right(scores, scores, w.softcap)
		vector.Tanh(scores, scores, 0, 0)
		vector.MulFloat32.Right(scores, scores, w.softcap)
	}
	low, high := 0, len(scores)
	if w.left >= 0 {
		low = max(w.past+i-w.left, 0)
	}
	if w.right >= 0 {
		high = min(w.past+i+w.right+1, high)
	}
	if w.mask != nil {
		high = min(high, w.keys)
		from := (b*w.mask[0] + h*w.mask[1] + i*w.mask[2]) * w.keys
		if low < high {
			t.hide(scores, from, low, high)
		}
	}
	if low >= high {
		clear(scores)
		return
	}
	clear(scores[:low])
	clear(scores[high:])
	seen := scores[low:high]
	most := vector.Greatest(seen)
	if most == vector.NegativeInfinity && !w.plain {
		clear(seen)
		return
	}
	vector.MulFloat32.Right(seen, seen, 1/vector.ExpSum(seen, seen, most))
}

// hide adds the mask to the scores of keys [low, high).
func (t *attendingTask) hide(scores []float32, from, low, high int) {
	if t.added != nil {
		vector.AddFloat32.Both(scores[low:high], scores[low:high], t.added[from+low:from+high])
		return
	}
	for j, ok := range t.allowed[from+low : from+high] {
		if !ok {
			scores[low+j] = vector.NegativeInfinity
		}
	}
}
