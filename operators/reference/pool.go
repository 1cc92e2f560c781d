package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// pool holds MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool,
// GlobalLpPool, MaxUnpool.
var pool = family{
	"MaxPool":           maxPool,
	"AveragePool":       averagePool,
	"LpPool":            lpPool,
	"GlobalMaxPool":     globalPool(maximum),
	"GlobalAveragePool": globalPool(average),
	"GlobalLpPool":      globalLpPool,
	"MaxUnpool":         maxUnpool,

	// Before version 2 the order of the norm was a real number.
	"midplane.legacy.LpPool":       lpPool,
	"midplane.legacy.GlobalLpPool": globalLpPool,
}

// maximum returns the largest element, NaN if there is one, -Inf if there is no
// element.
func maximum(v []float64) float64 {
	largest := math.Inf(-1)
	for _, e := range v {
		if e > largest || math.IsNaN(e) {
			largest = e
		}
		if math.IsNaN(e) {
			break
		}
	}
	return largest
}

func average(v []float64) float64 { return sum(v) / float64(len(v)) }

func sum(v []float64) float64 {
	total := 0.0
	for _, e := range v {
		total += e
	}
	return total
}

// lpNorm returns the norm (Σ |e|^p)^(1/p) of the node's attribute p, an integer
// or, in the legacy operators, a real number.
func lpNorm(c *Call) (func([]float64) float64, error) {
	p := float64(c.Node.Int("p", 2))
	if r, ok := graph.Attr[float32](c.Node, "p"); ok {
		p = float64(r)
	}
	if !(p > 0) {
		return nil, fmt.Errorf("attribute p is %g; the order of a norm is positive", p)
	}
	return func(v []float64) float64 {
		total := 0.0
		for _, e := range v {
			total += math.Pow(math.Abs(e), p)
		}
		return math.Pow(total, 1/p)
	}, nil
}

func globalLpPool(c *Call) ([]tensor.Value, error) {
	norm, err := lpNorm(c)
	if err != nil {
		return nil, err
	}
	return globalPool(norm)(c)
}

// globalPool reduces the elements of each channel to one.
func globalPool(reduce func([]float64) float64) Func {
	return func(c *Call) ([]tensor.Value, error) {
		x := c.Tensor(0)
		batch, channels, spatial, err := split(x.Shape(), 0)
		if err != nil {
			return nil, err
		}
		shape := tensor.Shape{batch, channels}
		for range spatial {
			shape = append(shape, 1)
		}
		v, plane := x.Float64s(), spatial.Size()
		y := make([]float64, batch*channels)
		for i := range y {
			y[i] = reduce(v[i*plane:][:plane])
		}
		return one(tensor.FromFloat64s(x.DType(), shape, y))
	}
}

func poolKernel(c *Call, rank int) ([]int, error) {
	if !c.Node.Has("kernel_shape") {
		return nil, fmt.Errorf("attribute kernel_shape is missing")
	}
	return spatialInts(c.Node, "kernel_shape", rank, 1, 1)
}

// poolWindows returns the windows of a pool and the shape of its output.
func poolWindows(c *Call) (windows, tensor.Shape, error) {
	x := c.Tensor(0).Shape()
	batch, channels, spatial, err := split(x, 1)
	if err != nil {
		return nil, nil, err
	}
	kernel, err := poolKernel(c, len(spatial))
	if err != nil {
		return nil, nil, err
	}
	ws, err := windowsOf(c.Node, spatial, kernel)
	if err != nil {
		return nil, nil, err
	}
	shape := append(tensor.Shape{batch, channels}, ws.out()...)
	_, err = countOf(shape)
	return ws, shape, err
}

// slideOver calls visit for every window of every channel: where its output lies,
// its elements, which of the channel's elements they are, and its index. The
// slices are reused between calls.
func (ws windows) slideOver(c *Call, x []float64, planes int, visit func(output int, v []float64, taps []tap, at []int)) {
	plane, outPlane := ws.in().Size(), ws.out().Size()
	var taps []tap
	var v []float64
	position := 0
	walk(ws.out(), func(at []int) {
		taps = ws.taps(at, taps)
		for i := range planes {
			c.checkpoint()
			v = v[:0]
			for _, t := range taps {
				v = append(v, x[i*plane+t.input])
			}
			visit(i*outPlane+position, v, taps, at)
		}
		position++
	})
}

// maxPool gives the lowest value of the type, and index -1, where a window lies
// wholly in the padding.
func maxPool(c *Call) ([]tensor.Value, error) {
	ws, shape, err := poolWindows(c)
	if err != nil {
		return nil, err
	}
	x := c.Tensor(0)
	in, plane, outPlane := ws.in(), ws.in().Size(), ws.out().Size()
	columnMajor := c.Node.Int("storage_order", 0) != 0
	y := make([]float64, shape.Size())
	indices := make([]int64, len(y))
	ws.slideOver(c, x.Float64s(), shape[0]*shape[1], func(output int, v []float64, taps []tap, _ []int) {
		if len(v) == 0 {
			y[output], indices[output] = lowest(x.DType()), -1
			return
		}
		best := 0
		for k, e := range v {
			if e > v[best] || math.IsNaN(e) && !math.IsNaN(v[best]) {
				best = k
			}
		}
		at := taps[best].input
		if columnMajor {
			at = transposeIndex(at, in)
		}
		y[output], indices[output] = v[best], int64(output/outPlane*plane+at)
	})
	return []tensor.Value{tensor.FromFloat64s(x.DType(), shape, y), tensor.FromInt64s(tensor.Int64, shape, indices)}, nil
}

