package reference

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

// shapeOf gives the extents of axes [start, end), both clamped to the rank
// after counting negative ones from the back.
func shapeOf(c *Call) ([]tensor.Value, error) {
	dims := c.Tensor(0).Shape()
	rank := int64(len(dims))
	clamp := func(axis int64) int64 {
		if axis < 0 {
			axis += rank
		}
		return min(max(axis, 0), rank)
	}
	start, end := clamp(c.Node.Int("start", 0)), clamp(c.Node.Int("end", rank))
	extents := []int64{}
	for axis := start; axis < end; axis++ {
		extents = append(extents, int64(dims[axis]))
	}
	return one(tensor.Of(extents))
}

func size(c *Call) ([]tensor.Value, error) {
	return one(tensor.Scalar(int64(c.Tensor(0).Len())))
}

func identity(c *Call) ([]tensor.Value, error) { return []tensor.Value{c.Inputs[0]}, nil }

func reshape(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	target, err := reshaped(data.Shape(), c.Ints(1), c.Node.Bool("allowzero", false))
	if err != nil {
		return nil, err
	}
	return reshapeAs(data, target)
}

// reshapeAs returns a tensor's elements under another shape.
func reshapeAs(t *tensor.Tensor, target tensor.Shape) ([]tensor.Value, error) {
	out, err := t.Reshape(target)
	if err != nil {
		return nil, err
	}
	return one(out)
}

// reshaped works out the extents that Reshape is asked for: 0 keeps that of the
// input unless allowzero, one -1 takes what the others leave.
func reshaped(from tensor.Shape, request []int64, allowzero bool) (tensor.Shape, error) {
	target := make(tensor.Shape, len(request))
	rest, zero := -1, false
	left, others := from.Clone(), tensor.Shape{} // extents that were not kept
	for i, n := range request {
		switch {
		case n < -1:
			return nil, fmt.Errorf("the shape %v asks for extent %d; the least is -1", request, n)
		case n == -1 && rest >= 0:
			return nil, fmt.Errorf("the shape %v has more than one -1", request)
		case n == -1:
			rest = i
		case n == 0 && !allowzero && i >= len(from):
			return nil, fmt.Errorf("the shape %v keeps axis %d of an input of rank %d", request, i, len(from))
		case n == 0 && !allowzero:
			target[i], left[i] = from[i], 1
		default:
			target[i], zero = tensor.Extent(n), zero || n == 0
			others = append(others, tensor.Extent(n))
		}
	}
	if rest < 0 {
		return target, nil
	}
	if zero {
		return nil, fmt.Errorf("the shape %v has both 0 and -1 while allowzero is set", request)
	}
	divisor, err := others.Elements()
	if err != nil {
		return nil, err
	}
	if left.Size()%divisor != 0 {
		return nil, fmt.Errorf("shape %v does not fill the shape %v: %d elements are no multiple of %d", from, request, left.Size(), divisor)
	}
	target[rest] = left.Size() / divisor
	return target, nil
}

