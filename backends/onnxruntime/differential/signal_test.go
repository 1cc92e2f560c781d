package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, signalDraws) }

var signalDraws = map[string]func(d *dice) *sample{
	"BlackmanWindow":  windowFunction,
	"DFT":             dft,
	"HammingWindow":   windowFunction,
	"HannWindow":      windowFunction,
	"MelWeightMatrix": melWeightMatrix,
	"STFT":            stft,
}

func windowFunction(d *dice) *sample {
	n := d.node(tensor.FromInt64s(d.input(0), tensor.Shape{}, []int64{int64(d.between(2, 9))}))
	attribute(n, "output_datatype", int64(d.of("T2")))
	if d.one(2) {
		attribute(n, "periodic", int64(d.IntN(2)))
	}
	return n.accumulates(4)
}

func dft(d *dice) *sample {
	s := append(d.full(d.between(1, 3), 6), d.between(1, 2))
	axis := d.between(1, max(1, len(s)-2))
	if d.since(20) {
		axis = d.between(0, len(s)-2)
	} else if len(s) == 2 {
		s = append(tensor.Shape{2}, s...)
	}
	n := d.node(d.moderate(d.input(0), s))
	if d.one(2) {
		attribute(n, "inverse", int64(d.IntN(2)))
	}
	if s[len(s)-1] == 1 && !n.is("inverse", int64(1)) && d.one(2) {
		attribute(n, "onesided", int64(1))
	}
	length := tensor.Value(nil)
	if d.one(3) {
		length = tensor.FromInt64s(d.input(1), tensor.Shape{}, []int64{int64(d.between(1, 8))})
	}
	if d.since(20) {
		n.inputs = append(n.inputs, length, tensor.Scalar(int64(pick(d, axis, axis-len(s)))))
	} else {
		attribute(n, "axis", int64(axis))
		n.inputs = append(n.inputs, length)
	}
	return n.accumulates(16)
}

func stft(d *dice) *sample {
	frame, step := d.between(2, 6), d.between(1, 3)
	parts := d.between(1, 2)
	s := tensor.Shape{d.between(1, 2), frame + step*d.between(0, 3), parts}
	scalar := func(v int) *tensor.Tensor { return tensor.FromInt64s(d.input(1), tensor.Shape{}, []int64{int64(v)}) }
	n := d.node(d.moderate(d.input(0), s), scalar(step), nil, scalar(frame))
	if d.one(2) {
		n.inputs[2] = d.tensor(d.input(0), tensor.Shape{frame}, 0, 1)
		if d.one(2) {
			n.inputs = n.inputs[:3]
		}
	}
	if parts == 2 || d.one(2) {
		attribute(n, "onesided", int64(0))
	}
	return n.accumulates(16)
}

func melWeightMatrix(d *dice) *sample {
	whole := func(v int) *tensor.Tensor { return tensor.FromInt64s(d.input(0), tensor.Shape{}, []int64{int64(v)}) }
	hertz := func(v float64) *tensor.Tensor { return tensor.FromFloat64s(d.input(3), tensor.Shape{}, []float64{v}) }
	n := d.node(whole(d.between(2, 8)), whole(pick(d, 16, 32, 64)), whole(8192), hertz(pick(d, 0.0, 125)), hertz(pick(d, 4096.0, 3000)))
	attribute(n, "output_datatype", int64(d.of("T3")))
	return n.accumulates(8)
}
