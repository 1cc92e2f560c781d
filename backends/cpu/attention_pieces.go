package cpu

import (
	"context"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// attentionPieces is attention that a graph spells out:
//
//	softmax(scale Q·Kᵀ + mask)·V
//
// where a Where may put a number in the place of scores before the mask is added.
// Q, K and V are read where they lie, in front of the Transposes that bring their
// heads together, and of what repeats heads of keys and values; the result is
// written behind the Transpose that takes heads apart again.
type attentionPieces struct {
	nodes   []*graph.Node
	q, k, v headsOperand
	scale   float64
	mask    *graph.Value // nil: none
	chosen  *graph.Value // the condition of the Where, or nil
	keeps   bool         // which value of it leaves a score
	fill    float32      // what takes the place of others
	scores  *graph.Value // of the shape that the masks broadcast to
	apart   *graph.Node  // the Transpose of the result, or nil
	last    *graph.Node
}

// headsOperand is a value and the axes of it that are batch, heads, steps and size
// of heads; without a batch, there are three.
type headsOperand struct {
	value    *graph.Value
	axes     []int64
	repeated *graph.Value // what the heads are repeated to, (batch, heads, steps, size); or nil
}

// wiring says which nodes read and write values.
type wiring struct {
	readers map[*graph.Value][]*graph.Node
	writer  map[*graph.Value]*graph.Node
	taken   map[*graph.Node]bool
}

// wiringOf is that of some nodes by themselves.
func wiringOf(nodes []*graph.Node) *wiring {
	w := &wiring{make(map[*graph.Value][]*graph.Node), make(map[*graph.Value]*graph.Node), nil}
	for _, n := range nodes {
		for _, v := range n.Inputs {
			if v != nil {
				w.readers[v] = append(w.readers[v], n)
			}
		}
		for _, v := range n.Outputs {
			if v != nil {
				w.writer[v] = n
			}
		}
	}
	return w
}

// before returns the node that writes a value for a single reader, if it is one of
// some operators of one output.
func (w *wiring) before(v *graph.Value, ops ...string) *graph.Node {
	n := w.writer[v]
	if v == nil || n == nil || len(w.readers[v]) != 1 || w.taken[n] || len(n.Outputs) != 1 || !slices.Contains(ops, n.Operator()) {
		return nil
	}
	return n
}

// behind returns the only node that reads a value, if it is of an operator.
func (w *wiring) behind(v *graph.Value, op string) *graph.Node {
	if r := w.readers[v]; len(r) == 1 && r[0] != nil && !w.taken[r[0]] && r[0].Operator() == op {
		return r[0]
	}
	return nil
}

// attentionAround returns the attention that a Softmax is part of, nil if it is
// none as far as can be told before shapes are known.
func (w *wiring) attentionAround(softmax *graph.Node) *attentionPieces {
	if softmax.Operator() != "Softmax" || !isFloat32(softmax.Outputs[0]) || w.taken[softmax] {
		return nil
	}
	rank := int64(rankOf(softmax.Outputs[0]))
	if axis := softmax.Int("axis", -1); rank != 3 && rank != 4 || axis != -1 && axis != rank-1 {
		return nil
	}
	p := &attentionPieces{scale: 1, scores: softmax.Inputs[0], nodes: []*graph.Node{softmax}}
	p.last = w.behind(softmax.Outputs[0], "MatMul")
	if p.last == nil || p.last.Inputs[0] != softmax.Outputs[0] || rankOf(p.last.Inputs[1]) != int(rank) {
		return nil
	}
	p.nodes = append(p.nodes, p.last)
	product := w.scoresOf(p, softmax.Inputs[0])
	if product == nil || rankOf(product.Inputs[0]) != int(rank) || rankOf(product.Inputs[1]) != int(rank) {
		return nil
	}
	p.nodes = append(p.nodes, product)
	var ok [3]bool
	factors := func(v *graph.Value) *graph.Value { return w.factors(p, v) }
	none := func(v *graph.Value) *graph.Value { return v }
	p.q, ok[0] = w.headsOperand(p, product.Inputs[0], rank, false, factors)
	p.k, ok[1] = w.headsOperand(p, product.Inputs[1], rank, true, factors)
	p.v, ok[2] = w.headsOperand(p, p.last.Inputs[1], rank, false, none)
	if ok != [3]bool{true, true, true} {
		return nil
	}
	if t := w.behind(p.last.Outputs[0], "Transpose"); t != nil && validAxes(t.Ints("perm"), rank) && t.Ints("perm")[rank-1] == rank-1 {
		p.apart, p.last = t, t
		p.nodes = append(p.nodes, t)
	}
	return p
}

// scoresOf goes back from a Softmax to the product of Q and Kᵀ, over a mask that
// is added, a Where and factors.
func (w *wiring) scoresOf(p *attentionPieces, v *graph.Value) *graph.Node {
	sum := w.before(v, "Add")
	if sum == nil {
		return w.before(w.factors(p, w.chosen(p, v)), "MatMul")
	}
	for i, scores := range sum.Inputs {
		with := *p
		with.mask, with.nodes = sum.Inputs[1-i], append(slices.Clone(p.nodes), sum)
		if product := w.before(w.factors(&with, w.chosen(&with, scores)), "MatMul"); product != nil && isFloat32(with.mask) {
			*p = with
			return product
		}
	}
	return nil
}

// chosen goes back over a Where between scores and a number.
func (w *wiring) chosen(p *attentionPieces, v *graph.Value) *graph.Value {
	n := w.before(v, "Where")
	if n == nil {
		return v
	}
	for i := 1; i <= 2; i++ {
		if fill := n.Inputs[3-i]; isFactor(fill) {
			p.chosen, p.keeps, p.fill = n.Inputs[0], i == 1, tensor.Slice[float32](fill.Const)[0]
			p.nodes = append(p.nodes, n)
			return n.Inputs[i]
		}
	}
	return v
}

// factors goes back over multiplications with numbers and divisions by them.
func (w *wiring) factors(p *attentionPieces, v *graph.Value) *graph.Value {
	for {
		n := w.before(v, "Mul", "Div")
		if n == nil {
			return v
		}
		i := slices.IndexFunc(n.Inputs, isFactor)
		if i < 0 || n.Op == "Div" && i == 0 {
			return v
		}
		c := float64(tensor.Slice[float32](n.Inputs[i].Const)[0])
		if n.Op == "Div" {
			c = 1 / c
		}
		p.scale *= c
		p.nodes = append(p.nodes, n)
		v = n.Inputs[1-i]
	}
}

// isFactor reports whether a value is a known number of which no shape grows.
func isFactor(v *graph.Value) bool {
	return v != nil && v.Const != nil && v.Const.DType() == tensor.Float32 && v.Const.Len() == 1 && v.Const.Rank() <= 1
}

// headsOperand finds where an operand of a product with heads lies; that of Kᵀ has
// its last two axes exchanged. It goes over factors wherever they stand.
func (w *wiring) headsOperand(p *attentionPieces, v *graph.Value, rank int64, exchanged bool, factors func(*graph.Value) *graph.Value) (o headsOperand, ok bool) {
	o.axes = []int64{0, 1, 2, 3}[:rank]
	if exchanged {
		o.axes[rank-1], o.axes[rank-2] = rank-2, rank-1
	}
	v = factors(w.permuted(p, &o, factors(v)))
	if v = w.repeated(p, &o, v); o.repeated != nil {
		v = factors(w.permuted(p, &o, factors(v)))
	}
	o.value = v
	return o, isFloat32(v) && o.axes[rank-1] == rank-1
}

// permuted goes back over a Transpose.
func (w *wiring) permuted(p *attentionPieces, o *headsOperand, v *graph.Value) *graph.Value {
	n := w.before(v, "Transpose")
	if n == nil || !validAxes(n.Ints("perm"), int64(len(o.axes))) {
		return v
	}
	for i, axis := range o.axes {
		o.axes[i] = n.Ints("perm")[axis]
	}
	p.nodes = append(p.nodes, n)
	return n.Inputs[0]
}

// repeated goes back over the Unsqueeze, Expand and Reshape that repeat heads.
func (w *wiring) repeated(p *attentionPieces, o *headsOperand, v *graph.Value) *graph.Value {
	if !slices.Equal(o.axes, []int64{0, 1, 2, 3}) {
		return v
	}
	reshape := w.before(v, "Reshape")
	if reshape == nil {
		return v
	}
	expand := w.before(reshape.Inputs[0], "Expand")
	if expand == nil {
		return v
	}
	unsqueeze := w.before(expand.Inputs[0], "Unsqueeze")
	if unsqueeze == nil || rankOf(unsqueeze.Inputs[0]) != 4 || unsqueeze.Inputs[1].Const == nil ||
		!slices.Equal(tensor.Slice[int64](unsqueeze.Inputs[1].Const), []int64{2}) {
		return v
	}
	p.nodes = append(p.nodes, reshape, expand, unsqueeze)
	o.repeated = v
	return unsqueeze.Inputs[0]
}

// rankOf returns the rank of a value, -1 where it is not known.
func rankOf(v *graph.Value) int {
	if v == nil || !v.Type.IsTensor() || !v.Type.Dims.Ranked() {
		return -1
	}
	return len(v.Type.Dims)
}

// validAxes reports whether axes are all those of a rank.
func validAxes(axes []int64, rank int64) bool {
	sorted := slices.Sorted(slices.Values(axes))
	for i, axis := range sorted {
		if axis != int64(i) {
			return false
		}
	}
	return int64(len(axes)) == rank
}

// headed returns where the vectors of an operand lie; ok is false if that is not
// known, or if heads are repeated otherwise than each a number of times.
func (o *headsOperand) headed() (h headed, ok bool) {
	s, known := shapeOf(o.value)
	if !known {
		return h, false
	}
	h = headedAlong(s, o.axes)
	if o.repeated == nil {
		return h, true
	}
	to, known := shapeOf(o.repeated)
	ok = known && len(to) == 4 && h.heads > 0 && to[1]%h.heads == 0 &&
		to.Equal(tensor.Shape{h.batch, to[1], h.steps, h.size})
	return h, ok
}

// headedAlong is a tensor of a shape whose axes are batch, heads, steps and size,
// or all of these but a batch.
func headedAlong(s tensor.Shape, axes []int64) headed {
	step := func(axis int64) int { return s[axis+1:].Size() }
	n := len(axes)
	h := headed{batch: 1, heads: s[axes[n-3]], steps: s[axes[n-2]], size: s[axes[n-1]], perHead: step(axes[n-3]), perStep: step(axes[n-2])}
	if n == 4 {
		h.batch, h.perBatch = s[axes[0]], step(axes[0])
	}
	return h
}

// attentionGroups finds attention in pieces in a graph, and notes its nodes as
// taken.
func attentionGroups(g *graph.Graph, readers map[*graph.Value][]*graph.Node, taken map[*graph.Node]bool) []operators.Group {
	w := wiringOf(g.Nodes)
	w.readers, w.taken = readers, taken
	var groups []operators.Group
	order := make(map[*graph.Node]int)
	for i, n := range g.Nodes {
		order[n] = i
	}
	for _, n := range g.Nodes {
		p := w.attentionAround(n)
		if p == nil || p.shapesKnown() && p.work(nil) == nil {
			continue
		}
		slices.SortFunc(p.nodes, func(a, b *graph.Node) int { return order[a] - order[b] })
		for _, n := range p.nodes {
			taken[n] = true
		}
		groups = append(groups, operators.Group{Nodes: p.nodes, Kernel: "attention/pieces"})
	}
	return groups
}

// buildAttention makes the kernel of attention in pieces, nil where the shapes are
// not those of one.
func (d *Device) buildAttention(nodes []*graph.Node, p *attentionPieces) (operators.Kernel, error) {
	w := p.work(d)
	if w == nil {
		return nil, nil
	}
	inputs := operators.GroupInputs(nodes)
	shapes := make(map[int]tensor.Shape)
	for i, v := range []*graph.Value{p.q.value, p.k.value, p.v.value, p.mask, p.chosen} {
		if v != nil {
			w.inputs[i] = slices.Index(inputs, v)
			shapes[w.inputs[i]], _ = shapeOf(v)
		}
	}
	plan := func(c *operators.Call) (work, error) {
		for i, s := range shapes {
			if !c.Inputs[i].Shape.Equal(s) {
				return nil, nil
			}
		}
		return w, nil
	}
	k := &kernel{
		node: nodes[len(nodes)-1], inputs: inputs, plan: plan,
		rest: func(ctx context.Context, c *operators.Call) error { return applyGroup(ctx, nodes, c) },
	}
	return k, k.planAhead()
}

// shapesKnown reports whether the shapes of all operands and of the result are.
func (p *attentionPieces) shapesKnown() bool {
	for _, v := range []*graph.Value{p.q.value, p.k.value, p.v.value, p.mask, p.chosen, p.scores, p.last.Outputs[0]} {
		if _, known := shapeOf(v); v != nil && !known {
			return false
		}
	}
	return true
}

// work returns the attention for the shapes that are known, nil if they are not
// those of one.
func (p *attentionPieces) work(d *Device) *attending {
	q, okQ := p.q.headed()
	k, okK := p.k.headed()
	v, okV := p.v.headed()
	shape, okY := shapeOf(p.last.Outputs[0])
	scores, okS := shapeOf(p.scores)
	if !okQ || !okK || !okV || !okY || !okS {
		return nil
	}
	w := &attending{device: d, q: q, k: k, v: v, allK: k, allV: v, shape: shape, scale: float32(p.scale), left: -1, right: -1, plain: true}
	if !w.agree() {
		return nil
	}
	lead := tensor.Shape{q.batch, q.heads, q.steps}[4-len(scores):]
	if !scores.Equal(append(lead.Clone(), k.steps)) {
		return nil
	}
	axes := []int64{0, 1, 2, 3}[:len(shape)]
	if p.apart != nil { // axis i of the product is where perm has i
		for i, axis := range p.apart.Ints("perm") {
			axes[axis] = int64(i)
		}
	}
	if w.y = headedAlong(shape, axes); w.y.shape().Size() != shape.Size() || !w.y.shape().Equal(tensor.Shape{q.batch, q.heads, q.steps, v.size}) {
		return nil
	}
	if w.mask = maskSteps(p.mask, scores); w.mask == nil && p.mask != nil {
		return nil
	}
	if w.chosen = maskSteps(p.chosen, scores); w.chosen == nil && p.chosen != nil {
		return nil
	}
	w.keys, w.keeps = k.steps, p.keeps
	if p.chosen != nil {
		w.fill = make([]float32, k.steps)
		vector.Fill(w.fill, p.fill)
	}
	w.divide()
	return w
}

// maskSteps returns how far to advance, in rows of keys, through a mask along batch,
// heads and queries of scores; nil where there is none, or where it does not have
// every key.
func maskSteps(mask *graph.Value, scores tensor.Shape) []int {
	s, known := shapeOf(mask)
	keys := scores[len(scores)-1]
	if !known || len(s) == 0 || len(s) > len(scores) || s[len(s)-1] != keys {
		return nil
	}
	lead := append(tensor.Shape{1, 1}[:4-len(scores)], scores[:len(scores)-1]...)
	steps, ok := broadcastSteps(s[:len(s)-1], lead)
	if !ok {
		return nil
	}
	return steps
}
