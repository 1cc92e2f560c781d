package infer

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/reference"
)

// slice holds Slice, Concat, Split, Pad, Trilu, ReverseSequence, Compress,
// CenterCropPad.
var slice = family{
	"Slice":           sliceOf,
	"Concat":          concat,
	"Split":           splitOf,
	"Pad":             pad,
	"Trilu":           sameAsInput,
	"ReverseSequence": sameAsInput,
	"Compress":        compress,
	"CenterCropPad":   centerCropPad,
}

// sameAsInput gives output 0 the type of input 0.
func sameAsInput(c *Call) error {
	c.SetLike(0, c.DType(0), 0)
	return nil
}

func sliceOf(c *Call) error {
	dims := c.Dims(0)
	starts, counted := c.Values(1)
	axes, err := sliceAxes(c, len(starts))
	if !dims.Ranked() || !counted || axes == nil || err != nil {
		c.SetType(0, tensor.TensorType(c.DType(0), unknownLike(dims)))
		return err
	}
	ends, ok := c.Values(2)
	if !ok {
		ends = make([]Int, len(starts))
	}
	steps, ok := c.Values(4)
	if !ok {
		steps = make([]Int, len(starts))
		for i := range steps {
			steps[i] = Int{Value: 1, Known: !c.Has(4)}
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return fmt.Errorf("%d starts, %d ends, %d axes and %d steps; they must be equally many", len(starts), len(ends), len(axes), len(steps))
	}
	out := dims.Clone()
	for i, axis := range axes {
		if steps[i].Known && steps[i].Value == 0 {
			return fmt.Errorf("the step along axis %d is 0", axis)
		}
		out[axis] = sliceDim(dims[axis], starts[i], ends[i], steps[i])
	}
	c.Set(0, c.DType(0), out)
	values, ok := c.elements(0)
	if ok && len(axes) == 1 && len(dims) == 1 && starts[0].Known && ends[0].Known && steps[0].Known {
		first, count := reference.SliceRange(starts[0].Value, ends[0].Value, steps[0].Value, len(values))
		kept := make([]Int, count)
		for i := range kept {
			kept[i] = values[first+i*int(steps[0].Value)]
		}
		c.SetInts(0, kept)
	}
	return nil
}

// sliceAxes returns the axes of a Slice of n starts, nil where they are unknown.
func sliceAxes(c *Call, n int) ([]int, error) {
	rank, _ := c.Rank(0)
	if !c.Has(3) {
		if n > rank && c.Dims(0).Ranked() {
			return nil, fmt.Errorf("%d starts for a tensor of rank %d", n, rank)
		}
		axes := make([]int, n)
		for i := range axes {
			axes[i] = i
		}
		return axes, nil
	}
	request, ok := c.Ints(3)
	if !ok || !c.Dims(0).Ranked() {
		return nil, nil
	}
	return allAxes(request, rank)
}

// sliceDim returns the extent that is left of one axis.
func sliceDim(d tensor.Dim, start, end, step Int) tensor.Dim {
	const far = math.MaxInt32 // the least end that stands for "to the last"
	switch {
	case !step.Known || !start.Known:
	case d.IsKnown() && end.Known:
		_, count := reference.SliceRange(start.Value, end.Value, step.Value, d.Size)
		return tensor.Known(count)
	case step.Value == 1 && start.Value == 0 && (end.Known && end.Value >= far || end.Name != "" && end.Name == d.Name):
		return d
	case step.Value == -1 && start.Value == -1 && end.Known && end.Value <= -far:
		return d
	}
	return tensor.Symbol("")
}

func concat(c *Call) error {
	var out tensor.Dims // of an input of known rank
	for i := range c.In {
		if d := c.Dims(i); d.Ranked() && out == nil {
			out = d.Clone()
		}
	}
	if out == nil {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), len(out))
	if err != nil {
		return err
	}
	lengths := make(tensor.Dims, len(c.In))
	for i := range c.In {
		d := c.Dims(i)
		if !d.Ranked() {
			lengths[i] = tensor.Symbol("")
			continue
		}
		if len(d) != len(out) {
			return fmt.Errorf("input %d has shape %v, another %v; the ranks must be equal", i, d, out)
		}
		lengths[i] = d[axis]
		for k := range out {
			if k == axis {
				continue
			}
			if out[k], err = unified(out[k], d[k]); err != nil {
				return fmt.Errorf("input %d of shape %v does not agree with the others on axis %d: %w", i, d, k, err)
			}
		}
	}
	out[axis] = sumOf(lengths)
	c.Set(0, c.DType(0), out)
	values := []Int{}
	for i := range c.In {
		part, ok := c.elements(i)
		if !ok || len(out) != 1 {
			return nil
		}
		values = append(values, part...)
	}
	c.SetInts(0, values)
	return nil
}

