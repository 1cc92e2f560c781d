// Package opset lifts graphs from the operator-set versions that their files
// import to the newest form of every operator, so that nothing behind it has to
// know of versions.
//
// Rules of one family lie in one file, in a table named after it; [table.go]
// gathers the tables. An operator without rules kept its meaning in every
// version (types aside). A form that the newest version cannot express becomes
// an operator of the domain [Legacy].
package opset

import (
	"example.com/midplane/operators/graph"
)

// Legacy is the domain of operators that exist only to express old forms.
const Legacy = "midplane.legacy"

// Rule lifts nodes that are read under a version below Below. It either changes
// the node in place and returns its Outputs, adding only constants to the
// builder, and then later rules of the operator still apply to it; or it emits
// nodes in their newest form that replace it. The types of a node's inputs are
// known to it as far as inference gets, those of emitted values too.
type Rule struct {
	Below int
	Lift  graph.Rewrite
}

// family is the table of one file: rules by operator name (preceded by the
// domain and a dot outside ai.onnx), in ascending order of Below.
type family map[string][]Rule
