package reference

import (
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// slice holds Slice, Concat, Split, Pad, Trilu, ReverseSequence, Compress,
// CenterCropPad.
var slice = family{
	"Slice":           sliceOf,
	"Concat":          concat,
	"Split":           splitOf,
	"Pad":             pad,
	"Trilu":           trilu,
	"ReverseSequence": reverseSequence,
	"Compress":        compress,
	"CenterCropPad":   centerCropPad,
}

func sliceOf(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	target, base, strides, err := sliceBox(data.Shape(), c.Ints(1), c.Ints(2), c.Ints(3), c.Ints(4))
	if err != nil {
		return nil, err
	}
	return one(pick(data, target, strided(target, base, strides)))
}

// sliceBox returns the extents of what Slice takes from a tensor, the index of its
// first element there, and how many elements to advance along each axis.
func sliceBox(from tensor.Shape, starts, ends, request, steps []int64) (target tensor.Shape, base int, strides []int, err error) {
	if request == nil {
		if len(starts) > len(from) {
			return nil, 0, nil, fmt.Errorf("%d starts for a tensor of rank %d", len(starts), len(from))
		}
		request = make([]int64, len(starts))
		for i := range request {
			request[i] = int64(i)
		}
	}
	if steps == nil {
		steps = slices.Repeat([]int64{1}, len(starts))
	}
	if len(ends) != len(starts) || len(request) != len(starts) || len(steps) != len(starts) {
		return nil, 0, nil, fmt.Errorf("%d starts, %d ends, %d axes and %d steps; they must be equally many", len(starts), len(ends), len(request), len(steps))
	}
	axes, err := axesIn(request, len(from))
	if err != nil {
		return nil, 0, nil, err
	}
	target, strides = from.Clone(), from.Strides()
	for i, axis := range axes {
		if steps[i] == 0 {
			return nil, 0, nil, fmt.Errorf("the step along axis %d is 0", axis)
		}
		first, count := SliceRange(starts[i], ends[i], steps[i], from[axis])
		target[axis] = count
		base += first * strides[axis]
		if count > 1 {
			strides[axis] *= int(steps[i])
		}
	}
	return target, base, strides, nil
}

// SliceRange returns the first index and the number of indexes that Slice takes
// from an axis of extent n, by a step other than 0.
func SliceRange(start, end, step int64, n int) (first, count int) {
	extent := int64(n)
	clamp := func(i, least, most int64) int64 {
		if i < 0 {
			i += extent
		}
		return min(max(i, least), most)
	}
	switch {
	case n == 0:
		return 0, 0
	case step > 0:
		start, end = clamp(start, 0, extent), clamp(end, 0, extent)
		if end > start {
			return int(start), int((end-start-1)/step) + 1
		}
	case step < 0:
		start, end = clamp(start, 0, extent-1), clamp(end, -1, extent-1)
		if end < start {
			return int(start), int((end-start+1)/step) + 1
		}
	}
	return 0, 0
}

func concat(c *Call) ([]tensor.Value, error) {
	parts := make([]*tensor.Tensor, len(c.Inputs))
	for i := range parts {
		parts[i] = c.Tensor(i)
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), parts[0].Rank())
	if err != nil {
		return nil, err
	}
	out, err := joined(parts, axis)
	if err != nil {
		return nil, err
	}
	return one(out)
}

// joined lays tensors that agree but for one axis end to end along it.
func joined(parts []*tensor.Tensor, axis int) (*tensor.Tensor, error) {
	target := parts[0].Shape().Clone()
	target[axis] = 0
	for i, p := range parts {
		if p.DType() != parts[0].DType() {
			return nil, fmt.Errorf("input 0 is %v, input %d is %v; all must have one type", parts[0].DType(), i, p.DType())
		}
		agrees := p.Rank() == len(target)
		for k := range min(p.Rank(), len(target)) {
			agrees = agrees && (k == axis || p.Shape()[k] == target[k])
		}
		if !agrees {
			return nil, fmt.Errorf("input %d of shape %v does not agree with input 0 of shape %v outside axis %d", i, p.Shape(), parts[0].Shape(), axis)
		}
		target[axis] += p.Shape()[axis]
	}
	if _, err := countOf(target); err != nil {
		return nil, err
	}
	out, err := tensor.New(parts[0].DType(), target)
	if err != nil {
		return nil, err
	}
	strides := target.Strides()
	base := 0
	for _, p := range parts {
		place(out, strided(p.Shape(), base, strides), p)
		base += p.Shape()[axis] * strides[axis]
	}
	return out, nil
}

func splitOf(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	axis, err := tensor.Axis(c.Node.Int("axis", 0), data.Rank())
	if err != nil {
		return nil, err
	}
	sizes, err := splitSizes(c, data.Shape()[axis])
	if err != nil {
		return nil, err
	}
	outs := make([]tensor.Value, len(sizes))
	start := 0
	for i, n := range sizes {
		outs[i] = section(data, axis, start, n)
		start += n
	}
	return outs, nil
}

