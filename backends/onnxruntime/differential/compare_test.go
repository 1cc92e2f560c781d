package differential_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// bound is how far two results of a type may lie apart: absolutely for each
// term that they gather, and relatively.
type bound struct{ absolute, relative float64 }

var bounds = map[tensor.DType]bound{
	tensor.Float64:  {1e-12, 1e-9},
	tensor.Float32:  {1e-6, 1e-4},
	tensor.Float16:  {1e-3, 4e-3},
	tensor.BFloat16: {8e-3, 2e-2},
}

// compare returns how two values differ, nil if they do not. terms is how many
// summands a result gathers.
func compare(want, got tensor.Value, terms int, shapes bool) error {
	switch w := want.(type) {
	case *tensor.Tensor:
		g, ok := got.(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("ONNX Runtime has %v, the reference %v", want.Type(), typeOf(got))
		}
		return compareTensors(w, g, terms, shapes)
	case *tensor.Sequence:
		g, ok := got.(*tensor.Sequence)
		if !ok || len(g.Items) != len(w.Items) {
			return fmt.Errorf("ONNX Runtime has %s, the reference %s", describe(want), describe(got))
		}
		for i := range w.Items {
			if err := compare(w.Items[i], g.Items[i], terms, shapes); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
		}
		return nil
	case *tensor.Map:
		g, ok := got.(*tensor.Map)
		if !ok {
			return fmt.Errorf("ONNX Runtime has a map, the reference %v", typeOf(got))
		}
		return compareMaps(w, g)
	case *tensor.Optional:
		g, ok := got.(*tensor.Optional)
		if !ok {
			return compare(w.Item, got, terms, shapes)
		}
		if w.Item == nil || g.Item == nil {
			if w.Item != g.Item {
				return fmt.Errorf("ONNX Runtime has %s, the reference %s", describe(w), describe(g))
			}
			return nil
		}
		return compare(w.Item, g.Item, terms, shapes)
	}
	return fmt.Errorf("ONNX Runtime has %v, which cannot be compared", typeOf(want))
}

func typeOf(v tensor.Value) string {
	if v == nil {
		return "nothing"
	}
	return v.Type().String()
}

// compareMaps compares maps whatever the order of their keys.
func compareMaps(want, got *tensor.Map) error {
	w, g := entries(want), entries(got)
	if len(w) != len(g) {
		return fmt.Errorf("ONNX Runtime has %d keys, the reference %d", len(w), len(g))
	}
	for k, v := range w {
		other, ok := g[k]
		if !ok {
			return fmt.Errorf("the reference lacks the key %s", k)
		}
		if err := compare(v, other, 1, false); err != nil {
			return fmt.Errorf("key %s: %w", k, err)
		}
	}
	return nil
}

func entries(m *tensor.Map) map[string]tensor.Value {
	e := make(map[string]tensor.Value)
	for i, v := range m.Items() {
		if m.Keys.DType() == tensor.String {
			e[m.Keys.Strings()[i]] = v
		} else {
			e[fmt.Sprint(m.Keys.Int64s()[i])] = v
		}
	}
	return e
}

func compareTensors(want, got *tensor.Tensor, terms int, shapes bool) error {
	if want.DType() != got.DType() || !want.Shape().Equal(got.Shape()) {
		return fmt.Errorf("ONNX Runtime has %v, the reference %v", want.Type(), got.Type())
	}
	if shapes {
		return nil
	}
	b, inexact := bounds[want.DType()]
	switch {
	case want.DType() == tensor.String:
		if !slices.Equal(want.Strings(), got.Strings()) {
			return fmt.Errorf("ONNX Runtime has %q, the reference %q", want.Strings(), got.Strings())
		}
		return nil
	case want.DType().IsComplex():
		if !bytes.Equal(want.Bytes(), got.Bytes()) {
			return fmt.Errorf("complex elements differ")
		}
		return nil
	case !inexact:
		return compareExactly(want, got)
	}
	w, g := want.Float64s(), got.Float64s()
	for i := range w {
		if !near(w[i], g[i], b, max(terms, 1)) {
			return fmt.Errorf("element %d of %v is %v in ONNX Runtime, %v in the reference", i, want.Type(), w[i], g[i])
		}
	}
	return nil
}

// compareExactly compares integers, and floats of types so narrow that each is
// as good as another.
func compareExactly(want, got *tensor.Tensor) error {
	if want.DType().IsFloat() {
		w, g := want.Float64s(), got.Float64s()
		for i := range w {
			if w[i] != g[i] && !(math.IsNaN(w[i]) && math.IsNaN(g[i])) {
				return fmt.Errorf("element %d of %v is %v in ONNX Runtime, %v in the reference", i, want.Type(), w[i], g[i])
			}
		}
		return nil
	}
	w, g := want.Int64s(), got.Int64s()
	for i := range w {
		if w[i] != g[i] {
			return fmt.Errorf("element %d of %v is %d in ONNX Runtime, %d in the reference", i, want.Type(), w[i], g[i])
		}
	}
	return nil
}

func near(w, g float64, b bound, terms int) bool {
	switch {
	case math.IsNaN(w) || math.IsNaN(g):
		return math.IsNaN(w) && math.IsNaN(g)
	case math.IsInf(w, 0) || math.IsInf(g, 0):
		return w == g
	}
	return math.Abs(w-g) <= b.absolute*float64(terms)+b.relative*math.Abs(w)
}
