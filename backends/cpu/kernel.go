package cpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/parallel"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// work is what a node does for operands of certain shapes. It is safe for
// concurrent use.
type work interface {
	run(ctx context.Context, c *operators.Call) error
}

// workFunc is work that is a function.
type workFunc func(ctx context.Context, c *operators.Call) error

func (f workFunc) run(ctx context.Context, c *operators.Call) error { return f(ctx, c) }

// planner finds the work of a node for the shapes of a call's inputs, and for
// the values of those inputs that the kernel names. It returns nil to leave the
// call to the reference: where there is nothing to compute, or where the shapes
// are wrong and the reference says how.
type planner func(c *operators.Call) (work, error)

// kernel runs a node. Whether shapes are known when it is built or not, it plans
// its work when it first meets them, and keeps it until others come.
type kernel struct {
	node   *graph.Node
	inputs []*graph.Value // of the node, or of the group that it is the last of
	plan   planner
	rest   func(ctx context.Context, c *operators.Call) error // computes what the plan leaves to the reference
	values []int                                              // inputs whose values the plan depends on
	last   atomic.Pointer[planned]
}

// planned is work and what it was planned for.
type planned struct {
	work
	inputs, outputs []tensor.Shape // nil where there is none, or none yet
	values          [][]byte
}

// Run implements operators.Kernel.
func (k *kernel) Run(ctx context.Context, c *operators.Call) error {
	p := k.last.Load()
	if p == nil || !p.fits(k, c) {
		var err error
		if p, err = k.prepare(c); err != nil {
			return err
		}
		k.last.Store(p)
	}
	if p.work != nil {
		if err := p.run(ctx, c); err != errUnfit {
			return err
		}
	}
	return k.rest(ctx, c)
}

// planAhead plans the work where all that it depends on is known already.
func (k *kernel) planAhead() error {
	c := &operators.Call{Inputs: make([]operators.Operand, len(k.inputs)), Outputs: make([]operators.Operand, len(k.node.Outputs))}
	for i, v := range k.inputs {
		if v == nil {
			continue
		}
		shape, known := v.Type.Dims.Shape()
		if !known || v.Const == nil && slices.Contains(k.values, i) {
			return nil
		}
		c.Inputs[i] = operators.Operand{DType: v.Type.DType, Shape: shape, Region: driver.Region{Buffer: somewhere}}
		if v.Const != nil {
			c.Inputs[i].Host = v.Const
		}
	}
	for i, v := range k.node.Outputs {
		if v == nil {
			continue
		}
		shape, known := v.Type.Dims.Shape()
		if !known {
			return nil
		}
		c.Outputs[i] = operators.Operand{DType: v.Type.DType, Shape: shape, Region: driver.Region{Buffer: somewhere}}
	}
	p, err := k.prepare(c)
	if err == nil {
		k.last.Store(p)
	}
	return err
}

// somewhere is where operands lie of which only the shape is known.
var somewhere = struct{ driver.Buffer }{}

// errUnfit is returned by work that has met values, before it wrote anything,
// that only the reference deals with.
var errUnfit = errors.New("left to the reference")

func (k *kernel) prepare(c *operators.Call) (*planned, error) {
	inputs, outputs := shapesOf(c.Inputs), shapesOf(c.Outputs)
	w, err := k.plan(c)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", k.node.Label(), err)
	}
	p := &planned{work: w, inputs: inputs, outputs: outputs}
	for _, i := range k.values {
		b, err := valueBytes(c, i)
		if err != nil {
			return nil, err
		}
		p.values = append(p.values, bytes.Clone(b))
	}
	return p, nil
}

// fits reports whether the work is that of a call.
func (p *planned) fits(k *kernel, c *operators.Call) bool {
	if !sameShapes(c.Inputs, p.inputs) || !sameShapes(c.Outputs, p.outputs) {
		return false
	}
	for n, i := range k.values {
		b, err := valueBytes(c, i)
		if err != nil || !bytes.Equal(b, p.values[n]) {
			return false
		}
	}
	return true
}

func shapesOf(operands []operators.Operand) []tensor.Shape {
	shapes := make([]tensor.Shape, len(operands))
	for i, o := range operands {
		if o.Present() {
			shapes[i] = o.Shape.Clone()
		}
	}
	return shapes
}

