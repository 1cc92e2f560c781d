package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// normalization holds BatchNormalization, InstanceNormalization,
// GroupNormalization, LayerNormalization, RMSNormalization, LpNormalization,
// MeanVarianceNormalization, LRN.
var normalization = family{
	"BatchNormalization":        batchNormalization,
	"InstanceNormalization":     instanceNormalization,
	"GroupNormalization":        groupNormalization,
	"LayerNormalization":        layerNormalization,
	"RMSNormalization":          rmsNormalization,
	"LpNormalization":           lpNormalization,
	"MeanVarianceNormalization": meanVarianceNormalization,
	"LRN":                       localResponseNormalization,
}

// moments returns the mean and the population variance of v.
func moments(v []float64) (mean, variance float64) {
	mean = average(v)
	for _, e := range v {
		variance += (e - mean) * (e - mean)
	}
	return mean, variance / float64(len(v))
}

// perChannel returns the elements of inputs first, first+1, …, each of which must
// have one element per channel.
func perChannel(c *Call, channels int, first int, names ...string) ([][]float64, error) {
	lists := make([][]float64, len(names))
	for i, name := range names {
		t := c.Tensor(first + i)
		if !t.Shape().Equal(tensor.Shape{channels}) {
			return nil, fmt.Errorf("%s has the shape %v, but the input has %d channels", name, t.Shape(), channels)
		}
		lists[i] = t.Float64s()
	}
	return lists, nil
}

// batchNormalization takes an input of rank 1 as one of a single channel.
func batchNormalization(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	outer, channels, inner := x.Len(), 1, 1
	if x.Rank() == 0 {
		return nil, fmt.Errorf("input X is a scalar; (N, C, D1, …) is needed")
	} else if x.Rank() > 1 {
		outer, channels, inner = around(x.Shape(), 1)
	}
	lists, err := perChannel(c, channels, 1, "scale", "B", "input_mean", "input_var")
	if err != nil {
		return nil, err
	}
	scale, bias, mean, variance := lists[0], lists[1], lists[2], lists[3]
	v := x.Float64s()
	var running [2][]float64
	if c.Node.Bool("training_mode", false) {
		momentum := float64(c.Node.Float("momentum", 0.9))
		inputMean, inputVar := mean, variance
		mean, variance = channelMoments(v, outer, channels, inner)
		running[0] = blend(inputMean, mean, momentum)
		running[1] = blend(inputVar, variance, momentum)
	}
	epsilon := float64(c.Node.Float("epsilon", 1e-5))
	y := make([]float64, len(v))
	for i, e := range v {
		k := i / inner % channels
		y[i] = (e-mean[k])/math.Sqrt(variance[k]+epsilon)*scale[k] + bias[k]
	}
	out := []tensor.Value{tensor.FromFloat64s(x.DType(), x.Shape(), y)}
	for _, r := range running {
		if r != nil {
			out = append(out, tensor.FromFloat64s(c.Tensor(3).DType(), tensor.Shape{channels}, r))
		}
	}
	return out, nil
}

// channelMoments returns the moments of each channel of v (outer, channels,
// inner).
func channelMoments(v []float64, outer, channels, inner int) (means, variances []float64) {
	means, variances = make([]float64, channels), make([]float64, channels)
	for k := range channels {
		var of []float64
		for n := range outer {
			of = append(of, v[(n*channels+k)*inner:][:inner]...)
		}
		means[k], variances[k] = moments(of)
	}
	return means, variances
}

// blend returns a × share + b × (1 − share).
func blend(a, b []float64, share float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = a[i]*share + b[i]*(1-share)
	}
	return out
}

func instanceNormalization(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	_, channels, _, err := split(x.Shape(), 0)
	if err != nil {
		return nil, err
	}
	return grouped(c, channels)
}