// lowest returns the smallest value of a type that pools.
func lowest(d tensor.DType) float64 {
	switch d {
	case tensor.Uint8:
		return 0
	case tensor.Int8:
		return math.MinInt8
	}
	return math.Inf(-1)
}

// transposeIndex turns a row-major index into a column-major one.
func transposeIndex(i int, s tensor.Shape) int {
	out := 0
	step := s.Size()
	for axis := len(s) - 1; axis >= 0; axis-- {
		step /= s[axis]
		out += i % s[axis] * step
		i /= s[axis]
	}
	return out
}

// averagePool gives 0 where it would average no element at all.
func averagePool(c *Call) ([]tensor.Value, error) {
	ws, shape, err := poolWindows(c)
	if err != nil {
		return nil, err
	}
	x := c.Tensor(0)
	includePad := c.Node.Bool("count_include_pad", false)
	y := make([]float64, shape.Size())
	ws.slideOver(c, x.Float64s(), shape[0]*shape[1], func(output int, v []float64, _ []tap, at []int) {
		count := float64(len(v))
		if includePad {
			count = 1
			for axis, w := range ws {
				count *= float64(w.padded(at[axis]))
			}
		}
		if count > 0 {
			y[output] = sum(v) / count
		}
	})
	return one(tensor.FromFloat64s(x.DType(), shape, y))
}

func lpPool(c *Call) ([]tensor.Value, error) {
	ws, shape, err := poolWindows(c)
	if err != nil {
		return nil, err
	}
	norm, err := lpNorm(c)
	if err != nil {
		return nil, err
	}
	x := c.Tensor(0)
	y := make([]float64, shape.Size())
	ws.slideOver(c, x.Float64s(), shape[0]*shape[1], func(output int, v []float64, _ []tap, _ []int) {
		y[output] = norm(v)
	})
	return one(tensor.FromFloat64s(x.DType(), shape, y))
}

// maxUnpool puts every element where the pool found it: its index counts through
// a tensor of the shape that the pool's input has by the attributes. An
// output_shape beyond that shape adds zeros behind each axis.
func maxUnpool(c *Call) ([]tensor.Value, error) {
	x, indices := c.Tensor(0), c.Ints(1)
	pooled, err := unpooledShape(c, x.Shape())
	if err != nil {
		return nil, err
	}
	if !c.Tensor(1).Shape().Equal(x.Shape()) {
		return nil, fmt.Errorf("indices have the shape %v, the input %v; they must be equal", c.Tensor(1).Shape(), x.Shape())
	}
	shape := pooled
	if c.Has(2) {
		shape = nil
		for _, n := range c.Ints(2) {
			shape = append(shape, tensor.Extent(n))
		}
	}
	if len(shape) != x.Rank() {
		return nil, fmt.Errorf("output_shape %v has %d elements, the input has rank %d", shape, len(shape), x.Rank())
	}
	size, err := countOf(shape)
	if err != nil {
		return nil, err
	}
	y := make([]float64, size)
	strides := shape.Strides()
	for i, v := range x.Float64s() {
		rest, to := indices[i], 0
		if rest < 0 || rest >= int64(pooled.Size()) {
			return nil, fmt.Errorf("index %d is outside [0, %d), the elements of an unpooled tensor of shape %v", rest, pooled.Size(), pooled)
		}
		for axis := len(pooled) - 1; axis >= 0; axis-- {
			at := int(rest % int64(pooled[axis]))
			rest /= int64(pooled[axis])
			if at >= shape[axis] {
				return nil, fmt.Errorf("index %d lies at %d of axis %d, outside output_shape %v", indices[i], at, axis, shape)
			}
			to += at * strides[axis]
		}
		y[to] = v
	}
	return one(tensor.FromFloat64s(x.DType(), shape, y))
}

// unpooledShape returns the shape that a pool with the node's attributes would
// have to be given for an output of shape x, the smallest one of several.
func unpooledShape(c *Call, x tensor.Shape) (tensor.Shape, error) {
	_, _, spatial, err := split(x, 1)
	if err != nil {
		return nil, err
	}
	kernel, err := poolKernel(c, len(spatial))
	if err != nil {
		return nil, err
	}
	ws, err := framesOf(c.Node, len(spatial), kernel)
	if err != nil {
		return nil, err
	}
	shape := x[:2].Clone()
	for i, n := range spatial {
		shape = append(shape, (n-1)*ws[i].stride+ws[i].kernel-ws[i].before-ws[i].after)
	}
	_, err = shape.Elements()
	return shape, err
}
