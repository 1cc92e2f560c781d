package plan

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
)

// Execution is the state of one run at a time: a stream, an arena and a pool per
// device, and frames of the plans that it has run. A session keeps idle ones.
type Execution struct {
	env     *Env
	ctx     context.Context
	streams []*adapter.Stream
	arenas  []*adapter.Buffer // of the root's plans, of which one runs at a time; as large as the largest needs
	pools   []*pool
	frames  map[*Plan][]*frame // idle ones
	pending []any              // host memory that enqueued copies still read
	args    []argument         // of the root's parameters

	iterations int  // of loops, since the beginning
	inWork     bool // memory is taken by work that a device is doing
}

// NewExecution returns an idle execution.
func NewExecution(env *Env) (*Execution, error) {
	x := &Execution{env: env, frames: make(map[*Plan][]*frame), arenas: make([]*adapter.Buffer, len(env.Devices))}
	for d, dev := range env.Devices {
		s, err := dev.NewStream()
		if err != nil {
			return nil, errors.Join(err, x.Close())
		}
		x.streams = append(x.streams, s)
		x.pools = append(x.pools, &pool{execution: x, device: d, lent: make(map[*block]bool)})
	}
	return x, nil
}

// Close gives streams, arenas and pools back.
func (x *Execution) Close() error {
	var errs []error
	for _, s := range x.streams {
		errs = append(errs, s.Close())
	}
	x.trim()
	for d, arena := range x.arenas {
		if arena != nil {
			x.env.free(arena)
		}
		x.arenas[d] = nil
	}
	return errors.Join(errs...)
}

// trim gives the memory of idle frames and idle blocks back. No work that uses
// it may be under way.
func (x *Execution) trim() {
	for _, frames := range x.frames {
		for _, f := range frames {
			f.free()
		}
	}
	clear(x.frames)
	for _, p := range x.pools {
		p.empty()
	}
}

// alloc takes memory of a device. Where there is none left, it gives back first
// what is idle.
func (x *Execution) alloc(device int, size int64) (*adapter.Buffer, error) {
	b, err := x.env.alloc(device, size)
	if !errors.Is(err, adapter.OutOfMemory) {
		return b, err
	}
	if x.inWork { // whose end cannot be waited for; all before it is done
		x.pools[device].empty()
		return x.env.alloc(device, size)
	}
	for _, s := range x.streams {
		if err := s.Synchronize(x.ctx); err != nil {
			return nil, err
		}
	}
	x.trim()
	return x.env.alloc(device, size)
}

// argument is a value handed to a plan or coming out of one, with the block
// that it lies in, if it is one of the execution's.
type argument struct {
	operators.Operand
	block    *block
	location int
}

// Run runs a plan of a root program: values are in the order of its parameters,
// operands on their given locations. Into has, for outputs that are wanted on a
// device, tensors there that take them, and may have tensors on the host for
// others, over none of whose memory an input lies; it may be nil. Run sets values
// to the outputs that are wanted on the host: where into has a tensor that fits,
// to that, else to values that belong to the caller. When it returns, with an
// error or without, no work is under way.
func (x *Execution) Run(ctx context.Context, p *Plan, params, into []operators.Operand, values []tensor.Value) error {
	x.ctx = ctx
	x.args = x.args[:0]
	for _, o := range params {
		x.args = append(x.args, argument{Operand: o})
	}
	out, err := x.run(p, x.args, into)
	if err == nil {
		err = x.deliver(p, out, into)
	}
	err = errors.Join(err, x.synchronize(err != nil))
	releaseAll(out)
	for _, p := range x.pools {
		p.sweep()
	}
	if err == nil {
		for i, o := range out {
			values[i] = o.Host
			if s := p.slots[p.outputs[i]].storage; s == inConstant || s == inParam || shares(o.Host) {
				values[i] = own(o.Host)
			}
		}
	}
	clear(x.args)
	clear(out)
	if ended := ctx.Err(); err != nil && ended != nil && errors.Is(err, ended) && !errors.Is(err, adapter.Canceled) {
		err = &adapter.Error{Code: adapter.Canceled, Op: "Run", Err: err}
	}
	return err
}

