package emu

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// Dense returns what "emu:1" runs: convolution, matrix products, pooling and
// what goes between them, in float32 and float16, sums and products in int32
// too.
func Dense() []operators.Key {
	floats := [][]tensor.DType{{tensor.Float32, tensor.Float16}}
	numbers := [][]tensor.DType{{tensor.Float32, tensor.Float16, tensor.Int32}}
	var keys []operators.Key
	for _, op := range []string{
		"Conv", "ConvTranspose", "MatMul", "Gemm", "Relu", "LeakyRelu", "Clip", "Sigmoid", "Softmax",
		"MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization",
	} {
		keys = append(keys, operators.Key{Op: op, Inputs: floats, Outputs: floats})
	}
	for _, op := range []string{"Add", "Mul"} {
		keys = append(keys, operators.Key{Op: op, Inputs: numbers, Outputs: numbers})
	}
	return keys
}

// kernels files a kernel under each key, nil keys standing for every operator
// that there is.
func (d *Device) kernels(keys []operators.Key) *operators.Registry {
	if keys == nil {
		for _, name := range reference.Operators() {
			domain, op := graph.SplitOperator(name)
			keys = append(keys, operators.Key{Domain: domain, Op: op})
		}
	}
	r := &operators.Registry{}
	for _, key := range keys {
		r.Register(operators.Entry{Key: key, Kernel: "reference", Accept: accepts, Build: d.build})
	}
	return r
}

// accepts is what the reference computes; it is all that this device has, and no
// last resort.
func accepts(n *graph.Node) operators.Verdict {
	v := reference.Accepts(n)
	v.LastResort = false
	return v
}

// shapes are the inputs by which operators are told shapes, axes, extents and
// counts, by operator. Those of a reduction are its axes.
var shapes = map[string][]int{
	"AffineGrid": {1}, "BlackmanWindow": {0}, "CenterCropPad": {1}, "Col2Im": {1, 2}, "ConstantOfShape": {0},
	"CumProd": {1}, "CumSum": {1}, "DFT": {1, 2}, "Expand": {1}, "HammingWindow": {0}, "HannWindow": {0},
	"MaxUnpool": {2}, "MelWeightMatrix": {0, 1, 2, 3, 4}, "NonMaxSuppression": {2}, "OneHot": {1}, "Pad": {1, 3},
	"Range": {0, 1, 2}, "Reshape": {1}, "Resize": {1, 2, 3}, "STFT": {1, 3}, "Slice": {1, 2, 3, 4}, "Split": {1},
	"Squeeze": {1}, "Tile": {1}, "TopK": {1}, "Trilu": {1}, "Unsqueeze": {1},
}

// HostInputs implements operators.HostOperands: the inputs that carry shapes,
// axes, extents and counts rather than data.
func (d *Device) HostInputs(n *graph.Node) []int {
	on := shapes[n.Operator()]
	if strings.HasPrefix(n.Operator(), "Reduce") {
		on = []int{1}
	}
	var present []int
	for _, i := range on {
		if n.Input(i) != nil {
			present = append(present, i)
		}
	}
	return present
}

// HostOutputs implements operators.HostOperands: those of Shape and Size.
func (d *Device) HostOutputs(n *graph.Node) []int {
	switch n.Operator() {
	case "Shape", "Size":
		return []int{0}
	}
	return nil
}

// View implements operators.Viewer: tensors are dense and row-major.
func (d *Device) View(n *graph.Node) (input int, offsets []int64, ok bool) {
	return reference.DenseView(n)
}

// Join implements operators.Joiner.
func (d *Device) Join(n *graph.Node) (offsets []int64, ok bool) { return reference.DenseJoin(n) }

// kernel computes one node by the reference, on the stream's goroutine.
type kernel struct {
	dev                     *Device
	node                    *graph.Node
	hostInputs, hostOutputs []int
}

