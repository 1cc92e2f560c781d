package conformance

import (
	"context"
	"fmt"

	"example.com/midplane/conformance/cell"
	"example.com/midplane/operators/onnx"
)

// neighbourCase runs an operator on a device on which the same operator has run
// with other attributes, shapes and weights just before, in another session that
// is still open: what a device keeps must be kept apart.
type neighbourCase struct{ cell, other cell.Cell }

func (c neighbourCase) id() string {
	return fmt.Sprintf("law/neighbour/%s/%v", c.cell.Operator, c.cell.DType)
}

// neighbours returns a case for every operator that runs on a device: its usual
// cell beside the cell of another attribute class, or where it has one class
// only, of another seed.
func neighbours() []testcase {
	var (
		cases []testcase
		at    = make(map[string]int)
	)
	for _, c := range cell.All() {
		if !c.Newest() || !c.Usual() || !mainType(c) || c.Layout != cell.Dense || c.HostOnly() {
			continue
		}
		i, known := at[c.Operator]
		switch {
		case !known && c.First():
			at[c.Operator] = len(cases)
			cases = append(cases, neighbourCase{c, c})
		case known:
			if n := cases[i].(neighbourCase); n.other == n.cell {
				cases[i] = neighbourCase{n.cell, c}
			}
		}
	}
	return cases
}

func (c neighbourCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c neighbourCase) exam(ctx context.Context, r *runner) (*exam, error) {
	p, err := cell.Make(c.cell, r.options.Seed)
	if err != nil {
		return nil, err
	}
	other, err := cell.Make(c.other, r.options.Seed+1)
	if err != nil {
		return nil, err
	}
	p.Draws = p.Draws[:1]
	e, err := problemExam(ctx, r, p, false)
	if err != nil {
		return nil, err
	}
	t := e.trials[0]
	t.NeighbourSet = other.Draws[0].Inputs
	t.Neighbour, err = onnx.Encode(other.Model)
	return e, err
}
