package vector

import "math"

func quantizeGeneric(dst []byte, a []float32, scale, zero, low, high float32) {
	a = a[:len(dst)]
	for i := range dst {
		v := float32(math.RoundToEven(float64(a[i]/scale))) + zero
		if !(v > low) {
			v = low
		}
		dst[i] = byte(int32(min(v, high)))
	}
}

func dequantizeGeneric[T int8 | uint8](dst []float32, a []T, scale, zero float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = (float32(a[i]) - zero) * scale
	}
}

func scaleIntegersGeneric(dst []float32, a []int32, scale float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = float32(a[i]) * scale
	}
}
