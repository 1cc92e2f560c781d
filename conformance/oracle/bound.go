package oracle

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// format says how a floating-point type rounds.
type format struct {
	bits    int     // of precision, the leading one among them
	least   float64 // normal magnitude
	largest float64 // finite magnitude
}

var formats = map[tensor.DType]format{
	tensor.Float64:  {53, math.Ldexp(1, -1022), math.MaxFloat64},
	tensor.Float32:  {24, math.Ldexp(1, -126), math.MaxFloat32},
	tensor.Float16:  {11, math.Ldexp(1, -14), 65504},
	tensor.BFloat16: {8, math.Ldexp(1, -126), math.Ldexp(255, 120)},

	tensor.Float8E4M3FN: {4, math.Ldexp(1, -6), 448}, tensor.Float8E4M3FNUZ: {4, math.Ldexp(1, -7), 240},
	tensor.Float8E5M2: {3, math.Ldexp(1, -14), 57344}, tensor.Float8E5M2FNUZ: {3, math.Ldexp(1, -15), 57344},
	tensor.Float8E8M0: {1, math.Ldexp(1, -127), math.Ldexp(1, 127)}, tensor.Float4E2M1: {2, 1, 6},
}

// unit returns the relative error of rounding to nearest: half a unit in the
// last place of 1.
func (f format) unit() float64 { return math.Ldexp(1, -f.bits) }

// ulp returns the distance between numbers of the format at a magnitude; that of
// the denormal ones is the least.
func (f format) ulp(v float64) float64 {
	_, exp := math.Frexp(math.Max(math.Abs(v), f.least))
	return math.Ldexp(1, exp-f.bits)
}

// bounds says how far each element of an output may be from what is expected:
// ulps[class] units in the last place of the larger of the expected magnitude
// and base, share[class] of scale, and lost[class].
type bounds struct {
	ulps, share, lost [3]float64
	base, scale       []float64 // per element; nil: 0
}

// at returns the greatest difference allowed at element i in a class.
func (b bounds) at(f format, class Class, i int, want float64) float64 {
	if b.base != nil {
		want = math.Max(math.Abs(want), b.base[i])
	}
	allowed := b.ulps[class]*f.ulp(want) + b.lost[class]
	if b.scale != nil {
		allowed += b.share[class] * b.scale[i]
	}
	return allowed
}

// precise returns the format in which sums of a type are taken in class A.
func precise(d tensor.DType) format {
	if f := formats[d]; f.bits >= formats[tensor.Float32].bits {
		return f
	}
	return formats[tensor.Float32]
}

// boundsOf returns the bounds of an output that is a float tensor.
func (e *Expectation) boundsOf(ctx context.Context, output int) (bounds, error) {
	if e.bounds == nil {
		var err error
		if e.bounds, err = e.allBounds(ctx); err != nil {
			return bounds{}, err
		}
	}
	return e.bounds[output], nil
}

func (e *Expectation) allBounds(ctx context.Context) ([]bounds, error) {
	all := make([]bounds, len(e.Outputs))
	switch r := e.oracle.rule; r.kind {
	case ulps, steps:
		for i, v := range e.Outputs {
			var err error
			if all[i], err = e.functionBounds(ctx, r, v); err != nil {
				return nil, err
			}
		}
		return all, nil
	case sums:
		return all, e.sumBounds(ctx, all)
	case conditioned:
		return all, e.conditionedBounds(ctx, all)
	}
	return all, nil
}

// functionBounds are those of single operations and functions. Narrow types
// have room for one rounding only, since they are computed in float32.
func (e *Expectation) functionBounds(ctx context.Context, r rule, v tensor.Value) (bounds, error) {
	out, ok := v.(*tensor.Tensor)
	if !ok || !out.DType().IsFloat() {
		return bounds{}, nil
	}
	b := bounds{ulps: r.ulps}
	if formats[out.DType()].bits < 24 && r.ulps[A] > 0 {
		b.ulps = [3]float64{1, 2, 4}
	}
	if r.body && out.DType() == tensor.Float64 {
		for c := range b.ulps {
			b.ulps[c] *= formats[tensor.Float32].unit() / formats[tensor.Float64].unit()
		}
	}
	if r.floor == nil {
		return b, nil
	}
	in, err := e.operand(ctx, e.oracle.node.Input(0))
	switch {
	case err != nil:
		return bounds{}, err
	case in != nil && in.Len() == out.Len():
		b.base = r.floor(in)
	default:
		b.base = one(out)
	}
	return b, nil
}

