package reference

import (
	"fmt"
	"math"
	"math/rand/v2"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// random holds RandomNormal, RandomNormalLike, RandomUniform,
// RandomUniformLike, Multinomial, Bernoulli, Dropout.
//
// A seed makes an operator give the same values each time. ONNX does not say
// which; here they are those of a permuted congruential generator.
var random = family{
	"RandomNormal":      randomNormal,
	"RandomNormalLike":  randomNormal,
	"RandomUniform":     randomUniform,
	"RandomUniformLike": randomUniform,
	"Multinomial":       multinomial,
	"Bernoulli":         bernoulli,
	"Dropout":           dropout,
}

// generator returns a generator for a node: seeded by the bits of its attribute
// seed as a float32, afresh where it has none.
func generator(n *graph.Node) *rand.Rand {
	seed := rand.Uint64()
	if v, ok := graph.Attr[float32](n, "seed"); ok {
		seed = uint64(math.Float32bits(v))
	}
	if v, ok := graph.Attr[int64](n, "seed"); ok {
		seed = uint64(math.Float32bits(float32(v)))
	}
	return rand.New(rand.NewPCG(seed, 0))
}

// uniform draws a number from [0, 1): for float64 one of 53 bits, for other types
// one that float32 holds exactly.
func uniform(r *rand.Rand, d tensor.DType) float64 {
	if d == tensor.Float64 {
		return r.Float64()
	}
	return float64(r.Float32())
}

func randomNormal(c *Call) ([]tensor.Value, error) {
	mean, scale := float64(c.Node.Float("mean", 0)), float64(c.Node.Float("scale", 1))
	r := generator(c.Node)
	return draw(c, func(tensor.DType) float64 { return mean + scale*r.NormFloat64() })
}

func randomUniform(c *Call) ([]tensor.Value, error) {
	low, high := float64(c.Node.Float("low", 0)), float64(c.Node.Float("high", 1))
	r := generator(c.Node)
	return draw(c, func(d tensor.DType) float64 { return low + (high-low)*uniform(r, d) })
}

// draw fills a tensor of the attribute shape, or of the shape of the input if
// there is one, with random numbers.
func draw(c *Call, next func(tensor.DType) float64) ([]tensor.Value, error) {
	d, shape := c.Node.DType("dtype", tensor.Float32), tensor.Shape{}
	if t := c.Tensor(0); t != nil {
		d, shape = c.Node.DType("dtype", t.DType()), t.Shape()
	} else {
		for _, n := range c.Node.Ints("shape") {
			shape = append(shape, tensor.Extent(n))
		}
	}
	if !d.IsFloat() {
		return nil, fmt.Errorf("dtype is %v, want a floating-point type", d)
	}
	n, err := countOf(shape)
	if err != nil {
		return nil, err
	}
	values := make([]float64, n)
	for i := range values {
		values[i] = next(d)
	}
	return one(tensor.FromFloat64s(d, shape, values))
}

// bernoulli draws 1 with the probability that each element gives, else 0.
func bernoulli(c *Call) ([]tensor.Value, error) {
	p := c.Tensor(0)
	d := c.Node.DType("dtype", p.DType())
	if !d.IsFloat() && !d.IsInteger() && d != tensor.Bool {
		return nil, fmt.Errorf("dtype is %v, want numbers or bool", d)
	}
	r := generator(c.Node)
	out := mapped(p.Float64s(), func(p float64) int64 {
		if uniform(r, tensor.Float32) < p {
			return 1
		}
		return 0
	})
	return one(tensor.FromInt64s(d, p.Shape(), out))
}

// multinomial draws sample_size classes for each row of unnormalised log
// probabilities, by inverting the cumulative distribution.
func multinomial(c *Call) ([]tensor.Value, error) {
	t := c.Tensor(0)
	if t.Rank() != 2 || t.Shape()[1] == 0 {
		return nil, fmt.Errorf("the input must have the shape [batch, classes] with a class at least, got %v", t.Shape())
	}
	batch, classes := t.Shape()[0], t.Shape()[1]
	shape := tensor.Shape{batch, tensor.Extent(c.Node.Int("sample_size", 1))}
	n, err := countOf(shape)
	if err != nil {
		return nil, err
	}
	d := c.Node.DType("dtype", tensor.Int32)
	if d != tensor.Int32 && d != tensor.Int64 {
		return nil, fmt.Errorf("dtype is %v, want int32 or int64", d)
	}
	r, logits := generator(c.Node), t.Float64s()
	out := make([]int64, 0, n)
	for row := range batch {
		cumulative := runningSums(logits[row*classes:][:classes])
		for range shape[1] {
			c.checkpoint()
			out = append(out, invert(cumulative, r.Float64()))
		}
	}
	return one(tensor.FromInt64s(d, shape, out))
}

// runningSums returns the running sums of e^v, up to a common factor.
func runningSums(logits []float64) []float64 {
	top := math.Inf(-1)
	for _, v := range logits {
		top = max(top, v)
	}
	total := 0.0
	return mapped(logits, func(v float64) float64 {
		total += math.Exp(v - top)
		return total
	})
}

// invert returns the first class whose running sum exceeds the share u of all.
func invert(cumulative []float64, u float64) int64 {
	last := len(cumulative) - 1
	for k, sum := range cumulative {
		if sum > u*cumulative[last] {
			return int64(k)
		}
	}
	return int64(last)
}

// dropout copies its input and, in training mode, sets a share of it to 0 and
// scales the rest by 1 / (1 - ratio). The mask tells which elements are kept.
func dropout(c *Call) ([]tensor.Value, error) {
	t := c.Tensor(0)
	mask := tensor.Zeros(tensor.Bool, t.Shape())
	kept := tensor.Slice[bool](mask)
	training := false
	if c.Has(2) {
		var err error
		if training, err = flag(c.Inputs[2]); err != nil {
			return nil, err
		}
	}
	if !training {
		for i := range kept {
			kept[i] = true
		}
		return []tensor.Value{t, mask}, nil
	}
	ratio := 0.5
	if c.Has(1) {
		var err error
		if ratio, err = c.number(1); err != nil {
			return nil, err
		}
	}
	if !(ratio >= 0 && ratio < 1) {
		return nil, fmt.Errorf("ratio is %v, want a number in [0, 1)", ratio)
	}
	r, values := generator(c.Node), t.Float64s()
	for i := range kept {
		if kept[i] = uniform(r, tensor.Float32) >= ratio; kept[i] {
			values[i] /= 1 - ratio
		} else {
			values[i] = 0
		}
	}
	return []tensor.Value{tensor.FromFloat64s(t.DType(), t.Shape(), values), mask}, nil
}
