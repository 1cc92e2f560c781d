package integer

import "math"

// clipped rounds a number to nearest, ties to even, adds zero and clips; NaN is
// the least.
func clipped(v float64, zero, low, high int32) uint8 {
	v = math.RoundToEven(v) + float64(zero)
	if !(v > float64(low)) {
		return uint8(low)
	}
	return uint8(int32(min(v, float64(high))))
}

func requantizeGeneric(dst []uint8, src []int32, scale []float64, n, rows, dstStep, srcStep int, zero, low, high int32) {
	scale = scale[:n]
	for i := range rows {
		to, from := dst[i*dstStep:][:n], src[i*srcStep:][:n]
		for j, s := range scale {
			to[j] = clipped(float64(from[j])*s, zero, low, high)
		}
	}
}

func rescaleGeneric(dst []uint8, src []int32, factor []float32, n, rows, dstStep, srcStep int, zero, low, high int32) {
	factor = factor[:n]
	for i := range rows {
		to, from := dst[i*dstStep:][:n], src[i*srcStep:][:n]
		for j, f := range factor {
			to[j] = clipped(float64(float32(from[j])*f), zero, low, high)
		}
	}
}

func scaledGeneric(dst []float32, src []int32, factor, bias []float32, n, rows, dstStep, srcStep int) {
	factor, bias = factor[:n], bias[:n]
	for i := range rows {
		to, from := dst[i*dstStep:][:n], src[i*srcStep:][:n]
		for j, f := range factor {
			to[j] = float32(float32(from[j])*f) + bias[j]
		}
	}
}

// number returns what a byte is as an integer.
func number(b uint8, signed bool) int32 {
	if signed {
		return int32(int8(b))
	}
	return int32(b)
}

// fma returns a × b + c, rounded once but for what lies next to the middle of two
// numbers: products of bytes and float32s are exact in float64.
func fma(a, b, c float32) float32 { return float32(float64(a)*float64(b) + float64(c)) }

func addGeneric(dst, a, b []uint8, s *Sum) {
	for i := range dst {
		v := fma(float32(number(b[i], s.Signed)), s.Q, s.R)
		v = fma(float32(number(a[i], s.Signed)), s.P, v)
		dst[i] = clipped(float64(v), s.Zero, s.Low, s.High)
	}
}

func accumulateGeneric(dst []int32, src []uint8, signed bool) {
	for i, b := range src {
		dst[i] += number(b, signed)
	}
}

func filterGeneric(dst []int32, image []uint8, weights, start []int32, offsets []int64, n, columns, step int) {
	for x := range columns {
		to := dst[x*n:][:n]
		copy(to, start)
		for k, o := range offsets {
			from, w := image[int(o)+x*step:][:n], weights[k*n:][:n]
			for j, v := range from {
				to[j] += int32(v) * w[j]
			}
		}
	}
}

func totalGeneric(a []uint8) (sum int32) {
	for _, v := range a {
		sum += int32(v)
	}
	return sum
}

func greatestGeneric(dst, src []uint8, signed bool) {
	if signed {
		for i, v := range src {
			dst[i] = uint8(max(int8(dst[i]), int8(v)))
		}
		return
	}
	for i, v := range src {
		dst[i] = max(dst[i], v)
	}
}

func extentGeneric(a []float32) (least, most float32) {
	for _, v := range a {
		least, most = min(least, v), max(most, v)
	}
	return least, most
}