func sameShapes(operands []operators.Operand, shapes []tensor.Shape) bool {
	for i, o := range operands {
		if o.Present() != (shapes[i] != nil) || !o.Shape.Equal(shapes[i]) {
			return false
		}
	}
	return true
}

// tasks keeps what runs of one kind of work need for themselves, for reuse.
type tasks[T any] struct{ pool sync.Pool }

func (p *tasks[T]) get() *T {
	if t, ok := p.pool.Get().(*T); ok {
		return t
	}
	return new(T)
}

func (p *tasks[T]) put(t *T) {
	var zero T
	*t = zero
	p.pool.Put(t)
}

// grain is how many elements are worth a piece of work of their own where each
// takes an instruction or two.
const grain = 1 << 14

// piecesOf divides elements, each of a cost, into pieces for a number of
// threads, and returns how many elements a piece has. A multiple of 64 keeps the
// pieces out of each other's cache lines.
func piecesOf(elements, cost, threads int) (pieces, size int) {
	if elements == 0 {
		return 0, 1
	}
	least := max(grain/max(cost, 1), 1)
	size = max((elements+4*threads-1)/(4*threads), least)
	if threads <= 1 {
		size = max(16*least, 1)
	}
	if size > 64 {
		size = (size + 63) &^ 63
	}
	return (elements + size - 1) / size, size
}

// share divides n units of work, each of a cost in elements, into pieces.
func share(n, cost, threads int) (pieces, size int) {
	if n == 0 {
		return 0, 1
	}
	size = max((n+4*threads-1)/(4*threads), (grain+cost-1)/max(cost, 1), 1)
	if threads <= 1 {
		size = max((16*grain+cost-1)/max(cost, 1), 1)
	}
	return (n + size - 1) / size, size
}

// divide runs a task in pieces on the device's threads. A piece that takes long
// may end early once the context is over.
func (d *Device) divide(ctx context.Context, pieces int, t parallel.Task) error {
	if err := parallel.Run(ctx, d.threads, pieces, t); err != nil {
		return err
	}
	return ctx.Err()
}

// each runs f for all of n units of work, each of a cost in elements, in pieces
// [first, end) on the device's threads.
func (d *Device) each(ctx context.Context, n, cost int, f func(first, end int)) error {
	pieces, size := share(n, cost, d.threads)
	return d.divide(ctx, pieces, eachTask{n, size, f})
}

// eachTask is units of work in pieces of a size.
type eachTask struct {
	n, size int
	f       func(first, end int)
}

// Do implements parallel.Task.
func (t eachTask) Do(_, piece int) { t.f(piece*t.size, min((piece+1)*t.size, t.n)) }

// units is work on units, each of a cost in elements: do computes the units [first,
// end) of a run, whose operands are a T. What runs need is kept for reuse.
type units[T any] struct {
	do    func(t *T, first, end int)
	tasks tasks[unitsTask[T]]
}

// each does a run of n units, in pieces on the device's threads.
func (u *units[T]) each(ctx context.Context, d *Device, n, cost int, operands T) error {
	t := u.tasks.get()
	defer u.tasks.put(t)
	pieces, size := share(n, cost, d.threads)
	*t = unitsTask[T]{u, operands, n, size}
	return d.divide(ctx, pieces, t)
}

// unitsTask is one run of units in pieces of a size.
type unitsTask[T any] struct {
	of       *units[T]
	operands T
	n, size  int
}

// Do implements parallel.Task.
func (t *unitsTask[T]) Do(_, piece int) {
	t.of.do(&t.operands, piece*t.size, min((piece+1)*t.size, t.n))
}

// fromTo are the operands of work that makes an R of each T, or one of some.
type fromTo[T, R any] struct {
	a   []T
	dst []R
}

// mostRoom is how many elements of scratch a kernel may take beyond a multiple of
// its operands: attributes alone must not decide how much memory is used.
const mostRoom = 1 << 24

// roomFits reports whether scratch of the given extents is in proportion to
// operands of so many elements.
func roomFits(operands int, extents ...int) bool {
	n, err := tensor.Shape(extents).Elements()
	return err == nil && n <= mostRoom+8*operands
}
