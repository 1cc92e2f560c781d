package models

import (
	"slices"
	"unsafe"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators"
)

// call is what one run works with. A session keeps it for later ones, with the
// plan that it ran: for inputs of the same types nothing has to be looked up.
type call struct {
	values  []tensor.Value      // of the session's inputs, nil for one that is left to its default
	outputs []tensor.Value      // of the session's outputs
	into    []operators.Operand // what takes each output, if anything does
	wants   []int               // where each output is wanted; nil: all on the host
	room    []int               // for wants

	operands []operators.Operand // of the variant's inputs
	variant  *variant
	given    []plan.Given // what plan was made for
	planned  []int        // the wants of plan
	plan     *plan.Plan
}

// call returns an idle call, or a new one.
func (s *Session) call() *call {
	if c, ok := s.calls.Get().(*call); ok {
		return c
	}
	return &call{
		values:  make([]tensor.Value, len(s.inputs)),
		outputs: make([]tensor.Value, len(s.outputs)),
		into:    make([]operators.Operand, len(s.outputs)),
	}
}

// rest keeps a call for later, without what belongs to the caller.
func (s *Session) rest(c *call) {
	clear(c.values)
	clear(c.outputs)
	clear(c.into)
	clear(c.operands)
	c.wants = nil
	s.calls.Put(c)
}

// arguments sets the operands to the inputs of a variant, and reports whether the
// call has the plan for them.
func (c *call) arguments(v *variant) (planned bool) {
	planned = c.plan != nil && c.variant == v && slices.Equal(c.wants, c.planned)
	if !planned {
		c.variant, c.planned, c.plan = v, slices.Clone(c.wants), nil
		c.operands = make([]operators.Operand, len(v.inputs))
		c.given = make([]plan.Given, len(v.inputs))
	}
	for k, i := range v.inputs {
		o, location := operators.Operand{Host: c.values[i]}, plan.Host
		switch t := c.values[i].(type) {
		case *tensor.Tensor:
			o.DType, o.Shape = t.DType(), t.Shape()
		case *adapter.Tensor:
			o = operators.Operand{DType: t.DType(), Shape: t.Shape(), Region: t.Region()}
			location = v.session.location(t)
		}
		c.operands[k] = o
		if !planned || !c.given[k].Is(o, location) {
			c.given[k] = plan.Given{Type: c.values[i].Type(), Location: location}
			planned = false
		}
	}
	return planned
}

// send says that output i is wanted at a location, and what takes it there.
func (c *call) send(i, location int, to *adapter.Tensor) {
	if c.wants == nil {
		c.wants = c.room[:0]
		for range c.outputs {
			c.wants = append(c.wants, plan.Host)
		}
		c.room = c.wants
	}
	c.wants[i] = location
	c.into[i] = operators.Operand{DType: to.DType(), Shape: to.Shape(), Region: to.Region()}
}

// take sets what takes output i on the host, if it lies over no input: it is
// written while others may still be read.
func (c *call) take(i int, to *tensor.Tensor) {
	for _, v := range c.values {
		switch in := v.(type) {
		case nil, *adapter.Tensor:
		case *tensor.Tensor:
			if overlap(in.Bytes(), to.Bytes()) {
				return
			}
		default:
			return
		}
	}
	c.into[i] = operators.Operand{Host: to}
}

// overlap reports whether two slices have bytes in common.
func overlap(a, b []byte) bool {
	from, to := uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return from < to+uintptr(len(b)) && to < from+uintptr(len(a))
}
