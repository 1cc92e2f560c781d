package vector

import "math"

// each computes a function of float64s, which has no parameters, and rounds
// once.
func each(dst, a []float32, f func(float64) float64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = float32(f(float64(a[i])))
	}
}

func absGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = math.Float32frombits(math.Float32bits(a[i]) &^ (1 << 31))
	}
}

func negGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = -a[i]
	}
}

func sqrtGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Sqrt) }
func floorGeneric(dst, a []float32, _, _ float32) { each(dst, a, math.Floor) }
func ceilGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Ceil) }
func roundGeneric(dst, a []float32, _, _ float32) { each(dst, a, math.RoundToEven) }
func expGeneric(dst, a []float32, _, _ float32)   { each(dst, a, math.Exp) }
func logGeneric(dst, a []float32, _, _ float32)   { each(dst, a, math.Log) }
func tanhGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Tanh) }
func erfGeneric(dst, a []float32, _, _ float32)   { each(dst, a, math.Erf) }

func reciprocalGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = 1 / a[i]
	}
}

func affineGeneric(dst, a []float32, p, q float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i]*p + q
	}
}

func clipGeneric(dst, a []float32, p, q float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = min(max(a[i], p), q)
	}
}

func leakyReluGeneric(dst, a []float32, p, _ float32) {
	a = a[:len(dst)]
	for i := range dst {
		v := a[i]
		if v < 0 {
			v *= p
		}
		dst[i] = v
	}
}

func thresholdedReluGeneric(dst, a []float32, p, _ float32) {
	a = a[:len(dst)]
	for i, v := range a {
		if !(v > p) {
			v = 0
		}
		dst[i] = v
	}
}

func softsignGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = v / (1 + max(v, -v))
	}
}

func signGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i, v := range a {
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = -1
		case v == 0:
			v = 0
		}
		dst[i] = v
	}
}

func logistic(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

func sigmoidGeneric(dst, a []float32, _, _ float32) { each(dst, a, logistic) }

func hardSigmoidGeneric(dst, a []float32, p, q float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = max(0, min(1, a[i]*p+q))
	}
}

func hardSwishGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * max(0, min(1, a[i]*(1.0/6)+0.5))
	}
}

func swishGeneric(dst, a []float32, p, _ float32) {
	each(dst, a, func(v float64) float64 { return v * logistic(float64(p)*v) })
}

func softplusGeneric(dst, a []float32, _, _ float32) {
	each(dst, a, func(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) })
}

func eluGeneric(dst, a []float32, p, _ float32) {
	each(dst, a, func(v float64) float64 {
		if v < 0 {
			return float64(p) * math.Expm1(v)
		}
		return v
	})
}

func geluGeneric(dst, a []float32, _, _ float32) {
	each(dst, a, func(v float64) float64 { return 0.5 * v * (1 + math.Erf(v/math.Sqrt2)) })
}

func geluTanhGeneric(dst, a []float32, _, _ float32) {
	each(dst, a, func(v float64) float64 {
		return 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
	})
}
