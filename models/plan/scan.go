package plan

import (
	"fmt"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// scan stacks the values that the iterations of a loop give for one output along
// a new first axis. On a device they are laid end to end in a block that doubles
// as they grow; strings, and elements that share bytes, are kept on the host.
type scan struct {
	slot  int // of the loop's output, -1 if nobody reads it
	parts int
	first operators.Operand // its type is that of all
	block *block
	items []tensor.Value
	held  int64 // bytes counted for items
}

// add takes over the value of one iteration.
func (s *scan) add(x *Execution, f *frame, o argument) error {
	defer o.block.release()
	if s.slot < 0 {
		return nil
	}
	if s.parts == 0 {
		s.first = o.Operand
	}
	if o.DType != s.first.DType || !o.Shape.Equal(s.first.Shape) {
		return fmt.Errorf("iterations gave %v%v and %v%v, which do not stack", s.first.DType, s.first.Shape, o.DType, o.Shape)
	}
	if o.Host != nil || o.DType.Packed() {
		return s.addOnHost(x, o)
	}
	size := int64(o.DType.Bytes(o.Shape.Size()))
	if err := s.reserve(x, f, size*int64(s.parts+1)); err != nil {
		return err
	}
	to := s.block.region(size)
	to.Offset += size * int64(s.parts)
	s.parts++
	return x.streams[o.location].Copy(x.ctx, to, packed(o.Operand))
}

// reserve makes the block at least size bytes large.
func (s *scan) reserve(x *Execution, f *frame, size int64) error {
	if s.block != nil && s.block.buffer.Size() >= size {
		return nil
	}
	location := f.plan.slots[s.slot].location
	larger, _, err := x.pools[location].alloc(size)
	if err != nil {
		return err
	}
	if s.block != nil {
		from := s.block.buffer.All()
		err = x.streams[location].Copy(x.ctx, larger.region(from.Size), from)
		s.block.release()
	}
	s.block = larger
	return err
}

func (s *scan) addOnHost(x *Execution, o argument) error {
	v := o.Host
	if v == nil {
		t, err := x.download(o.Operand, o.location, nil)
		if err != nil {
			return err
		}
		v = t
	}
	size := hostBytes(v)
	if err := x.env.Memory.reserveHost(size); err != nil {
		return err
	}
	s.held += size
	s.parts++
	s.items = append(s.items, v)
	return nil
}

// drop gives back what the scan still holds.
func (s *scan) drop(x *Execution) {
	s.block.release()
	s.block = nil
	x.env.Memory.releaseHost(s.held)
	s.held = 0
}

// finish makes what was stacked the value of the scan's slot.
func (s *scan) finish(x *Execution, f *frame) error {
	if s.parts == 0 {
		return x.stackNothing(f, s.slot)
	}
	if len(s.items) > 0 {
		return s.finishOnHost(x, f)
	}
	shape := append(tensor.Shape{s.parts}, s.first.Shape...)
	if _, err := shape.Elements(); err != nil {
		return err
	}
	f.values[s.slot] = operators.Operand{DType: s.first.DType, Shape: shape, Region: s.region()}
	f.blocks[s.slot], s.block = s.block, nil
	return nil
}

// region is the part of the block that values lie in.
func (s *scan) region() driver.Region {
	return s.block.region(int64(s.first.DType.Bytes(s.first.Shape.Size())) * int64(s.parts))
}

func (s *scan) finishOnHost(x *Execution, f *frame) error {
	n := &graph.Node{Op: "ConcatFromSequence", Inputs: []*graph.Value{{}}, Outputs: []*graph.Value{{}},
		Attributes: []graph.Attribute{graph.A("axis", int64(0)), graph.A("new_axis", int64(1))}}
	sequence := &tensor.Sequence{Elem: s.items[0].Type(), Items: s.items}
	out, err := reference.Run(x.ctx, n, []tensor.Value{sequence}, nil)
	if err != nil {
		return err
	}
	if f.plan.slots[s.slot].location == Host {
		return x.hold(f, s.slot, out[0])
	}
	return x.upload(f, s.slot, out[0].(*tensor.Tensor))
}

// stackNothing makes the output of a loop that made no trip: an extent that
// inference could not find is 0.
func (x *Execution) stackNothing(f *frame, slot int) error {
	s := f.plan.slots[slot]
	shape := make(tensor.Shape, max(len(s.dims), 1))
	for i, d := range s.dims {
		shape[i] = max(d.Size, 0)
	}
	shape[0] = 0
	if s.location == Host {
		t, err := tensor.New(s.dtype, shape)
		f.values[slot] = hostOperand(t)
		return err
	}
	_, err := x.allocate(f, slot, s.dtype, shape)
	return err
}