func groupNormalization(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	_, channels, _, err := split(x.Shape(), 0)
	if err != nil {
		return nil, err
	}
	groups := int(c.Node.Int("num_groups", 0))
	if groups < 1 || channels%groups != 0 {
		return nil, fmt.Errorf("%d channels cannot be divided into %d groups", channels, groups)
	}
	return grouped(c, groups)
}

// grouped normalizes the elements of each instance in groups of channels, then
// scales and shifts every channel.
func grouped(c *Call, groups int) ([]tensor.Value, error) {
	x := c.Tensor(0)
	batch, channels, inner := around(x.Shape(), 1)
	lists, err := perChannel(c, channels, 1, "scale", "bias")
	if err != nil {
		return nil, err
	}
	scale, bias := lists[0], lists[1]
	v := x.Float64s()
	y := make([]float64, len(v))
	if len(v) == 0 {
		return one(tensor.FromFloat64s(x.DType(), x.Shape(), y))
	}
	epsilon := float64(c.Node.Float("epsilon", 1e-5))
	size := channels / groups * inner
	for g := range batch * groups {
		mean, variance := moments(v[g*size:][:size])
		for i := g * size; i < (g+1)*size; i++ {
			k := i / inner % channels
			y[i] = (v[i]-mean)/math.Sqrt(variance+epsilon)*scale[k] + bias[k]
		}
	}
	return one(tensor.FromFloat64s(x.DType(), x.Shape(), y))
}

// layerNormalization also returns the mean and the inverse of the standard
// deviation of each row, in the type that stash_type names.
func layerNormalization(c *Call) ([]tensor.Value, error) {
	rows, err := trailing(c)
	if err != nil {
		return nil, err
	}
	stash := c.Node.DType("stash_type", tensor.Float32)
	if !stash.IsFloat() {
		return nil, fmt.Errorf("attribute stash_type is %d (%v), which is no floating-point type", stash, stash)
	}
	means, inverses := make([]float64, rows.outer), make([]float64, rows.outer)
	for i := range rows.outer {
		row := rows.v[i*rows.inner:][:rows.inner]
		mean, variance := moments(row)
		means[i], inverses[i] = mean, 1/math.Sqrt(variance+rows.epsilon)
		for k, e := range row {
			row[k] = (e - mean) * inverses[i]
		}
	}
	y, err := rows.scaled(c, c.Tensor(0).DType())
	if err != nil {
		return nil, err
	}
	return []tensor.Value{y, tensor.FromFloat64s(stash, rows.reduced, means), tensor.FromFloat64s(stash, rows.reduced, inverses)}, nil
}

func rmsNormalization(c *Call) ([]tensor.Value, error) {
	rows, err := trailing(c)
	if err != nil {
		return nil, err
	}
	for i := range rows.outer {
		row := rows.v[i*rows.inner:][:rows.inner]
		root := math.Sqrt(dot(row, row)/float64(rows.inner) + rows.epsilon)
		for k, e := range row {
			row[k] = e / root
		}
	}
	y, err := rows.scaled(c, c.Tensor(1).DType())
	if err != nil {
		return nil, err
	}
	return one(y)
}

// rows are the elements of X as outer rows over the axes from attribute axis on.
type rows struct {
	v            []float64
	outer, inner int
	reduced      tensor.Shape // the shape of X with 1 for the axes normalized
	epsilon      float64
}

func trailing(c *Call) (rows, error) {
	x := c.Tensor(0)
	axis, err := tensor.Axis(c.Node.Int("axis", -1), x.Rank())
	if err != nil {
		return rows{}, err
	}
	r := rows{v: x.Float64s(), outer: x.Shape()[:axis].Size(), inner: x.Shape()[axis:].Size(), reduced: x.Shape().Clone()}
	for i := axis; i < x.Rank(); i++ {
		r.reduced[i] = 1
	}
	r.epsilon = float64(c.Node.Float("epsilon", 1e-5))
	return r, nil
}

