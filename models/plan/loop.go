package plan

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
)

// loopAction runs a body over and over: ONNX's Loop.
type loopAction struct {
	assignment       partition.Assignment
	trips, condition int // slots on the host, -1 where absent
	state            []int
	body             branch
	outputs          []int
}

func (m *maker) loopNode(n *graph.Node, a partition.Assignment) error {
	l := &loopAction{assignment: a}
	var err error
	if l.trips, err = m.at(n.Input(0), Host); err != nil {
		return err
	}
	if l.condition, err = m.at(n.Input(1), Host); err != nil {
		return err
	}
	if l.body, err = m.branch(n, "body"); err != nil {
		return err
	}
	wants := l.body.program.wants[1:]
	for i, v := range n.Inputs[min(2, len(n.Inputs)):] {
		s, err := m.at(v, wants[i])
		if err != nil {
			return err
		}
		l.state = append(l.state, s)
	}
	l.outputs = m.controlOutputs(n, wants)
	m.emit(l)
	return nil
}

func (l *loopAction) place() *partition.Assignment { return &l.assignment }
func (l *loopAction) writes() []int                { return l.outputs }
func (l *loopAction) reads() []int {
	return append(append([]int{l.trips, l.condition}, l.state...), l.body.captured...)
}
func (l *loopAction) describe(p *Plan) string {
	return fmt.Sprintf("Loop %s -> %s", p.names(l.state), p.names(l.outputs))
}

// loop is one run of a loopAction.
type loop struct {
	*loopAction
	trips     int64 // at most
	condition bool
	trip      int64 // made so far
	state     []argument
	scans     []scan // one for each output behind the state
}

func (l *loopAction) run(x *Execution, f *frame, _ int) error {
	r := &loop{loopAction: l, trips: math.MaxInt64, condition: true}
	var err error
	if l.trips >= 0 {
		if r.trips, err = number(f.values[l.trips]); err != nil {
			return err
		}
	}
	if l.condition >= 0 {
		if r.condition, err = truth(f.values[l.condition]); err != nil {
			return err
		}
	}
	for i, s := range l.state {
		r.state = append(r.state, argument{f.values[s], f.blocks[s].retain(), l.body.program.wants[1+i]})
	}
	for i := range l.body.program.graph.Outputs[1+len(r.state):] {
		r.scans = append(r.scans, scan{slot: -1})
		if k := len(r.state) + i; k < len(l.outputs) {
			r.scans[i].slot = l.outputs[k]
		}
	}
	defer func() {
		for i := range r.scans {
			r.scans[i].drop(x)
		}
	}()
	// Without a condition to begin with, what the body says of it is ignored.
	for ; r.trip < r.trips && (r.condition || l.condition < 0); r.trip++ {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		err := r.iterate(x, f)
		if err == nil {
			err = x.breathe()
		}
		if err != nil {
			return fmt.Errorf("iteration %d: %w", r.trip, err)
		}
	}
	return r.results(x, f)
}

// iterate runs the body once.
func (r *loop) iterate(x *Execution, f *frame) error {
	own := append([]argument{r.counter(0, tensor.Scalar(r.trip)), r.counter(1, tensor.Scalar(r.condition))}, r.state...)
	out, err := r.body.call(x, f, own)
	releaseAll(r.state)
	if err != nil {
		return err
	}
	if r.condition, err = truth(out[0].Operand); err != nil {
		return err
	}
	copy(r.state, out[1:])
	for i, o := range out[1+len(r.state):] {
		if err := r.scans[i].add(x, f, o); err != nil {
			return fmt.Errorf("scan output %d: %w", i, err)
		}
	}
	return nil
}

// counter is the iteration number or the condition as the body takes it: a
// scalar, or of shape [1] where the body declares it so.
func (r *loop) counter(input int, t *tensor.Tensor) argument {
	if declared := r.body.program.graph.Inputs[input].Type; len(declared.Dims) == 1 {
		t, _ = t.Reshape(tensor.Shape{1}) // one element is one element
	}
	return argument{Operand: hostOperand(t), location: Host}
}

func releaseAll(args []argument) {
	for _, a := range args {
		a.block.release()
	}
}

// results hands the final state and the stacked scan outputs to the frame.
func (r *loop) results(x *Execution, f *frame) error {
	for i, o := range r.state {
		if r.trip == 0 && o.Host == nil && o.block == nil && i < len(r.outputs) && r.outputs[i] >= 0 {
			// The initial value lies in memory that may be reused before the
			// output is read: it is copied.
			to, err := x.allocate(f, r.outputs[i], o.DType, o.Shape)
			if err == nil {
				err = x.streams[o.location].Copy(x.ctx, packed(to), packed(o.Operand))
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := x.take(f, r.outputs, i, o); err != nil {
			return err
		}
	}
	for i := range r.scans {
		if r.scans[i].slot < 0 {
			continue
		}
		if err := r.scans[i].finish(x, f); err != nil {
			return fmt.Errorf("scan output %d: %w", i, err)
		}
	}
	return nil
}