// operand returns a tensor that the node reads: a constant, an input of the
// model, or one whose axes a Transpose has turned around; nil of anything else.
func (e *Expectation) operand(ctx context.Context, v *graph.Value) (*tensor.Tensor, error) {
	switch {
	case v == nil:
		return nil, nil
	case v.Const != nil:
		return v.Const, nil
	case v.Producer != nil:
		if len(v.Producer.Inputs) != 1 {
			return nil, nil
		}
		in, err := e.operand(ctx, v.Producer.Inputs[0])
		if in == nil || err != nil {
			return nil, err
		}
		out, err := reference.Run(ctx, v.Producer, []tensor.Value{in}, nil)
		if err != nil {
			return nil, err
		}
		return out[0].(*tensor.Tensor), nil
	}
	for i, in := range e.oracle.given.Inputs {
		if t, ok := e.inputs[i].(*tensor.Tensor); ok && in == v {
			return t, nil
		}
	}
	return nil, nil
}

// sumBounds are those of sums of n products: each rounding adds an error of
// relative size u at most, so that together they stay below n·u·Σ|terms|, and
// with a probability that can be neglected below √n·u·Σ|terms| times a small
// constant (Higham and Mary, "A new approach to probabilistic rounding error
// analysis", 2019). Σ|terms| is what the oracle computes of the magnitudes of
// the operands. Where products are denormal, each loses up to half of the least
// number, however small it is; sums of denormal numbers are exact.
func (e *Expectation) sumBounds(ctx context.Context, all []bounds) error {
	sizes, err := e.oracle.changed(ctx, e.inputs, magnitude)
	if err != nil {
		return err
	}
	for i, v := range e.Outputs {
		out, ok := v.(*tensor.Tensor)
		size, same := sizes[i].(*tensor.Tensor)
		if !ok || !same || !out.DType().IsFloat() || size.Len() != out.Len() {
			continue
		}
		scale := magnitudes(size)
		if e.oracle.rule.wide {
			most := largest(scale)
			for k := range scale {
				scale[k] = most
			}
		}
		n := float64(e.terms(out))
		own, wide := formats[out.DType()].unit(), precise(out.DType()).unit()
		strict := 2 * math.Min(n+4, 8*math.Sqrt(n)+8)
		underflow := n * formats[out.DType()].ulp(0)
		all[i] = bounds{
			lost:  [3]float64{n * precise(out.DType()).ulp(0), underflow, underflow},
			ulps:  [3]float64{1, 1, 2},
			share: [3]float64{strict * wide, 2 * (n + 4) * own, math.Max(strict*relaxed(out.DType()), 4*(n+4)*own)},
			scale: scale,
		}
	}
	return nil
}

// relaxed returns the relative error of a product in class C.
func relaxed(d tensor.DType) float64 {
	if d == tensor.Float64 {
		return formats[tensor.Float32].unit()
	}
	return math.Ldexp(1, -11)
}

// terms returns the most terms that one element's sum has.
func (e *Expectation) terms(out *tensor.Tensor) int {
	if terms := e.oracle.rule.terms; terms != nil {
		return terms(e.oracle.node, e.shapes(), []tensor.Shape{out.Shape()})
	}
	return e.longest()
}

// longest returns the greatest extent of an operand.
func (e *Expectation) longest() int { return longest(nil, e.shapes(), nil) }

// shapes returns the shapes of the operands.
func (e *Expectation) shapes() []tensor.Shape {
	in := make([]tensor.Shape, len(e.oracle.node.Inputs))
	for i, v := range e.oracle.node.Inputs {
		in[i] = e.shapeOf(v)
	}
	return in
}

// shapeOf returns the shape of a constant, of an input of the model, or of one
// whose axes a Transpose has turned around; nil of anything else.
func (e *Expectation) shapeOf(v *graph.Value) tensor.Shape {
	switch {
	case v == nil:
		return nil
	case v.Const != nil:
		return v.Const.Shape()
	case v.Producer != nil:
		if len(v.Producer.Inputs) != 1 {
			return nil
		}
		s := e.shapeOf(v.Producer.Inputs[0]).Clone()
		slices.Reverse(s)
		return s
	}
	for i, in := range e.oracle.given.Inputs {
		if t, ok := e.inputs[i].(*tensor.Tensor); ok && in == v {
			return t.Shape()
		}
	}
	return nil
}

// tries is how often operands are moved to see how far results move. By chance
// one move may leave an element where it is, four hardly ever do.
const tries = 4