// splitSizes returns the extents of the parts of an axis of extent n: as many as
// the node has outputs.
func splitSizes(c *Call, n int) ([]int, error) {
	if c.Has(1) {
		request, sum := c.Ints(1), 0
		sizes := make([]int, len(request))
		for i, s := range request {
			if s < 0 || s > int64(n) {
				return nil, fmt.Errorf("part %d has size %d of an axis of extent %d", i, s, n)
			}
			sizes[i] = int(s)
			sum += sizes[i]
		}
		if sum != n {
			return nil, fmt.Errorf("the parts %v add up to %d, the axis has extent %d", sizes, sum, n)
		}
		if len(sizes) != len(c.Node.Outputs) {
			return nil, fmt.Errorf("%d parts for %d outputs", len(sizes), len(c.Node.Outputs))
		}
		return sizes, nil
	}
	parts := len(c.Node.Outputs)
	if asked := c.Node.Int("num_outputs", int64(parts)); asked != int64(parts) {
		return nil, fmt.Errorf("num_outputs is %d, the node has %d outputs", asked, parts)
	}
	sizes := make([]int, parts)
	each, left := (n+parts-1)/parts, n
	for i := range sizes {
		sizes[i] = min(each, left)
		left -= sizes[i]
	}
	return sizes, nil
}

// trilu keeps the elements of the matrices in the last two axes on one side of
// diagonal k: column - row >= k above, <= k below.
func trilu(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	if data.Rank() < 2 {
		return nil, fmt.Errorf("the input has shape %v; it takes rank 2 or more", data.Shape())
	}
	k := int64(0)
	if c.Has(1) {
		if len(c.Ints(1)) != 1 {
			return nil, fmt.Errorf("k has %d elements; it takes one", len(c.Ints(1)))
		}
		k = c.Ints(1)[0]
	}
	upper := c.Node.Bool("upper", true)
	columns, rows := data.Shape()[data.Rank()-1], data.Shape()[data.Rank()-2]
	indexes := make([]int, data.Len())
	for i := range indexes {
		diagonal := int64(i%columns - i/columns%rows)
		indexes[i] = none
		if upper && diagonal >= k || !upper && diagonal <= k {
			indexes[i] = i
		}
	}
	return one(pick(data, data.Shape(), indexes))
}

func reverseSequence(c *Call) ([]tensor.Value, error) {
	data, lengths := c.Tensor(0), c.Ints(1)
	batch, time := c.Node.Int("batch_axis", 1), c.Node.Int("time_axis", 0)
	if data.Rank() < 2 {
		return nil, fmt.Errorf("the input has shape %v; it takes rank 2 or more", data.Shape())
	}
	if batch+time != 1 || batch*time != 0 {
		return nil, fmt.Errorf("batch_axis %d and time_axis %d; one must be 0 and the other 1", batch, time)
	}
	if len(lengths) != data.Shape()[batch] {
		return nil, fmt.Errorf("%d sequence lengths for a batch of %d", len(lengths), data.Shape()[batch])
	}
	for i, n := range lengths {
		if n < 0 || n > int64(data.Shape()[time]) {
			return nil, fmt.Errorf("sequence %d has length %d; the time axis has extent %d", i, n, data.Shape()[time])
		}
	}
	strides := data.Shape().Strides()
	indexes := make([]int, 0, data.Len())
	walk(data.Shape(), func(at []int) {
		k := len(indexes)
		if n := int(lengths[at[batch]]); at[time] < n {
			k += (n - 1 - 2*at[time]) * strides[time]
		}
		indexes = append(indexes, k)
	})
	return one(pick(data, data.Shape(), indexes))
}

func compress(c *Call) ([]tensor.Value, error) {
	data, axis := c.Tensor(0), 0
	if c.Node.Has("axis") {
		var err error
		if axis, err = tensor.Axis(c.Node.Int("axis", 0), data.Rank()); err != nil {
			return nil, err
		}
	} else {
		flat, err := data.Reshape(tensor.Shape{data.Len()})
		if err != nil {
			return nil, err
		}
		data = flat
	}
	var keep []int
	for i, chosen := range c.Ints(1) {
		if chosen == 0 {
			continue
		}
		if i >= data.Shape()[axis] {
			return nil, fmt.Errorf("the condition chooses index %d of an axis of extent %d", i, data.Shape()[axis])
		}
		keep = append(keep, i)
	}
	return one(take(data, axis, keep))
}

// take returns the slices of t at the given indexes along an axis.
func take(t *tensor.Tensor, axis int, indexes []int) *tensor.Tensor {
	outer, n, inner := around(t.Shape(), axis)
	target := t.Shape().Clone()
	target[axis] = len(indexes)
	from := make([]int, 0, outer*len(indexes)*inner)
	for o := range outer {
		for _, i := range indexes {
			for k := range inner {
				from = append(from, (o*n+i)*inner+k)
			}
		}
	}
	return pick(t, target, from)
}

// centerCropPad crops or pads axes to the requested extents about their centre.
func centerCropPad(c *Call) ([]tensor.Value, error) {
	data, request := c.Tensor(0), c.Ints(1)
	axes, err := axesIn(c.Node.Ints("axes"), data.Rank())
	if err != nil {
		return nil, err
	}
	if len(request) != len(axes) {
		return nil, fmt.Errorf("%d extents for %d axes", len(request), len(axes))
	}
	before := make([]int, data.Rank())
	target := data.Shape().Clone()
	for i, axis := range axes {
		n := data.Shape()[axis]
		if request[i] < 0 || request[i] > math.MaxInt32 {
			return nil, fmt.Errorf("axis %d is to have extent %d, which is outside [0, %d]", axis, request[i], math.MaxInt32)
		}
		target[axis] = tensor.Extent(request[i])
		// Cropping starts at floor((n-target)/2), padding at floor((target-n)/2).
		before[axis] = (target[axis] - n) / 2
	}
	out, err := padded(data, target, before, func(i, n int) int { return none }, nil)
	if err != nil {
		return nil, err
	}
	return one(out)
}
