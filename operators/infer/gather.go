package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// gather holds Gather, GatherElements, GatherND, ScatterElements, ScatterND,
// TensorScatter, OneHot, NonZero.
var gather = family{
	"Gather":          gatherOf,
	"GatherElements":  gatherElements,
	"GatherND":        gatherND,
	"ScatterElements": sameAsInput,
	"ScatterND":       sameAsInput,
	"TensorScatter":   sameAsInput,
	"OneHot":          oneHot,
	"NonZero":         nonZero,
}

// gatherOf: data[:axis] ++ indices ++ data[axis+1:].
func gatherOf(c *Call) error {
	data, indices := c.Dims(0), c.Dims(1)
	if !data.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", 0), len(data))
	if err != nil {
		return err
	}
	if !indices.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	out := append(data[:axis].Clone(), indices...)
	c.Set(0, c.DType(0), append(out, data[axis+1:]...))
	values, ok := c.elements(0)
	chosen, known := c.Ints(1)
	if !ok || !known || len(data) != 1 || len(indices) > 1 {
		return nil
	}
	gathered := make([]Int, len(chosen))
	for i, index := range chosen {
		n := int64(len(values))
		if index < -n || index >= n {
			return fmt.Errorf("index %d is outside [%d, %d) of an axis of extent %d", index, -n, n, n)
		}
		gathered[i] = values[(index+n)%n]
	}
	c.SetInts(0, gathered)
	return nil
}

func gatherElements(c *Call) error {
	data, indices := c.Dims(0), c.Dims(1)
	if data.Ranked() {
		if _, err := tensor.Axis(c.Node.Int("axis", 0), len(data)); err != nil {
			return err
		}
		if indices.Ranked() && len(indices) != len(data) {
			return fmt.Errorf("indices of shape %v for data of shape %v; the ranks must be equal", indices, data)
		}
	}
	c.SetLike(0, c.DType(0), 1)
	return nil
}

// gatherND: indices[:-1] ++ data[batch_dims+width:], width being the last extent
// of indices.
func gatherND(c *Call) error {
	data, indices := c.Dims(0), c.Dims(1)
	if !data.Ranked() || !indices.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	batch, least := c.Node.Int("batch_dims", 0), min(len(data), len(indices))
	if least == 0 {
		return fmt.Errorf("data of shape %v and indices of shape %v; both take rank 1 or more", data, indices)
	}
	if batch < 0 || batch >= int64(least) {
		return fmt.Errorf("batch_dims %d is outside [0, %d)", batch, least)
	}
	width := indices[len(indices)-1]
	if !width.IsKnown() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	if int64(width.Size) > int64(len(data))-batch {
		return fmt.Errorf("index tuples of length %d for data of shape %v behind %d batch axes", width.Size, data, batch)
	}
	out := indices[:len(indices)-1].Clone()
	c.Set(0, c.DType(0), append(out, data[int(batch)+width.Size:]...))
	return nil
}

func oneHot(c *Call) error {
	indices, d := c.Dims(0), c.DType(2)
	if !indices.Ranked() {
		c.SetUnranked(0, d)
		return nil
	}
	axis, err := tensor.Axis(c.Node.Int("axis", -1), len(indices)+1)
	if err != nil {
		return err
	}
	depth := tensor.Symbol("")
	if values, ok := c.Values(1); ok && c.DType(1).IsInteger() && len(values) == 1 {
		if values[0].Known && values[0].Value < 0 {
			return fmt.Errorf("depth %d is negative", values[0].Value)
		}
		depth = values[0].Dim()
	}
	out := append(indices[:axis].Clone(), depth)
	c.Set(0, d, append(out, indices[axis:]...))
	return nil
}

// nonZero gives a matrix [rank, count].
func nonZero(c *Call) error {
	rows := tensor.Symbol("")
	if rank, ok := c.Rank(0); ok {
		rows = tensor.Known(rank)
	}
	c.Set(0, tensor.Int64, tensor.Dims{rows, tensor.Symbol("")})
	return nil
}
