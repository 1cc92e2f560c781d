package cpu_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// agreement compares a kernel with the reference on one node.
type agreement struct {
	op         string
	attributes []graph.Attribute
	inputs     []*tensor.Tensor // nil where absent
	constants  []int            // which of them are constants of the graph
	outputs    int              // 1 by default
	kernel     string           // the kernel's name
	tolerance  float64          // share of the largest expected magnitude; 0: equal
	threads    int
	static     bool // only with shapes known beforehand
}

// check runs the kernel with all shapes known beforehand, then with none, when
// outputs are made by the kernel, or by the caller just before, there also in
// place of the inputs that the device names.
func (a agreement) check(t *testing.T) {
	t.Helper()
	d := cpu.New(&driver.Options{Threads: cmp.Or(a.threads, 2)})
	defer func() { require.NoError(t, d.Close()) }()
	n := a.node()
	want, wantErr := reference.Run(t.Context(), n, values(a.inputs), nil)
	for _, static := range []bool{true, false}[:2-btoi(a.static)] {
		n := a.node()
		for i, v := range n.Outputs {
			if wantErr == nil {
				v.Type = want[i].Type()
			}
		}
		if !static {
			forgetShapes(n)
		}
		v := d.Supports(n)
		require.Equal(t, operators.Native, v.Level, "%v", v)
		require.Equal(t, a.kernel, v.Kernel, "%v", a)
		k, err := d.Build(n)
		require.NoError(t, err)
		for round := range 2 {
			ready := static || round == 1
			got, err := a.run(t, d, k, want, ready && wantErr == nil)
			if wantErr != nil {
				assert.Error(t, err, "the reference says %v", wantErr)
				continue
			}
			require.NoError(t, err, "%v", a)
			for i := range got {
				a.compare(t, want[i].(*tensor.Tensor), got[i], fmt.Sprintf("%v output %d, static %v", a, i, static))
			}
		}
		if wantErr == nil {
			a.checkInPlace(t, d, n, k, want)
		}
	}
}

// checkInPlace runs the kernel with its first output where an input lies.
func (a agreement) checkInPlace(t *testing.T, d *cpu.Device, n *graph.Node, k operators.Kernel, want []tensor.Value) {
	t.Helper()
	first := want[0].(*tensor.Tensor)
	for _, over := range d.InPlace(n) {
		if in := a.inputs[over]; in.Len() != first.Len() || in.DType().Bits() != first.DType().Bits() {
			continue
		}
		c := a.call(t, d, want, true)
		c.Outputs[0].Region = c.Inputs[over].Region
		got, err := a.results(t, d, k, c)
		require.NoError(t, err, "%v", a)
		a.compare(t, first, got[0], fmt.Sprintf("%v in place of input %d", a, over))
	}
}

func (a agreement) String() string {
	s := a.op
	for _, at := range a.attributes {
		s += " " + at.String()
	}
	for _, in := range a.inputs {
		if in == nil {
			s += " -"
		} else {
			s += fmt.Sprintf(" %v%v", in.DType(), in.Shape())
		}
	}
	return s
}

