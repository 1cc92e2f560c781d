package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
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
	"LpNormalization":           realFormula(lpNormalization),
	"MeanVarianceNormalization": meanVarianceNormalization,
	"LRN":                       localResponseNormalization,
}

// inWide returns an expression in the type in which statistics of input 0 are
// computed: float64 for itself, else float32.
func inWide(b *graph.Builder, n *graph.Node) (expression, error) {
	e, err := typed(b, n, 0)
	if e.dtype != tensor.Float64 {
		e.dtype = tensor.Float32
	}
	return e, err
}

// to brings a value to a type, if it is not of it.
func (e expression) to(d tensor.DType, v *graph.Value) *graph.Value {
	if v.Type.IsTensor() && v.Type.DType == d {
		return v
	}
	return e.as(d, v)
}

// over reduces x along axes, which stay with extent 1.
func (e expression) over(reduce string, x *graph.Value, axes ...int64) *graph.Value {
	return e.do(reduce, x, e.Ints(axes...))
}

// standard returns x less its mean and divided by its deviation along axes, with
// the mean and the inverse of the deviation.
func (e expression) standard(x *graph.Value, epsilon float32, axes ...int64) (y, mean, inverse *graph.Value) {
	mean = e.over("ReduceMean", x, axes...)
	d := e.do("Sub", x, mean)
	variance := e.over("ReduceMean", e.do("Mul", d, d), axes...)
	inverse = e.do("Reciprocal", e.do("Sqrt", e.do("Add", variance, e.num(float64(epsilon)))))
	return e.do("Mul", d, inverse), mean, inverse
}

// tail returns, as a vector of one element, how many elements lie behind each
// step along the axes before start.
func tail(b *graph.Builder, x *graph.Value, start int64) *graph.Value {
	return b.Op("ReduceProd", []*graph.Value{b.Op("Shape", []*graph.Value{x}, graph.A("start", start))})
}

// batchNormalization views X as (batch, channels, rest); one of rank 1 has a
// single channel.
func batchNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	source := n.Inputs[0]
	shape := join(b, extents(b, source, 0, 1), b.Ints(1, 1))
	if rank > 1 {
		shape = join(b, extents(b, source, 0, 2), tail(b, source, 2))
	}
	x := e.to(e.dtype, reshape(b, source, shape))
	columns := make([]*graph.Value, 5)
	for i := 1; i < 5; i++ {
		columns[i] = e.do("Unsqueeze", e.to(e.dtype, n.Inputs[i]), b.Ints(1))
	}
	mean, variance := columns[3], columns[4]
	var running []*graph.Value
	if n.Bool("training_mode", false) {
		momentum := float64(n.Float("momentum", 0.9))
		batchMean := e.over("ReduceMean", x, 0, 2)
		d := e.do("Sub", x, batchMean)
		batchVariance := e.over("ReduceMean", e.do("Mul", d, d), 0, 2)
		for i, now := range []*graph.Value{batchMean, batchVariance} {
			kept := e.do("Mul", columns[3+i], e.num(momentum))
			mixed := e.do("Add", kept, e.do("Mul", now, e.num(1-momentum)))
			running = append(running, e.to(n.Inputs[3].Type.DType, e.do("Reshape", mixed, b.Ints(-1))))
		}
		mean, variance = batchMean, batchVariance
	}
	deviation := e.do("Sqrt", e.do("Add", variance, e.num(float64(n.Float("epsilon", 1e-5)))))
	y := e.do("Div", e.do("Sub", x, mean), deviation)
	y = e.do("Add", e.do("Mul", y, columns[1]), columns[2])
	y = reshape(b, e.to(source.Type.DType, y), b.Op("Shape", n.Inputs[:1]))
	return append([]*graph.Value{y}, running...), nil
}

func instanceNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	return grouped(e, n, extents(b, n.Inputs[0], 1, 2)), nil
}

func groupNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	if e.dtype, err = stashType(n); err != nil {
		return nil, err
	}
	return grouped(e, n, b.Ints(n.Int("num_groups", 1))), nil
}

// stashType returns the type that statistics are computed in.
func stashType(n *graph.Node) (tensor.DType, error) {
	d := n.DType("stash_type", tensor.Float32)
	if !d.IsFloat() {
		return d, fmt.Errorf("attribute stash_type is %d, which is no floating-point type", d)
	}
	return d, nil
}

// grouped standardizes X (N, C, …) in groups of channels, whose number is a
// vector of one element, and then scales and shifts each channel.
func grouped(e expression, n *graph.Node, groups *graph.Value) []*graph.Value {
	source := n.Inputs[0]
	inGroups := join(e.Builder, extents(e.Builder, source, 0, 1), groups, e.do("Div", tail(e.Builder, source, 1), groups))
	x := reshape(e.Builder, e.to(e.dtype, source), inGroups)
	y, _, _ := e.standard(x, n.Float("epsilon", 1e-5), 2)
	y = reshape(e.Builder, y, join(e.Builder, extents(e.Builder, source, 0, 2), tail(e.Builder, source, 2)))
	for i, op := range []string{"Mul", "Add"} {
		y = e.do(op, y, e.do("Unsqueeze", e.to(e.dtype, n.Inputs[1+i]), e.Ints(1)))
	}
	return []*graph.Value{reshape(e.Builder, e.to(source.Type.DType, y), e.do("Shape", source))}
}

