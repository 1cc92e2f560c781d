package infer

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// control holds If, Loop, Scan, SequenceMap.
var control = family{
	"If":          branches,
	"Loop":        loop,
	"Scan":        scan,
	"SequenceMap": sequenceMap,
}

// branches merges what both branches of an If give, or takes the one that a
// known condition or an error in the other leaves.
func branches(c *Call) error {
	bodies := [2]*graph.Graph{c.Node.Body("else_branch"), c.Node.Body("then_branch")}
	var out [2][]Fact
	var errs [2]error
	for i, body := range bodies {
		if body == nil || len(body.Outputs) < len(c.Out) {
			return fmt.Errorf("a branch is missing or gives fewer values than the node's %d outputs", len(c.Out))
		}
		out[i], errs[i] = c.Body(body, nil)
	}
	if cond := c.Fact(0).Const; cond != nil && cond.DType() == tensor.Bool && cond.Len() == 1 {
		taken := cond.Int64s()[0]
		copy(c.Out, out[taken])
		return errs[taken]
	}
	switch {
	case errs[0] != nil && errs[1] != nil:
		return fmt.Errorf("neither branch can run: %w; %w", errs[1], errs[0])
	case errs[0] != nil:
		copy(c.Out, out[1])
	case errs[1] != nil:
		copy(c.Out, out[0])
	default:
		for i := range c.Out {
			c.Out[i] = merge(out[0][i], out[1][i])
		}
	}
	return nil
}

// loop finds the carried values' facts, the condition's among them, as those
// that hold in every iteration. A scan output has the trip count in front.
func loop(c *Call) error {
	body := c.Node.Body("body")
	n := max(0, len(c.In)-2)
	if body == nil || len(body.Outputs) < max(1+n, 1+len(c.Out)) || len(body.Inputs) != 2+n {
		return fmt.Errorf("the body must take 2+%d values and give 1+%d or more, as many as the node's outputs", n, n)
	}
	states := []Fact{counter(body, 1, tensor.Bool)}
	if !c.Has(1) {
		setFlag(&states[0], true)
	} else if v, ok := knownFlag(c.Fact(1)); ok {
		setFlag(&states[0], v)
	}
	initially := states[0]
	for i := range n {
		states = append(states, c.Fact(2+i))
	}
	run := func(states []Fact) ([]Fact, error) {
		in := append([]Fact{counter(body, 0, tensor.Int64)}, states...)
		out, err := c.Body(body, declared(body, in))
		if err == nil {
			cond := counter(body, 1, tensor.Bool)
			if v, ok := knownFlag(out[0]); ok {
				setFlag(&cond, v)
			}
			out[0] = cond
		}
		return out, err
	}
	always, out, err := settle(states, run)
	trips, certain := tripCount(c, initially, always)
	if err != nil {
		if certain {
			return err
		}
		out, always = declaredOutputs(body), shapeless(states)
	}
	final := always[1:]
	switch {
	case trips.IsKnown() && trips.Size == 0:
		final = states[1:]
	case trips.IsKnown() && err == nil:
		final = out[1 : 1+n]
	}
	copy(c.Out, final)
	for i := n; i < len(c.Out); i++ {
		c.Out[i] = stacked(out[1+i].Type, trips, 0)
	}
	return nil
}

// tripCount returns how often a Loop runs, and whether it does at least once.
func tripCount(c *Call, initially Fact, always []Fact) (trips tensor.Dim, certain bool) {
	first, known := knownFlag(initially)
	switch {
	case c.Has(1) && known && !first:
		return tensor.Known(0), false
	case !c.Has(0):
		return tensor.Symbol(""), known
	}
	m, ok := c.Values(0)
	if !ok || len(m) != 1 {
		return tensor.Symbol(""), false
	}
	if m[0].Known && m[0].Value <= 0 {
		return tensor.Known(0), false
	}
	certain = m[0].Known && known
	if goesOn, known := false, false; c.Has(1) && len(always) > 0 {
		if goesOn, known = knownFlag(always[0]); !known || !goesOn {
			return tensor.Symbol(""), certain
		}
	}
	return m[0].Dim(), certain
}

// counter is the fact of a Loop's iteration number or condition as its body
// sees it: a scalar, or of shape [1] where the body declares it so.
func counter(body *graph.Graph, input int, d tensor.DType) Fact {
	dims := tensor.Dims{}
	if len(body.Inputs[input].Type.Dims) == 1 {
		dims = tensor.Dims{tensor.Known(1)}
	}
	return Fact{Type: tensor.TensorType(d, dims)}
}

func setFlag(f *Fact, v bool) {
	shape, _ := f.Type.Dims.Shape()
	t := tensor.Zeros(tensor.Bool, shape)
	tensor.Slice[bool](t)[0] = v
	f.Const = t
}

