package cpu

import (
	"slices"

	"example.com/midplane/operators/graph"
)

// InPlace implements operators.InPlacer, for operators whose kernels read all
// that an element of the output is made of before they write it. (The reference
// computes the whole output first.)
func (d *Device) InPlace(n *graph.Node) []int {
	switch op := n.Operator(); op {
	case "Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu", "And", "Or", "Xor",
		"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual":
		if len(n.Inputs) == 2 { // of more, the first two are combined before the others are read
			return []int{0, 1}
		}
	case "Where":
		return []int{1, 2}
	case "ScatterElements", "ScatterND", "TensorScatter":
		if !slices.Contains(n.Inputs[1:], n.Inputs[0]) { // which is read while the output is written
			return []int{0}
		}
	case "Clip", "Not", "Cast", "Softmax",
		"BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization":
		return []int{0}
	default:
		for _, table := range []functionTable{functions, trigonometricFunctions, activations} {
			if table[op] != nil {
				return []int{0}
			}
		}
	}
	return nil
}