// shares reports whether a value may hold constants or the caller's inputs:
// containers and strings, which the host makes of what there is.
func shares(v tensor.Value) bool {
	t, ok := v.(*tensor.Tensor)
	return !ok || t.DType() == tensor.String
}

// deliver copies the outputs that lie on devices into the tensors that take
// them.
func (x *Execution) deliver(p *Plan, out []argument, into []operators.Operand) error {
	for i, o := range out {
		if o.location == Host {
			continue
		}
		to := into[i]
		if to.DType != o.DType || !to.Shape.Equal(o.Shape) {
			return fmt.Errorf("output %q is %v%v, what should take it is %v%v", p.program.graph.Outputs[i].Name, o.DType, o.Shape, to.DType, to.Shape)
		}
		if err := x.streams[o.location].Copy(x.ctx, packed(to), packed(o.Operand)); err != nil {
			return err
		}
	}
	return nil
}

// own returns a copy of a value that belongs to someone else.
func own(v tensor.Value) tensor.Value {
	switch x := v.(type) {
	case *tensor.Tensor:
		return x.Clone()
	case *tensor.Sequence:
		list := &tensor.Sequence{Elem: x.Elem, Items: make([]tensor.Value, len(x.Items))}
		for i, item := range x.Items {
			list.Items[i] = own(item)
		}
		return list
	case *tensor.Optional:
		o := &tensor.Optional{Elem: x.Elem}
		if x.Item != nil {
			o.Item = own(x.Item)
		}
		return o
	case *tensor.Map:
		return &tensor.Map{Keys: x.Keys.Clone(), Values: own(x.Values)}
	}
	return v
}

// run runs a plan in a frame of its own and returns its outputs with a
// reference to each block, which are the caller's until the plan runs again.
func (x *Execution) run(p *Plan, args []argument, into []operators.Operand) ([]argument, error) {
	f, err := x.frame(p)
	if err != nil {
		return nil, err
	}
	for i, s := range p.params {
		f.values[s], f.blocks[s] = args[i].Operand, args[i].block.retain()
	}
	for i, o := range into {
		f.into[p.outputs[i]], _ = o.Host.(*tensor.Tensor)
	}
	out, err := x.steps(f)
	if into != nil {
		clear(f.into)
	}
	for i, s := range p.slots {
		if s.storage == inParam || s.storage == inPool || s.storage == onHost || s.storage == inView {
			f.drop(i)
		}
	}
	x.frames[p] = append(x.frames[p], f)
	return out, err
}

// steps runs every step of a frame's plan: the straight line.
func (x *Execution) steps(f *frame) ([]argument, error) {
	for i := range f.plan.steps {
		s := &f.plan.steps[i]
		if err := x.ctx.Err(); err != nil {
			return nil, err
		}
		if err := x.step(s, f, i); err != nil {
			if a := s.action.place(); a != nil {
				err = wrap(a.Node, x.env.Placement.DeviceName(a.Device), err)
			}
			return nil, err
		}
		for _, r := range s.release {
			f.drop(r)
		}
	}
	return x.results(f)
}

// step runs one action, and tells the hook of it.
func (x *Execution) step(s *step, f *frame, i int) error {
	f.calls[i].Stream = nil
	a := s.action.place()
	if x.env.Hook == nil || a == nil {
		return s.action.run(x, f, i)
	}
	start := time.Now()
	err := s.action.run(x, f, i)
	if err == nil && a.Device != Host {
		err = x.streams[a.Device].Synchronize(x.ctx)
	}
	x.tell(a, start, time.Since(start))
	return err
}

