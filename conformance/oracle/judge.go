package oracle

import (
	"context"
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// Fault is what is wrong with a result.
type Fault string

// The faults. None goes with a result in some class.
const (
	None    Fault = ""
	Numeric Fault = "numeric"
	Shape   Fault = "shape"
	Type    Fault = "type"
)

// Judgement is what the oracle says of outputs.
type Judgement struct {
	Fault  Fault
	Class  Class // the strictest that all elements are in
	Reason string
	Equal  bool // to the bit

	// Over all finite float elements: the greatest error in units in the last
	// place, the one that 99 % of elements stay below, and the mean square
	// error over the mean square.
	MaxULP, P99ULP, NMSE float64
}

// Judge holds outputs against those expected, which they need to meet in some
// class.
func (e *Expectation) Judge(ctx context.Context, got []tensor.Value, b Behaviour) (Judgement, error) {
	if e.oracle.rule.kind == distributed {
		return e.judgeDistribution(got), nil
	}
	j := &judging{ctx: ctx, e: e, behaviour: b}
	j.Equal = true
	for i, want := range e.Outputs {
		if i >= len(got) {
			j.fail(Type, fmt.Sprintf("output %d is missing", i))
			break
		}
		j.at, j.output = fmt.Sprintf("output %d", i), i
		if err := j.value(got[i], want); err != nil {
			return Judgement{}, err
		}
	}
	return j.result(), nil
}

// judgeDistribution checks types and shapes, and how the numbers are spread.
func (e *Expectation) judgeDistribution(got []tensor.Value) Judgement {
	for i, want := range e.Outputs {
		if i >= len(got) || got[i] == nil || got[i].Type().String() != want.Type().String() {
			return Judgement{Fault: Type, Class: Missed, Reason: fmt.Sprintf("output %d is not a %v", i, want.Type())}
		}
	}
	if err := e.oracle.rule.check(e.oracle.node, e.inputs, got); err != nil {
		return Judgement{Fault: Numeric, Class: Missed, Reason: err.Error()}
	}
	return Judgement{}
}

// judging gathers what is found while outputs are compared.
type judging struct {
	ctx       context.Context
	e         *Expectation
	behaviour Behaviour
	output    int
	at        string // which value of which output, for people

	Judgement
	errors         []float64 // in units in the last place
	square, energy float64
	flushed        []tensor.Value // what is expected where denormal operands count as 0
}

// fail notes a fault; the first one counts.
func (j *judging) fail(f Fault, reason string) {
	if j.Fault == None {
		j.Fault, j.Reason = f, reason
	}
	j.Class, j.Equal = Missed, false
}

func (j *judging) result() Judgement {
	if len(j.errors) > 0 {
		slices.Sort(j.errors)
		j.MaxULP = j.errors[len(j.errors)-1]
		j.P99ULP = j.errors[(len(j.errors)-1)*99/100]
	}
	if j.energy > 0 {
		j.NMSE = j.square / j.energy
	}
	return j.Judgement
}

// value compares one value; containers element by element.
func (j *judging) value(got, want tensor.Value) error {
	switch w := want.(type) {
	case *tensor.Tensor:
		g, ok := got.(*tensor.Tensor)
		if !ok || g == nil {
			break
		}
		return j.tensor(g, w)
	case *tensor.Sequence:
		g, ok := got.(*tensor.Sequence)
		if !ok || g == nil {
			break
		}
		if len(g.Items) != len(w.Items) {
			j.fail(Shape, fmt.Sprintf("%s has %d elements, not %d", j.at, len(g.Items), len(w.Items)))
			return nil
		}
		for i := range w.Items {
			if err := j.value(g.Items[i], w.Items[i]); err != nil {
				return err
			}
		}
		return nil
	case *tensor.Optional:
		g, ok := got.(*tensor.Optional)
		if !ok || g == nil || (g.Item == nil) != (w.Item == nil) {
			break
		}
		if w.Item == nil {
			return nil
		}
		return j.value(g.Item, w.Item)
	case *tensor.Map:
		g, ok := got.(*tensor.Map)
		if !ok || g == nil {
			break
		}
		if err := j.value(g.Keys, w.Keys); err != nil {
			return err
		}
		return j.value(g.Values, w.Values)
	}
	text := "nothing"
	if got != nil {
		text = got.Type().String()
	}
	j.fail(Type, fmt.Sprintf("%s is %s, not %v", j.at, text, want.Type()))
	return nil
}

func (j *judging) tensor(got, want *tensor.Tensor) error {
	switch {
	case got.DType() != want.DType():
		j.fail(Type, fmt.Sprintf("%s has elements of type %v, not %v", j.at, got.DType(), want.DType()))
		return nil
	case !got.Shape().Equal(want.Shape()):
		j.fail(Shape, fmt.Sprintf("%s has the shape %v, not %v", j.at, got.Shape(), want.Shape()))
		return nil
	case want.DType() == tensor.String:
		if !slices.Equal(got.Strings(), want.Strings()) {
			j.fail(Numeric, fmt.Sprintf("%s is %v, not %v", j.at, got, want))
		}
		return nil
	case slices.Equal(got.Bytes(), want.Bytes()):
		j.perfect(want)
		return nil
	case want.DType().IsFloat():
		return j.floats(got, want)
	case want.DType().IsComplex():
		j.complexes(got, want)
		return nil
	}
	j.integers(got, want)
	return nil
}

// perfect counts the elements of equal tensors.
func (j *judging) perfect(t *tensor.Tensor) {
	if !t.DType().IsFloat() {
		return
	}
	for _, v := range t.Float64s() {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			j.errors = append(j.errors, 0)
			j.energy += v * v
		}
	}
}