func splitOf(c *Call) error {
	dims, parts := c.Dims(0), len(c.Node.Outputs)
	if !dims.Ranked() {
		for i := range parts {
			c.SetUnranked(i, c.DType(0))
		}
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), len(dims))
	if err != nil {
		return err
	}
	sizes, err := splitSizes(c, dims[axis])
	if err != nil {
		return err
	}
	values, known := c.elements(0)
	at := 0
	for i, n := range sizes {
		out := dims.Clone()
		out[axis] = n
		c.Set(i, c.DType(0), out)
		if known = known && n.IsKnown() && at+n.Size <= len(values); known {
			c.SetInts(i, values[at:at+n.Size])
			at += n.Size
		}
	}
	return nil
}

// splitSizes returns the extents of the parts, as many as the node has outputs.
func splitSizes(c *Call, d tensor.Dim) ([]tensor.Dim, error) {
	parts := len(c.Node.Outputs)
	sizes := make([]tensor.Dim, parts)
	if c.Has(1) {
		values, ok := c.Values(1)
		if !ok {
			return tensor.UnknownDims(parts), nil
		}
		if len(values) != parts {
			return nil, fmt.Errorf("%d parts for %d outputs", len(values), parts)
		}
		sizes, err := extents(values)
		if total := sumOf(sizes); err == nil && total.IsKnown() && d.IsKnown() && total.Size != d.Size {
			return nil, fmt.Errorf("the parts %v add up to %d, the axis has extent %d", sizes, total.Size, d.Size)
		}
		return sizes, err
	}
	if asked := c.Node.Int("num_outputs", int64(parts)); asked != int64(parts) {
		return nil, fmt.Errorf("num_outputs is %d, the node has %d outputs", asked, parts)
	}
	if parts == 1 {
		return []tensor.Dim{d}, nil
	}
	if !d.IsKnown() {
		return tensor.UnknownDims(parts), nil
	}
	each, left := (d.Size+parts-1)/parts, d.Size
	for i := range sizes {
		sizes[i] = tensor.Known(min(each, left))
		left -= sizes[i].Size
	}
	return sizes, nil
}

func pad(c *Call) error {
	dims := c.Dims(0)
	amounts, counted := c.Values(1)
	axes, ok := c.Ints(3)
	if !dims.Ranked() || !counted || c.Has(3) && !ok {
		c.SetType(0, tensor.TensorType(c.DType(0), unknownLike(dims)))
		return nil
	}
	if !c.Has(3) {
		for axis := range dims {
			axes = append(axes, int64(axis))
		}
	}
	chosen, err := allAxes(axes, len(dims))
	if err != nil {
		return err
	}
	if len(amounts) != 2*len(chosen) {
		return fmt.Errorf("%d pads for %d axes; there must be two for each", len(amounts), len(chosen))
	}
	out := dims.Clone()
	for i, axis := range chosen {
		if out[axis], err = paddedDim(dims[axis], amounts[i], amounts[i+len(chosen)]); err != nil {
			return fmt.Errorf("axis %d: %w", axis, err)
		}
	}
	c.Set(0, c.DType(0), out)
	return nil
}

func paddedDim(d tensor.Dim, begin, end Int) (tensor.Dim, error) {
	switch {
	case !begin.Known || !end.Known:
		return tensor.Symbol(""), nil
	case max(begin.Value, end.Value) > math.MaxInt32 || min(begin.Value, end.Value) < math.MinInt32:
		return d, fmt.Errorf("pads %d and %d do not fit 32 bits", begin.Value, end.Value)
	case begin.Value+end.Value == 0:
		return d, nil
	case !d.IsKnown():
		return tensor.Symbol(""), nil
	}
	n := int64(d.Size) + begin.Value + end.Value
	if n < 0 {
		return d, fmt.Errorf("extent %d cannot be padded by %d and %d", d.Size, begin.Value, end.Value)
	}
	return tensor.Known(tensor.Extent(n)), nil
}

func compress(c *Call) error {
	count := tensor.Symbol("")
	if chosen, ok := c.Ints(1); ok {
		n := 0
		for _, v := range chosen {
			n += tensor.Extent(v)
		}
		count = tensor.Known(n)
	}
	if !c.Node.Has("axis") {
		c.Set(0, c.DType(0), tensor.Dims{count})
		return nil
	}
	out := c.Dims(0).Clone()
	if !out.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), len(out))
	if err != nil {
		return err
	}
	out[axis] = count
	c.Set(0, c.DType(0), out)
	return nil
}

func centerCropPad(c *Call) error {
	out := c.Dims(0).Clone()
	request, ok := c.Values(1)
	if !out.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	asked := c.Node.Ints("axes")
	if !c.Node.Has("axes") {
		for axis := range out {
			asked = append(asked, int64(axis))
		}
	}
	axes, err := allAxes(asked, len(out))
	if err != nil {
		return err
	}
	if !ok {
		request = make([]Int, len(axes))
	}
	if len(request) != len(axes) {
		return fmt.Errorf("%d extents for %d axes", len(request), len(axes))
	}
	wanted, err := extents(request)
	if err != nil {
		return err
	}
	for i, axis := range axes {
		out[axis] = wanted[i]
	}
	c.Set(0, c.DType(0), out)
	return nil
}
