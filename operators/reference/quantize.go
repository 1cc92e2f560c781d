package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// quantize holds QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
var quantize = family{
	"QuantizeLinear":        quantizeLinear,
	"DequantizeLinear":      dequantizeLinear,
	"DynamicQuantizeLinear": dynamicQuantizeLinear,
}

// quantizeLinear divides in the precision of the scale (of x, where the scale is
// a power of two or an integer), or in the one that attribute precision names.
func quantizeLinear(c *Call) ([]tensor.Value, error) {
	x, scale, zero := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	d := c.Node.DType("output_dtype", tensor.Undefined)
	switch {
	case zero != nil && d != tensor.Undefined && d != zero.DType():
		return nil, fmt.Errorf("attribute output_dtype is %v, but y_zero_point has the type %v", d, zero.DType())
	case zero != nil:
		d = zero.DType()
	case d == tensor.Undefined:
		d = tensor.Uint8
	}
	if !d.IsInteger() && (!d.IsFloat() || d.Bits() > 8) {
		return nil, fmt.Errorf("attribute output_dtype is %v, which is no type of quantized numbers", d)
	}
	precision := c.Node.DType("precision", tensor.Undefined)
	if precision == tensor.Undefined {
		precision = scale.DType()
		if precision == tensor.Float8E8M0 || precision == tensor.Int32 {
			precision = x.DType()
		}
	}
	at, err := granularityOf(c, x.Shape(), scale, zero)
	if err != nil {
		return nil, err
	}
	steps := scale.Float64s()
	quotients := make([]float64, x.Len())
	for i, v := range x.Float64s() {
		quotients[i] = v / steps[at.index(i)]
	}
	if precision.IsFloat() {
		quotients = tensor.FromFloat64s(precision, x.Shape(), quotients).Float64s()
	}
	if zero == nil {
		return one(quantized(d, x.Shape(), quotients, func(int) float64 { return 0 }, c.Node.Bool("saturate", true)))
	}
	zeros := zero.Float64s()
	return one(quantized(d, x.Shape(), quotients, func(i int) float64 { return zeros[at.index(i)] }, c.Node.Bool("saturate", true)))
}

// quantized makes a tensor of a quantized type of multiples of its step, to
// which a zero point is added: integers are rounded to nearest, ties to even,
// before that, and clamped after it.
func quantized(d tensor.DType, shape tensor.Shape, multiples []float64, zero func(i int) float64, saturate bool) *tensor.Tensor {
	out := make([]float64, len(multiples))
	if d.IsInteger() {
		for i, v := range multiples {
			out[i] = math.RoundToEven(v) + zero(i)
		}
		return saturated(d, shape, out)
	}
	for i, v := range multiples {
		out[i] = tensor.DecodeFloat(d, tensor.EncodeFloat(d, v+zero(i), saturate))
	}
	return tensor.FromFloat64s(d, shape, out)
}

// granularity says which scale belongs to which element: per tensor, per element
// of an axis, or per block along an axis.
type granularity struct {
	perTensor, perAxis bool
	n, inner           int // extent of the axis, and elements behind one step along it
	block              int // elements of a block
}

// index returns the index of the scale of element i.
func (g granularity) index(i int) int {
	if g.perTensor {
		return 0
	}
	along := i / g.inner % g.n
	if g.perAxis {
		return along
	}
	blocks := (g.n + g.block - 1) / g.block
	return (i/(g.n*g.inner)*blocks+along/g.block)*g.inner + i%g.inner
}

// granularityOf reads attributes axis and block_size for a scale and an optional
// zero point of the same shape.
func granularityOf(c *Call, x tensor.Shape, scale, zero *tensor.Tensor) (granularity, error) {
	s, single := scale.Shape(), scale.Len() == 1 && scale.Rank() < 2
	if zero != nil && !zero.Shape().Equal(s) && !(single && zero.Len() == 1) {
		return granularity{}, fmt.Errorf("the scale has the shape %v, the zero point %v; they must be equal", s, zero.Shape())
	}
	blockSize := c.Node.Int("block_size", 0)
	if blockSize < 0 || blockSize > maxSpatial {
		return granularity{}, fmt.Errorf("attribute block_size is %d, which is outside [0, %d]", blockSize, maxSpatial)
	}
	if blockSize == 0 && single {
		return granularity{perTensor: true}, nil
	}
	wanted := c.Node.Int("axis", 1)
	if len(x) == 1 {
		wanted = 0 // there is no other
	}
	axis, err := tensor.Axis(wanted, len(x))
	if err != nil {
		return granularity{}, err
	}
	_, n, inner := around(x, axis)
	g := granularity{perAxis: blockSize == 0, n: n, inner: inner, block: int(blockSize)}
	want := tensor.Shape{n}
	if !g.perAxis {
		want = x.Clone()
		want[axis] = (n + g.block - 1) / g.block
	}
	if !s.Equal(want) {
		return granularity{}, fmt.Errorf("the scale has the shape %v; for an input %v, axis %d and block size %d it must be %v", s, x, axis, blockSize, want)
	}
	return g, nil
}

func dequantizeLinear(c *Call) ([]tensor.Value, error) {
	x, scale, zero := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	d := c.Node.DType("output_dtype", tensor.Undefined)
	if d == tensor.Undefined {
		d = scale.DType()
	}
	if !d.IsFloat() || d.Bits() < 16 {
		return nil, fmt.Errorf("the output type %v is not float32, float16 or bfloat16; attribute output_dtype chooses one", d)
	}
	at, err := granularityOf(c, x.Shape(), scale, zero)
	if err != nil {
		return nil, err
	}
	y, steps := x.Float64s(), scale.Float64s()
	zeros := make([]float64, len(steps))
	if zero != nil {
		zeros = zero.Float64s()
	}
	for i, v := range y {
		k := at.index(i)
		y[i] = (v - zeros[k]) * steps[k]
	}
	return one(tensor.FromFloat64s(d, x.Shape(), y))
}

// dynamicQuantizeLinear computes in float32, as the operator's definition says.
func dynamicQuantizeLinear(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	v := tensor.Slice[float32](x)
	var least, most float32
	for _, e := range v {
		least, most = min(least, e), max(most, e)
	}
	scale := (most - least) / 255
	zero := saturated(tensor.Uint8, tensor.Shape{}, []float64{float64(-least / scale)})
	multiples := mapped(v, func(e float32) float64 { return float64(e / scale) })
	at := zero.Float64s()[0]
	y := quantized(tensor.Uint8, x.Shape(), multiples, func(int) float64 { return at }, true)
	return []tensor.Value{y, tensor.Scalar(scale), zero}, nil
}