func (j *judging) integers(got, want *tensor.Tensor) {
	allowed := [3]float64{}
	if j.e.oracle.rule.kind == steps {
		allowed = j.e.oracle.rule.ulps
	}
	if j.e.oracle.rule.cut {
		allowed = [3]float64{1, 1, 1}
	}
	g, w := got.Int64s(), want.Int64s()
	j.each(len(w), func(i int) (Class, string) {
		if g[i] == w[i] {
			return A, ""
		}
		d := math.Max(math.Abs(float64(g[i])-float64(w[i])), 1) // neighbours beyond 2^53 are one float64
		return classOf(d, func(c Class) float64 { return allowed[c] }), fmt.Sprintf("%d, not %d", g[i], w[i])
	}, want.Shape())
}

func (j *judging) complexes(got, want *tensor.Tensor) {
	if nan := func(t *tensor.Tensor) string { return fmt.Sprint(complexList(t)) }; nan(got) != nan(want) {
		j.fail(Numeric, j.at+": complex elements differ")
	}
}

func complexList(t *tensor.Tensor) any {
	if t.DType() == tensor.Complex64 {
		return tensor.Slice[complex64](t)
	}
	return tensor.Slice[complex128](t)
}

// classOf returns the strictest class that a difference is in.
func classOf(difference float64, allowed func(Class) float64) Class {
	for c := A; c < Missed; c++ {
		if difference <= allowed(c) {
			return c
		}
	}
	return Missed
}

// each takes the class of every element; the first of the worst is shown.
func (j *judging) each(n int, class func(i int) (Class, string), s tensor.Shape) {
	j.Equal = false
	worst, where, shown, missed := A, 0, "", 0
	for i := range n {
		c, text := class(i)
		if c == Missed {
			missed++
		}
		if c > worst {
			worst, where, shown = c, i, text
		}
	}
	j.Class = max(j.Class, worst)
	if worst == Missed {
		j.fail(Numeric, fmt.Sprintf("%s: %d of %d elements are in no accuracy class, the first at %v: %s", j.at, missed, n, index(s, where), shown))
	} else if worst > A && j.Reason == "" {
		j.Reason = fmt.Sprintf("%s is in class %v, for the element at %v: %s", j.at, worst, index(s, where), shown)
	}
}

