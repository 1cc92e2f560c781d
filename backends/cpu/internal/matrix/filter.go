package matrix

// Filter computes an image of rows × columns pixels from one plane:
//
//	dst[y*columns+x] = clip(bias + Σ weights[k] × image[offsets[k] + y*step + x])
//
// where offsets are in elements, as in a depthwise convolution.
func Filter(dst, image, weights []float32, offsets []int64, rows, columns, step int, bias, low, high float32) {
	if rows <= 0 || columns <= 0 {
		return
	}
	furthest := int64(0)
	for _, o := range offsets {
		if o < 0 {
			panic("matrix: a negative offset into an image")
		}
		furthest = max(furthest, o)
	}
	if len(offsets) > len(weights) || len(dst) < rows*columns || len(offsets) > 0 && len(image) < int(furthest)+(rows-1)*step+columns {
		panic("matrix: operands too short for a filter")
	}
	filter(dst, image, weights, offsets, rows, columns, step, bias, low, high)
}

type filterFunc func(dst, image, weights []float32, offsets []int64, rows, columns, step int, bias, low, high float32)

// filter is the best implementation.
var filter filterFunc = filterGeneric

// filterGeneric is the reference that every other filter is tested against.
func filterGeneric(dst, image, weights []float32, offsets []int64, rows, columns, step int, bias, low, high float32) {
	for y := range rows {
		to := dst[y*columns:][:columns]
		for x := range to {
			to[x] = bias
		}
		for k, o := range offsets {
			w := weights[k]
			from := image[int(o)+y*step:][:columns]
			for x, v := range from {
				to[x] += v * w
			}
		}
		for x, v := range to {
			to[x] = min(max(v, low), high)
		}
	}
}