// conditionedBounds are those of everything else: a result is as good as the
// exact one for operands that differ from those given by a few roundings. How
// far the results move with the operands is tried out with random moves of 16
// roundings. Rounding inside the operator, of values as large as the results,
// adds a little of the largest.
//
// Where the operator sums n terms of a size t, moving each by a rounding u moves
// the sum by about √n·u·t. Summing them one by one rounds partial sums of sizes
// up to n·t, by u·n·t/√2 together if rounding goes either way: √(n/2) times as
// much, and with a probability that can be neglected four times that.
func (e *Expectation) conditionedBounds(ctx context.Context, all []bounds) error {
	const roundings = 16
	r := rand.New(rand.NewPCG(1, 2))
	for range tries {
		moved, err := e.oracle.changed(ctx, e.inputs, func(t *tensor.Tensor) *tensor.Tensor {
			by := roundings * formats[t.DType()].unit()
			v := t.Float64s()
			for i := range v {
				v[i] *= 1 + by*float64(1-2*r.IntN(2))
			}
			return tensor.FromFloat64s(t.DType(), t.Shape(), v)
		})
		if err != nil {
			return err
		}
		for i, v := range e.Outputs {
			out, ok := v.(*tensor.Tensor)
			other, same := moved[i].(*tensor.Tensor)
			if ok && same && out.DType().IsFloat() && other.Len() == out.Len() {
				all[i].widen(out, other, roundings)
			}
		}
	}
	if e.oracle.node.Text("post_transform", "") == "PROBIT" {
		all[0].probit(e.Outputs[0])
	}
	for i, v := range e.Outputs {
		if out, ok := v.(*tensor.Tensor); ok && all[i].scale != nil {
			all[i].finish(out, e.precision(out.DType()), 3*math.Sqrt(float64(e.longest())))
		}
	}
	return nil
}

// probit adds what cancels in the usual approximation of the inverse of the
// normal distribution: a result r is the root of a difference of about r² between
// numbers near 4 (Winitzki, "A handy approximation for the error function and its
// inverse", 2008), whose roundings are worth 2/r of them.
func (b *bounds) probit(v tensor.Value) {
	out, ok := v.(*tensor.Tensor)
	if !ok || b.scale == nil {
		return
	}
	for i, r := range out.Float64s() {
		b.scale[i] += 2 * formats[out.DType()].unit() / math.Max(math.Abs(r), 1.0/64)
	}
}

// widen takes over how far the elements moved, per rounding.
func (b *bounds) widen(out, moved *tensor.Tensor, roundings float64) {
	if b.scale == nil {
		b.scale = make([]float64, out.Len())
	}
	v := out.Float64s()
	for i, m := range moved.Float64s() {
		if d := math.Abs(m-v[i]) / roundings; d > b.scale[i] && !math.IsInf(d, 0) {
			b.scale[i] = d
		}
	}
}

// precision returns the format in which class A computes results of a type.
func (e *Expectation) precision(d tensor.DType) format {
	if e.oracle.rule.stash && e.oracle.node.Int("stash_type", 1) == int64(tensor.Float32) {
		return formats[tensor.Float32]
	}
	return precise(d)
}

// finish sets what one move of the operands by a rounding of their type is
// worth in each class, where class A computes in a format and sums are worth so
// many moves.
func (b *bounds) finish(out *tensor.Tensor, in format, sums float64) {
	own, wide := formats[out.DType()].unit(), in.unit()
	most := largest(magnitudes(out)) * own
	for i := range b.scale {
		b.scale[i] += most / 4
	}
	b.ulps = [3]float64{2, 4, 8}
	if own > wide {
		b.ulps = [3]float64{1, 2, 8}
	}
	strict := (32 + sums) * wide / own
	b.share = [3]float64{strict, math.Max(128, 4*strict), math.Max(1024, 64*relaxed(out.DType())/own)}
}

func magnitude(t *tensor.Tensor) *tensor.Tensor {
	return tensor.FromFloat64s(t.DType(), t.Shape(), magnitudes(t))
}

// magnitudes returns the absolute values of a tensor's elements.
func magnitudes(t *tensor.Tensor) []float64 {
	v := t.Float64s()
	for i := range v {
		v[i] = math.Abs(v[i])
	}
	return v
}

// largest returns the greatest finite number, 0 of none.
func largest(v []float64) float64 {
	most := 0.0
	for _, x := range v {
		if !math.IsInf(x, 0) && x > most {
			most = x
		}
	}
	return most
}

// Operations returns about how many multiplications, or additions where there are
// none, the outputs take, 0 where the rule of the operator does not tell.
func (e *Expectation) Operations() float64 {
	if e.oracle.rule.kind != sums || e.oracle.rule.wide {
		return 0
	}
	n := 0.0
	for _, v := range e.Outputs {
		if t, ok := v.(*tensor.Tensor); ok && t.Len() > 0 {
			n += float64(t.Len()) * float64(e.terms(t)-1)
		}
	}
	return n
}