// scaled returns the rows times Scale plus the optional B, which broadcast to X,
// in the type d.
func (r rows) scaled(c *Call, d tensor.DType) (*tensor.Tensor, error) {
	x := c.Tensor(0)
	for i, name := range []string{"Scale", "B"} {
		t := c.Tensor(1 + i)
		if t == nil {
			continue
		}
		if s, err := broadcastShape(x.Shape(), t.Shape()); err != nil || !s.Equal(x.Shape()) {
			return nil, fmt.Errorf("%s has the shape %v, which does not broadcast to that of X, %v", name, t.Shape(), x.Shape())
		}
		for k, e := range spread(t.Float64s(), t.Shape(), x.Shape()) {
			if i == 0 {
				r.v[k] *= e
			} else {
				r.v[k] += e
			}
		}
	}
	return tensor.FromFloat64s(d, x.Shape(), r.v), nil
}

// lpNormalization gives 0 where the norm is 0.
func lpNormalization(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	axis, err := tensor.Axis(c.Node.Int("axis", -1), x.Rank())
	if err != nil {
		return nil, err
	}
	p := c.Node.Int("p", 2)
	if p != 1 && p != 2 {
		return nil, fmt.Errorf("attribute p is %d; only the norms 1 and 2 are defined", p)
	}
	norm, err := lpNorm(c)
	if err != nil {
		return nil, err
	}
	v := lines(x.Float64s(), x.Shape(), axis, func(line []float64) {
		if length := norm(line); length != 0 {
			for i := range line {
				line[i] /= length
			}
		}
	})
	return one(tensor.FromFloat64s(x.DType(), x.Shape(), v))
}

// meanVarianceNormalization adds 1e-9 to the standard deviation, as the
// operator's function body does.
func meanVarianceNormalization(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	named := c.Node.Ints("axes")
	if named == nil {
		named = []int64{0, 2, 3}
	}
	axes, err := axesIn(named, x.Rank())
	if err != nil {
		return nil, err
	}
	reduced := x.Shape().Clone()
	for _, axis := range axes {
		reduced[axis] = 1
	}
	v := x.Float64s()
	members := make([][]float64, reduced.Size())
	numbers := make([]int, len(members))
	for g := range numbers {
		numbers[g] = g
	}
	group := spread(numbers, reduced, x.Shape())
	for i, e := range v {
		members[group[i]] = append(members[group[i]], e)
	}
	means, deviations := make([]float64, len(members)), make([]float64, len(members))
	for g, m := range members {
		mean, variance := moments(m)
		means[g], deviations[g] = mean, math.Sqrt(variance)+1e-9
	}
	for i := range v {
		v[i] = (v[i] - means[group[i]]) / deviations[group[i]]
	}
	return one(tensor.FromFloat64s(x.DType(), x.Shape(), v))
}

func localResponseNormalization(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	batch, channels, spatial, err := split(x.Shape(), 0)
	if err != nil {
		return nil, err
	}
	size := int(c.Node.Int("size", 0))
	if size < 1 {
		return nil, fmt.Errorf("attribute size is %d; at least one channel must be summed over", size)
	}
	alpha, beta, bias := float64(c.Node.Float("alpha", 1e-4)), float64(c.Node.Float("beta", 0.75)), float64(c.Node.Float("bias", 1))
	v, plane := x.Float64s(), spatial.Size()
	y := make([]float64, len(v))
	for n := range batch {
		for k := range channels {
			first, last := max(0, k-(size-1)/2), min(channels-1, k+size/2)
			for i := range plane {
				c.checkpoint()
				squares := 0.0
				for j := first; j <= last; j++ {
					e := v[(n*channels+j)*plane+i]
					squares += e * e
				}
				at := (n*channels+k)*plane + i
				y[at] = v[at] / math.Pow(bias+alpha/float64(size)*squares, beta)
			}
		}
	}
	return one(tensor.FromFloat64s(x.DType(), x.Shape(), y))
}