// trailingAxes returns the axes from attribute axis to the last, as negative
// numbers where the rank is not known.
func trailingAxes(n *graph.Node) ([]int64, error) {
	const most = 64 // axes that are counted from the back of an unknown rank
	first, end := n.Int("axis", -1), int64(0)
	rank, err := rankOf(n, 0)
	switch {
	case err == nil:
		axis, err := tensor.Axis(first, rank)
		if err != nil {
			return nil, err
		}
		first, end = int64(axis), int64(rank)
	case first >= 0 || first < -most:
		return nil, err
	}
	var axes []int64
	for axis := first; axis < end; axis++ {
		axes = append(axes, axis)
	}
	return axes, nil
}

// stashed returns an expression in the type of attribute stash_type, input 0 in
// it, and the axes to normalize.
func stashed(b *graph.Builder, n *graph.Node) (e expression, x *graph.Value, axes []int64, err error) {
	if e, err = typed(b, n, 0); err != nil {
		return e, nil, nil, err
	}
	if axes, err = trailingAxes(n); err != nil {
		return e, nil, nil, err
	}
	if e.dtype, err = stashType(n); err != nil {
		return e, nil, nil, err
	}
	return e, e.to(e.dtype, n.Inputs[0]), axes, nil
}

func layerNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, x, axes, err := stashed(b, n)
	if err != nil {
		return nil, err
	}
	y, mean, inverse := e.standard(x, n.Float("epsilon", 1e-5), axes...)
	y = e.do("Mul", e.to(n.Inputs[0].Type.DType, y), n.Inputs[1])
	if bias := n.Input(2); bias != nil {
		y = e.do("Add", y, bias)
	}
	return []*graph.Value{y, mean, inverse}, nil
}

func rmsNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, x, axes, err := stashed(b, n)
	if err != nil {
		return nil, err
	}
	squares := e.over("ReduceMean", e.do("Mul", x, x), axes...)
	root := e.do("Sqrt", e.do("Add", squares, e.num(float64(n.Float("epsilon", 1e-5)))))
	scale := n.Inputs[1]
	y := e.to(scale.Type.DType, e.do("Div", x, root))
	return []*graph.Value{e.do("Mul", y, scale)}, nil
}

// lpNormalization divides by 1 where the norm is 0.
func lpNormalization(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	reduce := "ReduceL2"
	if n.Int("p", 2) == 1 {
		reduce = "ReduceL1"
	}
	norm := e.over(reduce, in[0], n.Int("axis", -1))
	return e.do("Div", in[0], e.do("Where", e.do("Equal", norm, e.num(0)), e.num(1), norm))
}

func meanVarianceNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	axes := n.Ints("axes")
	if axes == nil {
		axes = []int64{0, 2, 3}
	}
	x := e.to(e.dtype, n.Inputs[0])
	d := e.do("Sub", x, e.over("ReduceMean", x, axes...))
	deviation := e.do("Sqrt", e.over("ReduceMean", e.do("Mul", d, d), axes...))
	y := e.do("Div", d, e.do("Add", deviation, e.num(1e-9)))
	return []*graph.Value{e.to(n.Inputs[0].Type.DType, y)}, nil
}

// localResponseNormalization averages the squares of neighbouring channels by an
// average pool over the channels as a spatial axis.
func localResponseNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	size := n.Int("size", 0)
	if size < 1 {
		return nil, fmt.Errorf("attribute size is %d; at least one channel must be summed over", size)
	}
	source := n.Inputs[0]
	x := e.to(e.dtype, source)
	planes := join(b, extents(b, source, 0, 1), b.Ints(1), extents(b, source, 1, 2), tail(b, source, 2))
	mean := b.Op("AveragePool", []*graph.Value{reshape(b, e.do("Mul", x, x), planes)},
		graph.A("kernel_shape", []int64{size, 1}), graph.A("pads", []int64{(size - 1) / 2, 0, size / 2, 0}),
		graph.A("count_include_pad", int64(1)))
	mean = reshape(b, mean, b.Op("Shape", n.Inputs[:1]))
	base := e.do("Add", e.do("Mul", mean, e.num(float64(n.Float("alpha", 1e-4)))), e.num(float64(n.Float("bias", 1))))
	y := e.do("Div", x, e.do("Pow", base, e.num(float64(n.Float("beta", 0.75)))))
	return []*graph.Value{e.to(source.Type.DType, y)}, nil
}
