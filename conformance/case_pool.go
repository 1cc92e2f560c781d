package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool/indicator"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/result"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// poolCase holds an indicator of virtualization or scheduling against its bound,
// on a device that can be divided.
type poolCase struct{ indicator.Indicator }

func (c poolCase) id() string { return "pool/" + c.Name }

// pools returns the cases of the indicators; those that take time are not in
// Smoke.
func pools(p Profile) []testcase {
	var cases []testcase
	for _, i := range indicator.All() {
		if !i.Timed || p != Smoke {
			cases = append(cases, poolCase{i})
		}
	}
	return cases
}

func (c poolCase) run(ctx context.Context, r *runner) outcome {
	out := outcome{Result: Result{ID: c.id()}}
	if !r.info.Caps.Has(driver.CapPartitioner) {
		out.As(result.UnsupportedDeclared, "the device has not the capability Partitioner: it is not to be divided")
		return out
	}
	type answer struct {
		report *indicator.Report
		err    error
	}
	done := make(chan answer, 1)
	limited, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	start := time.Now()
	go func() {
		report, err := indicator.Measure(limited, &indicator.Options{Open: r.device, Work: MatMulWork, Only: []string{c.Name}})
		done <- answer{report, err}
	}()
	const grace = 5 * time.Second // for the device to notice that the context has ended
	select {
	case a := <-done:
		out.Seconds = time.Since(start).Seconds()
		c.judge(&out.Result, a.report, a.err, limited.Err() != nil && ctx.Err() == nil)
	case <-time.After(r.limit + grace):
		out.As(result.FailHang, fmt.Sprintf("not done after %v, and not to be stopped", r.limit))
	}
	return out
}

// device opens the device to be tried.
func (r *runner) device(ctx context.Context) (*adapter.Device, error) {
	d, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	return adapter.New("device", d), nil
}

func (c poolCase) judge(r *Result, report *indicator.Report, err error, late bool) {
	switch {
	case late:
		r.As(result.FailHang, "not done in time")
	case errors.Is(err, driver.Unsupported):
		r.As(result.UnsupportedUndeclared, err.Error())
	case err != nil:
		r.As(result.FailStatus, err.Error())
	default:
		reading := report.Readings[0]
		switch {
		case reading.Value == nil && reading.Err != nil:
			r.As(result.FailStatus, reading.Note)
		case reading.Value == nil:
			r.As(result.UnsupportedDeclared, reading.Note)
		case !reading.Passed:
			r.As(result.FailStatus, fmt.Sprintf("%.3g %s, where the bound is %s; %s", *reading.Value, reading.Unit, reading.Bound, reading.Note))
		default:
			r.As(result.Pass, "")
			r.Route = "device"
		}
	}
}

// MatMulWork is work for indicators of a device that runs MatMul: the product of
// two matrices of 256×256 float32.
func MatMulWork(ctx context.Context, d *adapter.Device) (step func(context.Context) error, done func() error, err error) {
	const side = 256
	a, b, y := &graph.Value{Name: "a"}, &graph.Value{Name: "b"}, &graph.Value{Name: "y"}
	for _, v := range []*graph.Value{a, b} {
		v.Type = tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{side, side}))
	}
	n := &graph.Node{Name: "work", Op: "MatMul", Version: 13, Inputs: []*graph.Value{a, b}, Outputs: []*graph.Value{y}}
	y.Producer = n
	bytes, err := onnx.Encode(&graph.Model{Producer: "midplane", Opsets: map[string]int{"": 13},
		Graph: &graph.Graph{Name: "work", Nodes: []*graph.Node{n}, Inputs: n.Inputs, Outputs: n.Outputs}})
	if err != nil {
		return nil, nil, err
	}
	s, err := models.LoadBytes(ctx, bytes, &models.Options{Opened: []*adapter.Device{d}})
	if err != nil {
		return nil, nil, err
	}
	inputs := map[string]tensor.Value{
		"a": tensor.Zeros(tensor.Float32, tensor.Shape{side, side}), "b": tensor.Zeros(tensor.Float32, tensor.Shape{side, side}),
	}
	return func(ctx context.Context) error {
		_, err := s.Run(ctx, inputs)
		return err
	}, s.Close, nil
}
