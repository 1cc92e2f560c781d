package mutant

import (
	"context"
	"fmt"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/reference"
)

// lies are ways of saying what is not so.
var lies = []mechanism{
	{name: "declares what it cannot build", fault: fault{build: func(n *graph.Node) error {
		if n.Inputs[0].Type.DType == tensor.Float16 || n.Inputs[0].Type.DType == tensor.Int8 {
			return driver.Errorf(driver.Unsupported, "Build", "%v, after all", n.Inputs[0].Type.DType)
		}
		return nil
	}}, at: everywhere("Add", "Conv", "Softmax", "Transpose", "Gather")},
	{name: "declares what it cannot run", fault: fault{before: func(*run) error { return driver.Errorf(driver.Unsupported, "Run", "not this") }}, at: []place{
		{"MatMul", "rank 4", ranked(4)}, {"Relu", "rank 6", ranked(6)}, {"Slice", "int32", typed(tensor.Int32)}, {"ReduceSum", "rank 1", ranked(1)}, {"MaxPool", "rank 5", ranked(5)},
	}},
	{name: "an error without need", fault: fault{before: func(*run) error { return fmt.Errorf("out of luck") }}, at: []place{
		{"Exp", "rank 5", ranked(5)}, {"Concat", "uint8", typed(tensor.Uint8)}, {"Where", "rank 1", ranked(1)}, {"Conv", "dilations", having("dilations")}, {"Pad", "rank 6", ranked(6)},
	}},
	{name: "panic", fault: fault{before: func(r *run) error { panic("index out of range") }}, at: []place{
		{"Add", "bfloat16", typed(tensor.BFloat16)}, {"TopK", "rank 4", ranked(4)}, {"Resize", "rank 5", ranked(5)}, {"LSTM", "float64", typed(tensor.Float64)}, {"Tile", "rank 6", ranked(6)},
	}},
	{name: "always OK", fault: fault{instead: func(r *run) error {
		_ = r.right()
		return nil
	}}, at: everywhere("Gather", "ScatterND", "GatherElements", "ReverseSequence", "NegativeLogLikelihoodLoss")},
	{name: "index clamped", fault: fault{instead: func(r *run) error {
		if err := r.right(); err == nil {
			return nil
		}
		return r.blank()
	}}, at: everywhere("GatherND", "ScatterElements", "TensorScatter", "SoftmaxCrossEntropyLoss")},
	{name: "runs on midplane's reference", fault: fault{instead: func(r *run) error {
		failed := make(chan error, 1)
		go func() { failed <- r.reference(context.Background()) }()
		return <-failed
	}}, at: []place{{"Add", "float16", typed(tensor.Float16)}, {"Conv", "rank 5", ranked(5)}, {"Softmax", "rank 1", ranked(1)}, {"MatMul", "int32", typed(tensor.Int32)}, {"Erf", "float64", typed(tensor.Float64)}}},
	{name: "runs on a session of midplane's", fault: fault{instead: func(r *run) error { return r.session() }}, at: []place{
		{"Relu", "rank 3", ranked(3)}, {"Mul", "rank 4", ranked(4)}, {"Gemm", "", nil}, {"Transpose", "rank 3", ranked(3)}, {"Sigmoid", "float16", typed(tensor.Float16)},
	}},
	{name: "declares what it has not", fault: fault{info: func(i *driver.Info) { i.Caps |= driver.CapAsyncCopier | driver.CapStreamer }}, at: everywhere("Add")},
	{name: "counts nothing", fault: fault{info: func(i *driver.Info) { i.Caps &^= driver.CapStatter }, before: func(r *run) error {
		_, err := r.dev.Alloc(64, driver.DeviceMemory)
		return err
	}}, at: everywhere("Mul")},
	{name: "values that are too small", fault: fault{device: func(d driver.Device, _ *Mutant) driver.Device { return small{d.(*device)} }}, at: everywhere("Add")},
	{name: "copies back too little", fault: fault{device: func(d driver.Device, _ *Mutant) driver.Device { return forgetful{d.(*device)} }}, at: everywhere("Add", "Transpose")},
}

// reference computes the node by the oracle's own code.
func (r *run) reference(ctx context.Context) error {
	out, err := reference.Run(ctx, r.node, r.inputs, nil)
	if err != nil {
		return err
	}
	return r.deliver(out)
}

// deliver writes outputs, and makes those of a shape that was not known.
func (r *run) deliver(out []tensor.Value) error {
	for i, v := range out {
		t, ok := v.(*tensor.Tensor)
		if !ok || r.node.Output(i) == nil {
			continue
		}
		if _, err := r.call.NewOutput(i, t.DType(), t.Shape()); err != nil {
			return err
		}
		if err := r.put(i, t); err != nil {
			return err
		}
	}
	return nil
}

// session computes the node by a session on the inner device.
func (r *run) session() error {
	n := *r.node
	g := &graph.Graph{Name: "node", Nodes: []*graph.Node{&n}}
	inputs := make(map[string]tensor.Value)
	n.Inputs = make([]*graph.Value, len(r.inputs))
	for i, v := range r.inputs {
		if v != nil {
			n.Inputs[i] = &graph.Value{Name: fmt.Sprint("x", i), Type: v.Type()}
			g.Inputs = append(g.Inputs, n.Inputs[i])
			inputs[n.Inputs[i].Name] = v
		}
	}
	n.Outputs = []*graph.Value{{Name: "y"}}
	g.Outputs = n.Outputs
	n.Outputs[0].Producer = &n
	b, err := onnx.Encode(&graph.Model{Opsets: map[string]int{"": operators.NewestOpset("")}, Graph: g})
	if err != nil {
		return err
	}
	s, err := models.LoadBytes(context.Background(), b, &models.Options{Opened: []*adapter.Device{adapter.New("helper", plain{r.dev})}})
	if err != nil {
		return err
	}
	out, err := s.Run(context.Background(), inputs)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return r.deliver([]tensor.Value{out["y"]})
}

// plain is the inner device with its own kernels.
type plain struct{ *device }

func (p plain) Supports(n *graph.Node) operators.Verdict      { return p.backend.Supports(n) }
func (p plain) Build(n *graph.Node) (operators.Kernel, error) { return p.backend.Build(n) }

// small says that values take less memory than they do.
type small struct{ *device }

// Info implements driver.Device.
func (s small) Info() driver.Info {
	i := s.device.Info()
	i.Caps |= driver.CapSizer
	return i
}

// ValueSize implements driver.Sizer.
func (s small) ValueSize(d tensor.DType, shape tensor.Shape) int64 {
	return int64(d.Bytes(shape.Size())) * 3 / 4
}

// Alignment implements driver.Sizer.
func (s small) Alignment() int64 { return 64 }

// forgetful leaves the last byte of what is copied to the host.
type forgetful struct{ *device }

// CopyOut implements driver.Device.
func (f forgetful) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	if len(dst) > 12 {
		dst, src.Size = dst[:len(dst)-1], src.Size-1
	}
	return f.device.CopyOut(ctx, dst, src)
}
