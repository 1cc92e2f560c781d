package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{
	"RNN":  func(c *Call) error { return recurrence(c, 1) },
	"GRU":  func(c *Call) error { return recurrence(c, 3) },
	"LSTM": func(c *Call) error { return recurrence(c, 4) },
}

// recurrence finds the extents of a recurrent operator with so many gates:
// Y [seq, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden];
// in layout 1 the batch comes first.
func recurrence(c *Call, gates int) error {
	directions := tensor.Known(1)
	switch d := c.Node.Text("direction", "forward"); d {
	case "forward", "reverse":
	case "bidirectional":
		directions = tensor.Known(2)
	default:
		return fmt.Errorf("direction %q is none of forward, reverse, bidirectional", d)
	}
	e := &sharedExtents{c: c}
	batchFirst := c.Node.Bool("layout", false)
	seq, batch, hidden, input := tensor.Symbol(""), tensor.Symbol(""), tensor.Symbol(""), tensor.Symbol("")
	if size := c.Node.Int("hidden_size", 0); size > 0 {
		hidden = tensor.Known(tensor.Extent(size))
	}
	all := scaled(hidden, gates)
	state := []*tensor.Dim{&directions, &batch, &hidden}
	if batchFirst {
		e.meet("X", 0, &batch, &seq, &input)
		state = []*tensor.Dim{&batch, &directions, &hidden}
	} else {
		e.meet("X", 0, &seq, &batch, &input)
	}
	e.meet("R", 2, &directions, &all, &hidden)
	e.meet("W", 1, &directions, &all, &input)
	e.meet("sequence_lens", 4, &batch)
	e.meet("initial_h", 5, state...)
	e.meet("initial_c", 6, state...)
	if !hidden.IsKnown() && all.IsKnown() {
		hidden = tensor.Known(all.Size / gates)
	}
	e.equal("R", all, scaled(hidden, gates))
	biases, peepholes := scaled(hidden, 2*gates), scaled(hidden, 3)
	e.meet("B", 3, &directions, &biases)
	e.meet("P", 7, &directions, &peepholes)
	if e.err != nil {
		return e.err
	}
	y, last := tensor.Dims{seq, directions, batch, hidden}, tensor.Dims{directions, batch, hidden}
	if batchFirst {
		y, last = tensor.Dims{batch, seq, directions, hidden}, tensor.Dims{batch, directions, hidden}
	}
	d := c.DType(0)
	c.Set(0, d, y)
	c.Set(1, d, last)
	c.Set(2, d, last.Clone())
	return nil
}

// sharedExtents gathers the extents that inputs of a node share. The first
// contradiction stays in err.
type sharedExtents struct {
	c   *Call
	err error
}

// meet merges the extents of input i with those given, and rejects another rank
// than theirs.
func (e *sharedExtents) meet(name string, i int, dims ...*tensor.Dim) {
	have := e.c.Dims(i)
	if e.err != nil || !e.c.Has(i) || !have.Ranked() {
		return
	}
	if len(have) != len(dims) {
		e.err = fmt.Errorf("%s has the shape %v, its rank must be %d", name, have, len(dims))
		return
	}
	for k, d := range dims {
		var err error
		if *d, err = unified(*d, have[k]); err != nil {
			e.err = fmt.Errorf("axis %d of %s of shape %v: %w", k, name, have, err)
			return
		}
	}
}

// equal rejects two extents that differ.
func (e *sharedExtents) equal(name string, a, b tensor.Dim) {
	if e.err == nil {
		_, e.err = agree(name, a, b)
	}
}