func knownFlag(f Fact) (value, known bool) {
	if f.Const == nil || f.Const.DType() != tensor.Bool || f.Const.Len() != 1 {
		return false, false
	}
	return tensor.Slice[bool](f.Const)[0], true
}

// scan finds the states' facts as those that hold in every iteration. Scan
// inputs lose their scan axis, scan outputs gain one.
func scan(c *Call) error {
	body := c.Node.Body("body")
	m := int(c.Node.Int("num_scan_inputs", 0))
	n := len(c.In) - m
	if body == nil || m < 1 || n < 0 || len(body.Inputs) != len(c.In) || len(body.Outputs) < max(n, len(c.Out)) {
		return fmt.Errorf("with %d inputs and num_scan_inputs %d the body must take as many inputs and give %d or more", len(c.In), m, n)
	}
	length := tensor.Symbol("")
	elements := make([]Fact, m)
	for k := range elements {
		d, dims := c.DType(n+k), c.Dims(n+k)
		elements[k].Type = tensor.TensorType(d, nil)
		if !dims.Ranked() {
			continue
		}
		axis, err := tensor.Axis(listed(c.Node, "scan_input_axes", k), len(dims))
		if err != nil {
			return fmt.Errorf("scan input %d: %w", k, err)
		}
		if length, err = agree("the scan inputs' scan axes", length, dims[axis]); err != nil {
			return err
		}
		elements[k].Type.Dims = slices.Delete(dims.Clone(), axis, axis+1)
	}
	states := slices.Clone(c.In[:n])
	always, out, err := settle(states, func(states []Fact) ([]Fact, error) {
		return c.Body(body, declared(body, append(slices.Clone(states), elements...)))
	})
	if err != nil {
		if length.IsKnown() && length.Size > 0 {
			return err
		}
		out, always = declaredOutputs(body), shapeless(states)
	}
	switch {
	case length.IsKnown() && length.Size == 0:
		always = states
	case length.IsKnown():
		always = out[:n]
	}
	copy(c.Out, always)
	for i := n; i < len(c.Out); i++ {
		t := stacked(out[i].Type, length, listed(c.Node, "scan_output_axes", i-n))
		if t.Type.Kind == tensor.KindUnknown {
			return fmt.Errorf("scan output %d: axis %d is outside its rank", i-n, listed(c.Node, "scan_output_axes", i-n))
		}
		c.Out[i] = t
	}
	return nil
}

// listed returns the k-th value of a list attribute, 0 where there is none.
func listed(n *graph.Node, name string, k int) int64 {
	if list := n.Ints(name); k < len(list) {
		return list[k]
	}
	return 0
}

// stacked returns the fact of values of type elem laid along a new axis of the
// result; the zero Fact if the axis is impossible.
func stacked(elem tensor.Type, n tensor.Dim, axis int64) Fact {
	t := tensor.TensorType(elem.DType, nil)
	if !elem.IsTensor() {
		t.DType = tensor.Undefined
	} else if elem.Dims.Ranked() {
		at, err := tensor.Axis(axis, len(elem.Dims)+1)
		if err != nil {
			return Fact{}
		}
		t.Dims = slices.Insert(elem.Dims.Clone(), at, n)
	}
	return Fact{Type: t}
}

// sequenceMap runs the body on what holds for every element.
func sequenceMap(c *Call) error {
	body := c.Node.Body("body")
	if body == nil || len(body.Inputs) != len(c.In) || len(body.Outputs) < len(c.Out) {
		return fmt.Errorf("the body must take %d values and give %d", len(c.In), len(c.Out))
	}
	in := slices.Clone(c.In)
	for i, f := range in {
		switch {
		case f.Type.Kind == tensor.KindSequence && f.Type.Elem != nil:
			in[i] = Fact{Type: *f.Type.Elem}
		case f.Type.Kind == tensor.KindSequence, f.Type.Kind == tensor.KindUnknown:
			in[i] = Fact{}
		}
	}
	out, err := c.Body(body, declared(body, in))
	if err != nil {
		out = declaredOutputs(body) // the sequence may be empty
	}
	for i := range c.Out {
		if elem := out[i].Type; elem.Kind != tensor.KindUnknown {
			c.Out[i].Type = tensor.SequenceType(elem)
		}
	}
	return nil
}

// declared lets the types that a body declares for its inputs stand in where
// facts lack them.
func declared(body *graph.Graph, in []Fact) []Fact {
	for i := range in {
		in[i] = in[i].or(body.Inputs[i].Type)
	}
	return in
}

func declaredOutputs(body *graph.Graph) []Fact {
	out := make([]Fact, len(body.Outputs))
	for i, v := range body.Outputs {
		out[i].Type = v.Type
	}
	return out
}