// tell tells the hook of a step. Of a group the first node took all the time.
func (x *Execution) tell(a *partition.Assignment, start time.Time, took time.Duration) {
	device := x.env.Placement.DeviceName(a.Device)
	if a.Group == nil {
		x.env.Hook(NodeEvent{a.Node, device, a.Route, a.Kernel, start, took})
		return
	}
	for i, n := range a.Group {
		x.env.Hook(NodeEvent{n, device, a.Route, a.Kernel, start, took})
		if i == 0 {
			start, took = start.Add(took), 0
		}
	}
}

// results collects the outputs of a frame. What lies in the memory of a caller
// is copied, since the caller may reuse that.
func (x *Execution) results(f *frame) ([]argument, error) {
	out := f.out
	clear(out)
	for i, s := range f.plan.outputs {
		o := argument{f.values[s], f.blocks[s].retain(), f.plan.slots[s].location}
		root, _ := f.plan.root(s)
		if f.plan.slots[root].storage == inParam && o.block == nil && o.Host == nil {
			b, r, err := x.pools[f.plan.slots[s].location].alloc(o.Region.Size)
			if err != nil {
				return out, err
			}
			if err := x.streams[f.plan.slots[s].location].Copy(x.ctx, r, o.Region); err != nil {
				return out, err
			}
			o.Region, o.block = r, b
		}
		out[i] = o
	}
	return out, nil
}

// synchronize waits for all streams. After a failure the context may be over
// already, but work under way must still end before memory is used again.
func (x *Execution) synchronize(failed bool) error {
	ctx := x.ctx
	if failed {
		ctx = context.WithoutCancel(ctx)
	}
	var errs []error
	for _, s := range x.streams {
		err := s.Synchronize(ctx)
		if err != nil && !failed {
			err = errors.Join(err, s.Synchronize(context.WithoutCancel(ctx)))
		}
		if err != nil && !failed {
			errs = append(errs, err)
		}
	}
	clear(x.pending)
	x.pending = x.pending[:0]
	return errors.Join(errs...)
}

// finish waits for a device whose work may take memory of the execution: it does
// so to its end even where the context is over before.
func (x *Execution) finish(device int) error {
	err := x.streams[device].Synchronize(x.ctx)
	if err != nil && x.ctx.Err() != nil {
		_ = x.streams[device].Synchronize(context.WithoutCancel(x.ctx))
	}
	return err
}

// ahead is how many iterations of loops may be enqueued before the first of them
// has ended.
const ahead = 256

// breathe counts an iteration of a loop, and waits for devices now and then: what
// is enqueued takes memory of the host.
func (x *Execution) breathe() error {
	if runtime.GOARCH == "wasm" {
		runtime.Gosched() // nothing else lets deadlines pass there
	}
	if x.iterations++; x.iterations%ahead != 0 {
		return nil
	}
	for _, s := range x.streams {
		if err := s.Synchronize(x.ctx); err != nil {
			return err
		}
	}
	clear(x.pending)
	x.pending = x.pending[:0]
	return nil
}

// keep holds host memory that an enqueued copy reads until the next
// synchronisation.
func (x *Execution) keep(v any) { x.pending = append(x.pending, v) }

// allocate makes memory for a value of a slot whose shape was just found.
func (x *Execution) allocate(f *frame, slot int, d tensor.DType, shape tensor.Shape) (operators.Operand, error) {
	if _, err := shape.Elements(); err != nil {
		return operators.Operand{}, err
	}
	s := f.plan.slots[slot]
	size := x.env.Devices[s.location].ValueSize(d, shape)
	b, r, err := x.pools[s.location].alloc(size)
	if err != nil {
		return operators.Operand{}, err
	}
	f.blocks[slot].release()
	f.blocks[slot] = b
	f.values[slot] = operators.Operand{DType: d, Shape: shape, Region: r}
	return f.values[slot], nil
}

// packed is the part of an operand's region that elements take as the host
// packs them.
func packed(o operators.Operand) driver.Region {
	r := o.Region
	r.Size = int64(o.DType.Bytes(o.Shape.Size()))
	return r
}
