package cpu

import (
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// recurrent holds LSTM, GRU, RNN.
var recurrent = family{
	{op: "LSTM", kernel: "recurrent", inputs: recurrentTypes, build: lstm, accept: plainRecurrence("Sigmoid", "Tanh", "Tanh")},
	{op: "GRU", kernel: "recurrent", inputs: recurrentTypes, build: gru, accept: plainRecurrence("Sigmoid", "Tanh")},
	{op: "RNN", kernel: "recurrent", inputs: recurrentTypes, build: rnn((*direction).rnn), accept: plainRecurrence("Tanh")},
	{op: "RNN", kernel: "recurrent", inputs: recurrentTypes, build: rnn((*direction).rectified), accept: plainRecurrence("Relu")},
}

var recurrentTypes = [][]tensor.DType{{tensor.Float32}, {tensor.Float32}, {tensor.Float32}, {tensor.Float32}, nil, {tensor.Float32}}

// plainRecurrence takes the given activations, by default or by name, sequences of one length, and
// neither clipping, peepholes, coupled gates nor a layout of its own.
func plainRecurrence(activations ...string) func(n *graph.Node) operators.Verdict {
	return func(n *graph.Node) operators.Verdict {
		for i, name := range n.Texts("activations") {
			if !strings.EqualFold(name, activations[i%len(activations)]) {
				return operators.Verdict{Reason: operators.WrongAttribute, Detail: "activations"}
			}
		}
		switch {
		case n.Has("clip"), n.Bool("input_forget", false), n.Bool("layout", false):
			return operators.Verdict{Reason: operators.WrongAttribute, Detail: "clip, input_forget or layout"}
		case n.Input(4) != nil, n.Input(7) != nil:
			return operators.Verdict{Reason: operators.WrongAttribute, Detail: "sequence_lens or peepholes"}
		}
		return native
	}
}

// recurrence is an LSTM, a GRU or an RNN: the share of the input in all gates is one
// product for all steps, then each step adds that of the state before.
type recurrence struct {
	device                          *Device
	node                            *graph.Node
	cell                            cell
	seq, batch, input, hidden, dirs int
	states, state                   tensor.Shape // of the outputs: Y, and of those for the last state
	reverse                         [2]bool      // by direction
	packed                          *[]recurrentWeights
	tasks                           tasks[recurrenceTask]
}

// cell is what tells recurrent operators apart.
type cell struct {
	gates int
	// joint: the products of input and state are added before the activations, in
	// all gates or in all but the last, which then has a product of its own.
	// Otherwise they stay apart.
	joint     bool
	lastApart bool
	// step computes the next state of one member of the batch.
	step func(d *direction, b int)
}

func lstm(d *Device, n *graph.Node) (planner, error) {
	return planRecurrence(d, n, cell{gates: 4, joint: true, step: (*direction).lstm}), nil
}

func gru(d *Device, n *graph.Node) (planner, error) {
	if n.Bool("linear_before_reset", false) {
		return planRecurrence(d, n, cell{gates: 3, step: (*direction).gruApart}), nil
	}
	return planRecurrence(d, n, cell{gates: 3, joint: true, lastApart: true, step: (*direction).gru}), nil
}

func rnn(step func(d *direction, b int)) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		return planRecurrence(d, n, cell{gates: 1, joint: true, step: step}), nil
	}
}

