package cpu

import (
	"math"

	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators/graph"
)

// activation holds Mish, Selu, Celu, ThresholdedRelu, Softsign, Shrink.
var activation = ofFunctions(activations)

// The coefficients of Selu that its schema gives.
const (
	seluAlpha = 1.67326319217681884765625
	seluGamma = 1.05070102214813232421875
)

var activations = functionTable{
	"Mish": plain(mish),
	"Selu": func(n *graph.Node) (vector.Unary, float32, float32) {
		return selu, n.Float("alpha", seluAlpha), n.Float("gamma", seluGamma)
	},
	"Celu": func(n *graph.Node) (vector.Unary, float32, float32) {
		return celu, n.Float("alpha", 1), 0
	},
	"ThresholdedRelu": func(n *graph.Node) (vector.Unary, float32, float32) {
		return vector.ThresholdedRelu, n.Float("alpha", 1), 0
	},
	"Softsign": plain(vector.Softsign),
	"Shrink": func(n *graph.Node) (vector.Unary, float32, float32) {
		return shrink, n.Float("lambd", 0.5), n.Float("bias", 0)
	},
}

// mish is x tanh(ln(1 + e^x)), which is x w / (w + 2) with w = e^x (e^x + 2).
func mish(dst, a []float32, _, _ float32) {
	const (
		block   = 512
		largest = 20 // from here on it is x
	)
	var room [block]float32
	for len(dst) > 0 {
		n := min(len(dst), block)
		e := room[:n]
		vector.Exp(e, a[:n], 0, 0)
		for i, v := range a[:n] {
			if w := e[i] * (e[i] + 2); v < largest {
				v *= w / (w + 2)
			}
			dst[i] = v
		}
		dst, a = dst[n:], a[n:]
	}
}

// selu is q × Elu(x; p).
func selu(dst, a []float32, p, q float32) {
	vector.Elu(dst, a, p, 0)
	vector.MulFloat32.Right(dst, dst, q)
}

// celu is max(0, x) + min(0, p (e^(x/p) - 1)).
func celu(dst, a []float32, p, _ float32) {
	if p == 1 {
		vector.Elu(dst, a, p, 0)
		return
	}
	a = a[:len(dst)]
	alpha := float64(p)
	for i, v := range a {
		if alpha > 0 && v >= 0 {
			dst[i] = v
			continue
		}
		x := float64(v)
		dst[i] = float32(max(0, x) + min(0, alpha*math.Expm1(x/alpha)))
	}
}

// shrink moves elements by q towards 0, which those within p of it become.
func shrink(dst, a []float32, p, q float32) {
	a = a[:len(dst)]
	for i, v := range a {
		switch {
		case v < -p:
			v += q
		case v > p:
			v -= q
		default:
			v = 0
		}
		dst[i] = v
	}
}
