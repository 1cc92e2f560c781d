package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

// frame is the memory of one run of a plan. Bodies have frames of their own.
type frame struct {
	plan   *Plan
	filled bool
	arenas []*adapter.Buffer // per device, nil where nothing lies in one
	values []operators.Operand
	blocks []*block         // per slot; nil but for values in a pool
	held   []int64          // per slot; the bytes counted for a value on the host
	calls  []operators.Call // per step
	found  []found          // per step
	turns  []turn           // of bodies
	out    []argument       // what comes out, until the next run in this frame
	into   []*tensor.Tensor // per slot; nil, but for values on the host that tensors of the caller's are to take
}

// frame returns an idle frame of a plan, or a new one.
func (x *Execution) frame(p *Plan) (*frame, error) {
	var f *frame
	if idle := x.frames[p]; len(idle) > 0 {
		f, x.frames[p] = idle[len(idle)-1], idle[:len(idle)-1]
	} else {
		maps.DeleteFunc(x.frames, func(p *Plan, _ []*frame) bool { return p.dropped.Load() })
		f = &frame{
			plan:   p,
			values: make([]operators.Operand, len(p.slots)),
			blocks: make([]*block, len(p.slots)),
			held:   make([]int64, len(p.slots)),
			calls:  make([]operators.Call, len(p.steps)),
			found:  make([]found, len(p.steps)),
			turns:  make([]turn, p.turns),
			out:    make([]argument, len(p.outputs)),
			into:   make([]*tensor.Tensor, len(p.slots)),
		}
	}
	arenas := f.arenas
	if p.program.root {
		arenas = x.arenas
	} else if arenas == nil {
		arenas = make([]*adapter.Buffer, len(x.env.Devices))
	}
	for d, size := range p.arenas {
		if size == 0 || arenas[d] != nil && arenas[d].Size() >= size {
			continue
		}
		var err error
		if arenas[d], err = x.grow(arenas[d], d, size); err != nil {
			f.arenas = arenas
			f.free()
			return nil, fmt.Errorf("working memory of %d bytes on %s, of which %s: %w", size, x.env.Devices[d].Name(), p.largest(d), err)
		}
	}
	if f.filled && slices.Equal(f.arenas, arenas) {
		return f, nil
	}
	f.arenas = slices.Clone(arenas)
	return f, f.fill(x.env)
}

// grow returns an arena in the place of one that is too small, or of none. Plans that
// grow a little each time do not need a new one each time.
func (x *Execution) grow(arena *adapter.Buffer, device int, size int64) (*adapter.Buffer, error) {
	if arena == nil {
		return x.alloc(device, size)
	}
	x.retire(arena)
	b, err := x.alloc(device, size+size/8)
	if errors.Is(err, adapter.OutOfMemory) {
		return x.alloc(device, size)
	}
	return b, err
}

// retire gives a shared arena that is too small back, with the frames that refer
// to it.
func (x *Execution) retire(arena *adapter.Buffer) {
	for p := range x.frames {
		if p.program.root {
			delete(x.frames, p)
		}
	}
	x.env.free(arena)
}

// fill sets the values that are the same in every run with these arenas.
func (f *frame) fill(env *Env) error {
	f.filled = true
	for i, s := range f.plan.slots {
		switch s.storage {
		case inConstant:
			f.values[i] = s.constant
		case inArena:
			size := env.Devices[s.location].ValueSize(s.dtype, s.shape)
			r, err := f.arenas[s.location].Slice(s.offset, size)
			if err != nil {
				return err
			}
			f.values[i] = operators.Operand{DType: s.dtype, Shape: s.shape, Region: r}
		}
	}
	f.callOperands()
	return nil
}

// callOperands makes room for what kernels read and write.
func (f *frame) callOperands() {
	count := 0
	for _, s := range f.plan.steps {
		if k, ok := s.action.(*kernelAction); ok {
			count += len(k.inputs) + len(k.outputs)
		}
	}
	room := make([]operators.Operand, count)
	take := func(n int) []operators.Operand {
		taken := room[:n:n]
		room = room[n:]
		return taken
	}
	for i, s := range f.plan.steps {
		if k, ok := s.action.(*kernelAction); ok {
			f.calls[i].Inputs, f.calls[i].Outputs = take(len(k.inputs)), take(len(k.outputs))
		}
	}
}

// free gives the arenas back, but for those that it shares with other frames.
func (f *frame) free() {
	if f.plan.program.root {
		return
	}
	for _, b := range f.arenas {
		if b != nil {
			f.plan.program.env.free(b)
		}
	}
}

// drop forgets a value of the pool or of the host.
func (f *frame) drop(slot int) {
	f.blocks[slot].release()
	f.blocks[slot] = nil
	f.values[slot] = operators.Operand{}
	if f.held[slot] > 0 {
		f.plan.program.env.Memory.releaseHost(f.held[slot])
		f.held[slot] = 0
	}
}
