package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// outside maps an index outside [0, n) of an axis of extent n to the index
// inside whose element stands there, or to none for the constant.
type outside func(i, n int) int

// padModes are the ways to fill what lies around a tensor, by name.
var padModes = map[string]outside{
	"constant": func(i, n int) int { return none },
	"edge":     func(i, n int) int { return min(max(i, 0), n-1) },
	"wrap":     func(i, n int) int { return modulo(i, n) },
	"reflect": func(i, n int) int {
		if n == 1 {
			return 0
		}
		period := 2 * (n - 1)
		i = modulo(i, period)
		return min(i, period-i)
	},
}

// modulo returns i mod n in [0, n).
func modulo(i, n int) int { return (i%n + n) % n }

func pad(c *Call) ([]tensor.Value, error) {
	data, amounts := c.Tensor(0), c.Ints(1)
	axes, err := axesIn(c.Ints(3), data.Rank())
	if err != nil {
		return nil, err
	}
	if len(amounts) != 2*len(axes) {
		return nil, fmt.Errorf("%d pads for %d axes; there must be two for each", len(amounts), len(axes))
	}
	mode := c.Node.Text("mode", "constant")
	fill, ok := padModes[mode]
	if !ok {
		return nil, fmt.Errorf("mode %q is none of constant, edge, reflect, wrap", mode)
	}
	constant := c.Tensor(2)
	switch {
	case constant == nil:
	case constant.Len() != 1:
		return nil, fmt.Errorf("the constant value has %d elements; it takes one", constant.Len())
	case constant.DType() != data.DType():
		return nil, fmt.Errorf("the constant value is %v, the data %v; the types must be equal", constant.DType(), data.DType())
	}
	before := make([]int, data.Rank())
	target := data.Shape().Clone()
	for i, axis := range axes {
		begin, end, n := amounts[i], amounts[i+len(axes)], int64(target[axis])
		if max(begin, end) > math.MaxInt32 || min(begin, end) < math.MinInt32 || begin+end+n < 0 {
			return nil, fmt.Errorf("axis %d of extent %d cannot be padded by %d and %d", axis, n, begin, end)
		}
		if n == 0 && mode != "constant" && max(begin, end) > 0 {
			return nil, fmt.Errorf("mode %q has nothing to repeat along axis %d of extent 0", mode, axis)
		}
		before[axis] = int(begin)
		target[axis] = tensor.Extent(begin + end + n)
	}
	out, err := padded(data, target, before, fill, constant)
	if err != nil {
		return nil, err
	}
	return one(out)
}

// padded returns a tensor of shape target in which element at-before of t stands
// at every index at; what lies outside t is filled. A nil constant is zero.
func padded(t *tensor.Tensor, target tensor.Shape, before []int, fill outside, constant *tensor.Tensor) (*tensor.Tensor, error) {
	if _, err := countOf(target); err != nil {
		return nil, err
	}
	out, err := tensor.New(t.DType(), target)
	if err != nil {
		return nil, err
	}
	moveOwn, moveConstant := mover(out, t), func(i, k int) {}
	if constant != nil {
		moveConstant = mover(out, constant)
	}
	strides := t.Shape().Strides()
	i := 0
	walk(target, func(at []int) {
		k := 0
		for axis, n := range t.Shape() {
			from := at[axis] - before[axis]
			if from < 0 || from >= n {
				if from = fill(from, n); from == none {
					moveConstant(i, 0)
					i++
					return
				}
			}
			k += from * strides[axis]
		}
		moveOwn(i, k)
		i++
	})
	return out, nil
}
