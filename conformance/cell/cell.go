// Package cell enumerates what a backend is scored on, and draws the problem of
// each cell from a seed.
//
// A [Cell] is one way of using one operator: operator × version × element type ×
// attribute class × shape class × layout. The cells follow from the operator
// catalogue and from the recipes of this package, one per operator, in tables
// by family: never from what a backend can do. [Make] draws the problem of a
// cell from a seed: a model of one node, and data to run it on. Equal seeds give
// equal problems on every machine; whether a cell exists does not depend on the
// seed.
package cell

import (
	"fmt"
	"strconv"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Cell is the unit of a score.
type Cell struct {
	Operator   string       // "Conv", "ai.onnx.ml.Scaler"
	Version    int          // the operator-set version that brought this form
	DType      tensor.DType // of the operator's data
	Attributes string       // attribute class: "default", "dilated"
	Shape      Shape
	Layout     Layout
}

// Shape is a class of shapes of the operator's data.
type Shape string

// The shape classes. Of those beyond the ranks, the operator decides the rank.
const (
	Scalar    Shape = "scalar" // rank 0
	Rank1     Shape = "rank1"
	Rank2     Shape = "rank2"
	Rank3     Shape = "rank3"
	Rank4     Shape = "rank4"
	Rank5     Shape = "rank5"
	Rank6     Shape = "rank6"
	Empty     Shape = "empty"     // an extent is 0
	Broadcast Shape = "broadcast" // operands of different shapes
	Dynamic   Shape = "dynamic"   // the model declares ranks only, and shapes change between runs
	Large     Shape = "large"     // more elements than a block of any kernel holds
)

// Layout is how the operator's data lies in memory before it gets there.
type Layout string

// The layouts.
const (
	Dense      Layout = ""
	Transposed Layout = "transposed" // data comes out of a Transpose: strided where a backend turns nothing
)

// Prefix begins the ID of every cell.
const Prefix = "op/"

// ID returns the cell's stable name, a path: "op/Conv/22/float32/dilated/rank4".
func (c Cell) ID() string {
	id := fmt.Sprintf("%s%s/%d/%v/%s/%s", Prefix, c.Operator, c.Version, c.DType, c.Attributes, c.Shape)
	if c.Layout != Dense {
		id += "/" + string(c.Layout)
	}
	return id
}

// Parse is the inverse of [Cell.ID].
func Parse(id string) (Cell, error) {
	parts := strings.Split(strings.TrimPrefix(id, Prefix), "/")
	if !strings.HasPrefix(id, Prefix) || len(parts) < 5 || len(parts) > 6 {
		return Cell{}, fmt.Errorf("cell: %q is no cell: it is op/OPERATOR/VERSION/TYPE/ATTRIBUTES/SHAPE[/LAYOUT]", id)
	}
	version, err := strconv.Atoi(parts[1])
	if err != nil {
		return Cell{}, fmt.Errorf("cell: %q: the version %q is no number", id, parts[1])
	}
	d, err := tensor.ParseDType(parts[2])
	if err != nil {
		return Cell{}, fmt.Errorf("cell: %q: %w", id, err)
	}
	c := Cell{Operator: parts[0], Version: version, DType: d, Attributes: parts[3], Shape: Shape(parts[4])}
	if len(parts) == 6 {
		c.Layout = Layout(parts[5])
	}
	return c, nil
}

// rank returns the rank that the shape class fixes, and whether it does.
func (s Shape) rank() (int, bool) {
	if s == Scalar {
		return 0, true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(string(s), "rank"))
	return n, err == nil
}

// Problem is a cell drawn from a seed: a model of one node, and what to run it on.
type Problem struct {
	Cell  Cell
	Model *graph.Model
	Node  *graph.Node // of the model: the one that the cell is about
	Draws []Draw
}

// Draw is one set of inputs, in the order of the model's.
type Draw struct {
	Name   string // "ordinary", "nonfinite", …
	Inputs []tensor.Value
}
