package oracle

import (
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// The tests below reject numbers of the right distribution about once in a
// million times.
const (
	kolmogorov = 2.7 // of the greatest distance between distribution functions, times √n
	sigmas     = 5   // of a frequency
)

func normal(n *graph.Node, _, out []tensor.Value) error {
	mean, scale := float64(n.Float("mean", 0)), float64(n.Float("scale", 1))
	return follows(out[0], func(x float64) float64 { return 0.5 * math.Erfc((mean-x)/(scale*math.Sqrt2)) })
}

func evenly(n *graph.Node, _, out []tensor.Value) error {
	low, high := float64(n.Float("low", 0)), float64(n.Float("high", 1))
	return follows(out[0], func(x float64) float64 { return math.Min(math.Max((x-low)/(high-low), 0), 1) })
}

// follows holds the elements of a tensor against a distribution function
// (Kolmogorov and Smirnov's test).
func follows(v tensor.Value, cdf func(float64) float64) error {
	x := v.(*tensor.Tensor).Float64s()
	slices.Sort(x)
	n, apart := float64(len(x)), 0.0
	for i, e := range x {
		if math.IsNaN(e) || math.IsInf(e, 0) {
			return fmt.Errorf("element %v among random numbers", e)
		}
		p := cdf(e)
		apart = math.Max(apart, math.Max(p-float64(i)/n, float64(i+1)/n-p))
	}
	ulp := 4 * formats[v.Type().DType].unit() // numbers of narrow types stand for ranges
	if apart > kolmogorov/math.Sqrt(n)+ulp {
		return fmt.Errorf("%d random numbers are %.3g off the distribution asked for; %.3g is allowed", len(x), apart, kolmogorov/math.Sqrt(n)+ulp)
	}
	return nil
}

// bernoulli expects ones as often as the first probability says.
func bernoulli(_ *graph.Node, in, out []tensor.Value) error {
	p := in[0].(*tensor.Tensor).Float64s()[0]
	counts, err := count(out[0].(*tensor.Tensor).Float64s(), 2)
	if err != nil {
		return err
	}
	return frequent(counts, []float64{1 - p, p})
}

// multinomial expects classes as often as the logarithms of each row say.
func multinomial(_ *graph.Node, in, out []tensor.Value) error {
	logs, drawn := in[0].(*tensor.Tensor), out[0].(*tensor.Tensor)
	classes, samples := logs.Shape()[1], drawn.Shape()[1]
	for row := range logs.Shape()[0] {
		p, total := make([]float64, classes), 0.0
		for k := range p {
			p[k] = math.Exp(logs.Float64s()[row*classes+k])
			total += p[k]
		}
		for k := range p {
			p[k] /= total
		}
		counts, err := count(drawn.Float64s()[row*samples:(row+1)*samples], classes)
		if err == nil {
			err = frequent(counts, p)
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
	}
	return nil
}

// count counts the whole numbers below n.
func count(v []float64, n int) ([]int, error) {
	counts := make([]int, n)
	for _, x := range v {
		if x < 0 || x >= float64(n) || x != math.Trunc(x) {
			return nil, fmt.Errorf("%v drawn, which is none of 0 to %d", x, n-1)
		}
		counts[int(x)]++
	}
	return counts, nil
}

// frequent holds counts against probabilities.
func frequent(counts []int, p []float64) error {
	total := 0
	for _, c := range counts {
		total += c
	}
	n := float64(total)
	for k, c := range counts {
		if off := math.Abs(float64(c) - n*p[k]); off > sigmas*math.Sqrt(n*p[k]*(1-p[k]))+1 {
			return fmt.Errorf("%d drawn %d times of %d, with a probability of %.3g", k, c, total, p[k])
		}
	}
	return nil
}