// node returns the node, whose values have the types of the inputs.
func (a agreement) node() *graph.Node {
	domain, op := graph.SplitOperator(a.op)
	n := &graph.Node{Domain: domain, Op: op, Name: "n", Attributes: a.attributes}
	for i, t := range a.inputs {
		if t == nil {
			n.Inputs = append(n.Inputs, nil)
			continue
		}
		v := &graph.Value{Name: fmt.Sprintf("in%d", i), Type: t.Type()}
		if slices.Contains(a.constants, i) {
			v.Const = t
		}
		n.Inputs = append(n.Inputs, v)
	}
	for i := range max(a.outputs, 1) {
		n.Outputs = append(n.Outputs, &graph.Value{Name: fmt.Sprintf("out%d", i), Type: tensor.TensorType(a.inputs[0].DType(), nil)})
	}
	return n
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func forgetShapes(n *graph.Node) {
	for _, list := range [][]*graph.Value{n.Inputs, n.Outputs} {
		for _, v := range list {
			if v != nil && v.Const == nil {
				v.Type.Dims = nil
			}
		}
	}
}

func values(list []*tensor.Tensor) []tensor.Value {
	out := make([]tensor.Value, len(list))
	for i, t := range list {
		if t != nil {
			out[i] = t
		}
	}
	return out
}

// run calls the kernel, with outputs made beforehand or by it.
func (a agreement) run(t *testing.T, d *cpu.Device, k operators.Kernel, want []tensor.Value, ready bool) ([]*tensor.Tensor, error) {
	t.Helper()
	return a.results(t, d, k, a.call(t, d, want, ready))
}

// call puts the inputs on the device, and outputs where they are to be ready.
func (a agreement) call(t *testing.T, d *cpu.Device, want []tensor.Value, ready bool) *operators.Call {
	t.Helper()
	c := &operators.Call{Outputs: make([]operators.Operand, max(a.outputs, 1))}
	for _, in := range a.inputs {
		if in == nil {
			c.Inputs = append(c.Inputs, operators.Operand{})
			continue
		}
		c.Inputs = append(c.Inputs, deviceOperand(t, d, in))
	}
	c.Allocate = func(_ int, dt tensor.DType, s tensor.Shape) (operators.Operand, error) {
		return deviceOperand(t, d, tensor.Zeros(dt, s)), nil
	}
	if ready {
		for i := range c.Outputs {
			w := want[i].(*tensor.Tensor)
			garbage := tensor.Zeros(w.DType(), w.Shape())
			for k := range garbage.Bytes() {
				garbage.Bytes()[k] = 0x5A
			}
			c.Outputs[i] = deviceOperand(t, d, garbage)
		}
	}
	return c
}

// results runs the kernel and reads what it wrote.
func (a agreement) results(t *testing.T, d *cpu.Device, k operators.Kernel, c *operators.Call) ([]*tensor.Tensor, error) {
	t.Helper()
	if err := k.Run(t.Context(), c); err != nil {
		return nil, err
	}
	var out []*tensor.Tensor
	for _, o := range c.Outputs {
		require.True(t, o.Present())
		b, err := d.HostBytes(o.Region)
		require.NoError(t, err)
		got, err := tensor.FromBytes(o.DType, o.Shape, b[:o.DType.Bytes(o.Shape.Size())])
		require.NoError(t, err)
		out = append(out, got)
	}
	return out, nil
}

// deviceOperand puts a tensor on the device, at an odd address.
func deviceOperand(t *testing.T, d *cpu.Device, in *tensor.Tensor) operators.Operand {
	t.Helper()
	size := len(in.Bytes())
	odd := make([]byte, size+5)
	copy(odd[4:], in.Bytes())
	b, err := d.Import(odd[4 : 4+max(size, 1)])
	require.NoError(t, err)
	return operators.Operand{DType: in.DType(), Shape: in.Shape(), Region: driver.Region{Buffer: b, Size: int64(size)}}
}

func (a agreement) compare(t *testing.T, want, got *tensor.Tensor, what string) {
	t.Helper()
	require.Equal(t, want.DType(), got.DType(), what)
	require.True(t, want.Shape().Equal(got.Shape()), "%s: shape %v, want %v", what, got.Shape(), want.Shape())
	if !want.DType().IsFloat() && a.tolerance == 0 {
		require.Equal(t, want.Bytes(), got.Bytes(), what)
		return
	}
	w, g := want.Float64s(), got.Float64s()
	allowed := a.tolerance
	if want.DType().IsFloat() {
		allowed *= largest(w)
	}
	for i := range w {
		if !near(w[i], g[i], allowed) {
			require.Failf(t, "wrong element", "%s: element %d of %v is %g, want %g within %g", what, i, want.Shape(), g[i], w[i], allowed)
		}
	}
}

// near reports whether got is want within a distance; NaN is NaN, and
// infinities have their sign.
func near(want, got, allowed float64) bool {
	switch {
	case math.IsNaN(want):
		return math.IsNaN(got)
	case math.IsInf(want, 0) || allowed == 0:
		return want == got
	}
	return math.Abs(want-got) <= allowed
}

// largest returns the greatest finite magnitude.
func largest(v []float64) float64 {
	most := 0.0
	for _, e := range v {
		if m := math.Abs(e); !math.IsInf(m, 0) && !math.IsNaN(m) {
			most = max(most, m)
		}
	}
	return most
}

// random returns a tensor of numbers around 0 of a seed.
func random(seed uint64, d tensor.DType, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 7))
	v := make([]float64, tensor.Shape(shape).Size())
	for i := range v {
		switch {
		case d == tensor.Bool:
			v[i] = float64(r.IntN(2))
		case d.IsUnsigned():
			v[i] = float64(r.IntN(200))
		case d.IsInteger():
			v[i] = float64(r.IntN(200) - 100)
		default:
			v[i] = float64(float32(r.NormFloat64()))
		}
	}
	if d.IsFloat() {
		return tensor.FromFloat64s(d, shape, v)
	}
	whole := make([]int64, len(v))
	for i := range v {
		whole[i] = int64(v[i])
	}
	return tensor.FromInt64s(d, shape, whole)
}

// withSpecials replaces some elements by infinities, NaN and zeros.
func withSpecials(t *tensor.Tensor) *tensor.Tensor {
	specials := []float64{math.Inf(1), math.Inf(-1), math.NaN(), 0, math.Copysign(0, -1), 1e-42, 3e18, -3e18}
	v := t.Float64s()
	for i := range v {
		if i%3 == 1 {
			v[i] = specials[i/3%len(specials)]
		}
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), v)
}

func ints(v ...int64) *tensor.Tensor { return tensor.Of(v) }

var nan, inf = math.NaN(), math.Inf(1)