func planRecurrence(d *Device, n *graph.Node, k cell) planner {
	return func(c *operators.Call) (work, error) {
		x, r := c.Inputs[0].Shape, c.Inputs[2].Shape
		if len(x) != 3 || len(r) != 3 || x.Size() == 0 || r.Size() == 0 {
			return nil, nil
		}
		w := &recurrence{device: d, node: n, cell: k, seq: x[0], batch: x[1], input: x[2], hidden: r[2], dirs: 1}
		switch n.Text("direction", "forward") {
		case "forward":
		case "reverse":
			w.reverse[0] = true
		case "bidirectional":
			w.dirs, w.reverse[1] = 2, true
		default:
			return nil, nil
		}
		if !w.fits(c) || !roomFits(x.Size()+r.Size(), w.dirs, w.seq+1, w.batch, k.gates, w.hidden) && !roomFits(w.seq*w.batch*w.hidden, w.seq+1, w.batch, k.gates, w.hidden) {
			return nil, nil
		}
		w.states, w.state = tensor.Shape{w.seq, w.dirs, w.batch, w.hidden}, tensor.Shape{w.dirs, w.batch, w.hidden}
		weights, state, bias := n.Input(1), n.Input(2), n.Input(3)
		if weights.Const == nil || state.Const == nil || bias != nil && bias.Const == nil {
			return w, nil
		}
		form := packedRecurrent{state.Const, nil, k.joint, k.lastApart}
		var b []float32
		if bias != nil {
			form.bias, b = bias.Const, tensor.Slice[float32](bias.Const)
		}
		var err error
		w.packed, err = packedAs(&d.packed, weights.Const, form, w.packedBytes(), func() *[]recurrentWeights {
			list := w.pack(tensor.Slice[float32](weights.Const), tensor.Slice[float32](state.Const), b)
			return &list
		})
		return w, err
	}
}

// fits reports whether all operands have the shapes that X, R and the direction
// imply.
func (w *recurrence) fits(c *operators.Call) bool {
	rows, state := w.cell.gates*w.hidden, tensor.Shape{w.dirs, w.batch, w.hidden}
	for i, want := range []tensor.Shape{1: {w.dirs, rows, w.input}, 2: {w.dirs, rows, w.hidden}, 3: {w.dirs, 2 * rows}, 5: state, 6: state} {
		if want != nil && has(c, i) && !c.Inputs[i].Shape.Equal(want) {
			return false
		}
	}
	return has(c, 1) && int(w.node.Int("hidden_size", int64(w.hidden))) == w.hidden
}

// packedRecurrent is how the weights W were packed, with R and B.
type packedRecurrent struct {
	state, bias      *tensor.Tensor
	joint, lastApart bool
}

// recurrentWeights are the weights of one direction.
type recurrentWeights struct {
	input *matrix.Columns // (input, gates × hidden)
	state *matrix.Columns // (hidden, gates × hidden), without the last gate where that is apart
	last  *matrix.Columns // (hidden, hidden) of the last gate where it is apart
	bias  []float32       // of the input's product, and of the state's if they are joint
	rest  []float32       // of the state's product otherwise
}

// packedBytes returns what pack makes take.
func (w *recurrence) packedBytes() int64 {
	rows, joint, last := w.cell.gates*w.hidden, w.cell.gates*w.hidden, 0
	if w.cell.lastApart {
		joint, last = joint-w.hidden, w.hidden
	}
	return int64(w.dirs) * (matrix.ColumnsBytes(w.input, rows) + matrix.ColumnsBytes(w.hidden, joint) + matrix.ColumnsBytes(w.hidden, last) + int64(rows)*8)
}

// pack packs W (dirs, gates × hidden, input), R (dirs, gates × hidden, hidden)
// and B (dirs, 2 × gates × hidden), which may be nil.
func (w *recurrence) pack(input, state, bias []float32) []recurrentWeights {
	list := make([]recurrentWeights, w.dirs)
	rows, joint := w.cell.gates*w.hidden, w.cell.gates*w.hidden
	if w.cell.lastApart {
		joint -= w.hidden
	}
	for i := range list {
		p := &list[i]
		p.input = matrix.PackColumns(input[i*rows*w.input:], w.input, rows, 1, w.input)
		r := state[i*rows*w.hidden:][:rows*w.hidden]
		p.state = matrix.PackColumns(r, w.hidden, joint, 1, w.hidden)
		if w.cell.lastApart {
			p.last = matrix.PackColumns(r[joint*w.hidden:], w.hidden, w.hidden, 1, w.hidden)
		}
		p.bias, p.rest = make([]float32, rows), make([]float32, rows)
		if bias != nil {
			copy(p.bias, bias[2*i*rows:])
			copy(p.rest, bias[(2*i+1)*rows:])
		}
		if w.cell.joint {
			vector.AddFloat32.Both(p.bias, p.bias, p.rest)
		}
	}
	return list
}
