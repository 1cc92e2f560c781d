package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// rotaryEmbedding turns pairs of elements of every vector by angles that grow
// with its position. The first rotary_embedding_dim elements take part: halves
// against each other, or neighbours where it is interleaved.
func rotaryEmbedding(c *Call) ([]tensor.Value, error) {
	n := c.Node
	x, err := headsOf("X", c.Tensor(0), n.Int("num_heads", 0))
	if err != nil {
		return nil, err
	}
	turned := int(n.Int("rotary_embedding_dim", 0))
	if turned == 0 {
		turned = x.size
	}
	if turned < 0 || turned > x.size || turned%2 != 0 {
		return nil, fmt.Errorf("%d elements of each vector of %d are to be turned: the number must be even and not greater", turned, x.size)
	}
	cos, err := angles(c, "cos_cache", 1, x, turned/2)
	if err != nil {
		return nil, err
	}
	sin, err := angles(c, "sin_cache", 2, x, turned/2)
	if err != nil {
		return nil, err
	}
	interleaved := n.Bool("interleaved", false)
	x.rows(func(b, _, i int, v []float64) {
		re, im := cos(b, i), sin(b, i)
		for k := range turned / 2 {
			first, second := k, k+turned/2
			if interleaved {
				first, second = 2*k, 2*k+1
			}
			v[first], v[second] = re[k]*v[first]-im[k]*v[second], im[k]*v[first]+re[k]*v[second]
		}
	})
	t, err := x.tensor(c.Tensor(0).Rank() == 3)
	if err != nil {
		return nil, err
	}
	return one(t)
}

// angles returns the sines or cosines of a step: a cache (positions, size) that
// position_ids (batch, steps) look into, or (batch, steps, size) without them.
func angles(c *Call, name string, i int, x heads, size int) (func(batch, step int) []float64, error) {
	cache := c.Tensor(i)
	v, shape := cache.Float64s(), cache.Shape()
	if !c.Has(3) {
		if want := (tensor.Shape{x.batch, x.steps, size}); !shape.Equal(want) {
			return nil, fmt.Errorf("%s has the shape %v, without position_ids it must be %v", name, shape, want)
		}
		return func(b, step int) []float64 { return v[(b*x.steps+step)*size:][:size] }, nil
	}
	if len(shape) != 2 || shape[1] != size {
		return nil, fmt.Errorf("%s has the shape %v, with position_ids it must be [positions,%d]", name, shape, size)
	}
	if want := (tensor.Shape{x.batch, x.steps}); !c.Tensor(3).Shape().Equal(want) {
		return nil, fmt.Errorf("position_ids has the shape %v, it must be %v", c.Tensor(3).Shape(), want)
	}
	ids := c.Ints(3)
	for _, id := range ids {
		if id < 0 || id >= int64(shape[0]) {
			return nil, fmt.Errorf("position %d is outside %s, which has %d", id, name, shape[0])
		}
	}
	return func(b, step int) []float64 { return v[int(ids[b*x.steps+step])*size:][:size] }, nil
}
