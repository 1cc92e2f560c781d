package vector

import "math"

func sumGeneric(a []float32) float32 {
	sum := 0.0
	for _, v := range a {
		sum += float64(v)
	}
	return float32(sum)
}

func sumSquaresGeneric(a []float32, m float32) float32 {
	sum := 0.0
	for _, v := range a {
		d := float64(v) - float64(m)
		sum += d * d
	}
	return float32(sum)
}

func dotGeneric(a, b []float32) float32 {
	b = b[:len(a)]
	sum := 0.0
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return float32(sum)
}

func greatestGeneric(a []float32) float32 {
	most := float32(math.Inf(-1))
	for _, v := range a {
		most = max(most, v)
	}
	return most
}

func leastGeneric(a []float32) float32 {
	least := float32(math.Inf(1))
	for _, v := range a {
		least = min(least, v)
	}
	return least
}

func expSumGeneric(dst, a []float32, m float32) float32 {
	a = a[:len(dst)]
	sum := 0.0
	for i := range dst {
		e := math.Exp(float64(a[i]) - float64(m))
		dst[i] = float32(e)
		sum += e
	}
	return float32(sum)
}

func normalizeGeneric(dst, a, scale, bias []float32, mean, inverse float32) {
	a, scale = a[:len(dst)], scale[:len(dst)]
	for i := range dst {
		dst[i] = (a[i] - mean) * inverse * scale[i]
	}
	if bias != nil {
		addBoth(dst, dst, bias)
	}
}

func addScaledGeneric(dst, a []float32, s float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * s
	}
}

func softmaxGeneric(dst, a, mask, most []float32, rows, n, step, maskStep int, scale float32) {
	for y := range rows {
		row := dst[y*step:][:n]
		for x, v := range a[y*step:][:n] {
			row[x] = float32(v * scale)
			if mask != nil {
				row[x] += mask[y*maskStep+x]
			}
		}
		most[y] = greatestGeneric(row)
		inverse := 1 / expSumGeneric(row, row, most[y])
		for x := range row {
			row[x] *= inverse
		}
	}
}

func dotsGeneric(dst, a, b []float32, rows, aStep int) {
	for y := range rows {
		dst[y] = dotGeneric(b, a[y*aStep:])
	}
}

func distancesGeneric(dst, a, b []float32, rows, aStep int) {
	for y := range rows {
		row, sum := a[y*aStep:][:len(b)], 0.0
		for x, v := range b {
			d := float64(v) - float64(row[x])
			sum += d * d
		}
		dst[y] = float32(sum)
	}
}