func (j *judging) floats(got, want *tensor.Tensor) error {
	b, err := j.e.boundsOf(j.ctx, j.output)
	if err != nil {
		return err
	}
	f := formats[want.DType()]
	if j.behaviour.Rounds && j.e.oracle.rule.kind == ulps {
		b.ulps[A] = math.Max(b.ulps[A], 1)
	}
	other, err := j.flushedOutput(want)
	if err != nil {
		return err
	}
	g, w := got.Float64s(), want.Float64s()
	j.each(len(w), func(i int) (Class, string) {
		c := j.element(f, b, i, g[i], w[i])
		if c > A && other != nil {
			c = min(c, flushedClass(f, b, i, g[i], w[i], other[i]))
		}
		if c == A {
			return A, ""
		}
		return c, fmt.Sprintf("%v, not %v (%.3g ulp, allowed %.3g)", g[i], w[i], math.Abs(g[i]-w[i])/f.ulp(w[i]), b.at(f, A, i, w[i])/f.ulp(w[i]))
	}, want.Shape())
	return nil
}

// element returns the class of one element, and notes its error.
func (j *judging) element(f format, b bounds, i int, got, want float64) Class {
	switch {
	case math.IsNaN(want) || math.IsNaN(got):
		if math.IsNaN(want) && math.IsNaN(got) {
			return A
		}
		return Missed
	case got == want && got == 0 && j.e.oracle.rule.moves && math.Signbit(got) != math.Signbit(want):
		return Missed
	case got == want:
		if !math.IsInf(want, 0) {
			j.errors = append(j.errors, 0)
			j.energy += want * want
		}
		return A
	case math.IsInf(want, 0):
		return Missed
	}
	d := math.Abs(got - want)
	if math.IsInf(got, 0) { // counts as one more than the largest
		d = f.largest + f.ulp(f.largest) - math.Abs(want)
		if math.Signbit(got) != math.Signbit(want) {
			return Missed
		}
	}
	j.errors = append(j.errors, d/f.ulp(want))
	j.square += d * d
	j.energy += want * want
	return classOf(d, func(c Class) float64 { return b.at(f, c, i, want) })
}

// flushedOutput returns what is expected where denormal operands count as 0, nil
// where the backend does not declare that they do.
func (j *judging) flushedOutput(want *tensor.Tensor) ([]float64, error) {
	if !j.behaviour.Flushes {
		return nil, nil
	}
	if j.flushed == nil {
		var err error
		if j.flushed, err = j.e.oracle.changed(j.ctx, j.e.inputs, flush); err != nil {
			return nil, err
		}
	}
	t, ok := j.flushed[j.output].(*tensor.Tensor)
	if !ok || t.Len() != want.Len() {
		return nil, nil
	}
	return t.Float64s(), nil
}

// flush makes denormal elements 0.
func flush(t *tensor.Tensor) *tensor.Tensor {
	least := formats[t.DType()].least
	v := t.Float64s()
	for i, x := range v {
		if math.Abs(x) < least {
			v[i] = math.Copysign(0, x)
		}
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), v)
}

// flushedClass is the class of an element where denormal operands or results
// count as 0.
func flushedClass(f format, b bounds, i int, got, want, flushed float64) Class {
	if got == 0 && math.Abs(want) < f.least || math.IsNaN(got) && math.IsNaN(flushed) || got == flushed {
		return A
	}
	return classOf(math.Abs(got-flushed), func(c Class) float64 { return b.at(f, c, i, flushed) })
}

// index returns where the i-th element of a shape stands.
func index(s tensor.Shape, i int) tensor.Shape {
	at := make(tensor.Shape, len(s))
	for axis := len(s) - 1; axis >= 0; axis-- {
		at[axis] = i % s[axis]
		i /= s[axis]
	}
	return at
}
