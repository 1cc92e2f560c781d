package measure

import (
	"errors"
	"fmt"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// product is the operator that multiplies matrices of a type.
type product struct {
	dtype, out tensor.DType
	op         string
}

var products = []product{
	{tensor.Float32, tensor.Float32, "MatMul"}, {tensor.Float64, tensor.Float64, "MatMul"}, {tensor.Float16, tensor.Float16, "MatMul"},
	{tensor.BFloat16, tensor.BFloat16, "MatMul"}, {tensor.Int8, tensor.Int32, "MatMulInteger"}, {tensor.Uint8, tensor.Int32, "MatMulInteger"},
	{tensor.Int32, tensor.Int32, "MatMul"}, {tensor.Int64, tensor.Int64, "MatMul"},
}

// arithmetic measures products of ever larger square matrices, a sixth of a turn
// each, as long as the next one will not take longer. The best size counts.
func (m *session) arithmetic() {
	const least, most = 64, 1024
	for _, p := range products {
		peak := Peak{DType: p.dtype.String()}
		for _, declared := range m.d.Info().Rates.Peak {
			if declared.DType == p.dtype {
				peak.Declared = declared.Ops
			}
		}
		for n := least; n <= most; n *= 2 {
			rate, err := m.multiply(p, n)
			if err != nil {
				if peak.Measured == 0 {
					peak.Reason = err.Error()
				}
				break
			}
			peak.Measured = max(peak.Measured, rate)
			if one := operations(n) / rate; 8*one > m.turn.Seconds()/6 {
				break
			}
		}
		m.f.Peak = append(m.f.Peak, peak)
	}
}

// multiply returns the operations a second of a product of n×n matrices.
func (m *session) multiply(p product, n int) (float64, error) {
	l, err := m.load(p.op, 10, []tensor.DType{p.dtype, p.dtype}, p.out, tensor.Shape{n, n})
	if err != nil {
		return 0, err
	}
	rate, err := m.best(m.turn/6, operations(n), l.run)
	return rate, errors.Join(err, l.close())
}

// operations are those of a product of n×n matrices.
func operations(n int) float64 { return 2 * float64(n) * float64(n) * float64(n) }

// launch measures a kernel for one element, of the first operator that the device
// has of those that do next to nothing. A hundred are launched and waited for one
// by one.
func (m *session) launch() {
	const launches = 100
	v := &m.f.Launch
	v.Declared = m.d.Info().Rates.LaunchNS
	var errs []error
	for _, op := range []string{"Identity", "Relu", "Add"} {
		inputs := []tensor.DType{tensor.Float32}
		if op == "Add" {
			inputs = append(inputs, tensor.Float32)
		}
		l, err := m.load(op, 16, inputs, tensor.Float32, tensor.Shape{1})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rate, err := m.best(m.turn, launches, func() error {
			for range launches {
				if err := l.run(); err != nil {
					return err
				}
			}
			return nil
		})
		if rate > 0 {
			v.Measured = float64(time.Second.Nanoseconds()) / rate
		}
		v.set(v.Measured, errors.Join(err, l.close()))
		return
	}
	v.set(0, errors.Join(errs...))
}

// loaded is a kernel with its operands on the device.
type loaded struct {
	m       *session
	kernel  operators.Kernel
	call    operators.Call
	buffers []*adapter.Buffer
}

// load builds the kernel of an operator whose operands have one shape.
func (m *session) load(op string, version int, inputs []tensor.DType, output tensor.DType, shape tensor.Shape) (*loaded, error) {
	backend, ok := adapter.As[operators.Backend](m.d)
	if !ok {
		return nil, errors.New("the device has no kernels of its own")
	}
	value := func(name string, t tensor.DType) *graph.Value {
		return &graph.Value{Name: name, Type: tensor.TensorType(t, tensor.KnownDims(shape))}
	}
	n := &graph.Node{Name: op, Op: op, Version: version, Outputs: []*graph.Value{value("y", output)}}
	n.Outputs[0].Producer = n
	l := &loaded{m: m, call: operators.Call{Stream: m.s.Driver()}}
	for i, t := range inputs {
		n.Inputs = append(n.Inputs, value(fmt.Sprintf("x%d", i), t))
	}
	if v := backend.Supports(n); v.Level == operators.Unsupported {
		return nil, errors.New(v.String())
	}
	var err error
	if l.kernel, err = backend.Build(n); err != nil {
		return nil, err
	}
	for _, t := range inputs {
		err = errors.Join(err, l.add(&l.call.Inputs, t, shape))
	}
	if err = errors.Join(err, l.add(&l.call.Outputs, output, shape)); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// add allocates an operand. All of its elements are small numbers.
func (l *loaded) add(to *[]operators.Operand, t tensor.DType, shape tensor.Shape) error {
	d := l.m.d
	b, err := d.Alloc(d.ValueSize(t, shape), driver.DeviceMemory)
	if err != nil {
		return err
	}
	l.buffers = append(l.buffers, b)
	*to = append(*to, operators.Operand{DType: t, Shape: shape, Region: b.All()})
	values := make([]float64, shape.Size())
	for i := range values {
		values[i] = float64(i%3 + 1)
	}
	host := tensor.FromFloat64s(t, shape, values)
	whole, err := b.Slice(0, int64(len(host.Bytes())))
	if err != nil {
		return err
	}
	return d.CopyIn(l.m.ctx, whole, host.Bytes())
}

// run launches the kernel and waits for it.
func (l *loaded) run() error {
	if err := l.kernel.Run(l.m.ctx, &l.call); err != nil {
		return err
	}
	if l.call.Stream == nil {
		return nil
	}
	return l.m.s.Synchronize(l.m.ctx)
}

func (l *loaded) close() error {
	var errs []error
	if c, ok := l.kernel.(interface{ Close() error }); ok {
		errs = append(errs, c.Close())
	}
	for _, b := range l.buffers {
		errs = append(errs, b.Free())
	}
	return errors.Join(errs...)
}
