package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, detectionDraws) }

var detectionDraws = map[string]func(d *dice) *sample{
	"NonMaxSuppression": nonMaxSuppression,
}

func nonMaxSuppression(d *dice) *sample {
	batches, classes, boxes := d.between(1, 2), d.between(1, 2), d.between(1, 8)
	var v []float64
	center := d.one(2)
	for range batches * boxes {
		y, x, h, w := d.Float64()*4, d.Float64()*4, 0.5+d.Float64()*2, 0.5+d.Float64()*2
		switch {
		case center:
			v = append(v, x, y, w, h)
		case d.one(4):
			v = append(v, y+h, x+w, y, x)
		default:
			v = append(v, y, x, y+h, x+w)
		}
	}
	scores := d.different(tensor.Float32, tensor.Shape{batches, classes, boxes})
	n := d.node(tensor.FromFloat64s(tensor.Float32, tensor.Shape{batches, boxes, 4}, v), scores)
	if center || d.one(2) {
		attribute(n, "center_point_box", int64(map[bool]int{true: 1}[center]))
	}
	scalar := func(v float32) tensor.Value {
		return tensor.Of([]float32{v}, pick(d, tensor.Shape{}, tensor.Shape{1})...)
	}
	n.inputs = append(n.inputs, ints(int64(d.IntN(5))))
	if d.one(2) {
		n.inputs = append(n.inputs, scalar(pick[float32](d, 0.2, 0.5, 0.9)))
		if d.one(2) {
			n.inputs = append(n.inputs, scalar(pick[float32](d, 0.5, 3.5)))
		}
	}
	return n
}
