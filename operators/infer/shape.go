package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// shape holds Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Expand,
// Identity, Transpose, DepthToSpace, SpaceToDepth, Tile.
var shape = family{
	"Shape":        shapeOf,
	"Size":         size,
	"Reshape":      reshape,
	"Flatten":      flatten,
	"Squeeze":      squeeze,
	"Unsqueeze":    unsqueeze,
	"Expand":       expand,
	"Identity":     identity,
	"Transpose":    transpose,
	"DepthToSpace": depthToSpace,
	"SpaceToDepth": spaceToDepth,
	"Tile":         tile,
}

func identity(c *Call) error {
	c.Out[0] = c.Fact(0)
	return nil
}

func shapeOf(c *Call) error {
	dims := c.Dims(0)
	if !dims.Ranked() {
		c.SetRank(0, tensor.Int64, 1)
		return nil
	}
	rank := int64(len(dims))
	clamp := func(axis int64) int64 {
		if axis < 0 {
			axis += rank
		}
		return min(max(axis, 0), rank)
	}
	start, end := clamp(c.Node.Int("start", 0)), clamp(c.Node.Int("end", rank))
	values := []Int{}
	for axis := start; axis < end; axis++ {
		values = append(values, IntOf(dims[axis]))
	}
	c.Set(0, tensor.Int64, tensor.Dims{tensor.Known(len(values))})
	c.SetInts(0, values)
	return nil
}

func size(c *Call) error {
	c.Set(0, tensor.Int64, nil)
	c.SetInts(0, []Int{IntOf(productOf(c.Dims(0)))})
	return nil
}

func reshape(c *Call) error {
	request, ok := c.Values(1)
	if !ok {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	dims, err := reshaped(c.Dims(0), request, c.Node.Bool("allowzero", false))
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), dims)
	c.keepInts()
	return nil
}

// reshaped works out the extents that Reshape is asked for: 0 keeps that of the
// input unless allowzero; -1, or the one extent of which nothing is known, is
// what the others leave.
func reshaped(from tensor.Dims, request []Int, allowzero bool) (tensor.Dims, error) {
	out := make(tensor.Dims, len(request))
	left, others := from.Clone(), tensor.Dims{} // extents that were not kept
	open, inferred := []int{}, 0
	for i, n := range request {
		switch {
		case n.Known && n.Value < -1:
			return nil, fmt.Errorf("the shape asks for extent %d on axis %d; the least is -1", n.Value, i)
		case n.Known && n.Value == 0 && !allowzero:
			if from.Ranked() && i >= len(from) {
				return nil, fmt.Errorf("the shape keeps axis %d of an input of rank %d", i, len(from))
			}
			out[i] = tensor.Symbol("")
			if from.Ranked() {
				out[i], left[i] = from[i], tensor.Known(1)
			}
			continue
		case n.Known && n.Value == -1:
			inferred++
			open = append(open, i)
		case !n.Known && n.Name == "":
			open = append(open, i)
		default:
			others = append(others, n.Dim())
		}
		out[i] = n.Dim()
	}
	if inferred > 1 {
		return nil, fmt.Errorf("the shape has more than one -1")
	}
	if !from.Ranked() {
		return out, nil
	}
	if len(open) == 1 {
		rest, err := quotient(left, others)
		if err != nil {
			return nil, fmt.Errorf("shape %v does not fill the shape %v: %w", from, out, err)
		}
		out[open[0]] = rest
	}
	if a, b := productOf(from), productOf(out); allKnown(from) && allKnown(out) && !a.Same(b) {
		return nil, fmt.Errorf("%d elements of shape %v do not fill the shape %v of %d", a.Size, from, out, b.Size)
	}
	return out, nil
}