// flatten makes a matrix of the axes before and from an axis, which may equal
// the rank.
func flatten(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	rank := data.Rank()
	axis := c.Node.Int("axis", 1)
	if axis < int64(-rank) || axis > int64(rank) {
		return nil, fmt.Errorf("axis %d is outside [%d, %d] of a tensor of rank %d", axis, -rank, rank, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return reshapeAs(data, tensor.Shape{data.Shape()[:axis].Size(), data.Shape()[axis:].Size()})
}

func squeeze(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	drop := make([]bool, data.Rank())
	if c.Has(1) {
		axes, err := axesIn(c.Ints(1), data.Rank())
		if err != nil {
			return nil, err
		}
		for _, axis := range axes {
			if n := data.Shape()[axis]; n != 1 {
				return nil, fmt.Errorf("axis %d of shape %v has extent %d; only extent 1 can be squeezed", axis, data.Shape(), n)
			}
			drop[axis] = true
		}
	} else {
		for axis, n := range data.Shape() {
			drop[axis] = n == 1
		}
	}
	target := tensor.Shape{}
	for axis, n := range data.Shape() {
		if !drop[axis] {
			target = append(target, n)
		}
	}
	return reshapeAs(data, target)
}

// unsqueeze inserts axes of extent 1; they are counted in the output.
func unsqueeze(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	request := c.Ints(1)
	axes, err := axesIn(request, data.Rank()+len(request))
	if err != nil {
		return nil, err
	}
	target := make(tensor.Shape, data.Rank()+len(axes))
	for _, axis := range axes {
		target[axis] = 1
	}
	rest := data.Shape()
	for axis, n := range target {
		if n == 0 {
			target[axis], rest = rest[0], rest[1:]
		}
	}
	return reshapeAs(data, target)
}

func expand(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	request := make(tensor.Shape, len(c.Ints(1)))
	for i, n := range c.Ints(1) {
		request[i] = tensor.Extent(n)
	}
	if _, err := request.Elements(); err != nil {
		return nil, err
	}
	target, err := broadcastShape(data.Shape(), request)
	if err != nil {
		return nil, err
	}
	if _, err := countOf(target); err != nil {
		return nil, err
	}
	return one(pick(data, target, strided(target, 0, broadcastStrides(data.Shape(), target))))
}

func transpose(c *Call) ([]tensor.Value, error) {
	data := c.Tensor(0)
	perm := make([]int, data.Rank())
	for i := range perm {
		perm[i] = len(perm) - 1 - i
	}
	if c.Node.Has("perm") {
		request := c.Node.Ints("perm")
		if len(request) != data.Rank() {
			return nil, fmt.Errorf("perm %v has %d axes, the tensor has %d", request, len(request), data.Rank())
		}
		var err error
		if perm, err = axesIn(request, data.Rank()); err != nil {
			return nil, fmt.Errorf("perm: %w", err)
		}
	}
	return one(permute(data, perm))
}

// permute returns a tensor whose axis i is axis perm[i] of t.
func permute(t *tensor.Tensor, perm []int) *tensor.Tensor {
	target, steps := make(tensor.Shape, len(perm)), make([]int, len(perm))
	strides := t.Shape().Strides()
	for i, axis := range perm {
		target[i], steps[i] = t.Shape()[axis], strides[axis]
	}
	if len(perm) == 2 && perm[0] == 1 && t.DType() == tensor.Float32 {
		out := tensor.Zeros(tensor.Float32, target)
		turn(tensor.Slice[float32](out), tensor.Slice[float32](t), target[1], target[0])
		return out
	}
	return pick(t, target, strided(target, 0, steps))
}

// turn transposes a matrix in squares that stay in a near cache: weights are large.
func turn(dst, src []float32, rows, columns int) {
	const side = 32
	for i0 := 0; i0 < rows; i0 += side {
		for j0 := 0; j0 < columns; j0 += side {
			for j := j0; j < min(j0+side, columns); j++ {
				for i := i0; i < min(i0+side, rows); i++ {
					dst[j*rows+i] = src[i*columns+j]
				}
			}
		}
	}
}

// depthToSpace moves blocks of channels into blocks of pixels:
// [N, C, H, W] -> [N, C/b², H×b, W×b].
func depthToSpace(c *Call) ([]tensor.Value, error) {
	data, b, err := blocks(c)
	if err != nil {
		return nil, err
	}
	s := data.Shape()
	n, channels, h, w := s[0], s[1], s[2], s[3]
	if channels%(b*b) != 0 {
		return nil, fmt.Errorf("%d channels are no multiple of blocksize² = %d", channels, b*b)
	}
	depth := channels / (b * b)
	split, perm := tensor.Shape{n, b, b, depth, h, w}, []int{0, 3, 4, 1, 5, 2}
	switch mode := c.Node.Text("mode", "DCR"); mode {
	case "DCR":
	case "CRD":
		split, perm = tensor.Shape{n, depth, b, b, h, w}, []int{0, 1, 4, 2, 5, 3}
	default:
		return nil, fmt.Errorf("mode %q is neither DCR nor CRD", mode)
	}
	apart, err := data.Reshape(split)
	if err != nil {
		return nil, err
	}
	return reshapeAs(permute(apart, perm), tensor.Shape{n, depth, h * b, w * b})
}

// spaceToDepth moves blocks of pixels into blocks of channels:
// [N, C, H, W] -> [N, C×b², H/b, W/b].
func spaceToDepth(c *Call) ([]tensor.Value, error) {
	data, b, err := blocks(c)
	if err != nil {
		return nil, err
	}
	s := data.Shape()
	n, channels, h, w := s[0], s[1], s[2], s[3]
	if h%b != 0 || w%b != 0 {
		return nil, fmt.Errorf("extents %d and %d are no multiples of blocksize %d", h, w, b)
	}
	apart, err := data.Reshape(tensor.Shape{n, channels, h / b, b, w / b, b})
	if err != nil {
		return nil, err
	}
	return reshapeAs(permute(apart, []int{0, 3, 5, 1, 2, 4}), tensor.Shape{n, channels * b * b, h / b, w / b})
}

// blocks returns the input of rank 4 and the block size of DepthToSpace and
// SpaceToDepth.
func blocks(c *Call) (*tensor.Tensor, int, error) {
	const largest = 1 << 20 // whose square still fits an int
	data, b := c.Tensor(0), c.Node.Int("blocksize", 0)
	if data.Rank() != 4 {
		return nil, 0, fmt.Errorf("the input has shape %v; it takes rank 4: [N, C, H, W]", data.Shape())
	}
	if b < 1 || b > largest {
		return nil, 0, fmt.Errorf("blocksize %d is outside [1, %d]", b, largest)
	}
	return data, int(b), nil
}

func tile(c *Call) ([]tensor.Value, error) {
	data, repeats := c.Tensor(0), c.Ints(1)
	if len(repeats) != data.Rank() {
		return nil, fmt.Errorf("%d repeats %v for a tensor of rank %d", len(repeats), repeats, data.Rank())
	}
	from := data.Shape()
	// Each axis of the input becomes two, [repeat, extent], the first of stride 0.
	paired, steps := make(tensor.Shape, 0, 2*len(from)), make([]int, 0, 2*len(from))
	strides := from.Strides()
	for axis, n := range from {
		paired = append(paired, tensor.Extent(repeats[axis]), n)
		steps = append(steps, 0, strides[axis])
	}
	if _, err := countOf(paired); err != nil {
		return nil, fmt.Errorf("repeats %v of shape %v: %w", repeats, from, err)
	}
	target := make(tensor.Shape, len(from))
	for axis, n := range from {
		target[axis] = int(repeats[axis]) * n
	}
	return one(pick(data, target, strided(paired, 0, steps)))
}
