package mutant

import (
	"bytes"
	"hash/fnv"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// hints are attributes that change no result of a kernel, or none that is fixed.
var hints = map[string]string{
	"keepdims": "a shape, which the kernel is told", "hidden_size": "what the weights say too", "allowzero": "as keepdims",
	"num_outputs": "as keepdims", "output_shape": "as keepdims",
	"seed": "draws differ, distributions do not", "chunk_size": "a hint", "locale": "the host's own",
	"nodes_hitrates": "a hint", "nodes_hitrates_as_tensor": "a hint", "multi_class": "the reference follows post_transform alone",
	"stash_type": "how, not what", "precision": "how, not what", "softmax_precision": "how, not what", "sorted": "an order that is left open",
	"round_mode": "for float8e8m0 only", "class_ids": "repeats others", "dtype": "decides a type that a kernel cannot change", "to": "as dtype",
	"output_dtype": "as dtype", "output_datatype": "as dtype",
	"zeros": "an error or none", "tree_roots": "the order of a sum",
}

// catalogue returns the mutants that follow from the operators' schemas.
func catalogue() []*Mutant {
	var list []*Mutant
	for s := range operators.All() {
		newest, _ := operators.Newest(s.Domain, s.Name)
		if _, ok := reference.Lookup(s.Operator()); !ok || s.Since != newest.Since || s.Deprecated || !onDevice(s) {
			continue
		}
		add := func(mechanism, detail string, f fault) {
			list = append(list, &Mutant{Mechanism: mechanism, Operator: s.Operator(), Detail: detail, Mechanical: true, fault: f})
		}
		for _, a := range s.Attributes {
			if s.Name != "MaxUnpool" { // whose attributes decide its shape
				attributeMutants(a, add)
			}
		}
		inputMutants(s, add)
		typeMutants(s, add)
	}
	return list
}

// onDevice reports whether kernels of a device compute the operator: not what
// midplane runs by itself, on containers, strings, shapes and bodies.
func onDevice(s *operators.Schema) bool {
	switch s.Name {
	case "Shape", "Size", "Constant", "ImageDecoder", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "OptionalHasElement", "OptionalGetElement", "CategoryMapper":
		return false
	}
	for _, a := range s.Attributes {
		if a.Type == operators.GraphAttribute {
			return false
		}
	}
	for _, p := range append(slices.Clone(s.Inputs), s.Outputs...) {
		tensors := func(spelt string) bool { return strings.HasPrefix(spelt, "tensor(") && spelt != "tensor(string)" }
		if !slices.ContainsFunc(s.Allowed(p.Type), tensors) {
			return false
		}
	}
	return len(s.Inputs) > 0 && !strings.HasPrefix(s.Name, "Random") && s.Name != "Bernoulli" && s.Name != "Multinomial"
}

func attributeMutants(a operators.AttributeSchema, add func(mechanism, detail string, f fault)) {
	if _, ok := hints[a.Name]; ok || a.Name == "kernel_shape" && !a.Required { // weights have it
		return
	}
	if strings.HasSuffix(a.Name, "_strings") || strings.HasSuffix(a.Name, "_string") { // which stay on the host
		return
	}
	if !a.Required {
		add("ignored attribute", a.Name, recomputed(func(_ *run, n *graph.Node, _ []tensor.Value) { n.Attributes = n.Without(a.Name) }))
	}
	switch {
	case a.Type == operators.IntAttribute && strings.HasSuffix(a.Name, "axis"):
		add("axis off by one", a.Name, recomputed(func(r *run, n *graph.Node, _ []tensor.Value) {
			rank := int64(max(r.in(0).Rank(), 1))
			axis := n.Int(a.Name, defaultInt(a))
			n.Set(graph.A(a.Name, ((axis+rank)%rank+1)%rank))
		}))
	case a.Type == operators.IntsAttribute && a.Name != "axes": // whose order means nothing
		add("list in reverse order", a.Name, recomputed(func(_ *run, n *graph.Node, _ []tensor.Value) {
			if v := slices.Clone(n.Ints(a.Name)); len(v) > 1 {
				slices.Reverse(v)
				n.Set(graph.A(a.Name, v))
			}
		}))
	case a.Type == operators.FloatAttribute:
		add("attribute taken as an integer", a.Name, recomputed(func(_ *run, n *graph.Node, _ []tensor.Value) {
			if n.Has(a.Name) {
				n.Set(graph.A(a.Name, float32(int(n.Float(a.Name, 0)))))
			}
		}))
	}
}

// told are inputs that decide nothing but a shape or a type, which a kernel is
// told, or nothing at all.
var told = map[string]string{
	"MaxUnpool output_shape": "a shape", "CastLike target_type": "a type", "Range limit": "a shape", "MelWeightMatrix sample_rate": "one hertz in thousands",
	"NonMaxSuppression max_output_boxes_per_class": "a shape", "Dropout ratio": "nothing, but in training", "Dropout training_mode": "nothing in inference",
}

func defaultInt(a operators.AttributeSchema) int64 {
	v, _ := a.Default.(int64)
	return v
}

func inputMutants(s *operators.Schema, add func(mechanism, detail string, f fault)) {
	for i, p := range s.Inputs {
		if _, ok := told[s.Name+" "+p.Name]; ok {
			continue
		}
		if p.Optional {
			add("ignored input", p.Name, recomputed(func(_ *run, n *graph.Node, in []tensor.Value) {
				if i < len(in) {
					in[i], n.Inputs[i] = nil, nil
				}
			}))
		}
		if i > 0 {
			add("input misread", p.Name, recomputed(func(_ *run, n *graph.Node, in []tensor.Value) {
				if i < len(in) {
					in[i] = misread(in[i])
				}
			}))
		}
	}
}

// misread returns a tensor with its elements in reverse order, or where that
// changes nothing, with another last element.
func misread(v tensor.Value) tensor.Value {
	t, ok := v.(*tensor.Tensor)
	turned, _ := backwards(v).(*tensor.Tensor)
	if !ok || turned == nil || t.Len() == 0 || !bytes.Equal(t.Bytes(), turned.Bytes()) {
		return backwards(v)
	}
	last := element(turned, t.Len()-1)
	switch {
	case t.DType().IsFloat():
		last[len(last)-1] ^= 1
		last[max(len(last)-2, 0)] ^= 0x20
	case t.DType() == tensor.Bool:
		last[0] ^= 1
	default:
		last[0]++
	}
	return turned
}

// backwards returns a tensor with its elements in reverse order.
func backwards(v tensor.Value) tensor.Value {
	t, ok := v.(*tensor.Tensor)
	if !ok || t.DType().Bits() < 8 {
		return v
	}
	out := t.Clone()
	for i := range t.Len() {
		copy(element(out, i), element(t, t.Len()-1-i))
	}
	return out
}

// typeMutants are wrong about the last element, in one of the types.
func typeMutants(s *operators.Schema, add func(mechanism, detail string, f fault)) {
	types := slices.DeleteFunc(slices.Clone(cell.Types(s.Operator(), s.Since)), func(d tensor.DType) bool {
		return d == tensor.Float32 || d == tensor.String || d.IsComplex()
	})
	if len(types) == 0 {
		return
	}
	h := fnv.New32a()
	h.Write([]byte(s.Operator()))
	d := types[h.Sum32()%uint32(len(types))]
	f := changed(func(_ *run, t *tensor.Tensor) {
		at := t.Len() - 1
		if t.DType().Bits() < 8 || t.DType() == tensor.Bool {
			element(t, at)[0] ^= 1
			return
		}
		b := element(t, at)
		b[len(b)-1] ^= 0x40
	})
	f.when = handling(d)
	add("last element wrong in one type", d.String(), f)
}
