package cpu

import (
	"context"
	"fmt"
	"slices"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// halves are the operators whose kernels for float32 serve float16 and bfloat16 too:
// operands are widened, which is exact, and results rounded once, to nearest, ties to
// even. Sums are so of float32s. Operators that only move elements have kernels for
// all types.
var halves = []string{
	"MatMul", "Gemm", "Conv", "ConvTranspose", "LSTM", "GRU", "Attention", "RotaryEmbedding",
	microsoft + "GroupQueryAttention", microsoft + "MatMulNBits",
	"AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool", "Resize", "LRN", "GridSample", "RoiAlign",
	"BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization",
	"Softmax", "LogSoftmax", "Hardmax", "TopK", "ArgMax", "ArgMin", "CumSum", "CumProd",
	"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare",
	"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Pow", "PRelu",
	"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
	"Abs", "Neg", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Exp", "Log", "Tanh", "Erf", "Relu", "LeakyRelu", "Clip",
	"DFT", "STFT",
	"Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Softplus", "Elu", "Gelu",
	"Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh",
	"Mish", "Selu", "Celu", "ThresholdedRelu", "Softsign", "Shrink", "Sign", "IsNaN", "IsInf", "Mod",
	"Cast",
}

// halfSuffix follows the name of the kernel for float32.
const halfSuffix = "/half"

// halfEntries files the kernels of halves.
func (d *Device) halfEntries() []operators.Entry {
	var list []operators.Entry
	for _, f := range families {
		for _, e := range f {
			if slices.Contains(halves, e.op) && e.takesFloat32() {
				list = append(list, d.halfEntry(e))
			}
		}
	}
	return list
}

func (e entry) takesFloat32() bool {
	return e.by[tensor.Float32] != nil || len(e.inputs) > 0 && slices.Contains(e.inputs[0], tensor.Float32)
}

func (d *Device) halfEntry(e entry) operators.Entry {
	wide := &operators.Registry{}
	wide.Register(d.entry(e))
	domain, op := graph.SplitOperator(e.op)
	return operators.Entry{
		Key:    operators.Key{Domain: domain, Op: op},
		Kernel: e.kernel + halfSuffix,
		Accept: func(n *graph.Node) operators.Verdict {
			if !slices.ContainsFunc(slices.Concat(n.Inputs, n.Outputs), isHalf) || !exactCast(n) {
				return operators.Verdict{Reason: operators.WrongType, Detail: "no operand, or too wide a one, for float16 or bfloat16"}
			}
			w, _ := widened(n, func(*tensor.Tensor) (*tensor.Tensor, error) { return nil, nil })
			v := wide.Supports(w)
			v.Narrow = v.Level != operators.Unsupported
			return v
		},
		Build: func(n *graph.Node) (operators.Kernel, error) { return d.buildHalf(e, n) },
	}
}

// isHalf reports whether a value is a tensor of float16 or bfloat16.
func isHalf(v *graph.Value) bool {
	return v != nil && v.Type.IsTensor() && (v.Type.DType == tensor.Float16 || v.Type.DType == tensor.BFloat16)
}

// exactCast reports whether a node is no Cast that would round twice, first to
// float32. An integer that float32 has not is beyond the range of float16.
func exactCast(n *graph.Node) bool {
	if n.Operator() != "Cast" {
		return true
	}
	from := n.Inputs[0].Type.DType
	switch n.DType("to", tensor.Undefined) {
	case tensor.Float16:
		return from != tensor.Float64
	case tensor.BFloat16:
		return !slices.Contains([]tensor.DType{tensor.Float64, tensor.Int32, tensor.Int64}, from)
	}
	return true
}

// widened returns a node with float32 in the place of float16 and bfloat16.
func widened(n *graph.Node, constant func(*tensor.Tensor) (*tensor.Tensor, error)) (*graph.Node, error) {
	w := *n
	var err error
	widen := func(values []*graph.Value) []*graph.Value {
		values = slices.Clone(values)
		for i, v := range values {
			if !isHalf(v) || err != nil {
				continue
			}
			wide := *v
			wide.Type.DType = tensor.Float32
			if v.Const != nil {
				wide.Const, err = constant(v.Const)
			}
			values[i] = &wide
		}
		return values
	}
	w.Inputs, w.Outputs = widen(n.Inputs), widen(n.Outputs)
	if n.Operator() == "Cast" && isHalf(n.Output(0)) {
		w.Attributes = append(n.Without("to"), graph.A("to", int64(tensor.Float32)))
	}
	return &w, err
}

// widenedForm is the form of constants that are widened.
type widenedForm struct{}

// widenConstant returns a constant of 16 bits as float32, made once.
func (d *Device) widenConstant(t *tensor.Tensor) (*tensor.Tensor, error) {
	if err := tensor.Fits(tensor.Float32, t.Shape()); err != nil {
		return nil, err
	}
	return packedAs(&d.packed, t, widenedForm{}, 4*int64(t.Len()), func() *tensor.Tensor {
		wide := tensor.Zeros(tensor.Float32, t.Shape())
		widening(t.DType())(tensor.Slice[float32](wide), bits16(t))
		return wide
	})
}

// bits16 returns the elements of a tensor of 16 bits each.
func bits16(t *tensor.Tensor) []uint16 {
	v, _ := view[uint16](operators.Operand{DType: t.DType(), Shape: t.Shape(), Host: t}) // no error: all lies on the host
	return v
}

// widening and narrowing are the conversions of a type of 16 bits.
func widening(d tensor.DType) func(dst []float32, a []uint16) {
	if d == tensor.BFloat16 {
		return vector.WidenBrain
	}
	return vector.WidenHalf
}

func narrowing(d tensor.DType) func(dst []uint16, a []float32) {
	if d == tensor.BFloat16 {
		return vector.NarrowBrain
	}
	return vector.NarrowHalf
}

// halfKernel runs a node on a kernel of the widened node.
type halfKernel struct {
	device *Device
	node   *graph.Node
	wide   *graph.Node
	kernel operators.Kernel
}

func (d *Device) buildHalf(e entry, n *graph.Node) (operators.Kernel, error) {
	wide, err := widened(n, d.widenConstant)
	if err != nil {
		return nil, err
	}
	k, err := d.build(e, wide, func(context.Context, *operators.Call) error { return errUnfit })
	if err != nil {
		return nil, err
	}
	return &halfKernel{d, n, wide, k}, nil
}

// Run implements operators.Kernel.
func (k *halfKernel) Run(ctx context.Context, c *operators.Call) error {
	r := halfRun{halfKernel: k, call: c}
	defer r.end()
	err := r.run(ctx)
	if err == errUnfit {
		return reference.Apply(ctx, k.node, c, bytesOf)
	}
	return err
}

// halfRun is one run of a halfKernel.
type halfRun struct {
	*halfKernel
	call  *operators.Call
	rooms [][]byte // scratch taken
}

func (r *halfRun) end() {
	for _, room := range r.rooms {
		r.device.scratch.give(room)
	}
}

// room returns an operand of float32 in scratch.
func (r *halfRun) room(shape tensor.Shape) (operators.Operand, error) {
	if err := tensor.Fits(tensor.Float32, shape); err != nil {
		return operators.Operand{}, err
	}
	size := 4 * shape.Size()
	b, err := r.device.scratch.take(size)
	if err != nil {
		return operators.Operand{}, err
	}
	r.rooms = append(r.rooms, b)
	buffer, err := r.device.Import(b[:size])
	return operators.Operand{DType: tensor.Float32, Shape: shape, Region: driver.Region{Buffer: buffer, Size: int64(size)}}, err
}

func (r *halfRun) run(ctx context.Context) error {
	c := r.call
	wide := &operators.Call{Stream: c.Stream, Inputs: slices.Clone(c.Inputs), Outputs: slices.Clone(c.Outputs)}
	for i, o := range c.Inputs {
		if !o.Present() || !isHalf(r.node.Inputs[i]) {
			continue
		}
		if constant := r.wide.Inputs[i].Const; constant != nil {
			wide.Inputs[i] = operators.Operand{DType: tensor.Float32, Shape: o.Shape, Host: constant}
			continue
		}
		var err error
		if wide.Inputs[i], err = r.widen(ctx, o); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	for i, o := range c.Outputs {
		if o.Present() && isHalf(r.node.Output(i)) {
			var err error
			if wide.Outputs[i], err = r.room(o.Shape); err != nil {
				return err
			}
		}
	}
	wide.Allocate = func(i int, d tensor.DType, shape tensor.Shape) (operators.Operand, error) {
		if isHalf(r.node.Output(i)) && d == tensor.Float32 {
			return r.room(shape.Clone())
		}
		return c.NewOutput(i, d, shape)
	}
	if err := r.kernel.Run(ctx, wide); err != nil {
		return err
	}
	for i, o := range wide.Outputs {
		if o.Present() && isHalf(r.node.Output(i)) && o.DType == tensor.Float32 {
			if err := r.narrow(ctx, i, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// widen returns an operand of 16 bits as one of float32.
func (r *halfRun) widen(ctx context.Context, o operators.Operand) (operators.Operand, error) {
	a, err := view[uint16](o)
	if err != nil {
		return operators.Operand{}, err
	}
	wide, err := r.room(o.Shape)
	if err != nil {
		return operators.Operand{}, err
	}
	dst, err := view[float32](wide)
	if err != nil {
		return operators.Operand{}, err
	}
	return wide, convert(ctx, r.device, widening(o.DType), dst, a)
}

// narrow makes output i of its elements in float32.
func (r *halfRun) narrow(ctx context.Context, i int, o operators.Operand) error {
	a, err := view[float32](o)
	if err != nil {
		return err
	}
	d := r.node.Outputs[i].Type.DType
	dst, err := output[uint16](r.call, i, d, o.Shape)
	if err != nil {
		return err
	}
	return convert(ctx, r.device, narrowing(d), dst, a)
}

// convert makes elements of one type of as many of another.
func convert[T, R tensor.Element](ctx context.Context, d *Device, f func(dst []R, a []T), dst []R, a []T) error {
	pieces, size := piecesOf(len(dst), 2, d.threads)
	return d.divide(ctx, pieces, &conversionTask[T, R]{&conversion[T, R]{f: f, size: size}, dst, a})
}
