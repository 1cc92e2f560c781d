package onnxtest

import (
	"fmt"
	"math"
	"math/cmplx"

	"example.com/midplane/adapter/tensor"
)

// Compare holds a value against the expected one by ONNX's own rule: element
// types and shapes are equal, strings are equal, and numbers are as close as
// |got - want| <= atol + rtol × |want|, where NaN equals NaN and an infinity
// only itself. Containers are compared element by element. The error says where
// the first difference is and how many there are.
func Compare(got, want tensor.Value, rtol, atol float64) error {
	return compare(got, want, func(want *tensor.Tensor) bound {
		return func(v float64) float64 { return atol + rtol*v }
	})
}

// CompareScaled holds a value against the expected one by the rule
// |got - want| <= t × max |want|, the maximum taken over all finite elements of
// a tensor; where that is 0, <= t × 1e-3. Integers, booleans and strings are
// equal, NaN equals NaN and an infinity only itself.
func CompareScaled(got, want tensor.Value, t float64) error {
	return compare(got, want, func(want *tensor.Tensor) bound {
		if !want.DType().IsFloat() && !want.DType().IsComplex() {
			return func(float64) float64 { return 0 }
		}
		largest := 0.0
		for _, v := range magnitudes(want) {
			if !math.IsInf(v, 0) {
				largest = max(largest, v)
			}
		}
		if largest == 0 {
			largest = 1e-3
		}
		return func(float64) float64 { return t * largest }
	})
}

// bound returns how far a result may be from an expected element of magnitude v.
type bound func(v float64) float64

func compare(got, want tensor.Value, bounds func(*tensor.Tensor) bound) error {
	switch want := want.(type) {
	case *tensor.Tensor:
		if got, ok := got.(*tensor.Tensor); ok && got != nil {
			return compareTensors(got, want, bounds(want))
		}
	case *tensor.Sequence:
		if got, ok := got.(*tensor.Sequence); ok && got != nil {
			return compareLists("sequence", got.Items, want.Items, bounds)
		}
	case *tensor.Optional:
		if got, ok := got.(*tensor.Optional); ok && got != nil {
			return compareOptionals(got, want, bounds)
		}
	case *tensor.Map:
		if got, ok := got.(*tensor.Map); ok && got != nil {
			return compareMaps(got, want, bounds)
		}
	}
	return fmt.Errorf("got %s, want %s", describe(got), describe(want))
}

func describe(v tensor.Value) string {
	if v == nil {
		return "no value"
	}
	return v.Type().String()
}

func compareOptionals(got, want *tensor.Optional, bounds func(*tensor.Tensor) bound) error {
	if got.Item == nil || want.Item == nil {
		if got.Item == nil && want.Item == nil {
			return nil
		}
		return fmt.Errorf("got an optional with %s, want %s", describe(got.Item), describe(want.Item))
	}
	return compare(got.Item, want.Item, bounds)
}

func compareLists(what string, got, want []tensor.Value, bounds func(*tensor.Tensor) bound) error {
	if len(got) != len(want) {
		return fmt.Errorf("got a %s of %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if err := compare(got[i], want[i], bounds); err != nil {
			return fmt.Errorf("element %d of the %s: %w", i, what, err)
		}
	}
	return nil
}

// compareMaps finds the value of each key, whatever order the keys are in.
func compareMaps(got, want *tensor.Map, bounds func(*tensor.Tensor) bound) error {
	if g, w := got.Keys.DType(), want.Keys.DType(); g != w || got.Keys.Len() != want.Keys.Len() {
		return fmt.Errorf("got a map of %d %v keys, want %d %v keys", got.Keys.Len(), g, want.Keys.Len(), w)
	}
	at := make(map[any]int)
	for i, key := range keys(got) {
		at[key] = i
	}
	ours, theirs := got.Items(), want.Items()
	for k, key := range keys(want) {
		i, ok := at[key]
		if !ok {
			return fmt.Errorf("the map has no key %v", key)
		}
		if err := compare(ours[i], theirs[k], bounds); err != nil {
			return fmt.Errorf("value of key %v: %w", key, err)
		}
	}
	return nil
}

func keys(m *tensor.Map) []any {
	list := make([]any, m.Keys.Len())
	if m.Keys.DType() == tensor.String {
		for i, key := range m.Keys.Strings() {
			list[i] = key
		}
		return list
	}
	for i, key := range m.Keys.Int64s() {
		list[i] = key
	}
	return list
}

