package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// scatterElements writes every update to the place that its index gives along
// an axis.
func scatterElements(c *Call) ([]tensor.Value, error) {
	data, indices, updates := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	axis, err := tensor.Axis(c.Node.Int("axis", 0), data.Rank())
	if err != nil {
		return nil, err
	}
	if !indices.Shape().Equal(updates.Shape()) {
		return nil, fmt.Errorf("indices of shape %v for updates of shape %v; the shapes must be equal", indices.Shape(), updates.Shape())
	}
	to, err := along(data.Shape(), indices, axis)
	if err != nil {
		return nil, err
	}
	return scatterInto(data, to, updates, c.Node.Text("reduction", "none"))
}

// scatterND writes slices of updates to the places that index tuples give.
func scatterND(c *Call) ([]tensor.Value, error) {
	data, indices, updates := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	s, q := data.Shape(), indices.Shape()
	if len(s) == 0 || len(q) == 0 {
		return nil, fmt.Errorf("data of shape %v and indices of shape %v; both take rank 1 or more", s, q)
	}
	starts, width, err := tuples(s, indices, 0)
	if err != nil {
		return nil, err
	}
	inner := s[width:]
	if want := append(q[:len(q)-1].Clone(), inner...); !updates.Shape().Equal(want) {
		return nil, fmt.Errorf("updates have shape %v; data of shape %v and indices of shape %v take %v", updates.Shape(), s, q, want)
	}
	n := inner.Size()
	to := make([]int, 0, updates.Len())
	for _, start := range starts {
		for k := range n {
			to = append(to, start+k)
		}
	}
	return scatterInto(data, to, updates, c.Node.Text("reduction", "none"))
}

// scatterInto combines update i with element to[i] of the data, one after the other.
func scatterInto(data *tensor.Tensor, to []int, updates *tensor.Tensor, reduction string) ([]tensor.Value, error) {
	if updates.DType() != data.DType() {
		return nil, fmt.Errorf("updates are %v, the data %v; the types must be equal", updates.DType(), data.DType())
	}
	if reduction == "none" {
		out := data.Clone()
		place(out, to, updates)
		return one(out)
	}
	switch d := data.DType(); {
	case d == tensor.String:
		return nil, fmt.Errorf("strings have no reduction %q", reduction)
	case d == tensor.Complex64:
		return scatterComplex[complex64](data, to, updates, reduction)
	case d == tensor.Complex128:
		return scatterComplex[complex128](data, to, updates, reduction)
	}
	combine := overReals{
		float:  func(v []float64) []float64 { return combined(v, to, updates.Float64s(), combiner[float64](reduction)) },
		signed: func(v []int64) []int64 { return combined(v, to, updates.Int64s(), combiner[int64](reduction)) },
		unsigned: func(v []uint64) []uint64 {
			return combined(v, to, tensor.Slice[uint64](updates), combiner[uint64](reduction))
		},
	}
	if combiner[float64](reduction) == nil {
		return nil, fmt.Errorf("reduction %q is none of none, add, mul, max, min", reduction)
	}
	return one(combine.apply(data, data.Shape()))
}

// combined folds every update into the element of v that it is meant for.
func combined[T any](v []T, to []int, updates []T, f func(old, update T) T) []T {
	for i, k := range to {
		v[k] = f(v[k], updates[i])
	}
	return v
}

// combiner returns the function of a reduction's name, nil for other names.
func combiner[T wide](reduction string) func(a, b T) T {
	switch reduction {
	case "add":
		return func(a, b T) T { return a + b }
	case "mul":
		return func(a, b T) T { return a * b }
	case "max":
		return func(a, b T) T { return max(a, b) }
	case "min":
		return func(a, b T) T { return min(a, b) }
	}
	return nil
}

func scatterComplex[T complex64 | complex128](data *tensor.Tensor, to []int, updates *tensor.Tensor, reduction string) ([]tensor.Value, error) {
	f := map[string]func(a, b T) T{
		"add": func(a, b T) T { return a + b },
		"mul": func(a, b T) T { return a * b },
	}[reduction]
	if f == nil {
		return nil, fmt.Errorf("%v elements have no reduction %q", data.DType(), reduction)
	}
	out := data.Clone()
	combined(tensor.Slice[T](out), to, tensor.Slice[T](updates), f)
	return one(out)
}

// tensorScatter writes an update into a cache at each sample's write index along
// the sequence axis; mode circular goes on at the beginning.
func tensorScatter(c *Call) ([]tensor.Value, error) {
	cache, update := c.Tensor(0), c.Tensor(1)
	s, u := cache.Shape(), update.Shape()
	axis, err := tensor.Axis(c.Node.Int("axis", -2), len(s))
	if err != nil {
		return nil, err
	}
	if axis == 0 {
		return nil, fmt.Errorf("axis 0 is the batch and cannot be the sequence axis")
	}
	agrees := len(u) == len(s)
	for k := range min(len(s), len(u)) {
		agrees = agrees && (u[k] == s[k] || k == axis && u[k] < s[k])
	}
	if !agrees {
		return nil, fmt.Errorf("an update of shape %v does not fit a cache of shape %v along axis %d", u, s, axis)
	}
	mode := c.Node.Text("mode", "linear")
	if mode != "linear" && mode != "circular" {
		return nil, fmt.Errorf("mode %q is neither linear nor circular", mode)
	}
	starts, err := writeIndexes(c, s[0], s[axis], u[axis], mode == "circular")
	if err != nil {
		return nil, err
	}
	strides := s.Strides()
	to := make([]int, 0, update.Len())
	walk(u, func(at []int) {
		k := 0
		for i, index := range at {
			if i == axis {
				index = (starts[at[0]] + index) % s[axis]
			}
			k += index * strides[i]
		}
		to = append(to, k)
	})
	out := cache.Clone()
	place(out, to, update)
	return one(out)
}

// writeIndexes returns where each sample of a batch is written to in a cache of
// the given capacity.
func writeIndexes(c *Call, batch, capacity, length int, circular bool) ([]int, error) {
	starts := make([]int, batch)
	if !c.Has(2) {
		return starts, nil
	}
	request := c.Ints(2)
	if len(request) != batch {
		return nil, fmt.Errorf("%d write indices for a batch of %d", len(request), batch)
	}
	for i, index := range request {
		switch {
		case circular && capacity > 0:
			index = (index%int64(capacity) + int64(capacity)) % int64(capacity)
		case index < 0 || index > int64(capacity-length):
			return nil, fmt.Errorf("sample %d is written at index %d: %d elements do not fit a cache of %d there", i, index, length, capacity)
		}
		starts[i] = int(index)
	}
	return starts, nil
}
