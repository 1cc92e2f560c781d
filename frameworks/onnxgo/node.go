package onnxgo

import (
	"errors"
	"fmt"

	"github.com/owulveryck/onnx-go"
	gtensor "gorgonia.org/tensor"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/gorgonia"
)

// Node is a value of the model: a node of the graph that onnx-go builds, whose
// edges lead from what an operator writes to what it reads. There may be several
// for one name.
type Node struct {
	backend  *Backend
	id       int64
	value    *value // nil for an input or output that is left out
	madeFor  int    // the number of the operation for which it was made
	kept     bool   // among the model's inputs or outputs
	attached []gtensor.Tensor

	reads, readers []*edge
}

var (
	_ onnx.Namer       = (*Node)(nil)
	_ onnx.DataCarrier = (*Node)(nil)
)

// value is what all nodes of one name stand for.
type value struct {
	name     string
	role     role
	producer *operation     // what writes it, if anything
	declared gtensor.Tensor // zeros of the declared type; of the declared shape, less its symbolic extents
	constant gtensor.Tensor // an initializer
	kept     bool           // among the model's inputs or outputs
	loose    gtensor.Tensor // attached to a node that is not: of an initializer or a value_info

	given  gtensor.Tensor // what the user has set
	result gtensor.Tensor // what the last run computed
}

// role is where a value comes from.
type role uint8

const (
	unknown role = iota
	input
	initializer
	computed
)

// settle finds out where v comes from; see [Backend.settle].
func (v *value) settle() {
	switch {
	case v.producer != nil:
		v.role = computed
	case v.constant != nil:
		v.role = initializer
	case v.kept:
		v.role = input
	case v.loose != nil:
		v.role, v.constant = initializer, v.loose
	}
}

// inputType returns the type of an input: that of its declaration, as far as it
// was not lost, with the rank of what it was set to.
func (v *value) inputType() tensor.Type {
	typ := tensor.TensorType(tensor.Undefined, nil)
	if v.given != nil {
		typ.Dims = tensor.UnknownDims(v.given.Dims())
	}
	if v.declared == nil {
		return typ
	}
	if t, err := gorgonia.Tensor(v.declared); err == nil {
		typ.DType = t.DType()
		if v.given != nil && t.Rank() == v.given.Dims() { // no extent was lost
			typ.Dims = tensor.KnownDims(t.Shape())
		}
	}
	return typ
}

// ID implements gonum's Node.
func (n *Node) ID() int64 {
	if b := n.backend; !b.linking() && n.isLast() {
		n.kept = true // see settle
	}
	return n.id
}

func (n *Node) isLast() bool { return n.id == firstID+int64(len(n.backend.nodes))-1 }

// SetName implements onnx-go's Namer. Nodes of one name are one value; the empty
// name is that of what is left out.
func (n *Node) SetName(name string) {
	b := n.backend
	if n.value = nil; name == "" {
		return
	}
	if b.values[name] == nil {
		if b.values == nil {
			b.values = make(map[string]*value)
		}
		b.values[name] = &value{name: name}
	}
	n.value = b.values[name]
}

// GetName implements onnx-go's Namer.
func (n *Node) GetName() string {
	if n.value == nil {
		return ""
	}
	return n.value.name
}

// SetTensor implements onnx-go's DataCarrier: it sets an input for the runs to
// come, or replaces an initializer, which makes the next run load the model
// anew. The tensor is read in each run.
func (n *Node) SetTensor(t gtensor.Tensor) error {
	b, v := n.backend, n.value
	dense, isDense := t.(*gtensor.Dense)
	switch {
	case t == nil, isDense && dense == nil:
		return fmt.Errorf("onnxgo: %q cannot be set to no tensor", n.GetName())
	case !b.linking():
		if n.isLast() && len(n.attached) == 0 {
			n.kept = false // see settle
		}
		n.attached = append(n.attached, t)
		return nil
	}
	b.settle()
	switch {
	case n.madeFor == len(b.operations):
		return errors.New("onnxgo: a Backend takes one model, and has one already")
	case v == nil:
		return errors.New("onnxgo: a value that is left out cannot be set")
	case v.role == input:
		v.given = t
	case v.role == initializer:
		v.constant = t
		return b.Close()
	default:
		return fmt.Errorf("onnxgo: %q is neither an input nor an initializer and cannot be set", v.name)
	}
	return nil
}

// GetTensor implements onnx-go's DataCarrier: it returns of an input what it was
// set to, else zeros of its declared type; of an initializer its tensor; of an
// output of the model what the last run computed, nil if there was none; nil of
// everything else.
func (n *Node) GetTensor() gtensor.Tensor {
	n.backend.settle()
	switch v := n.value; {
	case v == nil:
		return nil
	case v.role == initializer:
		return v.constant
	case v.role == computed:
		return v.result
	case v.given != nil:
		return v.given
	default:
		return v.declared
	}
}