func compareTensors(got, want *tensor.Tensor, allowed bound) error {
	if got.DType() != want.DType() || !got.Shape().Equal(want.Shape()) {
		return fmt.Errorf("got %v%v, want %v%v", got.DType(), got.Shape(), want.DType(), want.Shape())
	}
	differs, show := elements(got, want, allowed)
	first, count := -1, 0
	for i := range want.Len() {
		if differs(i) {
			if count++; first < 0 {
				first = i
			}
		}
	}
	if count == 0 {
		return nil
	}
	g, w := show(first)
	return fmt.Errorf("%v%v: %d of %d elements differ, first at %v: got %s, want %s",
		want.DType(), want.Shape(), count, want.Len(), index(want.Shape(), first), g, w)
}

// elements returns functions that say whether the i-th elements differ, and
// that print them.
func elements(got, want *tensor.Tensor, allowed bound) (differs func(i int) bool, show func(i int) (string, string)) {
	switch d := want.DType(); {
	case d == tensor.String:
		g, w := got.Strings(), want.Strings()
		return func(i int) bool { return g[i] != w[i] },
			func(i int) (string, string) { return fmt.Sprintf("%q", g[i]), fmt.Sprintf("%q", w[i]) }
	case d.IsComplex():
		g, w := complexes(got), complexes(want)
		return func(i int) bool { return complexDiffers(g[i], w[i], allowed) },
			func(i int) (string, string) { return fmt.Sprint(g[i]), fmt.Sprint(w[i]) }
	case d.IsFloat():
		g, w := got.Float64s(), want.Float64s()
		return func(i int) bool { return floatDiffers(g[i], w[i], allowed) },
			func(i int) (string, string) { return fmt.Sprint(g[i]), fmt.Sprint(w[i]) }
	case d == tensor.Uint64:
		g, w := tensor.Slice[uint64](got), tensor.Slice[uint64](want)
		return func(i int) bool {
				return g[i] != w[i] && float64(max(g[i], w[i])-min(g[i], w[i])) > allowed(float64(w[i]))
			},
			func(i int) (string, string) { return fmt.Sprint(g[i]), fmt.Sprint(w[i]) }
	}
	g, w := got.Int64s(), want.Int64s()
	return func(i int) bool {
			return g[i] != w[i] && float64(uint64(max(g[i], w[i]))-uint64(min(g[i], w[i]))) > allowed(math.Abs(float64(w[i])))
		},
		func(i int) (string, string) { return fmt.Sprint(g[i]), fmt.Sprint(w[i]) }
}

func floatDiffers(got, want float64, allowed bound) bool {
	switch {
	case got == want || math.IsNaN(got) && math.IsNaN(want):
		return false
	case math.IsNaN(got) || math.IsNaN(want) || math.IsInf(got, 0) || math.IsInf(want, 0):
		return true
	}
	return math.Abs(got-want) > allowed(math.Abs(want))
}

func complexDiffers(got, want complex128, allowed bound) bool {
	switch {
	case got == want || cmplx.IsNaN(got) && cmplx.IsNaN(want):
		return false
	case cmplx.IsNaN(got) || cmplx.IsNaN(want) || cmplx.IsInf(got) || cmplx.IsInf(want):
		return true
	}
	return cmplx.Abs(got-want) > allowed(cmplx.Abs(want))
}

func complexes(t *tensor.Tensor) []complex128 {
	if t.DType() == tensor.Complex128 {
		return tensor.Slice[complex128](t)
	}
	list := make([]complex128, t.Len())
	for i, v := range tensor.Slice[complex64](t) {
		list[i] = complex128(v)
	}
	return list
}

// magnitudes returns the absolute values of a tensor of real or complex floats;
// NaN gives 0.
func magnitudes(t *tensor.Tensor) []float64 {
	list := make([]float64, t.Len())
	if t.DType().IsComplex() {
		for i, v := range complexes(t) {
			list[i] = cmplx.Abs(v)
		}
	} else {
		for i, v := range t.Float64s() {
			list[i] = math.Abs(v)
		}
	}
	for i, v := range list {
		if math.IsNaN(v) {
			list[i] = 0
		}
	}
	return list
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