func flatten(c *Call) error {
	dims := c.Dims(0)
	if !dims.Ranked() {
		c.SetRank(0, c.DType(0), 2)
		return nil
	}
	rank := len(dims)
	axis := c.Node.Int("axis", 1)
	if axis < int64(-rank) || axis > int64(rank) {
		return fmt.Errorf("axis %d is outside [%d, %d] of a tensor of rank %d", axis, -rank, rank, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	c.Set(0, c.DType(0), tensor.Dims{productOf(dims[:axis]), productOf(dims[axis:])})
	return nil
}

func squeeze(c *Call) error {
	dims := c.Dims(0)
	axes, known := c.Ints(1)
	switch {
	case !dims.Ranked(), !c.Has(1) && !allKnown(dims):
		c.SetUnranked(0, c.DType(0))
		return nil
	case c.Has(1) && !known:
		if values, ok := c.Values(1); ok && len(values) <= len(dims) {
			c.SetRank(0, c.DType(0), len(dims)-len(values))
		} else {
			c.SetUnranked(0, c.DType(0))
		}
		return nil
	}
	drop := make([]bool, len(dims))
	for axis, d := range dims {
		drop[axis] = !c.Has(1) && d.Size == 1
	}
	chosen, err := allAxes(axes, len(dims))
	if err != nil {
		return err
	}
	for _, axis := range chosen {
		if d := dims[axis]; d.IsKnown() && d.Size != 1 {
			return fmt.Errorf("axis %d of shape %v has extent %d; only extent 1 can be squeezed", axis, dims, d.Size)
		}
		drop[axis] = true
	}
	left := tensor.Dims{}
	for axis, d := range dims {
		if !drop[axis] {
			left = append(left, d)
		}
	}
	c.Set(0, c.DType(0), left)
	c.keepInts()
	return nil
}

func allKnown(dims tensor.Dims) bool {
	_, ok := dims.Shape()
	return ok
}

func unsqueeze(c *Call) error {
	dims := c.Dims(0)
	values, counted := c.Values(1)
	if !dims.Ranked() || !counted {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	rank := len(dims) + len(values)
	request, known := c.Ints(1)
	if !known {
		c.SetRank(0, c.DType(0), rank)
		return nil
	}
	axes, err := allAxes(request, rank)
	if err != nil {
		return err
	}
	out, inserted := make(tensor.Dims, rank), make([]bool, rank)
	for _, axis := range axes {
		out[axis], inserted[axis] = tensor.Known(1), true
	}
	for axis := range out {
		if !inserted[axis] {
			out[axis], dims = dims[0], dims[1:]
		}
	}
	c.Set(0, c.DType(0), out)
	c.keepInts()
	return nil
}

func expand(c *Call) error {
	request, ok := c.Values(1)
	if !ok || !c.Dims(0).Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	target, err := extents(request)
	if err != nil {
		return err
	}
	dims, err := Broadcast(c.Dims(0), target)
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), dims)
	if values, ok := c.elements(0); ok && len(dims) == 1 && dims[0].IsKnown() && dims[0].Size <= maxConst {
		if len(values) == 1 {
			values = repeated(values, dims[0].Size)
		}
		c.SetInts(0, values)
	}
	return nil
}

// repeated returns n copies of a list, end to end.
func repeated(values []Int, n int) []Int {
	out := make([]Int, 0, n*len(values))
	for range n {
		out = append(out, values...)
	}
	return out
}

func transpose(c *Call) error {
	dims, perm := c.Dims(0), c.Node.Ints("perm")
	if !dims.Ranked() {
		if c.Node.Has("perm") {
			c.SetRank(0, c.DType(0), len(perm))
		} else {
			c.SetUnranked(0, c.DType(0))
		}
		return nil
	}
	if !c.Node.Has("perm") {
		for axis := len(dims) - 1; axis >= 0; axis-- {
			perm = append(perm, int64(axis))
		}
	}
	if len(perm) != len(dims) {
		return fmt.Errorf("perm %v has %d axes, the tensor has %d", perm, len(perm), len(dims))
	}
	axes, err := allAxes(perm, len(dims))
	if err != nil {
		return fmt.Errorf("perm: %w", err)
	}
	out := make(tensor.Dims, len(dims))
	for i, axis := range axes {
		out[i] = dims[axis]
	}
	c.Set(0, c.DType(0), out)
	c.keepInts()
	return nil
}

// depthToSpace: [N, C, H, W] -> [N, C/b², H×b, W×b].
func depthToSpace(c *Call) error {
	return blocks(c, func(s tensor.Dims, b int) (tensor.Dims, error) {
		depth, err := divided(s[1], b*b)
		return tensor.Dims{s[0], depth, scaled(s[2], b), scaled(s[3], b)}, err
	})
}

// spaceToDepth: [N, C, H, W] -> [N, C×b², H/b, W/b].
func spaceToDepth(c *Call) error {
	return blocks(c, func(s tensor.Dims, b int) (tensor.Dims, error) {
		h, err := divided(s[2], b)
		if err != nil {
			return nil, fmt.Errorf("height: %w", err)
		}
		w, err := divided(s[3], b)
		if err != nil {
			return nil, fmt.Errorf("width: %w", err)
		}
		return tensor.Dims{s[0], scaled(s[1], b*b), h, w}, nil
	})
}

func blocks(c *Call, result func(s tensor.Dims, b int) (tensor.Dims, error)) error {
	const largest = 1 << 20 // whose square still fits an int
	dims, b := c.Dims(0), c.Node.Int("blocksize", 0)
	if b < 1 || b > largest {
		return fmt.Errorf("blocksize %d is outside [1, %d]", b, largest)
	}
	if !dims.Ranked() {
		c.SetRank(0, c.DType(0), 4)
		return nil
	}
	if len(dims) != 4 {
		return fmt.Errorf("the input has shape %v; it takes rank 4: [N, C, H, W]", dims)
	}
	out, err := result(dims, int(b))
	if err != nil {
		return err
	}
	c.Set(0, c.DType(0), out)
	return nil
}

func tile(c *Call) error {
	dims := c.Dims(0)
	repeats, ok := c.Values(1)
	switch {
	case !dims.Ranked() && ok:
		c.SetRank(0, c.DType(0), len(repeats))
		return nil
	case !dims.Ranked() || !ok:
		c.SetType(0, tensor.TensorType(c.DType(0), unknownLike(dims)))
		return nil
	case len(repeats) != len(dims):
		return fmt.Errorf("%d repeats for a tensor of rank %d", len(repeats), len(dims))
	}
	counts, err := extents(repeats)
	if err != nil {
		return fmt.Errorf("repeats: %w", err)
	}
	out := make(tensor.Dims, len(dims))
	for axis, d := range dims {
		out[axis] = productOf(tensor.Dims{d, counts[axis]})
	}
	c.Set(0, c.DType(0), out)
	if values, ok := c.elements(0); ok && len(out) == 1 && out[0].IsKnown() && out[0].Size <= maxConst && len(values) > 0 {
		c.SetInts(0, repeated(values, out[0].Size/len(values)))
	}
	return nil
}
