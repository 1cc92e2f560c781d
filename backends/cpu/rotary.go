package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// rotary holds RotaryEmbedding.
var rotary = family{{op: "RotaryEmbedding", kernel: "rotary", build: rotaryEmbedding, inputs: [][]tensor.DType{
	{tensor.Float32}, {tensor.Float32}, {tensor.Float32}, {tensor.Int64},
}}}

// turning turns pairs of elements of every vector by the angles of its step:
// (a cos - b sin, a sin + b cos).
type turning struct {
	device *Device
	shape  tensor.Shape
	x      headed
	half   int  // pairs of a vector
	apart  bool // the second elements of pairs lie behind all first ones
	most   int  // positions that there are angles for; 0: there are some for each step
	steps  units[turningRun]
}

// turningRun is one run of a turning.
type turningRun struct {
	dst, x, cos, sin []float32
	positions        []int64 // nil where every step has angles
}

func rotaryEmbedding(d *Device, n *graph.Node) (planner, error) {
	turned := n.Int("rotary_embedding_dim", 0)
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape
		w := &turning{device: d, shape: s.Clone(), apart: !n.Bool("interleaved", false)}
		var ok bool
		if w.x, ok = headsOf(s, n.Int("num_heads", 0)); !ok || s.Size() == 0 || turned < 0 || turned > int64(w.x.size) || turned%2 != 0 {
			return nil, nil
		}
		if w.half = int(turned) / 2; turned == 0 {
			w.half = w.x.size / 2
		}
		angles := tensor.Shape{w.x.batch, w.x.steps, w.half}
		if has(c, 3) {
			if len(c.Inputs[1].Shape) != 2 || !c.Inputs[3].Shape.Equal(angles[:2]) {
				return nil, nil
			}
			w.most = c.Inputs[1].Shape[0]
			angles = tensor.Shape{w.most, w.half}
		}
		if turned == 0 && w.x.size%2 != 0 || w.half == 0 || !c.Inputs[1].Shape.Equal(angles) || !c.Inputs[2].Shape.Equal(angles) {
			return nil, nil
		}
		w.steps.do = w.turnSteps
		return w, nil
	}, nil
}

func (w *turning) run(ctx context.Context, c *operators.Call) error {
	var in [3][]float32
	for i := range in {
		var err error
		if in[i], err = input[float32](c, i); err != nil {
			return err
		}
	}
	var positions []int64
	if has(c, 3) {
		var err error
		if positions, err = input[int64](c, 3); err != nil {
			return err
		}
		for _, p := range positions {
			if p < 0 || p >= int64(w.most) {
				return errUnfit
			}
		}
	}
	dst, err := output[float32](c, 0, tensor.Float32, w.shape)
	if err != nil {
		return err
	}
	return w.steps.each(ctx, w.device, w.x.batch*w.x.steps, w.x.heads*w.x.size, turningRun{dst, in[0], in[1], in[2], positions})
}

// turnSteps turns the vectors of steps [first, end) of all samples.
func (w *turning) turnSteps(t *turningRun, first, end int) {
	for i := first; i < end; i++ {
		angle := i * w.half
		if t.positions != nil {
			angle = int(t.positions[i]) * w.half
		}
		cos, sin := t.cos[angle:][:w.half], t.sin[angle:][:w.half]
		at := i/w.x.steps*w.x.perBatch + i%w.x.steps*w.x.perStep
		for range w.x.heads {
			w.turn(t.dst[at:][:w.x.size], t.x[at:][:w.x.size], cos, sin)
			at += w.x.perHead
		}
	}
}

// turn turns one vector.
func (w *turning) turn(dst, x, cos, sin []float32) {
	n := w.half
	copy(dst[2*n:], x[2*n:])
	if !w.apart {
		for i, c := range cos {
			a, b, s := x[2*i], x[2*i+1], sin[i]
			dst[2*i], dst[2*i+1] = a*c-b*s, a*s+b*c
		}
		return
	}
	first, second, to, next := x[:n], x[n:][:n], dst[:n], dst[n:][:n]
	sin = sin[:n]
	for i, c := range cos[:n] {
		a, b, s := first[i], second[i], sin[i]
		to[i], next[i] = a*c-b*s, a*s+b*c
	}
}
