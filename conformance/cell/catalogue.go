package cell

import (
	"slices"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// All returns every cell, by operator, version, element type, attribute class
// and shape class. The slice is shared and must not be changed.
func All() []Cell { return all() }

var all = sync.OnceValue(func() []Cell {
	var cells []Cell
	for s := range operators.All() {
		if r, ok := lookup(s.Operator()); ok && !s.Deprecated {
			cells = append(cells, cellsOf(s, r)...)
		}
	}
	return cells
})

// cellsOf returns the cells of one version of an operator.
func cellsOf(s *operators.Schema, r recipe) []Cell {
	var cells []Cell
	add := func(c Cell) bool {
		exists := !sketch(c, s, r, 0).missing
		if exists {
			cells = append(cells, c)
		}
		return exists
	}
	names := r.classes
	if names == nil {
		names = classes()
	}
	for _, t := range typesOf(s, r) {
		for _, class := range names {
			for _, shape := range r.shapes {
				c := Cell{Operator: s.Operator(), Version: s.Since, DType: t, Attributes: class, Shape: shape}
				if add(c) && slices.Contains(names[:min(len(names), 2)], class) && shape == r.shapes[0] && turnable(c, s, r) {
					c.Layout = Transposed
					add(c)
				}
			}
		}
	}
	return cells
}

// typesOf returns the element types that the cells of a version range over.
func typesOf(s *operators.Schema, r recipe) []tensor.DType {
	return elementTypes(s.Allowed(variable(s, r)))
}

// Types returns the element types that the cells of a version of an operator
// range over.
func Types(operator string, version int) []tensor.DType {
	domain, name := graph.SplitOperator(operator)
	s, known := operators.Lookup(domain, name, version)
	r, ok := lookup(operator)
	if !known || !ok {
		return nil
	}
	return typesOf(s, r)
}

// variable returns the type variable, or the type, of the cell's element type.
func variable(s *operators.Schema, r recipe) string {
	if r.typed != "" || len(s.Inputs) == 0 {
		return r.typed
	}
	return s.Inputs[0].Type
}

// turnable reports whether a cell has data that a Transpose can bring.
func turnable(c Cell, s *operators.Schema, r recipe) bool {
	d := sketch(c, s, r, 0)
	version := c.Version
	if s.Domain != "" {
		version = bodyVersion
	}
	transpose, _ := operators.Lookup("", "Transpose", version)
	return !r.host && s.Name != "Transpose" &&
		slices.Contains(transpose.Allowed("T"), "tensor("+c.DType.ONNXName()+")") &&
		slices.ContainsFunc(d.operands, (*operand).turned)
}

// turned reports whether the operand comes out of a Transpose in a cell of that
// layout.
func (o *operand) turned() bool { return o != nil && o.role == data && len(o.typ.Dims) > 1 }

// newestOf returns the newest version of an operator that is not deprecated.
func newestOf(operator string) int {
	s, _ := operators.Newest(graph.SplitOperator(operator))
	return s.Since
}

// Newest reports whether the cell is of the newest version of its operator.
func (c Cell) Newest() bool { return newestOf(c.Operator) == c.Version }

// First reports whether the cell has the first attribute class of its operator,
// Usual whether it has the shape class that is usual there.
func (c Cell) First() bool {
	r, _ := lookup(c.Operator)
	return r.classes == nil || c.Attributes == r.classes[0]
}

// Usual reports whether the cell has its operator's usual shape class.
func (c Cell) Usual() bool {
	r, _ := lookup(c.Operator)
	return c.Shape == r.shapes[0]
}

// HostOnly reports whether the cell's values live on the host: strings and
// containers.
func (c Cell) HostOnly() bool {
	r, _ := lookup(c.Operator)
	return r.host || c.DType == tensor.String
}
