package models

import (
	"context"
	"errors"
	"slices"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// compile offers the model as a whole to the first device, if that takes whole
// models. Where it declines, nodes are offered one by one.
func (s *Session) compile(ctx context.Context) error {
	compiler, ok := adapter.As[operators.Compiler](s.devices[0])
	if !ok {
		return nil
	}
	start := time.Now()
	x, err := compiler.Compile(ctx, operators.Source{Model: s.source.Model, Path: s.source.Path, Bytes: s.source.Bytes})
	if errors.Is(err, adapter.Unsupported) {
		s.declined = err
		s.log.Debug("model declined as a whole", "device", s.devices[0].Name(), "reason", err)
		return nil
	}
	if err != nil {
		return s.fail("compile", err)
	}
	s.whole = x
	var kernel func(*graph.Node) string
	if located, ok := x.(operators.Located); ok {
		kernel = located.Kernel
	}
	s.placement = partition.Whole(s.source.Model.Graph, s.places, kernel)
	s.stage("compile", start)
	return nil
}

// runWhole runs a model that its device took as a whole.
func (s *Session) runWhole(ctx context.Context, c *call) error {
	values := slices.Clone(c.values)
	for i, v := range values {
		if on, ok := v.(*adapter.Tensor); ok {
			var err error
			if values[i], err = onHost(ctx, on); err != nil {
				return s.fail("run", err)
			}
		}
	}
	outputs, err := s.whole.Run(ctx, values)
	if err != nil {
		return s.fail("run", err)
	}
	for i, device := range c.wants {
		if device != partition.Host {
			if err := s.toDevice(ctx, i, device, c.into[i], outputs[i]); err != nil {
				return err
			}
		}
	}
	copy(c.outputs, outputs)
	return nil
}

// toDevice copies output i to where a tensor on a device lies.
func (s *Session) toDevice(ctx context.Context, i, device int, to operators.Operand, v tensor.Value) error {
	from, ok := v.(*tensor.Tensor)
	if !ok || from.DType() != to.DType || !from.Shape().Equal(to.Shape) {
		return s.badInput(s.outputs[i].Name, "the output is %v, what should take it is %v%v", v.Type(), to.DType, to.Shape)
	}
	to.Region.Size = int64(len(from.Bytes()))
	if err := s.devices[device].CopyIn(ctx, to.Region, from.Bytes()); err != nil {
		return s.fail("run", err)
	}
	return nil
}

// onHost returns a tensor of a device as one of the host's, over the same
// memory where the host can address that.
func onHost(ctx context.Context, t *adapter.Tensor) (*tensor.Tensor, error) {
	r := t.Region()
	r.Size = int64(t.DType().Bytes(t.Shape().Size()))
	if b, ok := t.Device().HostBytes(r); ok {
		return tensor.FromBytes(t.DType(), t.Shape(), b)
	}
	return t.Download(ctx)
}