func (d *Device) build(n *graph.Node) (operators.Kernel, error) {
	return &kernel{d, n, d.HostInputs(n), d.HostOutputs(n)}, nil
}

// Run implements operators.Kernel.
func (k *kernel) Run(ctx context.Context, call *operators.Call) error {
	if err := k.check(call); err != nil {
		return err
	}
	if s, ok := call.Stream.(*stream); ok && s.capturing() {
		kept := *call
		kept.Inputs, kept.Outputs = slices.Clone(call.Inputs), slices.Clone(call.Outputs)
		call = &kept
	}
	var regions []driver.Region
	for _, o := range slices.Concat(call.Inputs, call.Outputs) {
		if o.Region.Buffer != nil {
			regions = append(regions, o.Region)
		}
	}
	run := func(mem *access) error { return k.compute(ctx, call, mem) }
	return k.dev.submit(call.Stream, &work{op: k.node.Operator(), node: k.node.Label(), run: run, regions: regions})
}

// check refuses operands on the wrong side, and outputs that lie over inputs or
// over each other.
func (k *kernel) check(call *operators.Call) error {
	refuse := func(format string, args ...any) error {
		return driver.Errorf(driver.InvalidArgument, k.node.Operator(), "node %s: "+format, append([]any{k.node.Label()}, args...)...)
	}
	for i, o := range call.Inputs {
		wanted := slices.Contains(k.hostInputs, i)
		if o.Present() && wanted != (o.Host != nil) {
			return refuse("input %d must lie on the %s", i, map[bool]string{true: "host", false: "device"}[wanted])
		}
	}
	for _, i := range k.hostOutputs {
		if !slices.Contains(call.HostOutputs, i) {
			return refuse("output %d comes out on the host, the call wants %v there", i, call.HostOutputs)
		}
	}
	for i, o := range call.Outputs {
		for j, other := range slices.Concat(call.Inputs, call.Outputs[:i]) {
			if o.Region.Buffer != nil && overlap(o.Region, other.Region) {
				return refuse("output %d at [%d, %d) lies over operand %d at [%d, %d)", i, o.Region.Offset, o.Region.Offset+o.Region.Size,
					j, other.Region.Offset, other.Region.Offset+other.Region.Size)
			}
		}
	}
	return nil
}

// compute does the work, and makes sure that nobody changed the inputs.
func (k *kernel) compute(ctx context.Context, call *operators.Call, mem *access) error {
	ctx, stop := k.dev.until(ctx)
	defer stop()
	if err := ctx.Err(); err != nil {
		return err
	}
	before, err := k.digest(call, mem)
	if err != nil {
		return err
	}
	if err := reference.Apply(ctx, k.node, call, mem.view); err != nil {
		return argument(err)
	}
	after, err := k.digest(call, mem)
	if err == nil && before != after {
		err = driver.Errorf(driver.Internal, k.node.Operator(), "node %s: an input changed while the kernel ran", k.node.Label())
	}
	if len(call.Outputs) > 0 && call.Outputs[0].Region.Buffer != nil && err == nil {
		_, err = mem.write(call.Outputs[0].Region)
	}
	return err
}

// argument returns an error of the reference, which without a code of its own is
// about what it was given.
func argument(err error) error {
	e := driver.AsError("", err)
	if e.Code == driver.Internal {
		e.Code = driver.InvalidArgument
	}
	return e
}

var seed = maphash.MakeSeed()

// digest returns a checksum of the inputs that lie on the device.
func (k *kernel) digest(call *operators.Call, mem *access) (uint64, error) {
	if k.dev.options.Unchecked {
		return 0, nil
	}
	var h maphash.Hash
	h.SetSeed(seed)
	for _, o := range call.Inputs {
		if o.Region.Buffer == nil {
			continue
		}
		b, err := mem.view(o.Region)
		if err != nil {
			return 0, err
		}
		h.Write(b)
	}
	return h.Sum64(), nil
}
