package reference

import (
	"cmp"
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// mapOf returns input 0, whose values must be a tensor as long as its keys.
func mapOf(c *Call) (*tensor.Map, *tensor.Tensor, error) {
	if !c.Has(0) {
		return nil, nil, fmt.Errorf("the input is absent")
	}
	m, ok := c.Inputs[0].(*tensor.Map)
	if !ok {
		return nil, nil, fmt.Errorf("the input is %v, but must be a map", c.Inputs[0].Type())
	}
	values, ok := m.Values.(*tensor.Tensor)
	if !ok || m.Keys == nil || values.Len() != m.Keys.Len() {
		return nil, nil, fmt.Errorf("a map of type %v whose values are not scalars, one for each key", m.Type())
	}
	return m, values, nil
}

// dictVectorizer puts the values of a map where the vocabulary has their keys,
// in a tensor of shape [1,C]. Keys that the vocabulary lacks are left out.
func dictVectorizer(c *Call) ([]tensor.Value, error) {
	m, values, err := mapOf(c)
	if err != nil {
		return nil, err
	}
	if c.Node.Has("int64_vocabulary") == c.Node.Has("string_vocabulary") {
		return nil, fmt.Errorf("exactly one of int64_vocabulary and string_vocabulary must be set")
	}
	vocabulary := tensor.Of(c.Node.Ints("int64_vocabulary"))
	if c.Node.Has("string_vocabulary") {
		vocabulary = tensor.Of(c.Node.Texts("string_vocabulary"))
	}
	if vocabulary.DType() != m.Keys.DType() {
		return nil, fmt.Errorf("a vocabulary of type %v for keys of type %v", vocabulary.DType(), m.Keys.DType())
	}
	return one(pick(values, tensor.Shape{1, vocabulary.Len()}, placesIn(m.Keys, vocabulary)))
}

var castTargets = map[string]tensor.DType{"TO_FLOAT": tensor.Float32, "TO_STRING": tensor.String, "TO_INT64": tensor.Int64}

// castMap writes the values of a map with integer keys, cast, into a tensor of
// shape [1,N]: DENSE, in the order of their keys; SPARSE, each where its key
// says, of max_map places.
func castMap(c *Call) ([]tensor.Value, error) {
	m, values, err := mapOf(c)
	if err != nil {
		return nil, err
	}
	if !m.Keys.DType().IsInteger() {
		return nil, fmt.Errorf("keys of type %v, but they must be integers", m.Keys.DType())
	}
	to, ok := castTargets[c.Node.Text("cast_to", "TO_FLOAT")]
	if !ok {
		return nil, fmt.Errorf("cast_to %q is none of TO_FLOAT, TO_STRING, TO_INT64", c.Node.Text("cast_to", ""))
	}
	cast, err := castTo(values, to, true, "")
	if err != nil {
		return nil, err
	}
	keys := m.Keys.Int64s()
	switch form := c.Node.Text("map_form", "DENSE"); form {
	case "DENSE":
		order := make([]int, len(keys))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
		return one(pick(cast, tensor.Shape{1, len(keys)}, order))
	case "SPARSE":
		size := c.Node.Int("max_map", 1)
		y, err := tensor.New(cast.DType(), tensor.Shape{1, tensor.Extent(size)})
		if err != nil {
			return nil, fmt.Errorf("max_map is %d: %w", size, err)
		}
		at := make([]int, len(keys))
		for i, k := range keys {
			if k < 0 || k >= size {
				return nil, fmt.Errorf("key %d is outside [0, max_map), max_map being %d", k, size)
			}
			at[i] = int(k)
		}
		place(y, at, cast)
		return one(y)
	default:
		return nil, fmt.Errorf("map_form %q is neither DENSE nor SPARSE", form)
	}
}

// zipMap makes a map from the class labels to the scores of each example.
func zipMap(c *Call) ([]tensor.Value, error) {
	keys, err := labelsOf(c.Node, "classlabels_int64s")
	if err != nil {
		return nil, err
	}
	t := c.Tensor(0)
	x, err := examples(t)
	if err != nil {
		return nil, err
	}
	if x.cols != keys.Len() {
		return nil, fmt.Errorf("%d scores for each example, but %d class labels", x.cols, keys.Len())
	}
	maps := &tensor.Sequence{Elem: tensor.MapType(keys.DType(), tensor.TensorType(tensor.Float32, tensor.Dims{}))}
	for i := range x.rows {
		scores := tensor.FromFloat64s(tensor.Float32, tensor.Shape{x.cols}, x.row(i))
		maps.Items = append(maps.Items, &tensor.Map{Keys: keys, Values: scores})
	}
	return []tensor.Value{maps}, nil
}
