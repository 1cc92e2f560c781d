package command

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// printOutputs shows outputs to a person: small ones whole, a list of scores by
// its best, others by shape and range.
func printOutputs(w io.Writer, s *models.Session, outputs map[string]tensor.Value) {
	for _, o := range s.Outputs() {
		fmt.Fprintf(w, "%s: %s\n", o.Name, describe(outputs[o.Name]))
	}
}

// few is how many elements are shown one by one.
const few = 16

func describe(v tensor.Value) string {
	switch x := v.(type) {
	case *tensor.Tensor:
		return describeTensor(x)
	case *tensor.Sequence:
		return fmt.Sprintf("%v of %d", x.Type(), len(x.Items)) + items(x.Items)
	case *tensor.Optional:
		if x.Item == nil {
			return fmt.Sprintf("%v, absent", x.Type())
		}
		return describe(x.Item)
	case *tensor.Map:
		return fmt.Sprintf("%v: %s -> %s", x.Type(), describe(x.Keys), describe(x.Values))
	}
	return fmt.Sprint(v)
}

func items(values []tensor.Value) string {
	var b strings.Builder
	for i, v := range values {
		if i == few {
			b.WriteString("\n  …")
			break
		}
		fmt.Fprintf(&b, "\n  %s", describe(v))
	}
	return b.String()
}

func describeTensor(t *tensor.Tensor) string {
	if t.Len() <= few || t.DType().IsComplex() {
		return t.String()
	}
	head := t.DType().String() + t.Shape().String()
	if t.DType() == tensor.String {
		return fmt.Sprintf("%s %q …", head, t.Strings()[:few])
	}
	values := t.Float64s()
	low, high, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, v := range values {
		low, high, sum = math.Min(low, v), math.Max(high, v), sum+v
	}
	head += fmt.Sprintf(" from %.6g to %.6g, mean %.6g", low, high, sum/float64(len(values)))
	if largest := t.Shape()[t.Rank()-1]; largest == t.Len() {
		head += "; highest: " + best(values, 5)
	}
	return head
}

// best lists the n highest values with their indexes.
func best(values []float64, n int) string {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return values[order[i]] > values[order[j]] })
	parts := make([]string, min(n, len(order)))
	for i := range parts {
		parts[i] = fmt.Sprintf("[%d] %.6g", order[i], values[order[i]])
	}
	return strings.Join(parts, ", ")
}

// valueJSON is an output for machines. Floats that JSON cannot say are strings.
type valueJSON struct {
	Type  string        `json:"type"`
	DType string        `json:"dtype,omitempty"`
	Shape *tensor.Shape `json:"shape,omitempty"`
	Data  any           `json:"data,omitempty"`
}

func toJSON(v tensor.Value) valueJSON {
	j := valueJSON{Type: v.Type().String()}
	switch x := v.(type) {
	case *tensor.Tensor:
		shape := x.Shape()
		j.DType, j.Shape, j.Data = x.DType().String(), &shape, elements(x)
	case *tensor.Sequence:
		list := []valueJSON{}
		for _, item := range x.Items {
			list = append(list, toJSON(item))
		}
		j.Data = list
	case *tensor.Optional:
		if x.Item != nil {
			j.Data = toJSON(x.Item)
		}
	case *tensor.Map:
		j.Data = map[string]valueJSON{"keys": toJSON(x.Keys), "values": toJSON(x.Values)}
	}
	return j
}

func elements(t *tensor.Tensor) any {
	switch {
	case t.DType() == tensor.String:
		return t.Strings()
	case t.DType() == tensor.Bool:
		return tensor.Slice[bool](t)
	case t.DType() == tensor.Uint64:
		return tensor.Slice[uint64](t)
	case t.DType().IsInteger():
		return t.Int64s()
	case t.DType().IsComplex():
		return t.String()
	}
	list := make([]any, t.Len())
	for i, v := range t.Float64s() {
		list[i] = v
		if math.IsNaN(v) || math.IsInf(v, 0) {
			list[i] = fmt.Sprint(v)
		}
	}
	return list
}
